import { expect, real, test, violations } from './clinic';

test.beforeEach(async ({ clinic }) => {
  if (real) return;
  const session = {
    state: 'ready',
    clinic: { id: 'c', name: 'Clínica Acácia', time_zone: 'America/Sao_Paulo', kind: 'remote' },
    member: { id: 'me', name: 'Júlia Andrade', role: 'owner' },
  };
  await clinic.request.post('/fake', { data: { keep: true, session } });
});

test('the owner hands out a copy and sees what erasing would leave, by keyboard alone', async ({
  clinic,
}) => {
  await clinic.goto('/#/inbox/all');
  await clinic.getByTestId('conversation-row').first().click();
  const person = clinic.getByTestId('person');
  // On a wide screen it stands there as soon as the thread does.
  await expect(async () => {
    if (!(await person.isVisible())) await clinic.keyboard.press('i');
    await expect(person).toBeVisible({ timeout: 2000 });
  }).toPass();
  await person.getByTestId('open-person-data').focus();
  await clinic.keyboard.press('Enter');
  const data = clinic.getByTestId('person-data');
  await expect(data).toBeVisible();
  expect(await violations(clinic)).toEqual([]);
  // The account that runs the tests need not have a folder for downloads.
  if (!real) {
    await data.getByTestId('export-person').focus();
    await clinic.keyboard.press('Enter');
    await expect(data.getByTestId('exported')).toContainText('.zip');
  }
  await data.getByTestId('erase-person').focus();
  await clinic.keyboard.press('Enter');
  await expect(clinic.getByTestId('stays')).toContainText('Lei 13.787/2018');
  await expect(clinic.getByTestId('erase-yes')).toBeDisabled();
  expect(await violations(clinic)).toEqual([]);
  await clinic.keyboard.press('Escape');
  await expect(clinic.getByTestId('privacy-panel')).toHaveCount(0);
});
