import { screen, waitFor } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import { open } from './open';

const ana = { member_id: 'ana', name: 'Ana Prado', typing: false };
const bia = { member_id: 'bia', name: 'Bia Nunes', typing: false };

async function thread(program: ReturnType<typeof open>) {
  await screen.findByTestId('status-line');
  const { id } = program.conversations[0]!;
  location.hash = `#/inbox/all/${id}`;
  const said = await screen.findByTestId('company');
  const there = (...people: (typeof ana)[]) => {
    program.threads.company.set(id, people);
    program.tell(['company']);
  };
  return { id, said, there };
}

test('who else has the thread open is seen, and who of them is writing', async () => {
  const { said, there } = await thread(open());
  expect(said.textContent?.trim()).toBe('');
  there(ana);
  await waitFor(() => expect(said).toHaveTextContent('Ana também está nesta conversa'));
  there(ana, { ...bia, typing: true });
  await waitFor(() => expect(said).toHaveTextContent('Bia está digitando…'));
  there(ana, bia);
  await waitFor(() => expect(said).toHaveTextContent('Ana e Bia também estão nesta conversa'));
  there(ana, bia, { member_id: 'caio', name: 'Caio Reis', typing: false });
  await waitFor(() => expect(said).toHaveTextContent('3 pessoas também estão nesta conversa'));
  there();
  await waitFor(() => expect(said.textContent?.trim()).toBe(''));
});

test('a burst of keys is one word to the others, and sending is another', async () => {
  const program = open();
  const { id } = await thread(program);
  const area = await screen.findByTestId<HTMLTextAreaElement>('composer');
  const told = () => program.asked.filter(({ cmd }) => cmd === 'note_typing').map(({ payload }) => payload);
  for (const text of ['B', 'Bo', 'Bom', 'Bom dia']) {
    area.value = text;
    area.dispatchEvent(new Event('input', { bubbles: true }));
  }
  await waitFor(() => expect(told()).toEqual([{ conversation_id: id, typing: true }]));
  screen.getByTestId('send').click();
  await waitFor(() => expect(told()).toHaveLength(2));
  expect(told()[1]).toEqual({ conversation_id: id, typing: false });
});
