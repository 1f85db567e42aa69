import type { BackupHealth, BackupState, Commands, Folders } from '../../src/lib/bridge/bindings';

const day = 86_400_000;

type Answers = { [K in keyof Commands]: (payload: Commands[K]['request']) => Commands[K]['response'] };

const twelve =
  'abacate abaixo abalar abater abduzir abelha aberto abismo abotoar abranger abreviar abrigar'.split(' ');

/** What a test can put in place. */
export interface BackupScenario {
  state?: Partial<BackupState>;
  health?: Partial<BackupHealth>;
}

/** Backups of an invented clinic, with no file behind them. */
export class FakeBackup {
  state: BackupState;
  health: BackupHealth = { overdue: false, verified_at: null, restored: null };
  words = twelve;

  readonly #now: () => number;
  readonly #tell: () => void;

  constructor(now: () => number, tell: () => void) {
    this.#now = now;
    this.#tell = tell;
    this.state = {
      has_words: false,
      wish: { folder: null, at_minute: 750, daily: 7, weekly: 4, monthly: 12, warn_after_days: 3 },
      same_disk: false,
      next_at: null,
      verified_at: null,
      running: null,
      problem: null,
      backups: [],
      folder_problem: null,
    };
  }

  set({ state, health }: BackupScenario): void {
    this.state = { ...this.state, ...state };
    this.health = { ...this.health, ...health };
    this.#tell();
  }

  /** A clinic that has been backed up for some days: one good, one not good, one not yet tried, one of other words. */
  static readonly days = (now: number): Partial<BackupState> => {
    const at = (ago: number) => new Date(now - ago * day).toISOString();
    const row = { bytes: 48_300_000, rows: 182_340, tried_at: null, problem: null, opens: true };
    return {
      has_words: true,
      wish: {
        folder: '/media/julia/Disco externo/Balcão',
        at_minute: 750,
        daily: 7,
        weekly: 4,
        monthly: 12,
        warn_after_days: 3,
      },
      verified_at: at(1),
      next_at: new Date(now + day / 4).toISOString(),
      backups: [
        { ...row, file: 'balcao-4.balcao-backup', taken_at: at(0), state: 'made' },
        { ...row, file: 'balcao-3.balcao-backup', taken_at: at(1), state: 'verified', tried_at: at(1) },
        {
          ...row,
          file: 'balcao-2.balcao-backup',
          taken_at: at(2),
          state: 'failed',
          tried_at: at(2),
          problem: { code: 'backup_damaged', message: '', reference: null },
        },
        { ...row, file: 'balcao-1.balcao-backup', taken_at: at(40), state: 'made', opens: false },
      ],
    };
  };

  readonly answers: Pick<
    Answers,
    | 'get_backup'
    | 'get_backup_health'
    | 'draw_backup_words'
    | 'confirm_backup_words'
    | 'change_backup'
    | 'start_backup'
    | 'verify_backup'
    | 'cancel_backup'
    | 'dismiss_restored'
    | 'list_folders'
    | 'peek_backup'
  > = {
    get_backup: () => this.state,
    get_backup_health: () => this.health,
    draw_backup_words: () => ({ words: this.words, ask: [2, 5, 11] }),
    confirm_backup_words: ({ words }) => {
      const wrong = [2, 5, 11].findIndex((place, at) => words[at] !== this.words[place - 1]);
      if (wrong >= 0) throw { code: 'backup_word_differs', message: '', reference: String(wrong + 1) };
      this.state.has_words = true;
      return this.state;
    },
    change_backup: (wish) => {
      this.state.wish = wish;
      this.#tell();
      return this.state;
    },
    start_backup: () => this.#run('make'),
    verify_backup: () => this.#run('verify'),
    cancel_backup: () => {
      this.state.running = null;
      this.#tell();
      return this.state;
    },
    dismiss_restored: () => ({ ...this.health, restored: (this.health.restored = null) }),
    list_folders: ({ path }): Folders => {
      const folder = (name: string, at: string, kind = 'folder') => ({ name, path: at, kind });
      if (path === null)
        return {
          path: null,
          parent: null,
          folders: [
            folder('Disco externo', '/media/julia/Disco externo', 'drive'),
            folder('OneDrive', '/home/julia/OneDrive', 'cloud'),
            folder('Documentos', '/home/julia/Documentos', 'documents'),
          ],
          backups: [],
        };
      const backups = path.endsWith('Balcão')
        ? ['balcao-20261121-153000.balcao-backup', 'balcao-20261120-153000.balcao-backup']
        : [];
      return {
        path,
        parent: path === '/media/julia/Disco externo' ? null : path.slice(0, path.lastIndexOf('/')),
        folders: backups.length ? [] : [folder('Balcão', `${path}/Balcão`), folder('Fotos', `${path}/Fotos`)],
        backups: backups.map((name) => folder(name, `${path}/${name}`, 'backup')),
      };
    },
    peek_backup: () => ({
      clinic_name: 'Clínica Acácia',
      taken_at: new Date(this.#now() - day).toISOString(),
      rows: 182_340,
      bytes: 48_300_000,
    }),
  };

  #run(doing: string): BackupState {
    this.state.running = { doing, step: 'copy', fraction: null, bytes: 12_400_000 };
    this.#tell();
    return this.state;
  }
}
