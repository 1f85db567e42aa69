import type { Commands, LockSettings, Session } from '../../src/lib/bridge';

type Names = 'get_lock' | 'change_lock' | 'lock_now' | 'note_presence' | 'unlock';
type Answers = { [K in Names]: (payload: Commands[K]['request']) => Commands[K]['response'] };

/** The lock of an invented clinic. */
export class FakeLock {
  session: Extract<Session, { state: 'locked' }> | undefined;
  #pin = '';
  #settings: LockSettings = { has_pin: false, minutes: 0 };
  #tell: () => void;

  constructor(tell: () => void) {
    this.#tell = tell;
  }

  readonly answers: Answers = {
    get_lock: () => this.#settings,
    change_lock: ({ current_pin, new_pin, remove, minutes }) => {
      if (this.#settings.has_pin && current_pin !== this.#pin) throw wrong();
      this.#pin = new_pin ?? this.#pin;
      this.#settings = remove ? { has_pin: false, minutes: 0 } : { has_pin: true, minutes };
      this.#tell();
      return this.#settings;
    },
    lock_now: () => {
      if (this.#settings.has_pin)
        this.session = { state: 'locked', clinic_name: 'Clínica Acácia', wait_seconds: 0 };
      this.#tell();
      return {};
    },
    note_presence: () => ({}),
    unlock: ({ pin }) => {
      if (pin !== this.#pin) throw wrong();
      this.session = undefined;
      this.#tell();
      return {};
    },
  };
}

const wrong = () => ({ code: 'wrong_pin', message: '', reference: '0' });
