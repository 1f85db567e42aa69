import type { Board } from '../src/lib/bridge/bindings';
import type { Page } from '@playwright/test';
import { call, expect, test } from './clinic';

const board = async (page: Page) =>
  (await call(page, 'get_board', { pipeline_id: null, limit: 60 })) as Board;

async function stageOf(page: Page, lead: string): Promise<string | undefined> {
  return (await board(page)).stages.find((stage) => stage.leads.some((each) => each.id === lead))?.id;
}

test('a lead is dragged to the next stage, and put back', async ({ clinic }) => {
  await clinic.goto('/#/leads');
  const stages = clinic.getByTestId('stage');
  const card = stages.nth(0).getByTestId('lead-card').first();
  await expect(card).toBeVisible();
  const id = (await card.getAttribute('data-lead-id'))!;
  const from = await stages.nth(0).getAttribute('data-stage-id');
  const to = await stages.nth(1).getAttribute('data-stage-id');
  await card.dragTo(stages.nth(1), { targetPosition: { x: 100, y: 70 } });
  await expect.poll(() => stageOf(clinic, id)).toBe(to);
  await expect(stages.nth(1).locator(`[data-lead-id="${id}"]`)).toBeVisible();
  await clinic.getByTestId('toast-act').click();
  await expect.poll(() => stageOf(clinic, id)).toBe(from);
});

test('a lost lead needs its reason, with the keyboard alone', async ({ clinic }) => {
  await clinic.goto('/#/leads');
  const stages = clinic.getByTestId('stage');
  const card = stages.nth(0).getByTestId('lead-card').nth(1);
  const id = (await card.getAttribute('data-lead-id'))!;
  const lost = clinic.locator('[data-testid=stage][data-stage-kind=lost]');
  const lostId = await lost.getAttribute('data-stage-id');
  const count = await stages.count();

  await card.focus();
  await clinic.keyboard.press('m');
  for (let step = 1; step < count; step++) await clinic.keyboard.press('ArrowRight');
  await clinic.keyboard.press('Enter');

  const dialog = clinic.getByTestId('loss-dialog');
  await expect(dialog).toBeVisible();
  await expect(clinic.getByTestId('loss-confirm')).toBeDisabled();
  expect(await stageOf(clinic, id), 'nothing moved before the reason is known').not.toBe(lostId);
  await dialog.getByRole('radio').first().check();
  await clinic.getByTestId('loss-confirm').click();
  await expect.poll(() => stageOf(clinic, id)).toBe(lostId);
});

test('a card opens the conversation', async ({ clinic }) => {
  await clinic.goto('/#/leads');
  const talks = (await board(clinic)).stages
    .flatMap((stage) => stage.leads.slice(0, 3))
    .find((lead) => lead.conversation_id)!;
  await clinic.locator(`[data-lead-id="${talks.id}"]`).click();
  await expect(clinic.getByTestId('composer')).toBeVisible();
  await expect(clinic.getByTestId('person')).toContainText(talks.name);
});
