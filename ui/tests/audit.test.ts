import { screen, waitFor, within } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import pt from '../messages/pt-BR.json';
import type { AuditWish, Session } from '../src/lib/bridge';
import { open } from './open';

const session = (role: string): Session => ({
  state: 'ready',
  clinic: { id: 'c', name: 'Clínica Acácia', time_zone: 'America/Sao_Paulo', kind: 'remote' },
  member: { id: 'me', name: 'Júlia Andrade', role },
});

function fill(field: HTMLElement, value: string): void {
  (field as HTMLInputElement | HTMLSelectElement).value = value;
  field.dispatchEvent(new Event('input', { bubbles: true }));
  field.dispatchEvent(new Event('change', { bubbles: true }));
}

const wishes = (clinic: ReturnType<typeof open>) =>
  clinic.asked
    .filter(({ cmd }) => cmd === 'list_audit')
    .map(({ payload }) => (payload as { wish: AuditWish }).wish);

test('what was done is told in plain words, and opened it says what stood there before', async () => {
  open({ session: session('owner') }, '#/settings/audit');
  const entries = await screen.findAllByTestId('audit-entry');
  expect(entries[0]!.textContent).toContain('Ana Souza');
  expect(entries[0]!.textContent).toContain('Mudou a consulta');
  expect(entries[0]!.textContent).toContain('Maria Souza');
  expect(entries[2]!.textContent).toContain('Entrou no sistema');
  expect(entries[4]!.textContent).toContain('Convidou');
  expect(entries[5]!.textContent, 'what nobody did at a desk').toContain('servidor');
  within(entries[0]!).getByRole('button').click();
  const changed = await within(entries[0]!).findAllByTestId('audit-change');
  expect(changed[1]!.textContent).toMatch(/profissional\s*Dr\. Caio\s*Dra\. Lima/);
  expect(changed[2]!.textContent).toMatch(/R\$\s150,00\s*R\$\s180,00/);
  within(entries[6]!).getByRole('button').click();
  expect(await within(entries[6]!).findByText('quarta-feira')).toBeVisible();
  expect(within(entries[6]!).getByText('08:00')).toBeVisible();
});

test.each(['attendant', 'professional', 'viewer', 'agent'])(
  'a member with the role %s is neither shown the way nor the record',
  async (role) => {
    const clinic = open({ session: session(role) }, '#/settings/audit');
    expect(await screen.findByTestId('version')).toBeVisible();
    expect(screen.queryByTestId('audit')).toBeNull();
    expect(screen.queryByTestId('open-audit')).toBeNull();
    expect(clinic.asked.some(({ cmd }) => cmd === 'list_audit')).toBe(false);
  },
);

test('each filter is asked of the database, days are those of the clinic, and all are cleared at once', async () => {
  const clinic = open({ session: session('admin') }, '#/settings/audit');
  await screen.findAllByTestId('audit-entry');
  await waitFor(() =>
    expect(screen.getByTestId('audit-member').textContent).toContain('Rui Prado (saiu da equipe)'),
  );
  fill(screen.getByTestId('audit-topic'), 'logins');
  await waitFor(() => expect(wishes(clinic).at(-1)?.topic).toBe('logins'));
  await waitFor(() =>
    expect(screen.getAllByTestId('audit-entry').every((each) => each.dataset.action === 'login')).toBe(true),
  );
  fill(screen.getByTestId('audit-member'), 'Ana Souza');
  fill(screen.getByTestId('audit-from'), '2026-11-24');
  fill(screen.getByTestId('audit-until'), '2026-11-24');
  fill(screen.getByTestId('audit-text'), 'nada disto');
  await waitFor(() =>
    expect(wishes(clinic).at(-1)).toEqual({
      member_id: 'Ana Souza',
      person_id: null,
      topic: 'logins',
      from: '2026-11-24T03:00:00.000Z',
      until: '2026-11-25T03:00:00.000Z',
      text: 'nada disto',
    }),
  );
  expect(await screen.findByText('Nenhum registro com estes filtros')).toBeVisible();
  screen.getByTestId('audit-clear').click();
  await waitFor(() =>
    expect(Object.values(wishes(clinic).at(-1)!).every((each) => each === null)).toBe(true),
  );
  expect((await screen.findAllByTestId('audit-entry')).length).toBeGreaterThan(10);
});

test('the person it is about is found in the copy', async () => {
  const clinic = open({ session: session('owner') }, '#/settings/audit');
  (await screen.findByTestId('audit-person')).click();
  const name = clinic.conversations[0]!.name;
  fill(await screen.findByTestId('audit-person-text'), name);
  const called = await screen.findAllByRole('option', { name: new RegExp(name) });
  called[0]!.click();
  const people = clinic.conversations.filter((row) => row.name.includes(name)).map((row) => row.contact_id);
  await waitFor(() => expect(people).toContain(wishes(clinic).at(-1)?.person_id));
  expect(screen.getByTestId('audit-person').textContent).toContain(name);
});

test('older entries come as one scrolls, once each, and the end is told', async () => {
  const clinic = open({ session: session('owner') }, '#/settings/audit');
  await screen.findAllByTestId('audit-entry');
  const region = screen.getByRole('region', { name: /Registros/ });
  await waitFor(
    () => {
      region.scrollTop = region.scrollHeight;
      expect(screen.getAllByTestId('audit-entry')).toHaveLength(clinic.audit.entries.length);
    },
    { timeout: 5_000 },
  );
  expect(screen.getByText(/Fim do registro/)).toBeVisible();
});

test('without a connection it says where the record is, and comes when there is one again', async () => {
  const clinic = open(
    { session: session('owner'), refuse: { list_audit: 'unreachable' } },
    '#/settings/audit',
  );
  expect(await screen.findByTestId('audit-offline')).toHaveTextContent('só no banco da clínica');
  expect(screen.getByTestId('audit-save')).toBeDisabled();
  clinic.refusals = {};
  screen.getByRole('button', { name: 'Tentar de novo' }).click();
  expect((await screen.findAllByTestId('audit-entry')).length).toBeGreaterThan(10);
});

test('a table takes the words of the screen with it', async () => {
  const clinic = open({ session: session('owner') }, '#/settings/audit');
  await screen.findAllByTestId('audit-entry');
  screen.getByTestId('audit-save').click();
  expect(await screen.findByText(/registros salvos em .*\.csv/)).toBeVisible();
  const { words } = clinic.asked.find(({ cmd }) => cmd === 'export_audit')!.payload as {
    words: Record<string, string>;
  };
  expect(words['kind.appointments']).toBe('a consulta');
  expect(words['column.before']).toBe('Antes');
  expect(Object.keys(words).filter((word) => word.startsWith('field.'))).toHaveLength(
    Object.keys(pt).filter((key) => key.startsWith('audit_field_')).length,
  );
});

test('one walks through it by keyboard', async () => {
  open({ session: session('owner') }, '#/settings');
  (await screen.findByTestId('open-audit')).click();
  const entries = await screen.findAllByTestId('audit-entry');
  const press = (key: string) =>
    (document.activeElement ?? document.body).dispatchEvent(
      new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }),
    );
  press('j');
  press('ArrowDown');
  expect(document.activeElement).toBe(within(entries[1]!).getByRole('button'));
  press('k');
  expect(document.activeElement).toBe(within(entries[0]!).getByRole('button'));
  press('Escape');
  expect(await screen.findByTestId('version')).toBeVisible();
});
