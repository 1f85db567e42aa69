import type { SyncLogLine } from '$lib/bridge';
import { offBy } from '$lib/i18n/duration';
import { number, size } from '$lib/i18n/format';
import { whatHappened } from '$lib/i18n/problems';
import { m } from '$paraglide/messages';

/** Names of what is copied, in the plural. */
export const entities: Record<string, () => string> = {
  contacts: m.entity_contacts,
  patients: m.entity_patients,
  conversations: m.entity_conversations,
  messages: m.entity_messages,
  appointments: m.entity_appointments,
  leads: m.entity_leads,
};

const count = (line: SyncLogLine, name: string): number => Number(line.facts[name] ?? 0);
const rows = (line: SyncLogLine): { rows: string } => ({ rows: number(count(line, 'rows')) });
const why = (line: SyncLogLine): { why: string } => ({
  why: line.facts.code ? whatHappened({ code: line.facts.code, reference: null }) : '',
});

function sent(line: SyncLogLine): string {
  const confirmed = count(line, 'confirmed');
  const parked = count(line, 'parked');
  const parts = [
    confirmed > 0 || parked === 0 ? m.log_sent({ count: confirmed }) : '',
    parked > 0 ? m.log_parked({ count: parked }) : '',
  ];
  return parts.filter(Boolean).join(' ');
}

function received(line: SyncLogLine): string {
  let others = 0;
  const told: string[] = [];
  for (const [name, value] of Object.entries(line.facts)) {
    const known = name === 'deleted' ? m.log_received_deleted : entities[name];
    if (known) told.push(`${known()} ${number(Number(value))}`);
    else others += Number(value);
  }
  if (others > 0) told.push(`${m.log_received_others()} ${number(others)}`);
  return m.log_received({ what: told.join(', ') });
}

function clockOff(line: SyncLogLine): string {
  const seconds = count(line, 'ahead');
  return (seconds >= 0 ? m.log_clock_fast : m.log_clock_slow)({ time: offBy(seconds) });
}

const sentences: Record<string, (line: SyncLogLine) => string> = {
  connected: m.log_connected,
  line_down: (line) => m.log_line_down(why(line)),
  first_copy_begun: (line) => m.log_first_copy_begun(rows(line)),
  first_copy_resumed: (line) => m.log_first_copy_resumed(rows(line)),
  first_copy_done: (line) => m.log_first_copy_done(rows(line)),
  sent,
  received,
  operation_refused: (line) => m.log_operation_refused(why(line)),
  epoch_changed: m.log_epoch_changed,
  clinic_followed: (line) => m.log_clinic_followed({ count: count(line, 'waiting') }),
  expired: (line) => m.log_expired({ count: count(line, 'parked') }),
  erased_dropped: (line) => m.log_erased_dropped({ count: count(line, 'dropped') }),
  clock_wrong: clockOff,
  clock_right: m.log_clock_right,
  copy_opened: (line) => m.log_copy_opened({ version: line.facts.version ?? '' }),
  copy_set_aside: (line) =>
    m.log_copy_set_aside({
      kept: number(count(line, 'salvaged')),
      lost: line.facts.unreadable === undefined ? '?' : number(count(line, 'unreadable')),
    }),
  backup_made: (line) => m.log_backup_made({ ...rows(line), size: size(count(line, 'bytes')) }),
  backup_verified: m.log_backup_verified,
  backups_removed: (line) => m.log_backups_removed({ count: count(line, 'count') }),
  backup_failed: (line) => m.log_backup_failed(why(line)),
  backup_not_good: (line) => m.log_backup_not_good(why(line)),
  backup_called_off: m.log_backup_called_off,
  audit_aged: (line) => m.log_audit_aged({ count: count(line, 'rows') }),
  sessions_ended: (line) => m.log_sessions_ended({ count: count(line, 'count') }),
  copy_reset: (line) => m.log_copy_reset({ lost: number(count(line, 'lost')) }),
};

/** A line of the log as a sentence. */
export const sentenceOf = (line: SyncLogLine): string =>
  sentences[line.event]?.(line) ?? m.log_unknown({ name: line.event });

/** Lines that speak of something that went wrong. */
export const isTrouble = (line: SyncLogLine): boolean =>
  [
    'line_down',
    'operation_refused',
    'epoch_changed',
    'clock_wrong',
    'expired',
    'copy_set_aside',
    'backup_failed',
    'backup_not_good',
  ].includes(line.event) ||
  (line.event === 'sent' && count(line, 'parked') > 0);
