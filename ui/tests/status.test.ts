import { screen, waitFor } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import { open } from './open';

test('the line says since when there is no connection and what was kept', async () => {
  open({ status: { connection: 'offline', offline_since: '2026-11-24T17:02:00Z', waiting: 3 } });
  const line = await screen.findByTestId('status-line');
  await waitFor(() => expect(line.textContent).toContain('sem conexão com o banco desde 14:02'));
  expect(line.textContent).toContain('3 alterações guardadas neste computador');
  expect(line).toHaveAttribute('data-connection', 'offline');
  expect(line).toHaveAttribute('data-waiting', '3');
});

test('a refusal is told in words, not as a code', async () => {
  open({
    status: { connection: 'refused', problem: { code: 'login_revoked', message: '', reference: null } },
  });
  const line = await screen.findByTestId('status-line');
  await waitFor(() => expect(line.textContent).toContain('acesso deste usuário foi retirado'));
});

test('a parked write shows both values, and discarding says what is lost', async () => {
  const clinic = open();
  clinic.parked = [
    {
      operation_id: 'op-1',
      kind: 'move_appointment',
      entity_id: 'v',
      subject: 'Maria Souza',
      wanted: [{ field: 'starts_at', value: '2026-11-24T17:30:00Z' }],
      theirs: [{ field: 'starts_at', value: '2026-11-24T18:00:00Z' }],
      queued_at: '2026-11-24T12:00:00Z',
      attempts: 1,
      reason: 'conflict',
      choices: ['retry', 'squeeze_in', 'discard'],
    },
  ];
  clinic.tell(['status', 'operations']);
  const line = await screen.findByTestId('status-line');
  await waitFor(() => expect(line).toHaveAttribute('data-needs-you', '1'));
  screen.getByTestId('open-needs-you').click();
  const operation = await screen.findByTestId('operation');
  expect(operation.textContent).toContain('24/11 (ter) 14:30');
  expect(operation.textContent).toContain('24/11 (ter) 15:00');
  screen.getByTestId('choice-discard').click();
  expect((await screen.findByText(/A alteração de Maria Souza se perde/)).textContent).toBeTruthy();
  screen.getByRole('button', { name: 'Descartar mesmo assim' }).click();
  await waitFor(() => expect(clinic.parked).toHaveLength(0));
});
