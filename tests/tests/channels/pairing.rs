//! Pairing a phone where the gateway gives no code at first, lets its codes run out, or does not want at all.

use anyhow::Result;
use balcao_testkit::database::TestDatabase;
use balcao_testkit::gateway::FakeEvolution;
use serde_json::{Value, json};

use super::{Computer, TOKEN, add, wish};

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_does_not_come_or_runs_out_is_asked_for_again_and_never_shown_stale() -> Result<()> {
    let (gateway, database) = (FakeEvolution::start().await?, TestDatabase::fresh().await?);
    gateway.add_instance("recepcao");
    gateway.unpair("recepcao");
    let office = Computer::of(database.owner()).await?;
    let id = add(&office, wish(&gateway, "recepcao"), TOKEN).await?;
    office.until("get_channels", |list| list["channels"][0]["id"] == id.as_str()).await?;

    gateway.set(|faults| faults.no_code = 1);
    let by_code = json!({ "id": id, "afresh": false, "number": "11 99999-0003" });
    office.call("pair_channel", by_code.clone()).await?;
    let shown = office.until("get_pairing", |pairing| pairing["problem"]["code"] == "gateway_failed").await?;
    assert_eq!((&shown["state"], &shown["picture"]), (&json!("asking"), &Value::Null), "it goes on asking");
    let first = office.until("get_pairing", |pairing| pairing["state"] == "code").await?;
    assert_eq!((&first["typed"], &first["problem"]), (&json!("BALC-0001"), &Value::Null));

    gateway.set(|faults| faults.codes_run_out = 1);
    let over = office.until("get_pairing", |pairing| pairing["state"] == "asking").await?;
    assert_eq!((&over["picture"], &over["typed"]), (&Value::Null, &Value::Null), "nobody reads a code that is over");
    let second = office.until("get_pairing", |pairing| pairing["state"] == "code").await?;
    assert_eq!(second["typed"], "BALC-0002");
    assert_ne!(second["picture"], first["picture"]);
    gateway.pair("recepcao");
    office.until("get_pairing", |pairing| pairing["state"] == "connected").await?;

    gateway.unpair("recepcao");
    gateway.set(|faults| faults.no_licence = true);
    office.call("pair_channel", by_code).await?;
    let failed = office.until("get_pairing", |pairing| pairing["state"] == "failed").await?;
    assert_eq!(failed["problem"]["code"], "gateway_licence_required", "a person must do something first");
    office.desk.close().await;
    Ok(())
}
