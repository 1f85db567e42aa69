//! Names of the entries: `<profile-id>/<what it opens>`. The profile id is any text that is unique on this computer; a gateway's
//! key goes with the connection and not with the profile.

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

/// The recovery words of the clinic's backups, so that they are made unattended: `<profile-id>/backup-words`.
pub fn backup_words(profile_id: &str) -> String {
    format!("{profile_id}/backup-words")
}

/// Recovery words that were in use before, a line each: backups that they open may still be there, and the list of who was
/// erased since stands beside those, too: `<profile-id>/former-backup-words`.
pub fn former_backup_words(profile_id: &str) -> String {
    format!("{profile_id}/former-backup-words")
}

/// The lock of the screens, as a hash: `<profile-id>/lock`.
pub fn lock(profile_id: &str) -> String {
    format!("{profile_id}/lock")
}

/// Key of the clinic's certificate authority for its own network: `<profile-id>/lan-authority`.
pub fn lan_authority(profile_id: &str) -> String {
    format!("{profile_id}/lan-authority")
}

/// Key of the journals in which events wait on this computer until the database has them: `<profile-id>/journal-key`.
pub fn journal_key(profile_id: &str) -> String {
    format!("{profile_id}/journal-key")
}

/// Key of the bucket with files of messages, on computers that do the clinic's background work: `<profile-id>/bucket-key`.
pub fn bucket_key(profile_id: &str) -> String {
    format!("{profile_id}/bucket-key")
}

/// Key of a gateway, for the connection with this id: `<channel-id>/gateway-key`.
pub fn gateway_key(channel_id: &str) -> String {
    format!("{channel_id}/gateway-key")
}

/// Every kind of entry that a profile may have: what the keyring forgets with it, and what has to fit the smallest one.
pub const ALL: &[fn(&str) -> String] = &[
    cache_key,
    database_password,
    superuser_password,
    backup_words,
    former_backup_words,
    lock,
    lan_authority,
    journal_key,
    bucket_key,
    gateway_key,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_among_all_of_them_and_is_a_profile_s_own() {
        let functions = include_str!("names.rs").lines().filter(|line| line.starts_with("pub fn ")).count();
        assert_eq!(ALL.len(), functions, "a new kind of entry is forgotten with its profile");
        let mut names: Vec<String> = ALL.iter().map(|name| name("7")).collect();
        assert!(names.iter().all(|name| name.starts_with("7/")));
        names.sort();
        names.dedup();
        assert_eq!(names.len(), functions, "no two have one name");
    }
}
