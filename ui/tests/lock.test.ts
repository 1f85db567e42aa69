import { screen, waitFor } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import { open } from './open';

const type = (field: HTMLInputElement, text: string) => {
  field.value = text;
  field.dispatchEvent(new Event('input', { bubbles: true }));
};

const pinField = async () =>
  (await screen.findByTestId('locked')).querySelector<HTMLInputElement>('[name=pin]')!;

test('Ctrl L locks, the window shows the name of the clinic and the field, and the PIN opens it', async () => {
  const program = open({});
  await screen.findByTestId('status-line');
  await program.call('change_lock', { current_pin: null, new_pin: '4829', way: 'pin', minutes: 5 });
  window.dispatchEvent(new KeyboardEvent('keydown', { key: 'l', ctrlKey: true, bubbles: true }));
  const field = await pinField();
  expect(document.querySelector('#app, body')!.textContent).not.toContain('Júlia');
  expect(screen.getByTestId('locked').textContent).toContain('Clínica Acácia');
  expect(screen.queryByTestId('status-line')).toBeNull();
  await waitFor(() => expect(field).toHaveFocus());

  type(field, '0000');
  const button = screen.getByRole('button', { name: 'Desbloquear' });
  await waitFor(() => expect(button).toBeEnabled());
  button.click();
  await waitFor(() => expect(screen.getByTestId('locked').textContent).toContain('O PIN não é este'));
  expect(field.value, 'what was wrong is typed anew').toBe('');
  type(field, '4829');
  await waitFor(() => expect(button).toBeEnabled());
  button.click();
  expect(await screen.findByTestId('status-line')).toBeVisible();
});

test('after many wrong tries the field waits', async () => {
  open({ session: { state: 'locked', clinic_name: 'Acácia', way: 'pin', wait_seconds: 15 } });
  const field = await pinField();
  type(field, '4829');
  expect(screen.getByTestId('locked').textContent).toContain('Espere 15 s');
  expect(screen.getByRole('button', { name: 'Desbloquear' })).toBeDisabled();
});

test('where the account of the computer opens, there is no field and the system asks', async () => {
  const program = open({}, '#/settings');
  program.lock.account = { proven: true };
  await program.call('change_lock', { current_pin: null, way: 'account', new_pin: null, minutes: 5 });
  (await screen.findByTestId('change-lock')).click();
  const form = await screen.findByTestId('lock-form');
  expect(form.querySelector<HTMLSelectElement>('[name=way]')!.value).toBe('account');
  expect(form.querySelector('[name=new]')).toBeNull();

  program.lock.account = { proven: false };
  await program.call('lock_now', {});
  const button = await screen.findByRole('button', { name: 'Desbloquear' });
  expect(screen.getByTestId('locked').querySelector('input')).toBeNull();
  await waitFor(() => expect(button).toHaveFocus());
  button.click();
  await waitFor(() => expect(screen.getByTestId('locked').textContent).toContain('não confirmou'));
  program.lock.account = { proven: true };
  button.click();
  await waitFor(() => expect(screen.queryByTestId('locked')).toBeNull());
});

test('somebody at the screens is told to the program, and not more often than every 20 seconds', async () => {
  const program = open({});
  await screen.findByTestId('status-line');
  for (let times = 0; times < 50; times++) window.dispatchEvent(new Event('pointermove'));
  expect(program.asked.filter(({ cmd }) => cmd === 'note_presence')).toHaveLength(1);
});
