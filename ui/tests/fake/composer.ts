import type {
  ApiError,
  Commands,
  ConversationRow,
  Draft,
  MessageRow,
  QuickReply,
} from '../../src/lib/bridge/bindings';
import { members } from './threads.ts';

type Answers = Pick<
  { [K in keyof Commands]: (payload: Commands[K]['request']) => Commands[K]['response'] },
  | 'get_draft'
  | 'keep_draft'
  | 'keep_attached'
  | 'get_attached'
  | 'drop_attached'
  | 'list_quick_replies'
  | 'save_quick_reply'
  | 'remove_quick_reply'
  | 'fill_text'
  | 'write_note'
  | 'see_mentions'
  | 'change_scheduled'
>;

const reply = (shortcut: string, title: string, body: string): QuickReply => ({
  id: `reply-${shortcut}`,
  shortcut,
  title,
  body,
  state: 'confirmed',
});

/** What is written in the invented clinic. */
export class FakeComposer {
  readonly drafts = new Map<string, Omit<Draft, 'files'>>();
  /** Files beside them, as they came: in pieces. */
  readonly attached = new Map<string, Omit<Commands['keep_attached']['request'], 'number' | 'base64'>>();
  readonly pieces = new Map<string, string[]>();
  /** What waits for its time, by thread, and what was called off. */
  readonly scheduled = new Map<string, MessageRow[]>();
  readonly #off = new Map<string, MessageRow>();
  replies: QuickReply[] = [
    reply(
      'convenios',
      'Convênios',
      'Atendemos Vida Plena, Saúde Integral e Bem Cuidar. Para os outros planos damos o recibo para reembolso.',
    ),
    reply('endereco', 'Endereço', 'Rua das Acácias, 412, Boa Vista. Em frente à farmácia.'),
    reply('ola', 'Saudação', 'Olá, {{primeiro_nome}}. Aqui é {{atendente}}, da {{clinica}}.'),
    reply('orcamento', 'Orçamento', '{{primeiro_nome}}, ficou em {{valor}}, em até {{parcelas}} vezes.'),
    reply('preparo', 'Preparo para exame', 'Jejum de 8 horas, água pode.'),
  ];

  readonly #rows: () => ConversationRow[];
  readonly #mayChange: () => boolean;
  readonly #messages: () => Map<string, MessageRow[]>;
  readonly #queue: (kind: string, subject: string, conversations: string[], done: () => void) => void;
  readonly #refuse: (code: string) => ApiError;

  constructor(
    rows: () => ConversationRow[],
    mayChange: () => boolean,
    messages: () => Map<string, MessageRow[]>,
    queue: (kind: string, subject: string, conversations: string[], done: () => void) => void,
    refuse: (code: string) => ApiError,
  ) {
    this.#rows = rows;
    this.#mayChange = mayChange;
    this.#messages = messages;
    this.#queue = queue;
    this.#refuse = refuse;
  }

  /** What came of a file. */
  #bytes(file: string): string {
    return (this.pieces.get(file) ?? []).map(atob).join('');
  }

  /** A file was sent, or nobody wants it any more. */
  drop(file: string): void {
    this.attached.delete(file);
    this.pieces.delete(file);
  }

  /** Puts a message aside until its time. */
  schedule(conversation: string, message: MessageRow): void {
    const all = [...(this.scheduled.get(conversation) ?? []), message];
    all.sort((one, other) => (one.scheduled_for ?? '').localeCompare(other.scheduled_for ?? ''));
    this.scheduled.set(conversation, all);
  }

  readonly answers: Answers = {
    get_draft: ({ conversation_id }) => ({
      ...(this.drafts.get(conversation_id) ?? { text: '', note: '', quoted_id: null }),
      files: [...this.attached.values()]
        .filter((file) => file.conversation_id === conversation_id)
        .map(({ file_id, file_name, mime_type, whole, voice }) => ({
          id: file_id,
          file_name,
          mime_type,
          size_bytes: this.#bytes(file_id).length,
          voice,
          state: whole ? 'whole' : voice ? 'interrupted' : 'gone',
        })),
    }),
    keep_attached: ({ number, base64, ...file }) => {
      const pieces = number === 0 ? [] : this.pieces.get(file.file_id);
      if (!pieces) throw this.#refuse('not_found');
      pieces[number] = base64;
      this.pieces.set(file.file_id, pieces);
      this.attached.set(file.file_id, file);
      return {};
    },
    get_attached: ({ file_id }) => {
      const file = this.attached.get(file_id);
      if (!file) throw this.#refuse('not_found');
      return { mime_type: file.mime_type, base64: btoa(this.#bytes(file_id)) };
    },
    drop_attached: ({ file_id }) => {
      this.drop(file_id);
      return {};
    },
    keep_draft: ({ conversation_id, text, note, quoted_id }) => {
      if (text || note || quoted_id) this.drafts.set(conversation_id, { text, note, quoted_id });
      else this.drafts.delete(conversation_id);
      return {};
    },
    write_note: ({ conversation_id, text }) => {
      const thread = this.#messages().get(conversation_id);
      const like = thread?.at(-1);
      if (!thread || !like) throw this.#refuse('not_found');
      const note: MessageRow = {
        ...like,
        id: `note-${thread.length}-${conversation_id}`,
        direction: 'internal',
        sender_kind: 'member',
        sender_name: 'Júlia Andrade',
        kind: 'text',
        body: text.trim(),
        status: 'received',
        sent_at: new Date().toISOString(),
        quoted: null,
        is_quotable: false,
        attachment: null,
        reactions: [],
        mentions: members.filter(({ name }) => text.includes(`@${name}`)),
        state: 'pending',
      };
      this.#messages().set(conversation_id, [...thread, note]);
      this.#queue('write_note', '', [conversation_id], () => (note.state = 'confirmed'));
      return { operation_id: `op-${note.id}`, entity_id: note.id };
    },
    see_mentions: ({ conversation_id }) => {
      const row = this.#rows().find((each) => each.id === conversation_id);
      if (row) row.is_mentioned = false;
      this.#queue('see_mention', row?.name ?? '', [conversation_id], () => undefined);
      return {};
    },
    change_scheduled: ({ message_id, change }) => {
      const waiting = [...this.scheduled].find(([, all]) => all.some(({ id }) => id === message_id));
      const message = waiting?.[1].find(({ id }) => id === message_id) ?? this.#off.get(message_id);
      const conversation = waiting?.[0] ?? message_id.split('-').slice(2).join('-');
      if (!message) throw this.#refuse('already_sent');
      const take = () =>
        this.scheduled.set(
          conversation,
          (this.scheduled.get(conversation) ?? []).filter((each) => each !== message),
        );
      if (change.kind === 'reschedule') message.scheduled_for = change.at;
      else if (change.kind === 'restore') this.schedule(conversation, message);
      else take();
      if (change.kind === 'cancel') this.#off.set(message_id, message);
      if (change.kind === 'send_now')
        this.#messages().set(conversation, [...(this.#messages().get(conversation) ?? []), message]);
      this.#queue('reschedule_message', '', [conversation], () => undefined);
      return { operation_id: `op-${message_id}`, entity_id: message_id };
    },
    list_quick_replies: () => ({
      replies: [...this.replies].sort((one, other) => one.shortcut.localeCompare(other.shortcut)),
      may_change: this.#mayChange(),
      variables: ['nome', 'primeiro_nome', 'clinica', 'atendente', 'data', 'hora'],
    }),
    save_quick_reply: ({ id, shortcut, title, body }) => {
      if (!this.#mayChange()) throw this.#refuse('not_permitted');
      if (!/^[a-z0-9_-]{1,40}$/.test(shortcut)) throw this.#refuse('shortcut_invalid');
      if (this.replies.some((each) => each.shortcut === shortcut && each.id !== id))
        throw this.#refuse('shortcut_taken');
      const saved: QuickReply = { ...reply(shortcut, title, body), state: 'pending' };
      if (id) saved.id = id;
      this.replies = [...this.replies.filter((each) => each.id !== saved.id), saved];
      this.#queue('save_quick_reply', title, [], () => (saved.state = 'confirmed'));
      return { operation_id: `op-${saved.id}`, entity_id: saved.id };
    },
    remove_quick_reply: ({ id }) => {
      if (!this.#mayChange()) throw this.#refuse('not_permitted');
      const gone = this.replies.find((each) => each.id === id);
      this.replies = this.replies.filter((each) => each !== gone);
      this.#queue('remove_quick_reply', gone?.title ?? '', [], () => undefined);
      return { operation_id: `op-${id}`, entity_id: id };
    },
    fill_text: ({ conversation_id, text, values }) => {
      const name = this.#rows().find((row) => row.id === conversation_id)?.name ?? '';
      const known: Record<string, string | undefined> = {
        nome: name,
        primeiro_nome: name.split(' ')[0],
        atendente: 'Júlia Andrade',
        clinica: 'Clínica Acácia',
        ...values,
      };
      const missing: string[] = [];
      const filled = text.replace(/\{\{(\w+)\}\}/g, (place, variable: string) => {
        const value = known[variable];
        if (!value && !missing.includes(variable)) missing.push(variable);
        return value ?? place;
      });
      return { text: filled, missing };
    },
  };
}
