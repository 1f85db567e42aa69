import { screen, waitFor, within } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import type { Session } from '../src/lib/bridge';
import { inventedDiagnosis } from './fake/sharing';
import { open } from './open';

const session = (kind: string, role = 'owner'): Session => ({
  state: 'ready',
  clinic: { id: 'c', name: 'Clínica Acácia', time_zone: 'America/Sao_Paulo', kind },
  member: { id: 'me', name: 'Júlia Andrade', role },
});

function type(field: HTMLInputElement | HTMLTextAreaElement, value: string): void {
  field.value = value;
  field.dispatchEvent(new Event('input', { bubbles: true }));
}

const stateOf = (step: HTMLElement): string | null => step.getAttribute('data-state');

test('the computer that holds the clinic is shared with one switch, and says where it is reached', async () => {
  const clinic = open({ session: session('local') }, '#/settings');
  const turn = await screen.findByTestId<HTMLInputElement>('sharing-switch');
  expect(turn.checked).toBe(false);
  expect(screen.queryByTestId('sharing-address')).toBeNull();
  turn.click();
  expect(await screen.findByTestId('sharing-address')).toHaveTextContent('192.168.0.10:55320');
  expect(screen.getByTestId('sharing-fingerprint').textContent).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  expect(screen.getByTestId('sharing-guests')).toHaveTextContent('192.168.0.21, desde');
  expect(screen.getByTestId('firewall-command')).toHaveTextContent('localport=55320');
  expect(clinic.asked.filter(({ cmd }) => cmd === 'change_sharing').at(-1)?.payload).toEqual({
    on: true,
    port: null,
    new_certificate: false,
  });
  turn.click();
  await waitFor(() => expect(screen.queryByTestId('sharing-address')).toBeNull());
  expect(clinic.network.sharing.state).toBe('off');
});

test('a port that is taken is said, and another one can be chosen', async () => {
  const clinic = open({ session: session('local'), sharing: { port: 5432 } }, '#/settings');
  (await screen.findByTestId('sharing-switch')).click();
  await waitFor(() => expect(screen.getByTestId('sharing-state')).toHaveTextContent('já usa esta porta'));
  const field = screen.getByTestId<HTMLInputElement>('sharing-port-field');
  const use = screen.getByRole('button', { name: 'Usar esta porta' });
  for (const wrong of ['', '80', '70000', '55a20']) {
    type(field, wrong);
    await waitFor(() => expect(use, wrong).toBeDisabled());
  }
  type(field, '55321');
  await waitFor(() => expect(use).toBeEnabled());
  use.click();
  expect(await screen.findByTestId('sharing-address')).toHaveTextContent('192.168.0.10:55321');
  expect(clinic.network.sharing.problem).toBeNull();
});

test('without the key of the certificate a new one is made only after saying what that costs', async () => {
  const problem = { code: 'sharing_key_lost', message: '', reference: null };
  const clinic = open({ session: session('local'), sharing: { state: 'failed', problem } }, '#/settings');
  (await screen.findByTestId('sharing-renew')).click();
  const dialog = await screen.findByTestId('sharing-renew-dialog');
  expect(dialog).toHaveTextContent('convite novo');
  expect(clinic.asked.some(({ cmd }) => cmd === 'change_sharing')).toBe(false);
  screen.getByTestId('sharing-renew-yes').click();
  await waitFor(() =>
    expect(clinic.asked.filter(({ cmd }) => cmd === 'change_sharing').at(-1)?.payload).toMatchObject({
      on: true,
      new_certificate: true,
    }),
  );
});

test.each([
  ['remote', 'owner'],
  ['sample', 'owner'],
  ['local', 'attendant'],
])('sharing is not offered in a %s clinic to the role %s', async (kind, role) => {
  const clinic = open({ session: session(kind, role) }, '#/settings');
  expect(await screen.findByTestId('connection')).toBeVisible();
  expect(screen.queryByTestId('sharing-switch')).toBeNull();
  expect(clinic.asked.some(({ cmd }) => cmd === 'get_sharing')).toBe(false);
});

test('each step of the way says what was seen, what is wrong, what to do, and what could not be looked at', async () => {
  const diagnosis = inventedDiagnosis('port', 'port_closed');
  const clinic = open({ session: session('remote'), diagnosis }, '#/settings');
  (await screen.findByTestId('open-doctor')).click();
  const dialog = await screen.findByTestId('doctor');
  await waitFor(() => expect(dialog).toHaveAttribute('data-running', 'false'));
  const steps = within(dialog).getAllByTestId('doctor-step');
  expect(steps.map(stateOf)).toEqual([
    'ok',
    'failed',
    'not_reached',
    'not_reached',
    'not_reached',
    'not_reached',
  ]);
  expect(steps[0]).toHaveTextContent('O endereço é 192.168.0.10.');
  expect(steps[1]).toHaveTextContent('ninguém atende na porta 55320');
  expect(steps[1]).toHaveTextContent('Abra o Balcão no computador da clínica');
  expect(within(steps[1]!).getByRole('img', { name: 'Errado' })).toBeVisible();
  expect(clinic.asked.find(({ cmd }) => cmd === 'diagnose_connection')?.payload).toEqual({ of: 'clinic' });

  clinic.network.found = inventedDiagnosis();
  screen.getByTestId('doctor-again').click();
  await waitFor(() => expect(screen.getByTestId('doctor-verdict')).toHaveTextContent('Tudo certo'));
  expect(screen.getAllByTestId('doctor-step').map(stateOf)).toEqual(Array(6).fill('ok'));
  screen.getByTestId('doctor-close').click();
  await waitFor(() => expect(screen.queryByTestId('doctor')).toBeNull());
});

test.each([
  ['name', 'unknown_host', {}, 'não foi encontrado'],
  ['port', 'unreachable', {}, 'Ninguém responde em 192.168.0.10, porta 55320'],
  ['port', 'not_postgres', {}, 'não há um banco PostgreSQL'],
  ['tls', 'tls_unavailable', {}, 'não oferece conexão protegida'],
  ['tls', 'certificate_unknown_issuer', {}, 'Pode ser outro computador no lugar do da clínica'],
  ['tls', 'certificate_not_yet_valid', {}, 'Acerte a data e a hora'],
  ['login', 'wrong_password', {}, 'não aceitou o usuário ou a senha'],
  ['login', 'login_revoked', {}, 'acesso deste usuário foi retirado'],
  ['version', 'schema_older', {}, 'Atualize o Balcão no computador da clínica'],
  ['version', 'schema_newer', {}, 'Atualize o Balcão neste computador'],
  ['clock', 'clock_ahead', { seconds: '10800' }, '3 horas adiantado'],
  ['clock', 'clock_behind', { seconds: '-7200' }, '2 horas atrasado'],
])('the step %s with %s is explained', async (step, code, seen, words) => {
  open({ session: session('remote'), diagnosis: inventedDiagnosis(step, code, seen) }, '#/settings');
  (await screen.findByTestId('open-doctor')).click();
  await waitFor(() => {
    const failed = screen.getAllByTestId('doctor-step').find((each) => stateOf(each) === 'failed');
    expect(failed).toHaveAttribute('data-step', step);
    expect(failed).toHaveTextContent(words);
  });
});

test('while it looks, it says at what', async () => {
  const clinic = open({ session: session('remote') }, '#/settings');
  clinic.network.slow = true;
  (await screen.findByTestId('open-doctor')).click();
  const steps = await screen.findAllByTestId('doctor-step');
  expect(steps.map(stateOf)).toEqual(['running', 'waiting', 'waiting', 'waiting', 'waiting', 'waiting']);
  expect(screen.getByTestId('doctor-again')).toBeDisabled();
});

test('without a connection the status line says what stays possible, and leads to the doctor', async () => {
  const clinic = open({
    session: session('remote'),
    status: { connection: 'offline', offline_since: '2026-11-24T17:02:00Z', waiting: 2 },
    diagnosis: inventedDiagnosis('name', 'unknown_host'),
  });
  (await screen.findByTestId('open-offline')).click();
  const popover = await screen.findByTestId('offline-popover');
  expect(popover).toHaveTextContent('continuar trabalhando');
  expect(popover).toHaveTextContent('2 alterações guardadas');
  within(popover).getByTestId('offline-retry').click();
  await waitFor(() => expect(clinic.asked.some(({ cmd }) => cmd === 'sync_now')).toBe(true));
  (await screen.findByTestId('open-offline')).click();
  (await screen.findByTestId('open-doctor')).click();
  expect(await screen.findByTestId('doctor')).toBeVisible();
});

test('while all is well the status line offers no doctor', async () => {
  open({ session: session('remote') });
  expect(await screen.findByTestId('status-line')).toBeVisible();
  expect(screen.queryByTestId('open-offline')).toBeNull();
});

test('a clinic that cannot be opened for want of a connection leads to the doctor, a full disk does not', async () => {
  const failed = (code: string): Session => ({
    state: 'failed',
    problem: { code, message: '', reference: null },
    has_profile: true,
  });
  const clinic = open({ session: failed('unreachable') });
  (await screen.findByTestId('open-doctor')).click();
  expect(await screen.findByTestId('doctor')).toBeVisible();
  screen.getByTestId('doctor-close').click();
  clinic.set({ session: failed('disk_full') });
  await waitFor(() => expect(screen.getByTestId('session-failed')).toHaveAttribute('data-code', 'disk_full'));
  expect(screen.queryByTestId('open-doctor')).toBeNull();
});

test('who cannot come in with an invitation has its way looked at, and the lock hides what was found', async () => {
  const clinic = open({ session: { state: 'first_run' }, refuse: { join_clinic: 'unreachable' } });
  (await screen.findByTestId('start-join')).click();
  const form = await screen.findByTestId('join-form');
  type(form.querySelector<HTMLTextAreaElement>('[name=invitation]')!, 'balcao1:abc');
  type(form.querySelector<HTMLInputElement>('[name=code]')!, 'k7qw2-9xt4m');
  const enter = screen.getByRole('button', { name: 'Entrar na clínica' });
  await waitFor(() => expect(enter).toBeEnabled());
  enter.click();
  (await screen.findByTestId('open-doctor')).click();
  expect(await screen.findByTestId('doctor')).toBeVisible();
  expect(clinic.asked.find(({ cmd }) => cmd === 'diagnose_connection')?.payload).toEqual({
    of: 'invitation',
    invitation: 'balcao1:abc',
    code: 'k7qw2-9xt4m',
  });
  clinic.set({ session: { state: 'locked', clinic_name: 'Clínica Acácia', way: 'pin', wait_seconds: 0 } });
  await waitFor(() => expect(screen.queryByTestId('doctor')).toBeNull());
});
