import { screen, waitFor } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import { open } from './open';

test('the first run offers three ways in and no dead button', async () => {
  open({ session: { state: 'first_run' } });
  expect(await screen.findByTestId('start-sample')).toBeVisible();
  expect(screen.getByTestId('start-local')).toBeVisible();
  screen.getByTestId('start-connect').click();
  const form = await screen.findByTestId('connect-form');
  expect(form.textContent).toContain('Convites por código ainda não existem');
});

test('a clinic of one’s own needs a name and an owner', async () => {
  open({ session: { state: 'first_run' } });
  (await screen.findByTestId('start-local')).click();
  const form = await screen.findByTestId('local-form');
  const create = screen.getByRole('button', { name: 'Criar a clínica' });
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
});

test('preparing says which step and how far', async () => {
  open({ session: { state: 'preparing', step: 'copy', fraction: 0.42 } });
  expect((await screen.findByTestId('preparing')).textContent).toContain('Copiar para este computador');
  expect(screen.getByRole('progressbar')).toHaveAttribute('aria-valuenow', '42');
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
