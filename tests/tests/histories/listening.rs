//! A whole desk whose listening connection is open and dead: nothing is said on it, and nobody is told that it is so.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use balcao_api::{Desk, DeskOptions, call};
use balcao_domain::clock::Clock;
use balcao_keychain::Keychain;
use balcao_testkit::proxy::{Proxy, Which};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};

use crate::clinic::{Clinic, Template, run};
use crate::people::{Kind, id};

/// Looking takes place every 20 s; with room for a slow computer.
const LATEST: Duration = Duration::from_secs(25);

/// A change that is heard of is there long before.
const SOONEST: Duration = Duration::from_secs(2);

/// Longer than anything takes here.
const SETTLED: Duration = Duration::from_millis(500);

/// Changes something while the desk can hear of it, then while it cannot.
pub async fn dead_listener() -> Result<()> {
    let template = Template::make().await?;
    let clinic = template.copy().await?;
    let ended = on(&clinic).await;
    clinic.remove().await?;
    ended
}

async fn on(clinic: &Clinic) -> Result<()> {
    let (login, folder) = (&clinic.logins[0], tempfile::tempdir()?);
    let line = Proxy::to(login.address.port).await?;
    let options = DeskOptions {
        profile_dir: folder.path().to_owned(),
        export_dir: None,
        postgres_dir: None,
        app_version: "history".to_owned(),
    };
    let desk = Desk::open_with(options, Keychain::in_memory(), Clock::System).await?;
    let address = format!("postgres://{}@127.0.0.1:{}/{}", login.address.user, line.port(), login.address.database);
    call(&desk, "connect_clinic", json!({ "address": address, "password": login.password })).await?;
    let mut admin = clinic.admin().await?;
    while line.connections(Which::Listening) == 0 || shown(&desk).await.is_none() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    let heard = change(&desk, &mut admin, "Ouvida").await?;
    ensure!(heard < SOONEST, "a change was not heard of but found after {heard:?}");
    // Whatever the first change set in motion has come to rest before the line dies, and is dead when the second is made.
    tokio::time::sleep(SETTLED).await;
    line.freeze_present(Which::Listening);
    tokio::time::sleep(SETTLED).await;
    let found = change(&desk, &mut admin, "Calada").await?;
    ensure!(found > SOONEST, "the line that listens was not dead: {found:?}");
    ensure!(found < LATEST, "a change was found only after {found:?}");
    println!("heard after {heard:?}; with a dead line, found after {found:?}");
    admin.close().await?;
    desk.close().await;
    Ok(())
}

/// Gives a person another name and waits until the desk shows it.
async fn change(desk: &std::sync::Arc<Desk>, admin: &mut PgConnection, name: &str) -> Result<Duration> {
    let begun = Instant::now();
    run(admin, &format!("update app.contacts set name = '{name}' where id = '{}'", id(Kind::Contact, 0))).await?;
    while shown(desk).await.as_deref() != Some(name) {
        ensure!(begun.elapsed() < 2 * LATEST, "the desk never shows {name}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(begun.elapsed())
}

/// The name that the desk shows in the conversation of the first person.
async fn shown(desk: &std::sync::Arc<Desk>) -> Option<String> {
    let talk = json!({ "conversation_id": id(Kind::Talk, 0), "limit": 1 });
    let thread = call(desk, "get_thread", talk).await.ok()?;
    Some(thread["person"]["name"].as_str().context("a name").ok()?.to_owned())
}
