import { asApiError, type ApiError } from '$lib/bridge';

/** Something a person asked for: whether it is under way, and what stood in its way. */
export class Attempt {
  busy = $state(false);
  problem = $state.raw<ApiError>();

  #leaves: boolean;

  /** `leaves`: what went well leads to another screen, and is not asked for twice while that comes. */
  constructor({ leaves = false } = {}) {
    this.#leaves = leaves;
  }

  /** Does it and says whether it went well; a second press meanwhile does nothing. */
  async run(work: () => Promise<unknown>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.problem = undefined;
    try {
      await work();
    } catch (thrown) {
      this.problem = asApiError(thrown);
    }
    const went = this.problem === undefined;
    this.busy = went && this.#leaves;
    return went;
  }
}
