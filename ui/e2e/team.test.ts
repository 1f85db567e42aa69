import { expect, real, test, violations } from './clinic';

test.skip(real, 'a sample clinic has no team; two computers of one clinic meet in the tests of the program');

const session = {
  state: 'ready',
  clinic: { id: 'c', name: 'Clínica Acácia', time_zone: 'America/Sao_Paulo', kind: 'remote' },
  member: { id: 'me', name: 'Júlia Andrade', role: 'owner' },
};

for (const theme of ['light', 'dark'] as const)
  test(`somebody is invited by keyboard, and everybody can read it (${theme})`, async ({ clinic }) => {
    await clinic.request.post('/fake', { data: { keep: true, session, preferences: { theme } } });
    await clinic.goto('/#/settings');
    await expect(clinic.getByTestId('member').first()).toBeVisible();
    expect(await violations(clinic)).toEqual([]);
    await clinic.getByTestId('invite').focus();
    await clinic.keyboard.press('Enter');
    const form = clinic.getByTestId('invite-form');
    await expect(form.locator('[name=name]')).toBeFocused();
    await clinic.keyboard.type('Ana Souza');
    expect(await violations(clinic)).toEqual([]);
    await clinic.keyboard.press('Enter');
    await expect(clinic.getByTestId('invitation-code')).toHaveText('K7QW2-9XT4M');
    expect(await violations(clinic)).toEqual([]);
    await clinic.keyboard.press('Escape');
    await expect(clinic.getByTestId('invite-panel')).toHaveCount(0);
    await expect(clinic.getByTestId('invitations')).toContainText('Ana Souza');
  });

test('who becomes a professional is asked for an agenda; going back changes nothing', async ({ clinic }) => {
  await clinic.request.post('/fake', { data: { keep: true, session } });
  await clinic.goto('/#/settings');
  const role = clinic.getByTestId('role').first();
  const before = await role.inputValue();
  await role.selectOption('professional');
  const dialog = clinic.getByTestId('agenda-dialog');
  await expect(dialog).toBeVisible();
  expect(await violations(clinic)).toEqual([]);
  await clinic.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
  await expect(role).toHaveValue(before);
  await expect(role).toBeFocused();
});

test('sending somebody away says what that does', async ({ clinic }) => {
  await clinic.request.post('/fake', { data: { keep: true, session } });
  await clinic.goto('/#/settings');
  const button = clinic.getByTestId('revoke-member').first();
  await button.focus();
  await clinic.keyboard.press('Enter');
  await expect(clinic.getByTestId('revoke-member-dialog')).toBeVisible();
  expect(await violations(clinic)).toEqual([]);
  await clinic.keyboard.press('Escape');
  await expect(button).toBeFocused();
});

for (const theme of ['light', 'dark'] as const)
  test(`coming in with an invitation can be read by everybody, also what went wrong (${theme})`, async ({
    clinic,
  }) => {
    await clinic.request.post('/fake', {
      data: {
        keep: true,
        session: { state: 'first_run' },
        preferences: { theme },
        refuse: { join_clinic: 'wrong_code' },
      },
    });
    await clinic.getByTestId('start-join').click();
    const form = clinic.getByTestId('join-form');
    await expect(form.locator('[name=invitation]')).toBeFocused();
    expect(await violations(clinic)).toEqual([]);
    await clinic.keyboard.type('balcao1:abc');
    await form.locator('[name=code]').fill('k7qw2-9xt4m');
    await form.locator('[name=code]').press('Enter');
    await expect(form.getByRole('alert')).toContainText('não abre este convite');
    expect(await violations(clinic)).toEqual([]);
  });
