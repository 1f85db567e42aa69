//! Backups as a person or a script makes them.

#![allow(clippy::unwrap_used)]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use anyhow::Result;
use balcao_local_server::{BINARIES_ENV, release};
use balcao_tenant::audit::AuditFilter;
use balcao_tenant::privacy::Reason;
use balcao_tenant::{Operation, OperationKind, Tenant};
use balcao_testkit::database::{EmptyDatabase, TestDatabase, log_in, server};
use serde_json::{Value, json};
use uuid::Uuid;

fn agent(arguments: &[&str], admin_url: &str, words: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_balcao-agent"))
        .args(arguments)
        .env("BALCAO_ADMIN_URL", admin_url)
        .env(BINARIES_ENV, release::find_or_fetch().unwrap().root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A call that needs no words may have ended already.
    let _ = child.stdin.take().unwrap().write_all(words.as_bytes());
    child.wait_with_output().unwrap()
}

fn json_of(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no JSON; stderr: {said}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clinic_is_backed_up_tried_and_restored_from_a_script() -> Result<()> {
    let clinic = TestDatabase::fresh().await?;
    let (owner, person) = (log_in(clinic.owner()).await?, Uuid::new_v4());
    let fields = json!({ "name": "Aparecida Nogueira" }).as_object().cloned().unwrap();
    owner
        .apply(&[Operation {
            operation_id: Uuid::new_v4(),
            entity: "contacts".to_owned(),
            entity_id: person,
            kind: OperationKind::Insert,
            fields,
            base: serde_json::Map::new(),
            expires_at: None,
        }])
        .await?;
    let folder = tempfile::tempdir()?;
    #[cfg(unix)]
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let drawn = json_of(&agent(&["draw-words", "--json"], "", ""));
    let words: Vec<&str> = drawn["words"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    let words = words.join(" ");
    let place = folder.path().to_str().unwrap();

    let made = json_of(&agent(&["backup", "--folder", place, "--json"], clinic.admin_url(), &words));
    let file = made["file"].as_str().unwrap();
    assert_eq!(made["clinics"][0], "Clínica Teste");
    let exports = AuditFilter { actions: vec!["export".to_owned()], ..AuditFilter::default() };
    let told = owner.audit(&exports, None, 10).await?.rows;
    let details = told.iter().map(|row| (&row.new_values["what"], &row.new_values["details"]["rows"], row.member_id));
    assert_eq!(details.collect::<Vec<_>>(), [(&json!("backup"), &made["rows"], None)], "no member has made it");

    // Somebody is forgotten, and the next backup has it written beside all of them.
    owner.erase_person(person, Reason::Request).await?.unwrap();
    json_of(&agent(&["backup", "--folder", place, "--json"], clinic.admin_url(), &words));

    let tried = json_of(&agent(&["verify", file, "--scratch", place, "--json"], "", &words));
    assert_eq!((&tried["verified"], &tried["rows"]), (&Value::Bool(true), &made["rows"]));

    let empty = EmptyDatabase::on(server().await?).await?;
    let others = json_of(&agent(&["draw-words", "--json"], "", ""))["words"].clone();
    let others: Vec<&str> = others.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    let refused = agent(&["restore", file], empty.admin_url(), &others.join(" "));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!((refused.status.code(), said.contains("do not open this backup")), (Some(1), true), "{said}");

    let restored = json_of(&agent(&["restore", file, "--json"], empty.admin_url(), &words));
    assert_eq!(restored["clinics"][0]["clinic_id"], clinic.clinic_id().to_string());
    let heir = &restored["clinics"][0]["owner"];
    let address = serde_json::from_value(heir["address"].clone())?;
    let heir = Tenant::connect(&address, heir["password"].as_str().unwrap(), "balcao-test").await?;
    assert!(heir.erasures().await?.to_string().contains(&person.to_string()), "whoever was forgotten since stays so");
    Ok(())
}
