import { expect, test } from './clinic';

test('a draft stays with its conversation', async ({ clinic }) => {
  const rows = clinic.getByTestId('conversation-row');
  // By their ids: the list may be in another order by the time of the next click.
  const idOf = async (at: number) => (await rows.nth(at).getAttribute('data-conversation-id')) ?? '';
  const [one, other] = [await idOf(0), await idOf(1)];
  const open = (id: string) => clinic.locator(`[data-conversation-id="${id}"]`).click();
  await open(one);
  await clinic.getByTestId('composer').fill('pela metade');
  await open(other);
  await expect(clinic.getByTestId('composer')).toHaveValue('');
  await open(one);
  await expect(clinic.getByTestId('composer')).toHaveValue('pela metade');
});

test('a thread opens at its newest message', async ({ clinic }) => {
  await clinic.getByTestId('conversation-row').nth(2).click();
  const last = clinic.getByTestId('message').last();
  await expect(last).toBeInViewport();
  const foot = () =>
    clinic.getByTestId('thread').evaluate((el) => el.scrollHeight - el.scrollTop - el.clientHeight);
  await expect.poll(foot).toBeLessThan(40);
});

test('j, k and Escape walk without a mouse', async ({ clinic }) => {
  await expect(clinic.getByTestId('conversation-row').first()).toBeVisible();
  await clinic.keyboard.press('j');
  const chosen = clinic.locator('[data-testid=conversation-row][aria-current=true]');
  await expect(chosen).toBeFocused();
  const first = await chosen.getAttribute('data-conversation-id');
  await clinic.keyboard.press('j');
  await expect(chosen).not.toHaveAttribute('data-conversation-id', first ?? '');
  await clinic.keyboard.press('k');
  await expect(chosen).toHaveAttribute('data-conversation-id', first ?? '');
  await clinic.keyboard.press('Escape');
  await expect(clinic.getByTestId('composer')).toHaveCount(0);
});

test('the first row marks when it was painted', async ({ clinic }) => {
  await expect(clinic.getByTestId('conversation-row').first()).toBeVisible();
  await expect
    .poll(() => clinic.evaluate(() => performance.getEntriesByName('balcao:first-row').length))
    .toBe(1);
});
