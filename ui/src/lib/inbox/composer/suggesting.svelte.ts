import { call, type Named } from '$lib/bridge';
import { live } from '$lib/bridge/live.svelte';
import { m } from '$paraglide/messages';
import { matching, memberAt, named, slashAt, type Suggestion } from './typed';
import type { Writing } from './writing.svelte';

/**
 * What fits to the word that is being written: quick replies after a slash, and in a note members after an at sign.
 * Must be made while a component is being set up.
 */
export class Suggesting {
  /** The element that the keys are about. */
  active = $state<string>();

  /** Where the sign stands whose list was left. */
  #left = $state<number>();
  readonly #writing: Writing;
  readonly #members: () => Named[];
  readonly #replies = live({
    topics: ['inbox'],
    about: () => (this.#word && !this.#writing.note ? {} : undefined),
    ask: (about) => call('list_quick_replies', about),
  });

  constructor(writing: Writing, members: () => Named[]) {
    this.#writing = writing;
    this.#members = members;
    $effect(() => {
      if (!this.#typed) this.#left = undefined;
    });
  }

  #typed = $derived.by(() => {
    const { note, text, field } = this.#writing;
    return (note ? memberAt : slashAt)(text, field.caret);
  });
  #word = $derived.by(() =>
    this.#typed && this.#typed.from !== this.#left && !this.#writing.asking ? this.#typed : undefined,
  );

  options = $derived.by<Suggestion[]>(() => {
    if (!this.#word) return [];
    if (this.#writing.note)
      return named(this.#members(), this.#word.word).map(({ id, name }) => ({ id, name: '@', title: name }));
    return matching(this.#replies.data?.replies ?? [], this.#word.word).map((reply) => ({
      id: reply.id,
      name: `/${reply.shortcut}`,
      title: reply.title,
      text: reply.body,
    }));
  });

  /** Whether there is something to be said. */
  shown = $derived.by(
    () =>
      this.#word !== undefined &&
      (this.#writing.note ? this.options.length > 0 : this.#replies.data !== undefined),
  );
  id = $derived.by(() => (this.#writing.note ? 'members' : 'quick-replies'));
  title = $derived.by(() => (this.#writing.note ? m.note_members() : m.quick_replies()));
  none = $derived(
    this.#replies.data?.replies.length === 0 ? m.quick_replies_empty() : m.quick_replies_none(),
  );

  choose = (option: Suggestion): void => {
    if (!this.#word) return;
    const { from, until } = this.#word;
    if (this.#writing.note) this.#writing.field.put(`@${option.title} `, from, until);
    else void this.#writing.putFilled(option.text ?? '', from, until);
  };

  leave = (): void => void (this.#left = this.#typed?.from);
}
