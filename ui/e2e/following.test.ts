import { expect, real, test, violations } from './clinic';

test.skip(real, 'a sample clinic moves nowhere, and the tests after this one need it');

const session = {
  state: 'ready',
  clinic: { id: 'c', name: 'Clínica Acácia', time_zone: 'America/Sao_Paulo', kind: 'remote' },
  member: { id: 'me', name: 'Júlia Andrade', role: 'attendant' },
};
const status = { connection: 'offline', offline_since: '2026-11-24T11:02:00Z', waiting: 2 };
const invitation = { member_name: 'Ana Souza', is_somebody_else: true, waiting: 2 };

for (const theme of ['light', 'dark'] as const) {
  test(`a desk follows its clinic by keyboard, and everybody can read how (${theme})`, async ({ clinic }) => {
    await clinic.request.post('/fake', {
      data: { keep: true, session, status, invitation, preferences: { theme } },
    });
    await clinic.getByTestId('open-offline').focus();
    await clinic.keyboard.press('Enter');
    await expect(clinic.getByTestId('offline-popover')).toBeVisible();
    expect(await violations(clinic)).toEqual([]);
    await clinic.getByTestId('offline-follow').press('Enter');
    const form = clinic.getByTestId('follow-form');
    await expect(form.locator('[name=invitation]')).toBeFocused();
    await clinic.keyboard.type('balcao1:abc');
    await form.locator('[name=code]').fill('k7qw2-9xt4m');
    expect(await violations(clinic)).toEqual([]);
    await form.locator('[name=code]').press('Enter');
    await expect(clinic.getByTestId('follow-other')).toContainText('sai em nome de Ana Souza');
    await expect(clinic.getByTestId('follow-yes')).toBeFocused();
    expect(await violations(clinic)).toEqual([]);
    await clinic.keyboard.press('Enter');
    await expect(clinic.getByTestId('follow-dialog')).toHaveCount(0);
    await expect(clinic.getByTestId('toast')).toContainText('voltou a entrar');
  });

  test(`the way out says what it costs (${theme})`, async ({ clinic }) => {
    await clinic.request.post('/fake', { data: { keep: true, session, preferences: { theme } } });
    await clinic.goto('/#/settings');
    const leave = clinic.getByTestId('leave-clinic');
    await leave.focus();
    await clinic.keyboard.press('Enter');
    await expect(clinic.getByTestId('leave-dialog')).toContainText('já está no banco da clínica');
    expect(await violations(clinic)).toEqual([]);
    await clinic.keyboard.press('Escape');
    await expect(leave).toBeFocused();
    await clinic.keyboard.press('Enter');
    await clinic.getByTestId('leave-yes').click();
    await expect(clinic.getByTestId('start-join')).toBeVisible();
  });
}
