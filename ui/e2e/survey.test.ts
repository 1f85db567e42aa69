import { expect, real, test, violations } from './clinic';

test('whoever leads the clinic says what is asked after closing', async ({ clinic }) => {
  if (!real)
    await clinic.request.post('/fake', {
      data: {
        session: {
          state: 'ready',
          clinic: { id: 'c', name: 'Clínica Acácia', time_zone: 'America/Sao_Paulo', kind: 'sample' },
          member: { id: 'me', name: 'Júlia Andrade', role: 'owner' },
        },
      },
    });
  await clinic.goto('/#/settings');
  const setting = clinic.getByTestId('survey-setting');
  await setting.getByTestId('survey-on').check();
  await expect(setting.getByTestId('survey-question')).toHaveValue(/De 1 a 5/);
  await setting.getByTestId('survey-hours').fill('48');
  expect(await violations(clinic)).toEqual([]);
  await setting.getByTestId('survey-save').click();
  await expect(clinic.getByTestId('toast')).toContainText('salva');
  await clinic.reload();
  await expect(setting.getByTestId('survey-on')).toBeChecked();
  await expect(setting.getByTestId('survey-hours')).toHaveValue('48');
  await setting.getByTestId('survey-on').uncheck();
  await setting.getByTestId('survey-save').click();
  await expect(clinic.getByTestId('toast').last()).toContainText('salva');
});
