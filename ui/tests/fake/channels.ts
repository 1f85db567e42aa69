import type {
  ApiError,
  ChannelAlarm,
  ChannelDetails,
  ChannelPairing,
  ChannelTrial,
  ChannelTrialStep,
  ChannelWish,
  Commands,
  WorkHolder,
} from '../../src/lib/bridge/bindings';

const names = ['address', 'tls', 'key', 'instance', 'state', 'stream'];

/** What each step shows of a connection that works. */
const facts: Record<string, Record<string, string>> = {
  address: { host: 'evo.clinica.com.br' },
  tls: { protection: 'system' },
  instance: { others: '0' },
  state: { state: 'connected', needs_pairing: 'false' },
};

/** A trial in which one step fails; without one, all is well. */
export function inventedTrial(
  failing?: string,
  code?: string,
  seen: Record<string, Record<string, string>> = {},
): ChannelTrial {
  let state = 'ok';
  const steps = names.map((step): ChannelTrialStep => {
    if (step === failing) {
      state = 'not_reached';
      return { step, state: 'failed', code: code ?? 'gateway_unreachable', facts: {} };
    }
    return { step, state, code: null, facts: state === 'ok' ? { ...facts[step], ...seen[step] } : {} };
  });
  return { is_running: false, steps };
}

export const wish: ChannelWish = {
  name: 'Recepção',
  kind: 'evolution',
  url: 'https://evo.clinica.com.br',
  instance: 'recepcao',
  relay_url: null,
  ca_pem: null,
  per_instance: false,
  pace: 'calm',
  daily_cap: 400,
  typing: true,
  read_receipts: false,
};

/** A connection that is well. */
export function inventedChannel(now: number, otherwise: Partial<ChannelDetails> = {}): ChannelDetails {
  const ago = (minutes: number) => new Date(now - minutes * 60_000).toISOString();
  return {
    id: 'channel',
    wish,
    phone: '(11) 98888-0000',
    active: true,
    removed: false,
    has_address: true,
    status: 'connected',
    needs_pairing: false,
    problem: null,
    key: 'here',
    last_inbound_at: ago(3),
    last_ack_at: ago(4),
    acks_missing_since: null,
    last_sweep_at: ago(5),
    unknown_outcomes: 0,
    ...otherwise,
  };
}

/** What a test puts the connections into. */
export interface ChannelScenario {
  channels?: Partial<ChannelDetails>[];
  may_change?: boolean;
  may_work?: boolean;
  holder?: Partial<WorkHolder> | null;
  /** What a trial comes to. */
  trial?: ChannelTrial;
  /** What pairing shows. */
  pairing?: Partial<ChannelPairing>;
}

type Answers = { [K in keyof Commands]: (payload: Commands[K]['request']) => Commands[K]['response'] };

/** The connections of an invented clinic. A trial comes to what a test has put there. */
export class FakeChannels {
  channels: ChannelDetails[] = [];
  may = { may_change: true, may_work: true };
  holder: WorkHolder | null = null;
  found: ChannelTrial = inventedTrial();
  pairing: ChannelPairing = { id: null, state: '', picture: null, typed: null, problem: null };
  #after: Partial<ChannelPairing> = { state: 'code', picture: { size: 21, path: 'M0 0h7v1h-7z' } };
  #trial: ChannelTrial = { is_running: false, steps: [] };
  readonly #tell: () => void;
  readonly #now: () => number;
  readonly #refuse: (code: string, reference?: string | null) => ApiError;

  constructor(
    now: () => number,
    tell: () => void,
    refuse: (code: string, reference?: string | null) => ApiError,
  ) {
    this.#now = now;
    this.#tell = tell;
    this.#refuse = refuse;
  }

  set(scenario: ChannelScenario): void {
    const { channels, may_change, may_work, holder, trial, pairing } = scenario;
    if (channels)
      this.channels = channels.map((each, at) =>
        inventedChannel(this.#now(), { id: at === 0 ? 'channel' : `channel-${at}`, ...each }),
      );
    this.may = { may_change: may_change ?? this.may.may_change, may_work: may_work ?? this.may.may_work };
    if (holder !== undefined) this.holder = holder && { ...this.#holds(), ...holder };
    else if (channels?.length) this.holder ??= this.#holds();
    if (trial) this.found = trial;
    if (pairing) {
      this.#after = pairing;
      if (this.pairing.id) this.pairing = { ...this.pairing, ...pairing };
    }
    this.#tell();
  }

  #holds(): WorkHolder {
    const since = new Date(this.#now() - 3 * 3_600_000).toISOString();
    return {
      name: 'Recepção 1',
      since,
      seen_at: new Date(this.#now() - 30_000).toISOString(),
      is_working: true,
      is_this: false,
    };
  }

  #alarms(): ChannelAlarm[] {
    const used = this.channels.filter((channel) => channel.active && channel.has_address);
    const alarm = ({ id, wish: { name } }: ChannelDetails, code: string, since: string | null) => ({
      id,
      name,
      code,
      since,
    });
    return [
      ...used.flatMap((each) =>
        each.acks_missing_since ? [alarm(each, 'acks_missing', each.acks_missing_since)] : [],
      ),
      ...used.flatMap((each) => (each.problem ? [alarm(each, each.problem, null)] : [])),
    ];
  }

  #known(id: string): ChannelDetails {
    const known = this.channels.find((channel) => channel.id === id);
    if (!known) throw this.#refuse('channel_gone');
    return known;
  }

  #change(id: string, otherwise: Partial<ChannelDetails>): Record<string, never> {
    this.#known(id);
    this.channels = this.channels.map((each) => (each.id === id ? { ...each, ...otherwise } : each));
    this.#tell();
    return {};
  }

  readonly answers: Pick<
    Answers,
    | 'get_channels'
    | 'get_channel_health'
    | 'add_channel'
    | 'change_channel'
    | 'keep_channel_keys'
    | 'use_channel'
    | 'remove_channel'
    | 'try_channel'
    | 'get_channel_trial'
    | 'pair_channel'
    | 'get_pairing'
    | 'end_pairing'
  > = {
    get_channels: () => ({ ...this.may, channels: this.channels }),
    get_channel_health: () => ({
      in_use: this.channels.filter((channel) => channel.active && channel.has_address).length,
      holder: this.holder,
      alarms: this.#alarms(),
    }),
    add_channel: ({ wish: added, make_instance }) => {
      if (this.channels.some((channel) => channel.wish.name === added.name))
        throw this.#refuse('channel_name_taken', 'name');
      const id = `added-${this.channels.length}`;
      const paired = !make_instance && this.found.steps[4]?.facts['state'] === 'connected';
      const fresh = {
        id,
        wish: added,
        phone: null,
        last_inbound_at: null,
        last_ack_at: null,
        last_sweep_at: null,
      };
      this.channels = [
        ...this.channels,
        inventedChannel(this.#now(), {
          ...fresh,
          status: paired ? 'connected' : 'disconnected',
          needs_pairing: !paired,
        }),
      ];
      this.#tell();
      return { id };
    },
    change_channel: ({ id, wish: changed, keys }) =>
      this.#change(id, { wish: changed, has_address: true, ...(keys ? { key: 'here' } : {}) }),
    keep_channel_keys: ({ id }) => this.#change(id, { key: 'here' }),
    use_channel: ({ id, active }) => this.#change(id, active ? { active, removed: false } : { active }),
    remove_channel: ({ id }) => {
      const known = this.#known(id);
      if (known.last_inbound_at) {
        this.#change(id, { active: false, removed: true, key: 'missing' });
        return { outcome: 'retired' };
      }
      this.channels = this.channels.filter((each) => each !== known);
      this.#tell();
      return { outcome: 'gone' };
    },
    try_channel: ({ wish: tried }) => {
      if (!/^https?:\/\//.test(tried.url)) throw this.#refuse('bad_address', 'url');
      this.#trial = {
        is_running: true,
        steps: names.map((step) => ({
          step,
          state: step === 'address' ? 'running' : 'waiting',
          code: null,
          facts: {},
        })),
      };
      setTimeout(() => {
        this.#trial = structuredClone(this.found);
        this.#tell();
      }, 50);
      return structuredClone(this.#trial);
    },
    get_channel_trial: () => structuredClone(this.#trial),
    pair_channel: ({ id, number }) => {
      if (this.#known(id).key !== 'here') throw this.#refuse('no_key');
      if (number && number.replace(/\D/g, '').length < 10) throw this.#refuse('bad_phone', 'number');
      this.pairing = { id, state: 'asking', picture: null, typed: null, problem: null };
      setTimeout(() => {
        if (this.pairing.id !== id) return;
        const typed = number && this.#after.state === 'code' ? 'BALC-0042' : null;
        this.pairing = { ...this.pairing, typed, ...this.#after };
        this.#tell();
      }, 50);
      return structuredClone(this.pairing);
    },
    get_pairing: () => structuredClone(this.pairing),
    end_pairing: () => {
      this.pairing = { id: null, state: '', picture: null, typed: null, problem: null };
      return {};
    },
  };
}
