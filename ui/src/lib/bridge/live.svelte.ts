import { tick, untrack } from 'svelte';
import { subscribe, type ApiError, type Change, type Topic } from './index';
import { inAMoment, markPainted, oncePerFrame } from './frame';
import { kept } from './kept';
import { partOf } from './whole.svelte';

/** How a screen asks and when it asks again. */
export interface Question<P, T> {
  /** Changes that concern the answer. */
  topics: Topic[];
  /** What is asked for; undefined asks nothing. Reactive. */
  about: () => P | undefined;
  ask: (about: P) => Promise<T>;
  /** Looks closer at a change of the topics; absent, all of them count. */
  concerns?: (change: Change, about: P) => boolean;
  /** Whether the old answer may stay on the page while the new question runs. */
  keeps?: (before: P, now: P) => boolean;
  /** Shows the last answer at once when the screen comes back. */
  remember?: string;
  /** What somebody looks at asks before the rest, and what stands beside that when it has been painted. */
  stands?: 'first' | 'beside';
}

const remembered = new Map<string, { about: string; data: unknown }>();

const forgetters = new Set<(locked: boolean) => void>();

/** Has something else forgotten along with it, which hears whether the screens are only locked. */
export const alsoForget = (forgetter: (locked: boolean) => void): void => void forgetters.add(forgetter);

/** Forgets what earlier screens showed: another clinic is open now, none, or the same one behind a lock. */
export function forget(locked = false): void {
  remembered.clear();
  // Whoever says so in an effect does not wait for what is forgotten.
  untrack(() => forgetters.forEach((forgetter) => forgetter(locked)));
}

/**
 * An answer that stays true: asked again whenever its topic changes, at most once at a time and once in a frame.
 * Must be made while a component is being set up.
 */
export function live<P, T>(question: Question<P, T>): Live<P, T> {
  return new Live(question);
}

export class Live<P, T> {
  /** The answer; undefined until there is one. */
  data = $state.raw<T>();
  /** What the answer is about. */
  about = $state.raw<P>();
  /** Why there is no answer. */
  problem = $state.raw<ApiError>();
  /** Nothing to show yet, 150 ms after asking. */
  late = $state(false);

  #question: Question<P, T>;
  #wanted: P | undefined;
  #version = 0;
  #busy = false;
  /** What is shown is from an earlier visit to the screen, and not yet known to be still true. */
  #old = false;
  #again = false;
  #patience: ReturnType<typeof setTimeout> | undefined;
  /** Says to the page that this part of it is there. */
  #there: (() => void) | undefined;

  constructor(question: Question<P, T>) {
    this.#question = question;
    const whole = partOf();
    if (whole && question.about() !== undefined) this.#there = whole.expect();
    $effect(() => {
      const wanted = question.about();
      this.#want(wanted);
    });
    $effect(() => {
      const off = subscribe((what) => {
        if (this.#wanted === undefined) return;
        if (!('reset' in what)) {
          if (!what.topics.some((topic) => question.topics.includes(topic))) return;
          if (question.concerns && !question.concerns(what, this.#wanted)) return;
        }
        if (question.stands === 'beside') inAMoment(this.#run);
        else this.askAgain();
      }, question.stands === 'first');
      return () => {
        off();
        this.#version++;
        clearTimeout(this.#patience);
        this.#there?.();
      };
    });
  }

  /** Asks again, at once or in the next frame. */
  askAgain = (): void => oncePerFrame(this.#run);

  #want(wanted: P | undefined): void {
    const key = JSON.stringify(wanted);
    if (this.#wanted !== undefined && key === JSON.stringify(this.#wanted)) return;
    const keep =
      wanted !== undefined &&
      this.#wanted !== undefined &&
      (this.#question.keeps?.(this.#wanted, wanted) ?? false);
    this.#wanted = wanted;
    this.#version++;
    this.#busy = false;
    this.#again = false;
    this.problem = undefined;
    if (!keep) {
      const known = this.#question.remember ? remembered.get(this.#question.remember) : undefined;
      this.data = known && known.about === key ? (known.data as T) : undefined;
      this.about = this.data === undefined ? undefined : wanted;
      this.#old = this.data !== undefined;
    }
    this.late = false;
    clearTimeout(this.#patience);
    if (wanted === undefined) return;
    if (this.data === undefined)
      this.#patience = setTimeout(() => (this.late = this.data === undefined), 150);
    void this.#run();
  }

  #run = async (): Promise<void> => {
    const about = this.#wanted;
    if (about === undefined) return;
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    const version = this.#version;
    try {
      const data = await this.#question.ask(about);
      if (version !== this.#version) return;
      this.data = kept(this.data, data);
      this.#old = false;
      this.about = about;
      this.problem = undefined;
      if (this.#question.remember)
        remembered.set(this.#question.remember, { about: JSON.stringify(about), data: this.data });
      await tick();
      markPainted(`balcao:painted:${this.#question.topics[0]}`);
    } catch (thrown) {
      if (version !== this.#version) return;
      if (this.#old) this.data = undefined;
      this.problem = thrown as ApiError;
    } finally {
      if (version === this.#version) {
        clearTimeout(this.#patience);
        this.late = false;
        this.#busy = false;
        this.#there?.();
        if (this.#again) {
          this.#again = false;
          this.askAgain();
        }
      }
    }
  };
}
