import type { Commands, Diagnosis, DiagnosisStep, Sharing } from '../../src/lib/bridge/bindings';

const names = ['name', 'port', 'tls', 'login', 'version', 'clock'];

/** What each step shows on a way that can be taken. */
const facts: Record<string, Record<string, string>> = {
  name: { host: '192.168.0.10', addresses: '192.168.0.10' },
  port: { host: '192.168.0.10', port: '55320' },
  tls: { protection: 'pinned' },
  login: {},
  version: { server: '18', schema: '15', known_schema: '15' },
  clock: { seconds: '1' },
};

/** A way on which one step fails; without one, all is well. */
export function inventedDiagnosis(
  failing?: string,
  code?: string,
  seen: Record<string, string> = {},
): Diagnosis {
  let state = 'ok';
  const steps = names.map((step): DiagnosisStep => {
    if (step === failing) {
      state = 'not_reached';
      return { step, state: 'failed', code: code ?? 'unreachable', facts: { ...facts[step], ...seen } };
    }
    return { step, state, code: null, facts: state === 'ok' ? (facts[step] ?? {}) : {} };
  });
  return { is_running: false, steps };
}

type Answers = { [K in keyof Commands]: (payload: Commands[K]['request']) => Commands[K]['response'] };

/** Shares an invented clinic, and finds on the way to it what a test has put there. */
export class FakeNetwork {
  sharing: Sharing = {
    state: 'off',
    problem: null,
    addresses: ['192.168.0.10'],
    port: 55_320,
    fingerprint: null,
    is_announced: false,
    guests: [],
    firewall: {
      system: 'windows',
      command:
        'netsh advfirewall firewall add rule name="Balcao" dir=in action=allow protocol=TCP localport=55320 remoteip=localsubnet profile=private,domain',
      can_run: true,
    },
  };
  /** What a diagnosis comes to. */
  found: Diagnosis = inventedDiagnosis();
  /** Whether it stays under way. */
  slow = false;
  #shown: Diagnosis = { is_running: false, steps: [] };
  readonly #tell: () => void;
  readonly #now: () => number;

  constructor(now: () => number, tell: () => void) {
    this.#now = now;
    this.#tell = tell;
  }

  readonly answers: Pick<
    Answers,
    'get_sharing' | 'change_sharing' | 'open_firewall' | 'diagnose_connection' | 'get_diagnosis'
  > = {
    get_sharing: () => structuredClone(this.sharing),
    change_sharing: ({ on, port }) => {
      const used = port ?? this.sharing.port;
      const taken = on && used === 5432;
      this.sharing = {
        ...this.sharing,
        state: taken ? 'failed' : on ? 'on' : 'off',
        problem: taken ? { code: 'port_taken', message: '', reference: null } : null,
        port: used,
        fingerprint:
          on && !taken
            ? Array.from({ length: 32 }, (_, at) => (at * 37 + 161) % 256)
                .map(hex)
                .join(':')
            : null,
        is_announced: on && !taken,
        guests:
          on && !taken
            ? [
                {
                  address: '192.168.0.21',
                  since: new Date(this.#now() - 3_600_000).toISOString(),
                  connections: 2,
                },
              ]
            : [],
      };
      this.#tell();
      return structuredClone(this.sharing);
    },
    open_firewall: () => ({}),
    diagnose_connection: () => {
      this.#shown = {
        is_running: true,
        steps: names.map((step) => ({
          step,
          state: step === 'name' ? 'running' : 'waiting',
          code: null,
          facts: {},
        })),
      };
      if (!this.slow)
        setTimeout(() => {
          this.#shown = structuredClone(this.found);
          this.#tell();
        }, 50);
      return structuredClone(this.#shown);
    },
    get_diagnosis: () => structuredClone(this.#shown),
  };
}

const hex = (byte: number): string => byte.toString(16).toUpperCase().padStart(2, '0');
