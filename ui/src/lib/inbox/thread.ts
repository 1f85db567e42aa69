import type { MessageRow } from '$lib/bridge';
import { threadDay } from '$lib/i18n/format';
import { dayOf } from '$lib/i18n/zone.svelte';

export type ThreadItem =
  | { key: string; day: string }
  | { key: string; unread: number }
  | { key: string; message: MessageRow; follows: boolean };

/** The first of the newest messages of the person that nobody has answered, and how many of them are here. */
export function firstUnread(
  messages: MessageRow[],
  count: number,
): { id: string; count: number } | undefined {
  const newest = count > 0 ? messages.filter((message) => message.direction === 'inbound').slice(-count) : [];
  return newest[0] && { id: newest[0].id, count: newest.length };
}

const together = 4 * 60_000;

/**
 * Puts the days between the messages, and a line before the first that was unread; says which of them follow closely on the
 * one before.
 */
export function withDays(messages: MessageRow[], unread?: { id: string; count: number }): ThreadItem[] {
  const items: ThreadItem[] = [];
  let before: MessageRow | undefined;
  let day = '';
  for (const message of messages) {
    const date = dayOf(message.sent_at).toString();
    if (date !== day) {
      items.push({ key: `day-${date}`, day: threadDay(message.sent_at) });
      day = date;
      before = undefined;
    }
    if (message.id === unread?.id) {
      items.push({ key: 'unread', unread: unread.count });
      before = undefined;
    }
    const follows =
      before !== undefined &&
      before.direction === message.direction &&
      before.sender_kind === message.sender_kind &&
      before.sender_name === message.sender_name &&
      message.direction !== 'internal' &&
      Date.parse(message.sent_at) - Date.parse(before.sent_at) < together;
    items.push({ key: message.id, message, follows });
    before = message;
  }
  return items;
}

/** Puts the newest piece of a thread under the older ones that are already there. */
export function joined(older: MessageRow[], newest: MessageRow[]): MessageRow[] {
  if (older.length === 0) return newest;
  const known = new Set(newest.map((message) => message.id));
  return [...older.filter((message) => !known.has(message.id)), ...newest];
}
