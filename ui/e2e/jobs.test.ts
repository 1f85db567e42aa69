import type { Locator, Page } from '@playwright/test';
import type { Commands, ConversationRow } from '../src/lib/bridge/bindings';
import { call, expect, test } from './clinic';
import { record, report, type By, type Hand, type Job } from './steps';

type List = Commands['list_conversations']['response'];

const unfiltered = { label: null, assignee_id: null, channel_id: null, waiting_minutes: null };

async function list(page: Page, view: string): Promise<ConversationRow[]> {
  const about = { view, search: null, filter: unfiltered, counting: [], offset: 0, limit: 500 };
  return ((await call(page, 'list_conversations', about)) as List).rows;
}

const rowsOf = (page: Page): Locator => page.getByTestId('conversation-row');
const plain = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

/** Opens the first thread of a view before anything is counted. */
async function opened(page: Page, view: string): Promise<ConversationRow> {
  const [row] = await list(page, view);
  if (!row) throw new Error(`nothing in ${view}`);
  await page.goto(`/#/inbox/${view}/${row.id}`);
  await expect(page.getByTestId('act-hand-over')).toBeVisible();
  return row;
}

const words = (): string => `Bom dia, temos horário amanhã às 9:30. ${Date.now()}`;

async function answered(page: Page, text: string, id: string): Promise<void> {
  await expect(page.getByTestId('message').filter({ hasText: text })).toHaveAttribute(
    'data-direction',
    'outbound',
  );
  await expect(page.getByTestId('composer')).toHaveValue('');
  await expect(page.locator(`[data-conversation-id="${id}"]`), 'nobody waits any longer').toHaveCount(0);
  await expect(page.getByTestId('status-line')).toHaveAttribute('data-waiting', '0');
}

async function handled(page: Page, id: string, by: string): Promise<void> {
  await expect.poll(async () => (await list(page, 'all')).find((row) => row.id === id)?.handler).toBe(by);
}

async function found(page: Page, name: string): Promise<void> {
  await expect(page.getByTestId('inbox-filter')).toBeFocused();
  await page.keyboard.type(plain(name));
  await expect(rowsOf(page).filter({ hasText: name }).first()).toBeVisible();
}

async function booked(page: Page, starts: string): Promise<void> {
  const composer = page.getByTestId('composer');
  await expect(composer).toHaveValue(/ficou marcado.* às \d\d:\d\d, com .+\./);
  await expect(composer).toBeFocused();
  const thread = (await call(page, 'get_thread', {
    conversation_id: page.url().split('/').pop(),
    before: null,
    limit: 1,
    visits: 50,
  })) as Commands['get_thread']['response'];
  const visit = thread.person.visits.find((each) => Date.parse(each.starts_at) === Date.parse(starts));
  expect(visit, 'it stands in the clinic as this computer knows it').toBeTruthy();
  await expect(page.locator(`[data-visit-id="${visit?.id}"]`), 'and beside the thread').toBeVisible();
}

/** Takes back what a job has done, where its toast offers it. */
const undo = (page: Page): Promise<void> => page.getByTestId('toast-act').last().click();

/** A job, what is opened before it, and what takes it back. */
interface Case extends Job {
  before: (page: Page) => Promise<unknown>;
  after?: (page: Page) => Promise<void>;
}

const keptText = async (page: Page): Promise<string> => {
  const kept = await call(page, 'get_draft', { conversation_id: current(page) });
  return (kept as Commands['get_draft']['response']).text;
};
const startOf = async (time: Locator): Promise<string> => (await time.getAttribute('data-starts-at')) ?? '';
const idOf = async (row: Locator): Promise<string> => (await row.getAttribute('data-conversation-id')) ?? '';

const openTimes = async ({ page }: Hand): Promise<Locator> => {
  const times = page.getByTestId('free-time');
  await expect(times).toHaveCount(3);
  return times;
};

const cases: Case[] = [
  {
    name: 'answer who has waited longest',
    most: 2,
    before: (page) => expect(rowsOf(page).first()).toBeVisible(),
    keys: async (hand) => {
      const [id, text] = [await idOf(rowsOf(hand.page).first()), words()];
      await hand.press('Enter');
      await expect(hand.page.getByTestId('composer')).toBeFocused();
      await hand.type(text);
      await hand.press('Enter');
      await answered(hand.page, text, id);
    },
    mouse: async (hand) => {
      const [id, text] = [await idOf(rowsOf(hand.page).first()), words()];
      await rowsOf(hand.page).first().hover();
      await hand.click(hand.page.getByTestId('row-answer').first());
      await expect(hand.page.getByTestId('composer')).toBeFocused();
      await hand.type(text);
      await hand.click(hand.page.getByTestId('send'));
      await answered(hand.page, text, id);
    },
  },
  {
    name: 'take from the bot',
    most: 1,
    before: (page) => opened(page, 'bot'),
    keys: async (hand) => {
      await hand.press('t');
      await handled(hand.page, current(hand.page), 'person');
      await expect(hand.page.getByTestId('act-hand-over')).toHaveAttribute('title', 'Devolver ao robô · t');
    },
    mouse: async (hand) => {
      await hand.click(hand.page.getByTestId('act-hand-over'));
      await handled(hand.page, current(hand.page), 'person');
    },
    after: undo,
  },
  {
    name: 'give back to the bot',
    most: 1,
    before: (page) => opened(page, 'unassigned'),
    keys: async (hand) => {
      await hand.press('t');
      await handled(hand.page, current(hand.page), 'bot');
    },
    mouse: async (hand) => {
      await hand.click(hand.page.getByTestId('act-hand-over'));
      await handled(hand.page, current(hand.page), 'bot');
    },
    after: undo,
  },
  {
    name: 'book the next free slot',
    most: 3,
    before: (page) => opened(page, 'all'),
    keys: async (hand) => {
      await hand.press('b');
      const times = await openTimes(hand);
      await expect(times.first().getByRole('radio')).toBeFocused();
      const starts = await startOf(times.nth(1));
      await hand.press('2');
      await expect(times.nth(1).getByRole('radio')).toBeChecked();
      await hand.press('Enter');
      await booked(hand.page, starts);
    },
    mouse: async (hand) => {
      await hand.click(hand.page.getByTestId('act-book'));
      const time = (await openTimes(hand)).nth(2);
      const starts = await startOf(time);
      await hand.click(time);
      await expect(time.getByRole('radio')).toBeChecked();
      await hand.click(hand.page.getByTestId('book'));
      await booked(hand.page, starts);
    },
    after: async (page) => {
      await undo(page);
      await expect(page.getByTestId('composer')).toHaveValue('');
      // Whoever opens the thread next finds what was kept of it.
      await expect.poll(() => keptText(page), 'the text is gone for good').toBe('');
    },
  },
  {
    name: 'find a person without accents',
    most: 1,
    before: async (page) => {
      await page.getByTestId('view-all').click();
      await expect(accented(page)).toBeVisible();
    },
    keys: async (hand) => {
      const name = await nameOf(accented(hand.page));
      await hand.press('/');
      await found(hand.page, name);
    },
    mouse: async (hand) => {
      const name = await nameOf(accented(hand.page));
      await hand.click(hand.page.getByTestId('inbox-filter'));
      await found(hand.page, name);
    },
  },
  {
    name: 'see what waits to be sent',
    most: 1,
    before: (page) => expect(rowsOf(page).first()).toBeVisible(),
    keys: (hand) => opens(hand.press('Control+4'), hand.page.getByTestId('waiting-panel')),
    mouse: (hand) =>
      opens(hand.click(hand.page.getByTestId('open-waiting')), hand.page.getByTestId('waiting-panel')),
  },
  {
    name: 'see what needs a decision',
    most: 1,
    before: (page) => expect(rowsOf(page).first()).toBeVisible(),
    keys: (hand) => opens(hand.press('Control+5'), hand.page.getByTestId('needs-you-panel')),
    mouse: (hand) =>
      opens(hand.click(hand.page.getByTestId('open-needs-you')), hand.page.getByTestId('needs-you-panel')),
  },
];

const current = (page: Page): string => page.url().split('/').pop() ?? '';
const accented = (page: Page): Locator =>
  rowsOf(page)
    .filter({ hasText: /[áéíóúãõâêôç]/i })
    .first();
const nameOf = async (row: Locator): Promise<string> => (await row.locator('.name').innerText()).trim();

async function opens(done: Promise<void>, what: Locator): Promise<void> {
  await done;
  await expect(what).toBeVisible();
}

for (const job of cases)
  for (const by of ['keys', 'mouse'] satisfies By[])
    test(`${job.name} takes at most ${job.most} with ${by === 'keys' ? 'the keys' : 'the mouse'}`, async ({
      clinic,
    }) => {
      await job.before(clinic);
      await record(clinic, job, by);
      await job.after?.(clinic);
    });

test.afterAll(report);
