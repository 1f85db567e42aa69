import { mount, onDestroy, unmount, untrack, type Component } from 'svelte';
import type { Attachment } from 'svelte/attachments';

/** So many of a sort that have left the page are kept: more than come into it at once. */
const mostKept = 24;

/**
 * Rows of a long list that have left the page, to be taken up again by those that come into it. To let a row say something
 * else costs a fraction of making one, and leaves little behind to be collected while somebody scrolls. Only for components
 * that keep nothing of their own. Made with the list, and ends with it.
 */
export class Recycler<Props extends Record<string, unknown>> {
  readonly #component: Component<Props>;
  readonly #sortOf: (props: Props) => string;
  readonly #kept = new Map<string, Row<Props>[]>();
  #over = false;

  /** Rows of the same sort are made of the same parts, mostly: nothing has to be made when one becomes the other. */
  constructor(component: Component<Props>, sortOf: (props: Props) => string = () => '') {
    this.#component = component;
    this.#sortOf = sortOf;
    onDestroy(() => {
      this.#over = true;
      for (const rows of this.#kept.values()) rows.forEach((row) => row.end());
    });
  }

  /** Fills an element with a row that says what `props` tells, also when that changes. */
  row(props: () => Props): Attachment {
    return (element) => {
      const row = untrack(() => this.#take(props()));
      $effect(() => {
        row.props = props();
      });
      element.append(row.element);
      return () => {
        row.element.remove();
        this.#keep(row);
      };
    };
  }

  #take(props: Props): Row<Props> {
    return this.#kept.get(this.#sortOf(props))?.pop() ?? new Row(this.#component, props);
  }

  #keep(row: Row<Props>): void {
    const sort = this.#sortOf(row.props);
    const kept = this.#kept.get(sort) ?? [];
    this.#kept.set(sort, kept);
    if (kept.length < mostKept && !this.#over) kept.push(row);
    else row.end();
  }
}

class Row<Props extends Record<string, unknown>> {
  props = $state.raw() as Props;
  readonly element = document.createElement('div');
  readonly #mounted: Record<string, unknown>;

  constructor(component: Component<Props>, props: Props) {
    this.props = props;
    const names = Object.keys(props);
    const told = names.map((name) => [name, { get: () => this.props[name], enumerable: true }] as const);
    this.#mounted = mount(component, {
      target: this.element,
      props: Object.defineProperties({}, Object.fromEntries(told)) as Props,
    });
  }

  end(): void {
    void unmount(this.#mounted);
  }
}
