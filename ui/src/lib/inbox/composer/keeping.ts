import { asApiError, call, type VoiceNote } from '$lib/bridge';
import { toBase64 } from '../media/bytes';

/** Bytes of one piece. */
const most = 4 * 1024 * 1024;
/** Before what could not be kept is tried again, in milliseconds. */
const patience = 5000;
/** Refusals that no patience helps against. */
const final = ['not_found', 'file_too_large', 'bad_payload'];

interface Piece {
  number: number;
  bytes: Blob;
  whole: boolean;
  voice: VoiceNote | null;
}

/** A file on its way into the encrypted copy, piece by piece: what is there outlives the window. */
export class Keeping {
  readonly id = crypto.randomUUID();
  /** No more of it is taken: what the copy has is all that will be there. */
  cut = false;
  /** The copy does not take it: only the window has it. */
  refused = false;

  readonly #of: string;
  readonly #name: string;
  readonly #type: string;
  #pieces: Piece[] = [];
  #next = 0;
  #going: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #resting = false;

  /** Of what is still being made: its pieces are added as they come. */
  constructor(of: string, name: string, type: string) {
    this.#of = of;
    this.#name = name;
    this.#type = type;
  }

  /** Of a file that is there. */
  static whole(of: string, file: File, voice: VoiceNote | null): Keeping {
    const keeping = new Keeping(of, file.name, file.type);
    for (let at = 0; at < file.size; at += most)
      keeping.add(file.slice(at, at + most), { whole: at + most >= file.size, voice });
    return keeping;
  }

  /** Whether some of it is not safe yet. */
  get waits(): boolean {
    return this.refused || this.#pieces.length > 0;
  }

  /** Adds what follows. */
  add(bytes: Blob, { whole, voice }: { whole: boolean; voice: VoiceNote | null }): void {
    if (this.cut || this.refused) return;
    this.#pieces.push({ number: this.#next++, bytes, whole, voice });
    this.goOn();
  }

  goOn(): void {
    this.#resting = false;
    if (this.#pieces.length > 0) this.#going ??= this.#go();
  }

  /** Waits until all of it is safe, or until that has to be tried again later. */
  async settled(): Promise<void> {
    await this.#going;
  }

  /** Keeps nothing more for now, and waits until no piece is on its way. */
  async rest(): Promise<void> {
    this.#resting = true;
    clearTimeout(this.#timer);
    await this.#going;
  }

  /** Nobody goes on with it. */
  stop(): void {
    this.cut = true;
    this.#resting = true;
    this.#pieces = [];
    clearTimeout(this.#timer);
  }

  /** Nobody wants it any more. */
  async drop(): Promise<void> {
    await this.rest();
    this.stop();
    await dropKept(this.id);
  }

  async #go(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      for (let piece = this.#pieces[0]; piece && !this.#resting; piece = this.#pieces[0]) {
        await this.#keep(piece);
        this.#pieces.shift();
      }
    } catch (thrown) {
      const { code } = asApiError(thrown);
      // Who locks the screens does not speak on.
      this.cut ||= code === 'locked' && this.#pieces[0]?.voice != null;
      this.refused ||= final.includes(code);
      if (this.cut || this.refused) this.#pieces = [];
      else if (!this.#resting) this.#timer = setTimeout(() => this.goOn(), patience);
    } finally {
      this.#going = undefined;
    }
  }

  async #keep({ number, bytes, whole, voice }: Piece): Promise<void> {
    await call('keep_attached', {
      conversation_id: this.#of,
      file_id: this.id,
      file_name: this.#name,
      mime_type: this.#type,
      number,
      base64: await toBase64(bytes),
      whole,
      voice,
    });
  }
}

/** Takes a file out of the copy that nobody is going to send. */
export async function dropKept(id: string): Promise<void> {
  // What is in the way of that is in the way of everything: the file is there again, and can be dropped again.
  await call('drop_attached', { file_id: id }).catch(() => undefined);
}
