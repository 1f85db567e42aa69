import type { MessageRow, Named, QuickReply } from '$lib/bridge';
import { plain } from '../highlight';

/** A word that begins with a sign and is being written. */
export interface Typed {
  word: string;
  /** Where the sign stands, and where the word ends. */
  from: number;
  until: number;
}

/** Something that can be put in. */
export interface Suggestion {
  id: string;
  /** What is typed to get it. */
  name: string;
  title: string;
  text?: string | undefined;
}

/** The quick reply that is being asked for: a slash where a word begins, and letters up to the caret. */
export function slashAt(text: string, caret: number): Typed | undefined {
  const found = /(?:^|\s)\/([\p{L}\p{M}\p{N}_-]*)$/u.exec(text.slice(0, caret));
  const word = found?.[1];
  return word === undefined ? undefined : { word, from: caret - word.length - 1, until: caret };
}

/** The member who is being named: a sign where a word begins, and letters up to the caret. */
export function memberAt(text: string, caret: number): Typed | undefined {
  const found = /(?:^|[^\p{L}\p{N}])@([\p{L}\p{M}\p{N} .'-]{0,40})$/u.exec(text.slice(0, caret));
  const word = found?.[1];
  return word === undefined ? undefined : { word, from: caret - word.length - 1, until: caret };
}

/** Members with a name, or a part of one, that begins so. */
export function named(members: Named[], word: string): Named[] {
  const wanted = plain(word);
  const fits = (name: string) =>
    plain(name).startsWith(wanted) ||
    plain(name)
      .split(' ')
      .some((part) => part.startsWith(wanted));
  return members.filter(({ name }) => fits(name) && plain(name) !== wanted.trimEnd());
}

/** A note in pieces, with the members that it names marked. */
export function mentionPieces({
  body,
  mentions,
}: Pick<MessageRow, 'body' | 'mentions'>): { text: string; named: boolean }[] {
  const names = mentions.map(({ name }) => `@${name}`).sort((one, other) => other.length - one.length);
  const pieces: { text: string; named: boolean }[] = [];
  let rest = body;
  while (rest) {
    const at = names
      .map((name) => ({ name, place: rest.indexOf(name) }))
      .filter(({ place }) => place >= 0)
      .sort((one, other) => one.place - other.place || other.name.length - one.name.length)[0];
    if (!at) break;
    if (at.place > 0) pieces.push({ text: rest.slice(0, at.place), named: false });
    pieces.push({ text: at.name, named: true });
    rest = rest.slice(at.place + at.name.length);
  }
  if (rest) pieces.push({ text: rest, named: false });
  return pieces;
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
