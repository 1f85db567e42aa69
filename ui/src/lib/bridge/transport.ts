import type { ApiError, Change, Commands, Destination } from './bindings';

/** What a screen hears: something changed, or entries were missed and everything shown must be asked for again. */
export type Heard = Change | { reset: true; opening?: Destination | null };

/** How the screens reach the program: through the window, or over loopback when it runs without one. */
export interface Transport {
  call<K extends keyof Commands>(cmd: K, payload: Commands[K]['request']): Promise<Commands[K]['response']>;
  /** Starts hearing changes; the returned function stops it. */
  listen(heard: (what: Heard) => void): () => void;
}

/** Makes one shape of everything that can be thrown on the way. */
export function asApiError(thrown: unknown): ApiError {
  if (typeof thrown === 'object' && thrown !== null && 'code' in thrown && typeof thrown.code === 'string') {
    const { code, message, reference } = thrown as Partial<ApiError> & { code: string };
    return { code, message: message ?? '', reference: reference ?? null };
  }
  return {
    code: 'internal',
    message: thrown instanceof Error ? thrown.message : String(thrown),
    reference: null,
  };
}
