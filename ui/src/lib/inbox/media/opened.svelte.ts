import { asApiError, call, type ApiError } from '$lib/bridge';
import { alsoForget } from '$lib/bridge/live.svelte';

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
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return { url: URL.createObjectURL(new Blob([bytes], { type: mime_type })), type: mime_type };
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

/** The file of one message, as a face shows it. */
export class Shown {
  file = $state.raw<OpenedFile>();
  problem = $state.raw<ApiError>();
  busy = $state(false);

  readonly #message: () => string;

  constructor(message: () => string) {
    this.#message = message;
  }

  open = async (): Promise<OpenedFile | undefined> => {
    const of = this.#message();
    this.busy = true;
    this.problem = undefined;
    try {
      const file = await openFile(of);
      if (of === this.#message()) this.file = file;
      return file;
    } catch (thrown) {
      if (of === this.#message()) this.problem = asApiError(thrown);
      return undefined;
    } finally {
      this.busy = false;
    }
  };
}
