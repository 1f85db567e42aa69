//! What the law gives a person: a copy of everything that is known about them, and to be forgotten, on real servers and on
//! the computers of the desks.

mod copy;
mod seed;

use std::io::Read as _;

use anyhow::{Context as _, Result};
use balcao_domain::clock::Clock;
use balcao_tenant::privacy::{ExportError, ExportProgress, PersonArchive, Reason};
use balcao_tenant::provision::Connection;
use balcao_tenant::{Error, Operation, OperationKind, Role, Tenant, Verdict};
use balcao_testkit::database::{TestDatabase, log_in, servers};
use serde_json::{Map, Value, json};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use seed::{NAME, WORD, edited, hear, run, said, traces};

use crate::desks::actors::Actor;

async fn raw(connection: &Connection) -> Result<PgConnection> {
    let password = connection.password.as_deref().unwrap_or_default();
    Ok(PgConnection::connect(&connection.address.to_url().replacen('@', &format!(":{password}@"), 1)).await?)
}

async fn refusal(connection: &mut PgConnection, sql: &str) -> Option<String> {
    run(connection, sql).await.err()?.as_database_error()?.code().map(|code| code.into_owned())
}

/// What is handed out of a person, in a folder that has nothing else, and is gone with it.
async fn exported(desk: &Tenant, person: Uuid) -> Result<Option<PersonArchive>, ExportError> {
    let folder = tempfile::tempdir()?;
    let made = desk.export_person(person, folder.path(), Clock::System.now(), |_| ()).await;
    let left = std::fs::read_dir(folder.path())?.count();
    assert_eq!(left, usize::from(matches!(made, Ok(Some(_)))), "what did not become one leaves nothing: {made:?}");
    made
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn write(entity: &str, id: Uuid, kind: OperationKind, fields: Value) -> Operation {
    Operation {
        operation_id: Uuid::new_v4(),
        entity: entity.to_owned(),
        entity_id: id,
        kind,
        fields: object(fields),
        base: Map::new(),
        expires_at: None,
    }
}

#[tokio::test]
async fn after_an_erasure_no_table_of_the_clinic_has_a_trace_of_the_person() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let mut administrator = PgConnection::connect(database.admin_url()).await?;
        let owner = log_in(database.owner()).await?;
        let seeded = seed::person(&database, &owner).await?;
        run(&mut administrator, "analyze").await?;
        let before = traces(&mut administrator).await?;
        for place in [
            "app.appointments.notes",
            "app.appointment_series.notes",
            "app.audit_logs.new_values",
            "app.audit_logs.old_values",
            "app.contact_identifiers.value",
            "app.contacts.phone",
            "app.conversations.last_message_preview",
            "app.gateway_events.payload",
            "app.jobs.payload",
            "app.leads.title",
            "app.media.file_name",
            "app.messages.quoted_preview",
            "app.patients.medical_notes",
            "app.pending_effects.payload",
            "app.waitlist_entries.preferences",
        ] {
            assert!(before.iter().any(|found| found == place), "{place} is looked at: {before:?}");
        }

        let preview = owner.preview_erasure(seeded.person).await?.context("there is such a person")?;
        assert_eq!((preview.name.as_str(), preview.erased_at), ("Zulmirinha Kzqwx", None));
        assert_eq!(
            (preview.messages, preview.visits, preview.visits_ahead, preview.leads_open, preview.leads_closed),
            (31, 3, 1, 1, 1)
        );
        let erased = owner.erase_person(seeded.person, Reason::Request).await?.context("there is such a person")?;
        assert_eq!((erased.messages, erased.visits_kept, erased.visits_cancelled), (31, 3, 1));
        assert!(erased.gateway_events >= 31, "{erased:?}");
        run(&mut administrator, "analyze").await?;
        assert_eq!(traces(&mut administrator).await?, Vec::<String>::new());

        // What must be kept is kept.
        let kept: Vec<(String, Uuid)> =
            sqlx::query_as("select status, patient_id from app.appointments where contact_id = $1 order by starts_at")
                .bind(seeded.person)
                .fetch_all(&mut administrator)
                .await?;
        let statuses: Vec<&str> = kept.iter().map(|(status, _)| status.as_str()).collect();
        assert_eq!(statuses, ["completed", "completed", "cancelled"]);
        assert!(kept.iter().all(|(_, patient)| *patient == seeded.patient));
        let value: i64 = sqlx::query_scalar("select value_cents from app.leads where contact_id = $1")
            .bind(seeded.person)
            .fetch_one(&mut administrator)
            .await?;
        assert_eq!(value, 5000, "a closed lead keeps its value; the open one is gone");

        // It is written down, with who and why, and what was done before is still seen to have been done.
        let (reason, member): (String, Uuid) = sqlx::query_as(
            "select new_values ->> 'reason', member_id from app.audit_logs where action = 'erasure' and person_id = $1",
        )
        .bind(seeded.person)
        .fetch_one(&mut administrator)
        .await?;
        assert_eq!((reason.as_str(), member), ("request", owner.whoami().await?.member_id));
        let told: i64 = sqlx::query_scalar(
            "select count(*) from app.audit_logs where person_id = $1 and action in ('insert', 'update', 'squeeze_in')",
        )
        .bind(seeded.person)
        .fetch_one(&mut administrator)
        .await?;
        assert!(told >= 9, "{told}");

        // Again does no harm.
        let again = owner.erase_person(seeded.person, Reason::Request).await?.context("the row is still there")?;
        assert_eq!((again.messages, again.visits_cancelled), (0, 0));
        assert!(owner.preview_erasure(seeded.person).await?.is_some_and(|known| known.erased_at.is_some()));
        assert_eq!(owner.erase_person(Uuid::new_v4(), Reason::Other).await?, None);
    }
    Ok(())
}

#[tokio::test]
async fn nobody_is_brought_back_and_who_writes_again_is_somebody_new() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let mut administrator = PgConnection::connect(database.admin_url()).await?;
        let owner = log_in(database.owner()).await?;
        let seeded = seed::person(&database, &owner).await?;
        owner.erase_person(seeded.person, Reason::Request).await?.context("erased")?;

        // Writes that were made before their desks heard of it.
        let (channel, professional): (Uuid, Uuid) =
            sqlx::query_as("select (select id from app.channels limit 1), (select id from app.professionals limit 1)")
                .fetch_one(&mut administrator)
                .await?;
        let (visit, series): (Uuid, Uuid) = sqlx::query_as(
            "select id, series_id from app.appointments where contact_id = $1 and status = 'completed' limit 1",
        )
        .bind(seeded.person)
        .fetch_one(&mut administrator)
        .await?;
        assert_ne!(series, Uuid::nil());
        let new = Uuid::new_v4;
        let conversation = json!({"conversation_id": seeded.talk, "channel_id": channel, "direction": "outbound",
                                  "sender_kind": "member", "body": WORD});
        let booking = json!({"contact_id": seeded.person, "patient_id": seeded.patient, "professional_id": professional,
                             "starts_at": "2030-01-07T12:00:00Z", "ends_at": "2030-01-07T13:00:00Z"});
        let identifier = json!({"contact_id": seeded.person, "kind": "email", "value": "a@b", "match_key": "a@b"});
        let refused = [
            write("messages", new(), OperationKind::Insert, conversation),
            write("contacts", seeded.person, OperationKind::Patch, json!({"notes": {"append": WORD}})),
            write("contacts", seeded.person, OperationKind::Patch, json!({"name": NAME})),
            write("patients", seeded.patient, OperationKind::Patch, json!({"name": NAME})),
            write("appointments", visit, OperationKind::Patch, json!({"notes": {"append": WORD}})),
            write("appointments", new(), OperationKind::Insert, booking),
            write("conversations", seeded.talk, OperationKind::Patch, json!({"status": "closed"})),
            write("contact_identifiers", new(), OperationKind::Insert, identifier),
        ];
        for (outcome, operation) in owner.apply(&refused).await?.iter().zip(&refused) {
            let expected = Verdict::Refused { reason: "erased".to_owned(), constraint: None };
            assert_eq!(outcome.verdict, expected, "{} {:?}", operation.entity, operation.kind);
        }
        // One that contradicts what stands there now is not left to a person's decision.
        let mut conflicting = write("contacts", seeded.person, OperationKind::Patch, json!({"name": "Outra"}));
        conflicting.base = object(json!({"name": NAME}));
        let outcome = owner.apply(&[conflicting]).await?.remove(0);
        assert_eq!(outcome.verdict, Verdict::Refused { reason: "erased".to_owned(), constraint: None });
        // What says nothing about the person goes through.
        let silent = write("appointments", visit, OperationKind::Patch, json!({"status": "no_show"}));
        assert_eq!(owner.apply(&[silent]).await?.remove(0).verdict, Verdict::Applied);
        assert_eq!(traces(&mut administrator).await?, Vec::<String>::new());

        // The gateway tells the same again: known. Something new: somebody new.
        let again = hear(&owner, &said("MSG3", &format!("{WORD} mensagem 3"))).await?;
        assert_eq!((again.already_known, again.messages), (1, 0), "{again:?}");
        assert_eq!(traces(&mut administrator).await?, Vec::<String>::new());
        let news = hear(&owner, &said("NEWS", "oi, voltei")).await?;
        assert_eq!(news.messages, 1, "{news:?}");
        let people: Vec<Uuid> =
            sqlx::query_scalar("select contact_id from app.contact_identifiers").fetch_all(&mut administrator).await?;
        assert!(people.len() == 1 && people[0] != seeded.person, "{people:?}");
        let name: String = sqlx::query_scalar("select name from app.contacts where id = $1")
            .bind(seeded.person)
            .fetch_one(&mut administrator)
            .await?;
        assert_eq!(name, "Pessoa apagada");
    }
    Ok(())
}

#[tokio::test]
async fn what_the_gateway_says_of_an_erased_persons_messages_is_dropped_and_the_rest_waits_thirty_days() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let mut administrator = PgConnection::connect(database.admin_url()).await?;
        let owner = log_in(database.owner()).await?;
        let seeded = seed::person(&database, &owner).await?;
        owner.erase_person(seeded.person, Reason::Request).await?.context("erased")?;

        // Edits of a message that was there and of one that was only spoken of, which is known, and an old one told anew with
        // other words.
        let late = edited("MSG3") + &edited("NEVER") + &said("MSG5", &format!("{WORD} de novo"));
        let heard = hear(&owner, &late).await?;
        assert_eq!((heard.messages, heard.waiting, heard.ignored, heard.already_known), (0, 0, 2, 1), "{heard:?}");
        assert_eq!(traces(&mut administrator).await?, Vec::<String>::new());
        // A program that does not ask leaves nothing either.
        let by_hand = "insert into app.pending_effects (clinic_id, channel_id, gateway_id, kind, payload)
             select clinic_id, id, 'MSG4', 'edit', '{\"body\": \"zykrapt\"}' from app.channels";
        run(&mut raw(database.owner()).await?, by_hand).await?;
        assert_eq!(traces(&mut administrator).await?, Vec::<String>::new());
        let people: i64 = sqlx::query_scalar("select count(*) from app.contacts").fetch_one(&mut administrator).await?;
        assert_eq!(people, 1, "nobody has come back");

        // Of somebody who was not erased it waits, for thirty days.
        assert_eq!(hear(&owner, &edited("YET_TO_COME")).await?.waiting, 1);
        let age = "update app.pending_effects set created_at = now() - interval '29 days'";
        run(&mut administrator, age).await?;
        assert_eq!(owner.forget_old_effects().await?, 0);
        run(&mut administrator, &age.replace("29", "31")).await?;
        let stranger = log_in(&database.another_clinic("Outra clínica").await?.owner).await?;
        assert_eq!(stranger.forget_old_effects().await?, 0, "another clinic's are another clinic's");
        assert_eq!(owner.forget_old_effects().await?, 1);
        let attendant = log_in(&database.add_member(Role::Attendant).await?).await?;
        assert_eq!(attendant.forget_old_effects().await, Err(Error::NotPermitted));
    }
    Ok(())
}

#[tokio::test]
async fn only_the_owner_and_admins_of_the_clinic_have_a_say_in_a_persons_data() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let owner = log_in(database.owner()).await?;
        let seeded = seed::person(&database, &owner).await?;
        for role in [Role::Attendant, Role::Professional, Role::Viewer, Role::Agent] {
            let login = database.add_member(role).await?;
            let desk = log_in(&login).await?;
            assert_eq!(desk.erase_person(seeded.person, Reason::Request).await, Err(Error::NotPermitted), "{role:?}");
            assert_eq!(desk.preview_erasure(seeded.person).await, Err(Error::NotPermitted), "{role:?}");
            let exported = exported(&desk, seeded.person).await;
            assert!(matches!(exported, Err(ExportError::Database(Error::NotPermitted))), "{role:?}: {exported:?}");
            assert_eq!(desk.erasures().await, Err(Error::NotPermitted), "{role:?}");
            let mut raw = raw(&login).await?;
            for sql in [
                "select internal.reapply_erasures()",
                "select internal.erase_person(app.current_clinic(), gen_random_uuid(), 'other', null, now())",
                "insert into app.erasures (clinic_id, id) values (app.current_clinic(), gen_random_uuid())",
                "set role balcao_eraser",
            ] {
                assert_eq!(refusal(&mut raw, sql).await.as_deref(), Some("42501"), "{role:?}: {sql}");
            }
        }
        let stranger = database.another_clinic("Outra clínica").await?;
        let stranger = log_in(&stranger.owner).await?;
        assert_eq!(stranger.erase_person(seeded.person, Reason::Request).await?, None);
        assert_eq!(stranger.preview_erasure(seeded.person).await?, None);
        assert!(exported(&stranger, seeded.person).await?.is_none());
        assert!(owner.preview_erasure(seeded.person).await?.is_some_and(|known| known.erased_at.is_none()));
        let admin = log_in(&database.add_member(Role::Admin).await?).await?;
        assert!(admin.erase_person(seeded.person, Reason::Ended).await?.is_some());
        assert_eq!(stranger.erasures().await?, json!([]));
        assert_eq!(admin.erasures().await?[0]["id"], json!(seeded.person));

        // The role that takes texts out of the audit puts nothing in their place.
        let mut administrator = PgConnection::connect(database.admin_url()).await?;
        for sql in [
            "update app.audit_logs set new_values = '{}' where action = 'insert'",
            "update app.audit_logs set new_values = new_values || '{\"status\": \"active\"}' where action = 'erasure'",
            "update app.audit_logs set member_id = null",
            "delete from app.audit_logs",
        ] {
            let mut transaction = administrator.begin().await?;
            run(&mut transaction, "set local role balcao_eraser").await?;
            assert_eq!(refusal(&mut transaction, sql).await.as_deref(), Some("42501"), "{sql}");
            transaction.rollback().await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_patient_who_also_comes_with_somebody_else_stays_with_that_one() -> Result<()> {
    let database = TestDatabase::fresh().await?;
    let owner = log_in(database.owner()).await?;
    let seeded = seed::person(&database, &owner).await?;
    let mut administrator = PgConnection::connect(database.admin_url()).await?;
    let (clinic, father, patient) = (database.clinic_id(), Uuid::new_v4(), seeded.patient);
    run(
        &mut administrator,
        &format!(
            "update app.patients set name = 'Bento', medical_notes = 'alergia a dipirona', species = null, breed = null where id = '{patient}';
             insert into app.contacts (clinic_id, id, name) values ('{clinic}', '{father}', 'Otto');
             insert into app.appointments (clinic_id, patient_id, contact_id, professional_id, starts_at, ends_at, notes)
                select '{clinic}', '{patient}', '{father}', id, now() - interval '2 days', now() - interval '47 hours', 'veio com Otto'
                from app.professionals limit 1"
        ),
    )
    .await?;
    let preview = owner.preview_erasure(seeded.person).await?.context("there is such a person")?;
    assert_eq!((preview.patients.len(), preview.patients_kept), (0, vec!["Bento".to_owned()]));
    owner.erase_person(seeded.person, Reason::Request).await?.context("erased")?;
    let kept: (String, String, Uuid) =
        sqlx::query_as("select name, medical_notes, contact_id from app.patients where id = $1")
            .bind(patient)
            .fetch_one(&mut administrator)
            .await?;
    assert_eq!(kept, ("Bento".to_owned(), "alergia a dipirona".to_owned(), father));
    let notes: Vec<String> = sqlx::query_scalar("select notes from app.appointments where contact_id = $1")
        .bind(father)
        .fetch_all(&mut administrator)
        .await?;
    assert_eq!(notes, ["veio com Otto"]);
    // What was written down about the patient stays the patient's.
    let found = traces(&mut administrator).await?;
    assert!(found.iter().all(|place| place.starts_with("app.audit_logs.")), "{found:?}");
    Ok(())
}

#[tokio::test]
async fn a_restored_backup_forgets_again_who_was_erased_after_it_was_made() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let owner = log_in(database.owner()).await?;
        let mut administrator = PgConnection::connect(database.admin_url()).await?;
        let seeded = seed::person(&database, &owner).await?;
        let list = json!([
            {"clinic_id": database.clinic_id(), "id": seeded.person, "reason": "request", "member_id": null,
             "erased_at": "2026-11-20T10:00:00Z"},
            {"clinic_id": database.clinic_id(), "id": Uuid::new_v4()},
        ]);
        let done: i64 = sqlx::query_scalar("select internal.reapply_erasures($1)")
            .bind(&list)
            .fetch_one(&mut administrator)
            .await?;
        assert_eq!(done, 1, "one that is not there is passed over");
        assert_eq!(traces(&mut administrator).await?, Vec::<String>::new());
        let known = owner.erasures().await?;
        assert_eq!(known[0]["erased_at"], json!("2026-11-20T10:00:00+00:00"), "as it was: {known}");
        // The list that came with the backup itself is worked through, too.
        run(
            &mut administrator,
            &format!(
                "alter table app.contacts disable trigger zz_stays_erased;
                 update app.contacts set name = '{NAME}', source = 'whatsapp' where id = '{}';
                 alter table app.contacts enable trigger zz_stays_erased",
                seeded.person
            ),
        )
        .await?;
        sqlx::query("select internal.reapply_erasures()").execute(&mut administrator).await?;
        assert_eq!(traces(&mut administrator).await?, Vec::<String>::new());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_desk_forgets_also_one_that_was_away_and_wrote_meanwhile() -> Result<()> {
    let database = crate::desks::actors::sample_clinic().await?;
    let owner = log_in(database.owner()).await?;
    let seeded = seed::person(&database, &owner).await?;
    let boss = Actor::connect(database.owner()).await?;
    let away = Actor::connect(&database.add_member(Role::Attendant).await?).await?;
    for desk in [&boss, &away] {
        let search = json!({"text": WORD, "limit": 5});
        desk.until("search_everything", search, |found| found["messages"].as_array().is_some_and(|m| !m.is_empty()))
            .await?;
        assert_ne!(copy::traces(desk).await?, Vec::<String>::new());
    }
    away.line.cut();
    away.until("get_status", json!({}), |status| status["connection"] == "offline").await?;
    away.call("send_message", json!({"conversation_id": seeded.talk, "text": format!("{WORD} resposta")})).await?;
    away.call("add_note", json!({"about": "contact", "id": seeded.person, "text": format!("{WORD} ligou")})).await?;
    assert_eq!(away.counts().await?, (2, 0));

    let wrong = json!({"contact_id": seeded.person, "reason": "request", "typed_name": "Outra Pessoa"});
    assert_eq!(boss.call("erase_person", wrong).await.unwrap_err().code, "name_differs");
    let wish = json!({"contact_id": seeded.person, "reason": "request", "typed_name": "zulmirinha  kzqwx"});
    let erased = boss.call("erase_person", wish).await?;
    assert_eq!((&erased["messages"], &erased["visits_kept"]), (&json!(31), &json!(3)));
    copy::forgotten(&boss).await?;
    assert_eq!(copy::traces(&boss).await?, Vec::<String>::new());

    away.line.mend();
    copy::forgotten(&away).await?;
    away.until("get_status", json!({}), |status| status["waiting"] == 0 && status["needs_you"] == 0).await?;
    assert_eq!(copy::traces(&away).await?, Vec::<String>::new());
    let log = away.call("list_sync_log", json!({"limit": 100})).await?;
    let dropped = log["lines"].as_array().unwrap().iter().find(|line| line["event"] == "erased_dropped");
    assert_eq!(dropped.context("it is said")?["facts"]["dropped"], "2", "{log}");
    let mut administrator = PgConnection::connect(database.admin_url()).await?;
    assert_eq!(traces(&mut administrator).await?, Vec::<String>::new());
    let found = boss.call("search_everything", json!({"text": NAME, "limit": 5})).await?;
    assert!(found["messages"].as_array().unwrap().is_empty() && found["people"].as_array().unwrap().is_empty());
    Ok(())
}

fn unpacked(archive: &[u8], name: &str) -> Result<String> {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(archive))?;
    let mut text = String::new();
    zip.by_name(name)?.read_to_string(&mut text)?;
    Ok(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_handed_everything_that_is_known_about_them() -> Result<()> {
    let database = crate::desks::actors::sample_clinic().await?;
    let owner: Tenant = log_in(database.owner()).await?;
    let seeded = seed::person(&database, &owner).await?;
    let mut administrator = PgConnection::connect(database.admin_url()).await?;
    let odd = format!(
        "update app.contacts set notes = '<script>alert(1)</script> & \"{WORD}\"' where id = '{}'",
        seeded.person
    );
    run(&mut administrator, &odd).await?;
    // Somebody was named in a note about them, and they were joined with a record of before.
    let attendant = database.add_member(Role::Attendant).await?;
    let before = Uuid::new_v4();
    let happened = format!(
        "insert into app.messages (clinic_id, conversation_id, channel_id, direction, sender_kind, body, mentions)
            select clinic_id, id, channel_id, 'internal', 'member', '{WORD} para Bia',
                (select jsonb_agg(id) from app.members where role = 'attendant') from app.conversations where id = '{}';
         insert into app.contacts (clinic_id, id, name, status) values ('{clinic}', '{before}', '{NAME} antiga', 'archived');
         insert into app.contact_merges (clinic_id, kept_id, absorbed_id) values ('{clinic}', '{}', '{before}')",
        seeded.talk,
        seeded.person,
        clinic = database.clinic_id()
    );
    run(&mut administrator, &happened).await?;
    let boss = Actor::connect(database.owner()).await?;
    let known = boss.call("get_person_data", json!({"contact_id": seeded.person})).await?;
    assert_eq!((&known["messages"], &known["visits"]), (&json!(32), &json!(3)));

    let file = boss.call("export_person", json!({"contact_id": seeded.person})).await?;
    let path = file["path"].as_str().context("a path")?;
    assert!(path.contains("dados-zulmirinha-kzqwx-") && path.ends_with(".zip"), "{path}");
    let archive = std::fs::read(path)?;
    let document: Value = serde_json::from_str(&unpacked(&archive, "dados.json")?)?;
    let rows = |part: &str| document[part].as_array().map_or(0, Vec::len);
    assert_eq!(
        ["person", "addresses", "patients", "visits", "waiting_list", "conversations", "messages", "leads"].map(rows),
        [2, 1, 1, 3, 1, 1, 32, 2]
    );
    assert_eq!(document["merges"][0]["absorbed"], json!(format!("{NAME} antiga")));
    let visits = document["visits"].as_array().context("visits")?;
    assert!(visits.iter().all(|visit| visit["events"][0]["kind"] == "booked"), "{visits:?}");
    assert!(document["conversations"][0]["events"].as_array().is_some_and(|events| !events.is_empty()));
    let note = document["messages"].as_array().context("messages")?.iter().find(|row| row["direction"] == "internal");
    assert!(note.context("the note")?["mentioned"].as_array().is_some_and(|named| !named.is_empty()));
    assert!(rows("audit") >= 10, "{}", rows("audit"));
    let page = unpacked(&archive, "dados.html")?;
    for text in
        ["zykrapt mensagem 7", "zykrapt alergia", "zykrapt visita", "zykrapt.pdf", "marcada", "Zulmirinha antiga"]
    {
        assert!(page.contains(text), "{text} is on the page");
    }
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;") && !page.contains("<script"));
    assert!(!page.contains("src=") && !page.contains("href="), "it needs nothing from elsewhere, and no file came");
    let secrets: Vec<&str> =
        ["login", "balcao_", "change_xid"].into_iter().filter(|s| document.to_string().contains(s)).collect();
    assert_eq!(secrets, Vec::<&str>::new());
    let exports: i64 = sqlx::query_scalar(
        "select count(*) from app.audit_logs where action = 'export' and person_id = $1 and new_values ->> 'what' = 'person'",
    )
    .bind(seeded.person)
    .fetch_one(&mut administrator)
    .await?;
    assert_eq!(exports, 1, "it is written down");
    assert_eq!(boss.call("get_person_export", json!({})).await?["part"], Value::Null, "none is under way");
    let nobody = boss.call("export_person", json!({"contact_id": Uuid::new_v4()})).await.unwrap_err();
    assert_eq!(nobody.code, "not_found");
    let attendant = Actor::connect(&attendant).await?;
    for command in ["get_person_data", "export_person"] {
        let refused = attendant.call(command, json!({"contact_id": seeded.person})).await.unwrap_err();
        assert_eq!(refused.code, "not_permitted", "{command}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_nobody_waits_for_any_more_leaves_nothing() -> Result<()> {
    let database = TestDatabase::fresh().await?;
    let owner = log_in(database.owner()).await?;
    let seeded = seed::person(&database, &owner).await?;
    let folder = tempfile::tempdir()?;
    let half_way = tokio::sync::Notify::new();
    let told = |progress: ExportProgress| {
        if progress.part == "messages" {
            half_way.notify_one();
        }
    };
    tokio::select! {
        made = owner.export_person(seeded.person, folder.path(), Clock::System.now(), told) =>
            panic!("it is called off before: {made:?}"),
        () = half_way.notified() => {}
    }
    assert_eq!(std::fs::read_dir(folder.path())?.count(), 0);
    Ok(())
}

/// Tables with a column that leads to somebody, which are handed out to nobody, and why.
const NOT_HANDED_OUT: [(&str, &str); 3] = [
    ("conversation_reads", "until where a member has read says something of that member"),
    ("message_attempts", "how often the gateway was asked to send what is handed out as a message"),
    ("professional_people", "which agendas see the person follows from the visits, which are handed out"),
];

/// Who adds a table decides whether a person is told what is in it.
#[tokio::test]
async fn every_table_about_a_person_is_handed_out_or_has_a_reason() -> Result<()> {
    let database = TestDatabase::fresh().await?;
    let mut administrator = PgConnection::connect(database.admin_url()).await?;
    let about: Vec<String> = sqlx::query_scalar(
        "select distinct c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid
         where c.relnamespace = 'app'::regnamespace and c.relkind in ('r', 'p') and not a.attisdropped
           and a.attname in ('contact_id', 'patient_id', 'conversation_id', 'message_id', 'appointment_id', 'lead_id',
                             'person_id', 'kept_id')",
    )
    .fetch_all(&mut administrator)
    .await?;
    let export: String = sqlx::query_scalar("select pg_get_functiondef('app.export_person(uuid, text)'::regprocedure)")
        .fetch_one(&mut administrator)
        .await?;
    let is_exported = |table: &str| {
        export.split(|c: char| !(c.is_alphanumeric() || "._".contains(c))).any(|word| word == format!("app.{table}"))
    };
    for table in &about {
        let reason = NOT_HANDED_OUT.iter().find(|(name, _)| name == table);
        assert!(
            is_exported(table) != reason.is_some(),
            "app.{table} is about people: app.export_person reads it, or there is a reason why not, and not both"
        );
    }
    for (table, _) in NOT_HANDED_OUT {
        assert!(about.iter().any(|name| name == table), "app.{table} is about nobody: it needs no reason");
    }
    Ok(())
}
