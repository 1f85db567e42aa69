//! What people ask the audit for, and which tables and actions that is.

/// A topic: its name, its tables, what else was done that belongs to it.
type Topic = (&'static str, &'static [&'static str], &'static [&'static str]);

const TOPICS: &[Topic] = &[
    ("people", &["contacts", "contact_identifiers", "patients"], &["erasure", "contacts_merged", "merge_undone"]),
    ("visits", &["appointments", "appointment_series", "waitlist_entries", "schedule_exceptions"], &[]),
    ("threads", &["conversations", "messages"], &[]),
    ("leads", &["leads"], &[]),
    (
        "settings",
        &[
            "clinics",
            "clinic_settings",
            "channels",
            "services",
            "rooms",
            "professionals",
            "professional_services",
            "working_hours",
            "pipelines",
            "pipeline_stages",
            "loss_reasons",
            "quick_replies",
            "owner_numbers",
        ],
        &[],
    ),
    ("team", &["members"], &[]),
    ("logins", &[], &["login"]),
    ("exports", &[], &["export", "erasure"]),
    ("squeezes", &[], &["squeeze_in"]),
    ("deletions", &[], &["delete", "erasure"]),
];

/// Tables and actions of a topic.
pub(super) fn named(name: &str) -> Option<(Vec<String>, Vec<String>)> {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    TOPICS.iter().find(|topic| topic.0 == name).map(|(_, tables, actions)| (owned(tables), owned(actions)))
}
