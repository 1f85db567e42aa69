import { SvelteSet } from 'svelte/reactivity';
import { call, type ConversationRow, type ListConversations } from '$lib/bridge';

/** Rows of one question at the most. */
const most = 500;

/** The threads of a list that something is done with at once. */
export class Picking {
  readonly ids = new SvelteSet<string>();
  #last: string | undefined;

  clear = (): void => {
    this.ids.clear();
    this.#last = undefined;
  };

  /** Takes a thread among them, or out. */
  toggle(id: string): void {
    if (!this.ids.delete(id)) this.ids.add(id);
    this.#last = id;
  }

  /** Takes all from the one before, or from `start`, up to this one. */
  reach(id: string, shown: ConversationRow[], start: string | undefined): void {
    const from = shown.findIndex((row) => row.id === (this.#last ?? start));
    const to = shown.findIndex((row) => row.id === id);
    if (from < 0 || to < 0) return this.toggle(id);
    for (const row of shown.slice(Math.min(from, to), Math.max(from, to) + 1)) this.ids.add(row.id);
    this.#last = id;
  }

  /** Takes a whole list, however long it is. */
  async all(about: ListConversations, total: number): Promise<void> {
    for (let at = 0; at < total; at += most) {
      const { rows } = await call('list_conversations', { ...about, counting: [], offset: at, limit: most });
      for (const row of rows) this.ids.add(row.id);
      if (rows.length === 0) break;
    }
  }
}
