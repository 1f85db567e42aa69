import { m } from '$paraglide/messages';
import type { AuditEntry, AuditValue } from '$lib/bridge';
import { calendarDay, dayTime, money } from '$lib/i18n/format';
import { parseDate } from '@internationalized/date';

const messages = m as unknown as Record<string, (() => string) | undefined>;

/** What something is called; a name that a newer program has given stands as it is. */
const word = (group: string, name: string): string => messages[`audit_${group}_${name}`]?.() ?? name;

/** What the audit can be asked for, in the order of the list. */
export const topics = [
  'people',
  'visits',
  'threads',
  'leads',
  'settings',
  'team',
  'logins',
  'exports',
  'squeezes',
  'deletions',
] as const;

export const topicName = (topic: string): string => word('topic', topic);
export const fieldName = (field: string): string => word('field', field);

const changes = new Set(['insert', 'update', 'delete']);

/** What was done: Mudou a consulta, Entrou no sistema. */
export function deed(entry: Pick<AuditEntry, 'action' | 'kind'>): string {
  const action = word('action', entry.action);
  return entry.kind !== null && changes.has(entry.action) ? `${action} ${word('kind', entry.kind)}` : action;
}

/** Whom or what it was about: the person, and what the row is called. */
export function about(entry: Pick<AuditEntry, 'person' | 'subject'>): string {
  const names = [entry.person && (entry.person.name ?? m.audit_erased()), entry.subject];
  return [...new Set(names.filter((name) => name))].join(' · ');
}

/** A value as people read it. */
export function told(value: AuditValue | null): string {
  if (value === null) return '—';
  const { shape, text } = value;
  switch (shape) {
    case 'flag':
      return text === 'true' ? m.audit_yes() : m.audit_no();
    case 'time':
      return dayTime(text);
    case 'date':
      return calendarDay(parseDate(text));
    case 'money':
      return money(Number(text));
    case 'clock':
      return `${String(Math.floor(Number(text) / 60)).padStart(2, '0')}:${String(Number(text) % 60).padStart(2, '0')}`;
    case 'code':
      return word('code', text);
    case 'gone':
      return m.audit_gone();
    default:
      return text;
  }
}

/** Every word of the person's language that a table of the audit needs, by group and name. */
export function wordsForTable(): Record<string, string> {
  const words: Record<string, string> = {
    'column.at': m.audit_at(),
    'column.who': m.audit_who(),
    'column.computer': m.audit_computer(),
    'column.what': m.audit_what(),
    'column.about': m.audit_about(),
    'column.field': m.audit_field(),
    'column.before': m.audit_before(),
    'column.after': m.audit_after(),
    'column.program': m.audit_program(),
    'column.address': m.audit_address(),
    'column.server': m.audit_server(),
    'flag.true': m.audit_yes(),
    'flag.false': m.audit_no(),
    'flag.gone': m.audit_gone(),
  };
  for (const [key, say] of Object.entries(messages)) {
    const found = /^audit_(action|kind|field|code)_(.+)$/.exec(key);
    if (found && say) words[`${found[1]}.${found[2]}`] = say();
  }
  return words;
}
