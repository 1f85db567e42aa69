import { asApiError, call, type ApiError } from '$lib/bridge';
import { alsoForget } from '$lib/bridge/live.svelte';
import { fromBase64 } from './bytes';

/** A file that a screen can show, under an address of this page. */
export interface OpenedFile {
  /** Absent for what can only be saved. */
  url: string | undefined;
  type: string;
}

/** Files whose bytes stay at hand; the one that was opened first goes first. */
const most = 60;
const opened = new Map<string, Promise<OpenedFile>>();

async function read(message: string): Promise<OpenedFile> {
  const { base64, mime_type } = await call('get_media', { message_id: message });
  if (base64 === null) return { url: undefined, type: mime_type };
  return { url: URL.createObjectURL(fromBase64(base64, mime_type)), type: mime_type };
}

function drop(message: string): void {
  const file = opened.get(message);
  opened.delete(message);
  void file?.then(
    ({ url }) => url && URL.revokeObjectURL(url),
    () => undefined,
  );
}

/** The file of a message; asked for once. */
export function openFile(message: string): Promise<OpenedFile> {
  const known = opened.get(message);
  if (known) return known;
  const file = read(message);
  opened.set(message, file);
  // What could not be read is asked for again.
  file.catch(() => opened.delete(message));
  for (const first of opened.keys()) {
    if (opened.size <= most) break;
    drop(first);
  }
  return file;
}

alsoForget(() => [...opened.keys()].forEach(drop));

/** Until a person is told that a file is still being fetched. */
const patience = 1_500;

/** The file of one message, as a face shows it. */
export class Shown {
  file = $state.raw<OpenedFile>();
  problem = $state.raw<ApiError>();
  busy = $state(false);
  /** It takes so long that something is said. */
  late = $state(false);

  readonly #message: () => string;

  constructor(message: () => string) {
    this.#message = message;
  }

  open = async (): Promise<OpenedFile | undefined> => {
    const of = this.#message();
    this.busy = true;
    const waiting = setTimeout(() => (this.late = of === this.#message()), patience);
    this.problem = undefined;
    try {
      const file = await openFile(of);
      if (of === this.#message()) this.file = file;
      return file;
    } catch (thrown) {
      if (of === this.#message()) this.problem = asApiError(thrown);
      return undefined;
    } finally {
      clearTimeout(waiting);
      this.busy = false;
      this.late = false;
    }
  };
}
