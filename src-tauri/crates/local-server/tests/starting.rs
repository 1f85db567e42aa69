//! How a server comes to be: new folders, closed folders, folders of others.

use std::fs;
use std::time::Duration;

use balcao_keychain::{Keychain, Secret};
use balcao_local_server::{Binaries, Config, LocalServer, LocalServerError, SuperuserPassword};

use crate::place::{Place, binaries, psql, query};

#[tokio::test]
async fn starts_in_a_folder_with_spaces_and_accents() {
    let place = Place::new();
    let server = place.start().await.unwrap();
    assert!(server.is_ready().await && !server.was_adopted());
    assert!(query(server.connection(), "show server_version").starts_with("18."));
    assert_eq!(query(server.connection(), "select lower('SÃO JOÃO') || current_user"), "são joãobalcao_superuser");
    for extension in ["btree_gist", "pg_trgm", "unaccent", "citext", "vector"] {
        query(server.connection(), &format!("create extension {extension}"));
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn the_password_is_in_the_keychain_and_nowhere_else() {
    let place = Place::new();
    let server = place.start().await.unwrap();
    let password = place.keychain.get(&place.entry).await.unwrap().expect("stored before the folder was made");
    assert_eq!(server.connection().password, password);
    let mut wrong = server.connection().clone();
    wrong.password = Secret::new("wrong");
    assert!(!psql(&wrong, "select 1").status.success(), "no connection without the password");
    let parent = place.data_dir().parent().unwrap().to_owned();
    let beside: Vec<_> = fs::read_dir(parent).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!beside.iter().any(|name| name.to_string_lossy().contains("unfinished")), "{beside:?}");
    server.stop().await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn the_data_folder_is_closed_to_others() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::new();
    let server = place.start().await.unwrap();
    assert_eq!(fs::metadata(place.data_dir()).unwrap().permissions().mode() & 0o777, 0o700);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn the_log_holds_no_patient_data() {
    let place = Place::new();
    let server = place.start().await.unwrap();
    let sql = ["create table t (name text unique)", "insert into t values ('Maria')", "insert into t values ('Maria')"];
    for statement in sql {
        psql(server.connection(), statement);
    }
    psql(server.connection(), "select 'Maria'::int");
    psql(server.connection(), "do $$ begin raise warning 'Maria'; raise log 'seen'; end $$");
    server.stop().await.unwrap();
    let files = fs::read_dir(place.data_dir().join("log")).unwrap();
    let log: String = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    assert!(log.contains("seen"), "the server does write a log: {log}");
    assert!(!log.contains("Maria"), "neither statements nor errors nor their details: {log}");
}

#[tokio::test]
async fn two_starts_at_once_get_the_same_server() {
    let place = Place::new();
    let (one, other) = tokio::join!(place.start(), place.start());
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.process_id(), other.process_id());
    assert!(one.was_adopted() != other.was_adopted(), "one started it, the other found it");
    other.stop().await.unwrap();
    one.stop().await.expect("stopping a stopped server is fine");
}

#[tokio::test]
async fn a_half_made_initdb_is_redone() {
    let place = Place::new();
    let unfinished = place.data_dir().with_file_name("dados locais.unfinished");
    fs::create_dir_all(unfinished.join("data").join("base")).unwrap();
    fs::write(unfinished.join("data").join("PG_VERSION"), "18\n").unwrap();
    fs::write(unfinished.join("password"), "old").unwrap();
    fs::create_dir_all(place.data_dir()).unwrap();

    let server = place.start().await.unwrap();
    assert_eq!(query(server.connection(), "select 1"), "1");
    assert!(!unfinished.exists(), "nothing is left of the first attempt");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_start_that_is_given_up_halfway_can_be_repeated() {
    let place = Place::new();
    for milliseconds in [50, 300, 600] {
        let given_up = tokio::time::timeout(Duration::from_millis(milliseconds), place.start()).await;
        assert!(given_up.is_err() || place.data_dir().join("PG_VERSION").exists());
    }
    let server = place.start().await.expect("whatever the other attempts left behind");
    assert_eq!(query(server.connection(), "select 1"), "1");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_folder_of_another_version_is_left_alone() {
    let place = Place::new();
    fs::create_dir_all(place.data_dir()).unwrap();
    fs::write(place.data_dir().join("PG_VERSION"), "17\n").unwrap();
    let refusal = place.start().await.unwrap_err();
    assert!(matches!(&refusal, LocalServerError::WrongDataVersion { found, .. } if found == "17"), "{refusal}");
    assert!(refusal.is_permanent());
    assert_eq!(fs::read_dir(place.data_dir()).unwrap().count(), 1, "nothing was added or removed");
    assert_eq!(place.keychain.get(&place.entry).await.unwrap(), None, "and no password was made");
}

#[tokio::test]
async fn a_folder_with_other_files_is_left_alone() {
    let place = Place::new();
    fs::create_dir_all(place.data_dir()).unwrap();
    fs::write(place.data_dir().join("letter.odt"), "dear").unwrap();
    let refusal = place.start().await.unwrap_err();
    assert!(matches!(refusal, LocalServerError::NotOurs { .. }), "{refusal}");
    assert_eq!(fs::read_to_string(place.data_dir().join("letter.odt")).unwrap(), "dear");
}

#[tokio::test]
async fn a_lost_or_wrong_password_is_said_plainly() {
    let place = Place::new();
    place.start().await.unwrap().stop().await.unwrap();

    let lost = Config::new(binaries(), place.data_dir(), Keychain::in_memory(), &place.entry);
    let refusal = LocalServer::start(lost).await.unwrap_err();
    assert!(matches!(refusal, LocalServerError::PasswordLost { .. }), "{refusal}");

    let wrong = Config { password: SuperuserPassword::Given(Secret::new("wrong")), ..place.config() };
    let refusal = LocalServer::start(wrong).await.unwrap_err();
    assert!(matches!(refusal, LocalServerError::NotOurs { .. }), "{refusal}");
    assert!(!place.start().await.expect("the right one still opens it").was_adopted(), "no server was left running");
}

#[tokio::test]
async fn missing_or_foreign_binaries_are_named() {
    let place = Place::new();
    let refusal = Binaries::locate([place.folder().join("one"), place.folder().join("two")]).unwrap_err();
    let text = refusal.to_string();
    assert!(text.contains("one") && text.contains("two"), "{text}");
    assert_eq!(Binaries::locate([place.folder(), binaries().root()]).unwrap(), binaries());
}

#[cfg(unix)]
#[tokio::test]
async fn binaries_of_another_version_are_refused() {
    let place = Place::new();
    let bin = place.folder().join("bin");
    fs::create_dir(&bin).unwrap();
    for name in ["postgres", "initdb", "pg_ctl"] {
        fs::write(bin.join(name), "#!/bin/sh\necho 'postgres (PostgreSQL) 15.14'\n").unwrap();
        fs::set_permissions(bin.join(name), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    let refusal = Binaries::at(place.folder()).unwrap_err();
    assert!(matches!(&refusal, LocalServerError::WrongVersion { found, .. } if found == "15.14"), "{refusal}");
}

#[cfg(unix)]
#[tokio::test]
async fn as_root_a_closed_folder_is_named() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    let place = Place::new();
    if fs::metadata(place.folder()).unwrap().uid() != 0 {
        return; // Whoever is not root runs the server under the own account, to which nothing of this is closed.
    }
    fs::set_permissions(place.folder(), PermissionsExt::from_mode(0o700)).unwrap();
    let refusal = place.start().await.unwrap_err();
    assert!(matches!(&refusal, LocalServerError::Unreachable { folder, .. } if folder == place.folder()), "{refusal}");
    assert_eq!(place.keychain.get(&place.entry).await.unwrap(), None, "refused before anything was made");
}
