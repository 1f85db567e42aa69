import { call, type OperationRow } from '$lib/bridge';

/** Writes that are not confirmed: those that are shown, and how many there are. */
export interface Lost {
  rows: OperationRow[];
  total: number;
}

/** What would be lost if the copy went now. */
export async function lookForLosses(): Promise<Lost> {
  const [waiting, parked] = await Promise.all([
    call('list_operations', { state: 'waiting', kind: null, first: null, limit: 500 }),
    call('list_operations', { state: 'parked', kind: null, first: null, limit: 500 }),
  ]);
  return { rows: [...parked.rows, ...waiting.rows], total: waiting.total + parked.total };
}
