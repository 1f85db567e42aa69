import { call } from '$lib/bridge';
import { size } from '$lib/i18n/format';
import { m } from '$paraglide/messages';

/** Largest file that is read at all; the program says which are too large for their kind. */
const most = 32 * 1024 * 1024;
/** Files that are sent together. */
const mostFiles = 10;

/** A file that was put beside the answer. */
export interface Attached {
  key: number;
  file: File;
  /** Of a picture, to be looked at before it goes. */
  url: string | undefined;
}

let next = 1;

async function base64(file: File): Promise<string> {
  const url = await new Promise<string>((done, fail) => {
    const reader = new FileReader();
    reader.onload = () => done(String(reader.result));
    reader.onerror = () => fail(reader.error ?? new Error('the file cannot be read'));
    reader.readAsDataURL(file);
  });
  return url.slice(url.indexOf(',') + 1);
}

const isSound = ({ type }: File): boolean => type.startsWith('audio/');

/** Files that are to be sent, by thread: who looks into another thread finds them again. */
export class Attaching {
  #all = $state.raw<ReadonlyMap<string, Attached[]>>(new Map());
  problem = $state('');

  readonly #thread: () => string;

  constructor(thread: () => string) {
    this.#thread = thread;
  }

  files = $derived.by(() => this.#all.get(this.#thread()) ?? []);

  #set(of: string, files: Attached[]): void {
    const all = new Map(this.#all);
    if (files.length > 0) all.set(of, files);
    else all.delete(of);
    this.#all = all;
  }

  /** Puts files beside the answer; those that cannot go are named. */
  add = (given: Iterable<File>): void => {
    const of = this.#thread();
    const files = [...(this.#all.get(of) ?? [])];
    const refused: string[] = [];
    for (const file of given) {
      if (file.size === 0) refused.push(m.attach_empty({ name: file.name }));
      else if (file.size > most) refused.push(m.attach_too_large({ name: file.name, most: size(most) }));
      else if (files.length >= mostFiles) refused.push(m.attach_too_many({ count: mostFiles }));
      else {
        const url = /^image\/(jpeg|png|webp|gif)$/.test(file.type) ? URL.createObjectURL(file) : undefined;
        files.push({ key: next++, file, url });
      }
    }
    this.problem = [...new Set(refused)].join(' ');
    this.#set(of, files);
  };

  /** Takes one away. */
  remove = (key: number): void => this.#drop(this.#thread(), key);

  #drop(of: string, key: number): void {
    const files = this.#all.get(of) ?? [];
    const gone = files.find((each) => each.key === key);
    if (gone?.url) URL.revokeObjectURL(gone.url);
    this.problem = '';
    this.#set(
      of,
      files.filter((each) => each.key !== key),
    );
  }

  /** Whether the words can stand under the first file. */
  takesCaption = (): boolean => {
    const [first] = this.files;
    return first !== undefined && !isSound(first.file);
  };

  /** Queues every file, the words under the first one. What was queued is gone from here, also when the next one is refused. */
  async send(to: string, caption: string, quoted: string | null): Promise<void> {
    let first = true;
    for (const { key, file } of this.#all.get(to) ?? []) {
      await call('send_file', {
        conversation_id: to,
        file_name: file.name,
        base64: await base64(file),
        caption: first ? caption : '',
        quoted_id: first ? quoted : null,
      });
      this.#drop(to, key);
      first = false;
    }
  }
}
