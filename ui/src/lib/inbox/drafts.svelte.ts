import { SvelteMap } from 'svelte/reactivity';

const drafts = new SvelteMap<string, string>();

/** Unsent words, one text a conversation, for as long as the window lives. */
export const draftOf = (conversation: string): string => drafts.get(conversation) ?? '';

export function keepDraft(conversation: string, text: string): void {
  if (text) drafts.set(conversation, text);
  else drafts.delete(conversation);
}

/** Takes what was sent out of the draft, and leaves what was typed meanwhile. */
export function sent(conversation: string, text: string): void {
  const now = draftOf(conversation);
  keepDraft(conversation, now.startsWith(text) ? now.slice(text.length).trimStart() : now);
}
