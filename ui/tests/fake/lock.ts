import type { Commands, LockSettings, Session } from '../../src/lib/bridge';

type Names = 'get_lock' | 'change_lock' | 'lock_now' | 'note_presence' | 'unlock';
type Answers = { [K in Names]: (payload: Commands[K]['request']) => Commands[K]['response'] };

/** The lock of an invented clinic. */
export class FakeLock {
  session: Extract<Session, { state: 'locked' }> | undefined;
  #pin = '';
  #settings: LockSettings = { way: 'none', offers_account: false, minutes: 0 };
  /** Whether this computer can ask who its account belongs to, and whether that person sits here. */
  account: { proven: boolean } | undefined;
  #tell: () => void;

  constructor(tell: () => void) {
    this.#tell = tell;
  }

  /** Locked screens are told nothing but what they are opened with. */
  refuses(command: keyof Commands): boolean {
    return this.session !== undefined && !['get_session', 'get_preferences', 'unlock'].includes(command);
  }

  readonly answers: Answers = {
    get_lock: () => ({ ...this.#settings, offers_account: this.account !== undefined }),
    change_lock: ({ current_pin, way, new_pin, minutes }) => {
      this.#prove(current_pin);
      if (way === 'account' && !this.account?.proven) throw notProven();
      this.#pin = new_pin ?? this.#pin;
      this.#settings = { ...this.#settings, way, minutes: way === 'none' ? 0 : minutes };
      this.#tell();
      return this.#settings;
    },
    lock_now: () => {
      const { way } = this.#settings;
      if (way !== 'none')
        this.session = { state: 'locked', clinic_name: 'Clínica Acácia', way, wait_seconds: 0 };
      this.#tell();
      return {};
    },
    note_presence: () => ({}),
    unlock: ({ pin }) => {
      this.#prove(pin);
      this.session = undefined;
      this.#tell();
      return {};
    },
  };

  #prove(pin: string | null) {
    if (this.#settings.way === 'pin' && pin !== this.#pin) throw wrong();
    if (this.#settings.way === 'account' && !this.account?.proven) throw notProven();
  }
}

const notProven = () => ({ code: 'account_not_proven', message: '', reference: null });
const wrong = () => ({ code: 'wrong_pin', message: '', reference: '0' });
