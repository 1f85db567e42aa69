import { expect, real, test, violations } from './clinic';

test('the copy is made anew by keyboard, and the clinic is back', async ({ clinic }) => {
  test.setTimeout(180_000);
  await clinic.goto('/#/settings');
  const button = clinic.getByTestId('reset-copy');
  await button.focus();
  await clinic.keyboard.press('Enter');
  const dialog = clinic.getByTestId('reset-dialog');
  await expect(dialog).toContainText('nada se perde');
  expect(await violations(clinic)).toEqual([]);
  await clinic.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
  await expect(button).toBeFocused();

  await clinic.keyboard.press('Enter');
  const yes = clinic.getByTestId('reset-yes');
  await expect(yes).toBeEnabled();
  await yes.focus();
  await clinic.keyboard.press('Enter');
  await expect(dialog).toHaveCount(0);
  await expect(clinic.getByTestId('status-line')).toHaveAttribute('data-connection', 'online', {
    timeout: 120_000,
  });
  await clinic.goto('/#/inbox');
  await expect(clinic.getByTestId('conversation-row').first()).toBeVisible({ timeout: 60_000 });
});

test('the log says in words what happened, and the version is told', async ({ clinic }) => {
  await clinic.goto('/#/settings');
  const log = clinic.getByTestId('sync-log');
  await expect(log.getByText('Conectado ao banco da clínica.').first()).toBeAttached();
  await expect(log.getByText(/Primeira cópia pronta: [\d.]+ registros/).first()).toBeAttached();
  await expect(clinic.getByTestId('version')).toHaveText(/^Balcão \d+\.\d+\.\d+/);
});

test.describe('states that only an invented clinic can be put into', () => {
  test.skip(real, 'the program is not put into these states from outside');

  test('a clinic that took the access back is told about and left', async ({ clinic }) => {
    await clinic.request.post('/fake', {
      data: { keep: true, session: { state: 'revoked', clinic_name: 'Clínica Boa Vista', lost: 1 } },
    });
    await expect(clinic.getByTestId('session-revoked')).toContainText('retirou o acesso deste computador');
    expect(await violations(clinic)).toEqual([]);
    await clinic.keyboard.press('Enter');
    await expect(clinic.getByTestId('start-sample')).toBeVisible();
  });

  for (const theme of ['light', 'dark'] as const)
    test(`what is to be known stands over the screens until it is put away (${theme})`, async ({
      clinic,
    }) => {
      await clinic.request.post('/fake', {
        data: {
          keep: true,
          preferences: { theme },
          notice: {
            at: '2026-11-21T08:00:00Z',
            file: 'copy.db.damaged-20261121T080000',
            writes_kept: 3,
            writes_lost: 1,
          },
          status: { clock_ahead_seconds: -7200 },
        },
      });
      await expect(clinic.getByTestId('copy-notice')).toContainText('3 alterações que esperavam envio');
      await expect(clinic.getByTestId('clock-notice')).toContainText('2 horas atrasado');
      expect(await violations(clinic)).toEqual([]);
      await clinic.getByTestId('copy-notice').getByRole('button').click();
      await clinic.getByTestId('clock-notice').getByRole('button').click();
      await expect(clinic.getByTestId('copy-notice')).toHaveCount(0);
      await expect(clinic.getByTestId('clock-notice')).toHaveCount(0);
      await expect(clinic.getByTestId('status-line')).toContainText('2 horas atrasado');
    });

  test('the log is exported to where a person finds it', async ({ clinic }) => {
    await clinic.goto('/#/settings');
    await clinic.getByTestId('export-log').click();
    await expect(clinic.getByTestId('toast')).toContainText('balcao-registro-');
  });
});
