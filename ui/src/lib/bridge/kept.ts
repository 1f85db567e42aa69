/**
 * The new answer with every part that says the same as before taken from the old one, so that the page makes again only what
 * has changed. Rows are found by their `id`, wherever they stand now. Answers are JSON.
 */
export function kept<T>(before: unknown, now: T): T {
  if (Object.is(before, now) || typeof now !== 'object' || now === null) return now;
  if (typeof before !== 'object' || before === null) return now;
  if (Array.isArray(now)) return Array.isArray(before) ? (keptList(before, now) as T) : now;
  if (Array.isArray(before)) return now;
  const [old, next] = [before as Record<string, unknown>, now as Record<string, unknown>];
  const names = Object.keys(next);
  let same = names.length === Object.keys(old).length;
  for (const name of names) {
    next[name] = kept(old[name], next[name]);
    same &&= name in old && Object.is(old[name], next[name]);
  }
  return same ? (before as T) : now;
}

function keptList(before: unknown[], now: unknown[]): unknown[] {
  const known = new Map<unknown, unknown>();
  for (const row of before) {
    const id = idOf(row);
    if (id !== undefined) known.set(id, row);
  }
  let same = before.length === now.length;
  for (let at = 0; at < now.length; at++) {
    const id = idOf(now[at]);
    now[at] = kept(id === undefined ? before[at] : known.get(id), now[at]);
    same &&= Object.is(before[at], now[at]);
  }
  return same ? before : now;
}

function idOf(row: unknown): unknown {
  return typeof row === 'object' && row !== null && 'id' in row ? row.id : undefined;
}
