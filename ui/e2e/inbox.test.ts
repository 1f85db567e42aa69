import { expect, test } from './clinic';

test('a reply to the longest wait takes Enter, the words and Enter', async ({ clinic }) => {
  const rows = clinic.getByTestId('conversation-row');
  await expect(rows.first()).toBeVisible();
  const id = await rows.first().getAttribute('data-conversation-id');

  await clinic.keyboard.press('Enter');
  await expect(clinic.getByTestId('composer')).toBeFocused();
  const words = `Bom dia, temos horário amanhã às 9:30. ${Date.now()}`;
  await clinic.keyboard.type(words);
  await clinic.keyboard.press('Enter');

  const message = clinic.getByTestId('message').filter({ hasText: words });
  await expect(message).toBeVisible();
  await expect(message).toHaveAttribute('data-direction', 'outbound');
  await expect(clinic.getByTestId('composer')).toHaveValue('');
  await expect(
    clinic.locator(`[data-testid=conversation-row][data-conversation-id="${id}"]`),
    'whoever was answered no longer waits',
  ).toHaveCount(0);
  await expect(clinic.getByTestId('status-line')).toHaveAttribute('data-waiting', '0');
});

test('a draft stays with its conversation', async ({ clinic }) => {
  const rows = clinic.getByTestId('conversation-row');
  await rows.nth(0).click();
  await clinic.getByTestId('composer').fill('pela metade');
  await rows.nth(1).click();
  await expect(clinic.getByTestId('composer')).toHaveValue('');
  await rows.nth(0).click();
  await expect(clinic.getByTestId('composer')).toHaveValue('pela metade');
});

test('a thread opens at its newest message', async ({ clinic }) => {
  await clinic.getByTestId('conversation-row').nth(2).click();
  const last = clinic.getByTestId('message').last();
  await expect(last).toBeInViewport();
  const foot = await clinic
    .getByTestId('thread')
    .evaluate((el) => el.scrollHeight - el.scrollTop - el.clientHeight);
  expect(foot).toBeLessThan(40);
});

test('the filter finds people without their accents', async ({ clinic }) => {
  await clinic.getByTestId('view-all').click();
  const row = clinic
    .getByTestId('conversation-row')
    .filter({ hasText: /[áéíóúãõâêôç]/i })
    .first();
  await expect(row).toBeVisible();
  const name = (await row.locator('.name').innerText()).trim();
  const word = name.split(' ').find((each) => /[áéíóúãõâêôç]/i.test(each)) ?? name.split(' ')[0] ?? name;
  await clinic.keyboard.press('/');
  await expect(clinic.getByTestId('inbox-filter')).toBeFocused();
  await clinic.keyboard.type(word.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase());
  await expect(clinic.getByTestId('conversation-row').filter({ hasText: name }).first()).toBeVisible();
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
