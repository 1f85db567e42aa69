import type { Page } from '@playwright/test';
import { call, expect, test, violations } from './clinic';

async function openThread(page: Page): Promise<void> {
  await page.getByTestId('view-all').click();
  const row = page.getByTestId('conversation-row').first();
  await row.click();
  await expect(page.getByTestId('act-book')).toBeVisible();
}

test('a booking that is called off with Escape leaves everything as it was', async ({ clinic }) => {
  await openThread(clinic);
  const row = clinic.locator('[data-testid=conversation-row][aria-current=true]');
  await row.focus();
  await clinic.keyboard.press('b');
  await expect(clinic.getByTestId('free-time').first().getByRole('radio')).toBeFocused();
  await clinic.keyboard.press('Escape');
  await expect(clinic.getByTestId('booking')).toHaveCount(0);
  await expect(row, 'the focus is where it was').toBeFocused();
  await expect(clinic.getByTestId('composer')).toHaveValue('');
});

for (const theme of ['light', 'dark'] as const)
  test(`the panel can be read by everybody (${theme})`, async ({ clinic }) => {
    const before = await call(clinic, 'get_preferences', {});
    await call(clinic, 'set_preferences', { ...(before as object), theme });
    await expect(clinic.locator('html')).toHaveAttribute('data-theme', theme);
    await openThread(clinic);
    await clinic.keyboard.press('b');
    await expect(clinic.getByTestId('free-time').first().getByRole('radio')).toBeFocused();
    expect(await violations(clinic)).toEqual([]);
    await clinic.screenshot({ path: `test-results/booking-${theme}.png` });
    await clinic.keyboard.press('o');
    await expect(clinic.getByTestId('composer')).toHaveValue(/livres?:\n• /);
    await clinic.getByTestId('more-times').click();
    await expect(clinic.getByTestId('first-times')).toBeVisible();
    await clinic.getByTestId('booking-for').selectOption('new');
    await expect(clinic.getByTestId('booking-name')).toBeVisible();
    expect(await violations(clinic)).toEqual([]);
    await clinic.screenshot({ path: `test-results/booking-${theme}-more.png` });
    await clinic.getByTestId('composer').fill('');
    await call(clinic, 'set_preferences', before);
  });
