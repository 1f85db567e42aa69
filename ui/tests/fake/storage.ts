import type {
  ApiError,
  BucketDetails,
  BucketTrial,
  BucketTrialStep,
  Commands,
} from '../../src/lib/bridge/bindings';

const names = ['name', 'tls', 'key', 'write', 'read', 'delete'];
const seen: Record<string, string> = { name: 's3.clinica.com.br', tls: 'system' };

/** A trial in which one step fails; without one, all is well. */
export function inventedBucketTrial(failing?: string, code?: string): BucketTrial {
  let state = 'ok';
  const steps = names.map((step): BucketTrialStep => {
    if (step === failing) {
      state = 'not_reached';
      return { step, state: 'failed', code: code ?? 'bucket_unreachable', seen: null };
    }
    return { step, state, code: null, seen: state === 'ok' ? (seen[step] ?? null) : null };
  });
  return { is_running: false, steps };
}

/** A bucket that is well. */
export const bucket: BucketDetails = {
  wish: { endpoint: 'https://s3.clinica.com.br', bucket: 'aurora', region: 'us-east-1', after_days: 30 },
  emptying_since: null,
  problem: null,
  problem_since: null,
  files: 812,
  bytes: 1_460_000_000,
  leaving: 0,
  wanted: 0,
  failing: 0,
  deleting: 0,
};

/** What a test puts the storage into. */
export interface StorageScenario {
  bucket?: Partial<BucketDetails> | null;
  key?: string;
  may_work?: boolean;
  /** What a trial comes to. */
  trial?: BucketTrial;
}

type Answers = { [K in keyof Commands]: (payload: Commands[K]['request']) => Commands[K]['response'] };

/** Where files of an invented clinic are. A trial comes to what a test has put there. */
export class FakeStorage {
  bucket: BucketDetails | null = null;
  key = 'missing';
  may_work = true;
  found: BucketTrial = inventedBucketTrial();
  #trial: BucketTrial = { is_running: false, steps: [] };
  readonly #tell: () => void;
  readonly #refuse: (code: string, reference?: string | null) => ApiError;

  constructor(tell: () => void, refuse: (code: string, reference?: string | null) => ApiError) {
    this.#tell = tell;
    this.#refuse = refuse;
  }

  set(scenario: StorageScenario): void {
    if (scenario.bucket !== undefined) this.bucket = scenario.bucket && { ...bucket, ...scenario.bucket };
    this.key = scenario.key ?? (scenario.bucket ? 'here' : this.key);
    this.may_work = scenario.may_work ?? this.may_work;
    this.found = scenario.trial ?? this.found;
    this.#tell();
  }

  #change(otherwise: Partial<BucketDetails> | null, key = this.key): Record<string, never> {
    this.bucket = otherwise && { ...(this.bucket ?? { ...bucket, files: 0, bytes: 0 }), ...otherwise };
    this.key = key;
    this.#tell();
    return {};
  }

  readonly answers: Pick<
    Answers,
    | 'get_storage'
    | 'use_bucket'
    | 'keep_bucket_keys'
    | 'empty_bucket'
    | 'abandon_bucket'
    | 'try_bucket'
    | 'get_bucket_trial'
  > = {
    get_storage: () => ({ may_work: this.may_work, bucket: structuredClone(this.bucket), key: this.key }),
    use_bucket: ({ wish, keys }) => {
      const other = this.bucket && this.bucket.files > 0 && this.bucket.wish.bucket !== wish.bucket;
      if (other) throw this.#refuse('bucket_in_use', 'bucket');
      return this.#change(
        { wish, emptying_since: null, problem: null },
        keys && this.may_work ? 'here' : this.key,
      );
    },
    keep_bucket_keys: () => this.#change({ problem: null }, 'here'),
    empty_bucket: () => this.#change({ emptying_since: new Date().toISOString() }),
    abandon_bucket: () => {
      const lost = this.bucket?.files ?? 0;
      this.#change(null, 'missing');
      return { lost };
    },
    try_bucket: ({ wish }) => {
      if (!wish.endpoint.startsWith('https://')) throw this.#refuse('bucket_in_the_clear', 'endpoint');
      const waiting = (step: string) => ({
        step,
        state: step === 'name' ? 'running' : 'waiting',
        code: null,
        seen: null,
      });
      this.#trial = { is_running: true, steps: names.map(waiting) };
      setTimeout(() => {
        this.#trial = structuredClone(this.found);
        this.#tell();
      }, 50);
      return structuredClone(this.#trial);
    },
    get_bucket_trial: () => structuredClone(this.#trial),
  };
}
