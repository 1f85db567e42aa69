import {
  CalendarDate,
  CalendarDateTime,
  fromDate,
  parseAbsolute,
  toCalendarDate,
  toZoned,
} from '@internationalized/date';

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

const quarter = 15 * 60_000;
const mostDays = 5_000;
const days = new Map<string, CalendarDate>();

/** The clinic's calendar day of an instant. Wherever it is, days begin at a quarter of an hour: each is worked out once. */
export function dayOf(instant: string | Date): CalendarDate {
  const at = typeof instant === 'string' ? new Date(instant) : instant;
  const key = `${current}|${Math.floor(at.getTime() / quarter)}`;
  let day = days.get(key);
  if (!day) {
    if (days.size >= mostDays) days.clear();
    days.set(key, (day = toCalendarDate(fromDate(at, current))));
  }
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
