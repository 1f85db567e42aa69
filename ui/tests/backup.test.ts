import { screen, waitFor, within } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import type { Session } from '../src/lib/bridge';
import { FakeBackup } from './fake/backup';
import { open } from './open';

const session = (role = 'owner', kind = 'local'): Session => ({
  state: 'ready',
  clinic: { id: 'c', name: 'Clínica Acácia', time_zone: 'America/Sao_Paulo', kind },
  member: { id: 'me', name: 'Júlia Andrade', role },
});

function type(field: HTMLInputElement | HTMLTextAreaElement, value: string): void {
  field.value = value;
  field.dispatchEvent(new Event('input', { bubbles: true }));
}

test('words are shown once, typed back in part, and a folder is chosen; then a backup can be made', async () => {
  const clinic = open({ session: session() }, '#/settings/backup');
  expect(await screen.findByTestId('backup-begin')).toBeVisible();
  expect(screen.getByTestId('backup-now')).toBeDisabled();

  screen.getByTestId('backup-words').click();
  const words = await screen.findByTestId('recovery-words');
  expect([...words.querySelectorAll('li')].map((word) => word.textContent)).toEqual(clinic.backup.words);
  screen.getByTestId('words-written').click();
  const form = await screen.findByTestId('words-form');
  expect(screen.queryByTestId('recovery-words'), 'they are not beside the fields').toBeNull();
  const fields = [...form.querySelectorAll('input')];
  expect(fields.map((field) => field.labels?.[0]?.textContent?.trim())).toEqual([
    'Palavra 2',
    'Palavra 5',
    'Palavra 11',
  ]);
  const use = screen.getByTestId('words-use');
  expect(use).toBeDisabled();
  for (const field of fields) type(field, 'abacate');
  await waitFor(() => expect(use).toBeEnabled());
  use.click();
  expect(await within(form).findByRole('alert')).toHaveTextContent('não é a que foi mostrada');
  [2, 5, 11].forEach((place, at) => type(fields[at]!, clinic.backup.words[place - 1]!));
  use.click();
  await waitFor(() => expect(screen.queryByTestId('words-form')).toBeNull());
  expect(document.body.textContent, 'nothing of them stays on the page').not.toContain('abduzir');

  screen.getByTestId('backup-choose').click();
  const chooser = await screen.findByTestId('folder-chooser');
  expect(screen.getByTestId('use-folder')).toBeDisabled();
  (await within(chooser).findByText('Disco externo')).click();
  (await within(chooser).findByText('Balcão')).click();
  await waitFor(() => expect(screen.getByTestId('folder-path')).toHaveTextContent('/Balcão'));
  clinic.refusals = { change_backup: 'backup_folder_not_writable' };
  screen.getByTestId('use-folder').click();
  expect(await screen.findByText(/Não é possível gravar/)).toBeVisible();
  clinic.refusals = {};
  screen.getByTestId('use-folder').click();
  await waitFor(() => expect(screen.queryByTestId('folder-chooser')).toBeNull());
  expect(screen.getByTestId('backup-folder')).toHaveTextContent('/media/julia/Disco externo/Balcão');

  await waitFor(() => expect(screen.getByTestId('backup-now')).toBeEnabled());
  screen.getByTestId('backup-now').click();
  const running = await screen.findByTestId('backup-running');
  expect(running).toHaveTextContent('Copiando: 12 MB');
  expect(screen.getByTestId('backup-now')).toBeDisabled();
  screen.getByTestId('backup-stop').click();
  await waitFor(() => expect(screen.queryByTestId('backup-running')).toBeNull());
});

test('each backup says whether it is good, and one that is not yet tried can be', async () => {
  const clinic = open({ session: session(), backup: { state: FakeBackup.days(Date.now()) } }, '#/settings');
  const rows = await screen.findAllByTestId('backup-row');
  expect(rows.map((row) => row.dataset.state)).toEqual(['made', 'verified', 'failed', 'made']);
  expect(rows[2]).toHaveTextContent('danificado');
  expect(rows[3]).toHaveTextContent('abre com outras palavras');
  expect(within(rows[1]!).queryByTestId('backup-verify')).toBeNull();
  expect(within(rows[3]!).queryByTestId('backup-verify'), 'nobody here has its words').toBeNull();
  within(rows[0]!).getByTestId('backup-verify').click();
  await waitFor(() => expect(screen.getByTestId('backup-running').dataset.doing).toBe('verify'));
  expect(clinic.asked.find(({ cmd }) => cmd === 'verify_backup')?.payload).toEqual({
    file: 'balcao-4.balcao-backup',
  });
});

test('time, number and warning are chosen, each without touching the others', async () => {
  const clinic = open({ session: session(), backup: { state: FakeBackup.days(Date.now()) } }, '#/settings');
  const time = await screen.findByLabelText<HTMLInputElement>('Todo dia às');
  expect(time.value).toBe('12:30');
  type(time, '07:05');
  time.dispatchEvent(new Event('change', { bubbles: true }));
  await waitFor(() => expect(clinic.backup.state.wish.at_minute).toBe(425));
  screen.getByText('De 30 dias, 12 semanas e 24 meses').click();
  await waitFor(() => expect(clinic.backup.state.wish.monthly).toBe(24));
  screen.getByText('7 dias').click();
  await waitFor(() => expect(clinic.backup.state.wish.warn_after_days).toBe(7));
  expect(clinic.backup.state.wish).toEqual({
    folder: '/media/julia/Disco externo/Balcão',
    at_minute: 425,
    daily: 30,
    weekly: 12,
    monthly: 24,
    warn_after_days: 7,
  });
});

test('what went wrong is told: a disk that is not there, a backup that came to nothing', async () => {
  const problem = (code: string) => ({ code, message: '', reference: null });
  const clinic = open({ session: session(), backup: { state: FakeBackup.days(Date.now()) } }, '#/settings');
  await screen.findByTestId('backups');
  clinic.backup.set({ state: { backups: [], folder_problem: problem('backup_folder_missing') } });
  expect(await screen.findByText(/Conecte o disco/)).toBeVisible();
  expect(screen.queryByTestId('backups')).toBeNull();
  clinic.backup.set({ state: { folder_problem: null, problem: problem('backup_folder_full') } });
  expect(await screen.findByTestId('backup-problem')).toHaveTextContent('cheio');
  clinic.backup.set({ state: { problem: null, same_disk: true } });
  expect(await screen.findByText(/mesmo disco/)).toBeVisible();
});

test('a red line leads the owner to the section when there is no good backup for too long', async () => {
  const verified_at = new Date(Date.now() - 5.1 * 86_400_000).toISOString();
  open({ session: session(), backup: { health: { overdue: true, verified_at } } });
  const line = await screen.findByTestId('backup-overdue');
  expect(line).toHaveTextContent('Sem cópia de segurança conferida há 5 dias');
  line.click();
  expect(await screen.findByTestId('backup')).toBeVisible();
  await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId('backup')));
});

test.each([
  ['attendant', 'local'],
  ['admin', 'local'],
  ['owner', 'sample'],
])('nobody else hears of it: %s of a %s clinic', async (role, kind) => {
  const clinic = open({ session: session(role, kind), backup: { health: { overdue: true } } }, '#/settings');
  expect(await screen.findByTestId('version')).toBeVisible();
  expect(screen.queryByTestId('backup-overdue')).toBeNull();
  expect(screen.queryByTestId('backup')).toBeNull();
  expect(clinic.asked.some(({ cmd }) => cmd.includes('backup'))).toBe(false);
});

test('a clinic that was brought back says what came and that computers are to be invited again', async () => {
  const at = new Date().toISOString();
  const restored = { at, taken_at: at, rows: 182_340, tables: 41 };
  open({ session: session(), backup: { health: { restored } } });
  const notice = await screen.findByTestId('restored-notice');
  expect(notice).toHaveTextContent('182.340 registros em 41 tabelas');
  expect(notice).toHaveTextContent('convidados de novo');
  within(notice).getByRole('button').click();
  await waitFor(() => expect(screen.queryByTestId('restored-notice')).toBeNull());
});

test('on a new computer the clinic is brought back with the file and the words', async () => {
  const clinic = open({ session: { state: 'first_run' } });
  (await screen.findByTestId('start-restore')).click();
  const chooser = await screen.findByTestId('folder-chooser');
  (await within(chooser).findByText('Disco externo')).click();
  (await within(chooser).findByText('Balcão')).click();
  (await within(chooser).findAllByTestId('backup-file'))[0]!.click();

  const form = await screen.findByTestId('restore-words');
  expect(form).toHaveTextContent('balcao-20261121-153000.balcao-backup');
  const words = form.querySelector('textarea')!;
  const check = within(form).getByText('Abrir a cópia');
  expect(check).toBeDisabled();
  type(words, 'abacate abaixo');
  await waitFor(() => expect(check).toBeEnabled());
  for (const [code, told] of [
    ['backup_not_words', 'Não são doze palavras'],
    ['backup_wrong_words', 'não abrem esta cópia'],
    ['backup_newer', 'Atualize o Balcão'],
  ] as const) {
    clinic.refusals = { peek_backup: code };
    check.click();
    await waitFor(() => expect(within(form).getByRole('alert')).toHaveTextContent(told));
    expect(words.value, 'what was typed stays').toBe('abacate abaixo');
  }
  clinic.refusals = {};
  check.click();
  const found = await screen.findByTestId('restore-found');
  expect(found).toHaveTextContent('Clínica Acácia');
  expect(found).toHaveTextContent('182.340 registros');
  screen.getByTestId('restore-go').click();
  expect(await screen.findByTestId('preparing')).toBeVisible();
  expect(clinic.asked.find(({ cmd }) => cmd === 'start_restore')?.payload).toEqual({
    backup: {
      path: '/media/julia/Disco externo/Balcão/balcao-20261121-153000.balcao-backup',
      words: 'abacate abaixo',
    },
    server: null,
  });
});

test('a clinic can move to a server from its backup: the server is looked at before', async () => {
  const clinic = open({ session: { state: 'first_run' } });
  (await screen.findByTestId('start-restore')).click();
  const chooser = await screen.findByTestId('folder-chooser');
  (await within(chooser).findByText('Disco externo')).click();
  (await within(chooser).findByText('Balcão')).click();
  (await within(chooser).findAllByTestId('backup-file'))[0]!.click();
  type((await screen.findByTestId('restore-words')).querySelector('textarea')!, 'abacate');
  await waitFor(() => expect(screen.getByText('Abrir a cópia')).toBeEnabled());
  screen.getByText('Abrir a cópia').click();
  (await screen.findByLabelText('Um PostgreSQL que já temos')).click();
  await waitFor(() => expect(screen.queryByTestId('restore-go')).toBeNull());
  (await screen.findByText('Continuar para o servidor')).click();
  const address = (await screen.findByTestId('server-form')).querySelector<HTMLInputElement>(
    '[name=admin_address]',
  )!;
  type(address, 'postgres://a:b@db.example.org/x');
  const check = screen.getByText('Conferir o servidor');
  await waitFor(() => expect(check).toBeEnabled());
  check.click();
  expect(await screen.findByTestId('server-findings')).toBeVisible();
  await waitFor(() => expect(screen.getByText('Continuar')).toBeEnabled());
  screen.getByText('Continuar').click();
  (await screen.findByTestId('restore-go')).click();
  expect(await screen.findByTestId('preparing')).toBeVisible();
  expect(clinic.asked.find(({ cmd }) => cmd === 'start_restore')?.payload).toMatchObject({
    server: { address: 'postgres://a:b@db.example.org/x', ca_pem: null },
  });
});
