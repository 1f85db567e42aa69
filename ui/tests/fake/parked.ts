import type { OperationRow } from '../../src/lib/bridge/bindings';

const blank: Omit<OperationRow, 'operation_id' | 'kind' | 'entity_id' | 'reason' | 'choices'> = {
  conversation_id: null,
  subject: 'Maria Souza',
  wanted: [],
  before: [],
  theirs: [],
  queued_at: '2026-11-24T12:00:00Z',
  attempts: 1,
  dependents: 0,
};

const moved = {
  ...blank,
  kind: 'move_appointment',
  entity_id: 'visit-1',
  wanted: [
    { field: 'starts_at', value: '2026-11-24T17:30:00Z' },
    { field: 'ends_at', value: '2026-11-24T18:00:00Z' },
    { field: 'professional_id', value: 'Dra. Helena Lima' },
  ],
  before: [
    { field: 'starts_at', value: '2026-11-24T13:00:00Z' },
    { field: 'ends_at', value: '2026-11-24T13:30:00Z' },
    { field: 'professional_id', value: 'Dra. Helena Lima' },
  ],
};

/** Refused writes, one of each sort. */
export const parked = {
  conflict: (): OperationRow => ({
    ...moved,
    operation_id: 'op-conflict',
    reason: 'conflict',
    theirs: [
      { field: 'starts_at', value: '2026-11-24T18:00:00Z' },
      { field: 'ends_at', value: '2026-11-24T18:30:00Z' },
    ],
    choices: ['keep_mine', 'keep_theirs'],
  }),
  slot: (): OperationRow => ({
    ...moved,
    operation_id: 'op-slot',
    reason: 'slot_taken',
    choices: ['other_time', 'squeeze_in', 'retry', 'discard'],
  }),
  booking: (): OperationRow => ({
    ...moved,
    operation_id: 'op-booking',
    kind: 'book_appointment',
    before: [],
    reason: 'slot_taken',
    choices: ['other_time', 'squeeze_in', 'retry', 'discard'],
  }),
  message: (text: string): OperationRow => ({
    ...blank,
    operation_id: 'op-message',
    kind: 'send_message',
    entity_id: 'message-1',
    conversation_id: 'conv-3',
    wanted: [{ field: 'body', value: text }],
    reason: 'not_permitted',
    choices: ['retry', 'discard'],
  }),
  lead: (): OperationRow => ({
    ...blank,
    operation_id: 'op-lead',
    kind: 'move_lead',
    entity_id: 'lead-5',
    subject: 'Otília Prado',
    wanted: [
      { field: 'stage_id', value: 'perdido' },
      { field: 'loss_reason_id', value: 'Preço' },
      { field: 'loss_note', value: 'achou caro' },
    ],
    before: [{ field: 'stage_id', value: 'novo' }],
    reason: 'duplicate',
    choices: ['retry', 'discard'],
  }),
  note: (): OperationRow => ({
    ...blank,
    operation_id: 'op-note',
    kind: 'add_note',
    entity_id: 'contact-4',
    wanted: [{ field: 'notes', value: '21/11 14:30 Júlia Andrade: prefere de manhã' }],
    reason: 'gone',
    choices: ['discard'],
  }),
};
