import type { Page } from '@playwright/test';
import { call, expect, real, test, violations } from './clinic';

const everything = { label: null, assignee_id: null, channel_id: null, waiting_minutes: null };

/** Opens the thread at a place of a list, and gives what is written in it the focus. */
async function openThread(page: Page, at = 0): Promise<string> {
  const about = { view: 'needs_reply', search: null, filter: everything, counting: [], offset: at, limit: 1 };
  const { rows } = (await call(page, 'list_conversations', about)) as { rows: { id: string }[] };
  const id = rows[0]?.id;
  if (!id) throw new Error('nobody waits');
  await page.goto(`/#/inbox/needs_reply/${id}`);
  await page.getByTestId('composer').click();
  return id;
}

/** Goes from what is written back to the list. */
async function leave(page: Page): Promise<void> {
  await page.keyboard.press('Escape');
  await expect(page.locator('[data-testid=conversation-row][aria-current=true]')).toBeFocused();
}

test('a slash, three letters and Enter put a quick reply in', async ({ clinic }) => {
  await openThread(clinic);
  await clinic.keyboard.type('/conv');
  await expect(clinic.getByTestId('suggestion').first()).toBeVisible();
  expect(await violations(clinic)).toEqual([]);
  await clinic.keyboard.press('Enter');
  await expect(clinic.getByTestId('composer')).toHaveValue(/^Atendemos /);
  await clinic.keyboard.press('ControlOrMeta+z');
  await expect(clinic.getByTestId('composer'), 'Ctrl Z takes it out again').toHaveValue('/conv');
  await clinic.getByTestId('composer').fill('');
});

test('what a text lacks is asked for before it goes out', async ({ clinic }) => {
  await openThread(clinic, 1);
  const words = `São {{valor}}, ${Date.now()}.`;
  await clinic.keyboard.type(words);
  await clinic.keyboard.press('Enter');
  await expect(clinic.getByTestId('missing-valor')).toBeFocused();
  expect(await violations(clinic)).toEqual([]);
  await clinic.keyboard.type('R$ 480');
  await clinic.keyboard.press('Enter');
  const message = clinic.getByTestId('message').filter({ hasText: words.replace('{{valor}}', 'R$ 480') });
  await expect(message).toBeVisible();
  await expect(clinic.getByTestId('composer')).toHaveValue('');
});

test('what was being written is there when the screens are loaded again', async ({ clinic }) => {
  const id = await openThread(clinic, 2);
  await clinic.keyboard.type('pela metade');
  await expect
    .poll(async () => ((await call(clinic, 'get_draft', { conversation_id: id })) as { text: string }).text)
    .toBe('pela metade');
  await clinic.reload();
  await expect(clinic.getByTestId('composer')).toHaveValue('pela metade');
  const kept = await clinic.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  expect(kept).not.toContain('pela metade');
  await clinic.getByTestId('composer').fill('');
});

test('an emoji is found by its name and put in with Enter', async ({ clinic }) => {
  await openThread(clinic, 3);
  await clinic.getByTestId('emoji-button').click();
  await expect(clinic.getByTestId('emoji-search')).toBeFocused();
  await expect(clinic.getByTestId('emoji').first()).toBeVisible();
  expect(await violations(clinic)).toEqual([]);
  await clinic.keyboard.type('dente');
  await expect(clinic.getByTestId('emoji').filter({ hasText: '🦷' })).toBeVisible();
  const first = await clinic.getByTestId('emoji').first().textContent();
  await clinic.keyboard.press('Enter');
  await expect(clinic.getByTestId('composer')).toHaveValue(first ?? '?');
  await expect(clinic.getByTestId('composer')).toBeFocused();
  await clinic.getByTestId('composer').fill('');
});

test('the key that sends can be chosen', async ({ clinic }) => {
  await clinic.goto('/#/settings');
  const setting = clinic.getByTestId('send-key-setting');
  await setting.getByRole('radio').nth(1).check();
  expect(await violations(clinic)).toEqual([]);
  await openThread(clinic, 4);
  await clinic.keyboard.type('uma linha');
  await clinic.keyboard.press('Enter');
  await clinic.keyboard.type('outra linha');
  await expect(clinic.getByTestId('composer')).toHaveValue('uma linha\noutra linha');
  await clinic.keyboard.press('ControlOrMeta+Enter');
  await expect(clinic.getByTestId('composer')).toHaveValue('');
  await clinic.goto('/#/settings');
  await setting.getByRole('radio').nth(0).check();
});

test('a quick reply is written, used and removed', async ({ clinic }) => {
  // The sample of the program is its owner's; the invented clinic is an attendant's.
  test.skip(!real, 'needs the program');
  await clinic.goto('/#/settings/quick-replies');
  await clinic.getByTestId('quick-reply-add').click();
  await clinic.getByTestId('quick-reply-shortcut').fill('Retorno');
  await clinic.getByTestId('quick-reply-title').fill('Retorno');
  await clinic.getByTestId('quick-reply-body').fill('O retorno é em 30 dias.');
  expect(await violations(clinic)).toEqual([]);
  await clinic.getByTestId('quick-reply-save').click();
  await expect(clinic.getByText('/retorno')).toBeVisible();
  await openThread(clinic, 5);
  await clinic.keyboard.type('/reto');
  await expect(clinic.getByTestId('suggestion').first()).toContainText('Retorno');
  await clinic.keyboard.press('Tab');
  await expect(clinic.getByTestId('composer')).toHaveValue('O retorno é em 30 dias.');
  await clinic.getByTestId('composer').fill('');
  await clinic.goto('/#/settings');
  await clinic.getByRole('button', { name: 'Remover Retorno' }).click();
  await expect(clinic.getByText('/retorno')).toHaveCount(0);
});

test('a note stands in the thread and is not sent', async ({ clinic }) => {
  const id = await openThread(clinic, 6);
  await leave(clinic);
  await clinic.keyboard.press('n');
  const words = `Conferir a carteirinha ${Date.now()}`;
  await clinic.keyboard.type(`${words} @`);
  await expect(clinic.getByTestId('suggestion').first()).toBeVisible();
  expect(await violations(clinic)).toEqual([]);
  await clinic.keyboard.press('Tab');
  await clinic.keyboard.press('Enter');
  const note = clinic.getByTestId('message').filter({ hasText: words });
  await expect(note).toHaveAttribute('data-direction', 'internal');
  await expect(note.locator('b')).toHaveText(/^@/);
  const about = {
    view: 'needs_reply',
    search: null,
    filter: everything,
    counting: [],
    offset: 0,
    limit: 500,
  };
  const { rows } = (await call(clinic, 'list_conversations', about)) as { rows: { id: string }[] };
  expect(
    rows.some((row) => row.id === id),
    'the person still waits',
  ).toBe(true);
});

test('r, words and Enter answer with a quote', async ({ clinic }) => {
  await openThread(clinic, 7);
  await leave(clinic);
  await clinic.keyboard.press('r');
  await expect(clinic.getByTestId('quote')).toBeVisible();
  expect(await violations(clinic)).toEqual([]);
  const words = `Pode sim. ${Date.now()}`;
  await clinic.keyboard.type(words);
  await clinic.keyboard.press('Enter');
  await expect(clinic.getByTestId('message').filter({ hasText: words }).locator('blockquote')).toBeVisible();
  await expect(clinic.getByTestId('quote')).toHaveCount(0);
});

test('a message is put off to another day, moved and called off', async ({ clinic }) => {
  await openThread(clinic, 8);
  const words = `Lembrando da consulta ${Date.now()}`;
  await clinic.keyboard.type(words);
  await clinic.keyboard.press('Alt+Enter');
  await clinic.getByTestId('send-later').fill('amanhã 9h');
  await expect(clinic.locator('.chooser-item')).toHaveCount(1);
  await clinic.keyboard.press('Enter');
  const waits = clinic.getByTestId('scheduled-message').filter({ hasText: words });
  await expect(waits).toContainText('09:00');
  await expect(clinic.getByTestId('composer')).toHaveValue('');
  expect(await violations(clinic)).toEqual([]);
  await waits.getByTestId('reschedule-button').click();
  await clinic.getByTestId('reschedule').fill('amanhã 10h');
  await clinic.keyboard.press('Enter');
  await expect(waits).toContainText('10:00');
  await waits.getByTestId('scheduled-cancel').click();
  await expect(waits).toHaveCount(0);
  await clinic.getByTestId('toast-act').last().click();
  await expect(waits).toBeVisible();
  await waits.getByTestId('scheduled-cancel').click();
  await expect(waits).toHaveCount(0);
});
