import type { Page } from '@playwright/test';
import { call, expect, test, violations } from './clinic';

interface Row {
  id: string;
  name: string;
  status: string;
  assignee_id: string | null;
  labels: string[];
}

const everything = { label: null, assignee_id: null, channel_id: null, waiting_minutes: null };

async function list(page: Page, view: string): Promise<Row[]> {
  const about = { view, search: null, filter: everything, counting: [], offset: 0, limit: 500 };
  return ((await call(page, 'list_conversations', about)) as { rows: Row[] }).rows;
}

const now = async (page: Page, id: string): Promise<Row | undefined> =>
  (await list(page, 'all')).find((row) => row.id === id);

/** Opens the first thread of a view and returns it. */
async function openFirst(page: Page, view: string): Promise<Row> {
  const [row] = await list(page, view);
  if (!row) throw new Error(`nothing in ${view}`);
  await page.goto(`/#/inbox/${view}/${row.id}`);
  await expect(page.getByTestId('act-hand-over')).toBeVisible();
  return row;
}

test('e closes with one key, and the toast opens it again with one click', async ({ clinic }) => {
  const row = await openFirst(clinic, 'needs_reply');
  await clinic.keyboard.press('e');
  await expect
    .poll(async () => (await list(clinic, 'needs_reply')).some((each) => each.id === row.id))
    .toBe(false);
  await clinic.getByTestId('toast-act').click();
  await expect.poll(async () => (await now(clinic, row.id))?.status).toBe('open');
});

test('s and Enter put a thread aside for an hour, and it is said until when', async ({ clinic }) => {
  const row = await openFirst(clinic, 'needs_reply');
  await clinic.keyboard.press('s');
  await expect(clinic.getByTestId('snooze')).toBeFocused();
  await expect(clinic.locator('.chooser-item').first()).toBeVisible();
  await clinic.keyboard.press('Enter');
  await expect.poll(async () => (await now(clinic, row.id))?.status).toBe('snoozed');
  await clinic.getByTestId('toast-act').click();
  await expect.poll(async () => (await now(clinic, row.id))?.status).toBe('open');
});

test('a and Enter give a thread to oneself', async ({ clinic }) => {
  const row = await openFirst(clinic, 'unassigned');
  await clinic.keyboard.press('a');
  await expect(clinic.getByTestId('assign')).toBeFocused();
  await clinic.keyboard.press('Enter');
  await expect.poll(async () => (await now(clinic, row.id))?.assignee_id).not.toBeNull();
  await clinic.getByTestId('toast-act').click();
  await expect.poll(async () => (await now(clinic, row.id))?.assignee_id).toBeNull();
});

test('three threads are labelled at once and one word takes it back', async ({ clinic }) => {
  await clinic.getByTestId('view-needs_reply').click();
  const rows = clinic.getByTestId('conversation-row');
  await expect(rows.nth(2)).toBeVisible();
  const ids = await Promise.all([0, 1, 2].map((at) => rows.nth(at).getAttribute('data-conversation-id')));
  await rows.nth(0).click({ modifiers: ['ControlOrMeta'] });
  await rows.nth(2).click({ modifiers: ['Shift'] });
  await expect(clinic.getByTestId('picked')).toHaveText(/^3 /);
  await clinic.keyboard.press('g');
  await clinic.getByTestId('label').fill('mutirão');
  await clinic.keyboard.press('Enter');
  const labelled = async () =>
    (await list(clinic, 'all')).filter((row) => row.labels.includes('mutirão')).map((row) => row.id);
  await expect.poll(async () => (await labelled()).sort()).toEqual([...ids].sort());
  await clinic.getByTestId('toast-act').click();
  await expect.poll(labelled).toEqual([]);
});

test('the lists and choices of the inbox can be read by everybody', async ({ clinic }) => {
  await openFirst(clinic, 'needs_reply');
  expect(await violations(clinic)).toEqual([]);
  await clinic.keyboard.press('s');
  await expect(clinic.locator('.chooser-item').first()).toBeVisible();
  expect(await violations(clinic)).toEqual([]);
  await clinic.keyboard.press('Escape');
  await expect(clinic.locator('.chooser-item')).toHaveCount(0);
  await clinic.keyboard.press('f');
  await expect(clinic.getByTestId('filter-label')).toBeVisible();
  expect(await violations(clinic)).toEqual([]);
  await clinic.keyboard.press('Escape');
  await expect(clinic.getByTestId('filter-label')).toHaveCount(0);
  await clinic.keyboard.press('x');
  await expect(clinic.getByTestId('bulk')).toBeVisible();
  expect(await violations(clinic)).toEqual([]);
});
