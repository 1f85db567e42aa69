import { call } from '$lib/bridge';

/** How often it is asked how far files are on their way. */
const every = 500;

/** How far each is, from 0 to 1, by message. */
let shares = $state.raw<ReadonlyMap<string, number>>(new Map());
let watchers = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

async function look(): Promise<void> {
  try {
    const { rows } = await call('list_uploads', {});
    shares = new Map(rows.map((row) => [row.message_id, row.done_bytes / Math.max(1, row.total_bytes)]));
  } catch {
    // Whoever asks again finds out.
  }
  if (watchers > 0) timer = setTimeout(() => void look(), every);
}

/** Looks at files on their way until the returned function is called. */
export function watchUploads(): () => void {
  if (++watchers === 1) void look();
  return () => {
    if (--watchers === 0) clearTimeout(timer);
  };
}

/** How far the file of a message is; absent where it has not set out. */
export const shareOf = (message: string): number | undefined => shares.get(message);
