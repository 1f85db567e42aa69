import { nothing } from './attachment.ts';
import type { ApiError, Attachment, Commands, MessageRow } from '../../src/lib/bridge/bindings';

type Answers = Pick<
  { [K in keyof Commands]: (payload: Commands[K]['request']) => Commands[K]['response'] },
  'get_media' | 'save_media' | 'fetch_media' | 'list_uploads' | 'send_file'
>;

/** A small JPEG, as messages bring one along. */
export const thumbnail =
  '/9j/4AAQSkZJRgABAQAAAQABAAD/4gHYSUNDX1BST0ZJTEUAAQEAAAHIAAAAAAQwAABtbnRyUkdCIFhZWiAH4AABAAEAAAAAAABhY3NwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQAA9tYAAQAAAADTLQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAlkZXNjAAAA8AAAACRyWFlaAAABFAAAABRnWFlaAAABKAAAABRiWFlaAAABPAAAABR3dHB0AAABUAAAABRyVFJDAAABZAAAAChnVFJDAAABZAAAAChiVFJDAAABZAAAAChjcHJ0AAABjAAAADxtbHVjAAAAAAAAAAEAAAAMZW5VUwAAAAgAAAAcAHMAUgBHAEJYWVogAAAAAAAAb6IAADj1AAADkFhZWiAAAAAAAABimQAAt4UAABjaWFlaIAAAAAAAACSgAAAPhAAAts9YWVogAAAAAAAA9tYAAQAAAADTLXBhcmEAAAAAAAQAAAACZmYAAPKnAAANWQAAE9AAAApbAAAAAAAAAABtbHVjAAAAAAAAAAEAAAAMZW5VUwAAACAAAAAcAEcAbwBvAGcAbABlACAASQBuAGMALgAgADIAMAAxADb/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7gYKBTmCNl4x9lnN+gXz/2wBDARUXFx4aHjshITt8U0ZTfHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHz/wAARCAAQABgDASIAAhEBAxEB/8QAGAAAAwEBAAAAAAAAAAAAAAAAAAIEAQP/xAAWEAEBAQAAAAAAAAAAAAAAAAACAAP/xAAWAQEBAQAAAAAAAAAAAAAAAAAEAAP/xAAXEQADAQAAAAAAAAAAAAAAAAAAAQIh/9oADAMBAAIRAxEAPwDczU5mQGoBqmGiRwYu2ZixbFqcP//Z';

const wide =
  'iVBORw0KGgoAAAANSUhEUgAAAAwAAAAICAIAAABChommAAAAr0lEQVR42g3KoZVFIQxAwS3nV0AFVEAFVBB9BSqSE52DjEJEpwIq2zd6/n5CE7owhCmIsIQtHOEKJTzh7wcNOgyYILBgw4ELBY8vKU3pylCmIspStnKUq5Ty9EtGM7oxjGmIsYxtHOMaZTz7ktOc7gxnOuIsZzvHuU45z78UtKAHI5iBBCvYwQluUMGLLyUt6clIZiLJSnZykptU8vJLRSt6MYpZSLGKXZziFlW84h9BiY9BRyRTKQAAAABJRU5ErkJggg==';
const tall =
  'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAMCAIAAADQ/GvKAAAA40lEQVR42gXBoQ5AERQAUF8nvSRJkgmCSSaYmWA3mWSSSSaZJPq2dw56Fr+AH+BX8Gv4DfwWfgeja78bvgvfLd9t3x3fXd89H9qW7EA2kF3IbmQPshfZh6Bp6Qx0Ap2FzkbnoHPReSjqlvXAOrBeWG+sD9YX64ehankNvAKvhdfG6+B18Xo4ylbmIDPIXGRuMg+Zl8xHomR1CjqBTkWnptPQael0NPLW+GA8GF+Mb8YP45fxxyBjnQnOgDPFmebMcGY5cxxSNqoQFURVompRjahWVCciYUEEEACigGggBogF4sAPAeSU4c0MekEAAAAASUVORK5CYII=';
const star =
  'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAH0lEQVR42mP4jwMwQKgPWzTgCCGBLAqXo7IETsuxAgDtvZkhDwqO5wAAAABJRU5ErkJggg==';

/** Two seconds of a tone, as a file. */
function tone(): string {
  const rate = 8000;
  const samples = rate * 2;
  const bytes = new Uint8Array(44 + samples);
  const view = new DataView(bytes.buffer);
  const word = (at: number, text: string) =>
    [...text].forEach((letter, by) => (bytes[at + by] = letter.charCodeAt(0)));
  word(0, 'RIFF');
  view.setUint32(4, 36 + samples, true);
  word(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate, true);
  view.setUint16(32, 1, true);
  view.setUint16(34, 8, true);
  word(36, 'data');
  view.setUint32(40, samples, true);
  for (let at = 0; at < samples; at++) bytes[44 + at] = 128 + 80 * Math.sin((at * 440 * 2 * Math.PI) / rate);
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

type Put = (from: number, change: Partial<MessageRow>) => void;

/** Files of one thread, and what became of each. */
export function putFiles(put: Put): void {
  const of = (kind: string, attachment: Partial<Attachment>, body = ''): Partial<MessageRow> => ({
    kind,
    body,
    direction: 'inbound',
    sender_kind: 'contact',
    sender_name: null,
    status: 'received',
    quoted: null,
    attachment: { ...nothing, ...attachment },
  });
  const stored = { file: 'stored' };
  put(
    12,
    of(
      'document',
      {
        file: 'removed',
        mime_type: 'application/pdf',
        file_name: 'pedido-2024.pdf',
        size_bytes: 310_000,
        removed_at: '2026-11-02T06:10:00Z',
        kept_months: 24,
      },
      'o pedido',
    ),
  );
  put(11, of('image', { file: 'too_large', mime_type: 'image/jpeg', size_bytes: 48_200_000 }));
  put(10, of('audio', { file: 'expired', mime_type: 'audio/ogg', seconds: 22, voice: true }));
  put(9, of('image', { file: 'pending', mime_type: 'image/jpeg', size_bytes: 284_000, thumbnail }));
  put(8, of('sticker', { ...stored, mime_type: 'image/png', size_bytes: 88 }));
  put(7, of('video', { ...stored, mime_type: 'video/mp4', size_bytes: 2_400_000, seconds: 14, thumbnail }));
  put(
    6,
    of(
      'document',
      { ...stored, mime_type: 'application/pdf', file_name: 'hemograma-novembro.pdf', size_bytes: 1_240_000 },
      'o resultado',
    ),
  );
  const waveform = Array.from({ length: 64 }, (_, at) => Math.round(20 + 80 * Math.abs(Math.sin(at / 5))));
  put(
    5,
    of('audio', { ...stored, mime_type: 'audio/wav', seconds: 2, size_bytes: 16_044, voice: true, waveform }),
  );
  put(
    4,
    of(
      'image',
      { ...stored, mime_type: 'image/png', size_bytes: 300, width: 1200, height: 800, thumbnail },
      'a receita',
    ),
  );
  put(3, of('image', { ...stored, mime_type: 'image/png', size_bytes: 320, width: 800, height: 1200 }));
}

/** Files of the invented clinic. */
export class FakeMedia {
  /** Messages whose files are asked for as if there were no line. */
  readonly elsewhere = new Set<string>();
  /** Files that were sent, by message: type and bytes in base64. */
  readonly sent = new Map<
    string,
    { mime_type: string; base64: string; file_name: string; caption: string }
  >();
  readonly saved: string[] = [];
  readonly #messages: () => Map<string, MessageRow[]>;
  readonly #tell: (conversation: string) => void;
  readonly #send: (row: Partial<MessageRow>, conversation: string, quoted: string | null) => string;
  readonly #refuse: (code: string) => ApiError;
  readonly #sent: (attached: string) => void;

  constructor(
    messages: () => Map<string, MessageRow[]>,
    tell: (conversation: string) => void,
    send: (row: Partial<MessageRow>, conversation: string, quoted: string | null) => string,
    refuse: (code: string) => ApiError,
    sent: (attached: string) => void,
  ) {
    this.#messages = messages;
    this.#tell = tell;
    this.#send = send;
    this.#refuse = refuse;
    this.#sent = sent;
  }

  #find(id: string): { message: MessageRow; conversation: string } {
    for (const [conversation, all] of this.#messages()) {
      const message = all.find((each) => each.id === id);
      if (message) return { message, conversation };
    }
    throw this.#refuse('not_found');
  }

  readonly answers: Answers = {
    get_media: ({ message_id }) => {
      const { message } = this.#find(message_id);
      const sent = this.sent.get(message_id);
      if (sent) return { mime_type: sent.mime_type, base64: sent.base64, size_bytes: sent.base64.length };
      if (this.elsewhere.has(message_id)) throw this.#refuse('media_offline');
      const mime_type = message.attachment?.mime_type ?? '';
      const pictures = message.kind === 'sticker' ? star : message.body ? wide : tall;
      const base64 =
        mime_type === 'image/png'
          ? pictures
          : mime_type === 'audio/wav'
            ? tone()
            : mime_type === 'video/mp4'
              ? ''
              : null;
      return { mime_type, base64, size_bytes: message.attachment?.size_bytes ?? 0 };
    },
    save_media: ({ message_id }) => {
      const { message } = this.#find(message_id);
      this.saved.push(message_id);
      return { path: `/home/recepcao/Downloads/${message.attachment?.file_name ?? 'foto-2026-11-20.png'}` };
    },
    fetch_media: ({ message_id }) => {
      const { message, conversation } = this.#find(message_id);
      if (message.attachment) message.attachment = { ...message.attachment, file: 'pending' };
      this.#tell(conversation);
      return { wanted: true };
    },
    list_uploads: () => ({ rows: [] }),
    send_file: ({ conversation_id, file_name, base64, caption, quoted_id, voice, attached_id }) => {
      const size_bytes = Math.floor((base64.length * 3) / 4);
      if (size_bytes === 0) throw this.#refuse('file_empty');
      const mime_type = base64.startsWith('iVBOR')
        ? 'image/png'
        : base64.startsWith('JVBERi')
          ? 'application/pdf'
          : 'application/octet-stream';
      const kind = voice ? 'audio' : mime_type === 'image/png' ? 'image' : 'document';
      if (size_bytes > (kind === 'image' ? 16 : 32) * 1024 * 1024) throw this.#refuse('file_too_large');
      const spoken = voice && {
        voice: true,
        seconds: voice.seconds,
        waveform: voice.waveform,
        mime_type: 'audio/ogg',
      };
      const attachment = { ...nothing, file: 'uploading', mime_type, file_name, size_bytes, ...spoken };
      if (attached_id) this.#sent(attached_id);
      const id = this.#send({ kind, body: caption, attachment }, conversation_id, quoted_id);
      // The program puts it into Ogg; here it stays what the window recorded.
      this.sent.set(id, { mime_type: voice ? 'audio/webm' : mime_type, base64, file_name, caption });
      return { operation_id: `op-${id}`, entity_id: id };
    },
  };
}
