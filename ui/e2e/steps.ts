import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Locator, Page } from '@playwright/test';
import { expect, real, violations } from './clinic';

const recorder = readFileSync(new URL('recorder.js', import.meta.url), 'utf8');
const folder = fileURLToPath(new URL('../../target/steps', import.meta.url));

interface Taken {
  keys: number;
  mouse: number;
}

declare global {
  interface Window {
    balcaoSteps: { begin: () => void; taken: () => Taken };
  }
}

export type By = keyof Taken;

/** What a person has the hand on: the keys, or the mouse. */
export class Hand {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  press = (key: string): Promise<void> => this.page.keyboard.press(key);
  click = (what: Locator): Promise<void> => what.click();
  type = (text: string): Promise<void> => this.page.keyboard.type(text);
}

/** A job of the desk, from the screen that is open until it is seen to be done. */
export interface Job {
  name: string;
  /** At most so many presses. */
  most: number;
  keys: (hand: Hand) => Promise<void>;
  mouse: (hand: Hand) => Promise<void>;
}

const rows = new Map<string, { most: number; taken: Partial<Taken> }>();

/** Does a job, counts what reaches the page, and looks at the screen on which it ends. */
export async function record(page: Page, job: Job, by: By): Promise<void> {
  // Sound under the policy of the page: run from outside, not put into it.
  await page.evaluate(recorder);
  await page.evaluate(() => window.balcaoSteps.begin());
  await job[by](new Hand(page));
  const taken = await page.evaluate(() => window.balcaoSteps.taken());
  const row = rows.get(job.name) ?? { most: job.most, taken: {} };
  row.taken[by] = taken[by];
  rows.set(job.name, row);
  expect(taken[by === 'keys' ? 'mouse' : 'keys'], 'nothing else was used').toBe(0);
  expect(taken[by], 'it was counted').toBeGreaterThan(0);
  expect(taken[by], `presses of ${by}`).toBeLessThanOrEqual(job.most);
  expect(await violations(page)).toEqual([]);
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: `${folder}/${job.name.replaceAll(' ', '-')}-${by}.png` });
}

/** Writes the table: for the log, and to be kept beside the pictures. */
export function report(): void {
  const width = Math.max(...[...rows.keys()].map((name) => name.length));
  const line = (name: string, ...cells: unknown[]) =>
    [name.padEnd(width), ...cells.map((cell) => String(cell ?? '–').padStart(7))].join('');
  const lines = [...rows].map(([name, { most, taken }]) => line(name, most, taken.keys, taken.mouse));
  const table = [line('job', 'at most', '   keys', '  mouse'), ...lines].join('\n');
  console.log(table);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/${real ? 'program' : 'invented'}.txt`, `${table}\n`);
}
