import type { ApiError, Commands, ConversationRow, QuickReply } from '../../src/lib/bridge/bindings';

type Answers = Pick<
  { [K in keyof Commands]: (payload: Commands[K]['request']) => Commands[K]['response'] },
  'get_draft' | 'keep_draft' | 'list_quick_replies' | 'save_quick_reply' | 'remove_quick_reply' | 'fill_text'
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
  readonly drafts = new Map<string, string>();
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
  readonly #queue: (title: string, done: () => void) => void;
  readonly #refuse: (code: string) => ApiError;

  constructor(
    rows: () => ConversationRow[],
    mayChange: () => boolean,
    queue: (title: string, done: () => void) => void,
    refuse: (code: string) => ApiError,
  ) {
    this.#rows = rows;
    this.#mayChange = mayChange;
    this.#queue = queue;
    this.#refuse = refuse;
  }

  readonly answers: Answers = {
    get_draft: ({ conversation_id }) => ({ text: this.drafts.get(conversation_id) ?? '' }),
    keep_draft: ({ conversation_id, text }) => {
      if (text) this.drafts.set(conversation_id, text);
      else this.drafts.delete(conversation_id);
      return {};
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
      this.#queue(title, () => (saved.state = 'confirmed'));
      return { operation_id: `op-${saved.id}`, entity_id: saved.id };
    },
    remove_quick_reply: ({ id }) => {
      if (!this.#mayChange()) throw this.#refuse('not_permitted');
      const gone = this.replies.find((each) => each.id === id);
      this.replies = this.replies.filter((each) => each !== gone);
      this.#queue(gone?.title ?? '', () => undefined);
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
