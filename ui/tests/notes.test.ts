import { fireEvent, screen, waitFor } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import { memberAt, mentionPieces, named } from '../src/lib/inbox/composer/typed';
import type { FakeClinic } from './fake/clinic';
import { members } from './fake/threads';
import { open } from './open';

const composer = () => screen.findByTestId<HTMLTextAreaElement>('composer');
const onScreen = (key: string) => fireEvent.keyDown(window, { key });
const press = (area: HTMLElement, key: string, more: KeyboardEventInit = {}) =>
  fireEvent.keyDown(area, { key, ...more });
const last = (clinic: FakeClinic, id: string) => clinic.messages.get(id)!.at(-1)!;

async function type(area: HTMLTextAreaElement, words: string) {
  area.focus();
  area.setSelectionRange(area.value.length, area.value.length);
  document.execCommand('insertText', false, words);
  await waitFor(() => expect(area.value.endsWith(words)).toBe(true));
}

test('a member is named by a sign where a word begins', () => {
  expect(memberAt('veja @Bea', 9)).toEqual({ word: 'Bea', from: 5, until: 9 });
  expect(memberAt('(@', 2)).toEqual({ word: '', from: 1, until: 2 });
  expect(memberAt('ana@clinica', 11)).toBeUndefined();
  expect(named(members, 'nunes').map(({ id }) => id)).toEqual(['bia']);
  expect(named(members, 'jul').map(({ id }) => id)).toEqual(['me']);
  expect(named(members, 'Ana Prado '), 'whoever is named in full').toEqual([]);
});

test('the names in a note are told from its words', () => {
  const mentions = [
    { id: 'a', name: 'Ana' },
    { id: 'b', name: 'Ana Prado' },
  ];
  expect(mentionPieces({ body: '@Ana Prado e @Ana.', mentions })).toEqual([
    { text: '@Ana Prado', named: true },
    { text: ' e ', named: false },
    { text: '@Ana', named: true },
    { text: '.', named: false },
  ]);
});

test('n, words, a name and Enter keep a note that is not sent', async () => {
  const clinic = open({}, '#/inbox/all/conv-3');
  const area = await composer();
  const waits = clinic.conversations[3]!.waiting_since;
  await onScreen('n');
  await waitFor(() => expect(area.getAttribute('aria-label')).toBe('Nota interna'));
  await type(area, 'Falar com @bea');
  expect(await screen.findAllByTestId('suggestion')).toHaveLength(1);
  await press(area, 'Enter');
  await waitFor(() => expect(area.value).toBe('Falar com @Beatriz Nunes '));
  await press(area, 'Enter');
  await waitFor(() => expect(last(clinic, 'conv-3').direction).toBe('internal'));
  expect(last(clinic, 'conv-3').mentions.map(({ id }) => id)).toEqual(['bia']);
  expect(clinic.asked.some(({ cmd }) => cmd === 'send_message')).toBe(false);
  expect(clinic.conversations[3]!.waiting_since, 'nobody was answered').toBe(waits);
  await waitFor(() => expect(area.getAttribute('aria-label')).toBe('Resposta'));
  const author = await screen.findByText('Nota interna de Júlia Andrade');
  await waitFor(() => expect(author).toBeVisible());
  expect(screen.getByText('@Beatriz Nunes').tagName).toBe('B');
});

test('the answer waits while a note is written', async () => {
  const clinic = open({}, '#/inbox/all/conv-6');
  const area = await composer();
  await type(area, 'a resposta');
  screen.getByTestId('note-button').click();
  await waitFor(() => expect(area.value).toBe(''));
  await type(area, 'a nota');
  await waitFor(() =>
    expect(clinic.composer.drafts.get('conv-6')).toEqual({
      text: 'a resposta',
      note: 'a nota',
      quoted_id: null,
    }),
  );
  await press(area, 'Escape');
  await waitFor(() => expect(area.value).toBe('a resposta'));
});

test('whoever is named finds the thread in a list, until they have seen it', async () => {
  const clinic = open({}, '#/inbox/all');
  const list = await screen.findByTestId('view-mentioned');
  expect(list.textContent).toContain('1');
  expect((await screen.findAllByTestId('row-mentioned')).length).toBe(1);
  list.click();
  (await screen.findByTestId('conversation-row')).click();
  await waitFor(() => expect(clinic.conversations[1]!.is_mentioned).toBe(false));
  await waitFor(() => expect(screen.queryByTestId('row-mentioned')).toBeNull());
});

test('r answers the newest message of the person, arrows choose another, Escape none', async () => {
  const clinic = open({}, '#/inbox/all/conv-4');
  const area = await composer();
  const thread = clinic.messages.get('conv-4')!;
  const newest = thread.findLast((message) => message.direction === 'inbound')!;
  await onScreen('r');
  expect((await screen.findByTestId('quote')).textContent).toContain(newest.body);
  await waitFor(() => expect(document.activeElement).toBe(area));
  await press(area, 'ArrowUp');
  const before = thread[thread.indexOf(newest) - 1]!;
  await waitFor(() => expect(screen.getByTestId('quote').textContent).toContain(before.body));
  await press(area, 'Escape');
  await waitFor(() => expect(screen.queryByTestId('quote')).toBeNull());
  expect(document.activeElement).toBe(area);
});

test('a message is answered with its quote', async () => {
  const clinic = open({}, '#/inbox/all/conv-5');
  const area = await composer();
  const answer = (await screen.findAllByTestId('answer')).at(-1)!;
  answer.click();
  await screen.findByTestId('quote');
  await type(area, 'Pode sim.');
  await press(area, 'Enter');
  await waitFor(() => expect(last(clinic, 'conv-5').body).toBe('Pode sim.'));
  expect(last(clinic, 'conv-5').quoted?.id).toBeTruthy();
  await waitFor(() => expect(screen.queryByTestId('quote')).toBeNull());
});

test('a message waits for its time, is changed, called off and wanted after all', async () => {
  const clinic = open({}, '#/inbox/all/conv-7');
  const area = await composer();
  const before = clinic.messages.get('conv-7')!.length;
  await type(area, 'Bom dia, confirmando.');
  await press(area, 'Enter', { altKey: true });
  const when = await screen.findByTestId('send-later');
  await fireEvent.input(when, { target: { value: 'amanhã 9h' } });
  await waitFor(() => expect(document.querySelectorAll('.chooser-item').length).toBe(1));
  await fireEvent.keyDown(when, { key: 'Enter' });
  const row = await screen.findByTestId('scheduled-message');
  expect(row.textContent).toContain('Bom dia, confirmando.');
  expect(row.textContent).toContain('9:00');
  expect(clinic.messages.get('conv-7')).toHaveLength(before);
  await waitFor(() => expect(area.value).toBe(''));

  screen.getByTestId('reschedule-button').click();
  const other = await screen.findByTestId('reschedule');
  await fireEvent.input(other, { target: { value: 'amanhã 10h' } });
  await waitFor(() => expect(document.querySelectorAll('.chooser-item').length).toBe(1));
  await fireEvent.keyDown(other, { key: 'Enter' });
  await waitFor(() => expect(screen.getByTestId('scheduled-message').textContent).toContain('10:00'));

  screen.getByTestId('scheduled-cancel').click();
  await waitFor(() => expect(screen.queryByTestId('scheduled-message')).toBeNull());
  (await screen.findAllByTestId('toast-act')).at(-1)!.click();
  await screen.findByTestId('scheduled-message');
  screen.getByTestId('scheduled-now').click();
  await waitFor(() => expect(last(clinic, 'conv-7').body).toBe('Bom dia, confirmando.'));
});

test('a time that is over is refused, and the words stay', async () => {
  open({ refuse: { send_message: 'time_passed' } }, '#/inbox/all/conv-9');
  const area = await composer();
  await type(area, 'tarde demais');
  await press(area, 'Enter', { altKey: true });
  const when = await screen.findByTestId('send-later');
  await fireEvent.input(when, { target: { value: 'amanhã 9h' } });
  await waitFor(() => expect(document.querySelectorAll('.chooser-item').length).toBe(1));
  await fireEvent.keyDown(when, { key: 'Enter' });
  expect(await screen.findByText(/O texto continua aqui/)).toBeVisible();
  expect(area.value).toBe('tarde demais');
});
