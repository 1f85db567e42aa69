import type { CopyNotice, ListSyncLog, SyncLog, SyncLogLine } from '../../src/lib/bridge/bindings';

const minute = 60_000;

/** What happened to an invented copy, newest first. */
export function inventedLog(now: number): SyncLogLine[] {
  const said: [number, string, Record<string, string>][] = [
    [1, 'received', { messages: '3', conversations: '2', members: '1', deleted: '1' }],
    [4, 'sent', { sent: '12', confirmed: '11', parked: '1' }],
    [9, 'connected', {}],
    [16, 'line_down', { code: 'unreachable' }],
    [40, 'clock_wrong', { ahead: '10800' }],
    [41, 'operation_refused', { operation: '0192f0c1-0000-7000-8000-000000000001', code: 'not_permitted' }],
    [70, 'first_copy_done', { rows: '184003', seconds: '118' }],
    [71, 'first_copy_begun', { rows: '184000' }],
    [72, 'connected', {}],
    [73, 'copy_set_aside', { salvaged: '3', unreadable: '0', file: 'copy.db.damaged-20261121T080000' }],
    [73, 'copy_opened', { version: '0.1.0' }],
    [80, 'clock_right', {}],
    [90, 'expired', { parked: '2' }],
    [1500, 'epoch_changed', {}],
    [1600, 'copy_reset', { lost: '2' }],
    [1700, 'sent', { sent: '1', confirmed: '1', parked: '0' }],
  ];
  return said.map(([ago, event, facts], at) => ({
    id: 1000 - at,
    at: new Date(now - ago * minute).toISOString(),
    event,
    facts,
  }));
}

/** A page of it. */
export function pageOf(log: SyncLogLine[], { before, limit }: ListSyncLog): SyncLog {
  const rest = log.filter((line) => before === null || line.id < before);
  return { lines: rest.slice(0, limit), has_more: rest.length > limit };
}

/** A copy that was set aside. */
export const setAside = (now: number): CopyNotice => ({
  at: new Date(now).toISOString(),
  file: 'copy.db.damaged-20261121T080000',
  writes_kept: 3,
  writes_lost: 1,
});
