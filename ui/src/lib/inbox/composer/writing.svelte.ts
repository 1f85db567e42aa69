import { tick } from 'svelte';
import { asApiError, call, type FilledText } from '$lib/bridge';
import { dayTime } from '$lib/i18n/format';
import { whatHappened, whatToDo } from '$lib/i18n/problems';
import { toast, toastProblem } from '$lib/shell/toasts.svelte';
import { m } from '$paraglide/messages';
import { draftOf, keepDraft, sent } from '../drafts.svelte';
import { Attaching, sendTake } from './attaching.svelte';
import { tellRest, tellTyping } from '../typing';
import { Field } from './field.svelte';
import type { Take } from './recording.svelte';

/** Longest text that goes out, in characters. */
const most = 4096;

/** What a text lacks, and what becomes of it when that is given. */
interface Asking {
  names: string[];
  sends: boolean;
  at: string | null;
}

/** What is being written in a thread, and sending it. */
export class Writing {
  readonly field = new Field((words) => this.type(words));
  /** A note to the team is being written, and no answer. */
  note = $state(false);
  busy = $state(false);
  problem = $state('');
  asking = $state.raw<Asking>();
  readonly attaching = new Attaching(() => this.#thread());

  readonly #thread: () => string;

  constructor(thread: () => string) {
    this.#thread = thread;
  }

  text = $derived.by(() => {
    const draft = draftOf(this.#thread());
    return this.note ? draft.note : draft.text;
  });
  length = $derived([...this.text.trim()].length);
  over = $derived(this.length - most);
  /** Whether there is anything that could go. */
  sends = $derived(this.over <= 0 && (this.length > 0 || (!this.note && this.attaching.sendable.length > 0)));
  /** Characters that are left, once there are few. */
  left = $derived(this.length > most - 300 ? most - this.length : undefined);

  type = (words: string): void => {
    keepDraft(this.#thread(), this.note ? { note: words } : { text: words });
    if (words.trim()) tellTyping(this.#thread());
    else tellRest(this.#thread());
  };

  /** Another thread is open, or another kind of text is written. */
  begin(): void {
    this.problem = '';
    this.attaching.problem = '';
    this.asking = undefined;
  }

  /** Turns from the answer to a note, or back. */
  turn = (): void => {
    this.note = !this.note;
    this.begin();
    // At once: the next letter that is typed belongs here.
    this.field.focus();
  };

  async #attempt(work: (to: string) => Promise<void>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.problem = '';
    try {
      await work(this.#thread());
    } catch (thrown) {
      // The words stay where they are.
      const refused = asApiError(thrown);
      this.problem = [whatHappened(refused), whatToDo(refused)].filter(Boolean).join(' ');
    } finally {
      this.busy = false;
    }
  }

  #fill = (to: string, text: string, values: Record<string, string>): Promise<FilledText> =>
    call('fill_text', { conversation_id: to, text, values });

  /** Puts a text with places in, filled for the person; what is not known is asked for. */
  putFilled = (body: string, from: number, until: number): Promise<void> =>
    this.#attempt(async (to) => {
      const filled = await this.#fill(to, body, {});
      if (to !== this.#thread()) return;
      this.field.put(filled.text, from, until);
      if (filled.missing.length > 0) this.asking = { names: filled.missing, sends: false, at: null };
    });

  /** Gives what was asked for. */
  fill = (values: Record<string, string>): Promise<void> =>
    this.#attempt(async (to) => {
      const asked = this.asking;
      const filled = await this.#fill(to, this.text, values);
      if (to !== this.#thread() || !asked) return;
      this.asking = undefined;
      await tick();
      this.field.put(filled.text, 0, this.text.length);
      if (asked.sends) await this.#post(to, filled.text, asked.at);
    });

  /** Nobody gives it now. */
  leave = (): void => {
    this.asking = undefined;
    this.field.focus();
  };

  /** Sends it, now or at a time; a note is kept in the thread. */
  send = (at: string | null = null): Promise<void> =>
    this.#attempt(async (to) => {
      const words = this.text;
      if (!this.sends) return;
      if (this.note) {
        await call('write_note', { conversation_id: to, text: words });
        sent(to, 'note', words);
        tellRest(to);
        this.note = false;
        return;
      }
      if (!words.includes('{{')) return this.#post(to, words, at);
      // What the program knows by now is filled in; for the rest the person is asked.
      const filled = await this.#fill(to, words, {});
      if (to !== this.#thread()) return;
      if (filled.text !== words) this.field.put(filled.text, 0, words.length);
      if (filled.missing.length > 0) this.asking = { names: filled.missing, sends: true, at };
      else await this.#post(to, filled.text, at);
    });

  /** Sends what was spoken; words that were begun stay. */
  sendTake = (take: Take): Promise<void> =>
    this.#attempt(async (to) => {
      await sendTake(to, take, draftOf(to).quoted_id);
      keepDraft(to, { quoted_id: null });
    });

  async #post(to: string, text: string, at: string | null): Promise<void> {
    const { quoted_id } = draftOf(to);
    if (this.attaching.sendable.length > 0 && !at) {
      const under = this.attaching.takesCaption() ? text : '';
      await this.attaching.send(to, under, quoted_id);
      if (under) sent(to, 'text', under);
      else keepDraft(to, { quoted_id: null });
      if (under || !text.trim()) return;
    }
    const written = await call('send_message', {
      conversation_id: to,
      text,
      quoted_id: draftOf(to).quoted_id,
      scheduled_for: at,
    });
    sent(to, 'text', text);
    tellRest(to);
    if (!at) return;
    toast(m.scheduled_for({ when: dayTime(at) }), {
      act: {
        label: m.undo(),
        run: () =>
          void call('change_scheduled', { message_id: written.entity_id, change: { kind: 'cancel' } }).then(
            () => keepDraft(to, { text: [text, draftOf(to).text].filter(Boolean).join(' ') }),
            toastProblem,
          ),
      },
    });
  }
}
