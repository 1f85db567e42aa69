import { call } from '$lib/bridge';

/** Between two words about somebody writing; each counts for some seconds more. */
const pause = 3_000;

let told: { thread: string; at: number } | undefined;

/** Somebody writes in a thread: the others who have it open see it. */
export function tellTyping(thread: string): void {
  if (told?.thread === thread && Date.now() - told.at < pause) return;
  told = { thread, at: Date.now() };
  void call('note_typing', { conversation_id: thread, typing: true }).catch(() => undefined);
}

/** What was written has gone. */
export function tellRest(thread: string): void {
  if (told?.thread !== thread) return;
  told = undefined;
  void call('note_typing', { conversation_id: thread, typing: false }).catch(() => undefined);
}
