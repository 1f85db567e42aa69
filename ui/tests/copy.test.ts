import { screen, waitFor } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import type { OperationRow } from '../src/lib/bridge';
import { clock } from '../src/lib/i18n/clock.svelte';
import { offBy, timeLeft } from '../src/lib/i18n/duration';
import { setAside } from './fake/copy';
import { open } from './open';

const reply = (id: string, text: string): OperationRow => ({
  operation_id: id,
  kind: 'send_message',
  entity_id: id,
  subject: 'Maria Souza',
  conversation_id: null,
  wanted: [{ field: 'text', value: text }],
  before: [],
  dependents: 0,
  queued_at: '2026-11-24T12:00:00Z',
  attempts: 0,
  reason: null,
  theirs: [],
  choices: [],
});

test('a reset with nothing to lose says so and begins', async () => {
  open({}, '#/settings');
  (await screen.findByTestId('reset-copy')).click();
  const dialog = await screen.findByTestId('reset-dialog');
  await waitFor(() => expect(dialog.textContent).toContain('nada se perde'));
  screen.getByTestId('reset-yes').click();
  expect(await screen.findByTestId('preparing')).toBeVisible();
});

test('a reset lists what would be lost before it can be agreed to', async () => {
  const clinic = open({ status: { connection: 'offline' } }, '#/settings');
  clinic.operations = [reply('op-1', 'Tenho às 10h')];
  (await screen.findByTestId('reset-copy')).click();
  const losses = await screen.findByTestId('reset-losses');
  expect(losses.textContent).toContain('Maria Souza');
  expect(losses.textContent).toContain('Tenho às 10h');
  const dialog = screen.getByTestId('reset-dialog');
  expect(dialog.textContent).toContain('fica sem dados');
  const yes = screen.getByTestId('reset-yes');
  expect(yes.textContent).toContain('Descartar 1 alteração e refazer');
  yes.click();
  expect(await screen.findByTestId('preparing')).toBeVisible();
  expect(clinic.operations).toHaveLength(0);
});

test('a write made while the dialog stands open is shown before anything is lost', async () => {
  const clinic = open({}, '#/settings');
  (await screen.findByTestId('reset-copy')).click();
  const dialog = await screen.findByTestId('reset-dialog');
  await waitFor(() => expect(dialog.textContent).toContain('nada se perde'));
  clinic.operations = [reply('op-2', 'Acabei de escrever')];
  screen.getByTestId('reset-yes').click();
  await waitFor(() => expect(dialog.textContent).toContain('Acabei de escrever'));
  expect(clinic.operations).toHaveLength(1);
});

test('the log is told in sentences and can be exported', async () => {
  open({}, '#/settings');
  const log = await screen.findByTestId('sync-log');
  for (const sentence of [
    'Recebido: mensagens 3, conversas 2, remoções 1, outros cadastros 1.',
    '11 alterações enviadas e confirmadas. 1 alteração recusada pelo banco: precisa de você.',
    'Conexão interrompida. O computador da clínica não responde.',
    'O relógio deste computador está 3 horas adiantado.',
    'Primeira cópia pronta: 184.003 registros.',
    'Alterações aproveitadas: 3; perdidas: 0.',
    'O relógio deste computador voltou a estar certo.',
    'O prazo de 2 alterações passou antes de haver conexão: precisam de você.',
    'Balcão 0.1.0 aberto.',
  ])
    expect(log.textContent).toContain(sentence);
  screen.getByTestId('export-log').click();
  expect(await screen.findByText(/gravado em .*balcao-registro-2026-11-21-0754\.csv/)).toBeVisible();
});

test('an empty log and a folder that cannot be written are said in words', async () => {
  open({ log: [] }, '#/settings');
  expect((await screen.findByTestId('log-empty')).textContent).toContain('Ainda não há nada');
  expect(screen.getByTestId('export-log')).toBeDisabled();
});

test('an export that fails says what to do', async () => {
  open({ refuse: { export_sync_log: 'export_failed' } }, '#/settings');
  await screen.findByTestId('sync-log');
  screen.getByTestId('export-log').click();
  expect(await screen.findByText(/não pôde ser gravado.*permissões da pasta/)).toBeVisible();
});

test('a copy that was set aside is told until it is put away', async () => {
  open({ notice: setAside(Date.now()) });
  const notice = await screen.findByTestId('copy-notice');
  expect(notice.textContent).toContain('3 alterações que esperavam envio foram aproveitadas');
  expect(notice.textContent).toContain('1 alteração não pôde ser lida');
  screen.getByRole('button', { name: 'Entendi' }).click();
  await waitFor(() => expect(screen.queryByTestId('copy-notice')).toBeNull());
});

test('where it is not known how much was lost, that is said', async () => {
  open({ notice: { ...setAside(Date.now()), writes_kept: 0, writes_lost: null } });
  const notice = await screen.findByTestId('copy-notice');
  expect(notice.textContent).toContain('Não foi possível ver se mais alterações esperavam envio');
  expect(notice.textContent).not.toContain('aproveitada');
});

test('a wrong clock is told, and the present is the server’s', async () => {
  const clinic = open({ status: { clock_ahead_seconds: 3 * 3600 } });
  const notice = await screen.findByTestId('clock-notice');
  expect(notice.textContent).toContain('3 horas adiantado');
  await waitFor(() =>
    expect(Math.abs(Date.now() - clock.now.getTime() - 3 * 3_600_000)).toBeLessThan(61_000),
  );
  screen.getByRole('button', { name: 'Entendi' }).click();
  await waitFor(() => expect(screen.queryByTestId('clock-notice')).toBeNull());
  expect(screen.getByTestId('status-line').textContent, 'the line goes on saying it').toContain('3 horas');
  clinic.set({ status: { clock_ahead_seconds: null } });
  await waitFor(() => expect(clock.ahead).toBe(0));
  clinic.set({ status: { clock_ahead_seconds: -7200 } });
  expect((await screen.findByTestId('clock-notice')).textContent).toContain('2 horas atrasado');
  clinic.set({ status: { clock_ahead_seconds: null } });
  await waitFor(() => expect(clock.ahead).toBe(0));
});

test('the line says how far the copy is and how long it takes', async () => {
  open({
    status: { first_copy: { entity: 'messages', done: 1000, total: 184_000, seconds_left: 610 } },
  });
  const line = await screen.findByTestId('status-line');
  await waitFor(() => expect(line.textContent).toContain('copiando mensagens: 1.000 de 184.000'));
  expect(line.textContent).toContain('cerca de 10 minutos');
});

test('the version is the program’s own', async () => {
  open({}, '#/settings');
  await waitFor(() => expect(screen.getByTestId('version').textContent).toBe('Balcão 9.8.7'));
});

test.each([
  [3, 'poucos segundos'],
  [40, 'menos de um minuto'],
  [60, 'cerca de 1 minuto'],
  [125, 'cerca de 2 minutos'],
  [5400, 'cerca de 2 horas'],
])('%i seconds are told as %s', (seconds, told) => expect(timeLeft(seconds)).toBe(told));

test.each([
  [95, '2 minutos'],
  [-10_800, '3 horas'],
  [12_000, '3 horas e 20 minutos'],
  [200_000, '2 dias'],
])('a clock that is off by %i seconds is off by %s', (seconds, told) => expect(offBy(seconds)).toBe(told));
