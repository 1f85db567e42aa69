import { parseDate, parseDateTime, type CalendarDate } from '@internationalized/date';
import type { Agenda, Visit } from '$lib/bridge';
import { wallClock } from '$lib/i18n/zone.svelte';

/** A time without work on the grid, in the clinic's wall clock. */
export interface Off {
  key: string;
  professional: string;
  start: string;
  end: string;
  /** Why, where it is a closure and not merely outside hours. */
  reason?: string;
}

/** A visit that is only remembered: it holds no slot. */
export const isCancelled = (visit: Visit): boolean => visit.status === 'cancelled';

const minuteOf = (wall: string): number => Number(wall.slice(11, 13)) * 60 + Number(wall.slice(14, 16));
const wallAt = (date: string, minute: number): string =>
  minute >= 1440
    ? `${parseDate(date).add({ days: 1 }).toString()}T00:00:00`
    : `${date}T${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}:00`;

/** The hours worth showing: 8 to 18, and beyond it what working hours and visits need, rounded out to whole hours. */
export function shownHours(agenda: Agenda): { from: number; to: number } {
  let from = 8;
  let to = 18;
  const spans = [...agenda.working_hours, ...agenda.visits.filter((visit) => !isCancelled(visit))];
  for (const span of spans) {
    const start = wallClock(span.starts_at);
    const end = wallClock(span.ends_at);
    from = Math.min(from, Math.floor(minuteOf(start) / 60));
    to = Math.max(to, start.slice(0, 10) === end.slice(0, 10) ? Math.ceil(minuteOf(end) / 60) : 24);
  }
  return { from, to };
}

/** Saturday (6) and Sunday (0), where nobody works and nothing stands: a closed Tuesday is worth seeing, a Sunday is not. */
export function idleWeekdays(agenda: Agenda): number[] {
  const busy = new Set<number>();
  for (const span of [...agenda.working_hours, ...agenda.visits])
    busy.add(parseDateTime(wallClock(span.starts_at)).toDate('UTC').getUTCDay());
  return [6, 0].filter((weekday) => !busy.has(weekday));
}

/** The days of an agenda. */
export function daysOf(agenda: Agenda): CalendarDate[] {
  const first = parseDate(agenda.from);
  return Array.from({ length: agenda.days }, (_, add) => first.add({ days: add }));
}

/** What is hatched: outside working hours, and closures with their reason. */
export function offTimes(agenda: Agenda, from: number, to: number): Off[] {
  const off: Off[] = [];
  const worked = new Map<string, [number, number][]>();
  for (const span of agenda.working_hours) {
    const start = wallClock(span.starts_at);
    const end = wallClock(span.ends_at);
    const key = `${span.professional_id} ${start.slice(0, 10)}`;
    const until = start.slice(0, 10) === end.slice(0, 10) ? minuteOf(end) : 1440;
    worked.set(key, [...(worked.get(key) ?? []), [minuteOf(start), until]]);
  }
  for (const date of daysOf(agenda).map(String))
    for (const { id } of agenda.professionals) {
      let at = from * 60;
      const spans = (worked.get(`${id} ${date}`) ?? []).sort((a, b) => a[0] - b[0]);
      for (const [start, end] of [...spans, [to * 60, to * 60] as const]) {
        if (start > at)
          off.push({
            key: `${id} ${date} ${at}`,
            professional: id,
            start: wallAt(date, at),
            end: wallAt(date, start),
          });
        at = Math.max(at, end);
      }
    }
  for (const closure of agenda.closures)
    for (const { id } of agenda.professionals)
      if (closure.professional_id === null || closure.professional_id === id)
        off.push({
          key: `${id} ${closure.starts_at}`,
          professional: id,
          start: wallClock(closure.starts_at),
          end: wallClock(closure.ends_at),
          reason: closure.reason,
        });
  return off;
}
