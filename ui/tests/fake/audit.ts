import type { AuditChange, AuditEntry, AuditValue, Commands } from '../../src/lib/bridge/bindings';

const minute = 60_000;
const iso = (at: number) => new Date(at).toISOString();
const plain = (text: string) => text.toLowerCase().normalize('NFD').replace(/\p{M}/gu, '');

const value = (shape: AuditValue['shape'], text: string): AuditValue => ({ shape, text });
const change = (field: string, before: AuditValue | null, after: AuditValue | null): AuditChange => ({
  field,
  before,
  after,
});

/** Which entries a topic means, as far as the invented ones go. */
const topics: Record<string, (entry: AuditEntry) => boolean> = {
  people: (entry) => ['contacts', 'patients'].includes(entry.kind ?? ''),
  visits: (entry) => entry.kind === 'appointments',
  team: (entry) => entry.kind === 'members',
  logins: (entry) => entry.action === 'login',
  exports: (entry) => entry.action === 'export',
  deletions: (entry) => entry.action === 'delete',
};

/** An invented audit, newest first: every kind of entry, over and over. */
export function inventedAudit(now: number, size = 180): AuditEntry[] {
  const at = (number: number) => iso(now - number * 37 * minute);
  const common = {
    program: 'balcao 1.0.0',
    address: '192.168.0.21',
    person: null,
    subject: null,
    changes: [],
  };
  const kinds: ((number: number) => Omit<AuditEntry, 'id' | 'at'>)[] = [
    (number) => ({
      ...common,
      action: 'update',
      kind: 'appointments',
      who: 'Ana Souza',
      computer: 'Recepção 1',
      person: { id: 'p1', name: 'Maria Souza' },
      changes: [
        change('starts_at', value('time', at(number + 90)), value('time', at(number + 60))),
        change('professional_id', value('text', 'Dr. Caio'), value('text', 'Dra. Lima')),
        change('price_cents', value('money', '15000'), value('money', '18000')),
      ],
    }),
    () => ({
      ...common,
      action: 'update',
      kind: 'contacts',
      who: 'Júlia Andrade',
      computer: 'RECEPCAO-02',
      person: { id: 'p2', name: 'João Batista de Albuquerque Cavalcanti e Vasconcelos Filho' },
      changes: [
        change('name', value('text', 'Joao'), value('text', 'João Batista de Albuquerque Cavalcanti')),
        change('notes', null, value('text', 'Prefere ser chamado à tarde. Traz a mãe, que ouve mal.')),
      ],
    }),
    () => ({ ...common, action: 'login', kind: 'devices', who: 'Ana Souza', computer: 'Recepção 1' }),
    () => ({
      ...common,
      action: 'squeeze_in',
      kind: 'appointments',
      who: 'Ana Souza',
      computer: 'Recepção 1',
      person: { id: 'p3', name: 'Teresa 🌷' },
      changes: [
        change('squeezed_in', null, value('flag', 'true')),
        change('squeeze_reason', null, value('text', 'dor forte')),
      ],
    }),
    () => ({
      ...common,
      action: 'invitation_made',
      kind: 'members',
      who: 'Júlia Andrade',
      computer: 'RECEPCAO-02',
      subject: 'Otávio Prado',
      changes: [change('role', null, value('code', 'attendant'))],
    }),
    () => ({
      ...common,
      action: 'role_change',
      kind: 'members',
      who: null,
      computer: null,
      address: null,
      subject: 'Caio Ramos',
      changes: [change('role', value('code', 'attendant'), value('code', 'professional'))],
    }),
    () => ({
      ...common,
      action: 'delete',
      kind: 'working_hours',
      who: 'Júlia Andrade',
      computer: 'RECEPCAO-02',
      changes: [
        change('professional_id', value('gone', '00000000-0000-0000-0000-000000000007'), null),
        change('starts_minute', value('clock', '480'), null),
        change('weekday', value('code', 'weekday_3'), null),
      ],
    }),
    () => ({
      ...common,
      action: 'export',
      kind: null,
      who: 'Júlia Andrade',
      computer: 'RECEPCAO-02',
      changes: [change('what', null, value('code', 'audit'))],
    }),
  ];
  return Array.from({ length: size }, (_, number) => ({
    ...kinds[number % kinds.length]!(number),
    id: `audit-${number}`,
    at: at(number),
  }));
}

type Answers = { [K in keyof Commands]: (payload: Commands[K]['request']) => Commands[K]['response'] };

/** Looks through an invented audit as the database would. */
export class FakeAudit {
  #entries: AuditEntry[] | undefined;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  get entries(): AuditEntry[] {
    return (this.#entries ??= inventedAudit(this.#now()));
  }

  set entries(entries: AuditEntry[]) {
    this.#entries = entries;
  }

  readonly answers: Pick<Answers, 'list_audit' | 'get_audit_people' | 'export_audit'> = {
    list_audit: ({ wish, before, limit }) => {
      const text = plain(wish.text ?? '');
      const all = this.entries.filter(
        (entry) =>
          (!wish.member_id || entry.who === wish.member_id) &&
          (!wish.person_id || entry.person?.id === wish.person_id) &&
          (!wish.topic || topics[wish.topic]?.(entry)) &&
          (!wish.from || entry.at >= wish.from) &&
          (!wish.until || entry.at < wish.until) &&
          (!text || plain(JSON.stringify([entry.person, entry.changes])).includes(text)),
      );
      const start = before ? all.findIndex((entry) => entry.id === before.id) + 1 : 0;
      const entries = all.slice(start, start + limit);
      const last = entries.at(-1);
      return { entries, next: last && start + limit < all.length ? { at: last.at, id: last.id } : null };
    },
    get_audit_people: () => ({
      members: [
        { id: 'Ana Souza', name: 'Ana Souza', active: true },
        { id: 'Júlia Andrade', name: 'Júlia Andrade', active: true },
        { id: 'Rui Prado', name: 'Rui Prado', active: false },
      ],
    }),
    export_audit: () => ({
      path: '/home/julia/Downloads/balcao-auditoria-2026-11-24-1430.csv',
      entries: this.entries.length,
      left_out: false,
    }),
  };
}
