import { fireEvent, screen, waitFor } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import { open } from './open';

test('nothing is drawn in grey before 150 ms', async () => {
  open({ slow: 60 });
  await screen.findByTestId('status-line', undefined, { timeout: 3000 });
  await screen.findAllByTestId('conversation-row');
  expect(screen.queryByTestId('bones')).toBeNull();
});

test('what takes longer shows its shape', async () => {
  open({ slow: 600 });
  expect(await screen.findByTestId('bones', undefined, { timeout: 4000 })).toBeVisible();
});

test('an empty inbox says what will be here', async () => {
  open({ empty: true }, '#/inbox/all');
  expect(await screen.findByText('Ainda não há conversas.')).toBeVisible();
});

test('while the first copy runs, an empty list does not claim to be empty', async () => {
  open({
    empty: true,
    status: { first_copy: { entity: 'conversations', done: 120, total: 900, seconds_left: null } },
  });
  expect(await screen.findByText('As conversas estão chegando.')).toBeVisible();
  expect(screen.getByTestId('status-line').textContent).toContain('copiando conversas: 120 de 900');
});

test('a refused question says so and can be asked again', async () => {
  const clinic = open({ refuse: { list_conversations: 'busy' } });
  const again = await screen.findByRole('button', { name: 'Tentar de novo' });
  clinic.refusals = {};
  again.click();
  expect((await screen.findAllByTestId('conversation-row')).length).toBeGreaterThan(3);
});

test('a call that fails keeps the words', async () => {
  open({ refuse: { send_message: 'disk_full' } }, '#/inbox/all/conv-3');
  const composer = await screen.findByTestId<HTMLTextAreaElement>('composer');
  await fireEvent.input(composer, { target: { value: 'até amanhã' } });
  await fireEvent.keyDown(composer, { key: 'Enter' });
  expect((await screen.findByText(/O disco deste computador está cheio/)).textContent).toContain(
    'O texto continua aqui',
  );
  expect(composer.value).toBe('até amanhã');
});

test('a text that is too long cannot be sent, and says by how much', async () => {
  open({}, '#/inbox/all/conv-3');
  const composer = await screen.findByTestId<HTMLTextAreaElement>('composer');
  await fireEvent.input(composer, { target: { value: 'a'.repeat(4098) } });
  expect(await screen.findByText('2 caracteres além de 4.096')).toBeVisible();
  expect(screen.getByTestId('send')).toBeDisabled();
});

test('a message that failed says why in words', async () => {
  open({}, '#/inbox/all/conv-1');
  const said = await screen.findByText('Não foi enviada: o número não tem WhatsApp');
  await waitFor(() => expect(said).toBeVisible());
});

test('an unknown kind of message is shown as such', async () => {
  open({}, '#/inbox/all/conv-2');
  expect((await screen.findByText(/ainda não mostra/)).textContent).toContain('newsletterMessage');
});

test('a thread that was touched is asked for again', async () => {
  const clinic = open({}, '#/inbox/all/conv-3');
  await screen.findByTestId('composer');
  const thread = clinic.messages.get('conv-3')!;
  thread.push({
    ...thread.at(-1)!,
    id: 'new',
    body: 'acabou de chegar',
    direction: 'inbound',
    sender_kind: 'contact',
  });
  clinic.tell(['inbox'], ['conv-3']);
  const message = await screen.findByText('acabou de chegar');
  await waitFor(() => expect(message).toBeVisible());
});

test('a gap in the stream asks for everything that is shown', async () => {
  const clinic = open({}, '#/inbox/all/conv-3');
  await screen.findByTestId('composer');
  const thread = clinic.messages.get('conv-3')!;
  thread.push({
    ...thread.at(-1)!,
    id: 'lost',
    body: 'perdida no caminho',
    direction: 'inbound',
    sender_kind: 'contact',
  });
  clinic.tell(['preferences']);
  clinic.skip();
  clinic.tell(['preferences']);
  await waitFor(() => expect(screen.getByText('perdida no caminho')).toBeVisible());
});

test('older messages come when the thread is scrolled up', async () => {
  open({}, '#/inbox/all/conv-0');
  const thread = await screen.findByTestId('thread');
  await waitFor(() => expect(thread.scrollTop).toBeGreaterThan(1000));
  await new Promise((wake) => setTimeout(wake, 200));
  const before = thread.scrollHeight;
  thread.scrollTop = 0;
  await waitFor(() => expect(thread.scrollHeight).toBeGreaterThan(before + 1000));
  expect(thread.scrollTop, 'what was read stays where it was').toBeGreaterThan(1000);
});
