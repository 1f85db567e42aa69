import { expect, test, violations } from './clinic';

test('the palette opens screens, days and people', async ({ clinic }) => {
  await clinic.keyboard.press('Control+k');
  await expect(clinic.getByTestId('palette-input')).toBeFocused();
  await clinic.keyboard.type('amanhã');
  await clinic.keyboard.press('Enter');
  await expect(clinic.getByTestId('agenda-title')).toBeVisible();

  await clinic.keyboard.press('Control+1');
  const name = (await clinic.getByTestId('conversation-row').first().locator('.name').innerText()).split(
    ' ',
  )[0]!;
  await clinic.keyboard.press('Control+k');
  await clinic.keyboard.type(name.normalize('NFD').replace(/\p{M}/gu, ''));
  await expect(
    clinic.getByTestId('palette').getByRole('option').filter({ hasText: name }).first(),
  ).toBeVisible();
  await clinic.keyboard.press('Escape');
  await expect(clinic.getByTestId('palette')).toHaveCount(0);
});

test('the language changes at once and everywhere', async ({ clinic }) => {
  await clinic.goto('/#/settings');
  await clinic.getByText('English').click();
  await expect(clinic.getByRole('heading', { level: 1 })).toHaveText('Settings');
  await expect(clinic.getByTestId('status-line')).toContainText('waiting');
  await expect(clinic.locator('html')).toHaveAttribute('lang', 'en');
  await clinic.getByText('Português (Brasil)').click();
  await expect(clinic.getByRole('heading', { level: 1 })).toHaveText('Ajustes');
});

test('the map of keys opens with a question mark', async ({ clinic }) => {
  await expect(clinic.getByTestId('conversation-row').first()).toBeVisible();
  await clinic.keyboard.press('?');
  await expect(clinic.getByTestId('key-map')).toBeVisible();
  await clinic.keyboard.press('Escape');
  await expect(clinic.getByTestId('key-map')).toHaveCount(0);
});

test('the numbers of the status line open what they count', async ({ clinic }) => {
  await clinic.getByTestId('open-waiting').click();
  await expect(clinic.getByTestId('waiting-panel')).toBeVisible();
  await clinic.keyboard.press('Escape');
  await clinic.getByTestId('open-needs-you').click();
  await expect(clinic.getByTestId('needs-you-panel')).toBeVisible();
});

for (const theme of ['Claro', 'Escuro'])
  for (const place of ['inbox', 'agenda', 'agenda/week', 'leads', 'settings'])
    test(`${place} keeps the rules of accessibility (${theme})`, async ({ clinic }) => {
      await clinic.goto('/#/settings');
      await clinic.getByText(theme, { exact: true }).click();
      await expect(clinic.locator('html')).toHaveAttribute(
        'data-theme',
        theme === 'Claro' ? 'light' : 'dark',
      );
      await clinic.goto(`/#/${place}`);
      if (place === 'inbox') {
        await clinic.getByTestId('conversation-row').first().click();
        await expect(clinic.getByTestId('composer')).toBeVisible();
      }
      await clinic.waitForTimeout(300);
      expect(await violations(clinic)).toEqual([]);
    });
