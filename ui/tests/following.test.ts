import { fireEvent, screen, waitFor } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import type { OperationRow, Session } from '../src/lib/bridge';
import { open } from './open';

const session = (kind: string): Session => ({
  state: 'ready',
  clinic: { id: 'c', name: 'Clínica Acácia', time_zone: 'America/Sao_Paulo', kind },
  member: { id: 'me', name: 'Júlia Andrade', role: 'attendant' },
});

const reply: OperationRow = {
  operation_id: 'op-1',
  kind: 'send_message',
  entity_id: 'op-1',
  subject: 'Maria Souza',
  conversation_id: null,
  wanted: [{ field: 'text', value: 'Tenho às 10h' }],
  before: [],
  dependents: 0,
  queued_at: '2026-11-24T12:00:00Z',
  attempts: 0,
  reason: null,
  theirs: [],
  choices: [],
};

function type(form: HTMLElement, name: string, text: string) {
  const field = form.querySelector<HTMLInputElement>(`[name=${name}]`)!;
  field.value = text;
  field.dispatchEvent(new Event('input', { bubbles: true }));
}

async function fill() {
  const form = await screen.findByTestId('follow-form');
  type(form, 'invitation', 'balcao1:abc');
  type(form, 'code', 'k7qw2-9xt4m');
  const look = screen.getByTestId('follow-look');
  await waitFor(() => expect(look).toBeEnabled());
  return { form, look };
}

test('a desk without its clinic is led to a new invitation, told what is kept, and comes in', async () => {
  const clinic = open({ session: session('remote'), status: { connection: 'offline', waiting: 1 } });
  clinic.operations = [reply];
  (await screen.findByTestId('open-offline')).click();
  (await screen.findByTestId('offline-follow')).click();
  const { form, look } = await fill();
  for (const [code, words] of [
    ['other_clinic', 'de outra clínica; nada mudou'],
    ['wrong_code', 'não abre este convite'],
    ['clinic_is_here', 'está neste computador'],
  ] as const) {
    clinic.refusals = { peek_invitation: code };
    look.click();
    await waitFor(() => expect(form.querySelector('[role=alert]')?.textContent, code).toContain(words));
  }
  clinic.refusals = { follow_clinic: 'unreachable' };
  look.click();
  expect((await screen.findByTestId('follow-kept')).textContent).toContain('1 alteração espera envio');
  expect(screen.getByTestId('follow-clinic').textContent).toBe('Clínica Acácia');
  expect(screen.queryByTestId('follow-other')).toBeNull();
  screen.getByTestId('follow-yes').click();
  await waitFor(() => expect(screen.getByTestId('follow-dialog').textContent).toContain('não responde'));
  clinic.refusals = {};
  screen.getByTestId('follow-yes').click();
  await waitFor(() => expect(screen.queryByTestId('follow-dialog')).toBeNull());
  expect(await screen.findByText('Este computador voltou a entrar na clínica.')).toBeVisible();
  expect(clinic.asked.findLast(({ cmd }) => cmd === 'follow_clinic')?.payload).toEqual({
    invitation: 'balcao1:abc',
    code: 'k7qw2-9xt4m',
    computer_name: 'RECEPCAO-02',
    as_somebody_else: false,
  });
});

test('an invitation for somebody else says in whose name the writes go out before anything is done', async () => {
  const invitation = { member_name: 'Ana Souza', is_somebody_else: true };
  const clinic = open({ session: session('remote'), invitation }, '#/settings');
  (await screen.findByTestId('follow-clinic')).click();
  (await fill()).look.click();
  const told = await screen.findByTestId('follow-other');
  expect(told.textContent).toContain('Júlia Andrade');
  expect(told.textContent).toContain('sai em nome de Ana Souza');
  const yes = screen.getByTestId('follow-yes');
  expect(yes.textContent).toContain('Entrar como Ana Souza');
  yes.click();
  await waitFor(() => expect(screen.queryByTestId('follow-dialog')).toBeNull());
  expect(clinic.asked.findLast(({ cmd }) => cmd === 'follow_clinic')?.payload).toMatchObject({
    as_somebody_else: true,
  });
});

test('only a clinic that is elsewhere is followed, and the one that is here is left with the words', async () => {
  const clinic = open({ session: session('local') }, '#/settings');
  (await screen.findByTestId('leave-clinic')).click();
  const dialog = await screen.findByTestId('leave-dialog');
  await waitFor(() => expect(dialog.textContent).toContain('é apagado deste computador'));
  expect(screen.getByTestId('leave-yes')).toBeDisabled();
  await fireEvent.input(dialog.querySelector('textarea')!, { target: { value: 'doze palavras' } });
  await waitFor(() => expect(screen.getByTestId('leave-yes')).toBeEnabled());
  screen.getByText('Cancelar').click();
  await waitFor(() => expect(screen.queryByTestId('leave-dialog')).toBeNull());
  expect(screen.queryByTestId('follow-clinic')).toBeNull();
  clinic.set({ session: session('sample') });
  expect(await screen.findByTestId('leave-clinic')).toBeVisible();
  expect(screen.queryByTestId('follow-clinic')).toBeNull();
});

test('leaving lists what would be lost before it can be agreed to, and leads to the first run', async () => {
  const clinic = open({ session: session('remote') }, '#/settings');
  (await screen.findByTestId('leave-clinic')).click();
  const dialog = await screen.findByTestId('leave-dialog');
  await waitFor(() => expect(dialog.textContent).toContain('já está no banco da clínica'));
  clinic.operations = [reply];
  screen.getByTestId('leave-yes').click();
  const losses = await screen.findByTestId('reset-losses');
  expect(losses.textContent).toContain('Tenho às 10h');
  const yes = screen.getByTestId('leave-yes');
  await waitFor(() => expect(yes.textContent).toContain('Descartar 1 alteração e sair'));
  yes.click();
  expect(await screen.findByTestId('start-join')).toBeVisible();
  expect(location.hash).toBe('#/inbox');
});

test('the sample clinic is left in two clicks', async () => {
  open({ session: session('sample') }, '#/settings');
  (await screen.findByTestId('leave-clinic')).click();
  const yes = await screen.findByTestId('leave-yes');
  await waitFor(() => expect(yes).toBeEnabled());
  expect(screen.getByTestId('leave-dialog').textContent).toContain('banco de dados de exemplo');
  yes.click();
  expect(await screen.findByTestId('start-sample')).toBeVisible();
});
