import { screen, waitFor, within } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import type { Session } from '../src/lib/bridge';
import { open } from './open';

const session = (role: string): Session => ({
  state: 'ready',
  clinic: { id: 'c', name: 'Clínica Acácia', time_zone: 'America/Sao_Paulo', kind: 'remote' },
  member: { id: 'me', name: 'Júlia Andrade', role },
});

function type(field: HTMLInputElement, value: string): void {
  field.value = value;
  field.dispatchEvent(new Event('input', { bubbles: true }));
}

async function openData(role = 'owner') {
  const clinic = open({ session: session(role) }, '#/inbox/all');
  const row = clinic.conversations[0]!;
  location.hash = `#/inbox/all/${row.id}`;
  if (!screen.queryByTestId('person')) (await screen.findByLabelText('Sobre a pessoa')).click();
  await screen.findByTestId('person');
  return { clinic, row };
}

test.each(['attendant', 'professional', 'viewer'])(
  'a member with the role %s is not offered what the database would refuse',
  async (role) => {
    const { clinic } = await openData(role);
    expect(screen.queryByTestId('open-person-data')).toBeNull();
    expect(clinic.asked.some(({ cmd }) => cmd === 'get_person_data')).toBe(false);
  },
);

test('a copy is handed out, and where the file is is said', async () => {
  const { clinic, row } = await openData();
  screen.getByTestId('open-person-data').click();
  const data = await screen.findByTestId('person-data');
  expect(data.textContent).toContain(row.name);
  expect(data.textContent).toContain('1.248');
  clinic.slow = 1200;
  within(data).getByTestId('export-person').click();
  clinic.slow = 0;
  expect(await within(data).findByText(/Reunindo: Mensagens \(750 até agora\)/)).toBeVisible();
  expect(await within(data).findByTestId('exported')).toHaveTextContent('.zip');
  expect(clinic.asked.filter(({ cmd }) => cmd === 'export_person')).toHaveLength(1);
});

test('a file that could not be read is named, and the rest is handed out', async () => {
  const { clinic } = await openData();
  clinic.privacy.damaged = ['arquivos/2026-11-10-ab-laudo.pdf'];
  screen.getByTestId('open-person-data').click();
  const data = await screen.findByTestId('person-data');
  within(data).getByTestId('export-person').click();
  expect(await within(data).findByTestId('missing-files')).toHaveTextContent(
    'Não puderam ser lidos e ficaram de fora (1): arquivos/2026-11-10-ab-laudo.pdf',
  );
  expect(within(data).getByTestId('exported')).toHaveTextContent('.zip');
});

test('an export can be called off, and nothing is said to be there', async () => {
  const { clinic } = await openData();
  screen.getByTestId('open-person-data').click();
  const data = await screen.findByTestId('person-data');
  clinic.slow = 600;
  within(data).getByTestId('export-person').click();
  clinic.slow = 0;
  (await within(data).findByTestId('cancel-export')).click();
  await waitFor(() => expect(clinic.asked.some(({ cmd }) => cmd === 'cancel_person_export')).toBe(true));
  expect(await within(data).findByTestId('exported')).toHaveTextContent('A exportação foi cancelada');
  expect(await within(data).findByTestId('export-person')).toBeEnabled();
});

test('what goes and what stays is said with its reason, and only the typed name erases', async () => {
  const { clinic, row } = await openData('admin');
  screen.getByTestId('open-person-data').click();
  (await screen.findByTestId('erase-person')).click();
  const goes = await screen.findByTestId('goes');
  for (const words of [
    '1.248 mensagens',
    'Bento Andrade Nogueira',
    'Consultas futuras (2)',
    'Leads abertos (1)',
  ])
    expect(goes.textContent).toContain(words);
  const stays = screen.getByTestId('stays');
  for (const words of [
    'Consultas (12)',
    'Código Tributário Nacional',
    'Lia Andrade Nogueira',
    'Lei 13.787/2018',
  ])
    expect(stays.textContent).toContain(words);
  const form = screen.getByTestId('erase-form');
  const yes = screen.getByTestId('erase-yes');
  expect(yes).toBeDisabled();
  const field = form.querySelector<HTMLInputElement>('[name=typed]')!;
  type(field, row.name.split(' ')[0]!);
  expect(yes).toBeDisabled();
  type(field, ` ${row.name.toUpperCase()} `);
  await waitFor(() => expect(yes).toBeEnabled());
  yes.click();
  await waitFor(() => expect(screen.queryByTestId('privacy-panel')).toBeNull());
  expect(await screen.findByText('Os dados foram apagados.')).toBeVisible();
  expect(clinic.asked.find(({ cmd }) => cmd === 'erase_person')!.payload).toMatchObject({
    contact_id: row.contact_id,
    reason: 'request',
  });
  expect(location.hash).toBe('#/inbox/all');
});

test('why it was not done is said beside the button', async () => {
  const { clinic, row } = await openData();
  clinic.set({ refuse: { erase_person: 'not_permitted' } });
  screen.getByTestId('open-person-data').click();
  (await screen.findByTestId('erase-person')).click();
  type((await screen.findByTestId('erase-form')).querySelector<HTMLInputElement>('[name=typed]')!, row.name);
  const yes = screen.getByTestId('erase-yes');
  await waitFor(() => expect(yes).toBeEnabled());
  yes.click();
  expect(await within(screen.getByTestId('erase-form')).findByRole('alert')).toBeVisible();
  expect(yes).toBeEnabled();
});
