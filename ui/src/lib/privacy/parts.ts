import { m } from '$paraglide/messages';

const parts: Record<string, () => string> = {
  person: m.privacy_part_person,
  addresses: m.privacy_addresses,
  patients: m.privacy_part_patients,
  visits: m.privacy_visits,
  waiting_list: m.privacy_part_waiting,
  conversations: m.privacy_part_conversations,
  messages: m.privacy_messages,
  leads: m.privacy_leads,
  merges: m.privacy_part_merges,
  audit: m.privacy_audit,
};

/** What is being read, in words; another name is of a newer program. */
export const partName = (part: string): string => parts[part]?.() ?? part;

/** Why somebody is erased. */
export const reasons: [string, () => string][] = [
  ['request', m.privacy_reason_request],
  ['consent', m.privacy_reason_consent],
  ['ended', m.privacy_reason_ended],
  ['mistake', m.privacy_reason_mistake],
  ['other', m.privacy_reason_other],
];
