import type { DiagnoseConnection } from '$lib/bridge';

let asked = $state.raw<DiagnoseConnection>();

export const doctor = {
  get asked(): DiagnoseConnection | undefined {
    return asked;
  },
};

/** Looks at the way to a clinic's database, step by step. */
export const askDoctor = (what: DiagnoseConnection = { of: 'clinic' }): void => void (asked = what);

/** The person has seen it. */
export const dismissDoctor = (): void => void (asked = undefined);

const onTheWay = [
  'unknown_host',
  'unreachable',
  'not_postgres',
  'tls_unavailable',
  'certificate_refused',
  'plain_text_refused',
  'wrong_password',
  'login_unknown',
  'not_admitted',
  'database_missing',
  'server_too_old',
  'schema_missing',
  'schema_older',
  'schema_newer',
  'extension_missing',
  'too_many_connections',
  'server_not_ready',
  'connection_lost',
  'timed_out',
  'clock_behind',
  'invitation_used',
];

/** Whether a problem is one of the way to the database, so that looking at the way says more. */
export const isOnTheWay = (code: string): boolean => onTheWay.includes(code);
