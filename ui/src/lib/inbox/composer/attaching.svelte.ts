import { asApiError, call, type AttachedFile, type AttachedState, type VoiceNote } from '$lib/bridge';
import { alsoForget } from '$lib/bridge/live.svelte';
import { size } from '$lib/i18n/format';
import { m } from '$paraglide/messages';
import { fromBase64, toBase64 } from '../media/bytes';
import { dropKept, Keeping } from './keeping';
import type { Take } from './recording.svelte';

/** Largest file that is read at all; the program says which are too large for their kind. */
const most = 32 * 1024 * 1024;
/** Files that are sent together. */
const mostFiles = 10;

/** A file that was put beside the answer. */
export interface Attached {
  id: string;
  name: string;
  type: string;
  size: number;
  /** What was spoken goes as a voice note. */
  voice: VoiceNote | null;
  state: AttachedState;
  /** Where the window finds it, once somebody has looked at it or listened. */
  url: string | undefined;
}

/** Files that are to be sent, by thread: who looks into another thread, or at another screen, finds them again. */
let all = $state.raw<ReadonlyMap<string, Attached[]>>(new Map());
/** Bytes that are in the window; those of the rest are in the copy. */
const contents = new Map<string, Promise<Blob>>();
/** What is on its way into the copy. */
const keepings = new Map<string, Keeping>();

const filesOf = (of: string): Attached[] => all.get(of) ?? [];

function set(of: string, files: Attached[]): void {
  const next = new Map(all);
  if (files.length > 0) next.set(of, files);
  else next.delete(of);
  all = next;
}

/** Lets go of what the window holds of a file. */
function release({ id, url }: Attached): void {
  if (url) URL.revokeObjectURL(url);
  keepings.get(id)?.stop();
  contents.delete(id);
  keepings.delete(id);
}

// Another clinic, or nobody at the screens: what is in the copy need not be in the window. What is not in the copy yet stays
// behind a lock.
alsoForget((locked) => {
  for (const [of, files] of all) {
    const [gone, stay] = [[] as Attached[], [] as Attached[]];
    for (const file of files) (locked && keepings.get(file.id)?.waits ? stay : gone).push(file);
    gone.forEach(release);
    set(of, stay);
  }
});

/** A file that is in the window, and goes into the copy. */
function fresh(file: File, voice: VoiceNote | null, keeping: Keeping): Attached {
  const { id } = keeping;
  keepings.set(id, keeping);
  contents.set(id, Promise.resolve(file));
  return { id, name: file.name, type: file.type, size: file.size, voice, state: 'whole', url: undefined };
}

/** Puts a file beside the answer of a thread. */
function put(of: string, file: Attached): void {
  set(of, [...filesOf(of).filter(({ id }) => id !== file.id), file]);
  show(of, file);
}

/** Pictures are looked at before they go. */
function show(of: string, { id, type, state }: Attached): void {
  const isPicture = /^image\/(jpeg|png|webp|gif)$/.test(type) && state !== 'gone';
  if (isPicture) void locate(of, id).catch(() => undefined);
}

async function read(id: string): Promise<Blob> {
  const { base64, mime_type } = await call('get_attached', { file_id: id });
  return fromBase64(base64, mime_type);
}

/** The bytes, asked for once. */
function bytesOf(id: string): Promise<Blob> {
  const known = contents.get(id);
  if (known) return known;
  const bytes = read(id);
  contents.set(id, bytes);
  bytes.catch(() => contents.delete(id));
  return bytes;
}

/** Where the window finds a file of a thread; nowhere once it is not there any more. */
async function locate(of: string, id: string): Promise<string | undefined> {
  const find = () => filesOf(of).find((each) => each.id === id);
  const bytes = await bytesOf(id);
  const file = find();
  if (!file || file.url) return file?.url;
  const url = URL.createObjectURL(bytes);
  set(
    of,
    filesOf(of).map((each) => (each.id === id ? { ...each, url } : each)),
  );
  return url;
}

/** Puts beside the answer what the copy has kept of it. */
export function showKept(of: string, kept: readonly AttachedFile[]): void {
  const here = filesOf(of);
  const found = kept
    .filter(({ id }) => !here.some((each) => each.id === id))
    .map(({ id, file_name, mime_type, size_bytes, voice, state }): Attached => ({
      id,
      name: file_name,
      type: mime_type,
      size: size_bytes,
      voice,
      state,
      url: undefined,
    }));
  if (found.length === 0) return;
  set(of, [...found, ...here]);
  for (const file of found) show(of, file);
}

/** Puts what was spoken beside the answer of a thread, which need not be open any more. */
export async function keepTake(of: string, { file, voice, keeping }: Take): Promise<void> {
  // What was cut off is found in the copy, as far as it came.
  await keeping.settled();
  if (!keeping.cut) put(of, fresh(file, voice, keeping));
}

/** Throws it away. The returned function puts it beside the answer again. */
export function dropTake(of: string, { file, voice, keeping }: Take): () => void {
  void keeping.drop();
  return () => put(of, fresh(file, voice, Keeping.whole(of, file, voice)));
}

async function post(to: string, file: Attached, caption: string, quoted: string | null): Promise<void> {
  const keeping = keepings.get(file.id);
  // What the copy has whole goes once: it goes out of there when it is queued.
  await keeping?.settled();
  await keeping?.rest();
  try {
    await call('send_file', {
      conversation_id: to,
      file_name: file.name,
      base64: await toBase64(await bytesOf(file.id)),
      caption,
      quoted_id: quoted,
      voice: file.voice,
      attached_id: file.id,
    });
  } catch (refused) {
    keeping?.goOn();
    throw refused;
  }
}

/** Queues what was spoken, and nothing that stands beside it. What cannot go is kept. */
export async function sendTake(to: string, take: Take, quoted: string | null): Promise<void> {
  const spoken = fresh(take.file, take.voice, take.keeping);
  try {
    await post(to, spoken, '', quoted);
    release(spoken);
  } catch (refused) {
    // Whether it was queued before the screens locked, the copy knows: it has it still where it was not.
    if (asApiError(refused).code === 'locked' && !take.keeping.waits) release(spoken);
    else put(to, spoken);
    throw refused;
  }
}

/** Files beside the answer in one thread. */
export class Attaching {
  problem = $state('');

  readonly #thread: () => string;

  constructor(thread: () => string) {
    this.#thread = thread;
  }

  files = $derived.by(() => filesOf(this.#thread()));
  /** Those that are still there to be sent. */
  sendable = $derived(this.files.filter(({ state }) => state !== 'gone'));

  /** Puts files beside the answer; those that cannot go are named. */
  add = (given: Iterable<File>): void => {
    const of = this.#thread();
    const refused: string[] = [];
    for (const file of given) {
      if (file.size === 0) refused.push(m.attach_empty({ name: file.name }));
      else if (file.size > most) refused.push(m.attach_too_large({ name: file.name, most: size(most) }));
      else if (filesOf(of).filter(({ state }) => state !== 'gone').length >= mostFiles)
        refused.push(m.attach_too_many({ count: mostFiles }));
      else put(of, fresh(file, null, Keeping.whole(of, file, null)));
    }
    this.problem = [...new Set(refused)].join(' ');
  };

  /** Takes one away. */
  remove = (id: string): void => {
    const keeping = keepings.get(id);
    void (keeping ? keeping.drop() : dropKept(id));
    this.#leave(this.#thread(), id);
  };

  /** Where one can be listened to. */
  locate = (id: string): Promise<string | undefined> => locate(this.#thread(), id);

  #leave(of: string, id: string): void {
    const files = filesOf(of);
    files.filter((each) => each.id === id).forEach(release);
    this.problem = '';
    set(
      of,
      files.filter((each) => each.id !== id),
    );
  }

  /** Whether the words can stand under the first file. */
  takesCaption = (): boolean => {
    const [first] = this.sendable;
    return first !== undefined && !first.type.startsWith('audio/');
  };

  /** Queues every file, the words under the first one. What was queued is gone from here, also when the next one is refused. */
  async send(to: string, caption: string, quoted: string | null): Promise<void> {
    let first = true;
    for (const file of filesOf(to).filter(({ state }) => state !== 'gone')) {
      await post(to, file, first ? caption : '', first ? quoted : null);
      this.#leave(to, file.id);
      first = false;
    }
  }
}
