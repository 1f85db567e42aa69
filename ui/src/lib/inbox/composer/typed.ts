import type { QuickReply } from '$lib/bridge';
import { plain } from '../highlight';

/** A word that begins with a sign and is being written. */
export interface Typed {
  word: string;
  /** Where the sign stands, and where the word ends. */
  from: number;
  until: number;
}

/** The quick reply that is being asked for: a slash where a word begins, and letters up to the caret. */
export function slashAt(text: string, caret: number): Typed | undefined {
  const found = /(?:^|\s)\/([\p{L}\p{M}\p{N}_-]*)$/u.exec(text.slice(0, caret));
  const word = found?.[1];
  return word === undefined ? undefined : { word, from: caret - word.length - 1, until: caret };
}

/** Quick replies with a short name that begins so, then those with such a word in their title. */
export function matching(replies: QuickReply[], word: string): QuickReply[] {
  const wanted = plain(word);
  const begins = replies.filter((reply) => reply.shortcut.startsWith(wanted));
  const mentions = replies.filter(
    (reply) => !begins.includes(reply) && plain(reply.title).includes(wanted.replaceAll('-', ' ')),
  );
  return [...begins, ...mentions];
}

/** A text in pieces, with the places that wait for a value marked. */
export const pieces = (text: string): { text: string; place: boolean }[] =>
  text
    .split(/(\{\{[^{}\n]{1,60}\}\})/)
    .filter(Boolean)
    .map((each) => ({ text: each, place: each.startsWith('{{') && each.endsWith('}}') }));
