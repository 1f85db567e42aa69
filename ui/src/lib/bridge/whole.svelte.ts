import { getContext, setContext } from 'svelte';

const key = Symbol('whole');

/** How long parts that are there wait for those that are not, in milliseconds. */
const patience = 400;

/** A page of parts that ask each for itself: shown when all of them have answered, or when one takes too long. */
export class Whole {
  /** It is there, and stays. */
  shown = $state(false);
  /** Nothing to show yet, 150 ms after it was begun. */
  late = $state(false);

  #waiting = 0;
  #begun = false;

  /** A part asks. Call what comes back when it has its answer. */
  expect(): () => void {
    let waits = true;
    this.#waiting++;
    return () => {
      if (!waits) return;
      waits = false;
      this.#waiting--;
      this.#look();
    };
  }

  /** All parts have asked. */
  begin(): () => void {
    this.#begun = true;
    const late = setTimeout(() => (this.late = !this.shown), 150);
    const enough = setTimeout(() => (this.shown = true), patience);
    this.#look();
    return () => {
      clearTimeout(late);
      clearTimeout(enough);
    };
  }

  #look(): void {
    if (this.#begun && this.#waiting === 0) this.shown = true;
  }
}

/** Makes a whole of the parts of this component. Must be called while it is being set up. */
export function makeWhole(): Whole {
  const whole = setContext(key, new Whole());
  $effect(() => whole.begin());
  return whole;
}

/** What this component is a part of. */
export const partOf = (): Whole | undefined => getContext<Whole | undefined>(key);
