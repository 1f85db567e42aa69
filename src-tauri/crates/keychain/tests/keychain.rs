//! The keychain over both keyrings. The test of the system's keyring is ignored where none runs; see its comment.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use balcao_keychain::{Keychain, KeychainError, MAX_SECRET_BYTES, Secret, names};

async fn a_keychain_keeps_and_forgets(keychain: Keychain) {
    let name = names::cache_key("Clínica São João");
    assert_eq!(keychain.get(&name).await.unwrap(), None, "a missing entry is an answer, not an error");

    let created = keychain.get_or_create_random(&name, 32).await.unwrap();
    assert_eq!(keychain.get_or_create_random(&name, 32).await.unwrap(), created, "the second call finds the first");
    assert_eq!(keychain.clone().get(&name).await.unwrap(), Some(created));

    keychain.set(&name, &Secret::new("ação ✓")).await.unwrap();
    assert_eq!(keychain.get(&name).await.unwrap(), Some(Secret::new("ação ✓")), "text survives the round trip");

    keychain.delete(&name).await.unwrap();
    keychain.delete(&name).await.expect("deleting twice is fine");
    assert_eq!(keychain.get(&name).await.unwrap(), None);
}

#[tokio::test]
async fn the_keyring_in_memory_keeps_and_forgets() {
    a_keychain_keeps_and_forgets(Keychain::in_memory()).await;
}

/// Needs a keyring: a desktop session, or `dbus-run-session` with an unlocked `gnome-keyring-daemon`.
#[tokio::test]
#[ignore = "needs an unlocked keyring in this session"]
async fn the_keyring_of_the_system_keeps_and_forgets() {
    a_keychain_keeps_and_forgets(Keychain::system()).await;
}

/// The session of this test has no D-Bus address that answers, so there cannot be a keyring.
#[cfg(target_os = "linux")]
#[test]
fn without_a_keyring_the_answer_is_unavailable() {
    let outcome = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "asks_a_keyring_that_is_not_there", "--ignored"])
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
        .output()
        .unwrap();
    assert!(outcome.status.success(), "{}", String::from_utf8_lossy(&outcome.stdout));
}

#[cfg(target_os = "linux")]
#[tokio::test]
#[ignore = "runs inside without_a_keyring_the_answer_is_unavailable"]
async fn asks_a_keyring_that_is_not_there() {
    let refusal = Keychain::system().get("profile/cache-key").await.unwrap_err();
    assert!(matches!(refusal, KeychainError::Unavailable { .. }), "{refusal:?}");
    assert!(!refusal.is_permanent(), "a keyring can be installed or started");
}

#[tokio::test]
async fn a_secret_that_would_not_fit_on_windows_is_refused_everywhere() {
    let keychain = Keychain::in_memory();
    keychain.set("largest", &Secret::new("x".repeat(MAX_SECRET_BYTES))).await.unwrap();
    let refusal = keychain.set("larger", &Secret::new("x".repeat(MAX_SECRET_BYTES + 1))).await.unwrap_err();
    assert!(matches!(refusal, KeychainError::TooLarge { bytes: 2561, limit: 2560, .. }), "{refusal}");
    assert_eq!(keychain.get("larger").await.unwrap(), None, "nothing was stored in part");
}

#[tokio::test]
async fn an_entry_without_a_name_is_refused() {
    assert!(matches!(Keychain::in_memory().get("").await, Err(KeychainError::NoName)));
}

#[tokio::test]
async fn two_tasks_that_create_the_same_secret_agree_on_it() {
    let keychain = Keychain::in_memory();
    let (one, other) =
        tokio::join!(keychain.get_or_create_random("shared", 32), keychain.get_or_create_random("shared", 32));
    assert_eq!(one.unwrap(), other.unwrap());
}

#[test]
fn names_are_composed_of_the_profile_and_what_they_open() {
    assert_eq!(names::cache_key("p1"), "p1/cache-key");
    assert_eq!(names::database_password("p1"), "p1/database-password");
    assert_eq!(names::superuser_password("p1"), "p1/superuser-password");
}
