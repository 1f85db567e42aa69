import { call, expect, real, test, violations } from './clinic';

const owner = {
  keep: true,
  session: {
    state: 'ready',
    clinic: { id: 'c', name: 'Clínica Acácia', time_zone: 'America/Sao_Paulo', kind: 'remote' },
    member: { id: 'me', name: 'Júlia Andrade', role: 'owner' },
  },
};

test.beforeEach(async ({ clinic }) => {
  if (!real) await clinic.request.post('/fake', { data: owner });
  await clinic.goto('/#/settings');
});

test('the owner finds out who logged in, by keyboard alone', async ({ clinic }) => {
  await clinic.getByTestId('open-audit').focus();
  await clinic.keyboard.press('Enter');
  await expect(clinic.getByTestId('audit-entry').first()).toBeVisible();
  expect(await violations(clinic)).toEqual([]);
  await clinic.getByTestId('audit-topic').focus();
  await clinic.getByTestId('audit-topic').selectOption('logins');
  const entries = clinic.getByTestId('audit-entry');
  await expect(entries.first()).toHaveAttribute('data-action', 'login');
  await expect(entries.first()).toContainText('Entrou no sistema');
  await clinic.getByTestId('audit-refresh').focus();
  await clinic.keyboard.press('j');
  await clinic.keyboard.press('Enter');
  await expect(
    entries.first().getByText('Endereço na rede').or(entries.first().getByText('Programa')).first(),
  ).toBeVisible();
  expect(await violations(clinic)).toEqual([]);
  await clinic.keyboard.press('Escape');
  await expect(clinic.getByTestId('open-audit')).toBeVisible();
});

test('what is changed at the desk stands there with what stood there before', async ({ clinic }) => {
  test.skip(!real, 'an invented clinic writes nothing down');
  const list = (await call(clinic, 'list_conversations', {
    view: 'all',
    search: null,
    offset: 0,
    limit: 1,
  })) as { rows: { contact_id: string; name: string }[] };
  const row = list.rows[0]!;
  const words = `palavra ${Date.now()}`;
  await call(clinic, 'add_note', { about: 'contact', id: row.contact_id, text: words });
  await clinic.goto('/#/settings/audit');
  await clinic.getByTestId('audit-text').fill(words);
  const entry = clinic.getByTestId('audit-entry').first();
  await expect(async () => {
    await clinic.getByTestId('audit-refresh').click();
    await expect(entry).toContainText(words, { timeout: 1_000 });
  }).toPass({ timeout: 20_000 });
  await expect(entry).toContainText('Mudou o contato');
  await expect(entry).toContainText(row.name);
});

for (const theme of ['light', 'dark'] as const)
  test(`entries, filters and what changed can be read by everybody (${theme})`, async ({ clinic }) => {
    test.skip(real, 'the invented audit has entries of every kind');
    await clinic.request.post('/fake', { data: { keep: true, preferences: { theme } } });
    await clinic.goto('/#/settings/audit');
    const entries = clinic.getByTestId('audit-entry');
    await entries.first().getByRole('button').click();
    await entries.nth(1).getByRole('button').click();
    expect(await violations(clinic)).toEqual([]);
    await clinic.getByTestId('audit-person').click();
    await clinic.getByTestId('audit-person-text').fill('ma');
    await expect(clinic.locator('[role=option]').first()).toBeVisible();
    expect(await violations(clinic)).toEqual([]);
  });

test('without a connection it says so', async ({ clinic }) => {
  test.skip(real, 'the program is not cut off from outside');
  await clinic.request.post('/fake', { data: { keep: true, refuse: { list_audit: 'unreachable' } } });
  await clinic.goto('/#/settings/audit');
  await expect(clinic.getByTestId('audit-offline')).toBeVisible();
  expect(await violations(clinic)).toEqual([]);
});
