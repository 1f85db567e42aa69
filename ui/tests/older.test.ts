import { fireEvent, screen, waitFor } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import { open } from './open';

/** Stays at the top of a thread until it says something. */
async function atTop(words: string): Promise<HTMLElement> {
  const thread = await screen.findByTestId('thread');
  await settled();
  return await waitFor(
    () => {
      thread.scrollTop = 0;
      return screen.getByText(words);
    },
    { timeout: 4000 },
  );
}
const settled = () => new Promise((wake) => setTimeout(wake, 250));

/** Keeps the page at its top until everything above it has come. */
async function readToTheBeginning(thread: HTMLElement): Promise<void> {
  for (let round = 0; round < 800; round++) {
    thread.scrollTop = 0;
    await new Promise((wake) => setTimeout(wake, 30));
    if (screen.queryByText('Início da conversa')) return;
  }
  throw new Error('the beginning never came');
}

test(
  'messages from before the copy come when the thread is scrolled up, until its beginning',
  { timeout: 30_000 },
  async () => {
    const clinic = open({ elsewhere: 450 }, '#/inbox/all/conv-3');
    const thread = await screen.findByTestId('thread');
    await settled();
    await readToTheBeginning(thread);
    expect(clinic.messages.get('conv-3')!.length).toBeGreaterThan(450);
    thread.scrollTop = 0;
    await waitFor(() => expect(screen.getByText('mensagem antiga 1')).toBeVisible());
  },
);

test('what is read stays where it is while older messages come in above', { timeout: 20_000 }, async () => {
  const clinic = open({ elsewhere: 450, slow: 400 }, '#/inbox/all/conv-0');
  const thread = await screen.findByTestId('thread');
  await waitFor(() => expect(thread.scrollTop).toBeGreaterThan(1000));
  await settled();
  await settled();
  const known = clinic.messages.get('conv-0')!.length;
  const drawn = () => [...thread.querySelectorAll<HTMLElement>('[data-testid=message]')];
  for (let round = 0; round < 6; round++) {
    thread.scrollTop = 300;
    // Rows that were never drawn are measured first.
    await new Promise((wake) => setTimeout(wake, 200));
    const edge = thread.getBoundingClientRect().top;
    const read = drawn().find((each) => each.getBoundingClientRect().top > edge)!;
    const id = read.dataset.messageId;
    const before = read.getBoundingClientRect().top;
    await new Promise((wake) => setTimeout(wake, 1000));
    const same = drawn().find((each) => each.dataset.messageId === id);
    expect(same, `round ${round}: the message is still drawn`).toBeDefined();
    // Half a line at most: the row at the seam may get or lose the name of its sender.
    expect(Math.abs(same!.getBoundingClientRect().top - before), `round ${round}`).toBeLessThan(24);
  }
  expect(clinic.messages.get('conv-0')!.length, 'older ones came').toBeGreaterThan(known);
});

test('without a line the thread says that older messages will come, and goes on when it is back', async () => {
  const clinic = open({ elsewhere: 30, status: { connection: 'offline' } }, '#/inbox/all/conv-4');
  await atTop('As mensagens anteriores aparecem quando a conexão voltar.');
  expect(screen.queryByText('Início da conversa')).toBeNull();
  clinic.set({ status: { connection: 'online' } });
  await atTop('mensagem antiga 1');
  await atTop('Início da conversa');
});

test('a refusal is said, and tried again when asked to', async () => {
  const clinic = open({ elsewhere: 30, refuse: { fetch_older_messages: 'timed_out' } }, '#/inbox/all/conv-4');
  await atTop('Não deu para buscar as mensagens anteriores.');
  clinic.refusals = {};
  await fireEvent.click(await atTop('Tentar de novo'));
  await atTop('mensagem antiga 1');
});

test('a conversation that is whole begins at its beginning, and nothing is asked for', async () => {
  open({ refuse: { fetch_older_messages: 'internal' } }, '#/inbox/all/conv-4');
  await atTop('Início da conversa');
});

test('older visits of a person come when they are asked for', async () => {
  const clinic = open({ visitDays: 30 }, '#/inbox/all/conv-3');
  await fireEvent.click(await screen.findByTestId('older-visits'));
  await waitFor(() => expect(screen.queryByTestId('older-visits')).toBeNull());
  expect(clinic.elsewhere.people.has(clinic.conversations[3]!.contact_id)).toBe(false);
});

test('days before the copy are fetched, and never look free meanwhile', async () => {
  const clinic = open({ visitDays: 30, status: { connection: 'offline' } }, '#/agenda/day/2024-03-05');
  expect(await screen.findByText('Sem conexão, não dá para ver estes dias.')).toBeVisible();
  expect(document.querySelector('.ec')).toBeNull();
  clinic.set({ status: { connection: 'online' } });
  await waitFor(() => expect(screen.queryByTestId('agenda-unknown')).toBeNull());
  await waitFor(() => expect(document.querySelector('.ec')).not.toBeNull());
});

test('days that could not be fetched can be asked for again', async () => {
  const clinic = open(
    { visitDays: 30, refuse: { fetch_older_visits: 'timed_out' } },
    '#/agenda/day/2024-03-05',
  );
  const again = await screen.findByRole('button', { name: 'Tentar de novo' });
  clinic.refusals = {};
  again.click();
  await waitFor(() => expect(screen.queryByTestId('agenda-unknown')).toBeNull());
});

test('how far back this computer copies is chosen separately for messages and visits', async () => {
  const clinic = open({}, '#/settings');
  const setting = await screen.findByTestId('window-setting');
  const year = await waitFor(() => {
    const found = setting.querySelector<HTMLInputElement>('input[name=message_days][value="365"]');
    expect(found).not.toBeNull();
    return found!;
  });
  year.click();
  await waitFor(() => expect(clinic.elsewhere.window.message_days).toBe(365));
  expect(clinic.elsewhere.window.appointment_days).toBe(90);
  clinic.elsewhere.window = {
    ...clinic.elsewhere.window,
    missing: true,
    widening: { entity: 'messages', done: 12_000, total: 80_000 },
  };
  clinic.tell(['status']);
  expect(await screen.findByText('Buscando mensagens: 12.000 de cerca de 80.000')).toBeVisible();
});

test('what is refused is not shown as chosen', async () => {
  open({ refuse: { set_copy_window: 'disk_full' } }, '#/settings');
  const setting = await screen.findByTestId('window-setting');
  const field = (days: number) =>
    setting.querySelector<HTMLInputElement>(`input[name=message_days][value="${days}"]`);
  await waitFor(() => expect(field(365)).not.toBeNull());
  field(365)!.click();
  expect(await screen.findByText(/O disco deste computador está cheio/)).toBeVisible();
  await waitFor(() => expect(field(90)!.checked).toBe(true));
  expect(field(365)!.checked).toBe(false);
});
