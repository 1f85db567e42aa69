import type { OpeningHours, Practice, ServerFindings, StartLocalClinic } from '$lib/bridge';

/** A row of a list that grows while it is written; what has no name is left out. */
export interface Row {
  name: string;
  more: string;
}

/** What was written in the assistant so far; kept while people go back and forth. Never the administrator's address. */
class Draft {
  clinic = $state('');
  owner = $state('');
  vertical = $state('human');
  timeZone = $state('America/Sao_Paulo');

  days = $state([true, true, true, true, true, false, false]);
  opens = $state('08:00');
  closes = $state('18:00');
  pauses = $state(false);
  pauseBegins = $state('12:00');
  pauseEnds = $state('13:00');
  professionals = $state<Row[]>([]);
  services = $state<Row[]>([]);
  rooms = $state<Row[]>([]);

  found = $state.raw<ServerFindings>();
  #suggestedFor = '';

  /** Puts in what most clinics of this kind have, unless somebody has begun to write. */
  suggest(): void {
    const about = `${this.vertical}/${this.owner}`;
    if (this.#suggestedFor === about) return;
    if (this.#suggestedFor.split('/')[0] !== this.vertical) {
      const usual = suggestions[this.vertical] ?? suggestions.other!;
      this.services = usual.services.map(([name, minutes]) => ({ name, more: String(minutes) }));
      this.rooms = [{ name: usual.room, more: '' }];
    }
    if (this.professionals.length < 2) this.professionals = [{ name: this.owner.trim(), more: '' }];
    this.#suggestedFor = about;
  }

  /** Goes on with what an interrupted set-up had asked for. */
  resume(clinic: StartLocalClinic): void {
    this.clinic = clinic.clinic_name;
    this.owner = clinic.owner_name;
    this.vertical = clinic.vertical;
    this.timeZone = clinic.time_zone;
    const { hours, professionals, services, rooms } = clinic.practice;
    if (!hours.length && !professionals.length && !services.length && !rooms.length) return;
    this.#resumeHours(hours);
    this.professionals = professionals.map((each) => ({ name: each.name, more: each.specialty ?? '' }));
    this.services = services.map((each) => ({ name: each.name, more: String(each.duration_minutes) }));
    this.rooms = rooms.map((name) => ({ name, more: '' }));
    this.#suggestedFor = `${this.vertical}/${this.owner}`;
  }

  /** Every day that is open has the same hours here, because that is how they were written. */
  #resumeHours(hours: OpeningHours[]): void {
    this.days = this.days.map((_, day) => hours.some((span) => span.weekday === day + 1));
    const spans = hours
      .filter((span) => span.weekday === hours[0]!.weekday)
      .sort((one, other) => one.starts_minute - other.starts_minute);
    const [first, last] = [spans[0], spans.at(-1)];
    if (!first || !last) return;
    this.opens = clock(first.starts_minute);
    this.closes = clock(last.ends_minute);
    this.pauses = spans.length > 1;
    if (this.pauses)
      [this.pauseBegins, this.pauseEnds] = [clock(first.ends_minute), clock(last.starts_minute)];
  }

  wish(withPractice: boolean): StartLocalClinic {
    return {
      clinic_name: this.clinic.trim(),
      owner_name: this.owner.trim(),
      time_zone: this.timeZone,
      vertical: this.vertical,
      practice: withPractice ? this.#practice() : { hours: [], professionals: [], services: [], rooms: [] },
    };
  }

  /** What is wrong with the hours, if something is. */
  get hoursFit(): boolean {
    return this.#spans().every(([begins, ends]) => begins < ends);
  }

  #spans(): [number, number][] {
    const [opens, closes] = [minutes(this.opens), minutes(this.closes)];
    if (!this.pauses) return [[opens, closes]];
    return [
      [opens, minutes(this.pauseBegins)],
      [minutes(this.pauseEnds), closes],
    ];
  }

  #practice(): Practice {
    const named = (rows: Row[]) => rows.filter((row) => row.name.trim());
    return {
      hours: this.days.flatMap((open, day) =>
        open
          ? this.#spans().map(([starts_minute, ends_minute]) => ({
              weekday: day + 1,
              starts_minute,
              ends_minute,
            }))
          : [],
      ),
      professionals: named(this.professionals).map((row) => ({
        name: row.name.trim(),
        specialty: row.more.trim() || null,
      })),
      services: named(this.services).map((row) => ({
        name: row.name.trim(),
        duration_minutes: Math.min(1440, Math.max(5, Math.round(Number(row.more)) || 30)),
        price_cents: null,
      })),
      rooms: named(this.rooms).map((row) => row.name.trim()),
    };
  }
}

/** Minutes since midnight. */
function minutes(time: string): number {
  const [hours, rest] = time.split(':').map(Number);
  return (hours ?? 0) * 60 + (rest ?? 0);
}

/** The time at so many minutes since midnight. */
function clock(minutes: number): string {
  return [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')).join(':');
}

/** Names that go into the clinic, in its language. */
const suggestions: Record<string, { services: [string, number][]; room: string }> = {
  human: {
    services: [
      ['Consulta', 30],
      ['Retorno', 20],
      ['Exame', 30],
    ],
    room: 'Consultório 1',
  },
  dental: {
    services: [
      ['Avaliação', 30],
      ['Limpeza', 40],
      ['Restauração', 60],
    ],
    room: 'Cadeira 1',
  },
  veterinary: {
    services: [
      ['Consulta', 30],
      ['Vacina', 15],
      ['Retorno', 20],
    ],
    room: 'Consultório 1',
  },
  other: { services: [['Atendimento', 60]], room: 'Sala 1' },
};

export const draft = new Draft();
