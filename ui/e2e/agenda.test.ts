import type { Agenda, Visit } from '../src/lib/bridge/bindings';
import { call, expect, test } from './clinic';
import type { Page } from '@playwright/test';

const isoDay = (at: number) => new Date(at - 3 * 3_600_000).toISOString().slice(0, 10);

interface Found {
  visit: Visit;
  day: string;
  /** A start in the same column at which nothing stands, in the clinic's working hours. */
  free: string;
  /** Another visit in the same column. */
  other: Visit;
}

/** A day to come on which a visit can be moved and another stands in the way. */
async function findVisit(page: Page): Promise<Found> {
  for (let ahead = 1; ahead < 12; ahead++) {
    const day = isoDay(Date.now() + ahead * 86_400_000);
    const agenda = (await call(page, 'get_agenda', { from: day, days: 1 })) as Agenda;
    const standing = agenda.visits.filter((visit) => ['scheduled', 'confirmed'].includes(visit.status));
    for (const visit of standing) {
      const column = standing.filter((each) => each.professional_id === visit.professional_id);
      const length = Date.parse(visit.ends_at) - Date.parse(visit.starts_at);
      const other = column.find((each) => each.id !== visit.id);
      if (!other || length > 3_600_000 || visit.squeezed_in || visit.state !== 'confirmed') continue;
      for (let quarter = 1; quarter <= 8; quarter++) {
        const starts = Date.parse(visit.starts_at) + quarter * 900_000;
        const verdict = (await call(page, 'check_slot', {
          appointment_id: visit.id,
          starts_at: new Date(starts).toISOString(),
          ends_at: new Date(starts + length).toISOString(),
          professional_id: visit.professional_id,
        })) as { refusal: string | null };
        if (verdict.refusal === null) return { visit, day, free: new Date(starts).toISOString(), other };
      }
    }
  }
  throw new Error('no visit that could be moved');
}

async function visitNow(page: Page, found: Found): Promise<Visit | undefined> {
  const agenda = (await call(page, 'get_agenda', { from: found.day, days: 1 })) as Agenda;
  return agenda.visits.find((visit) => visit.id === found.visit.id);
}

test('a visit is dragged to a free time, and put back', async ({ clinic }) => {
  const found = await findVisit(clinic);
  await clinic.goto(`/#/agenda/day/${found.day}`);
  const card = clinic.locator(`[data-testid=visit][data-visit-id="${found.visit.id}"]`);
  await card.scrollIntoViewIfNeeded();
  const box = (await card.boundingBox())!;
  const minutes = (Date.parse(found.visit.ends_at) - Date.parse(found.visit.starts_at)) / 60_000;
  const perQuarter = (box.height / minutes) * 15;
  const quarters = (Date.parse(found.free) - Date.parse(found.visit.starts_at)) / 900_000;

  await clinic.mouse.move(box.x + 40, box.y + 6);
  await clinic.mouse.down();
  await clinic.mouse.move(box.x + 42, box.y + 14);
  await clinic.mouse.move(box.x + 44, box.y + 6 + perQuarter * quarters, { steps: 6 });
  await clinic.mouse.up();

  await expect
    .poll(async () => Date.parse((await visitNow(clinic, found))?.starts_at ?? ''))
    .toBe(Date.parse(found.free));
  await clinic.getByTestId('toast-act').click();
  await expect
    .poll(async () => Date.parse((await visitNow(clinic, found))?.starts_at ?? ''))
    .toBe(Date.parse(found.visit.starts_at));
});

test('a visit is moved with m, the arrows and Enter', async ({ clinic }) => {
  const found = await findVisit(clinic);
  await clinic.goto(`/#/agenda/day/${found.day}`);
  const card = clinic.locator(`[data-testid=visit][data-visit-id="${found.visit.id}"]`);
  await card.focus();
  await clinic.keyboard.press('m');
  await expect(clinic.getByTestId('stepping')).toBeVisible();
  const quarters = (Date.parse(found.free) - Date.parse(found.visit.starts_at)) / 900_000;
  for (let step = 0; step < quarters; step++) await clinic.keyboard.press('ArrowDown');
  await clinic.keyboard.press('Enter');
  await expect(clinic.getByTestId('stepping')).toHaveCount(0);
  await expect
    .poll(async () => Date.parse((await visitNow(clinic, found))?.starts_at ?? ''))
    .toBe(Date.parse(found.free));
  await clinic.getByTestId('toast-act').click();
  await expect
    .poll(async () => Date.parse((await visitNow(clinic, found))?.starts_at ?? ''))
    .toBe(Date.parse(found.visit.starts_at));
});

test('a taken time is refused with who is there, and giving up changes nothing', async ({ clinic }) => {
  const found = await findVisit(clinic);
  await clinic.goto(`/#/agenda/day/${found.day}`);
  const card = clinic.locator(`[data-testid=visit][data-visit-id="${found.visit.id}"]`);
  await card.focus();
  await clinic.keyboard.press('m');
  const steps = (Date.parse(found.other.starts_at) - Date.parse(found.visit.starts_at)) / 900_000;
  for (let step = 0; step < Math.abs(steps); step++)
    await clinic.keyboard.press(steps > 0 ? 'ArrowDown' : 'ArrowUp');
  await clinic.keyboard.press('Enter');
  const refused = clinic.getByTestId('move-refused');
  await expect(refused).toHaveAttribute('data-code', 'slot_taken');
  await clinic.keyboard.press('Escape');
  await expect(refused).toHaveCount(0);
  expect((await visitNow(clinic, found))?.starts_at).toBe(found.visit.starts_at);
});

test('Enter shows a visit and Escape goes back to its card', async ({ clinic }) => {
  const found = await findVisit(clinic);
  await clinic.goto(`/#/agenda/day/${found.day}`);
  const card = clinic.locator(`[data-testid=visit][data-visit-id="${found.visit.id}"]`);
  await card.focus();
  await clinic.keyboard.press('Enter');
  await expect(clinic.getByTestId('visit-details')).toContainText(found.visit.patient);
  await clinic.keyboard.press('Escape');
  await expect(clinic.getByTestId('visit-details')).toHaveCount(0);
  await expect(card).toBeFocused();
});

test('day, week, today and the pages between them have keys', async ({ clinic }) => {
  await clinic.keyboard.press('Control+2');
  const title = clinic.getByTestId('agenda-title');
  await expect(title).toBeVisible();
  const today = (await title.textContent()) ?? '';
  await clinic.keyboard.press('n');
  await expect(title).not.toHaveText(today);
  await clinic.keyboard.press('t');
  await expect(title).toHaveText(today);
  await clinic.keyboard.press('w');
  await expect(clinic.getByTestId('agenda-grid')).toHaveAttribute('data-span', 'week');
  await clinic.keyboard.press('d');
  await expect(clinic.getByTestId('agenda-grid')).toHaveAttribute('data-span', 'day');
});
