import type { InboxView } from '$lib/bridge';
import { m } from '$paraglide/messages';

export const views: { view: InboxView; name: () => string }[] = [
  { view: 'needs_reply', name: m.view_needs_reply },
  { view: 'mine', name: m.view_mine },
  { view: 'unassigned', name: m.view_unassigned },
  { view: 'bot', name: m.view_bot },
  { view: 'snoozed', name: m.view_snoozed },
  { view: 'closed', name: m.view_closed },
  { view: 'all', name: m.view_all },
];

export const isView = (text: string | undefined): text is InboxView =>
  views.some(({ view }) => view === text);
