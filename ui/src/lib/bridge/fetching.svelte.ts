import { asApiError, type ApiError } from './index';
import { onceOnline } from './online';

/**
 * Something that is fetched from before the window of the copy, and what the screen says meanwhile. Without a line it waits
 * and goes on by itself; what was refused is tried again when a person says so.
 */
export class Fetching {
  state = $state<'idle' | 'busy' | 'offline' | 'failed'>('idle');
  /** Why, when it failed. */
  problem = $state.raw<ApiError>();

  #round = 0;
  #before: unknown;
  #waiting: (() => void) | undefined;

  /**
   * Fetches what `shown` says is missing, unless it is being fetched already or waits. Says whether it is there now. What
   * was shown before does not know of it yet, and is no reason to fetch again.
   */
  async run(shown: unknown, fetch: () => Promise<unknown>): Promise<boolean> {
    if (this.state !== 'idle' || shown === this.#before) return false;
    const round = ++this.#round;
    this.state = 'busy';
    try {
      await fetch();
      if (round !== this.#round) return false;
      this.#before = shown;
      this.state = 'idle';
      return true;
    } catch (thrown) {
      if (round !== this.#round) return false;
      this.problem = asApiError(thrown);
      if (this.problem.code === 'offline' || this.problem.code === 'still_copying') {
        this.state = 'offline';
        this.#waiting = onceOnline(() => (this.state = 'idle'));
      } else this.state = 'failed';
      return false;
    }
  }

  /** Something else is looked at, or a person wants it tried again. */
  reset = (): void => {
    this.#round++;
    this.#waiting?.();
    this.#waiting = undefined;
    this.#before = undefined;
    this.problem = undefined;
    this.state = 'idle';
  };
}
