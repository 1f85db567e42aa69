import type { Page } from '@playwright/test';
import { call, expect, test, violations } from './clinic';

const everything = { label: null, assignee_id: null, channel_id: null, waiting_minutes: null };

/** Clicks on a notice, as the system tells of it. */
async function click(page: Page, conversation_id: string | null): Promise<void> {
  const token = process.env.BALCAO_TOKEN;
  const answer = await page.request.post('/notices/open', {
    data: { conversation_id },
    headers: token ? { Authorization: `Bearer ${token}` } : {},
  });
  expect(answer.status()).toBe(204);
}

test('a click on a notice opens its thread from any screen', async ({ clinic }) => {
  const about = { view: 'all', search: null, filter: everything, counting: [], offset: 4, limit: 1 };
  const { rows } = (await call(clinic, 'list_conversations', about)) as {
    rows: { id: string; name: string }[];
  };
  await clinic.goto('/#/agenda');
  await expect(clinic.getByTestId('agenda-title')).toBeVisible();
  await click(clinic, rows[0]!.id);
  await expect(clinic.getByRole('heading', { level: 2, name: rows[0]!.name })).toBeVisible();
  await expect(clinic.getByTestId('composer')).toBeVisible();
  await clinic.goto('/#/leads');
  await click(clinic, null);
  await expect(clinic.getByTestId('conversation-row').first()).toBeVisible();
  await expect(clinic).toHaveURL(/#\/inbox\/needs_reply$/);
});

test('what is said outside the window is chosen, kept, and can be read by everybody', async ({ clinic }) => {
  await clinic.goto('/#/settings/notifications');
  const setting = clinic.getByTestId('notification-setting');
  await expect(setting.getByTestId('notifications-on')).toBeChecked();
  await setting.getByTestId('notifications-quiet').check();
  await expect(setting.getByTestId('quiet-hours')).toBeVisible();
  await setting.getByText('Nada da pessoa', { exact: true }).click();
  await expect
    .poll(async () => (await call(clinic, 'get_preferences', {})) as object)
    .toMatchObject({
      notifications: { with: 'nothing', quiet: { from_minute: 1140, until_minute: 420 } },
    });
  expect(await violations(clinic)).toEqual([]);
  await clinic.reload();
  await expect(setting.getByTestId('notifications-quiet')).toBeChecked();

  // The same hour twice is no time: it is refused, and what was chosen stays.
  const until = setting.getByTestId('quiet-hours').locator('input').nth(1);
  await until.fill('19:00');
  await until.press('Tab');
  if (process.env.BALCAO_URL) {
    await expect(clinic.getByTestId('toast')).toContainText('outra hora');
    await expect(until).toHaveValue('07:00');
  }
  await setting.getByTestId('notifications-quiet').uncheck();
  await setting.getByText('Só o nome', { exact: true }).click();
  await setting.getByTestId('notifications-on').uncheck();
  await expect(setting.getByTestId('notifications-sound')).toHaveCount(0);
  await setting.getByTestId('notifications-on').check();
  await expect(setting.getByTestId('notifications-sound')).toBeVisible();
});
