import { SvelteMap } from 'svelte/reactivity';
import { call } from '$lib/bridge';
import { alsoForget } from '$lib/bridge/live.svelte';

/** Between the last letter and when it is safe on the disk. */
const pause = 400;
/** Before what could not be kept is tried again. */
const patience = 5000;

/** Unsent words, one text a conversation. They are kept in the encrypted copy; here is what the window shows. */
const drafts = new SvelteMap<string, string>();
/** Conversations whose draft of before is here. */
const read = new Set<string>();
const unwritten = new Map<string, ReturnType<typeof setTimeout>>();

export const draftOf = (conversation: string): string => drafts.get(conversation) ?? '';

/** Brings what was being written when the program last ended. */
export async function readDraft(conversation: string): Promise<void> {
  if (read.has(conversation)) return;
  read.add(conversation);
  try {
    const { text } = await call('get_draft', { conversation_id: conversation });
    // What was typed meanwhile goes behind it.
    if (text) keepDraft(conversation, [text, draftOf(conversation)].filter(Boolean).join(' '));
  } catch {
    read.delete(conversation);
  }
}

export function keepDraft(conversation: string, text: string): void {
  if (text === draftOf(conversation)) return;
  if (text) drafts.set(conversation, text);
  else drafts.delete(conversation);
  writeIn(conversation, pause);
}

/** Takes what was sent out of the draft, and leaves what was typed meanwhile. */
export function sent(conversation: string, text: string): void {
  const now = draftOf(conversation);
  keepDraft(conversation, now.startsWith(text) ? now.slice(text.length).trimStart() : now);
}

function writeIn(conversation: string, milliseconds: number): void {
  clearTimeout(unwritten.get(conversation));
  unwritten.set(
    conversation,
    setTimeout(() => void write(conversation), milliseconds),
  );
}

async function write(conversation: string): Promise<void> {
  const timer = unwritten.get(conversation);
  clearTimeout(timer);
  try {
    await call('keep_draft', { conversation_id: conversation, text: draftOf(conversation) });
    if (unwritten.get(conversation) === timer) unwritten.delete(conversation);
  } catch {
    // The screens are locked, or the disk is full: the words stay here until they can be kept.
    if (unwritten.get(conversation) === timer) writeIn(conversation, patience);
  }
}

/** Keeps at once what would be kept in a moment: the window may be about to close. */
export function writeDrafts(): void {
  for (const conversation of unwritten.keys()) void write(conversation);
}

// Another clinic, or nobody at the screens: what is on the disk need not be in the window.
alsoForget(() => {
  for (const conversation of read) if (!unwritten.has(conversation)) drafts.delete(conversation);
  read.clear();
});
