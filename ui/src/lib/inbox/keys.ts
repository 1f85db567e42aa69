import type { Keys } from '$lib/shell/keys';

/** What can be done with threads. */
interface Acting {
  handOver: () => unknown;
  choose: (menu: 'assign' | 'snooze' | 'priority' | 'label') => void;
  file: () => unknown;
  markUnread: () => unknown;
  dial: () => void;
  copyPhone: () => unknown;
  block: () => unknown;
}

/** What can be done in the thread that is open. */
interface Reading {
  showUnread: () => boolean;
  quote: () => void;
  writeNote: () => void;
  record: () => void;
  book: () => void;
}

/** What single letters do: with the threads that are picked or else the one that is open, and in the one that is open. */
export function threadKeys(acting: () => Acting | undefined, reading: () => Reading | undefined): Keys {
  const doing = (deed: (actions: Acting) => unknown) => () => {
    const actions = acting();
    if (!actions) return false;
    deed(actions);
    return true;
  };
  const writing = (deed: (thread: Reading) => void) => () => {
    const thread = reading();
    if (!thread) return false;
    deed(thread);
    return true;
  };
  return {
    t: doing((actions) => actions.handOver()),
    a: doing((actions) => actions.choose('assign')),
    s: doing((actions) => actions.choose('snooze')),
    p: doing((actions) => actions.choose('priority')),
    g: doing((actions) => actions.choose('label')),
    e: doing((actions) => actions.file()),
    u: doing((actions) => actions.markUnread()),
    c: doing((actions) => actions.dial()),
    y: doing((actions) => actions.copyPhone()),
    '!': doing((actions) => actions.block()),
    o: () => reading()?.showUnread() ?? false,
    r: writing((thread) => thread.quote()),
    n: writing((thread) => thread.writeNote()),
    m: writing((thread) => thread.record()),
    b: writing((thread) => thread.book()),
  };
}
