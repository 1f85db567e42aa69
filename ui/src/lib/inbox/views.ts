import type { FilteredView, InboxView, SavedView, ThreadFilter } from '$lib/bridge';
import { m } from '$paraglide/messages';

export const views: { view: InboxView; name: () => string }[] = [
  { view: 'needs_reply', name: m.view_needs_reply },
  { view: 'mine', name: m.view_mine },
  { view: 'mentioned', name: m.view_mentioned },
  { view: 'unassigned', name: m.view_unassigned },
  { view: 'bot', name: m.view_bot },
  { view: 'snoozed', name: m.view_snoozed },
  { view: 'closed', name: m.view_closed },
  { view: 'blocked', name: m.view_blocked },
  { view: 'all', name: m.view_all },
];

export const isView = (text: string | undefined): text is InboxView =>
  views.some(({ view }) => view === text);

/** A filter that lets everything through. */
export const unfiltered: ThreadFilter = {
  label: null,
  assignee_id: null,
  channel_id: null,
  waiting_minutes: null,
};

export const narrows = (filter: ThreadFilter): boolean =>
  Object.values(filter).some((value) => value !== null);

/** What the address of a view that somebody has made begins with. */
const saved = 'v-';

export const placeOf = (view: SavedView): string => saved + view.id;

/** The view that an address means: one of those that are always there, or one that somebody has made. */
export function viewAt(place: string | undefined, made: SavedView[]): FilteredView & { place: string } {
  const mine = made.find((view) => placeOf(view) === place);
  if (mine) return { ...mine.shows, place: placeOf(mine) };
  const view = isView(place) ? place : 'needs_reply';
  return { view, filter: unfiltered, place: view };
}
