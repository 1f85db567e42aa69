import type {
  Agenda,
  ApiError,
  BookingPatient,
  Commands,
  ConversationRow,
  FreeTime,
  Visit,
} from '../../src/lib/bridge/bindings';
import { services } from './people.ts';

type Answers = Pick<
  { [K in keyof Commands]: (payload: Commands[K]['request']) => Commands[K]['response'] },
  'get_booking' | 'find_times' | 'book_appointment' | 'undo_booking' | 'list_awaited'
>;

const minute = 60_000;
const day = 24 * 60 * minute;
const iso = (at: number) => new Date(at).toISOString();
const weekdays = ['domingo', 'segunda', 'terça', 'quarta', 'quinta', 'sexta', 'sábado'];

/** What the invented clinic knows of its agenda. */
export interface Book {
  rows: () => ConversationRow[];
  visits: () => Visit[];
  agenda: (from: string, days: number) => Agenda;
  /** Queues a visit; it is confirmed a moment later. */
  queue: (kind: string, visit: Visit) => void;
  changed: () => void;
  refuse: (code: string) => ApiError;
}

/** Booking in the invented clinic: every service with everybody, no rooms. */
export class FakeBooking {
  /** By person; others have none. */
  readonly patients = new Map<string, BookingPatient[]>([
    ['contact-0', [{ id: 'patient-0', name: 'Theo' }]],
    ['contact-4', [{ id: 'patient-4', name: 'Luciana Prado' }]],
  ]);
  isVeterinary = false;
  /** Why the clinic has not taken what was booked here; a visit that is in here is parked. */
  readonly refused = new Map<string, string>();
  readonly #texts = new Map<string, string>();
  /** People who are their own patients. */
  readonly #own = new Set(['contact-4']);
  #count = 0;

  readonly #book: Book;

  constructor(book: Book) {
    this.#book = book;
  }

  #row(conversation: string): ConversationRow {
    const row = this.#book.rows().find((each) => each.id === conversation);
    if (!row) throw this.#book.refuse('not_found');
    return row;
  }

  #free({ service_id, professional_id, from, after }: Commands['find_times']['request']): FreeTime[] {
    const length = this.#minutes(service_id) * minute;
    const start = Math.max(
      Date.now() + 30 * minute,
      from ? Date.parse(`${from}T03:00:00Z`) : 0,
      after ? Date.parse(after) : 0,
    );
    const agenda = this.#book.agenda(iso(start - 3 * 60 * minute).slice(0, 10), 21);
    const quarter = (at: number) => Math.ceil(at / (15 * minute)) * 15 * minute;
    const inTheWay = (who: string, at: number) =>
      [...agenda.visits, ...agenda.closures].some(
        (each) =>
          each.professional_id === who &&
          !('status' in each && (['cancelled', 'no_show'].includes(each.status) || each.squeezed_in)) &&
          Date.parse(each.starts_at) < at + length &&
          Date.parse(each.ends_at) > at,
      );
    const found: FreeTime[] = [];
    let next = start;
    while (found.length < 3) {
      const firsts = agenda.professionals
        .filter((each) => !professional_id || each.id === professional_id)
        .flatMap((each) => {
          for (const open of agenda.working_hours.filter((span) => span.professional_id === each.id))
            for (
              let at = quarter(Math.max(next, Date.parse(open.starts_at)));
              at + length <= Date.parse(open.ends_at);
              at += 15 * minute
            )
              if (!inTheWay(each.id, at)) return [{ at, who: each }];
          return [];
        })
        .sort((one, other) => one.at - other.at);
      const first = firsts[0];
      if (!first) break;
      found.push({
        starts_at: iso(first.at),
        ends_at: iso(first.at + length),
        professional_id: first.who.id,
        professional: first.who.name,
      });
      next = first.at + length;
    }
    return found;
  }

  #minutes = (service: string | null): number =>
    service ? [30, 15, 45, 60][Number(service.split('-')[1]) % 4]! : 30;

  #when(instant: string): string {
    const at = new Date(Date.parse(instant) - 3 * 60 * minute).toISOString();
    const weekday = weekdays[new Date(at).getUTCDay()];
    return `${at.slice(8, 10)}/${at.slice(5, 7)} (${weekday}) às ${at.slice(11, 16)}`;
  }

  readonly answers: Answers = {
    get_booking: ({ conversation_id }) => {
      const row = this.#row(conversation_id);
      const { professionals } = this.#book.agenda(iso(Date.now()).slice(0, 10), 1);
      return {
        patients: this.patients.get(row.contact_id) ?? [],
        own_name: this.isVeterinary || this.#own.has(row.contact_id) ? null : row.name,
        is_veterinary: this.isVeterinary,
        services: services.map((name, at) => ({
          id: `service-${at}`,
          name,
          minutes: this.#minutes(`service-${at}`),
          professional_ids: professionals.map((each) => each.id),
        })),
        usual_service_id: 'service-0',
        professionals: professionals.map(({ id, name, color }) => ({ id, name, color })),
      };
    },
    find_times: (request) => {
      const name = this.#row(request.conversation_id).name.split(' ')[0];
      const times = this.#free(request);
      const lines = times.map((time) => `• ${this.#when(time.starts_at)}, com ${time.professional}`);
      return {
        times,
        text: times.length
          ? [`${name}, tenho estes horários livres:`, ...lines, 'Qual fica melhor para você?'].join('\n')
          : '',
        until: iso(Date.now() + 21 * day).slice(0, 10),
        coverage: 'whole',
      };
    },
    book_appointment: (request) => {
      const { conversation_id, book_for, service_id, professional_id, starts_at } = request;
      const row = this.#row(conversation_id);
      const time = this.#free({
        conversation_id,
        service_id,
        professional_id,
        from: null,
        after: starts_at,
      })[0];
      if (time?.starts_at !== starts_at) throw this.#book.refuse('slot_taken');
      const known = this.patients.get(row.contact_id) ?? [];
      const patient =
        book_for.kind === 'new'
          ? book_for.name
          : book_for.kind === 'person'
            ? row.name
            : (known.find((each) => each.id === book_for.patient_id)?.name ?? '');
      if (book_for.kind !== 'patient') {
        this.patients.set(row.contact_id, [...known, { id: `patient-new-${known.length}`, name: patient }]);
        if (book_for.kind === 'person') this.#own.add(row.contact_id);
      }
      const visit: Visit = {
        id: `booked-${++this.#count}`,
        starts_at,
        ends_at: time.ends_at,
        professional_id,
        room: null,
        service: services[Number(service_id?.split('-')[1] ?? 0)] ?? null,
        patient,
        contact_id: row.contact_id,
        phone: row.phone,
        status: 'scheduled',
        squeezed_in: false,
        squeeze_reason: null,
        notes: '',
        no_show_count: 0,
        state: 'pending',
      };
      const first = row.name.split(' ')[0];
      const whose = patient === row.name ? '' : ` para ${patient}`;
      const text = `${first}, ficou marcado${whose}: ${this.#when(starts_at)}, com ${time.professional}. Se precisar mudar, é só avisar por aqui.`;
      this.#texts.set(visit.id, text);
      this.#book.visits().push(visit);
      this.#book.queue('book_appointment', visit);
      const patient_added = book_for.kind === 'patient' ? null : `patient-new-${known.length}`;
      return { appointment_id: visit.id, text, patient_added };
    },
    list_awaited: ({ conversation_id }) => {
      const { contact_id } = this.#row(conversation_id);
      const own = this.#book.visits().filter((each) => each.contact_id === contact_id);
      const awaited = own.filter(({ id, state }) => this.#texts.has(id) && state !== 'confirmed');
      return {
        visits: awaited.map(({ id, patient, starts_at }) => ({
          appointment_id: id,
          patient,
          starts_at,
          refused: this.refused.get(id) ?? null,
          text: this.#texts.get(id) ?? '',
        })),
      };
    },
    undo_booking: ({ appointment_id, patient_added }) => {
      const visit = this.#book.visits().find((each) => each.id === appointment_id);
      if (!visit) throw this.#book.refuse('not_found');
      const known = this.patients.get(visit.contact_id) ?? [];
      this.patients.set(
        visit.contact_id,
        known.filter((each) => each.id !== patient_added),
      );
      visit.status = 'cancelled';
      this.#book.changed();
      return { operation_id: null, entity_id: appointment_id };
    },
  };
}
