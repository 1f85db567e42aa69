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
