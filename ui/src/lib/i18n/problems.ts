import type { ApiError } from '$lib/bridge';
import { m } from '$paraglide/messages';

type Words = () => string;
type Sentences = { what: Words; todo?: Words };

/** What happened and what to do, for every code the program answers with. */
const sentences: Record<string, Sentences> = {
  unknown_command: { what: m.error_unknown_command, todo: m.error_unknown_command_do },
  bad_choice: { what: m.error_bad_choice },
  bad_payload: { what: m.error_bad_payload, todo: m.error_bad_payload_do },
  internal: { what: m.error_internal, todo: m.error_internal_do },
  program_gone: { what: m.error_program_gone, todo: m.error_program_gone_do },
  not_found: { what: m.error_not_found },
  name_differs: { what: m.error_name_differs },
  no_session: { what: m.error_no_session, todo: m.error_no_session_do },
  locked: { what: m.error_locked },
  wrong_pin: { what: m.error_wrong_pin },
  account_not_proven: { what: m.error_account_not_proven },
  account_unavailable: { what: m.error_account_unavailable, todo: m.error_account_unavailable_do },
  pin_wait: { what: m.error_pin_wait },
  pin_too_short: { what: m.error_pin_too_short },
  clinic_exists: { what: m.error_clinic_exists, todo: m.error_clinic_exists_do },
  pooler_address: { what: m.error_pooler_address, todo: m.error_pooler_address_do },
  invalid_certificate: { what: m.error_invalid_certificate, todo: m.error_invalid_certificate_do },
  called_off: { what: m.error_called_off },
  busy: { what: m.error_busy, todo: m.error_busy_do },

  unknown_host: { what: m.error_unknown_host, todo: m.error_unknown_host_do },
  unreachable: { what: m.error_unreachable, todo: m.error_unreachable_do },
  timed_out: { what: m.error_timed_out, todo: m.error_timed_out_do },
  wrong_password: { what: m.error_wrong_password, todo: m.error_wrong_password_do },
  login_revoked: { what: m.error_login_revoked, todo: m.error_login_revoked_do },
  database_missing: { what: m.error_database_missing, todo: m.error_database_missing_do },
  not_postgres: { what: m.error_not_postgres, todo: m.error_not_postgres_do },
  server_too_old: { what: m.error_server_too_old, todo: m.error_server_too_old_do },
  schema_missing: { what: m.error_schema_missing, todo: m.error_schema_missing_do },
  schema_older: { what: m.error_schema_older, todo: m.error_schema_older_do },
  schema_newer: { what: m.error_schema_newer, todo: m.error_schema_newer_do },
  extension_missing: { what: m.error_extension_missing, todo: m.error_extension_missing_do },
  too_many_connections: { what: m.error_too_many_connections, todo: m.error_too_many_connections_do },
  certificate_refused: { what: m.error_certificate_refused, todo: m.error_certificate_refused_do },
  plain_text_refused: { what: m.error_plain_text_refused, todo: m.error_plain_text_refused_do },
  nothing_heard: { what: m.error_nothing_heard, todo: m.error_nothing_heard_do },
  server_not_ready: { what: m.error_server_not_ready, todo: m.error_server_not_ready_do },
  offline: { what: m.error_offline, todo: m.error_connection_lost_do },
  still_copying: { what: m.error_still_copying, todo: m.copying_text },
  feed_replaced: { what: m.log_epoch_changed },
  connection_lost: { what: m.error_connection_lost, todo: m.error_connection_lost_do },

  tls_unavailable: { what: m.error_tls_unavailable, todo: m.error_tls_unavailable_do },
  invalid_address: { what: m.error_invalid_address, todo: m.error_invalid_address_do },
  not_admitted: { what: m.error_not_admitted, todo: m.error_not_admitted_do },
  wrong_encoding: { what: m.error_wrong_encoding, todo: m.error_wrong_encoding_do },
  schema_differs: { what: m.error_schema_differs, todo: m.error_schema_differs_do },
  contention: { what: m.error_contention, todo: m.error_contention_do },
  admin_rights_missing: { what: m.error_admin_rights_missing, todo: m.error_admin_rights_missing_do },
  role_taken: { what: m.error_role_taken, todo: m.error_role_taken_do },
  invalid_request: { what: m.error_invalid_request, todo: m.error_invalid_request_do },
  unknown_clinic: { what: m.error_unknown_clinic, todo: m.error_unknown_clinic_do },
  login_unknown: { what: m.error_login_unknown, todo: m.error_login_unknown_do },
  unknown_login: { what: m.error_unknown_login, todo: m.error_unknown_login_do },
  database: { what: m.error_database, todo: m.error_database_do },
  protocol: { what: m.error_database, todo: m.error_database_do },
  constraint: { what: m.error_invalid },
  interrupted: { what: m.error_busy, todo: m.error_busy_do },

  keychain_unavailable: { what: m.error_keychain_unavailable, todo: m.error_keychain_unavailable_do },
  profile_in_use: { what: m.error_profile_in_use, todo: m.error_profile_in_use_do },
  cache_damaged: { what: m.error_cache_damaged, todo: m.error_cache_damaged_do },
  cache_too_new: { what: m.error_cache_too_new, todo: m.error_cache_too_new_do },
  disk_full: { what: m.error_disk_full, todo: m.error_disk_full_do },
  binaries_missing: { what: m.error_binaries_missing, todo: m.error_binaries_missing_do },
  server_start_failed: { what: m.error_server_start_failed, todo: m.error_server_start_failed_do },

  profile_damaged: { what: m.error_profile_damaged, todo: m.error_profile_damaged_do },
  password_missing: { what: m.error_password_missing, todo: m.error_password_missing_do },
  keychain_entry_damaged: { what: m.error_keychain_entry_damaged, todo: m.error_keychain_entry_damaged_do },
  profile_not_writable: { what: m.error_profile_not_writable, todo: m.error_profile_not_writable_do },
  server_password_lost: { what: m.error_server_password_lost, todo: m.error_server_password_lost_do },
  server_data_version: { what: m.error_server_data_version, todo: m.error_server_data_version_do },
  server_folder_unreachable: {
    what: m.error_server_folder_unreachable,
    todo: m.error_server_folder_unreachable_do,
  },

  writes_wait: { what: m.error_writes_wait, todo: m.error_writes_wait_do },
  no_export_folder: { what: m.error_no_export_folder, todo: m.error_no_export_folder_do },
  export_failed: { what: m.error_export_failed, todo: m.error_export_failed_do },

  team_member_gone: { what: m.error_team_member_gone },
  team_email_taken: { what: m.error_team_email_taken },
  team_agenda_taken: { what: m.error_team_agenda_taken },
  team_too_many: { what: m.error_team_too_many, todo: m.error_team_too_many_do },
  team_last_owner: { what: m.error_team_last_owner, todo: m.error_team_last_owner_do },
  team_gone: { what: m.error_team_gone },
  team_own_device: { what: m.error_team_own_device },
  team_own_member: { what: m.error_team_own_member },
  sharing_off: { what: m.error_sharing_off },
  port_taken: { what: m.error_port_taken, todo: m.error_port_taken_do },
  port_refused: { what: m.error_port_refused, todo: m.error_port_refused_do },
  sharing_failed: { what: m.error_sharing_failed, todo: m.error_sharing_failed_do },
  sharing_key_lost: { what: m.error_sharing_key_lost, todo: m.error_sharing_key_lost_do },
  no_network: { what: m.error_no_network, todo: m.error_no_network_do },
  port_closed: { what: m.error_port_closed, todo: m.error_port_closed_do },
  certificate_expired: { what: m.error_certificate_expired, todo: m.error_certificate_expired_do },
  certificate_not_yet_valid: {
    what: m.error_certificate_not_yet_valid,
    todo: m.error_certificate_not_yet_valid_do,
  },
  certificate_other_name: { what: m.error_certificate_other_name, todo: m.error_certificate_other_name_do },
  certificate_unknown_issuer: {
    what: m.error_certificate_unknown_issuer,
    todo: m.error_certificate_unknown_issuer_do,
  },
  firewall_declined: { what: m.error_firewall_declined, todo: m.error_firewall_declined_do },
  not_the_clinic: { what: m.error_not_the_clinic },
  firewall_by_hand: { what: m.error_firewall_by_hand },
  not_an_invitation: { what: m.error_not_an_invitation, todo: m.error_not_an_invitation_do },
  invitation_newer: { what: m.error_invitation_newer, todo: m.error_invitation_newer_do },
  code_mistyped: { what: m.error_code_mistyped, todo: m.error_code_mistyped_do },
  wrong_code: { what: m.error_wrong_code, todo: m.error_wrong_code_do },
  invitation_expired: { what: m.error_invitation_expired, todo: m.error_invitation_expired_do },
  invitation_used: { what: m.error_invitation_used, todo: m.error_invitation_used_do },
  invitation_cancelled: { what: m.error_invitation_cancelled, todo: m.error_invitation_cancelled_do },
  clock_behind: { what: m.error_clock_behind, todo: m.error_clock_behind_do },
  no_memory: { what: m.error_no_memory, todo: m.error_no_memory_do },

  backup_folder_missing: { what: m.error_backup_folder_missing, todo: m.error_backup_folder_missing_do },
  backup_folder_not_writable: {
    what: m.error_backup_folder_not_writable,
    todo: m.error_backup_folder_not_writable_do,
  },
  backup_folder_full: { what: m.error_backup_folder_full, todo: m.error_backup_folder_full_do },
  backup_folder_inside: { what: m.error_backup_folder_inside, todo: m.error_backup_folder_inside_do },
  backup_not_words: { what: m.error_backup_not_words, todo: m.error_backup_not_words_do },
  backup_wrong_words: { what: m.error_backup_wrong_words, todo: m.error_backup_wrong_words_do },
  backup_not_a_backup: { what: m.error_backup_not_a_backup },
  backup_damaged: { what: m.error_backup_damaged, todo: m.error_backup_damaged_do },
  backup_newer: { what: m.error_backup_newer, todo: m.error_backup_newer_do },
  backup_differs: { what: m.error_backup_differs, todo: m.error_backup_differs_do },
  backup_program_failed: { what: m.error_backup_program_failed, todo: m.error_backup_program_failed_do },
  backup_failed: { what: m.error_backup_failed, todo: m.error_backup_failed_do },
  backup_words_missing: { what: m.error_backup_words_missing, todo: m.error_backup_words_missing_do },
  backup_no_folder: { what: m.error_backup_no_folder, todo: m.error_backup_no_folder_do },
  backup_running: { what: m.error_backup_running },
  backup_not_here: { what: m.error_backup_not_here, todo: m.error_backup_not_here_do },
  backup_no_words_drawn: { what: m.error_backup_no_words_drawn, todo: m.error_backup_no_words_drawn_do },
  backup_word_differs: { what: m.error_backup_word_differs, todo: m.error_backup_word_differs_do },
  cancelled: { what: m.error_cancelled },

  text_empty: { what: m.error_text_empty },
  text_too_long: { what: m.error_text_too_long },
  slot_taken: { what: m.error_slot_taken },
  outside_working_hours: { what: m.error_outside_working_hours },
  in_the_past: { what: m.error_in_the_past },
  visit_finished: { what: m.error_visit_finished },
  too_long: { what: m.error_too_long },
  ends_before_start: { what: m.error_ends_before_start },
  squeeze_reason_required: { what: m.error_squeeze_reason_required },
  loss_reason_required: { what: m.error_loss_reason_required },
  stage_of_other_pipeline: { what: m.error_stage_of_other_pipeline },
  too_many_labels: { what: m.error_too_many_labels },
  time_passed: { what: m.error_time_passed },
  too_far_ahead: { what: m.error_too_far_ahead },
  person_blocked: { what: m.error_person_blocked, todo: m.error_person_blocked_do },
  limits_disordered: { what: m.error_limits_disordered },
  same_person: { what: m.error_same_person },
  two_open_leads: { what: m.error_two_open_leads },
  merge_stays: { what: m.error_merge_stays },
  lead_closed: { what: m.error_lead_closed },
  conflict: { what: m.error_conflict },
  gone: { what: m.error_gone },
  not_permitted: { what: m.error_not_permitted },
  duplicate: { what: m.error_duplicate },
  missing_reference: { what: m.error_missing_reference },
  invalid: { what: m.error_invalid },
  expired: { what: m.error_expired },
};

/** What happened, as one sentence. An unknown code gets a sentence too, with what the log can be searched for. */
export function whatHappened(problem: Pick<ApiError, 'code' | 'reference'>): string {
  const known = sentences[problem.code];
  if (known) return known.what();
  return m.error_unknown({ reference: problem.reference ?? problem.code });
}

/** What to do about it; absent where the sentence itself says it. */
export function whatToDo(problem: Pick<ApiError, 'code'>): string | undefined {
  return problem.code in sentences ? sentences[problem.code]?.todo?.() : m.error_unknown_do();
}

/** A refusal of a slot in few words, for beside the pointer. */
export function slotRefusal(code: string, occupiedBy: string | null): string {
  if (code === 'slot_taken')
    return occupiedBy ? m.slot_taken_by({ name: occupiedBy }) : whatHappened({ code, reference: null });
  return whatHappened({ code, reference: null });
}
