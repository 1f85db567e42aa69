import { expect, real, test, violations } from './clinic';

test('the way to the database is looked at step by step, by keyboard', async ({ clinic }) => {
  await clinic.goto('/#/settings');
  const button = clinic.getByTestId('open-doctor');
  await button.focus();
  await clinic.keyboard.press('Enter');
  const dialog = clinic.getByTestId('doctor');
  await expect(dialog).toHaveAttribute('data-running', 'false', { timeout: 30_000 });
  await expect(clinic.getByTestId('doctor-verdict')).toHaveText('Tudo certo até o banco da clínica.');
  await expect(clinic.locator('[data-testid=doctor-step][data-state=ok]')).toHaveCount(6);
  expect(await violations(clinic)).toEqual([]);
  await clinic.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
  await expect(button).toBeFocused();
});

test.describe('states that only an invented clinic can be put into', () => {
  test.skip(real, 'the program is not put into these states from outside');

  const session = {
    state: 'ready',
    clinic: { id: 'c', name: 'Clínica Acácia', time_zone: 'America/Sao_Paulo', kind: 'local' },
    member: { id: 'me', name: 'Júlia Andrade', role: 'owner' },
  };

  for (const theme of ['light', 'dark'] as const)
    test(`sharing, the popover of a lost connection and the doctor are sound (${theme})`, async ({
      clinic,
    }) => {
      await clinic.request.post('/fake', { data: { keep: true, session, preferences: { theme } } });
      await clinic.goto('/#/settings');
      await clinic.getByTestId('sharing-switch').check();
      await expect(clinic.getByTestId('sharing-address')).toHaveText('192.168.0.10:55320');
      expect(await violations(clinic)).toEqual([]);
      await clinic.request.post('/fake', {
        data: {
          keep: true,
          status: { connection: 'offline', offline_since: '2026-11-24T17:02:00Z', waiting: 2 },
        },
      });
      await clinic.getByTestId('open-offline').click();
      await expect(clinic.getByTestId('offline-popover')).toContainText('2 alterações guardadas');
      expect(await violations(clinic)).toEqual([]);
      await clinic.getByTestId('offline-popover').getByTestId('open-doctor').click();
      await expect(clinic.getByTestId('doctor')).toHaveAttribute('data-running', 'false');
      expect(await violations(clinic)).toEqual([]);
    });
});
