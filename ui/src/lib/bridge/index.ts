import type { Commands } from './bindings';
import { http } from './http';
import { inWindow, window as programWindow } from './tauri';
import { asApiError, type Heard, type Transport } from './transport';

export type * from './bindings';
export { asApiError, type Heard, type Transport } from './transport';

let transport: Transport | undefined;
let stop: (() => void) | undefined;
let last: number | undefined;
type Listener = (what: Heard) => void;
const foremost = new Set<Listener>();
const listeners = new Set<Listener>();

/** Opens the way to the program; tests hand in their own. */
export function open(way: Transport = inWindow() ? programWindow : http()): void {
  stop?.();
  last = undefined;
  transport = way;
  stop = way.listen((what) => {
    let told = what;
    if ('reset' in what) last = undefined;
    else {
      if (last !== undefined && what.seq !== last + 1) told = { reset: true, opening: what.opening };
      last = what.seq;
    }
    for (const listener of [...foremost, ...listeners]) listener(told);
  });
}

/** Runs a command. Rejects with an ApiError, never with anything else. */
export async function call<K extends keyof Commands>(
  cmd: K,
  payload: Commands[K]['request'],
): Promise<Commands[K]['response']> {
  if (!transport) throw asApiError(new Error('The way to the program is not open.'));
  try {
    return await transport.call(cmd, payload);
  } catch (thrown) {
    throw asApiError(thrown);
  }
}

/** Hears every change, before the others where `first`; a gap in the stream is told as a reset. */
export function subscribe(listener: Listener, first = false): () => void {
  const among = first ? foremost : listeners;
  among.add(listener);
  return () => among.delete(listener);
}
