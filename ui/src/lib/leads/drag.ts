import { draggable, dropTargetForElements } from '@atlaskit/pragmatic-drag-and-drop/element/adapter';
import type { Attachment } from 'svelte/attachments';
import type { LeadCard } from '$lib/bridge';

interface Carried {
  lead: LeadCard;
}

const leadIn = (data: Record<string | symbol, unknown>): LeadCard | undefined =>
  (data as Partial<Carried>).lead;

/** Makes a card that can be picked up. */
export function carries(lead: LeadCard, picked: (yes: boolean) => void): Attachment<HTMLElement> {
  return (element) =>
    draggable({
      element,
      getInitialData: () => ({ lead }),
      onDragStart: () => picked(true),
      onDrop: () => picked(false),
    });
}

/** Makes a column that takes cards; `over` hears before which card it would fall (null: at the end), or undefined. */
export function takes(
  over: (before: string | null | undefined) => void,
  dropped: (lead: LeadCard, before: string | null) => void,
): Attachment<HTMLElement> {
  return (element) =>
    dropTargetForElements({
      element,
      canDrop: ({ source }) => leadIn(source.data) !== undefined,
      onDragEnter: ({ location }) => over(before(element, location.current.input.clientY)),
      onDrag: ({ location }) => over(before(element, location.current.input.clientY)),
      onDragLeave: () => over(undefined),
      onDrop: ({ source, location }) => {
        const at = before(element, location.current.input.clientY);
        over(undefined);
        const lead = leadIn(source.data);
        if (lead) dropped(lead, at);
      },
    });
}

/** The card under the pointer's upper half, else the one after it. */
function before(column: HTMLElement, y: number): string | null {
  for (const card of column.querySelectorAll<HTMLElement>('[data-lead-id]')) {
    const box = card.getBoundingClientRect();
    if (y < box.top + box.height / 2) return card.dataset.leadId ?? null;
  }
  return null;
}
