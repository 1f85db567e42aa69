import { CalendarDate, CalendarDateTime } from '@internationalized/date';

const plain = (text: string): string => text.trim().toLowerCase().normalize('NFD').replace(/\p{M}/gu, '');

const relative: Record<string, number> = {
  hoje: 0,
  today: 0,
  amanha: 1,
  tomorrow: 1,
  'depois de amanha': 2,
  ontem: -1,
  yesterday: -1,
};

/** Monday is 1, as in ISO. */
const weekdays: [RegExp, number][] = [
  [/^(segunda|seg|mon|monday)(-feira)?$/, 1],
  [/^(terca|ter|tue|tuesday)(-feira)?$/, 2],
  [/^(quarta|qua|wed|wednesday)(-feira)?$/, 3],
  [/^(quinta|qui|thu|thursday)(-feira)?$/, 4],
  [/^(sexta|sex|fri|friday)(-feira)?$/, 5],
  [/^(sabado|sab|sat|saturday)$/, 6],
  [/^(domingo|dom|sun|sunday)$/, 7],
];

const isoWeekday = (date: CalendarDate): number => date.toDate('UTC').getUTCDay() || 7;

/**
 * The day someone means by "amanhã", "sexta", "24/11" or "24/11/2026", seen from `today`. A weekday is the next one;
 * a date without a year is the one nearest to today.
 */
export function readDay(text: string, today: CalendarDate): CalendarDate | undefined {
  const words = plain(text);
  if (words in relative) return today.add({ days: relative[words] });
  for (const [name, weekday] of weekdays)
    if (name.test(words)) return today.add({ days: (weekday - isoWeekday(today) + 7) % 7 || 7 });

  const written = /^(\d{1,2})[/.-](\d{1,2})(?:[/.-](\d{2}|\d{4}))?$/.exec(words);
  if (!written) return undefined;
  const [, day, month, year] = written.map(Number);
  if (day === undefined || month === undefined) return undefined;
  if (year && !Number.isNaN(year)) return exact(year < 100 ? 2000 + year : year, month, day);
  const around = [today.year - 1, today.year, today.year + 1]
    .map((each) => exact(each, month, day))
    .filter((each) => each !== undefined);
  return around.sort((a, b) => Math.abs(a.compare(today)) - Math.abs(b.compare(today)))[0];
}

function exact(year: number, month: number, day: number): CalendarDate | undefined {
  const date = new CalendarDate(year, month, day);
  // The calendar would bend 31/02 to 28/02; nobody meant that.
  return date.month === month && date.day === day ? date : undefined;
}

/** When a day begins at the counter, where only the day was said. */
const morning = 8;

/** The moment someone means by "amanhã 14h", "24/11 9:30", "sexta" or "15h": a day without a time begins in the morning. */
export function readMoment(text: string, today: CalendarDate): CalendarDateTime | undefined {
  const timed = /^(.*?)\s*\b(\d{1,2})(?:h|:)(\d{2})?$/i.exec(text.trim());
  const hour = timed ? Number(timed[2]) : morning;
  const minute = Number(timed?.[3] ?? 0);
  if (hour > 23 || minute > 59) return undefined;
  const said = (timed?.[1] ?? text).trim().replace(/\s+(às|as|at)$/i, '');
  const day = said ? readDay(said, today) : timed ? today : undefined;
  return day && new CalendarDateTime(day.year, day.month, day.day, hour, minute);
}
