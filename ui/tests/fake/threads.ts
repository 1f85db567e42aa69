import type {
  ApiError,
  Commands,
  Companion,
  ConversationRow,
  MessageRow,
  Merge,
  OperationRow,
  Satisfaction,
  Survey,
  ThreadAction,
  ThreadFilter,
  Topic,
  WaitLimits,
} from '../../src/lib/bridge/bindings';

const minute = 60_000;
const hour = 60 * minute;
const plain = (text: string) => text.toLowerCase().normalize('NFD').replace(/\p{M}/gu, '');

type Answers = Pick<
  { [K in keyof Commands]: (payload: Commands[K]['request']) => Commands[K]['response'] },
  | 'get_inbox_frame'
  | 'get_snooze_times'
  | 'act_on_threads'
  | 'undo_threads'
  | 'set_files_kept'
  | 'set_wait_limits'
  | 'get_company'
  | 'note_typing'
  | 'get_survey'
  | 'set_survey'
  | 'set_booking_lead'
  | 'search_older'
  | 'preview_merge'
  | 'merge_people'
  | 'undo_merge'
  | 'list_merges'
>;

/** Who works in the invented clinic. */
export const members = [
  { id: 'ana', name: 'Ana Prado' },
  { id: 'bia', name: 'Beatriz Nunes' },
  { id: 'me', name: 'Júlia Andrade' },
];

/** The rows that a filter lets through. */
export const narrowed = (rows: ConversationRow[], filter: ThreadFilter, now: number): ConversationRow[] =>
  rows.filter(
    (row) =>
      (filter.label === null || row.labels.includes(filter.label)) &&
      (filter.assignee_id === null || row.assignee_id === filter.assignee_id) &&
      (filter.waiting_minutes === null ||
        (row.waiting_since !== null &&
          now - Date.parse(row.waiting_since) >= filter.waiting_minutes * minute)),
  );

/** What is done with threads in the invented clinic. */
export class FakeThreads {
  readonly #rows: () => ConversationRow[];
  readonly #messages: () => Map<string, MessageRow[]>;
  readonly #now: () => number;
  readonly #tell: (conversations: string[], topics?: Topic[]) => void;
  readonly #queue: (
    kind: string,
    row: ConversationRow,
    wanted: OperationRow['wanted'],
    done: () => void,
  ) => void;
  readonly #needsLine: () => void;
  readonly #refuse: (code: string) => ApiError;
  readonly #undo = new Map<string, ConversationRow[]>();
  #filesMonths = 24;
  #lead = 30;
  #limits: WaitLimits = { amber_minutes: 30, red_minutes: 120 };
  #survey: Survey = { on: false, question: '', hours: 24 };
  /** Who else has a thread open. */
  readonly company = new Map<string, Companion[]>();
  /** How people liked it, by thread. */
  readonly liked = new Map<string, Satisfaction>();
  merges: Merge[] = [];

  constructor(
    rows: () => ConversationRow[],
    messages: () => Map<string, MessageRow[]>,
    now: () => number,
    tell: (conversations: string[], topics?: Topic[]) => void,
    queue: (kind: string, row: ConversationRow, wanted: OperationRow['wanted'], done: () => void) => void,
    needsLine: () => void,
    refuse: (code: string) => ApiError,
  ) {
    this.#rows = rows;
    this.#messages = messages;
    this.#now = now;
    this.#tell = tell;
    this.#queue = queue;
    this.#needsLine = needsLine;
    this.#refuse = refuse;
  }

  /** Opens what was put aside until now. */
  comeBack(): void {
    for (const row of this.#rows())
      if (row.snoozed_until && Date.parse(row.snoozed_until) <= Date.now())
        Object.assign(row, { status: 'open', came_back_at: row.snoozed_until, snoozed_until: null });
  }

  nextReturn(): string | null {
    const times = this.#rows().flatMap((row) => (row.snoozed_until ? [row.snoozed_until] : []));
    return times.sort()[0] ?? null;
  }

  readonly answers: Answers = {
    get_inbox_frame: () => ({
      me: 'me',
      members,
      channels: [{ id: 'channel', name: 'Recepção' }],
      labels: [...new Set(this.#rows().flatMap((row) => row.labels))],
      limits: this.#limits,
      files_months: this.#filesMonths,
      booking_lead_minutes: this.#lead,
    }),
    get_snooze_times: () => ({
      times: [
        { name: 'hour', at: new Date(this.#now() + hour).toISOString() },
        { name: 'tomorrow', at: new Date(this.#now() + 20 * hour).toISOString() },
      ],
    }),
    act_on_threads: ({ conversation_ids, action, undo }) => {
      const before: ConversationRow[] = [];
      for (const row of this.#rows().filter((each) => conversation_ids.includes(each.id))) {
        const was = structuredClone(row);
        this.#apply(row, action);
        if (JSON.stringify(was) === JSON.stringify(row)) continue;
        before.push(was);
        row.state = 'pending';
        this.#queue(`${action.kind}_conversation`, row, [], () => (row.state = 'confirmed'));
      }
      if (before.length === 0) return { changed: 0, undo };
      const token = undo ?? `undo-${this.#undo.size}`;
      this.#undo.set(token, [...(this.#undo.get(token) ?? []), ...before]);
      return { changed: before.length, undo: token };
    },
    undo_threads: ({ undo }) => {
      const before = this.#undo.get(undo);
      if (!before) throw this.#refuse('not_found');
      this.#undo.delete(undo);
      for (const was of before) {
        const row = this.#rows().find((each) => each.id === was.id);
        if (row) Object.assign(row, was);
      }
      this.#tell(before.map((row) => row.id));
      return { changed: before.length, undo: null };
    },
    set_files_kept: ({ months }) => {
      this.#filesMonths = months;
      this.#tell([]);
      return { operation_id: 'op-files', entity_id: 'c' };
    },
    set_wait_limits: (limits) => {
      if (limits.amber_minutes >= limits.red_minutes) throw this.#refuse('limits_disordered');
      this.#limits = limits;
      this.#tell([]);
      return { operation_id: 'op-limits', entity_id: 'c' };
    },
    get_company: ({ conversation_id }) => ({ people: this.company.get(conversation_id) ?? [] }),
    note_typing: () => ({}),
    get_survey: () => this.#survey,
    set_survey: (survey) => {
      if (!survey.question.trim()) throw this.#refuse('text_empty');
      this.#survey = survey;
      this.#tell([]);
      return { operation_id: 'op-survey', entity_id: 'c' };
    },
    set_booking_lead: ({ minutes }) => {
      this.#lead = minutes;
      this.#tell([]);
      return { operation_id: 'op-lead', entity_id: 'c' };
    },
    search_older: ({ text, before }) => {
      this.#needsLine();
      if (before) return { messages: [], more: false };
      const row = this.#rows()[0];
      return {
        messages: row
          ? [
              {
                id: 'older-found',
                conversation_id: row.id,
                name: row.name,
                snippet: [
                  { text: 'Há dois anos: ', found: false },
                  { text, found: true },
                ],
                sent_at: '2024-10-02T13:00:00Z',
              },
            ]
          : [],
        more: false,
      };
    },
    preview_merge: ({ keep, absorbed }) => ({
      keep: this.#weight(keep),
      absorbed: this.#weight(absorbed),
      leads_collide: false,
    }),
    merge_people: ({ keep, absorbed }) => {
      this.#needsLine();
      const gone = this.#rows().find((row) => row.contact_id === absorbed);
      const stays = this.#rows().find((row) => row.contact_id === keep);
      if (!gone || !stays) throw this.#refuse('not_found');
      const messages = this.#messages();
      const all = [...(messages.get(stays.id) ?? []), ...(messages.get(gone.id) ?? [])];
      messages.set(
        stays.id,
        all.sort((a, b) => a.sent_at.localeCompare(b.sent_at)),
      );
      this.#rows().splice(this.#rows().indexOf(gone), 1);
      const merge_id = `merge-${this.merges.length}`;
      this.merges.unshift({
        id: merge_id,
        name: gone.name,
        phone: gone.phone,
        merged_at: new Date(this.#now()).toISOString(),
        member: 'Júlia Andrade',
      });
      this.#tell([], ['inbox', 'people']);
      return { merge_id };
    },
    undo_merge: ({ merge_id }) => {
      this.#needsLine();
      this.merges = this.merges.filter((merge) => merge.id !== merge_id);
      this.#tell([], ['inbox', 'people']);
      return {};
    },
    list_merges: () => {
      this.#needsLine();
      return { merges: this.merges };
    },
  };

  #weight(contact: string) {
    const row = this.#rows().find((each) => each.contact_id === contact);
    return {
      name: row?.name ?? '',
      phone: row?.phone ?? null,
      patients: [],
      conversations: row ? 1 : 0,
      visits: plain(row?.name ?? '').length % 4,
      leads: 1,
    };
  }

  #apply(row: ConversationRow, action: ThreadAction): void {
    const put = (status: string, until: string | null = null) =>
      Object.assign(row, { status, snoozed_until: until, came_back_at: null });
    switch (action.kind) {
      case 'hand_over':
        row.handler = action.to;
        break;
      case 'assign':
        row.assignee_id = action.member_id;
        row.assignee = members.find((member) => member.id === action.member_id)?.name ?? null;
        break;
      case 'prioritise':
        row.priority = action.priority;
        break;
      case 'add_label':
        if (!row.labels.includes(action.label)) row.labels = [...row.labels, action.label];
        break;
      case 'remove_label':
        row.labels = row.labels.filter((label) => label !== action.label);
        break;
      case 'snooze':
        if (Date.parse(action.until) <= this.#now()) throw this.#refuse('time_passed');
        put('snoozed', action.until);
        row.marked_unread = false;
        break;
      case 'close':
        put('closed');
        row.marked_unread = false;
        break;
      case 'reopen':
        put('open');
        break;
      case 'mark_unread':
        put('open');
        row.marked_unread = true;
        break;
      case 'block':
      case 'unblock':
        row.is_blocked = action.kind === 'block';
    }
  }
}
