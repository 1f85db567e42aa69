import type { FieldValue, OperationRow } from '$lib/bridge';
import { dayTime, money } from '$lib/i18n/format';
import { m } from '$paraglide/messages';

const kinds: Record<string, () => string> = {
  send_message: m.operation_send_message,
  move_appointment: m.operation_move_appointment,
  move_lead: m.operation_move_lead,
};

const fields: Record<string, () => string> = {
  text: m.field_text,
  body: m.field_text,
  starts_at: m.field_starts_at,
  ends_at: m.field_ends_at,
  professional: m.field_professional,
  professional_id: m.field_professional,
  stage: m.field_stage,
  stage_id: m.field_stage,
  loss_reason: m.field_loss_reason,
  loss_reason_id: m.field_loss_reason,
  loss_note: m.field_loss_note,
  squeeze_reason: m.field_squeeze_reason,
  value_cents: m.field_value,
  status: m.field_status,
};

/** What an operation is, in a verb. */
export const kindOf = (operation: OperationRow): string => kinds[operation.kind]?.() ?? operation.kind;

/** The field's name for people. */
export const nameOf = (field: FieldValue): string => fields[field.field]?.() ?? field.field;

/** The field's value for people. */
export function valueOf({ field, value }: FieldValue): string {
  if (value === null || value === '') return m.field_empty();
  if (field === 'value_cents' && /^\d+$/.test(value)) return money(Number(value));
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(value) ? dayTime(value) : value;
}
