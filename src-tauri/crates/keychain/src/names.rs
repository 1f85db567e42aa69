//! Names of the entries: `<profile-id>/<what it opens>`. The profile id is any text that is unique on this computer.

/// Key of the encrypted SQLite copy: `<profile-id>/cache-key`.
pub fn cache_key(profile_id: &str) -> String {
    format!("{profile_id}/cache-key")
}

/// Password of this desk's login in the clinic's PostgreSQL: `<profile-id>/database-password`.
pub fn database_password(profile_id: &str) -> String {
    format!("{profile_id}/database-password")
}

/// Password of the embedded PostgreSQL's superuser: `<profile-id>/superuser-password`.
pub fn superuser_password(profile_id: &str) -> String {
    format!("{profile_id}/superuser-password")
}
