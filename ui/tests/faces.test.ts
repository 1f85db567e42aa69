import { fireEvent, screen, waitFor } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import { bodyPieces } from '../src/lib/inbox/body';
import { otherKind, whyNotSent } from '../src/lib/inbox/kinds';
import { firstUnread, withDays } from '../src/lib/inbox/thread';
import type { FakeClinic } from './fake/clinic';
import { open } from './open';

const inView = (element: Element) => {
  const box = element.getBoundingClientRect();
  const frame = screen.getByTestId('thread').getBoundingClientRect();
  return box.top >= frame.top && box.bottom <= frame.bottom;
};
const bubble = (id: string) => document.querySelector(`[data-message-id="${id}"]`);
const thread = (clinic: FakeClinic, id: string) => clinic.messages.get(id)!;

test('a place, cards, a poll and a deleted message have faces of their own', async () => {
  open({}, '#/inbox/all/conv-2');
  const address = await screen.findByText('Av. Paulista, 1578, São Paulo');
  await waitFor(() => expect(address).toBeVisible());
  const map = screen.getByText('Abrir o mapa') as HTMLAnchorElement;
  expect(map.href).toContain('mlat=-23.56140&mlon=-46.65590');
  expect(map.rel).toBe('noreferrer');
  expect((screen.getByText('(11) 97777-1234') as HTMLAnchorElement).href).toBe('tel:+5511977771234');
  expect(screen.getByText('ramal 12').tagName).not.toBe('A');
  expect(screen.getByText('Dra. Paula')).toBeVisible();
  expect(await screen.findByText('Terça de manhã')).toBeVisible();
  expect(screen.getAllByText('Qual dia é melhor?'), 'said once').toHaveLength(1);
  expect(screen.getByText('Mensagem apagada')).toBeVisible();
});

test('a poll counts the votes that are known and says of the others that nobody can read them', async () => {
  open({}, '#/inbox/all/conv-2');
  const poll = await screen.findByTestId('poll');
  const options = [...poll.querySelectorAll('li')].map((option) =>
    option.textContent.replace(/\s+/g, ' ').trim(),
  );
  expect(options).toEqual(['Terça de manhã', 'Quinta à tarde 2']);
  expect(poll.querySelectorAll('li')[1]!.title).toContain('a clínica');
  expect(screen.queryByTestId('vote-unreadable')).toBeNull();
  const vote = screen.getByTestId('vote');
  expect(vote.textContent).toContain('Votou em: Quinta à tarde');
  expect(vote.closest('[data-testid=message]')!.querySelector('.body'), 'said once').toBeNull();
});

test('a vote that WhatsApp lets nobody read is no vote for anything', async () => {
  open({}, '#/inbox/all/conv-5');
  const poll = await screen.findByTestId('poll');
  expect(poll.textContent).toContain('Quinta à tarde 1');
  expect((await screen.findByTestId('vote-unreadable')).textContent).toContain('criptografa');
  expect(screen.getByTestId('vote').textContent).toContain('não pôde ser lido');
});

test('what cannot be shown says what it is', async () => {
  open({}, '#/inbox/all/conv-5');
  expect((await screen.findByTestId('unsupported')).textContent).toContain('Ligação');
  expect(otherKind('viewOnceMessageV2')).toContain('visualização única');
  expect(otherKind('scheduledCallCreationMessage')).toContain('Ligação');
  expect(otherKind('requestPaymentMessage')).toContain('Pagamento');
  expect(otherKind('somethingNew')).toBeUndefined();
});

test('why a message failed is said in our words, else in the gateway’s', () => {
  expect(whyNotSent({ error_code: 'not_on_whatsapp', error_text: 'x' })).toBe('o número não tem WhatsApp');
  expect(whyNotSent({ error_code: 'other', error_text: 'rate overlimit' })).toBe('rate overlimit');
  expect(whyNotSent({ error_code: null, error_text: null })).toBeUndefined();
});

test('addresses in a text are links that say where they lead', () => {
  const pieces = (body: string) => bodyPieces({ body, mentions: [] });
  expect(pieces('veja https://exemplo.com/a?b=1, sim')).toEqual([
    { text: 'veja ' },
    { text: 'https://exemplo.com/a?b=1', link: { to: 'https://exemplo.com/a?b=1', host: 'exemplo.com' } },
    { text: ', sim' },
  ]);
  expect(pieces('www.exemplo.com')[0]?.link?.to).toBe('https://www.exemplo.com/');
  expect(pieces('https://bаnco.com/x')[0]?.link?.host, 'a letter that looks like another').toMatch(/^xn--/);
  for (const text of ['javascript:alert(1)', 'https://banco.com@mau.com/', 'ola.pessoal', 'file:///etc'])
    expect(
      pieces(text).some((piece) => piece.link),
      text,
    ).toBe(false);
});

test('ticks say when it arrived and when it was read', async () => {
  const clinic = open({}, '#/inbox/all/conv-3');
  await screen.findByTestId('composer');
  const message = {
    ...thread(clinic, 'conv-3').at(-1)!,
    id: 'ticked',
    direction: 'outbound',
    sender_kind: 'member',
    status: 'read',
    sent_at: new Date(Date.now() - 60_000).toISOString(),
    delivered_at: new Date(Date.now() - 50_000).toISOString(),
    read_at: new Date(Date.now() - 40_000).toISOString(),
  };
  thread(clinic, 'conv-3').push(message);
  clinic.tell(['inbox'], ['conv-3']);
  await waitFor(() => expect(bubble('ticked')).not.toBeNull());
  const tick = bubble('ticked')!.querySelector<HTMLElement>('[data-tick]')!;
  expect(tick.title).toMatch(/^Lida · lida \d\d:\d\d · entregue \d\d:\d\d$/);
});

test('a line stands before the first unread message, also where a day begins', () => {
  const clinic = open({}, '#/inbox/all');
  const messages = thread(clinic, 'conv-0');
  const opened = { count: 3, last: messages.at(-1)?.id };
  const unread = firstUnread(messages, opened, false);
  expect(unread?.count).toBe(3);
  const items = withDays(messages, unread);
  const at = items.findIndex((item) => 'unread' in item);
  expect(items[at + 1]?.key).toBe(unread?.id);
  expect(firstUnread(messages, { ...opened, count: 0 }, true)).toBeUndefined();
  expect(firstUnread([], opened, true)).toBeUndefined();
});

test('o leads to the first unread message, however far above', async () => {
  const clinic = open({}, '#/inbox/all');
  clinic.conversations[0]!.unread_count = 40;
  location.hash = '#/inbox/all/conv-0';
  expect(await screen.findByTestId('first-unread')).toBeVisible();
  await fireEvent.keyDown(window, { key: 'o' });
  // On the way there it may come into the page, leave it and come again.
  await waitFor(() => expect(inView(screen.getByTestId('unread-line'))).toBe(true));
  await waitFor(() => expect(screen.queryByTestId('first-unread')).toBeNull());
});

test('a quote leads to the message that it quotes', async () => {
  const clinic = open({}, '#/inbox/all/conv-0');
  await screen.findByTestId('composer');
  const far = thread(clinic, 'conv-0')[20]!;
  thread(clinic, 'conv-0').push({
    ...thread(clinic, 'conv-0').at(-1)!,
    id: 'answer',
    body: 'respondendo lá atrás',
    quoted: { id: far.id, preview: far.body, direction: far.direction, kind: 'text' },
  });
  clinic.tell(['inbox'], ['conv-0']);
  await screen.findByText('respondendo lá atrás');
  (await waitFor(() => bubble('answer')!.querySelector<HTMLButtonElement>('[data-testid=jump]')!)).click();
  await waitFor(() => expect(bubble(far.id)).not.toBeNull(), { timeout: 5000 });
  await waitFor(() => expect(inView(bubble(far.id)!)).toBe(true));
  expect(bubble(far.id)!.classList.contains('found')).toBe(true);
});

test('a message that was found is brought into sight and marked', async () => {
  const clinic = open({}, '#/inbox/all');
  const far = thread(clinic, 'conv-0')[3]!;
  location.hash = `#/inbox/all/conv-0/${far.id}`;
  await waitFor(() => expect(bubble(far.id)).not.toBeNull(), { timeout: 5000 });
  await waitFor(() => expect(inView(bubble(far.id)!)).toBe(true));
  expect(bubble(far.id)!.classList.contains('found')).toBe(true);
});

test('a message that is nowhere is said to be', async () => {
  open({}, '#/inbox/all/conv-3/gone');
  expect(await screen.findByText(/não está neste computador/)).toBeVisible();
});
