import { SvelteMap } from 'svelte/reactivity';
import { call, type Draft } from '$lib/bridge';
import { alsoForget } from '$lib/bridge/live.svelte';
import { showKept } from './composer/attaching.svelte';

/** Between the last letter and when it is safe on the disk. */
const pause = 400;
/** Before what could not be kept is tried again. */
const patience = 5000;

/** Files stand beside it. */
type Words = Omit<Draft, 'files'>;

const nothing: Words = { text: '', note: '', quoted_id: null };

/** What is being written, by conversation. It is kept in the encrypted copy; here is what the window shows. */
const drafts = new SvelteMap<string, Words>();
/** Conversations whose draft of before is here. */
const read = new Set<string>();
const unwritten = new Map<string, ReturnType<typeof setTimeout>>();

export const draftOf = (conversation: string): Words => drafts.get(conversation) ?? nothing;

/** Brings what was being written when the program last ended. */
export async function readDraft(conversation: string): Promise<void> {
  if (read.has(conversation)) return;
  read.add(conversation);
  try {
    const kept = await call('get_draft', { conversation_id: conversation });
    const now = draftOf(conversation);
    // What was typed meanwhile goes behind it.
    const both = (one: string, other: string) => [one, other].filter(Boolean).join(' ');
    keepDraft(conversation, {
      text: both(kept.text, now.text),
      note: both(kept.note, now.note),
      quoted_id: now.quoted_id ?? kept.quoted_id,
    });
    showKept(conversation, kept.files);
  } catch {
    read.delete(conversation);
  }
}

export function keepDraft(conversation: string, change: Partial<Words>): void {
  const now = draftOf(conversation);
  const next = { ...now, ...change };
  if (next.text === now.text && next.note === now.note && next.quoted_id === now.quoted_id) return;
  if (next.text || next.note || next.quoted_id) drafts.set(conversation, next);
  else drafts.delete(conversation);
  writeIn(conversation, pause);
}

/** Puts a text behind what was begun, on a line of its own. */
export function addToDraft(conversation: string, text: string): void {
  keepDraft(conversation, {
    text: [draftOf(conversation).text.trimEnd(), text].filter(Boolean).join('\n'),
  });
}

/** Takes such a text out again, where it still stands as it was put. */
export function takeFromDraft(conversation: string, text: string): void {
  const now = draftOf(conversation).text;
  if (now.endsWith(text)) keepDraft(conversation, { text: now.slice(0, -text.length).trimEnd() });
}

/** Takes what was sent out of the draft, and leaves what was typed meanwhile. */
export function sent(conversation: string, part: 'text' | 'note', words: string): void {
  const now = draftOf(conversation)[part];
  const left = now.startsWith(words) ? now.slice(words.length).trimStart() : now;
  keepDraft(conversation, part === 'text' ? { text: left, quoted_id: null } : { note: left });
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
    await call('keep_draft', { conversation_id: conversation, ...draftOf(conversation) });
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
