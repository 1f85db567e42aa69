import type { Locator, Page } from '@playwright/test';
import type { Commands } from '../src/lib/bridge/bindings';
import { call, expect, test, violations } from './clinic';

/** At most so many keys or clicks from an open thread to a booked visit with its confirmation in the composer. */
const most = 3;

const thread = async (page: Page, id: string) =>
  (await call(page, 'get_thread', {
    conversation_id: id,
    before: null,
    limit: 1,
    visits: 50,
  })) as Commands['get_thread']['response'];

async function openThread(page: Page): Promise<string> {
  await page.getByTestId('view-all').click();
  const row = page.getByTestId('conversation-row').first();
  await row.click();
  await expect(page.getByTestId('act-book')).toBeVisible();
  return (await row.getAttribute('data-conversation-id')) ?? '';
}

async function booked(page: Page, id: string, starts: string): Promise<void> {
  await expect(page.getByTestId('composer')).toHaveValue(/ficou marcado.* às \d\d:\d\d, com .+\./);
  await expect(page.getByTestId('composer')).toBeFocused();
  const { person } = await thread(page, id);
  const visit = person.visits.find((each) => Date.parse(each.starts_at) === Date.parse(starts));
  expect(visit, 'it stands in the clinic as this computer knows it').toBeTruthy();
  await expect(page.locator(`[data-visit-id="${visit?.id}"]`), 'and beside the thread').toBeVisible();
}

const startOf = async (time: Locator): Promise<string> => (await time.getAttribute('data-starts-at')) ?? '';

/** Takes back what a test has booked, and the text that it put into the composer. */
async function clean(page: Page): Promise<void> {
  await page.getByTestId('toast-act').last().click();
  await expect(page.getByTestId('composer')).toHaveValue('');
}

test('the next free time is booked with three keys at most, and its confirmation lies ready', async ({
  clinic,
}) => {
  const id = await openThread(clinic);
  let steps = 0;
  const press = async (key: string) => {
    steps++;
    await clinic.keyboard.press(key);
  };
  await press('b');
  const times = clinic.getByTestId('free-time');
  await expect(times).toHaveCount(3);
  await expect(times.first().getByRole('radio')).toBeFocused();
  const second = await startOf(times.nth(1));
  await press('2');
  await expect(times.nth(1).getByRole('radio')).toBeChecked();
  await press('Enter');
  await booked(clinic, id, second);
  expect(steps).toBeLessThanOrEqual(most);
  await clean(clinic);
});

test('the same with the mouse', async ({ clinic }) => {
  const id = await openThread(clinic);
  let steps = 0;
  const click = async (what: Locator) => {
    steps++;
    await what.click();
  };
  await click(clinic.getByTestId('act-book'));
  const third = clinic.getByTestId('free-time').nth(2);
  const starts = await startOf(third);
  await click(third);
  await expect(third.getByRole('radio')).toBeChecked();
  await click(clinic.getByTestId('book'));
  await booked(clinic, id, starts);
  expect(steps).toBeLessThanOrEqual(most);
  await clean(clinic);
});

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
