//! `balcao-agent` as a person or a script calls it.

#![allow(clippy::unwrap_used)]

use std::process::{Command, Output};

use anyhow::Result;
use balcao_tenant::Role;
use balcao_tenant::audit::AuditFilter;
use balcao_tenant::members::{Code, Computer, Invitation, new_password};
use balcao_tenant::provision::Connection;
use balcao_testkit::database::{EmptyDatabase, TestDatabase, log_in, server};
use serde_json::{Value, json};
use uuid::Uuid;

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

#[tokio::test]
async fn a_persons_data_is_handed_out_as_a_file_once_and_to_those_who_may() -> Result<()> {
    let database = TestDatabase::fresh().await?;
    let url = |login: &Connection| login.address.to_url_with(login.password.as_deref());
    let (owner, viewer) = (url(database.owner()), url(&database.add_member(Role::Viewer).await?));
    let folder = tempfile::tempdir()?;
    let recording = folder.path().join("gravação.jsonl");
    std::fs::write(&recording, [line("3B01", "bom dia"), line("3B02", "quero meus dados")].join("\n"))?;
    let replay = ["replay", recording.to_str().unwrap(), "--channel", "Recepção"];
    assert_eq!(agent(&replay, &[("BALCAO_DATABASE_URL", &owner)]).status.code(), Some(0));
    let desk = log_in(database.owner()).await?;
    let page = desk.audit(&AuditFilter::default(), None, 100).await?;
    let made = page.rows.iter().find(|row| row.table_name.as_deref() == Some("contacts"));
    let person = made.and_then(|row| row.record_id).unwrap();

    let file = folder.path().join("dona-lucia.zip");
    let (id, place) = (person.to_string(), file.to_str().unwrap());
    let export = ["export", "--person", &id, "--out", place, "--json"];
    let refused = agent(&export, &[("BALCAO_DATABASE_URL", &viewer)]);
    assert_eq!((refused.status.code(), file.exists()), (Some(1), false), "{}", stderr(&refused));
    let stranger = Uuid::new_v4().to_string();
    let nobody = agent(&["export", "--person", &stranger, "--out", place], &[("BALCAO_DATABASE_URL", &owner)]);
    assert_eq!((nobody.status.code(), file.exists()), (Some(1), false));
    assert!(stderr(&nobody).contains("no such person"), "{}", stderr(&nobody));

    let made = agent(&export, &[("BALCAO_DATABASE_URL", &owner)]);
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    let said = json_of(&made);
    assert_eq!(said["path"], json!(place));
    assert!(said["rows"].as_u64().unwrap() >= 4, "the person, the thread, two messages: {said}");
    assert!(!String::from_utf8_lossy(&made.stdout).contains("Lúcia"), "what is in the file is not said");
    let mut archive = zip::ZipArchive::new(std::fs::File::open(&file)?)?;
    let document: Value = serde_json::from_reader(archive.by_name("dados.json")?)?;
    assert_eq!(document["person"][0]["id"], json!(id));
    let words: Vec<&Value> = document["messages"].as_array().unwrap().iter().map(|message| &message["body"]).collect();
    assert_eq!(words, ["bom dia", "quero meus dados"]);
    assert!(archive.by_name("dados.html").is_ok(), "a page to read");
    let page = desk.audit(&AuditFilter { person_id: Some(person), ..AuditFilter::default() }, None, 100).await?;
    assert_eq!(
        page.rows.iter().filter(|row| row.action == "export").count(),
        1,
        "it is written down, and what was refused is not"
    );
    let again = agent(&export, &[("BALCAO_DATABASE_URL", &owner)]);
    assert_eq!(again.status.code(), Some(1), "a file that is there is not written over");
    Ok(())
}

#[tokio::test]
async fn members_are_invited_listed_and_sent_away_from_a_command_line() -> Result<()> {
    let database = TestDatabase::fresh().await?;
    let owner = database.owner();
    let url = owner.address.to_url_with(owner.password.as_deref());
    let clinic = [("BALCAO_DATABASE_URL", url.as_str())];
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("ana.balcao-invite");
    let invite = ["invite", "--name", "Ana Souza", "--role", "viewer", "--json", "--out", file.to_str().unwrap()];

    let made = agent(&invite, &clinic);
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    let said = json_of(&made);
    assert_eq!((&said["member"], &said["invitation"]), (&json!("Ana Souza"), &Value::Null));
    let code = Code::read(said["code"].as_str().unwrap()).expect("it is a code");
    let invitation = Invitation::open(&std::fs::read_to_string(&file)?, &code)?;
    let output = format!("{}{}", stderr(&made), String::from_utf8_lossy(&made.stdout));
    assert!(!output.contains(&invitation.password) && !output.contains("balcao1:"), "what is in the file is not said");
    let again = agent(&invite, &clinic);
    assert_eq!(again.status.code(), Some(1), "a file that is there is not written over");
    assert_eq!(json_of(&agent(&["members", "--json"], &clinic))["invitations"].as_array().unwrap().len(), 1);

    let password = new_password();
    let computer =
        Computer { name: "Recepção".to_owned(), platform: "linux".to_owned(), app_version: "test".to_owned() };
    invitation.accept(&password, &computer, "balcao-test").await?.expect("it is accepted");
    let members = json_of(&agent(&["members", "--json"], &clinic));
    let ana = members["members"].as_array().unwrap().iter().find(|member| member["name"] == "Ana Souza").unwrap();
    assert_eq!(ana["computers"][0]["name"], "Recepção");
    let listed = agent(&["members"], &clinic);
    assert!(String::from_utf8_lossy(&listed.stdout).contains("Ana Souza (viewer)"));

    let hers = invitation.address.to_url_with(Some(&password));
    let refused = agent(&["members"], &[("BALCAO_DATABASE_URL", hers.as_str())]);
    assert_eq!((refused.status.code(), stderr(&refused).contains("not permitted")), (Some(1), true));
    let id = ana["id"].as_str().unwrap();
    let gone = agent(&["revoke", "--member", id, "--json"], &clinic);
    assert_eq!((gone.status.code(), json_of(&gone)), (Some(0), json!({ "revoked": true })));
    let told = agent(&["members"], &[("BALCAO_DATABASE_URL", hers.as_str())]);
    assert!(stderr(&told).contains("revoked"), "{}", stderr(&told));
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
        (&["members"], &[], "--profile DIR, or BALCAO_DATABASE_URL"),
        (&["invite", "--name", "X", "--role", "agent"], &[], "it is one of owner"),
        (&["revoke"], &[], "--member"),
        (&["dance"], &[], "unrecognized subcommand"),
    ] {
        let output = agent(arguments, environment);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(stderr(&output).contains(says), "{arguments:?}: {}", stderr(&output));
        assert!(!stderr(&output).contains("s3cret"), "a password was shown");
    }
}

#[tokio::test]
async fn the_doctor_says_which_step_fails_and_ends_accordingly() -> Result<()> {
    let database = TestDatabase::fresh().await?;
    let owner = database.owner();
    let url = owner.address.to_url_with(owner.password.as_deref());
    let states = |output: &Output| -> Vec<String> {
        let findings = json_of(output)["steps"].clone();
        findings.as_array().unwrap().iter().map(|step| step["state"].as_str().unwrap().to_owned()).collect()
    };
    let well = agent(&["doctor", "--json"], &[("BALCAO_DATABASE_URL", &url)]);
    assert_eq!((well.status.code(), &json_of(&well)["ok"]), (Some(0), &json!(true)), "{}", stderr(&well));
    assert_eq!(states(&well), ["ok"; 6]);

    let wrong = owner.address.to_url_with(Some("not-the-password"));
    let refused = agent(&["doctor", "--json"], &[("BALCAO_DATABASE_URL", &wrong)]);
    assert_eq!((refused.status.code(), &json_of(&refused)["ok"]), (Some(2), &json!(false)));
    assert_eq!(states(&refused), ["ok", "ok", "ok", "failed", "not_reached", "not_reached"]);
    assert_eq!(json_of(&refused)["steps"][3]["code"], "wrong_password");
    let said = format!("{}{}", String::from_utf8_lossy(&refused.stdout), stderr(&refused));
    assert!(!said.contains("not-the-password") && !said.contains(owner.password.as_deref().unwrap()));

    let words = agent(&["doctor"], &[("BALCAO_DATABASE_URL", &wrong)]);
    let words = String::from_utf8_lossy(&words.stdout).into_owned();
    assert!(words.contains("login    FAILED (wrong_password)") && words.contains("clock    not reached"), "{words}");
    assert_eq!(agent(&["doctor", "--json"], &[]).status.code(), Some(1), "nobody said which clinic");
    Ok(())
}

#[tokio::test]
async fn a_connection_that_does_not_work_is_not_added_and_its_key_is_not_repeated() -> Result<()> {
    let database = TestDatabase::fresh().await?;
    let owner = database.owner();
    let password = owner.password.as_deref().unwrap();
    let url = owner.address.to_url().replacen('@', &format!(":{password}@"), 1);
    let clinic = [("BALCAO_DATABASE_URL", url.as_str())];
    let add = |more: &[&str], key: &str| {
        use std::io::Write as _;
        use std::process::Stdio;

        let arguments = ["channel", "add", "--name", "Recepção", "--instance", "recepcao", "--json"];
        let mut child = Command::new(env!("CARGO_BIN_EXE_balcao-agent"))
            .args(arguments.iter().chain(more))
            .envs(clinic)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(key.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    // Nobody listens on port 1.
    for (address, key) in [
        ("http://127.0.0.1:1", "segredo-da-clinica\n"),
        ("127.0.0.1", "segredo-da-clinica"),
        ("http://127.0.0.1:1", "segredo da clínica"),
        ("http://127.0.0.1:1/?apikey=segredo-da-clinica", "x"),
    ] {
        let refused = add(&["--url", address], key);
        assert_eq!(refused.status.code(), Some(1), "{address}: {}", stderr(&refused));
        assert!(!stderr(&refused).contains("segredo"), "{}", stderr(&refused));
    }
    let listed = agent(&["channel", "list", "--json"], &clinic);
    assert_eq!(json_of(&listed), json!([]), "{}", stderr(&listed));
    let unknown = agent(&["channel", "test", "Recepção", "--json"], &clinic);
    assert_eq!((unknown.status.code(), stderr(&unknown).contains("no such connection")), (Some(1), true));
    Ok(())
}
