import { m } from '$paraglide/messages';

const statuses: Record<string, () => string> = {
  scheduled: m.visit_scheduled,
  confirmed: m.visit_confirmed,
  arrived: m.visit_arrived,
  in_service: m.visit_in_service,
  completed: m.visit_completed,
  cancelled: m.visit_cancelled,
  no_show: m.visit_no_show,
};

/** The status of a visit in one word. */
export const visitStatus = (status: string): string => statuses[status]?.() ?? status;

const threads: Record<string, () => string> = {
  open: m.status_open,
  snoozed: m.status_snoozed,
  closed: m.status_closed,
  active: m.status_active,
  blocked: m.status_blocked,
};

/** The status of a conversation, or of a person, in one word. */
export const threadStatus = (status: string): string => threads[status]?.() ?? status;

const priorities: Record<string, () => string> = {
  low: m.priority_low,
  normal: m.priority_normal,
  high: m.priority_high,
  urgent: m.priority_urgent,
};

/** low, normal, high, urgent, as people say it. */
export const priorityName = (priority: string): string => priorities[priority]?.() ?? priority;

const roles: Record<string, () => string> = {
  owner: m.role_owner,
  admin: m.role_admin,
  attendant: m.role_attendant,
  professional: m.role_professional,
  viewer: m.role_viewer,
};

/** What a role is called. */
export const roleName = (role: string): string => roles[role]?.() ?? role;

const stages: Record<string, () => string> = {
  novo: m.stage_new,
  'em contato': m.stage_contact,
  em_contato: m.stage_contact,
  agendado: m.stage_scheduled,
  fechado: m.stage_won,
  perdido: m.stage_lost,
};

/** A stage's name: the five every clinic begins with are translated, a clinic's own are its own words. */
export const stageName = (name: string): string => stages[name.toLowerCase()]?.() ?? name;
