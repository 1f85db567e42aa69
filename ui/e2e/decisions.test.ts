import { call, expect, real, test, violations } from './clinic';
import { parked } from '../tests/fake/parked';

test.describe('what needs a decision', () => {
  // The program itself refuses nothing on a clinic of its own: here it is an invented one that did.
  test.skip(real);

  test.beforeEach(async ({ clinic }) => {
    await clinic.request.post('/fake', {
      data: {
        parked: [
          parked.slot(),
          parked.conflict(),
          parked.message('Tenho às 10h.'),
          parked.lead(),
          parked.note(),
        ],
      },
    });
    await clinic.goto('/#/inbox/all/conv-3');
    await clinic.reload();
    await clinic.getByTestId('open-needs-you').click();
    await expect(clinic.getByTestId('free-slot').first()).toBeVisible();
  });

  test('is decided from beginning to end with the keyboard', async ({ clinic }) => {
    const left = () => clinic.getByTestId('operation').count();
    const heads = clinic.locator('[data-testid=operation] .head');
    await expect(heads.first()).toBeFocused();
    await clinic.keyboard.press('1');
    await expect.poll(left).toBe(4);
    await expect(heads.first()).toBeFocused();
    await clinic.keyboard.press('m');
    await expect.poll(left).toBe(3);
    await clinic.keyboard.press('d');
    await expect.poll(left).toBe(2);
    await expect(clinic.getByTestId('given-up')).toContainText('Tenho às 10h.');
    await clinic.keyboard.press('Control+z');
    await expect.poll(left).toBe(3);
    await expect(clinic.locator('.head:focus')).toContainText('Mensagem');
    await clinic.keyboard.press('Escape');
    await expect(clinic.getByTestId('needs-you-panel')).toHaveCount(0);
    await expect(clinic.getByTestId('status-line')).toHaveAttribute('data-needs-you', '3');
  });

  test('leads to the agenda on the wanted day', async ({ clinic }) => {
    await clinic.getByTestId('choice-agenda').click();
    await expect(clinic.getByTestId('needs-you-panel')).toHaveCount(0);
    await expect(clinic).toHaveURL(/agenda\/day\/2026-11-24$/);
  });

  test('keeps the rules of accessibility', async ({ clinic }) => {
    await clinic.waitForTimeout(300);
    expect(await violations(clinic)).toEqual([]);
    await clinic.keyboard.press('ArrowDown');
    expect(await violations(clinic)).toEqual([]);
  });
});

test('a note is written in the person’s panel and stays', async ({ clinic }) => {
  await clinic.getByTestId('conversation-row').first().click();
  const words = `prefere de manhã ${Date.now() % 10_000}`;
  await clinic.getByTestId('note-text').fill(words);
  await clinic.getByTestId('note-text').press('Enter');
  await expect(clinic.getByTestId('notes')).toContainText(words);
  await expect(clinic.getByTestId('notes').locator('[data-state]')).toHaveCount(0);
  await clinic.reload();
  await expect(clinic.getByTestId('notes')).toContainText(words);
});

test('the program knows the commands of decisions', async ({ clinic }) => {
  const list = (await call(clinic, 'list_operations', {
    state: 'parked',
    kind: null,
    first: null,
    limit: null,
  })) as {
    kinds: unknown[];
  };
  expect(Array.isArray(list.kinds)).toBe(true);
});
