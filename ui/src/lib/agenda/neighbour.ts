import type { Visit } from '$lib/bridge';
import { dayOf } from '$lib/i18n/zone.svelte';

type Way = 'ArrowUp' | 'ArrowDown' | 'ArrowLeft' | 'ArrowRight';

/** Days first, professionals within a day: the order in which columns stand. */
const columnOf = (visit: Visit, columns: string[]): string =>
  `${dayOf(visit.starts_at)} ${String(columns.indexOf(visit.professional_id)).padStart(3, '0')}`;

/** The visit an arrow leads to: the next in the column, or the nearest in time in the next column that has one. */
export function neighbour(from: Visit, way: Way, visits: Visit[], columns: string[]): Visit | undefined {
  const here = columnOf(from, columns);
  const byTime = (a: Visit, b: Visit) => a.starts_at.localeCompare(b.starts_at) || a.id.localeCompare(b.id);

  if (way === 'ArrowUp' || way === 'ArrowDown') {
    const column = visits.filter((visit) => columnOf(visit, columns) === here).sort(byTime);
    const at = column.findIndex((visit) => visit.id === from.id);
    return column[at + (way === 'ArrowDown' ? 1 : -1)];
  }

  const keys = [...new Set(visits.map((visit) => columnOf(visit, columns)))].sort();
  const next = keys[keys.indexOf(here) + (way === 'ArrowRight' ? 1 : -1)];
  if (next === undefined) return undefined;
  const minute = (visit: Visit) => Date.parse(visit.starts_at) % 86_400_000;
  return visits
    .filter((visit) => columnOf(visit, columns) === next)
    .sort((a, b) => Math.abs(minute(a) - minute(from)) - Math.abs(minute(b) - minute(from)))[0];
}

const shift = (instant: string, by: number): string =>
  new Date(Date.parse(instant) + by).toISOString().replace('.000Z', 'Z');

export interface Step {
  startsAt: string;
  endsAt: string;
  professional: string;
}

/** Where a visit goes when it is stepped: a quarter of an hour, or a column; past the last column it is the next day. */
export function stepped(from: Step, way: Way, columns: string[], acrossDays: boolean): Step {
  if (way === 'ArrowUp' || way === 'ArrowDown') {
    const by = (way === 'ArrowDown' ? 15 : -15) * 60_000;
    return { ...from, startsAt: shift(from.startsAt, by), endsAt: shift(from.endsAt, by) };
  }
  const by = way === 'ArrowRight' ? 1 : -1;
  const at = columns.indexOf(from.professional) + by;
  const professional = columns[at];
  if (professional !== undefined) return { ...from, professional };
  if (!acrossDays) return from;
  return {
    startsAt: shift(from.startsAt, by * 86_400_000),
    endsAt: shift(from.endsAt, by * 86_400_000),
    professional: columns[by === 1 ? 0 : columns.length - 1] ?? from.professional,
  };
}
