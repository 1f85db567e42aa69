import type { Locale } from '$lib/bridge';
import { plain } from '../highlight';

/** One of the signs that can be put in. */
export interface Emoji {
  emoji: string;
  name: string;
  group: number;
  /** What it is found by, without capitals and accents. */
  words: string[];
  /** The same in each of the five tones of skin, the lightest first; none where it shows no people. */
  tones: string[];
}

/** No tone of skin, and the five there are, the lightest first. */
export const tones = [0, 1, 2, 3, 4, 5] as const;

/** The sign in a tone of skin, where it has one. */
export const toned = (emoji: Emoji, tone: number): string => emoji.tones[tone - 1] ?? emoji.emoji;

/** The groups in the order and with the numbers of the published list. */
export const groups = [0, 1, 3, 4, 5, 6, 7, 8, 9] as const;

const sources: Record<Locale, () => Promise<{ default: [string, number, string, string, string[]?][] }>> = {
  'pt-BR': () => import('emojibase-data/pt/data.json?emoji'),
  en: () => import('emojibase-data/en/data.json?emoji'),
};

const lists = new Map<Locale, Promise<Emoji[]>>();

/** All of them in the language of the screens, in the usual order. Read when they are first wanted. */
export function readEmoji(locale: Locale): Promise<Emoji[]> {
  let list = lists.get(locale);
  if (!list) {
    list = sources[locale]().then((source) =>
      source.default.map(([emoji, group, name, tags, tones]) => ({
        emoji,
        name,
        group,
        words: words(`${name} ${tags}`),
        tones: tones ?? [],
      })),
    );
    lists.set(locale, list);
  }
  return list;
}

const words = (text: string): string[] =>
  plain(text)
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);

/** Those with words that begin as what was typed; whose own name begins so come first. */
export function findEmoji(all: Emoji[], text: string): Emoji[] {
  const wanted = plain(text).split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return all;
  const fits = all.filter((each) => wanted.every((part) => each.words.some((word) => word.startsWith(part))));
  const first = (each: Emoji) => Number(!each.words[0]?.startsWith(wanted[0] ?? ''));
  return fits
    .map((each, at) => ({ each, at }))
    .sort((a, b) => first(a.each) - first(b.each) || a.at - b.at)
    .map(({ each }) => each);
}

/** The ones that were used last, the latest first. */
export const recent = (used: string[], now: string): string[] =>
  [now, ...used.filter((each) => each !== now)].slice(0, 24);
