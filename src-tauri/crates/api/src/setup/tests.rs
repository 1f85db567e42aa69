use balcao_domain::clock::Clock;
use balcao_keychain::{Keychain, Secret, names};
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::profile::Kind;
use crate::{DeskOptions, call, catalogue};

async fn open(folder: &std::path::Path, keychain: &Keychain) -> Arc<Desk> {
    let options = DeskOptions {
        profile_dir: folder.to_owned(),
        postgres_dir: None,
        export_dir: None,
        app_version: "test".to_owned(),
    };
    Desk::open_with(options, keychain.clone(), Clock::System).await.unwrap()
}

fn wish() -> StartLocalClinic {
    StartLocalClinic {
        clinic_name: "Acácia".to_owned(),
        owner_name: "Júlia".to_owned(),
        time_zone: "America/Sao_Paulo".to_owned(),
        vertical: "human".to_owned(),
        practice: Practice { rooms: vec!["Sala 1".to_owned()], ..Practice::default() },
    }
}

#[tokio::test]
async fn a_wish_that_cannot_be_fulfilled_leaves_nothing() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Keychain::in_memory());
    let desk = open(folder.path(), &keychain).await;
    let mut wrong = vec![wish(); 4];
    wrong[0].clinic_name = " ".to_owned();
    wrong[1].time_zone = "Brasilia".to_owned();
    wrong[2].vertical = "fish".to_owned();
    wrong[3].practice.rooms = vec![String::new()];
    for wish in wrong {
        let refused = call(&desk, "start_local_clinic", serde_json::to_value(&wish).unwrap()).await.unwrap_err();
        assert_eq!(refused.code, "invalid_request", "{wish:?}");
        assert!(Profile::read(folder.path()).unwrap().is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_button_that_is_pressed_twice_begins_one_clinic() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Keychain::in_memory());
    let desk = open(folder.path(), &keychain).await;
    let wish = serde_json::to_value(wish()).unwrap();
    let presses: Vec<_> = (0..16)
        .map(|_| {
            let (desk, wish) = (desk.clone(), wish.clone());
            tokio::spawn(async move { call(&desk, "start_local_clinic", wish).await.map_err(|problem| problem.code) })
        })
        .collect();
    let mut begun = 0;
    for press in presses {
        match press.await.unwrap() {
            Ok(_) => begun += 1,
            Err(code) => assert_eq!(code, "busy"),
        }
    }
    assert_eq!(begun, 1);
}

#[tokio::test]
async fn a_set_up_on_a_server_that_was_killed_asks_for_the_administrator_again_and_can_be_called_off() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Keychain::in_memory());
    let id = Uuid::from_u128(7);
    let entry = names::database_password(&id.to_string());
    keychain.set(&entry, &Secret::new("p")).await.unwrap();
    Profile { unfinished: Some(wish()), ..Profile::new(id, Kind::Remote) }.write(folder.path()).unwrap();
    let desk = open(folder.path(), &keychain).await;
    assert_eq!(desk.session(), Session::FirstRun);
    let state: SetupState = serde_json::from_value(call(&desk, "get_setup", json!({})).await.unwrap()).unwrap();
    let remote = Some("remote".to_owned());
    assert_eq!(state, SetupState { unfinished: remote, clinic: Some(wish()), restoring: None, can_cancel: true });

    call(&desk, "cancel_setup", json!({})).await.unwrap();
    assert!(Profile::read(folder.path()).unwrap().is_none());
    assert!(keychain.get(&entry).await.unwrap().is_none());
    let state = get_setup(&desk, Nothing {}).await.unwrap();
    assert_eq!(state, SetupState { unfinished: None, clinic: None, restoring: None, can_cancel: false });
}

#[tokio::test]
async fn a_restore_on_a_server_that_was_killed_leaves_no_words_and_is_told_of_until_something_else_is_begun() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Keychain::in_memory());
    let id = Uuid::from_u128(8);
    let entry = names::backup_words(&id.to_string());
    keychain.set(&entry, &Secret::new("doze palavras")).await.unwrap();
    let path = folder.path().join("balcao-1.balcao-backup");
    Profile { restoring: Some(path.clone()), ..Profile::new(id, Kind::Remote) }.write(folder.path()).unwrap();
    for _ in 0..2 {
        let desk = open(folder.path(), &keychain).await;
        assert_eq!(desk.session(), Session::FirstRun);
        assert!(keychain.get(&entry).await.unwrap().is_none());
        let state = get_setup(&desk, Nothing {}).await.unwrap();
        let (unfinished, restoring) = (Some("remote".to_owned()), Some(path.display().to_string()));
        assert_eq!(state, SetupState { unfinished, clinic: None, restoring, can_cancel: true });
    }
    let desk = open(folder.path(), &keychain).await;
    call(&desk, "cancel_setup", json!({})).await.unwrap();
    assert_eq!(desk.session(), Session::FirstRun);
    let state = get_setup(&desk, Nothing {}).await.unwrap();
    assert_eq!(state, SetupState { unfinished: None, clinic: None, restoring: None, can_cancel: false });
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_to_be_so_and_another_road_can_be_taken() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Keychain::in_memory());
    let desk = open(folder.path(), &keychain).await;
    let server = json!({"address": "postgres://admin:hunter2@127.0.0.1:1/x", "ca_pem": null});
    let refused = call(&desk, "check_server", server.clone()).await.unwrap_err();
    assert_eq!(refused.code, "unreachable");
    call(&desk, "start_server_clinic", json!({"server": server, "clinic": wish()})).await.unwrap();
    while matches!(desk.session(), Session::Preparing { .. }) {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let Session::Failed { problem, has_profile } = desk.session() else { panic!("{:?}", desk.session()) };
    assert_eq!((problem.code.as_str(), has_profile), ("unreachable", false));
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let text = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&text).contains("hunter2"), "the administrator's address is in no file");
    }
    call(&desk, "cancel_setup", json!({})).await.unwrap();
    assert_eq!(desk.session(), Session::FirstRun);
}

#[tokio::test]
async fn a_payload_of_any_shape_is_answered() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Keychain::in_memory());
    let desk = open(folder.path(), &keychain).await;
    let mut deep = json!(1);
    for _ in 0..100 {
        deep = json!([deep]);
    }
    let huge = "x".repeat(1 << 20);
    let shapes = [json!(null), json!([]), json!(-1), json!(1e308), json!(huge), json!({"address": {}}), deep];
    for command in catalogue() {
        for shape in &shapes {
            // Without arguments there is nothing that could be wrong with them.
            if command.name == "start_sample_clinic" && shape.is_object() {
                continue;
            }
            if let Err(refused) = call(&desk, command.name, shape.clone()).await {
                assert_ne!(refused.code, "internal", "{} {}", command.name, refused);
                assert!(refused.message.len() < 300 && !refused.message.contains("xxxx"), "nothing is repeated");
            }
        }
    }
    assert_eq!(call(&desk, "../get_session", json!({})).await.unwrap_err().code, "unknown_command");
}
