import { nothing } from './attachment.ts';
import type {
  Agenda,
  ApiError,
  Board,
  Change,
  Commands,
  Companion,
  ConversationRow,
  CopyNotice,
  Diagnosis,
  FoundInvitation,
  LeadCard,
  MessageRow,
  Destination,
  OperationRow,
  PersonSummary,
  Preferences,
  Professional,
  Quoted,
  Satisfaction,
  Session,
  Sharing,
  Stage,
  StartLocalClinic,
  SyncLogLine,
  SyncStatus,
  Thread,
  Topic,
  Visit,
} from '../../src/lib/bridge/bindings';
import { FakeBackup, type BackupScenario } from './backup.ts';
import { FakeAudit } from './audit.ts';
import { FakeBooking } from './booking.ts';
import { FakeChannels, type ChannelScenario } from './channels.ts';
import { FakeStorage, type StorageScenario } from './storage.ts';
import { inventedLog, pageOf } from './copy.ts';
import { FakeLock } from './lock.ts';
import { Elsewhere } from './older.ts';
import { countKinds, FakeNotes, freeSlots, needsNoDecision } from './decisions.ts';
import { FakePrivacy } from './privacy.ts';
import { FakeNetwork } from './sharing.ts';
import { FakeTeam, inventedInvitation } from './team.ts';
import { FakeComposer } from './composer.ts';
import { FakeMedia, putFiles } from './media.ts';
import { FakeThreads, narrowed } from './threads.ts';
import { answers, dice, lines, names, services, wants } from './people.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const zone = -3 * hour;

const refuse = (code: string, reference: string | null = null): ApiError => ({
  code,
  message: code,
  reference,
});
const iso = (at: number) => new Date(at).toISOString();
const plain = (text: string) => text.toLowerCase().normalize('NFD').replace(/\p{M}/gu, '');

/** Faults and fills that a test can ask for. */
export interface Scenario {
  session?: Session;
  status?: Partial<SyncStatus>;
  /** No rows at all. */
  empty?: boolean;
  /** Commands that answer with this code. */
  refuse?: Record<string, string>;
  /** Every answer takes this long, in milliseconds. */
  slow?: number;
  preferences?: Partial<Preferences>;
  /** Writes that need a decision. */
  parked?: OperationRow[];
  /** Older messages that each conversation has in the clinic and not in the copy. */
  elsewhere?: number;
  /** Messages of the first conversation, all of them in the copy. */
  long?: number;
  /** The copy has the visits from so many days ago on, and not all of each person. */
  visitDays?: number;
  /** What a look at the way to the database comes to. */
  diagnosis?: Diagnosis;
  /** How the clinic is shared on the network. */
  sharing?: Partial<Sharing>;
  /** What a new invitation says. */
  invitation?: Partial<FoundInvitation>;
  /** What is said about the copy. */
  notice?: CopyNotice | null;
  /** What happened to the copy. */
  log?: SyncLogLine[];
  backup?: BackupScenario;
  channels?: ChannelScenario;
  storage?: StorageScenario;
  /** Who else has which thread open. */
  company?: Record<string, Companion[]>;
  /** How people liked it, by thread. */
  liked?: Record<string, Satisfaction>;
}

/** An invented clinic in memory that answers the commands of the program, with none of its rules but the few that screens show. */
export class FakeClinic {
  session: Session;
  status: SyncStatus;
  preferences: Preferences = {
    locale: 'pt-BR',
    theme: 'light',
    saved_views: [],
    send_key: 'enter',
    recent_emoji: [],
    notifications: { on: true, of: 'mine_and_nobodys', with: 'name', sound: true, quiet: null },
    emoji_tone: 0,
  };
  conversations: ConversationRow[] = [];
  messages = new Map<string, MessageRow[]>();
  professionals: Professional[] = [];
  visits: Visit[] = [];
  stages: { id: string; name: string; kind: string }[] = [];
  leads: LeadCard[] = [];
  operations: OperationRow[] = [];
  parked: OperationRow[] = [];
  readonly #givenUp = new Map<string, OperationRow>();
  readonly #notes = new FakeNotes();
  readonly people = new FakeTeam(() => this.#now);
  readonly audit = new FakeAudit(() => this.#now);
  readonly privacy = new FakePrivacy(
    () => this.conversations,
    (contact) => {
      this.conversations = this.conversations.filter((row) => row.contact_id !== contact);
      this.tell(['inbox', 'people', 'agenda', 'leads']);
    },
    refuse,
  );
  readonly backup = new FakeBackup(
    () => this.#now,
    () => this.tell(['backup']),
  );
  readonly network = new FakeNetwork(
    () => this.#now,
    () => this.tell(['network']),
  );
  readonly channels = new FakeChannels(
    () => this.#now,
    () => this.tell(['channels']),
    refuse,
  );
  readonly storage = new FakeStorage(() => this.tell(['storage']), refuse);
  readonly threads: FakeThreads = new FakeThreads(
    () => this.conversations,
    () => this.messages,
    () => this.#now,
    (conversations, topics) => this.tell(topics ?? ['inbox'], conversations),
    (kind, row, wanted, done) => this.#queue(kind, row.id, row.name, wanted, ['inbox'], [row.id], done),
    () => this.#needsLine(),
    refuse,
  );
  readonly media = new FakeMedia(
    () => this.messages,
    (conversation) => this.tell(['inbox'], [conversation]),
    (content, conversation, quoted) => this.#send(content, conversation, quoted),
    refuse,
    (attached) => this.composer.drop(attached),
  );
  readonly composer = new FakeComposer(
    () => this.conversations,
    () => this.session.state === 'ready' && this.session.member.role !== 'attendant',
    () => this.messages,
    (kind, subject, conversations, done) =>
      this.#queue(kind, `${kind}-${++this.#seq}`, subject, [], ['inbox'], conversations, done),
    refuse,
  );
  readonly booking: FakeBooking = new FakeBooking({
    rows: () => this.conversations,
    visits: () => this.visits,
    agenda: (from, days) => this.#answers.get_agenda({ from, days }),
    queue: (kind, visit) =>
      this.#queue(
        kind,
        visit.id,
        visit.patient,
        [{ field: 'starts_at', value: visit.starts_at }],
        ['agenda', 'inbox'],
        [],
        () => (visit.state = 'confirmed'),
      ),
    changed: () => this.tell(['agenda', 'inbox']),
    refuse,
  });
  readonly lock = new FakeLock(() => this.tell(['session', 'preferences']));
  /** What a set-up on a server that was interrupted had asked for. */
  unfinished: StartLocalClinic | null = null;
  restoring: string | null = null;
  notice: CopyNotice | null = null;
  invitation: Partial<FoundInvitation> = {};
  elsewhere = new Elsewhere();
  log: SyncLogLine[];
  refusals: Record<string, string> = {};
  slow = 0;

  #seq = 0;
  #listeners = new Set<(change: Change) => void>();
  #now: number;

  constructor(now = Date.now(), size = 60) {
    this.#now = now;
    this.log = inventedLog(now);
    this.session = {
      state: 'ready',
      clinic: { id: 'c', name: 'Clínica Acácia', time_zone: 'America/Sao_Paulo', kind: 'sample' },
      member: { id: 'me', name: 'Júlia Andrade', role: 'attendant' },
    };
    this.status = {
      connection: 'online',
      offline_since: null,
      last_confirmed_at: iso(now),
      waiting: 0,
      needs_you: 0,
      problem: null,
      first_copy: null,
      clock_ahead_seconds: null,
    };
    this.#fillInbox(size);
    this.#fillAgenda();
    this.#fillLeads(size);
  }

  /** Puts the clinic into a state. */
  set(scenario: Scenario): void {
    if (scenario.session) this.session = scenario.session;
    if (scenario.status) this.status = { ...this.status, ...scenario.status };
    if (scenario.preferences) this.preferences = { ...this.preferences, ...scenario.preferences };
    if (scenario.refuse) this.refusals = scenario.refuse;
    if (scenario.slow !== undefined) this.slow = scenario.slow;
    if (scenario.parked) this.parked = scenario.parked;
    if (scenario.long) this.#lengthen(scenario.long);
    if (scenario.elsewhere !== undefined)
      for (const [id, [first]] of this.messages)
        if (first) this.elsewhere.invent(id, first, scenario.elsewhere);
    if (scenario.visitDays !== undefined) {
      this.elsewhere.visitsFrom = this.#today() - scenario.visitDays * day;
      for (const row of this.conversations) this.elsewhere.people.add(row.contact_id);
    }
    if (scenario.diagnosis) this.network.found = scenario.diagnosis;
    if (scenario.sharing) this.network.sharing = { ...this.network.sharing, ...scenario.sharing };
    if (scenario.notice !== undefined) this.notice = scenario.notice;
    if (scenario.invitation) this.invitation = scenario.invitation;
    if (scenario.log) this.log = scenario.log;
    if (scenario.backup) this.backup.set(scenario.backup);
    if (scenario.channels) this.channels.set(scenario.channels);
    if (scenario.storage) this.storage.set(scenario.storage);
    for (const [id, people] of Object.entries(scenario.company ?? {})) this.threads.company.set(id, people);
    for (const [id, liked] of Object.entries(scenario.liked ?? {})) this.threads.liked.set(id, liked);
    if (scenario.empty) {
      this.conversations = [];
      this.visits = [];
      this.leads = [];
      this.professionals = [];
    }
    this.tell([
      'session',
      'status',
      'inbox',
      'agenda',
      'leads',
      'operations',
      'preferences',
      'people',
      'network',
      'company',
    ]);
  }

  listen(heard: (change: Change) => void): () => void {
    this.#listeners.add(heard);
    return () => this.#listeners.delete(heard);
  }

  /** Loses an entry of the change stream. */
  skip(): void {
    this.#seq++;
  }

  tell(topics: Topic[], conversations: string[] = [], opening: Destination | null = null): void {
    const change = { seq: ++this.#seq, topics, conversations, opening };
    for (const heard of this.#listeners) heard(change);
  }

  /** Somebody clicks on a notice. */
  click(conversation_id: string | null): void {
    this.tell([], [], { conversation_id });
  }

  /** What was asked, in order. */
  readonly asked: { cmd: keyof Commands; payload: unknown }[] = [];

  /** What one command was asked with, in order. */
  payloadsOf(command: keyof Commands): unknown[] {
    return this.asked.filter((each) => each.cmd === command).map((each) => each.payload);
  }

  async call<K extends keyof Commands>(
    cmd: K,
    payload: Commands[K]['request'],
  ): Promise<Commands[K]['response']> {
    this.asked.push({ cmd, payload: structuredClone(payload) });
    if (this.slow) await new Promise((wake) => setTimeout(wake, this.slow));
    const refusal = this.lock.refuses(cmd) ? 'locked' : this.refusals[cmd];
    if (refusal) throw refuse(refusal);
    const answer = this.#answers[cmd] as
      ((payload: Commands[K]['request']) => Commands[K]['response']) | undefined;
    if (!answer) throw refuse('unknown_command', cmd);
    return structuredClone(answer(payload));
  }

  #answers: { [K in keyof Commands]: (payload: Commands[K]['request']) => Commands[K]['response'] } = {
    get_session: () => this.lock.session ?? this.session,
    start_sample_clinic: () => {
      this.#prepare();
      return this.session;
    },
    start_local_clinic: () => {
      this.#prepare();
      return this.session;
    },
    ...this.lock.answers,
    note_attention: () => ({}),
    ...this.backup.answers,
    ...this.channels.answers,
    ...this.storage.answers,
    start_restore: () => {
      this.#prepare();
      return this.session;
    },
    get_setup: () => ({
      unfinished: this.unfinished || this.restoring ? 'remote' : null,
      clinic: this.unfinished,
      restoring: this.restoring,
      can_cancel: Boolean(this.unfinished || this.restoring) || this.session.state === 'preparing',
    }),
    check_server: () => ({
      host: 'db.example.org',
      port: 5432,
      database: 'balcao',
      server_version: '18.6',
      is_encrypted: true,
      clinics: ['Clínica Ipê'],
    }),
    start_server_clinic: () => {
      this.#prepare();
      return this.session;
    },
    cancel_setup: () => {
      this.unfinished = this.restoring = null;
      this.session = { state: 'first_run' };
      this.tell(['session']);
      return this.session;
    },
    connect_clinic: ({ address }) => {
      this.session = { state: 'failed', problem: refuse('unknown_host', address), has_profile: false };
      this.tell(['session']);
      return this.session;
    },
    retry_session: () => {
      this.#prepare();
      return this.session;
    },
    list_conversations: ({ view, search, filter, counting, offset, limit }) => {
      const rows = narrowed(this.#inView(view), filter, this.#now).filter(
        (row) =>
          !search ||
          plain(row.name).includes(plain(search)) ||
          (row.phone ?? '').replace(/\D/g, '').includes(search.replace(/\D/g, '') || 'x'),
      );
      const counts = Object.fromEntries(
        (
          [
            'needs_reply',
            'mine',
            'mentioned',
            'unassigned',
            'bot',
            'snoozed',
            'closed',
            'blocked',
            'all',
          ] as const
        ).map((each) => [each, this.#inView(each).length]),
      ) as Commands['list_conversations']['response']['counts'];
      const counted = counting.map(
        (each) => narrowed(this.#inView(each.view), each.filter, this.#now).length,
      );
      const returns_at = this.threads.nextReturn();
      return { rows: rows.slice(offset, offset + limit), total: rows.length, counts, counted, returns_at };
    },
    ...this.threads.answers,
    ...this.composer.answers,
    ...this.media.answers,
    ...this.booking.answers,
    get_thread: ({ conversation_id, before, limit, visits }): Thread => {
      const conversation = this.conversations.find((row) => row.id === conversation_id);
      if (!conversation) throw refuse('not_found', conversation_id);
      const all = this.messages.get(conversation_id) ?? [];
      const end = before ? all.findIndex((message) => message.id === before.id) : all.length;
      const start = Math.max(0, end - limit);
      return {
        conversation,
        person: this.#person(conversation, visits),
        messages: all.slice(start, end),
        scheduled: this.composer.scheduled.get(conversation_id) ?? [],
        older:
          start > 0 ? 'here' : this.elsewhere.messages.get(conversation_id)?.length ? 'elsewhere' : 'nothing',
        satisfaction: this.threads.liked.get(conversation_id) ?? null,
      };
    },
    fetch_older_messages: ({ conversation_id }) => {
      this.#needsLine();
      const page = this.elsewhere.page(conversation_id);
      this.messages.set(conversation_id, [...page, ...(this.messages.get(conversation_id) ?? [])]);
      this.tell(['inbox'], [conversation_id]);
      return {};
    },
    fetch_person_visits: ({ contact_id }) => {
      this.#needsLine();
      this.elsewhere.people.delete(contact_id);
      this.tell(['agenda']);
      return {};
    },
    fetch_older_visits: ({ from }) => {
      this.#needsLine();
      this.elsewhere.visitsFrom = Date.parse(`${from}T00:00:00Z`) - zone;
      this.tell(['agenda']);
      return {};
    },
    get_copy_window: () => this.elsewhere.window,
    set_copy_window: ({ message_days, appointment_days }) => {
      this.elsewhere.window = { ...this.elsewhere.window, message_days, appointment_days };
      this.tell(['preferences']);
      return this.elsewhere.window;
    },
    send_message: ({ conversation_id, text, quoted_id, scheduled_for }) => {
      if (!text.trim()) throw refuse('text_empty');
      if ([...text.trim()].length > 4096) throw refuse('text_too_long');
      if (text.includes('{{')) throw refuse('value_missing');
      const row = this.conversations.find((each) => each.id === conversation_id);
      if (!row) throw refuse('not_found', conversation_id);
      if (row.is_blocked) throw refuse('person_blocked');
      const id = `sent-${++this.#seq}-${conversation_id}`;
      const message: MessageRow = {
        ...blank,
        id,
        direction: 'outbound',
        sender_kind: 'member',
        sender_name: 'Júlia Andrade',
        body: text.trim(),
        status: 'queued',
        sent_at: iso(Date.now()),
        is_quotable: false,
        quoted: quoted_id ? this.#quoted(conversation_id, quoted_id) : null,
        scheduled_for,
        state: 'pending',
      };
      if (scheduled_for) {
        if (Date.parse(scheduled_for) <= Date.now()) throw refuse('time_passed');
        this.composer.schedule(conversation_id, message);
        this.#queue('send_message', id, row.name, [], ['inbox'], [conversation_id], () => {
          message.state = 'confirmed';
        });
        return { operation_id: `op-${id}`, entity_id: id };
      }
      this.messages.set(conversation_id, [...(this.messages.get(conversation_id) ?? []), message]);
      Object.assign(row, {
        preview: text.trim(),
        last_direction: 'outbound',
        last_kind: 'text',
        last_message_at: message.sent_at,
        waiting_since: null,
        unread_count: 0,
        marked_unread: false,
        came_back_at: null,
        state: 'pending',
        handler: 'person',
      });
      this.#queue(
        'send_message',
        id,
        row.name,
        [{ field: 'text', value: text.trim() }],
        ['inbox'],
        [conversation_id],
        () => {
          message.state = 'confirmed';
          message.status = 'sent';
          message.is_quotable = true;
          row.state = 'confirmed';
        },
      );
      return { operation_id: `op-${id}`, entity_id: id };
    },
    get_agenda: ({ from, days }): Agenda => {
      const start = Date.parse(`${from}T00:00:00Z`) - zone;
      const end = start + days * day;
      const within = (each: { starts_at: string; ends_at: string }) =>
        Date.parse(each.ends_at) > start && Date.parse(each.starts_at) < end;
      const working_hours = Array.from({ length: days }, (_, at) => start + at * day).flatMap((midnight) => {
        const weekday = new Date(midnight + zone).getUTCDay();
        if (weekday === 0) return [];
        return this.professionals.flatMap((professional, at) => {
          if (weekday === 6)
            return at === 0
              ? [
                  {
                    professional_id: professional.id,
                    starts_at: iso(midnight + 8 * hour),
                    ends_at: iso(midnight + 12 * hour),
                  },
                ]
              : [];
          return [
            [8 + at * 0.5, 12],
            [13 + at * 0.5, 18],
          ].map(([open = 8, close = 12]) => ({
            professional_id: professional.id,
            starts_at: iso(midnight + open * hour),
            ends_at: iso(midnight + close * hour),
          }));
        });
      });
      const second = this.professionals[1];
      const closures = second
        ? [
            {
              professional_id: second.id,
              starts_at: iso(this.#today() + 15 * hour),
              ends_at: iso(this.#today() + 16.5 * hour),
              reason: 'Reunião com o laboratório',
            },
          ]
        : [];
      return {
        time_zone: 'America/Sao_Paulo',
        from,
        days,
        coverage: start >= this.elsewhere.visitsFrom ? 'whole' : 'elsewhere',
        professionals: this.professionals,
        visits: this.visits.filter(within),
        working_hours,
        closures: closures.filter(within),
      };
    },
    check_slot: ({ appointment_id, starts_at, ends_at, professional_id }) =>
      this.#verdict(appointment_id, starts_at, ends_at, professional_id),
    reschedule_appointment: ({ appointment_id, starts_at, ends_at, professional_id, squeeze_reason }) => {
      const visit = this.visits.find((each) => each.id === appointment_id);
      if (!visit) throw refuse('not_found', appointment_id);
      const verdict = this.#verdict(appointment_id, starts_at, ends_at, professional_id);
      if (verdict.refusal && verdict.refusal !== 'in_the_past' && !squeeze_reason)
        throw refuse(verdict.refusal);
      Object.assign(visit, {
        starts_at,
        ends_at,
        professional_id,
        state: 'pending',
        squeezed_in: squeeze_reason !== null,
        squeeze_reason,
      });
      this.#queue(
        'move_appointment',
        visit.id,
        visit.patient,
        [{ field: 'starts_at', value: starts_at }],
        ['agenda'],
        [],
        () => (visit.state = 'confirmed'),
      );
      return { operation_id: `op-${visit.id}`, entity_id: visit.id };
    },
    get_board: ({ limit }): Board => ({
      pipeline_id: 'p',
      name: 'Vendas',
      stages: this.stages.map((stage): Stage => {
        const leads = this.leads.filter((lead) => lead.stage_id === stage.id);
        return {
          ...stage,
          count: leads.length,
          sum_cents: leads.reduce((sum, lead) => sum + (lead.value_cents ?? 0), 0),
          leads: leads.slice(0, limit),
        };
      }),
      loss_reasons: [
        'Preço',
        'Sem horário que servisse',
        'Foi para outra clínica',
        'Parou de responder',
        'Convênio não aceito',
      ].map((name, at) => ({ id: `r${at}`, name })),
    }),
    list_stage_leads: ({ stage_id, offset, limit }) => ({
      leads: this.leads.filter((lead) => lead.stage_id === stage_id).slice(offset, offset + limit),
    }),
    move_lead: ({ lead_id, stage_id, before_lead_id, loss_reason_id, loss_note }) => {
      const lead = this.leads.find((each) => each.id === lead_id);
      const stage = this.stages.find((each) => each.id === stage_id);
      if (!lead || !stage) throw refuse('not_found', lead_id);
      if (stage.kind === 'lost' && !loss_reason_id && lead.stage_id !== stage_id)
        throw refuse('loss_reason_required');
      this.leads = this.leads.filter((each) => each !== lead);
      Object.assign(lead, {
        stage_id,
        state: 'pending',
        stage_entered_at: iso(Date.now()),
        loss_reason: stage.kind === 'lost' ? loss_note || 'Preço' : null,
      });
      const at = this.leads.findIndex((each) => each.id === before_lead_id);
      if (at < 0) this.leads.push(lead);
      else this.leads.splice(at, 0, lead);
      this.#queue(
        'move_lead',
        lead.id,
        lead.name,
        [{ field: 'stage', value: stage.name }],
        ['leads'],
        [],
        () => (lead.state = 'confirmed'),
      );
      return { operation_id: `op-${lead.id}`, entity_id: lead.id };
    },
    search_everything: ({ text, limit, scope }) => {
      const wanted = plain(text);
      const people = this.conversations.filter((row) => plain(row.name).includes(wanted)).slice(0, limit);
      const messages = [...this.messages.entries()].flatMap(([conversation_id, all]) => {
        const hit = all.findLast(
          (message) =>
            plain(message.body).includes(wanted) &&
            (scope.conversation_id === null || conversation_id === scope.conversation_id) &&
            (scope.from === null || message.sent_at >= scope.from) &&
            (scope.until === null || message.sent_at < scope.until),
        );
        const name = this.conversations.find((row) => row.id === conversation_id)?.name ?? '';
        if (!hit) return [];
        const at = plain(hit.body).indexOf(wanted);
        return [
          {
            id: hit.id,
            conversation_id,
            name,
            sent_at: hit.sent_at,
            snippet: [
              { text: hit.body.slice(0, at), found: false },
              { text: hit.body.slice(at, at + wanted.length), found: true },
              { text: hit.body.slice(at + wanted.length), found: false },
            ],
          },
        ];
      });
      return {
        people: people.map(({ contact_id, name, phone, id }) => ({
          contact_id,
          name,
          phone,
          conversation_id: id,
        })),
        messages: messages.slice(0, limit),
      };
    },
    get_status: () => ({
      ...this.status,
      waiting: this.status.waiting + this.operations.length,
      needs_you: this.status.needs_you + this.parked.length,
    }),
    sync_now: () => this.#answers.get_status({}),
    list_operations: ({ state, kind, first, limit }) => {
      const all = state === 'waiting' ? this.operations : this.parked;
      const asked = all.filter((each) => !kind || each.kind === kind);
      if (first)
        asked.sort((one, other) => Number(one.entity_id !== first) - Number(other.entity_id !== first));
      return {
        rows: asked.slice(0, limit ?? 100),
        total: all.length,
        kinds: countKinds(all),
        retriable: asked.filter(needsNoDecision).length,
      };
    },
    decide_operation: ({ operation_id, choice }) => {
      const operation = this.parked.find((each) => each.operation_id === operation_id);
      if (!operation) throw refuse('not_found', operation_id);
      this.parked = this.parked.filter((each) => each !== operation);
      if (choice === 'discard' || choice === 'keep_theirs') this.#givenUp.set(operation_id, operation);
      else this.operations.push(operation);
      this.tell(['operations', 'status', 'inbox', 'agenda', 'leads']);
      return { operation_id, entity_id: operation.entity_id };
    },
    list_free_slots: ({ operation_id }) => freeSlots(this.parked, operation_id),
    retry_operations: ({ kind }) => {
      const again = this.parked.filter((each) => needsNoDecision(each) && (!kind || each.kind === kind));
      this.parked = this.parked.filter((each) => !again.includes(each));
      this.operations.push(...again);
      this.tell(['operations', 'status']);
      return { count: again.length };
    },
    restore_operation: ({ operation_id }) => {
      const operation = this.#givenUp.get(operation_id);
      if (!operation) throw refuse('not_found', operation_id);
      this.#givenUp.delete(operation_id);
      this.parked.push(operation);
      this.tell(['operations', 'status', 'inbox', 'agenda', 'leads']);
      return { operation_id, entity_id: operation.entity_id };
    },
    get_notes: ({ id }) => this.#notes.of(id),
    add_note: ({ id, text }) => {
      const written = this.#notes.add(id, text.trim(), iso(this.#now));
      this.tell(['people', 'agenda', 'operations', 'status']);
      setTimeout(() => {
        this.#notes.confirm(id);
        this.tell(['people', 'agenda', 'operations', 'status']);
      }, 400);
      return { operation_id: written, entity_id: id };
    },
    acknowledge_revocation: () => {
      this.session = { state: 'first_run' };
      this.tell(['session']);
      return this.session;
    },
    get_program: () => ({ version: '9.8.7' }),
    ...this.people.answers,
    ...this.audit.answers,
    ...this.privacy.answers,
    ...this.network.answers,
    join_clinic: () => {
      this.#prepare();
      return this.session;
    },
    peek_invitation: () => ({
      ...inventedInvitation(this.#now),
      member_before: this.session.state === 'ready' ? this.session.member.name : '',
      waiting: this.operations.length + this.parked.length,
      ...this.invitation,
    }),
    follow_clinic: ({ as_somebody_else }) => {
      const { is_somebody_else, member_name } = this.#answers.peek_invitation({ invitation: '', code: '' });
      if (is_somebody_else && !as_somebody_else) throw refuse('other_member', member_name);
      this.set({ status: { connection: 'online', offline_since: null, problem: null } });
      return this.session;
    },
    leave_clinic: ({ confirm_loss }) => {
      const lost = this.operations.length + this.parked.length;
      if (lost > 0 && !confirm_loss) throw refuse('writes_wait', String(lost));
      this.operations = [];
      this.parked = [];
      this.session = { state: 'first_run' };
      this.tell(['session']);
      return this.session;
    },
    get_copy: () => ({ notice: this.notice }),
    dismiss_copy_notice: () => {
      this.notice = null;
      return { notice: null };
    },
    reset_copy: ({ confirm_loss }) => {
      const lost = this.operations.length + this.parked.length;
      if (lost > 0 && !confirm_loss) throw refuse('writes_wait', String(lost));
      this.operations = [];
      this.parked = [];
      this.#prepare();
      return this.session;
    },
    list_sync_log: (request) => pageOf(this.log, request),
    export_sync_log: () => ({
      path: '/home/julia/Downloads/balcao-registro-2026-11-21-0754.csv',
      lines: this.log.length,
    }),
    get_preferences: () => this.preferences,
    set_preferences: (preferences) => {
      this.preferences = preferences;
      this.tell(['preferences']);
      return preferences;
    },
  };

  #quoted(conversation: string, id: string): Quoted {
    const message = this.messages.get(conversation)?.find((each) => each.id === id);
    if (!message?.is_quotable) throw refuse('not_quotable');
    return { id, preview: message.body, direction: message.direction, kind: message.kind };
  }

  /** Sends something that is no text. */
  #send(content: Partial<MessageRow>, conversation: string, quoted: string | null): string {
    const row = this.conversations.find((each) => each.id === conversation);
    if (!row) throw refuse('not_found', conversation);
    if (row.is_blocked) throw refuse('person_blocked');
    const id = `sent-${++this.#seq}-${conversation}`;
    const message: MessageRow = {
      ...blank,
      ...content,
      id,
      direction: 'outbound',
      sender_kind: 'member',
      sender_name: 'Júlia Andrade',
      status: 'queued',
      sent_at: iso(Date.now()),
      is_quotable: false,
      quoted: quoted ? this.#quoted(conversation, quoted) : null,
      state: 'pending',
    };
    this.messages.set(conversation, [...(this.messages.get(conversation) ?? []), message]);
    Object.assign(row, {
      preview: message.body,
      last_direction: 'outbound',
      last_kind: message.kind,
      last_message_at: message.sent_at,
      waiting_since: null,
      unread_count: 0,
    });
    this.#queue('send_message', id, row.name, [], ['inbox'], [conversation], () => {
      message.state = 'confirmed';
      message.status = 'sent';
      message.is_quotable = true;
      if (message.attachment) message.attachment = { ...message.attachment, file: 'stored' };
    });
    return id;
  }

  #queue(
    kind: string,
    entity: string,
    subject: string,
    wanted: OperationRow['wanted'],
    topics: Topic[],
    conversations: string[],
    done: () => void,
  ): void {
    const operation: OperationRow = {
      operation_id: `op-${entity}`,
      kind,
      entity_id: entity,
      conversation_id: kind === 'send_message' ? (conversations[0] ?? null) : null,
      subject,
      wanted,
      before: [],
      queued_at: iso(Date.now()),
      attempts: 0,
      reason: null,
      theirs: [],
      choices: [],
      dependents: 0,
    };
    this.operations.push(operation);
    this.tell([...topics, 'operations', 'status'], conversations);
    if (this.status.connection !== 'online') return;
    setTimeout(() => {
      done();
      this.operations = this.operations.filter((each) => each !== operation);
      this.status.last_confirmed_at = iso(Date.now());
      this.tell([...topics, 'operations', 'status'], conversations);
    }, 400);
  }

  #prepare(): void {
    const steps = ['postgres_binaries', 'database', 'schema', 'keychain', 'sample', 'copy'];
    const ready = new FakeClinic().session;
    const next = (at: number) => {
      if (at > 0 && this.session.state !== 'preparing') return;
      const step = steps[at];
      this.session = step
        ? {
            state: 'preparing',
            step,
            fraction: step === 'copy' || step === 'sample' ? 0.6 : null,
            copy: step === 'copy' ? { entity: 'messages', done: 1200, total: 2000, seconds_left: 24 } : null,
          }
        : ready;
      this.tell(['session']);
      if (step) setTimeout(() => next(at + 1), 120);
    };
    next(0);
  }

  #inView(view: Commands['list_conversations']['request']['view']): ConversationRow[] {
    const by = (a: ConversationRow, b: ConversationRow) =>
      (a.last_message_at ?? '') < (b.last_message_at ?? '') ? 1 : -1;
    this.threads.comeBack();
    const open = this.conversations.filter((row) => row.status === 'open' && !row.is_blocked);
    const since = (row: ConversationRow) =>
      row.came_back_at ?? row.waiting_since ?? row.last_message_at ?? '';
    switch (view) {
      case 'needs_reply':
        return open
          .filter((row) => row.waiting_since || row.came_back_at || row.marked_unread)
          .sort((a, b) => since(a).localeCompare(since(b)));
      case 'mine':
        return open.filter((row) => row.assignee === 'Júlia Andrade').sort(by);
      case 'mentioned':
        return this.conversations.filter((row) => row.is_mentioned).sort(by);
      case 'unassigned':
        return open.filter((row) => !row.assignee && row.handler === 'person').sort(by);
      case 'bot':
        return open.filter((row) => row.handler === 'bot').sort(by);
      case 'snoozed':
      case 'closed':
        return this.conversations.filter((row) => row.status === view).sort(by);
      case 'blocked':
        return this.conversations.filter((row) => row.is_blocked).sort(by);
      case 'all':
        return [...this.conversations].sort(by);
    }
  }

  #verdict(id: string, starts_at: string, ends_at: string, professional: string) {
    const start = Date.parse(starts_at);
    const end = Date.parse(ends_at);
    const other = this.visits.find(
      (visit) =>
        visit.id !== id &&
        visit.professional_id === professional &&
        !['cancelled', 'no_show'].includes(visit.status) &&
        Date.parse(visit.starts_at) < end &&
        Date.parse(visit.ends_at) > start,
    );
    if (other) return { refusal: 'slot_taken', occupied_by: other.patient };
    const at = ((start + zone) % day) / hour;
    if (at < 8 || at >= 18) return { refusal: 'outside_working_hours', occupied_by: null };
    return { refusal: null, occupied_by: null };
  }

  #needsLine(): void {
    if (this.status.connection !== 'online') throw refuse('offline');
  }

  #person(row: ConversationRow, mostVisits: number): PersonSummary {
    const visits = this.visits
      .filter((visit) => visit.contact_id === row.contact_id)
      .map(({ id, starts_at, service, professional_id, status, state }) => ({
        id,
        starts_at,
        service,
        professional: this.professionals.find((each) => each.id === professional_id)?.name ?? '',
        status,
        state,
      }))
      .sort((a, b) => b.starts_at.localeCompare(a.starts_at))
      .slice(0, mostVisits);
    const lead = this.leads.find((each) => each.contact_id === row.contact_id);
    const at = this.conversations.indexOf(row);
    return {
      contact_id: row.contact_id,
      name: row.name,
      profile_name: at % 3 ? (row.name.split(' ')[0] ?? null) : null,
      phone: row.phone,
      source: at % 2 ? 'Indicação' : 'Instagram',
      tags: at % 4 ? [] : ['convênio', 'prefere manhã'],
      notes:
        at % 3
          ? ''
          : 'Alérgica a dipirona. Prefere ser chamada pelo segundo nome e pede para confirmar por áudio.',
      patients: at % 5 ? [] : ['Theo', 'Mel (cadela)'],
      is_blocked: row.is_blocked,
      visits,
      older_visits: this.elsewhere.people.has(row.contact_id) ? 'elsewhere' : 'nothing',
      no_show_count: at % 4 === 1 ? 2 : 0,
      lead: lead
        ? {
            id: lead.id,
            title: lead.title,
            stage: this.stages.find((stage) => stage.id === lead.stage_id)?.name ?? '',
          }
        : null,
    };
  }

  #today(): number {
    return Math.floor((this.#now + zone) / day) * day - zone;
  }

  #fillInbox(size: number): void {
    const roll = dice(7);
    for (let at = 0; at < size; at++) {
      const id = `conv-${at}`;
      const name =
        names[at % names.length] + (at >= names.length ? ` ${Math.floor(at / names.length) + 1}` : '');
      const waits = at % 3 !== 2;
      const since = this.#now - [3, 12, 31, 47, 75, 140, 380, 1500][at % 8]! * minute - at * 20_000;
      const bot = at % 5 === 3;
      const thread = this.#thread(id, at, since, waits, roll);
      const last = thread.at(-1)!;
      this.messages.set(id, thread);
      this.conversations.push({
        id,
        contact_id: `contact-${at}`,
        name,
        phone: at % 9 === 6 ? null : `(11) 9${8000 + at * 37}-${String(1000 + ((at * 7919) % 9000))}`,
        preview: last.body,
        last_kind: last.kind,
        last_direction: last.direction,
        last_message_at: last.sent_at,
        waiting_since: waits && !bot ? last.sent_at : null,
        unread_count: waits && !bot ? 1 + (at % 4) : 0,
        handler: bot ? 'bot' : 'person',
        status: at % 17 === 16 ? 'closed' : at % 13 === 12 ? 'snoozed' : 'open',
        snoozed_until: at % 17 !== 16 && at % 13 === 12 ? iso(this.#now + (at % 5) * day + hour) : null,
        came_back_at: null,
        marked_unread: false,
        is_blocked: false,
        is_mentioned: at === 1,
        opened_at: iso(Date.parse(last.sent_at) - 3 * hour),
        responded_at: at % 3 ? iso(Date.parse(last.sent_at) - 3 * hour + (2 + at) * minute) : null,
        closed_at: at % 17 === 16 ? iso(Date.parse(last.sent_at) - hour) : null,
        assignee_id: at % 4 === 0 ? 'me' : null,
        assignee: at % 4 === 0 ? 'Júlia Andrade' : null,
        priority: at === 2 ? 'urgent' : at === 9 ? 'high' : 'normal',
        labels: at % 6 === 1 ? ['convênio', 'retorno'] : at % 6 === 4 ? ['orçamento'] : [],
        state: at === 4 ? 'pending' : at === 7 ? 'parked' : 'confirmed',
      });
    }
  }

  /** Gives the first conversation so many messages, and as many that nobody has answered as it had. */
  #lengthen(count: number): void {
    const [row] = this.conversations;
    const last = row && this.messages.get(row.id)?.at(-1);
    if (last)
      this.messages.set(row.id, this.#thread(row.id, 0, Date.parse(last.sent_at), true, dice(7), count));
  }

  #thread(
    id: string,
    at: number,
    until: number,
    waits: boolean,
    roll: () => number,
    count = at === 0 ? 260 : 6 + Math.floor(roll() * 26),
  ): MessageRow[] {
    const thread: MessageRow[] = [];
    let when = until;
    for (let index = count - 1; index >= 0; index--) {
      const inbound = index === count - 1 ? waits : roll() < 0.55;
      const text = inbound
        ? lines[Math.floor(roll() * lines.length)]!
        : answers[Math.floor(roll() * answers.length)]!;
      thread.unshift({
        ...blank,
        id: `${id}-m${String(index).padStart(4, '0')}`,
        direction: inbound ? 'inbound' : 'outbound',
        sender_kind: inbound ? 'contact' : roll() < 0.35 ? 'bot' : 'member',
        sender_name: inbound ? null : 'Júlia Andrade',
        body: text,
        status: inbound
          ? 'received'
          : (['read', 'read', 'delivered', 'sent'] as const)[Math.floor(roll() * 4)]!,
        sent_at: iso(when),
      });
      when -= (roll() < 0.6 ? 1 + roll() * 6 : 40 + roll() * 900) * minute;
    }
    const put = (from: number, change: Partial<MessageRow>) => {
      const message = thread[thread.length - from];
      if (message) Object.assign(message, change);
    };
    if (at === 1 || at === 0) {
      put(3, {
        kind: 'audio',
        body: '',
        direction: 'inbound',
        sender_kind: 'contact',
        attachment: { ...nothing, seconds: 17, mime_type: 'audio/ogg', voice: true },
      });
      put(4, {
        kind: 'image',
        body: 'segue a foto do exame',
        direction: 'inbound',
        sender_kind: 'contact',
        attachment: { ...nothing, size_bytes: 284_000, mime_type: 'image/jpeg' },
        reactions: [{ emoji: '👍', from_me: true }],
      });
      put(5, {
        direction: 'outbound',
        sender_kind: 'member',
        sender_name: 'Júlia Andrade',
        body: 'Pode mandar por aqui mesmo.',
        quoted: {
          id: thread[thread.length - 8]?.id ?? null,
          preview: 'Preciso levar o exame impresso?',
          direction: 'inbound',
          kind: 'text',
        },
        status: 'read',
        edited: true,
      });
      put(6, {
        direction: 'internal',
        sender_kind: 'member',
        sender_name: 'Júlia Andrade',
        body: 'Mãe da Theo, já veio em março. @Júlia Andrade, confira a carteirinha antes de confirmar.',
        mentions: [{ id: 'me', name: 'Júlia Andrade' }],
        is_quotable: false,
      });
    }
    if (at === 1) {
      put(2, {
        direction: 'outbound',
        sender_kind: 'member',
        sender_name: 'Júlia Andrade',
        body: 'Chegou certinho, obrigada!',
        status: 'failed',
        error_code: 'not_on_whatsapp',
        error_text: 'exists: false',
      });
    }
    if (at === 2 || at === 5) {
      put(2, {
        kind: 'location',
        body: 'Estação Trianon, Av. Paulista, 1578, São Paulo',
        direction: 'inbound',
        sender_kind: 'contact',
        attachment: {
          ...nothing,
          latitude: -23.5614,
          longitude: -46.6559,
          title: 'Estação Trianon',
          address: 'Av. Paulista, 1578, São Paulo',
        },
      });
      put(3, {
        kind: 'document',
        body: '',
        direction: 'inbound',
        sender_kind: 'contact',
        attachment: {
          ...nothing,
          file_name: 'resultado-exame-de-sangue-completo-novembro.pdf',
          size_bytes: 1_240_000,
          mime_type: 'application/pdf',
        },
      });
      put(4, {
        kind: 'unsupported',
        body: '',
        direction: 'inbound',
        sender_kind: 'contact',
        attachment: { ...nothing, original_kind: at === 2 ? 'newsletterMessage' : 'callLogMesssage' },
      });
      put(5, {
        kind: 'contact',
        body: 'Marcos (irmão), Dra. Paula',
        direction: 'inbound',
        sender_kind: 'contact',
        attachment: {
          ...nothing,
          title: 'Marcos (irmão)',
          cards: [
            { name: 'Marcos (irmão)', phones: ['(11) 97777-1234', 'ramal 12'] },
            { name: 'Dra. Paula', phones: [] },
          ],
        },
      });
      put(6, { revoked: true, direction: 'inbound', sender_kind: 'contact' });
      put(7, {
        kind: 'poll',
        body: 'Qual dia é melhor?',
        direction: 'inbound',
        sender_kind: 'contact',
        attachment: {
          ...nothing,
          title: 'Qual dia é melhor?',
          options: ['Terça de manhã', 'Quinta à tarde'],
          votes: [
            { from_me: false, options: at === 2 ? ['Quinta à tarde'] : null },
            { from_me: true, options: ['Quinta à tarde'] },
          ],
        },
      });
      put(8, {
        kind: 'unsupported',
        body: at === 2 ? 'Quinta à tarde' : '',
        direction: 'inbound',
        sender_kind: 'contact',
        attachment: {
          ...nothing,
          original_kind: 'pollUpdateMessage',
          votes: [{ from_me: false, options: at === 2 ? ['Quinta à tarde'] : null }],
        },
      });
    }
    if (at === 7) putFiles(put);
    if (at === 20) put(1, { body: 'مرحبا، هل لديكم موعد غدا؟ Obrigado!' });
    return thread;
  }

  #fillAgenda(): void {
    this.professionals = [
      { id: 'pro-1', name: 'Dra. Helena Lima', specialty: 'Clínica geral', color: 1 },
      { id: 'pro-2', name: 'Dr. Rui Castanho', specialty: 'Odontologia', color: 2 },
      { id: 'pro-3', name: 'Paula Mendonça de Albuquerque', specialty: 'Fisioterapia', color: 3 },
    ];
    const roll = dice(21);
    let count = 0;
    for (let offset = -7; offset <= 14; offset++) {
      const midnight = this.#today() + offset * day;
      const weekday = new Date(midnight + zone).getUTCDay();
      if (weekday === 0) continue;
      for (const [at, professional] of this.professionals.entries()) {
        if (weekday === 6 && at > 0) continue;
        let clockHour = 8 + at * 0.5;
        while (clockHour < (weekday === 6 ? 12 : 17.5)) {
          if (clockHour >= 12 && clockHour < 13 + at * 0.5) {
            clockHour = 13 + at * 0.5;
            continue;
          }
          const length = [0.25, 0.5, 0.5, 0.75, 1][Math.floor(roll() * 5)]!;
          const blocked = offset === 0 && at === 1 && clockHour + length > 15 && clockHour < 16.5;
          if (roll() < 0.72 && !blocked && !(clockHour < 12 && clockHour + length > 12)) {
            const starts = midnight + clockHour * hour;
            const gone = starts + length * hour < this.#now;
            const dieNow = roll();
            const status = gone
              ? dieNow < 0.1
                ? 'no_show'
                : dieNow < 0.16
                  ? 'cancelled'
                  : 'completed'
              : starts < this.#now
                ? 'in_service'
                : starts - this.#now < 20 * minute && offset === 0
                  ? 'arrived'
                  : dieNow < 0.45
                    ? 'confirmed'
                    : dieNow < 0.5
                      ? 'cancelled'
                      : 'scheduled';
            const index = count % 60;
            this.visits.push({
              id: `visit-${count}`,
              starts_at: iso(starts),
              ends_at: iso(starts + length * hour),
              professional_id: professional.id,
              room: at === 1 ? 'Sala 2' : 'Sala 1',
              service: services[Math.floor(roll() * services.length)]!,
              patient: names[count % names.length]!,
              contact_id: `contact-${index}`,
              phone: '(11) 98888-7777',
              status,
              squeezed_in: count % 29 === 11,
              squeeze_reason: count % 29 === 11 ? 'Dor forte' : null,
              notes: count % 8 === 0 ? 'Trazer exames anteriores.' : '',
              no_show_count: count % 7 === 3 ? 2 : 0,
              state: count % 41 === 20 ? 'pending' : count % 67 === 44 ? 'parked' : 'confirmed',
            });
            count++;
          }
          clockHour += length;
        }
      }
    }
  }

  #fillLeads(size: number): void {
    this.stages = [
      { id: 's1', name: 'novo', kind: 'open' },
      { id: 's2', name: 'em contato', kind: 'open' },
      { id: 's3', name: 'agendado', kind: 'open' },
      { id: 's4', name: 'fechado', kind: 'won' },
      { id: 's5', name: 'perdido', kind: 'lost' },
    ];
    const roll = dice(3);
    for (let at = 0; at < size * 2; at++) {
      const stage = this.stages[at < 40 ? 0 : Math.floor(roll() * 5)]!;
      const talks = at < this.conversations.length;
      this.leads.push({
        id: `lead-${at}`,
        stage_id: stage.id,
        contact_id: `contact-${at}`,
        name: names[(at * 5) % names.length]!,
        title: wants[at % wants.length]!,
        value_cents: at % 6 === 5 ? null : (180 + Math.floor(roll() * 40) * 100) * 100,
        source: ['Instagram', 'Indicação', 'Google', null][at % 4]!,
        stage_entered_at: iso(this.#now - Math.floor(roll() * 12) * day - hour),
        next_action: at % 3 === 0 ? 'Ligar de volta' : at % 3 === 1 ? 'Mandar orçamento' : null,
        next_action_at: at % 3 === 0 ? iso(this.#now + ((at % 5) - 2) * day) : null,
        owner: at % 4 ? 'Júlia Andrade' : null,
        last_message: at % 5 ? lines[at % lines.length]! : null,
        conversation_id: talks ? `conv-${at}` : null,
        loss_reason: stage.kind === 'lost' ? 'Preço' : null,
        loss_reason_id: stage.kind === 'lost' ? 'r1' : null,
        loss_note: null,
        state: at === 3 ? 'pending' : at === 5 ? 'parked' : 'confirmed',
      });
    }
  }
}

const blank: MessageRow = {
  id: '',
  direction: 'inbound',
  sender_kind: 'contact',
  sender_name: null,
  kind: 'text',
  body: '',
  status: 'received',
  error_code: null,
  error_text: null,
  sent_at: '',
  scheduled_for: null,
  delivered_at: null,
  read_at: null,
  edited: false,
  revoked: false,
  quoted: null,
  is_quotable: true,
  mentions: [],
  reactions: [],
  attachment: null,
  state: 'confirmed',
};
