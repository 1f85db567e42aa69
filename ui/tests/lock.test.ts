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
  await program.call('change_lock', { current_pin: null, new_pin: '4829', remove: false, minutes: 5 });
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
  open({ session: { state: 'locked', clinic_name: 'Acácia', wait_seconds: 15 } });
  const field = await pinField();
  type(field, '4829');
  expect(screen.getByTestId('locked').textContent).toContain('Espere 15 s');
  expect(screen.getByRole('button', { name: 'Desbloquear' })).toBeDisabled();
});

test('somebody at the screens is told to the program, and not more often than every 20 seconds', async () => {
  const program = open({});
  await screen.findByTestId('status-line');
  for (let times = 0; times < 50; times++) window.dispatchEvent(new Event('pointermove'));
  expect(program.asked.filter(({ cmd }) => cmd === 'note_presence')).toHaveLength(1);
});
