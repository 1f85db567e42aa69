import { CalendarDate } from '@internationalized/date';
import { fireEvent, screen, waitFor } from '@testing-library/svelte';
import { afterEach, expect, test } from 'vitest';
import { page } from 'vitest/browser';
import { highlight } from '../src/lib/inbox/highlight';
import { readMoment } from '../src/lib/shell/dates';
import type { FakeClinic } from './fake/clinic';
import { open } from './open';

const press = (key: string, more: KeyboardEventInit = {}) => fireEvent.keyDown(window, { key, ...more });
const row = (clinic: FakeClinic, id: string) => clinic.conversations.find((each) => each.id === id)!;
/** What was said last is taken back. */
const takeBack = async () => (await screen.findAllByTestId('toast-act')).at(-1)!.click();
const rows = () => screen.findAllByTestId('conversation-row');

afterEach(() => page.viewport(1366, 768));

test('t gives a thread to the bot and takes it back, with one key each', async () => {
  const clinic = open({}, '#/inbox/all/conv-0');
  await screen.findByTestId('act-hand-over');
  await press('t');
  await waitFor(() => expect(row(clinic, 'conv-0').handler).toBe('bot'));
  await screen.findByTitle('Assumir do robô · t');
  await press('t');
  await waitFor(() => expect(row(clinic, 'conv-0').handler).toBe('person'));
});

test('e closes, and the toast takes it back', async () => {
  const clinic = open({}, '#/inbox/needs_reply/conv-0');
  await screen.findByTestId('act-file');
  await press('e');
  await waitFor(() => expect(row(clinic, 'conv-0').status).toBe('closed'));
  expect(await screen.findByText(/^Fechou: /)).toBeVisible();
  await takeBack();
  await waitFor(() => expect(row(clinic, 'conv-0').status).toBe('open'));
});

test('s puts aside until a time that is typed', async () => {
  const clinic = open({}, '#/inbox/all/conv-0');
  await screen.findByTestId('act-snooze');
  await press('s');
  const field = await screen.findByTestId('snooze');
  await fireEvent.input(field, { target: { value: 'amanhã 14h' } });
  await waitFor(() => expect(document.querySelectorAll('.chooser-item').length).toBe(1));
  await fireEvent.keyDown(field, { key: 'Enter' });
  await waitFor(() => expect(row(clinic, 'conv-0').status).toBe('snoozed'));
  expect(new Date(row(clinic, 'conv-0').snoozed_until!).getUTCHours()).toBe(17);
});

test('a gives a thread to whoever is chosen', async () => {
  const clinic = open({}, '#/inbox/all/conv-1');
  await screen.findByTestId('act-assign');
  await press('a');
  const field = await screen.findByTestId('assign');
  await fireEvent.input(field, { target: { value: 'beatriz' } });
  await screen.findByText('Beatriz Nunes');
  await fireEvent.keyDown(field, { key: 'Enter' });
  await waitFor(() => expect(row(clinic, 'conv-1').assignee).toBe('Beatriz Nunes'));
  expect(await screen.findByText(/^Passou para Beatriz Nunes: /)).toBeVisible();
});

test('g makes a label that nobody has used yet', async () => {
  const clinic = open({}, '#/inbox/all/conv-0');
  await screen.findByTestId('act-more');
  await press('g');
  const field = await screen.findByTestId('label');
  await fireEvent.input(field, { target: { value: 'cirurgia' } });
  await screen.findByText('Nova: cirurgia');
  await fireEvent.keyDown(field, { key: 'Enter' });
  await waitFor(() => expect(row(clinic, 'conv-0').labels).toContain('cirurgia'));
});

test('a thread marked as unread waits among those to be answered', async () => {
  const clinic = open({}, '#/inbox/all/conv-2');
  await screen.findByTestId('act-more');
  const before = Number(screen.getByTestId('view-needs_reply').querySelector('.count')!.textContent);
  await press('u');
  await waitFor(() => expect(row(clinic, 'conv-2').marked_unread).toBe(true));
  await waitFor(() =>
    expect(screen.getByTestId('view-needs_reply').querySelector('.count')!.textContent).toBe(
      String(before + 1),
    ),
  );
});

test('each action is one click away, and listed under one where there is no room', async () => {
  const clinic = open({}, '#/inbox/all/conv-2');
  const shown = [
    'hand-over',
    'assign',
    'snooze',
    'file',
    'priority',
    'label',
    'unread',
    'block',
    'book',
    'call',
    'copy',
  ];
  for (const name of shown) expect(await screen.findByTestId(`act-${name}`), name).toBeVisible();
  expect(screen.getByTestId('act-more')).not.toBeVisible();
  screen.getByTestId('act-unread').click();
  await waitFor(() => expect(row(clinic, 'conv-2').marked_unread).toBe(true));
  screen.getByTestId('act-priority').click();
  await fireEvent.click(await screen.findByText('urgente'));
  await waitFor(() => expect(row(clinic, 'conv-2').priority).toBe('urgent'));

  await page.viewport(1024, 700);
  screen.getByTestId('act-book').click();
  await waitFor(() => expect(screen.getByTestId('act-more')).toBeVisible());
  expect(screen.getByTestId('act-block')).not.toBeVisible();
  screen.getByTestId('act-more').click();
  await fireEvent.click(await screen.findByText('Bloquear pessoa'));
  await waitFor(() => expect(row(clinic, 'conv-2').is_blocked).toBe(true));
});

test('several are picked with x and a range, closed at once, and taken back with one word', async () => {
  const clinic = open({}, '#/inbox/needs_reply');
  const all = await rows();
  const ids = all.slice(0, 4).map((each) => each.dataset.conversationId!);
  all[0]!.focus();
  await press('x');
  expect((await screen.findByTestId('picked')).textContent).toBe('1 escolhida');
  await fireEvent.click((await rows())[3]!, { shiftKey: true });
  await waitFor(() => expect(screen.getByTestId('picked').textContent).toBe('4 escolhidas'));
  await press('e');
  await waitFor(() => expect(ids.every((id) => row(clinic, id).status === 'closed')).toBe(true));
  expect(await screen.findByText('Fechou: 4 conversas')).toBeVisible();
  expect(screen.queryByTestId('bulk'), 'nothing is picked any more').toBeNull();
  await takeBack();
  await waitFor(() => expect(ids.every((id) => row(clinic, id).status === 'open')).toBe(true));
});

test('Ctrl A picks the whole list, and Escape none of it', async () => {
  open({}, '#/inbox/all');
  await rows();
  await press('a', { ctrlKey: true });
  await waitFor(() => expect(screen.getByTestId('picked').textContent).toBe('60 escolhidas'));
  await press('Escape');
  await waitFor(() => expect(screen.queryByTestId('bulk')).toBeNull());
});

test('whoever is blocked asks for no answer and stays where everything is', async () => {
  const clinic = open({}, '#/inbox/needs_reply/conv-0');
  await screen.findByTestId('act-more');
  const name = row(clinic, 'conv-0').name;
  await press('!');
  await waitFor(() => expect(row(clinic, 'conv-0').is_blocked).toBe(true));
  expect(await screen.findByText(`Bloqueou: ${name}. Nada mais é enviado a esta pessoa.`)).toBeVisible();
  await waitFor(() => expect(document.querySelector('[data-conversation-id=conv-0]')).toBeNull());
  (await screen.findByTestId('view-blocked')).click();
  await waitFor(() => expect(document.querySelector('[data-conversation-id=conv-0]')).not.toBeNull());
});

test('what was put aside comes back when its time comes', async () => {
  const clinic = open({}, '#/inbox/needs_reply');
  await rows();
  Object.assign(row(clinic, 'conv-5'), {
    status: 'snoozed',
    snoozed_until: new Date(Date.now() + 900).toISOString(),
    waiting_since: null,
  });
  clinic.tell(['inbox']);
  await waitFor(() => expect(document.querySelector('[data-conversation-id=conv-5]')).toBeNull());
  await waitFor(() => expect(clinic.conversations.some((each) => each.came_back_at)).toBe(true), {
    timeout: 4000,
  });
});

test('a filter is kept as a list of its own, counted, and removed', async () => {
  const clinic = open({}, '#/inbox/all');
  await rows();
  await press('f');
  const label = await screen.findByTestId<HTMLSelectElement>('filter-label');
  await waitFor(() => expect(label.options.length).toBeGreaterThan(1));
  await fireEvent.change(label, { target: { value: 'orçamento' } });
  await fireEvent.input(await screen.findByTestId('filter-name'), { target: { value: 'Orçamentos' } });
  await fireEvent.click(screen.getByTestId('filter-save'));
  const view = await screen.findByText('Orçamentos');
  const wanted = clinic.conversations.filter((each) => each.labels.includes('orçamento')).length;
  await waitFor(() => expect(view.parentElement!.textContent).toContain(String(wanted)));
  expect(clinic.preferences.saved_views[0]!.shows).toEqual({
    view: 'all',
    filter: { label: 'orçamento', assignee_id: null, channel_id: null, waiting_minutes: null },
  });
  await waitFor(async () => expect((await rows()).length).toBe(wanted));
  screen.getByTestId('view-remove').click();
  await waitFor(() => expect(clinic.preferences.saved_views).toEqual([]));
});

test('the clinic says from when a wait is amber and red', async () => {
  const clinic = open({}, '#/inbox/needs_reply');
  await rows();
  const hot = () => document.querySelectorAll('.since.hot').length;
  const before = hot();
  await clinic.call('set_wait_limits', { amber_minutes: 1, red_minutes: 2 });
  await waitFor(() => expect(hot()).toBeGreaterThan(before));
});

test('messages are found beside people, marked, and older ones in the clinic on demand', async () => {
  open({}, '#/inbox/all');
  await rows();
  const filter = screen.getByTestId('inbox-filter');
  await fireEvent.input(filter, { target: { value: 'avaliacao' } });
  const found = await screen.findAllByTestId('found-message');
  expect(found[0]!.querySelector('mark')!.textContent!.toLowerCase()).toContain('avaliação');
  screen.getByTestId('search-older').click();
  expect(await screen.findByText(/Há dois anos/)).toBeVisible();
  expect(await screen.findByText('Não há outras mensagens com essas palavras.')).toBeVisible();
});

test('messages are found of one day, and in one thread alone', async () => {
  const clinic = open({}, '#/inbox/all/conv-0');
  await rows();
  await fireEvent.input(screen.getByTestId('inbox-filter'), { target: { value: 'limpeza ontem' } });
  expect((await screen.findByText(/^Mensagens de /)).textContent).toContain('(');
  await fireEvent.input(screen.getByTestId('inbox-filter'), { target: { value: 'avaliacao' } });
  const all = (await screen.findAllByTestId('found-message')).length;
  screen.getByTestId('found-only').click();
  await waitFor(() => expect(screen.queryAllByTestId('found-message').length).toBeLessThan(all));
  const asked = clinic.asked.findLast(({ cmd }) => cmd === 'search_everything')!.payload;
  expect(asked).toMatchObject({ text: 'avaliacao', scope: { conversation_id: 'conv-0' } });
});

test('without a line the older messages say so', async () => {
  open({ status: { connection: 'offline', offline_since: new Date().toISOString() } }, '#/inbox/all');
  await rows();
  await fireEvent.input(screen.getByTestId('inbox-filter'), { target: { value: 'avaliacao' } });
  (await screen.findByTestId('search-older')).click();
  expect(await screen.findByText(/As mensagens antigas ficam no banco da clínica/)).toBeVisible();
});

test('two people become one, and two again', async () => {
  const clinic = open({}, '#/inbox/all/conv-0');
  const before = clinic.conversations.length;
  const other = clinic.conversations[4]!;
  (await screen.findByTestId('open-merge')).click();
  await fireEvent.input(await screen.findByTestId('merge-search'), { target: { value: other.name } });
  (await screen.findAllByTestId('merge-person'))[0]!.click();
  expect(await screen.findByText(/Dá para desfazer por 30 dias/)).toBeVisible();
  (await screen.findByTestId('merge-confirm')).click();
  await waitFor(() => expect(clinic.conversations.length).toBe(before - 1));
  expect(await screen.findByText(/^Reuniu com /)).toBeVisible();
  await takeBack();
  await waitFor(() => expect(clinic.threads.merges).toEqual([]));
});

test('joining people without a line says so and does nothing', async () => {
  const clinic = open(
    { status: { connection: 'offline', offline_since: new Date().toISOString() } },
    '#/inbox/all/conv-0',
  );
  const before = clinic.conversations.length;
  (await screen.findByTestId('open-merge')).click();
  await fireEvent.input(await screen.findByTestId('merge-search'), {
    target: { value: clinic.conversations[4]!.name },
  });
  (await screen.findAllByTestId('merge-person'))[0]!.click();
  (await screen.findByTestId('merge-confirm')).click();
  expect(await screen.findByText(/Não há conexão com o banco da clínica agora/)).toBeVisible();
  expect(clinic.conversations.length).toBe(before);
});

test('how long the person waited stands beside the thread', async () => {
  open({}, '#/inbox/all/conv-1');
  expect((await screen.findByTestId('talk-times')).textContent).toBe('respondeu em 3 minutos');
});

test.each([
  ['amanhã 14h', '2026-11-22T14:00:00'],
  ['24/11 9:30', '2026-11-24T09:30:00'],
  ['sexta', '2026-11-27T08:00:00'],
  ['15h', '2026-11-21T15:00:00'],
  ['terça às 10h', '2026-11-24T10:00:00'],
  ['25h', undefined],
  ['maria', undefined],
])('“%s” on a Saturday in November means %s', (text, meant) => {
  expect(readMoment(text, new CalendarDate(2026, 11, 21))?.toString()).toBe(meant);
});

test('what was searched for is marked whatever its accents', () => {
  const shown = (text: string, wanted: string) =>
    highlight(text, wanted)
      .map((piece) => (piece.found ? `[${piece.text}]` : piece.text))
      .join('');
  expect(shown('João da Conceição', 'conceicao')).toBe('João da [Conceição]');
  expect(shown('(11) 98888-7777', '8887')).toBe('(11) 98[888-7]777');
  expect(shown('Maria', '')).toBe('Maria');
  expect(shown('Maria', 'z')).toBe('Maria');
});
