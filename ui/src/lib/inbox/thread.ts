import type { MessageRow } from '$lib/bridge';
import { dayOf, zone } from '$lib/i18n/zone.svelte';

export type ThreadItem =
  /** A day begins; any instant of it. */
  | { key: string; day: string }
  | { key: string; unread: number }
  | { key: string; message: MessageRow; follows: boolean };

/** Under this key stands the line before the first message that was unread. */
export const unreadKey = 'unread';

/** What was unread when a thread was opened. */
export interface Opened {
  /** So many of the person's newest messages. */
  count: number;
  /** The newest message of the thread. */
  last: string | undefined;
}

/**
 * The first of the messages that were unread, and how many there are from it on; `undefined` while it stands further back
 * than what is here. `whole`: nothing stands further back.
 */
export function firstUnread(
  messages: MessageRow[],
  { count, last }: Opened,
  whole: boolean,
): { id: string; count: number } | undefined {
  let at = messages.length - 1;
  while (at >= 0 && messages[at]!.id !== last) at--;
  let [first, found] = [undefined as string | undefined, 0];
  for (; at >= 0 && found < count; at--) {
    if (messages[at]!.direction !== 'inbound') continue;
    first = messages[at]!.id;
    found++;
  }
  return first !== undefined && (found === count || whole) ? { id: first, count: found } : undefined;
}

const together = 4 * 60_000;

/**
 * Puts the days between the messages, and a line before the first that was unread; says which of them follow closely on the
 * one before.
 */
export function withDays(messages: MessageRow[], unread?: { id: string; count: number }): ThreadItem[] {
  return laid(messages, undefined, unread);
}

function laid(
  messages: MessageRow[],
  before: MessageRow | undefined,
  unread: { id: string; count: number } | undefined,
): ThreadItem[] {
  const items: ThreadItem[] = [];
  let day = before && dayOf(before.sent_at);
  for (const message of messages) {
    const date = dayOf(message.sent_at);
    if (!day || date.compare(day) !== 0) {
      items.push({ key: `day-${date.toString()}`, day: message.sent_at });
      day = date;
      before = undefined;
    }
    if (message.id === unread?.id) {
      items.push({ key: unreadKey, unread: unread.count });
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

/** The items of a thread that grows at its ends: what stood there before and still does is not worked out again. */
export class Layout {
  #messages: MessageRow[] = [];
  #items: ThreadItem[] = [];
  #made = '';

  of(messages: MessageRow[], unread: { id: string; count: number } | undefined): ThreadItem[] {
    const made = `${zone.current} ${unread?.id ?? ''}`;
    const [old, now] = made === this.#made ? [this.#messages, messages] : [[], messages];
    const most = Math.min(old.length, now.length);
    let head = 0;
    while (head < most && old[head] === now[head]) head++;
    let tail = 0;
    while (tail < most - head && old.at(-1 - tail) === now.at(-1 - tail)) tail++;
    // Whether the first of the tail follows closely, and begins a day, is for the one that is before it now to say.
    const seam = tail > 0 ? now[now.length - tail] : undefined;
    const middle = now.slice(head, seam ? now.length - tail + 1 : undefined);
    const placeOf = (message: MessageRow) =>
      this.#items.findLastIndex((item) => 'message' in item && item.message === message);
    this.#items = [
      ...(head > 0 ? this.#items.slice(0, placeOf(now[head - 1]!) + 1) : []),
      ...laid(middle, now[head - 1], unread),
      ...(seam ? this.#items.slice(placeOf(seam) + 1) : []),
    ];
    [this.#messages, this.#made] = [messages, made];
    return this.#items;
  }
}

/** Puts the newest piece of a thread under the older ones that are already there. */
export function joined(older: MessageRow[], newest: MessageRow[]): MessageRow[] {
  if (older.length === 0) return newest;
  const known = new Set(newest.map((message) => message.id));
  return [...older.filter((message) => !known.has(message.id)), ...newest];
}

/**
 * What newer messages have pushed out of the newest piece of a thread; `undefined` when so many came that the two pieces
 * have nothing in common, and nobody knows what stands between them.
 */
export function pushedOut(before: MessageRow[], now: MessageRow[]): MessageRow[] | undefined {
  const [first, top] = [before[0]?.id, now[0]?.id];
  if (first === undefined || now.some((message) => message.id === first)) return [];
  const at = before.findIndex((message) => message.id === top);
  return at < 0 ? undefined : before.slice(0, at);
}
