import { screen, waitFor } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import { open } from './open';

const owner = {
  state: 'ready' as const,
  clinic: { id: 'c', name: 'Clínica Acácia', time_zone: 'America/Sao_Paulo', kind: 'sample' },
  member: { id: 'me', name: 'Júlia Andrade', role: 'owner' },
};

test('whoever leads the clinic says what is asked after closing, with words to begin with', async () => {
  const program = open({ session: owner }, '#/settings');
  const on = await screen.findByTestId<HTMLInputElement>('survey-on');
  const save = screen.getByTestId<HTMLButtonElement>('survey-save');
  expect(on.checked).toBe(false);
  expect(save.disabled).toBe(true);
  on.click();
  const question = await screen.findByTestId<HTMLTextAreaElement>('survey-question');
  expect(question.value).toContain('De 1 a 5');
  question.value = 'De 1 a 5, como foi?';
  question.dispatchEvent(new Event('input', { bubbles: true }));
  const hours = screen.getByTestId<HTMLInputElement>('survey-hours');
  hours.value = '48';
  hours.dispatchEvent(new Event('input', { bubbles: true }));
  await waitFor(() => expect(save.disabled).toBe(false));
  save.click();
  await waitFor(async () =>
    expect(await program.call('get_survey', {})).toEqual({
      on: true,
      question: 'De 1 a 5, como foi?',
      hours: 48,
    }),
  );
});

test('what the person said stands beside the thread', async () => {
  const program = open();
  await screen.findByTestId('status-line');
  const row = program.conversations[0]!;
  program.threads.liked.set(row.id, { score: 4, said_at: new Date().toISOString() });
  location.hash = `#/inbox/all/${row.id}`;
  expect((await screen.findByTestId('satisfaction')).textContent).toContain('Avaliou com 4 de 5');
});
