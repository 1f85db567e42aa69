import type { FieldValue, OperationRow } from '$lib/bridge';
import { dayTime, money } from '$lib/i18n/format';
import { priorityName, stageName, threadStatus, visitStatus } from '$lib/i18n/words';
import { m } from '$paraglide/messages';

const kinds: Record<string, () => string> = {
  send_message: m.operation_send_message,
  move_appointment: m.operation_move_appointment,
  book_appointment: m.operation_book_appointment,
  cancel_appointment: m.operation_cancel_appointment,
  add_patient: m.operation_add_patient,
  remove_patient: m.operation_remove_patient,
  move_lead: m.operation_move_lead,
  add_note: m.operation_add_note,
  hand_over_conversation: m.operation_hand_over,
  assign_conversation: m.operation_assign,
  prioritise_conversation: m.operation_prioritise,
  label_conversation: m.operation_label,
  file_conversation: m.operation_file,
  block_person: m.operation_block,
  change_inbox: m.operation_change_inbox,
  write_note: m.operation_write_note,
  see_mention: m.operation_see_mention,
  reschedule_message: m.operation_reschedule_message,
  call_off_message: m.operation_call_off_message,
  save_quick_reply: m.operation_save_quick_reply,
  remove_quick_reply: m.operation_remove_quick_reply,
};

const fields: Record<string, () => string> = {
  body: m.field_text,
  scheduled_for: m.field_scheduled_for,
  notes: m.field_note,
  name: m.field_name,
  shortcut: m.field_shortcut,
  title: m.field_title,
  starts_at: m.field_starts_at,
  ends_at: m.field_ends_at,
  professional_id: m.field_professional,
  room_id: m.field_room,
  service_id: m.field_service,
  stage_id: m.field_stage,
  loss_reason_id: m.field_loss_reason,
  loss_note: m.field_loss_note,
  squeeze_reason: m.field_squeeze_reason,
  value_cents: m.field_value,
  owner_id: m.field_owner,
  assignee_id: m.field_owner,
  phone: m.field_phone,
  email: m.field_email,
  reason: m.field_reason,
  cancel_reason: m.field_reason,
  next_action: m.field_next_action,
  next_action_at: m.field_next_action_at,
  status: m.field_status,
  handler: m.field_handler,
  priority: m.field_priority,
  labels: m.field_labels,
  snoozed_until: m.field_snoozed_until,
  marked_unread: m.field_marked_unread,
};

/** What was done, in a word. */
export const kindName = (kind: string): string => kinds[kind]?.() ?? m.operation_patch();

/** What an operation is. */
export const kindOf = (operation: Pick<OperationRow, 'kind'>): string => kindName(operation.kind);

/** The field's name for people. */
export function nameOf({ field }: FieldValue, kind: string): string {
  // A lead's title is what somebody wants.
  if (field === 'title' && kind.endsWith('_quick_reply')) return m.quick_reply_title();
  return fields[field]?.() ?? field;
}

/** The field's value for people. */
export function valueOf({ field, value }: FieldValue): string {
  if (value === null || value === '') return m.field_empty();
  if (field === 'value_cents' && /^\d+$/.test(value)) return money(Number(value));
  if (field === 'stage_id') return stageName(value);
  if (field === 'status') return visitStatus(threadStatus(value));
  if (field === 'priority') return priorityName(value);
  if (field === 'handler') return value === 'bot' ? m.handler_bot() : m.handler_person();
  if (field === 'marked_unread') return value === 'true' ? m.value_yes() : m.value_no();
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(value) ? dayTime(value) : value;
}

const find = (list: FieldValue[], field: string): FieldValue | undefined =>
  list.find((each) => each.field === field && each.value !== null);

/** The value of a field in a list, for people. */
export function shown(list: FieldValue[], field: string): string | undefined {
  const found = find(list, field);
  return found && valueOf(found);
}

/** The words that a person wrote: of a message, of a note. */
export const textOf = (operation: OperationRow): string | undefined =>
  (find(operation.wanted, 'body') ?? find(operation.wanted, 'notes'))?.value ?? undefined;

/** Where a visit is moved to: a time, and with whom where that changes. */
export function placeIn(list: FieldValue[], other: FieldValue[] = []): string | undefined {
  const when = shown(list, 'starts_at');
  const whom = shown(list, 'professional_id');
  if (!when) return whom;
  return whom && whom !== shown(other, 'professional_id')
    ? `${when} ${m.operation_with({ name: whom })}`
    : when;
}

/** What is in the database as far as is known: what others wrote, else what the person saw. */
const standing = (operation: OperationRow): FieldValue[] => [
  ...operation.theirs,
  ...operation.before.filter((seen) => !find(operation.theirs, seen.field)),
];

/** What the fields are that contradict one another. A visit's end follows from its start. */
export function contradictions(operation: OperationRow): { name: string; mine: string; theirs: string }[] {
  const both = operation.theirs.filter(
    (field) => !(field.field === 'ends_at' && operation.theirs.some((each) => each.field === 'starts_at')),
  );
  return both.map((field) => ({
    name: nameOf(field, operation.kind),
    mine: valueOf(operation.wanted.find((each) => each.field === field.field) ?? { ...field, value: null }),
    theirs: valueOf(field),
  }));
}

/** Why it was refused, said of what the person did. */
export function whyOf(operation: OperationRow): string {
  const { kind, reason } = operation;
  switch (reason) {
    case 'slot_taken':
      return m.why_slot_taken({ when: shown(operation.wanted, 'starts_at') ?? m.field_empty() });
    case 'conflict':
      if (kind === 'assign_conversation') return m.why_conflict_assign();
      if (kind === 'file_conversation') return m.why_conflict_file();
      if (kind === 'label_conversation') return m.why_conflict_label();
      return kind === 'move_appointment' ? m.why_conflict_visit() : m.why_conflict();
    case 'gone':
      if (kind === 'send_message' || kind === 'write_note') return m.why_gone_message();
      if (kind === 'move_appointment') return m.why_gone_visit();
      if (kind === 'move_lead') return m.why_gone_lead();
      if (kind.endsWith('_conversation')) return m.why_gone_thread();
      return kind === 'add_note' ? m.why_gone_note() : m.why_gone();
    case 'not_permitted':
      return m.why_not_permitted();
    case 'duplicate':
      if (kind === 'save_quick_reply') return m.why_duplicate_shortcut();
      return kind === 'move_lead' ? m.why_duplicate_lead() : m.why_duplicate();
    case 'missing_reference':
      return m.why_missing_reference();
    case 'loss_reason_required':
      return m.why_loss_reason_required();
    case 'person_blocked':
      return m.why_person_blocked();
    case 'already_sent':
      return m.why_already_sent();
    case 'expired':
      return m.why_expired();
    case 'invalid':
      return m.why_invalid();
    default:
      return m.why_constraint();
  }
}

/** What giving it up means, said before. */
export function lossOf(operation: OperationRow): string {
  const name = operation.subject;
  switch (operation.kind) {
    case 'send_message':
      return m.discard_message({ name });
    case 'add_note':
      return m.discard_note({ name });
    case 'book_appointment':
      return m.discard_booking({ name, when: placeIn(operation.wanted) ?? m.field_empty() });
    case 'move_appointment': {
      const when = placeIn(standing(operation), operation.wanted);
      return when ? m.discard_visit({ name, when }) : m.discard_change({ name });
    }
    case 'move_lead': {
      const stage = shown(standing(operation), 'stage_id');
      return stage ? m.discard_lead({ name, stage }) : m.discard_change({ name });
    }
    default:
      return m.discard_change({ name });
  }
}

/** What was given up, said afterwards. */
export function givenUpOf(operation: OperationRow): string {
  const name = operation.subject;
  const words = textOf(operation) ?? '';
  const text = words.length > 60 ? `${words.slice(0, 60)}…` : words;
  switch (operation.kind) {
    case 'send_message':
      return m.given_up_message({ name, text });
    case 'add_note':
      return m.given_up_note({ name, text });
    case 'book_appointment':
      return m.given_up_booking({ name, when: placeIn(operation.wanted) ?? m.field_empty() });
    case 'move_appointment': {
      const when = placeIn(standing(operation), operation.wanted);
      return when ? m.given_up_visit({ name, when }) : m.given_up({ name });
    }
    case 'move_lead': {
      const stage = shown(standing(operation), 'stage_id');
      return stage ? m.given_up_lead({ name, stage }) : m.given_up({ name });
    }
    default:
      return m.given_up({ name });
  }
}
