import { call, type ActedOnThreads, type ConversationRow, type ThreadAction } from '$lib/bridge';
import { dayTime } from '$lib/i18n/format';
import { priorityName } from '$lib/i18n/words';
import { toast, toastProblem } from '$lib/shell/toasts.svelte';
import { m } from '$paraglide/messages';

/** How many threads one question takes, so that a long work can say how far it is. */
const piece = 100;

/** A work on many threads that is going on. */
export interface Progress {
  done: number;
  total: number;
}

let progress = $state.raw<Progress>();

export const acts = {
  /** How far the work is; absent when there is none, or it is too small to be told. */
  get progress(): Progress | undefined {
    return progress;
  },
};

/** Whose threads they are, said in a word: a name, or how many. */
export const subject = (rows: Pick<ConversationRow, 'name'>[], count: number): string =>
  count === 1 && rows[0] ? rows[0].name : m.acted_threads({ count });

/** What is said when it is done. `member` is the name of whom threads are given to. */
export function said(action: ThreadAction, who: string, member?: string): string {
  switch (action.kind) {
    case 'hand_over':
      return action.to === 'bot' ? m.acted_to_bot({ who }) : m.acted_taken({ who });
    case 'assign':
      return member ? m.acted_assigned({ who, member }) : m.acted_unassigned({ who });
    case 'prioritise':
      return m.acted_priority({ who, priority: priorityName(action.priority) });
    case 'add_label':
      return m.acted_labelled({ who, label: action.label });
    case 'remove_label':
      return m.acted_unlabelled({ who, label: action.label });
    case 'snooze':
      return m.acted_snoozed({ who, when: dayTime(action.until) });
    case 'close':
      return m.acted_closed({ who });
    case 'reopen':
      return m.acted_reopened({ who });
    case 'mark_unread':
      return m.acted_unread({ who });
    case 'block':
      return m.acted_blocked({ who });
    case 'unblock':
      return m.acted_unblocked({ who });
  }
}

/** Does one thing with some threads and offers to take it back. Resolves to whether it was done. */
export async function act(
  ids: string[],
  action: ThreadAction,
  who: string,
  member?: string,
): Promise<boolean> {
  let undo: string | null = null;
  let changed = 0;
  try {
    for (let at = 0; at < ids.length; at += piece) {
      if (ids.length > piece) progress = { done: at, total: ids.length };
      const done: ActedOnThreads = await call('act_on_threads', {
        conversation_ids: ids.slice(at, at + piece),
        action,
        undo,
      });
      undo = done.undo;
      changed += done.changed;
    }
  } catch (thrown) {
    toastProblem(thrown);
    // What was done before it broke can be taken back.
    if (!undo) return false;
  } finally {
    progress = undefined;
  }
  if (!undo || changed === 0) {
    toast(m.acted_nothing());
    return true;
  }
  const token = undo;
  toast(said(action, ids.length > 1 ? m.acted_threads({ count: changed }) : who, member), {
    act: { label: m.undo(), run: () => void takeBack(token) },
  });
  return true;
}

async function takeBack(undo: string): Promise<void> {
  try {
    await call('undo_threads', { undo });
  } catch (thrown) {
    toastProblem(thrown);
  }
}
