import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test as base, type Page } from '@playwright/test';

/** Whether the tests run against the program or against an invented clinic. */
export const real = process.env.BALCAO_URL !== undefined;

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** A page in an open clinic, with nothing said on its console that should not be. */
export const test = base.extend<{ clinic: Page }>({
  // The invented clinics stand side by side, one for each test that runs at the same time.
  baseURL: async ({ baseURL }, use, info) => {
    await use(baseURL ?? `http://localhost:${4178 + info.parallelIndex}`);
  },
  clinic: async ({ page }, use) => {
    const said: string[] = [];
    page.on('pageerror', (error) => said.push(error.message));
    page.on('console', (message) => {
      // A refusal is an answer with an error status; the browser reports it as a failed load.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        said.push(message.text());
    });
    const token = process.env.BALCAO_TOKEN;
    if (token) await page.addInitScript((given) => (window.__BALCAO_TOKEN__ = given), token);
    if (!real) await page.request.post('/fake', { data: {} });
    await page.goto('/#/inbox');
    await openSample(page);
    await use(page);
    expect(said, 'nothing broke on the page').toEqual([]);
  },
});

export { expect };

/** The first test against a fresh profile opens the sample clinic, and waits while it is made. */
async function openSample(page: Page): Promise<void> {
  const line = page.getByTestId('status-line');
  const begin = page.getByTestId('start-sample');
  await expect(line.or(begin)).toBeVisible();
  if (await begin.isVisible()) {
    test.setTimeout(180_000);
    await begin.click();
  }
  await expect(line).toBeVisible({ timeout: 150_000 });
}

/** Asks the program itself, past the screens. */
export async function call(page: Page, cmd: string, payload: unknown): Promise<unknown> {
  const token = process.env.BALCAO_TOKEN;
  const answer = await page.request.post('/call', {
    data: { cmd, payload },
    headers: token ? { Authorization: `Bearer ${token}` } : {},
  });
  return answer.json();
}

/** Everything that the rules of accessibility (WCAG 2.2 AA) find on the page. */
export async function violations(page: Page): Promise<string[]> {
  // Sound under the policy of the page: run from outside, not put into it.
  await page.evaluate(axeSource);
  return page.evaluate(async () => {
    // A colour on its way to another is nobody's colour yet. What turns without end is not waited for.
    const ends = document.getAnimations().filter((it) => it.effect?.getComputedTiming().endTime !== Infinity);
    await Promise.allSettled(ends.map((it) => it.finished));
    const axe = (window as unknown as { axe: typeof import('axe-core') }).axe;
    const found = await axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
      // A visit of a quarter of an hour is as tall as a quarter of an hour: there the size is what is said.
      rules: { 'target-size': { enabled: document.querySelector('.ec') === null } },
    });
    return found.violations.flatMap((violation) =>
      violation.nodes.map((node) => `${violation.id}: ${node.target.join(' ')} ${node.failureSummary ?? ''}`),
    );
  });
}
