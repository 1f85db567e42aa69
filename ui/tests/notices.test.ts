import { screen, waitFor } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import { open } from './open';

const attention = (program: ReturnType<typeof open>) =>
  program.asked.filter(({ cmd }) => cmd === 'note_attention').map(({ payload }) => payload);

test('a click on a notice opens its thread, beside the list that is there', async () => {
  const program = open({}, '#/inbox/all');
  await screen.findByTestId('status-line');
  const row = program.conversations[3]!;
  program.click(row.id);
  await waitFor(() => expect(location.hash).toBe(`#/inbox/all/${row.id}`));
  expect(await screen.findByRole('heading', { level: 2, name: row.name })).toBeVisible();
});

test('a click on the notice of a rush shows those that wait, from any screen', async () => {
  const program = open({}, '#/agenda');
  await screen.findByTestId('status-line');
  program.click(null);
  await waitFor(() => expect(location.hash).toBe('#/inbox/needs_reply'));
});

test('a click is not lost in a gap of the stream', async () => {
  const program = open({}, '#/leads');
  await screen.findByTestId('status-line');
  program.tell(['status']);
  program.skip();
  program.click(null);
  await waitFor(() => expect(location.hash).toBe('#/inbox/needs_reply'));
});

test('locked screens go to the thread as soon as they are open', async () => {
  const program = open({}, '#/agenda');
  await screen.findByTestId('status-line');
  await program.call('change_lock', { current_pin: null, new_pin: '4829', way: 'pin', minutes: 5 });
  await program.call('lock_now', {});
  await screen.findByTestId('locked');
  const row = program.conversations[1]!;
  program.click(row.id);
  expect(screen.queryByRole('heading', { name: row.name })).toBeNull();
  await program.call('unlock', { pin: '4829' });
  expect(await screen.findByRole('heading', { level: 2, name: row.name })).toBeVisible();
});

test('the program knows which thread is before somebody’s eyes, and when it is not any more', async () => {
  const program = open();
  await screen.findByTestId('status-line');
  const id = program.conversations[0]!.id;
  location.hash = `#/inbox/all/${id}`;
  await waitFor(() => expect(attention(program)).toEqual([{ conversation_id: id }]));
  location.hash = '#/agenda';
  await waitFor(() =>
    expect(attention(program)).toEqual([{ conversation_id: id }, { conversation_id: null }]),
  );
});

test('what is said outside the window is chosen in the settings', async () => {
  const program = open({}, '#/settings/notifications');
  const on = await screen.findByTestId<HTMLInputElement>('notifications-on');
  const now = () => program.preferences.notifications;
  expect(on.checked).toBe(true);
  screen.getByTestId('notifications-sound').click();
  await waitFor(() => expect(now().sound).toBe(false));
  screen.getByRole('radio', { name: 'Nada da pessoa' }).click();
  await waitFor(() => expect(now().with).toBe('nothing'));
  screen.getByRole('radio', { name: 'Todas' }).click();
  await waitFor(() => expect(now().of).toBe('everybodys'));
  screen.getByTestId('notifications-quiet').click();
  await waitFor(() => expect(now().quiet).toEqual({ from_minute: 1140, until_minute: 420 }));
  const [from] = (await screen.findByTestId('quiet-hours')).querySelectorAll('input');
  from!.value = '12:30';
  from!.dispatchEvent(new Event('input', { bubbles: true }));
  from!.dispatchEvent(new Event('change', { bubbles: true }));
  await waitFor(() => expect(now().quiet).toEqual({ from_minute: 750, until_minute: 420 }));
  on.click();
  await waitFor(() => expect(now().on).toBe(false));
  await waitFor(() => expect(screen.queryByTestId('notifications-sound')).toBeNull());
  on.click();
  await waitFor(() => expect(now().on).toBe(true));
});

test('a choice that was refused is not shown as chosen', async () => {
  open({ refuse: { set_preferences: 'disk_full' } }, '#/settings/notifications');
  const on = await screen.findByTestId<HTMLInputElement>('notifications-on');
  on.click();
  await waitFor(() => expect(screen.getByTestId('toast')).toBeVisible());
  await waitFor(() => expect(on.checked).toBe(true));
});
