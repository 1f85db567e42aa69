//! `balcao-agent` as a person or a script calls it.

#![allow(clippy::unwrap_used)]

use std::process::{Command, Output};

use anyhow::Result;
use balcao_testkit::database::{EmptyDatabase, server};
use serde_json::{Value, json};

fn agent(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_balcao-agent"))
        .args(arguments)
        .env_remove("BALCAO_ADMIN_URL")
        .env_remove("BALCAO_DATABASE_URL")
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no JSON; stderr: {}", stderr(output)))
}

fn line(id: &str, words: &str) -> String {
    let data = json!({
        "key": {"remoteJid": "5531977776666@s.whatsapp.net", "fromMe": false, "id": id}, "pushName": "Dona Lúcia",
        "message": {"conversation": words}, "messageType": "conversation", "messageTimestamp": 1_795_000_000,
    });
    json!({"event": "messages.upsert", "payload": {"instance": "recepcao", "data": data, "apikey": "tok-secret"}})
        .to_string()
}

#[tokio::test]
async fn a_clinic_is_made_once_and_takes_a_recording_line_by_line() -> Result<()> {
    let database = EmptyDatabase::on(server().await?).await?;
    let provision =
        ["provision", "--clinic", "Clínica Ipê", "--time-zone", "America/Sao_Paulo", "--owner", "Rui", "--json"];
    let admin = [("BALCAO_ADMIN_URL", database.admin_url())];

    let made = agent(&provision, &admin);
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    let clinic = json_of(&made);
    let password = clinic["owner"]["password"].as_str().unwrap();
    assert_eq!(clinic["clinic_name"], "Clínica Ipê");

    let again = json_of(&agent(&provision, &admin));
    assert_eq!(again["clinic_id"], clinic["clinic_id"]);
    assert_eq!(again["owner"].get("password"), None, "the password is given once");

    let address = &clinic["owner"]["address"];
    let url = format!(
        "postgres://{}:{password}@{}:{}/{}",
        address["user"].as_str().unwrap(),
        address["host"].as_str().unwrap(),
        address["port"],
        address["database"].as_str().unwrap()
    );
    let clinic = [("BALCAO_DATABASE_URL", url.as_str())];
    let folder = tempfile::tempdir()?;
    let recording = folder.path().join("gravação.jsonl");
    let file = recording.to_str().unwrap();

    std::fs::write(&recording, [line("3A01", "bom dia"), line("3A02", "tem vaga?")].join("\n"))?;
    let fine = agent(&["replay", file, "--channel", "Recepção", "--json"], &clinic);
    assert_eq!((fine.status.code(), stderr(&fine)), (Some(0), String::new()));
    assert_eq!((&json_of(&fine)["messages"], &json_of(&fine)["damaged_lines"]), (&json!(2), &json!([])));

    std::fs::write(&recording, [line("3A01", "bom dia"), "{torn".to_owned(), line("3A03", "obrigada")].join("\n"))?;
    let damaged = agent(&["replay", file, "--channel", "Recepção", "--json"], &clinic);
    assert_eq!(damaged.status.code(), Some(2), "some lines were damaged");
    let summary = json_of(&damaged);
    assert_eq!(
        (&summary["messages"], &summary["already_known"], &summary["damaged_lines"]),
        (&json!(1), &json!(1), &json!([2]))
    );
    assert!(stderr(&damaged).starts_with("line 2: "), "{}", stderr(&damaged));
    for output in [&fine, &damaged] {
        let said = format!("{}{}", stderr(output), String::from_utf8_lossy(&output.stdout));
        for secret in [password, "tok-secret", "Lúcia", "5531977776666", "bom dia"] {
            assert!(!said.contains(secret), "{secret} was said");
        }
    }

    let wrong = url.replace(password, "wrong");
    let refused = agent(&["replay", file], &[("BALCAO_DATABASE_URL", wrong.as_str())]);
    assert_eq!(
        (refused.status.code(), stderr(&refused)),
        (Some(1), "balcao-agent: the password is wrong\n".to_owned())
    );
    Ok(())
}

#[test]
fn a_call_that_cannot_work_says_what_to_do() {
    for (arguments, environment, says) in [
        (&["replay", "/nowhere/at-all.jsonl"][..], &[][..], "cannot be opened"),
        (&["replay", env!("CARGO_MANIFEST_PATH")], &[], "--profile DIR, or BALCAO_DATABASE_URL"),
        (&["replay", env!("CARGO_MANIFEST_PATH"), "--profile", "/nowhere"], &[], "is not the folder of a desk"),
        (&["provision", "--clinic", "X", "--time-zone", "UTC"], &[], "--admin-url"),
        (
            &["provision", "--clinic", "X", "--time-zone", "Mars", "--admin-url", "postgres://a:b@127.0.0.1:1/x"],
            &[],
            "time_zone is not valid",
        ),
        (
            &["provision", "--clinic", "X", "--time-zone", "UTC", "--admin-url", "postgres://a:s3cret@127.0.0.1:1/x"],
            &[],
            "does not answer",
        ),
        (&["dance"], &[], "unrecognized subcommand"),
    ] {
        let output = agent(arguments, environment);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(stderr(&output).contains(says), "{arguments:?}: {}", stderr(&output));
        assert!(!stderr(&output).contains("s3cret"), "a password was shown");
    }
}
