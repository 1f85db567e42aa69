use balcao_domain::clock::Clock;
use balcao_keychain::Keychain;
use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::profile::Kind;
use crate::{DeskOptions, call, catalogue};

struct Place {
    folder: tempfile::TempDir,
    keychain: Keychain,
    clock: Clock,
}

impl Place {
    fn new() -> Self {
        Self::with(Keychain::in_memory())
    }

    fn with(keychain: Keychain) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let start = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let place = Self { folder, keychain, clock: Clock::manual(start) };
        // A clinic that cannot be reached: its lock works all the same.
        let address = balcao_tenant::Address::parse("postgres://a@127.0.0.1:1/x").unwrap().0;
        let id = Uuid::from_u128(7);
        Profile { address: Some(address), ..Profile::new(id, Kind::Remote) }.write(place.folder.path()).unwrap();
        place
    }

    async fn open(&self) -> Arc<Desk> {
        let options = DeskOptions {
            profile_dir: self.folder.path().to_owned(),
            postgres_dir: None,
            export_dir: None,
            app_version: "test".to_owned(),
        };
        let desk = Desk::open_with(options, self.keychain.clone(), self.clock.clone()).await.unwrap();
        while desk.clinic().await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        desk
    }
}

async fn change(desk: &Arc<Desk>, current: Option<&str>, new: Option<&str>, minutes: u32) -> Result<Value, ApiError> {
    let wish = json!({"current_pin": current, "way": "pin", "new_pin": new, "minutes": minutes});
    call(desk, "change_lock", wish).await
}

async fn state(desk: &Arc<Desk>) -> Value {
    call(desk, "get_session", json!({})).await.unwrap()
}

#[tokio::test]
async fn a_locked_desk_refuses_every_command_but_those_of_the_lock() {
    let place = Place::new();
    let desk = place.open().await;
    call(&desk, "lock_now", json!({})).await.unwrap();
    assert_ne!(state(&desk).await["state"], "locked", "without a PIN nobody could open it again");

    change(&desk, None, Some("4829"), 5).await.unwrap();
    call(&desk, "lock_now", json!({})).await.unwrap();
    assert_eq!(state(&desk).await["state"], "locked");
    for command in catalogue() {
        if ANSWERED.contains(&command.name) {
            continue;
        }
        for payload in [json!({}), json!(null), json!({"pin": "4829"})] {
            let refused = call(&desk, command.name, payload).await.unwrap_err();
            assert_eq!(refused.code, "locked", "{}", command.name);
        }
    }
    assert_eq!(call(&desk, "unlock", json!({"pin": "4828"})).await.unwrap_err().code, "wrong_pin");
    assert_eq!(state(&desk).await["state"], "locked");
    call(&desk, "unlock", json!({"pin": "4829"})).await.unwrap();
    assert_ne!(state(&desk).await["state"], "locked");
    assert!(call(&desk, "get_status", json!({})).await.is_ok());
}

#[tokio::test]
async fn a_locked_desk_streams_nothing_but_that_it_is() {
    let place = Place::new();
    let desk = place.open().await;
    change(&desk, None, Some("4829"), 0).await.unwrap();
    call(&desk, "lock_now", json!({})).await.unwrap();
    let mut changes = desk.changes();
    desk.announce(BTreeSet::from([Topic::Inbox, Topic::People]), vec![Uuid::from_u128(1)]);
    desk.announce(BTreeSet::from([Topic::Inbox, Topic::Session]), vec![Uuid::from_u128(1)]);
    let told = changes.recv().await.unwrap();
    assert_eq!((told.topics, told.conversations), (vec![Topic::Session], vec![]));
    call(&desk, "unlock", json!({"pin": "4829"})).await.unwrap();
    // The status may have been told of besides.
    let told = changes.recv().await.unwrap();
    assert_eq!(told.topics.len(), Topic::ALL.len(), "everything that was missed is asked for again");
}

#[tokio::test]
async fn nobody_there_for_as_long_as_the_setting_says_locks_and_presence_does_not() {
    let place = Place::new();
    let desk = place.open().await;
    change(&desk, None, Some("4829"), 5).await.unwrap();
    let is_locked = || async {
        tokio::time::sleep(LOOKING + Duration::from_millis(500)).await;
        state(&desk).await["state"] == "locked"
    };
    for _ in 0..2 {
        place.clock.advance(TimeDelta::minutes(4));
        call(&desk, "note_presence", json!({})).await.unwrap();
    }
    assert!(!is_locked().await, "somebody was there four minutes ago");
    // What the screens ask by themselves is no sign of anybody.
    call(&desk, "get_status", json!({})).await.unwrap();
    place.clock.advance(TimeDelta::minutes(5));
    assert!(is_locked().await);
}

#[tokio::test]
async fn ending_the_program_opens_nothing_and_forgives_nothing() {
    let place = Place::new();
    let desk = place.open().await;
    change(&desk, None, Some("4829"), 15).await.unwrap();
    call(&desk, "lock_now", json!({})).await.unwrap();
    for _ in 0..3 {
        assert_eq!(call(&desk, "unlock", json!({"pin": "0000"})).await.unwrap_err().code, "wrong_pin");
    }
    desk.close().await;
    drop(desk);
    tokio::time::sleep(LOOKING + Duration::from_millis(500)).await;

    let desk = place.open().await;
    let locked = state(&desk).await;
    assert_eq!((locked["state"].as_str(), locked["wait_seconds"].as_u64()), (Some("locked"), Some(15)));
    let refused = call(&desk, "unlock", json!({"pin": "4829"})).await.unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.reference.as_deref()),
        ("pin_wait", Some("15")),
        "even the right one waits"
    );
    place.clock.advance(TimeDelta::seconds(15));
    call(&desk, "unlock", json!({"pin": "4829"})).await.unwrap();
}

#[tokio::test]
async fn the_lock_is_changed_by_who_knows_the_pin_only() {
    let place = Place::new();
    let desk = place.open().await;
    assert_eq!(change(&desk, None, Some("123"), 5).await.unwrap_err().code, "pin_too_short");
    assert_eq!(change(&desk, None, None, 5).await.unwrap_err().code, "pin_too_short");
    assert_eq!(change(&desk, None, Some("4829"), 7).await.unwrap_err().code, "invalid_request");
    change(&desk, None, Some("4829"), 5).await.unwrap();
    assert_eq!(change(&desk, None, None, 0).await.unwrap_err().code, "wrong_pin");
    assert_eq!(
        change(&desk, Some("4829"), None, 60).await.unwrap(),
        json!({"way": "pin", "offers_account": false, "minutes": 60})
    );
    let account = json!({"current_pin": "4829", "way": "account", "new_pin": null, "minutes": 5});
    assert_eq!(
        call(&desk, "change_lock", account).await.unwrap_err().code,
        "account_unavailable",
        "nothing to ask here"
    );
    let remove = json!({"current_pin": "4829", "way": "none", "new_pin": null, "minutes": 0});
    let none = json!({"way": "none", "offers_account": false, "minutes": 0});
    assert_eq!(call(&desk, "change_lock", remove).await.unwrap(), none);
    assert!(place.keychain.get(&names::lock(&Uuid::from_u128(7).to_string())).await.unwrap().is_none());
}

#[tokio::test]
async fn the_account_of_the_system_opens_what_it_locks_and_no_pin_does() {
    let owner = Arc::new(AtomicBool::new(false));
    let place = Place::with(Keychain::in_memory_with_account(owner.clone()));
    let desk = place.open().await;
    let account = json!({"current_pin": null, "way": "account", "new_pin": null, "minutes": 15});
    let refused = call(&desk, "change_lock", account.clone()).await.unwrap_err();
    assert_eq!(refused.code, "account_not_proven", "whoever cannot open it does not lock it");
    owner.store(true, Ordering::SeqCst);
    let settings = call(&desk, "change_lock", account).await.unwrap();
    assert_eq!(settings, json!({"way": "account", "offers_account": true, "minutes": 15}));

    call(&desk, "lock_now", json!({})).await.unwrap();
    assert_eq!(state(&desk).await["way"], "account");
    owner.store(false, Ordering::SeqCst);
    for pin in [json!(null), json!(""), json!("4829")] {
        assert_eq!(call(&desk, "unlock", json!({"pin": pin})).await.unwrap_err().code, "account_not_proven");
    }
    owner.store(true, Ordering::SeqCst);
    call(&desk, "unlock", json!({"pin": null})).await.unwrap();
    assert_ne!(state(&desk).await["state"], "locked");

    owner.store(false, Ordering::SeqCst);
    assert_eq!(change(&desk, None, Some("4829"), 5).await.unwrap_err().code, "account_not_proven");
    owner.store(true, Ordering::SeqCst);
    assert_eq!(change(&desk, None, Some("4829"), 5).await.unwrap()["way"], "pin");
}
