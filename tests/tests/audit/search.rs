//! The audit as its owner and admins ask for it.

use std::collections::BTreeSet;

use anyhow::Result;
use balcao_domain::clock::Clock;
use balcao_tenant::audit::{AuditFilter, AuditPage};
use balcao_tenant::members::{Computer, Invite, NewComer, TeamChange, new_password};
use balcao_tenant::{Error, Role, Tenant};
use balcao_testkit::database::{TestDatabase, log_in, servers};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

use super::{desk, run};

/// All pages of a question, one after another.
async fn all(tenant: &Tenant, filter: &AuditFilter, limit: u32) -> Result<(AuditPage, usize)> {
    let (mut whole, mut questions) = (AuditPage::default(), 0);
    loop {
        let page = tenant.audit(filter, whole.next, limit).await?;
        assert!(page.rows.len() <= limit as usize);
        questions += 1;
        assert!(questions < 200, "it comes to an end");
        whole.rows.extend(page.rows);
        whole.names.extend(page.names);
        whole.next = page.next;
        if whole.next.is_none() {
            return Ok((whole, questions));
        }
    }
}

fn texts(text: &str) -> AuditFilter {
    AuditFilter { text: Some(text.to_owned()), ..AuditFilter::default() }
}

#[tokio::test]
async fn each_entry_is_found_by_who_what_whom_when_and_by_what_it_says() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let login = database.add_member(Role::Attendant).await?;
        let ana = log_in(&login).await?.whoami().await?;
        let mut attendant = desk(&login).await?;
        let (maria, joao) = (Uuid::new_v4(), Uuid::new_v4());
        for (id, name) in [(maria, "María Conceição"), (joao, "João 100% Silva")] {
            run(
                &mut attendant,
                &format!(
                    "insert into app.contacts (clinic_id, id, name) values ('{}', '{id}', '{name}')",
                    database.clinic_id()
                ),
            )
            .await?;
        }
        run(&mut attendant, &format!("update app.contacts set notes = 'Liga à tarde' where id = '{maria}'")).await?;
        run(&mut attendant, &format!("update app.contacts set notes = 'prefere manhã' where id = '{joao}'")).await?;

        let owner = log_in(database.owner()).await?;
        let found = |page: &AuditPage| page.rows.iter().filter(|row| row.person_id.is_some()).count();
        let by = |filter: AuditFilter| {
            let owner = owner.clone();
            async move { all(&owner, &filter, 50).await.map(|(page, _)| page) }
        };
        let of_ana = by(AuditFilter { member_id: Some(ana.member_id), ..AuditFilter::default() }).await?;
        assert_eq!(found(&of_ana), 4);
        assert!(of_ana.rows.iter().any(|row| row.action == "login"), "that she came is hers, too");
        assert_eq!(of_ana.names[&ana.member_id], ana.member_name);
        assert_eq!(of_ana.names[&maria], "María Conceição");
        let first = &of_ana.rows[0];
        assert_eq!((first.person_id, first.action.as_str()), (Some(joao), "update"), "the newest comes first");
        assert_eq!(first.new_values, *json!({ "notes": "prefere manhã" }).as_object().unwrap());
        assert_eq!(found(&by(AuditFilter { person_id: Some(maria), ..AuditFilter::default() }).await?), 2);
        let tables = vec!["contacts".to_owned()];
        assert_eq!(found(&by(AuditFilter { tables: tables.clone(), ..AuditFilter::default() }).await?), 4);
        let deleted = AuditFilter { actions: vec!["delete".to_owned()], ..AuditFilter::default() };
        assert_eq!(by(deleted).await?.rows.len(), 0);
        let logins = AuditFilter { actions: vec!["login".to_owned()], ..AuditFilter::default() };
        assert_eq!(by(logins).await?.rows.iter().filter(|row| row.member_id == Some(ana.member_id)).count(), 1);

        assert_eq!(found(&by(texts("LIGA A TARDE")).await?), 1);
        assert_eq!(found(&by(texts("conceicao")).await?), 2, "a name finds all that is about whom it is");
        assert_eq!(found(&by(texts("100%")).await?), 2);
        assert_eq!(found(&by(texts("1%0")).await?), 0, "a sign of per cent is one");
        assert_eq!(found(&by(texts("opted_in_at")).await?), 0, "nobody asks for the names of columns");

        let now: DateTime<Utc> = sqlx::query_scalar("select now()").fetch_one(&mut attendant).await?;
        let later = AuditFilter { from: Some(now), ..AuditFilter::default() };
        assert_eq!(by(later).await?.rows.len(), 0);
        let earlier =
            AuditFilter { from: Some(now - TimeDelta::hours(1)), until: Some(now), tables, ..AuditFilter::default() };
        assert_eq!(found(&by(earlier).await?), 4);

        for role in [Role::Admin, Role::Attendant, Role::Professional, Role::Viewer, Role::Agent] {
            let tenant = log_in(&database.add_member(role).await?).await?;
            let answer = tenant.audit(&AuditFilter::default(), None, 10).await;
            match role {
                Role::Admin => assert!(answer.is_ok_and(|page| page.rows.len() == 10)),
                _ => assert_eq!(answer, Err(Error::NotPermitted), "{role:?}"),
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_long_audit_is_read_piece_by_piece_without_loss_and_by_its_indexes() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let mut administrator = PgConnection::connect(database.admin_url()).await?;
        let clinic = database.clinic_id();
        let (member, person) = (Uuid::new_v4(), Uuid::new_v4());
        // Two hundred thousand rows, many of one instant; a needle in the oldest of them, and few events.
        run(
            &mut administrator,
            &format!(
                "insert into app.audit_logs (clinic_id, action, at, table_name, record_id, person_id, member_id, new_values)
                 select '{clinic}', case when n % 50000 = 0 then 'squeeze_in' else 'update' end,
                        now() - (n / 40) * interval '1 minute', 'contacts', gen_random_uuid(),
                        case when n % 1000 = 0 then '{person}'::uuid else gen_random_uuid() end,
                        case when n % 500 = 0 then '{member}'::uuid else gen_random_uuid() end,
                        jsonb_build_object('notes', case when n = 199990 then 'agulha no palheiro' else 'palha ' || n end)
                 from generate_series(1, 200000) n;
                 insert into app.audit_logs (clinic_id, action, at, table_name) select '{clinic}', 'delete', now() - interval '1 year', 'rooms'
                 from generate_series(1, 120);
                 analyze app.audit_logs"
            ),
        )
        .await?;
        let owner = log_in(database.owner()).await?;
        let ids = |page: &AuditPage| page.rows.iter().map(|row| row.id).collect::<BTreeSet<_>>();

        let of_member = AuditFilter { member_id: Some(member), ..AuditFilter::default() };
        let (page, questions) = all(&owner, &of_member, 70).await?;
        assert_eq!((page.rows.len(), ids(&page).len()), (400, 400));
        assert!(questions <= 7, "an index finds them: {questions} questions");
        assert!(page.rows.windows(2).all(|pair| (pair[0].at, pair[0].id) > (pair[1].at, pair[1].id)), "newest first");
        let about = AuditFilter { person_id: Some(person), ..AuditFilter::default() };
        assert_eq!(all(&owner, &about, 200).await?.0.rows.len(), 200);

        // All of one instant, over several pages.
        let deleted = AuditFilter { tables: vec!["rooms".to_owned()], ..AuditFilter::default() };
        let (page, _) = all(&owner, &deleted, 50).await?;
        assert_eq!((page.rows.len(), ids(&page).len()), (120, 120));

        // What is at the very end is found, and no question reads all there is.
        let (page, questions) = all(&owner, &texts("AGULHA no"), 50).await?;
        assert_eq!(page.rows.len(), 1);
        assert_eq!(page.rows[0].new_values["notes"], "agulha no palheiro");
        assert!(questions >= 2, "a hundred thousand rows a question at the most");
        let squeezed = AuditFilter { actions: vec!["squeeze_in".to_owned()], ..AuditFilter::default() };
        let (page, questions) = all(&owner, &squeezed, 50).await?;
        assert_eq!((page.rows.len(), questions), (4, 1), "events have an index of their own");

        // As the question itself is planned.
        let mut of_owner = desk(database.owner()).await?;
        run(&mut of_owner, "set enable_bitmapscan = off; set enable_sort = off").await?;
        for (condition, index) in [
            ("true", "audit_logs_by_time"),
            ("at <= now() and (at, id) < (now(), gen_random_uuid())", "audit_logs_by_time"),
            ("member_id = gen_random_uuid()", "audit_logs_by_member"),
            ("person_id = gen_random_uuid()", "audit_logs_by_person"),
            ("action not in ('insert', 'update', 'delete')", "audit_logs_by_event"),
        ] {
            let condition = condition.replace("gen_random_uuid()", &format!("'{}'", Uuid::new_v4()));
            let sql =
                format!("explain select * from app.audit_logs where {condition} order by at desc, id desc limit 5000");
            let plan: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut of_owner).await?;
            assert!(
                plan.iter().any(|line| line.contains(&format!("Index Scan using {index}"))),
                "{condition}: {plan:#?}"
            );
            assert!(!plan.iter().any(|line| line.contains("Seq Scan on audit_logs")), "{condition}: {plan:#?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn invitations_are_written_down_with_who_made_them_and_who_came() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let owner = log_in(database.owner()).await?;
        let me = owner.whoami().await?.member_id;
        let invite = |name: &str| {
            Invite::Person(NewComer { name: name.to_owned(), email: None, role: Role::Viewer, agenda: None })
        };
        let now = Clock::System.now();
        let first = owner.invite(&invite("Rui"), Some("Notebook"), owner.address(), now).await?.unwrap();
        owner.change_team(TeamChange::CancelInvitation(first.id)).await?.unwrap();
        let second = owner.invite(&invite("Bia"), None, owner.address(), now).await?.unwrap();
        let password = new_password();
        let computer = Computer { name: "PC".to_owned(), platform: "linux".to_owned(), app_version: "1".to_owned() };
        second.invitation.accept(&password, &computer, "balcao-test").await?.unwrap();
        let bia = Tenant::connect(&second.invitation.address, &password, "balcao-test").await?.whoami().await?;

        let actions = ["invitation_made", "invitation_cancelled", "invitation_accepted"];
        let filter = AuditFilter { actions: actions.map(str::to_owned).to_vec(), ..AuditFilter::default() };
        let (page, _) = all(&owner, &filter, 50).await?;
        let mut told: Vec<(&str, Option<Uuid>, &str)> = page
            .rows
            .iter()
            .map(|row| (row.action.as_str(), row.member_id, page.names[&row.record_id.unwrap()].as_str()))
            .collect();
        told.reverse();
        assert_eq!(
            told,
            [
                ("invitation_made", Some(me), "Rui"),
                ("invitation_cancelled", Some(me), "Rui"),
                ("invitation_made", Some(me), "Bia"),
                ("invitation_accepted", Some(bia.member_id), "Bia"),
            ]
        );
        let made = page.rows.last().unwrap();
        assert_eq!((&made.new_values["role"], &made.new_values["device_name"]), (&json!("viewer"), &json!("Notebook")));
        assert!(made.device_id.is_some(), "and from which computer");
        let whole = format!("{page:?}");
        assert!(!whole.contains("SCRAM") && !whole.contains(&second.invitation.password));
    }
    Ok(())
}

#[tokio::test]
async fn every_audited_table_and_column_has_a_name_for_people() -> Result<()> {
    let database = TestDatabase::fresh().await?;
    let mut administrator = PgConnection::connect(database.admin_url()).await?;
    let columns: Vec<(String, String)> = sqlx::query_as(
        "select distinct c.relname::text, a.attname::text from pg_trigger t join pg_class c on c.oid = t.tgrelid
         join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         where t.tgfoid = 'internal.write_audit()'::regprocedure
           and (t.tgnargs = 0
                or a.attname = any (string_to_array(encode(t.tgargs, 'escape'), '\\000')))",
    )
    .fetch_all(&mut administrator)
    .await?;
    assert!(columns.len() > 150, "{}", columns.len());
    // What says which row it is, and what the screen never shows.
    let silent = [
        "id",
        "clinic_id",
        "created_at",
        "updated_at",
        "version",
        "change_xid",
        "match_key",
        "stage_entered_at",
        "metadata",
        "last_interaction_at",
        "last_event_at",
        "last_seen_at",
        "last_inbound_at",
        "last_ack_at",
        "acks_missing_since",
        "last_sweep_at",
        "swept_until",
        "unknown_outcomes",
        "stream_position",
        "problem",
        "needs_pairing",
    ];
    for file in ["pt-BR", "en"] {
        let path = format!("{}/../ui/messages/{file}.json", env!("CARGO_MANIFEST_DIR"));
        let words: Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
        for (table, column) in &columns {
            assert!(words[format!("audit_kind_{table}")].is_string(), "{table} has no name in {file}");
            assert!(
                silent.contains(&column.as_str()) || words[format!("audit_field_{column}")].is_string(),
                "{table}.{column} has no name in {file}"
            );
        }
        let codes: Vec<String> = sqlx::query_scalar(
            "select distinct (regexp_matches(pg_get_constraintdef(k.oid), '''([a-z_]+)''::text', 'g'))[1]
             from pg_constraint k join pg_trigger t on t.tgrelid = k.conrelid
             where k.contype = 'c' and t.tgfoid = 'internal.write_audit()'::regprocedure
               and k.conname ~ '_(status|role|handler|priority|vertical|relation|direction)$'
               and t.tgrelid <> 'app.messages'::regclass",
        )
        .fetch_all(&mut administrator)
        .await?;
        assert!(codes.len() > 30, "{codes:?}");
        for code in codes {
            assert!(words[format!("audit_code_{code}")].is_string(), "{code} has no name in {file}");
        }
    }
    Ok(())
}
