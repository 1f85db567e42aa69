import {
  asApiError,
  call,
  type ApiError,
  type AuditEntry,
  type AuditPoint,
  type AuditWish,
} from '$lib/bridge';

const pageSize = 50;

/**
 * The entries that were asked for, page after page. The audit is in the clinic's database alone, so it is asked when somebody
 * looks, and not again by itself. Must be made while a component is being set up.
 */
export class AuditPages {
  entries = $state.raw<AuditEntry[]>([]);
  /** Where to go on; undefined before the first answer, null at the end. */
  next = $state.raw<AuditPoint | null>();
  busy = $state(false);
  /** Nothing to show yet, 150 ms after asking. */
  late = $state(false);
  problem = $state.raw<ApiError>();

  readonly #wish: () => AuditWish;
  #version = 0;

  constructor(wish: () => AuditWish) {
    this.#wish = wish;
    $effect(() => {
      wish();
      void this.#run(undefined);
      return () => this.#version++;
    });
  }

  /** Asks anew from the newest on. */
  again = (): void => void this.#run(undefined);

  /** Fetches the next page, where there is one and none is under way. */
  more = (): void => {
    if (this.next && !this.busy && !this.problem) void this.#run(this.next);
  };

  /** Tries again what did not work. */
  retry = (): void => void this.#run(this.next ?? undefined);

  async #run(before: AuditPoint | undefined): Promise<void> {
    const version = ++this.#version;
    const wish = this.#wish();
    this.busy = true;
    this.problem = undefined;
    const patience = setTimeout(() => {
      if (version === this.#version) this.late = true;
    }, 150);
    try {
      const page = await call('list_audit', { wish, before: before ?? null, limit: pageSize });
      if (version !== this.#version) return;
      this.entries = before ? [...this.entries, ...page.entries] : page.entries;
      this.next = page.next;
    } catch (thrown) {
      if (version !== this.#version) return;
      this.problem = asApiError(thrown);
      if (!before) {
        this.entries = [];
        this.next = undefined;
      }
    } finally {
      clearTimeout(patience);
      if (version === this.#version) {
        this.busy = false;
        this.late = false;
      }
    }
  }
}
