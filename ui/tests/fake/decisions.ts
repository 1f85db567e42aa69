import type { FreeSlots, KindCount, Notes, OperationRow } from '../../src/lib/bridge/bindings';

/** How many operations there are of each kind, the most frequent first. */
export function countKinds(operations: OperationRow[]): KindCount[] {
  const counts = new Map<string, number>();
  for (const { kind } of operations) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => ({ kind, count })).sort((a, b) => b.count - a.count);
}

/** Whether trying again goes over nobody. */
export const needsNoDecision = (operation: OperationRow): boolean =>
  operation.reason !== 'expired' && operation.choices.includes('retry');

/** Three times after the wanted one. */
export function freeSlots(operations: OperationRow[], id: string): FreeSlots {
  const wanted = operations
    .find((each) => each.operation_id === id)
    ?.wanted.find((field) => field.field === 'starts_at')?.value;
  if (!wanted) return { professional: null, slots: [] };
  const at = (minutes: number) => new Date(Date.parse(wanted) + minutes * 60_000).toISOString();
  return {
    professional: 'Dra. Helena Lima',
    slots: [30, 75, 1_440].map((after) => ({ starts_at: at(after), ends_at: at(after + 30) })),
  };
}

/** Notes that are confirmed a moment after they were added. */
export class FakeNotes {
  readonly #known = new Map<string, Notes>();

  of(id: string): Notes {
    const known = this.#known.get(id);
    if (known) return known;
    const begins =
      id.charCodeAt(id.length - 1) % 3 ? '' : '03/11 09:12 Júlia Andrade: prefere ser chamada à tarde';
    const notes = { entity_id: id, text: begins, queued: [] };
    this.#known.set(id, notes);
    return notes;
  }

  add(id: string, text: string, at: string): string {
    const notes = this.of(id);
    const operation = `note-${id}-${notes.queued.length}-${notes.text.length}`;
    const time = at.slice(11, 16);
    this.#known.set(id, {
      ...notes,
      queued: [
        ...notes.queued,
        {
          operation_id: operation,
          text: `${at.slice(8, 10)}/${at.slice(5, 7)} ${time} Júlia Andrade: ${text}`,
          parked: false,
        },
      ],
    });
    return operation;
  }

  confirm(id: string): void {
    const notes = this.of(id);
    const lines = [notes.text, ...notes.queued.map((note) => note.text)].filter(Boolean);
    this.#known.set(id, { ...notes, text: lines.join('\n'), queued: [] });
  }
}
