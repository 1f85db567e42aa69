import type { CopyWindow, MessageRow } from '../../src/lib/bridge/bindings';

const minute = 60_000;
const day = 24 * 60 * minute;

/** What an invented clinic has from before the window of the copy, and how far back the copy goes. */
export class Elsewhere {
  window: CopyWindow = { message_days: 90, appointment_days: 90, missing: false, widening: null };
  /** Messages that are not in the copy, oldest first, by conversation. */
  messages = new Map<string, MessageRow[]>();
  /** Contacts whose visits are not all here. */
  people = new Set<string>();
  /** From here on every visit is here: milliseconds. */
  visitsFrom = -Infinity;

  /** Invents `count` older messages for a conversation, one every two hours before its first. */
  invent(conversation: string, first: MessageRow, count: number): void {
    const end = Date.parse(first.sent_at) - day;
    this.messages.set(
      conversation,
      Array.from({ length: count }, (_, at) => ({
        ...first,
        id: `older-${conversation}-${at}`,
        direction: at % 3 ? 'inbound' : 'outbound',
        sender_kind: at % 3 ? 'contact' : 'member',
        kind: 'text',
        attachment: null,
        reactions: [],
        quoted_preview: null,
        body: `mensagem antiga ${at + 1}`,
        status: at % 3 ? 'received' : 'read',
        error_text: null,
        state: 'confirmed' as const,
        sent_at: new Date(end - (count - at) * 120 * minute).toISOString(),
      })),
    );
  }

  /** The next page of a conversation, oldest first. */
  page(conversation: string): MessageRow[] {
    const left = this.messages.get(conversation) ?? [];
    return left.splice(Math.max(0, left.length - 200));
  }
}
