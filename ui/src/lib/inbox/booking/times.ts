import type { FreeTime } from '$lib/bridge';
import { clock } from '$lib/i18n/clock.svelte';
import { calendarDay, longDay } from '$lib/i18n/format';
import { dayOf } from '$lib/i18n/zone.svelte';
import { m } from '$paraglide/messages';

/** What tells one free time from another. */
export const keyOf = (time: FreeTime): string => `${time.starts_at} ${time.professional_id}`;

/** Hoje, 24/11 (ter); Amanhã, 25/11 (qua); quinta-feira, 26 de novembro: days as people say them. */
export function dayWords(instant: string): string {
  const day = dayOf(instant);
  const ahead = day.compare(dayOf(clock.now));
  if (ahead === 0) return `${m.day_today()}, ${calendarDay(day)}`;
  if (ahead === 1) return `${m.day_tomorrow()}, ${calendarDay(day)}`;
  return longDay(day);
}
