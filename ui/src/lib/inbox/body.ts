import type { MessageRow } from '$lib/bridge';
import { mentionPieces } from './composer/typed';

/** A piece of what a message says. */
export interface Piece {
  text: string;
  named?: boolean;
  /** Where it leads, and the name of the place as the network knows it: letters that look alike are told apart there. */
  link?: { to: string; host: string };
}

const addresses = /((?:https?:\/\/|www\.)[^\s<>"']+[^\s<>"'.,;:()[\]{}])/iu;

function linkTo(text: string): Piece['link'] {
  const to = /^https?:/i.test(text) ? text : `https://${text}`;
  try {
    const url = new URL(to);
    // A name before the host is there to be taken for the host.
    return url.username || url.password ? undefined : { to: url.href, host: url.hostname };
  } catch {
    return undefined;
  }
}

/** What a message says, with the members that it names and the addresses in it told from the rest. */
export function bodyPieces(message: Pick<MessageRow, 'body' | 'mentions'>): Piece[] {
  return mentionPieces(message).flatMap((piece): Piece[] => {
    if (piece.named) return [piece];
    return piece.text
      .split(addresses)
      .filter(Boolean)
      .map((text) => {
        const link = addresses.test(text) ? linkTo(text) : undefined;
        return link ? { text, link } : { text };
      });
  });
}
