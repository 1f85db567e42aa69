import { CalendarDateTime, type CalendarDate } from '@internationalized/date';
import type { SearchScope } from '$lib/bridge';
import { instantOf } from '$lib/i18n/zone.svelte';
import { readDay } from './dates';

/** A search in all messages. */
export const everywhere: SearchScope = { conversation_id: null, from: null, until: null };

/** What was typed, without the day that is named in it: "exame 24/11", "ontem pix". */
export function readSearch(text: string, today: CalendarDate): { words: string; day?: CalendarDate } {
  const words = text.trim().split(/\s+/);
  for (const [at, word] of words.entries()) {
    const day = words.length > 1 ? readDay(word, today) : undefined;
    if (day) return { words: words.toSpliced(at, 1).join(' '), day };
  }
  return { words: words.join(' ') };
}

/** The messages of one day, of one conversation. */
export function scopeOf(conversation: string | undefined, day: CalendarDate | undefined): SearchScope {
  const midnight = (date: CalendarDate) =>
    instantOf(new CalendarDateTime(date.year, date.month, date.day, 0, 0));
  return {
    conversation_id: conversation ?? null,
    from: day ? midnight(day) : null,
    until: day ? midnight(day.add({ days: 1 })) : null,
  };
}
