import type { CalendarDate } from '@internationalized/date';
import { m } from '$paraglide/messages';
import { clock } from './clock.svelte';
import { locale } from './locale.svelte';
import { dayOf, zone } from './zone.svelte';

const made = new Map<string, Intl.DateTimeFormat>();

function dates(options: Intl.DateTimeFormatOptions, timeZone = zone.current): Intl.DateTimeFormat {
  const key = `${locale.intl}|${timeZone}|${JSON.stringify(options)}`;
  let format = made.get(key);
  if (!format) made.set(key, (format = new Intl.DateTimeFormat(locale.intl, { ...options, timeZone })));
  return format;
}

/** 14:30 */
export const time = (instant: string | Date): string =>
  dates({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(new Date(instant));

/** 14:30:05 */
export const timeWithSeconds = (instant: string | Date): string =>
  dates({ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }).format(
    new Date(instant),
  );

const weekday = (at: Date, timeZone: string): string =>
  dates({ weekday: 'short' }, timeZone).format(at).replace('.', '');

/** The year, where it is not the present one: copies reach far back. */
const otherYear = (date: CalendarDate): Intl.DateTimeFormatOptions =>
  date.year === dayOf(clock.now).year ? {} : { year: 'numeric' };

/** 24/11 (ter), 24/11/2025 (seg) */
export function day(instant: string | Date): string {
  const at = new Date(instant);
  const date = dates({ day: '2-digit', month: '2-digit', ...otherYear(dayOf(at)) }).format(at);
  return `${date} (${weekday(at, zone.current)})`;
}

/** 24/11/2026 */
export const fullDate = (instant: string | Date): string =>
  dates({ day: '2-digit', month: '2-digit', year: 'numeric' }).format(new Date(instant));

/** 24/11 (ter) 14:30 */
export const dayTime = (instant: string | Date): string => `${day(instant)} ${time(instant)}`;

/** 24/11 (ter), of a calendar day */
export function calendarDay(date: CalendarDate): string {
  const at = date.toDate('UTC');
  return `${dates({ day: '2-digit', month: '2-digit' }, 'UTC').format(at)} (${weekday(at, 'UTC')})`;
}

/** terça-feira, 24 de novembro; segunda-feira, 24 de novembro de 2025 */
export const longDay = (date: CalendarDate): string =>
  dates({ weekday: 'long', day: 'numeric', month: 'long', ...otherYear(date) }, 'UTC').format(
    date.toDate('UTC'),
  );

/** ter 24 */
export const shortDay = (date: CalendarDate): { weekday: string; number: string } => ({
  weekday: weekday(date.toDate('UTC'), 'UTC'),
  number: String(date.day),
});

/** 24 de novembro; 24 de novembro de 2025 */
export const monthDay = (date: CalendarDate): string =>
  dates({ day: 'numeric', month: 'long', ...otherYear(date) }, 'UTC').format(date.toDate('UTC'));

/** novembro de 2026 */
export const month = (date: CalendarDate): string =>
  dates({ month: 'long', year: 'numeric' }, 'UTC').format(date.toDate('UTC'));

/** Hoje, Ontem, or terça-feira, 24 de novembro: what stands between the days of a thread. */
export function threadDay(instant: string): string {
  const date = dayOf(instant);
  const ago = dayOf(clock.now).compare(date);
  if (ago === 0) return m.day_today();
  if (ago === 1) return m.day_yesterday();
  return longDay(date);
}

/** 14:30 today, ontem, 24/11 before: when something was last touched, as short as can be. */
export function when(instant: string): string {
  const date = dayOf(instant);
  const ago = dayOf(clock.now).compare(date);
  if (ago === 0) return time(instant);
  if (ago === 1) return m.day_yesterday().toLocaleLowerCase(locale.intl);
  return dates({ day: '2-digit', month: '2-digit' }).format(new Date(instant));
}

/** 12 min, 3 h, 2 d: how long someone has waited. */
export function wait(since: string): string {
  const minutes = Math.max(0, Math.floor((clock.now.getTime() - Date.parse(since)) / 60_000));
  if (minutes < 1) return m.wait_now();
  if (minutes < 60) return m.wait_minutes({ count: minutes });
  if (minutes < 48 * 60) return m.wait_hours({ count: Math.floor(minutes / 60) });
  return m.wait_days({ count: Math.floor(minutes / 1440) });
}

/** Whole days since an instant. */
export const daysSince = (instant: string): number =>
  Math.max(0, Math.floor((clock.now.getTime() - Date.parse(instant)) / 86_400_000));

/** R$ 180,00 */
export function money(cents: number): string {
  return new Intl.NumberFormat(locale.intl, { style: 'currency', currency: 'BRL' })
    .format(cents / 100)
    .replace(/R\$\s?/, 'R$\u00a0');
}

/** R$ 12.480: sums, where cents would only be noise. */
export function roundMoney(cents: number): string {
  return new Intl.NumberFormat(locale.intl, { style: 'currency', currency: 'BRL', maximumFractionDigits: 0 })
    .format(cents / 100)
    .replace(/R\$\s?/, 'R$\u00a0');
}

/** 1.234 */
export const number = (value: number): string => new Intl.NumberFormat(locale.intl).format(value);

/** 0:07, of a voice note */
export const length = (seconds: number): string =>
  `${Math.floor(seconds / 60)}:${String(Math.round(seconds % 60)).padStart(2, '0')}`;

/** 1,2 MB */
export function size(bytes: number): string {
  const [unit, value] =
    bytes < 1_000_000 ? (['kilobyte', bytes / 1000] as const) : (['megabyte', bytes / 1_000_000] as const);
  return new Intl.NumberFormat(locale.intl, {
    style: 'unit',
    unit,
    unitDisplay: 'short',
    maximumFractionDigits: value < 10 ? 1 : 0,
  }).format(value);
}
