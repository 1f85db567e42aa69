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

/** A calendar day, and where it begins and ends: milliseconds since 1970. */
interface Span {
  from: number;
  until: number;
  day: CalendarDate;
}

const utcDay = 24 * 60 * 60_000;
const mostDays = 20_000;
/** The days that are known, by the day of UTC in which they are looked for. */
let spans = new Map<number, Span[]>();
let zoneOfSpans = '';

/** The clinic's calendar day of an instant. Threads ask for thousands of them: each day is worked out once. */
export function dayOf(instant: string | Date): CalendarDate {
  const at = typeof instant === 'string' ? Date.parse(instant) : instant.getTime();
  if (zoneOfSpans !== current || spans.size > mostDays) {
    spans = new Map();
    zoneOfSpans = current;
  }
  const place = Math.floor(at / utcDay);
  const known = spans.get(place);
  const found = known?.find((span) => span.from <= at && at < span.until);
  if (found) return found.day;
  const day = toCalendarDate(fromDate(new Date(at), current));
  const span = {
    from: day.toDate(current).getTime(),
    until: day.add({ days: 1 }).toDate(current).getTime(),
    day,
  };
  spans.set(place, [...(known ?? []), span]);
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
