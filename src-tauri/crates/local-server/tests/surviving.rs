//! What a server survives: crashes of its own, of the desk, and a stale pid file.

#![cfg(unix)]

use std::fs;
use std::process::Command;

use crate::place::{Place, query};

#[tokio::test]
async fn survives_kill_minus_nine() {
    let place = Place::new();
    let server = place.start().await.unwrap();
    query(server.connection(), "create table t as select generate_series(1, 200000) as n");
    server.kill().await.unwrap();

    let server = place.start().await.expect("a start replays the log and waits for it");
    assert!(!server.was_adopted());
    assert_eq!(query(server.connection(), "select count(*) from t"), "200000", "what was committed is there");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn survives_a_postmaster_killed_under_its_sessions() {
    let place = Place::new();
    let server = place.start().await.unwrap();
    query(server.connection(), "create table t as select 1 as n");
    let pid = server.process_id();
    drop(server);
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());

    let server = place.start().await.expect("it waits for the orphans of the first server to end");
    assert_ne!(server.process_id(), pid);
    assert_eq!(query(server.connection(), "select n from t"), "1");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_running_server_is_adopted() {
    let place = Place::new();
    let first = place.start().await.unwrap();
    let (pid, port) = (first.process_id(), first.connection().port);
    drop(first);

    let second = place.start().await.unwrap();
    assert!(second.was_adopted(), "dropping the first left it running");
    assert_eq!((second.process_id(), second.connection().port), (pid, port));
    assert_eq!(query(second.connection(), "select 1"), "1");
    second.stop().await.expect("an adopted server is stopped like any other");
    assert!(!place.data_dir().join("postmaster.pid").exists());
}

#[tokio::test]
async fn a_server_that_is_shutting_down_is_waited_for_and_replaced() {
    let place = Place::new();
    let first = place.start().await.unwrap();
    let pid = first.process_id();
    let (stopped, second) = tokio::join!(first.stop(), place.start());
    stopped.unwrap();
    let second = second.unwrap();
    if second.process_id() != pid {
        assert_eq!(query(second.connection(), "select 1"), "1");
    }
    second.stop().await.unwrap();
}

#[tokio::test]
async fn a_stale_pid_file_does_not_prevent_a_start() {
    let place = Place::new();
    let server = place.start().await.unwrap();
    let pid_file = place.data_dir().join("postmaster.pid");
    let content = fs::read_to_string(&pid_file).unwrap();
    server.stop().await.unwrap();
    let with_pid = |pid: u32| format!("{pid}\n{}", content.split_once('\n').unwrap().1);

    let mut ended = Command::new("true").spawn().unwrap();
    ended.wait().unwrap();
    fs::write(&pid_file, with_pid(ended.id())).unwrap();
    place.start().await.expect("the number of a dead process").stop().await.unwrap();

    // Under the account of the server, whose processes PostgreSQL takes for a running server.
    let mut other = Command::new("sleep");
    other.arg("60");
    if fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0) {
        let owner = fs::metadata(place.data_dir()).unwrap();
        std::os::unix::process::CommandExt::uid(&mut other, std::os::unix::fs::MetadataExt::uid(&owner));
    }
    let mut other = other.spawn().unwrap();
    fs::write(&pid_file, with_pid(other.id())).unwrap();
    place.start().await.expect("the number of another program").stop().await.unwrap();
    assert!(other.try_wait().unwrap().is_none(), "the other program was not harmed");
    other.kill().unwrap();
    other.wait().unwrap();

    fs::write(&pid_file, "").unwrap();
    place.start().await.expect("an empty file, as after a power cut").stop().await.unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_stopped_server_leaves_no_process() {
    let place = Place::new();
    let server = place.start().await.unwrap();
    let pid = server.process_id();
    assert!(crate::place::processes_in(&place.data_dir()).contains(&pid));
    server.stop().await.unwrap();
    assert_eq!(crate::place::processes_in(&place.data_dir()), Vec::<u32>::new());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_server_gets_nothing_of_our_environment() {
    let place = Place::new();
    let server = place.start().await.unwrap();
    let environment = fs::read(format!("/proc/{}/environ", server.process_id())).unwrap();
    let environment = String::from_utf8_lossy(&environment);
    assert!(environment.contains("TZ=UTC"), "{environment}");
    // Cargo sets these for the test.
    assert!(!environment.contains("CARGO") && !environment.contains("HOME="), "{environment}");
    server.stop().await.unwrap();
}
