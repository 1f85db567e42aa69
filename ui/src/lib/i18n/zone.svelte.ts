import { CalendarDate, CalendarDateTime, fromDate, parseAbsolute, toZoned } from '@internationalized/date';

let current = $state('America/Sao_Paulo');

/** The clinic's time zone: everything on the screens is told in it, wherever this computer thinks it is. */
export const zone = {
  get current(): string {
    return current;
  },
  set current(next: string) {
    current = next;
  },
};

const utcDay = 24 * 60 * 60_000;
/** Clocks are changed at a quarter of an hour, and nowhere changed back within a week. */
const spans = [7 * utcDay, utcDay, utcDay / 96];
const mostKept = 20_000;
/** By how many milliseconds the clinic is ahead of UTC at the ends of spans. */
let offsets = new Map<number, number>();
/** Days, by their number since 1970. */
let days = new Map<number, CalendarDate>();
let zoneOfDays = '';

function offsetAtEnd(end: number): number {
  const known = offsets.get(end);
  if (known !== undefined) return known;
  const { offset } = fromDate(new Date(end), current);
  offsets.set(end, offset);
  return offset;
}

/** The offset at an instant, from the longest span around it in which it is the same all the time. */
function offsetIn(at: number): number {
  let offset = 0;
  for (const span of spans) {
    const from = Math.floor(at / span) * span;
    offset = offsetAtEnd(from);
    if (offset === offsetAtEnd(from + span)) break;
  }
  return offset;
}

/** The clinic's calendar day of an instant. Threads ask for thousands of them, and asking what its clocks say is dear. */
export function dayOf(instant: string | Date): CalendarDate {
  const at = typeof instant === 'string' ? Date.parse(instant) : instant.getTime();
  if (zoneOfDays !== current || offsets.size > mostKept || days.size > mostKept) {
    [offsets, days, zoneOfDays] = [new Map(), new Map(), current];
  }
  const number = Math.floor((at + offsetIn(at)) / utcDay);
  const known = days.get(number);
  if (known) return known;
  const date = new Date(number * utcDay);
  const day = new CalendarDate(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate());
  days.set(number, day);
  return day;
}

/** The clinic's wall clock of an instant, as `2026-11-24T14:30:00`. */
export function wallClock(instant: string): string {
  const at = parseAbsolute(instant, current);
  return new CalendarDateTime(at.year, at.month, at.day, at.hour, at.minute, at.second).toString();
}

/** The instant of a wall clock time in the clinic, as RFC 3339 in UTC. */
export function instantOf(at: CalendarDateTime): string {
  return toZoned(at, current).toAbsoluteString();
}

/** Minutes by which the clinic is ahead of UTC at an instant, as `-03:00`. */
export function offsetAt(instant: Date): string {
  const minutes = fromDate(instant, current).offset / 60_000;
  const sign = minutes < 0 ? '-' : '+';
  const abs = Math.abs(minutes);
  return `${sign}${String(Math.floor(abs / 60)).padStart(2, '0')}:${String(abs % 60).padStart(2, '0')}`;
}
