/** Things to do once in the next frame, however often they were asked for. */
const due = new Set<() => void>();
let waiting = false;

/** Runs `task` in the next frame; asking twice before it runs it once. */
export function inNextFrame(task: () => void): void {
  due.add(task);
  if (waiting) return;
  waiting = true;
  const run = () => {
    waiting = false;
    const tasks = [...due];
    due.clear();
    for (const each of tasks) each();
  };
  // A hidden window gets no frames, but must not fall behind for ever.
  if (document.visibilityState === 'hidden') setTimeout(run, 250);
  else requestAnimationFrame(run);
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
