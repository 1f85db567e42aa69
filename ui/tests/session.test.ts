import { screen, waitFor } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import type { StartLocalClinic } from '../src/lib/bridge';
import { draft } from '../src/lib/setup/draft.svelte';
import { open } from './open';

test('the first run offers three ways in and no dead button', async () => {
  open({ session: { state: 'first_run' } });
  expect(await screen.findByTestId('start-sample')).toBeVisible();
  expect(screen.getByTestId('start-local')).toBeVisible();
  screen.getByTestId('start-connect').click();
  const form = await screen.findByTestId('connect-form');
  expect(form.textContent).toContain('Peça o endereço e a senha');
});

test('a clinic of one’s own needs a name and an owner, and what it works with can be changed or skipped', async () => {
  const program = open({ session: { state: 'first_run' } });
  (await screen.findByTestId('start-local')).click();
  const form = await screen.findByTestId('local-form');
  const create = screen.getByRole('button', { name: 'Continuar' });
  expect(create).toBeDisabled();
  const fill = (name: string, value: string) => {
    const field = form.querySelector<HTMLInputElement>(`[name=${name}]`)!;
    field.value = value;
    field.dispatchEvent(new Event('input', { bubbles: true }));
  };
  fill('clinic_name', 'Clínica Acácia');
  fill('owner_name', 'Júlia');
  await waitFor(() => expect(create).toBeEnabled());
  expect(form.querySelector<HTMLSelectElement>('[name=time_zone]')!.value).toBe('America/Sao_Paulo');
  create.click();
  const practice = await screen.findByTestId('practice-form');
  expect(screen.getByTestId('professionals').querySelector('input')!.value).toBe('Júlia');
  screen.getByRole('button', { name: 'Remover Retorno' }).click();
  await waitFor(() => expect(screen.getByTestId('services').querySelectorAll('.row')).toHaveLength(2));
  screen.getByRole('button', { name: 'Voltar' }).click();
  (await screen.findByRole('button', { name: 'Continuar' })).click();
  await screen.findByTestId('practice-form');
  expect(screen.getByTestId('services').querySelectorAll('.row'), 'going back loses nothing').toHaveLength(2);
  expect(practice).not.toBeInTheDocument();
  screen.getByRole('button', { name: 'Criar a clínica' }).click();
  await screen.findByTestId('preparing');
  const asked = program.asked.find(({ cmd }) => cmd === 'start_local_clinic')!.payload as StartLocalClinic;
  expect(asked.practice.hours).toHaveLength(5);
  expect(asked.practice.hours[0]).toEqual({ weekday: 1, starts_minute: 480, ends_minute: 1080 });
  expect(asked.practice.services.map(({ name }) => name)).toEqual(['Consulta', 'Exame']);
  (await screen.findByTestId('cancel-setup')).click();
  expect(await screen.findByTestId('start-local')).toBeVisible();
});

test('a server is looked at before anything is made, and its address is typed out of sight', async () => {
  const program = open({ session: { state: 'first_run' } });
  (await screen.findByTestId('start-server')).click();
  const form = await screen.findByTestId('server-form');
  const address = form.querySelector<HTMLInputElement>('[name=admin_address]')!;
  expect(address.type).toBe('password');
  address.value = 'postgres://admin:segredo@db.example.org/balcao';
  address.dispatchEvent(new Event('input', { bubbles: true }));
  program.refusals = { check_server: 'plain_text_refused' };
  const check = screen.getByRole('button', { name: 'Conferir o servidor' });
  await waitFor(() => expect(check).toBeEnabled());
  check.click();
  await waitFor(() => expect(form.querySelector('[role=alert]')?.textContent).toContain('conexão protegida'));
  program.refusals = {};
  check.click();
  const findings = await screen.findByTestId('server-findings');
  expect(findings.textContent).toContain('Conexão protegida, certificado conferido');
  expect(findings.textContent).toContain('Clínica Ipê');
  expect(findings.textContent).not.toContain('segredo');
  address.dispatchEvent(new Event('input', { bubbles: true }));
  await waitFor(() =>
    expect(screen.queryByTestId('server-findings'), 'another address is another server').toBeNull(),
  );
});

test('a set-up on a server that was interrupted says so and can be called off', async () => {
  const program = open({ session: { state: 'first_run' } });
  program.unfinished = {
    clinic_name: 'Acácia',
    owner_name: 'Júlia',
    time_zone: 'America/Bahia',
    vertical: 'dental',
    practice: { hours: [], professionals: [], services: [], rooms: [] },
  };
  program.tell(['session']);
  expect(await screen.findByTestId('interrupted')).toBeVisible();
  (await screen.findByTestId('cancel-setup')).click();
  await waitFor(() => expect(screen.queryByTestId('interrupted')).toBeNull());
});

test('a set-up that was interrupted goes on with everything that had been written', () => {
  const services = [{ name: 'Avaliação', duration_minutes: 40, price_cents: null }];
  const span = (weekday: number, starts_minute: number, ends_minute: number) => ({
    weekday,
    starts_minute,
    ends_minute,
  });
  for (const hours of [
    [span(2, 450, 720), span(2, 810, 1170), span(6, 450, 720), span(6, 810, 1170)],
    [span(1, 600, 1200), span(7, 600, 1200)],
    [],
  ]) {
    const wish = {
      clinic_name: 'Acácia',
      owner_name: 'Júlia',
      time_zone: 'America/Bahia',
      vertical: 'dental',
      practice: { hours, professionals: [{ name: 'Júlia', specialty: null }], services, rooms: ['Sala 1'] },
    };
    draft.resume(wish);
    draft.suggest();
    expect(draft.wish(true)).toEqual(wish);
  }
});

test('a restore onto a server that was interrupted says so, and is begun again with the same file', async () => {
  const program = open({ session: { state: 'first_run' } });
  program.restoring = 'C:\\Dropbox\\balcao-20261130.balcao-backup';
  program.tell(['session']);
  const said = await screen.findByTestId('interrupted-restore');
  expect(said.textContent).toContain('balcao-20261130.balcao-backup');
  expect(said.textContent).toContain('nada ficou no servidor');
  screen.getByTestId('start-restore').click();
  expect((await screen.findByTestId('restore-words')).textContent).toContain('balcao-20261130');
  screen.getByRole('button', { name: 'Voltar' }).click();
  screen.getByRole('button', { name: 'Voltar' }).click();
  (await screen.findByTestId('cancel-setup')).click();
  await waitFor(() => expect(screen.queryByTestId('interrupted-restore')).toBeNull());
});

test('preparing says which step and how far', async () => {
  open({
    session: {
      state: 'preparing',
      step: 'copy',
      fraction: 0.42,
      copy: { entity: 'messages', done: 77_280, total: 184_000, seconds_left: 118 },
    },
  });
  expect((await screen.findByTestId('preparing')).textContent).toContain('Copiar para este computador');
  expect(screen.getByRole('progressbar')).toHaveAttribute('aria-valuenow', '42');
  const progress = screen.getByTestId('copy-progress');
  expect(progress.textContent).toContain('77.280 de cerca de 184.000 registros');
  expect(progress.textContent).toContain('cerca de 2 minutos');
});

test.each([
  ['wrong_password', false, 'não aceitou o usuário ou a senha', 'Nada foi mudado'],
  ['schema_newer', true, 'versão mais nova que este programa', 'Nada se perdeu'],
  ['keychain_unavailable', true, 'cofre de senhas', 'Nada se perdeu'],
  ['cache_damaged', true, 'está danificada', 'não foi tocado'],
  ['never_heard_of', true, 'não conhece', 'Nada se perdeu'],
])(
  'a failure (%s) says what happened, what was kept and what to do',
  async (code, has_profile, what, kept) => {
    open({ session: { state: 'failed', has_profile, problem: { code, message: '', reference: 'ref-1' } } });
    const alert = await screen.findByTestId('session-failed');
    expect(alert.textContent).toContain(what);
    expect(alert.textContent).toContain(kept);
    expect(alert.textContent).toContain('ref-1');
    expect(alert.textContent, 'never a code alone').not.toContain(code);
    expect(
      screen.getByRole('button', { name: has_profile ? 'Tentar de novo' : 'Voltar ao começo' }),
    ).toBeVisible();
  },
);

test('a revoked clinic says what was destroyed and lost, and goes back to the beginning', async () => {
  const clinic = open({ session: { state: 'revoked', clinic_name: 'Clínica Boa Vista', lost: 2 } });
  const alert = await screen.findByTestId('session-revoked');
  expect(alert.textContent).toContain('Clínica Boa Vista retirou o acesso deste computador');
  expect(alert.textContent).toContain('foi apagada');
  expect(alert.textContent).toContain('2 alterações feitas aqui');
  const seen = screen.getByRole('button', { name: 'Entendi' });
  expect(seen).toHaveFocus();
  clinic.refusals = { acknowledge_revocation: 'keychain_unavailable' };
  seen.click();
  expect(await screen.findByText(/cofre de senhas deste computador está fechado/)).toBeVisible();
  clinic.refusals = {};
  seen.click();
  expect(await screen.findByTestId('start-sample')).toBeVisible();
});
