//! What becomes of a data folder when the program is updated, and PostgreSQL with it.

#![cfg(unix)]
use std::fs;
use std::path::{Path, PathBuf};

use balcao_local_server::{Binaries, Config, LocalServer, LocalServerError};

use crate::place::{Place, binaries, query};

/// A PostgreSQL of a later minor version: the same one, which says so of itself everywhere.
fn newer(place: &Place) -> Binaries {
    let root = place.folder().join("newer");
    copy(binaries().root(), &root);
    let mut changed = 0;
    for name in ["postgres", "initdb", "pg_ctl", "pg_dump", "pg_restore"] {
        let program = root.join("bin").join(name);
        let mut bytes = fs::read(&program).unwrap();
        let places: Vec<usize> = (0..bytes.len() - 4).filter(|at| &bytes[*at..*at + 4] == b"18.6").collect();
        for at in &places {
            bytes[at + 3] = b'9';
        }
        changed += places.len();
        fs::write(program, bytes).unwrap();
    }
    assert!(changed > 3, "the version carried along is no longer 18.6: this test has to learn the new one");
    Binaries::at(&root).unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, place): (PathBuf, PathBuf) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if path.is_dir() {
            copy(&path, &place);
        } else {
            fs::copy(&path, &place).unwrap();
        }
    }
}

#[tokio::test]
async fn a_later_minor_version_takes_the_data_folder_over_and_an_earlier_one_takes_it_back() {
    let place = Place::new();
    let server = place.start().await.unwrap();
    assert_eq!(query(server.connection(), "show server_version"), "18.6");
    query(server.connection(), "create extension btree_gist; create table t as select 'São João' as name");
    server.stop().await.unwrap();

    let updated = Config { binaries: newer(&place), ..place.config() };
    let server = LocalServer::start(updated.clone()).await.expect("the data folder of an earlier minor version");
    assert_eq!(query(server.connection(), "show server_version"), "18.9");
    assert_eq!(query(server.connection(), "select name from t"), "São João");
    query(server.connection(), "insert into t values ('depois')");
    server.stop().await.unwrap();

    let server = place.start().await.expect("an update of the program that was taken back");
    assert_eq!(query(server.connection(), "select count(*) from t"), "2");
    drop(server);

    // What still runs goes on from the old files until it is stopped; the next start is of the new ones.
    let adopted = LocalServer::start(updated.clone()).await.unwrap();
    assert!(adopted.was_adopted());
    assert_eq!(query(adopted.connection(), "show server_version"), "18.6");
    adopted.stop().await.unwrap();
    let server = LocalServer::start(updated).await.unwrap();
    assert_eq!(query(server.connection(), "show server_version"), "18.9");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn data_of_another_major_version_are_refused_and_left_as_they_are() {
    let place = Place::new();
    place.start().await.unwrap().stop().await.unwrap();
    let version = place.data_dir().join("PG_VERSION");
    for other in ["17", "19"] {
        fs::write(&version, format!("{other}\n")).unwrap();
        let before = fs::read_dir(place.data_dir()).unwrap().count();
        let refusal = place.start().await.unwrap_err();
        assert!(matches!(&refusal, LocalServerError::WrongDataVersion { found, .. } if found == other), "{refusal}");
        assert!(refusal.is_permanent() && refusal.to_string().contains(other), "{refusal}");
        assert_eq!(fs::read_dir(place.data_dir()).unwrap().count(), before);
    }
    fs::write(&version, "18\n").unwrap();
    place.start().await.expect("it was left as it is").stop().await.unwrap();
}
