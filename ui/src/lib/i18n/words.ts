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
