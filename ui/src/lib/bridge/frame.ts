/** What has been done since the last frame, and what was asked for again and waits for the next one. */
const done = new Set<() => void>();
const due = new Set<() => void>();
let waiting = false;

/** Runs `task` at once, and again in the next frame if it was asked for again: at most once in a frame. */
export function oncePerFrame(task: () => void): void {
  if (done.has(task)) due.add(task);
  else {
    done.add(task);
    task();
  }
  if (waiting) return;
  waiting = true;
  const next = () => {
    waiting = false;
    const tasks = [...due];
    due.clear();
    done.clear();
    for (const each of tasks) oncePerFrame(each);
  };
  // A hidden window gets no frames, but must not fall behind for ever.
  if (document.visibilityState === 'hidden') setTimeout(next, 250);
  else requestAnimationFrame(next);
}

/** A moment in which what changed before somebody's eyes is asked for and painted, in milliseconds. */
const moment = 150;

const later = new Set<() => void>();

/** Runs `task` in a moment, once however often it is asked for until then. */
export function inAMoment(task: () => void): void {
  if (later.size === 0)
    setTimeout(() => {
      const tasks = [...later];
      later.clear();
      for (const each of tasks) oncePerFrame(each);
    }, moment);
  later.add(task);
}

const counts = new Map<string, number>();

/** Notes when what was just put on the page has been painted; the benches read these marks. */
export function markPainted(name: string): void {
  requestAnimationFrame(() =>
    requestAnimationFrame(() => {
      const count = (counts.get(name) ?? 0) + 1;
      counts.set(name, count);
      // Marks live as long as the page: a day's worth of them would only cost memory.
      if (count % 1000 === 0) performance.clearMarks(name);
      performance.mark(name);
    }),
  );
}
