//! The wall between the clinics of one database, tried from the inside: with the logins that desks have.

pub(crate) mod breaches;
pub(crate) mod catalogue;
pub(crate) mod rights;
pub(crate) mod seeding;

use anyhow::Result;
use balcao_tenant::Role;
use balcao_tenant::provision::Connection;
use balcao_testkit::database::{TestDatabase, servers};
use breaches::World;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row};
use uuid::Uuid;

/// A desk's connection, for statements that the program itself would never send.
async fn desk(connection: &Connection) -> Result<PgConnection> {
    let password = connection.password.as_deref().unwrap_or_default();
    Ok(PgConnection::connect(&connection.address.to_url().replacen('@', &format!(":{password}@"), 1)).await?)
}

async fn run(connection: &mut PgConnection, sql: &str) -> Result<u64, sqlx::Error> {
    Ok(sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?.rows_affected())
}

/// SQLSTATE of the refusal, or nothing if there was none.
async fn refusal(connection: &mut PgConnection, sql: &str) -> Option<String> {
    match run(connection, sql).await {
        Ok(_) => None,
        Err(error) => error.as_database_error().and_then(|error| error.code()).map(|code| code.into_owned()),
    }
}

/// The six kinds of login, in the database's own words.
const GROUPS: &str = "array['balcao_owner', 'balcao_admin', 'balcao_attendant', 'balcao_professional', 'balcao_viewer',
                            'balcao_agent']";

#[tokio::test]
async fn each_hole_in_the_wall_is_found() -> Result<()> {
    let holes = [
        ("contacts", "alter table app.contacts disable row level security"),
        ("media", "alter table app.media no force row level security"),
        (
            "messages",
            "drop policy own_clinic on app.messages; create policy leak on app.messages for select using (true)",
        ),
        ("rooms", "create policy leak on app.rooms for insert with check (true)"),
        ("quick_replies", "create policy leak on app.quick_replies for all using (true)"),
        (
            "conversations",
            "alter table app.conversations drop constraint conversations_assignee;
             create unique index on app.members (id);
             alter table app.conversations add constraint loose foreign key (assignee_id) references app.members (id)",
        ),
        ("lead_events", "grant truncate on app.lead_events to balcao_attendant"),
        (
            "forgotten",
            "create table app.forgotten (clinic_id uuid not null, id uuid default gen_random_uuid());
             insert into app.forgotten select id from app.clinics; grant select on app.forgotten to balcao_viewer",
        ),
    ];
    for server in servers().await? {
        let mut world = World::on(&server).await?;
        for (table, hole) in holes {
            run(&mut world.administrator, hole).await?;
            world.tables = catalogue::tables(&mut world.administrator).await?;
            let found = world.breaches().await?;
            assert!(found.iter().any(|breach| breach.contains(table)), "{hole} must be found, not only {found:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_readme_tells_what_each_role_may_do() -> Result<()> {
    let told = rights::in_readme(&std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md"))?);
    for server in servers().await? {
        let mut world = World::on(&server).await?;
        let there = rights::in_catalogue(&mut world).await?;
        let mut wanted = std::collections::BTreeMap::<String, Vec<String>>::new();
        for (table, rights) in &there {
            wanted.entry(rights.join(" | ")).or_default().push(format!("`{table}`"));
        }
        let lines: Vec<String> =
            wanted.iter().map(|(rights, tables)| format!("| {} | {rights} |", tables.join(" "))).collect();
        assert!(told == there, "the table must say:\n{}", lines.join("\n"));
    }
    Ok(())
}

#[tokio::test]
async fn a_login_owns_nothing_and_can_make_nothing() -> Result<()> {
    for server in servers().await? {
        let World { database: _database, mut administrator, mut desks, .. } = World::on(&server).await?;
        let owned: i64 = sqlx::query_scalar(AssertSqlSafe(format!(
            "select count(*) from pg_shdepend d join pg_roles r on r.oid = d.refobjid
             where d.refclassid = 'pg_authid'::regclass and d.deptype = 'o'
               and (r.rolname = any ({GROUPS}) or r.rolname in (select login from internal.logins))"
        )))
        .fetch_one(&mut administrator)
        .await?;
        assert_eq!(owned, 0);
        for (role, desk) in &mut desks {
            let may: Vec<String> = sqlx::query_scalar(
                "select nspname::text from pg_namespace where has_schema_privilege(oid, 'create')
                 union all select 'temporary tables' where has_database_privilege(current_database(), 'temporary')
                 union all select 'schemas' where has_database_privilege(current_database(), 'create')
                 union all select 'internal' where has_schema_privilege('internal', 'usage')",
            )
            .fetch_all(&mut *desk)
            .await?;
            assert_eq!(may, Vec::<String>::new(), "{role:?}");
            for sql in [
                "create table app.mine (a int)",
                "create table public.mine (a int)",
                "create temporary table mine (a int)",
                "create schema mine",
                "create function app.mine() returns int language sql as 'select 1'",
                "create view app.mine as select 1",
                "create role balcao_mine",
                "create extension pgcrypto",
                "alter table app.contacts disable row level security",
                "drop policy own_clinic on app.contacts",
                "alter function app.current_clinic() security invoker",
                "create trigger mine before insert on app.contacts for each row execute function internal.stamp_insert()",
                "select * from internal.logins",
                "select * from internal.feed",
                "select * from internal.feed_marks",
                "delete from internal.feed_marks",
                "select * from internal.listen_channels",
                "select * from internal.migrations",
                "select pg_read_file('/etc/passwd')",
                "copy app.clinics to program 'cat'",
                "copy app.clinics to '/tmp/stolen'",
                "alter role current_user superuser",
                "alter role current_user bypassrls",
                "alter role current_user createrole",
                "grant balcao_definer to current_user",
                "set session_replication_role = replica",
                "alter system set fsync = off",
            ] {
                // A server without an extension says so before it says who may not have it.
                let refused = refusal(desk, sql).await;
                assert!(matches!(refused.as_deref(), Some("42501" | "0A000")), "{role:?}: {sql}: {refused:?}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn nobody_becomes_somebody_else() -> Result<()> {
    for server in servers().await? {
        let World { database, mut administrator, mut desks, ours, .. } = World::on(&server).await?;
        let stranger = database.owner().login.clone();
        let superuser: String = sqlx::query_scalar("select current_user::text").fetch_one(&mut administrator).await?;
        for (role, desk) in &mut desks {
            for somebody in [&*stranger, &*superuser, "balcao_definer", "balcao_nobody", "pg_read_all_data"] {
                for sql in [format!("set role \"{somebody}\""), format!("set session authorization \"{somebody}\"")] {
                    let refused = refusal(desk, &sql).await;
                    // Whether a name exists is no secret of a clinic: names of logins tell nothing.
                    assert!(matches!(refused.as_deref(), Some("42501" | "22023")), "{role:?}: {sql}: {refused:?}");
                }
            }
            let own_group = format!("set role balcao_{}", role.as_str());
            run(desk, &own_group).await?;
            let clinic: Option<Uuid> = sqlx::query_scalar("select app.current_clinic()").fetch_one(&mut *desk).await?;
            assert_eq!(clinic, Some(ours), "who is asking hangs on the login, not on the role that is set");
        }
    }
    Ok(())
}

#[tokio::test]
async fn no_setting_and_no_shadowing_name_changes_who_a_login_is() -> Result<()> {
    for server in servers().await? {
        let World { database, mut administrator, theirs, ours, .. } = World::on(&server).await?;
        let attendant = database.add_member(Role::Attendant).await?;
        let mut desk = desk(&attendant).await?;
        // More than any login is given: the functions must hold even where temporary tables may be made.
        let name: String = sqlx::query_scalar("select current_database()::text").fetch_one(&mut administrator).await?;
        run(&mut administrator, &format!("grant temporary on database {name} to \"{}\"", attendant.login)).await?;
        for sql in [
            format!("set app.current_clinic_id = '{theirs}'"),
            format!("set app.clinic_id = '{theirs}'"),
            "set row_security = off".to_owned(),
            "set row_security = on".to_owned(),
            format!("create temporary table logins as select session_user::text as login, '{theirs}'::uuid as clinic_id,
                     null::uuid as member_id, null::uuid as device_id, 'owner' as role, null::timestamptz as revoked_at"),
            format!("create function pg_temp.current_clinic() returns uuid language sql as $$ select '{theirs}'::uuid $$"),
            "create function pg_temp.session_user() returns text language sql as $$ select 'postgres' $$".to_owned(),
            "create function pg_temp.equal(text, name) returns boolean language sql as $$ select true $$".to_owned(),
            "create operator pg_temp.= (leftarg = text, rightarg = name, function = pg_temp.equal)".to_owned(),
            "set search_path = pg_temp, internal, app, pg_catalog".to_owned(),
            "set role balcao_attendant".to_owned(),
        ] {
            run(&mut desk, &sql).await?;
            let row = sqlx::query(
                "select app.current_clinic() as clinic, app.current_member_role() as role,
                        (select count(*) from app.clinics) as clinics,
                        (select count(*) from app.contacts where clinic_id <> app.current_clinic()) as strangers",
            )
            .fetch_one(&mut desk)
            .await;
            match row {
                Ok(row) => {
                    assert_eq!(row.try_get::<Option<Uuid>, _>("clinic")?, Some(ours), "{sql}");
                    assert_eq!(row.try_get::<Option<String>, _>("role")?.as_deref(), Some("attendant"), "{sql}");
                    assert_eq!((row.try_get::<i64, _>("clinics")?, row.try_get::<i64, _>("strangers")?), (1, 0), "{sql}");
                }
                // `row_security = off` turns the filter into a refusal.
                Err(error) => {
                    let code = error.as_database_error().and_then(|error| error.code());
                    assert_eq!((code.as_deref(), sql.contains("row_security = off")), (Some("42501"), true), "{sql}");
                }
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn who_asks_is_looked_up_within_the_plan_of_the_question() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let mut administrator = PgConnection::connect(database.admin_url()).await?;
        let slow: Vec<String> = sqlx::query_scalar(
            "select policyname || ' on ' || tablename from pg_policies
             where schemaname = 'app' and concat(qual, with_check) ~ 'app\\.(current_|own_agendas)'",
        )
        .fetch_all(&mut administrator)
        .await?;
        assert_eq!(slow, Vec::<String>::new(), "these call a function where a view (`app.own_clinic`) is as safe");
        let open: Vec<String> = sqlx::query_scalar(
            "select c.oid::regclass::text from pg_class c
             where c.relnamespace = 'app'::regnamespace and c.relkind in ('v', 'm')
               and (c.relowner <> 'balcao_definer'::regrole or not 'security_barrier=true' = any (coalesce(c.reloptions, '{}')))",
        )
        .fetch_all(&mut administrator)
        .await?;
        assert_eq!(open, Vec::<String>::new(), "a filter of who asks could be tried on the rows of others");
        let mut attendant = desk(&database.add_member(Role::Attendant).await?).await?;
        let plan: Vec<String> =
            sqlx::query_scalar("explain select from app.contacts").fetch_all(&mut attendant).await?;
        let steps = plan.join("\n");
        assert!(steps.contains("on logins") && !steps.contains("Result"), "{steps}");
    }
    Ok(())
}

#[tokio::test]
async fn functions_can_be_called_only_by_those_who_are_meant_to() -> Result<()> {
    let everyone = [
        "begin_session",
        "current_clinic",
        "current_device",
        "current_member",
        "current_member_role",
        "current_professionals",
        "changes_since",
        "feed_epoch",
        "feed_since",
        "fold",
        "introduce_device",
        "listen_channel",
        "login_revoked",
        "own_agendas",
        "own_feed",
        "record_export",
        "schema_version",
    ];
    // Who reads messages sees their files, wherever they are.
    let readers = ["media_place", "want_media"];
    let storage = ["abandon_bucket", "bucket_state", "empty_bucket", "use_bucket"];
    let counter = [
        "apply_operations",
        "delete_row",
        "fetch_media",
        "finish_media",
        "merge_contacts",
        "merges_of",
        "message_arrived",
        "offer_media",
        "put_media_chunk",
        "retry_message",
        "search_contacts",
        "search_messages",
        "undo_merge",
        "was_erased",
    ];
    let privacy = ["erase_contact", "export_person", "list_erasures", "preview_erasure"];
    let team = [
        "cancel_invitation",
        "change_role",
        "end_revoked_sessions",
        "invite_member",
        "list_team",
        "revoke_device",
        "revoke_member",
    ];
    let upkeep =
        ["age_audit", "begin_upkeep", "end_stuck_sessions", "finish_upkeep", "forget_old_effects", "forget_old_marks"];
    let background = [
        "age_media",
        "begin_moving",
        "drop_echo",
        "drop_late_question",
        "forget_bucket",
        "hold_lease",
        "is_message_erased",
        "note_bucket",
        "object_brought",
        "object_deleted",
        "object_failed",
        "object_moved",
        "put_media_piece",
        "release_lease",
        "take_lease",
        "take_pending_effects",
    ];
    let besides = |group: &str| -> Vec<&str> {
        match group {
            "balcao_professional" => vec!["apply_operations", "was_erased"],
            "balcao_viewer" => [&readers[..], &["search_contacts", "search_messages"]].concat(),
            "balcao_agent" => {
                let work = ["apply_operations", "bucket_state", "search_contacts", "search_messages", "was_erased"];
                [&work[..], &background, &upkeep, &readers].concat()
            }
            // An owner's computer may do the background work.
            "balcao_owner" => [&counter[..], &background, &upkeep, &team, &privacy, &readers, &storage].concat(),
            "balcao_admin" => [&counter[..], &upkeep, &team, &privacy, &readers, &storage].concat(),
            _ => [&counter[..], &readers].concat(),
        }
    };
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let mut administrator = PgConnection::connect(database.admin_url()).await?;
        let open: Vec<String> = sqlx::query_scalar(
            "select p.oid::regprocedure::text from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
             where p.pronamespace in ('app'::regnamespace, 'internal'::regnamespace) and a.grantee = 0",
        )
        .fetch_all(&mut administrator)
        .await?;
        assert_eq!(open, Vec::<String>::new(), "these can be called by everybody");
        for role in Role::ALL {
            let group = format!("balcao_{}", role.as_str());
            let callable: Vec<String> = sqlx::query_scalar(
                "select p.proname::text from pg_proc p
                 where p.pronamespace = 'app'::regnamespace and has_function_privilege($1, p.oid, 'execute') order by 1",
            )
            .bind(&group)
            .fetch_all(&mut administrator)
            .await?;
            let mut intended = [&everyone[..], &besides(&group)].concat();
            intended.sort_unstable();
            assert_eq!(callable, intended, "{group}");
            let inner: i64 = sqlx::query_scalar(
                "select count(*) from pg_proc p
                 where p.pronamespace = 'internal'::regnamespace and has_function_privilege($1, p.oid, 'execute')",
            )
            .bind(&group)
            .fetch_one(&mut administrator)
            .await?;
            assert_eq!(inner, 0, "{group} has no business in schema internal");
        }
        let loose: Vec<String> = sqlx::query_scalar(
            "select p.oid::regprocedure::text from pg_proc p
             where p.pronamespace in ('app'::regnamespace, 'internal'::regnamespace) and p.prosecdef
               and (not exists (select from unnest(p.proconfig) c where c like 'search_path=%')
                    or p.proowner not in ('balcao_definer'::regrole, 'balcao_steward'::regrole, 'balcao_gatekeeper'::regrole,
                                           'balcao_eraser'::regrole))",
        )
        .fetch_all(&mut administrator)
        .await?;
        assert_eq!(loose, Vec::<String>::new(), "a definer function has a fixed path and an owner that cannot log in");
    }
    Ok(())
}

#[tokio::test]
async fn functions_that_see_everything_tell_only_of_the_own_clinic() -> Result<()> {
    for server in servers().await? {
        let World { database, mut administrator, mut desks, ours, theirs, .. } = World::on(&server).await?;
        for clinic in [ours, theirs] {
            let sql = format!(
                "update app.contacts set name = 'Mariana Conceição' where clinic_id = '{clinic}';
                 update app.messages set body = 'preciso remarcar a consulta' where clinic_id = '{clinic}'"
            );
            run(&mut administrator, &sql).await?;
        }
        let their_contact: Uuid = sqlx::query_scalar("select id from app.contacts where clinic_id = $1 limit 1")
            .bind(theirs)
            .fetch_one(&mut administrator)
            .await?;
        let their_channel: String =
            sqlx::query_scalar("select channel from internal.listen_channels where clinic_id = $1")
                .bind(theirs)
                .fetch_one(&mut administrator)
                .await?;
        for (role, desk) in desks.iter_mut().filter(|(role, _)| *role != Role::Professional) {
            for (sql, table) in [
                ("select count(*) from app.search_contacts('conceicao')", "contacts"),
                ("select count(*) from app.search_messages('remarcar')", "messages"),
            ] {
                let found: i64 = sqlx::query_scalar(sql).fetch_one(&mut *desk).await?;
                assert_eq!(found, seeding::count(&mut administrator, table, ours).await?, "{role:?}: {sql}");
            }
            let channel: String = sqlx::query_scalar("select app.listen_channel()").fetch_one(&mut *desk).await?;
            assert_ne!(channel, their_channel, "{role:?}");
        }
        let mut attendant = desk(&database.add_member(Role::Attendant).await?).await?;
        for (kind, expected) in [("patch", "gone"), ("delete", "refused"), ("insert", "refused")] {
            let operation = serde_json::json!([{
                "operation_id": Uuid::new_v4(), "entity": "contacts", "entity_id": their_contact, "kind": kind,
                "fields": {"name": "Tomada", "clinic_id": theirs},
            }]);
            let mut transaction = attendant.begin().await?;
            let outcome: String = sqlx::query_scalar("select outcome from app.apply_operations($1)")
                .bind(operation)
                .fetch_one(&mut *transaction)
                .await?;
            transaction.rollback().await?;
            // The same id in two clinics is two rows: an insert goes to the own clinic.
            let expected = if kind == "insert" { "applied" } else { expected };
            assert_eq!(outcome, expected, "{kind}");
        }
        let taken: i64 =
            sqlx::query_scalar("select count(*) from app.contacts where clinic_id = $1 and name = 'Tomada'")
                .bind(theirs)
                .fetch_one(&mut administrator)
                .await?;
        assert_eq!(taken, 0);
    }
    Ok(())
}

#[tokio::test]
async fn what_happened_cannot_be_rewritten() -> Result<()> {
    for server in servers().await? {
        let World { database: _database, mut desks, .. } = World::on(&server).await?;
        for (role, desk) in &mut desks {
            for table in ["audit_logs", "applied_operations", "tombstones", "appointment_events", "lead_events"] {
                for sql in [
                    format!("update app.{table} set clinic_id = clinic_id"),
                    format!("delete from app.{table}"),
                    format!("truncate app.{table}"),
                ] {
                    assert_eq!(refusal(desk, &sql).await.as_deref(), Some("42501"), "{role:?}: {sql}");
                }
                if table != "applied_operations" {
                    let forged = format!("insert into app.{table} (clinic_id) values (app.current_clinic())");
                    assert_eq!(refusal(desk, &forged).await.as_deref(), Some("42501"), "{role:?}: {forged}");
                }
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_revoked_login_sees_nothing_even_in_a_session_that_is_open() -> Result<()> {
    for server in servers().await? {
        let World { database: _database, mut administrator, tables, mut desks, .. } = World::on(&server).await?;
        run(&mut administrator, "update internal.logins set revoked_at = now()").await?;
        for (role, desk) in &mut desks {
            for table in &tables {
                let sql = format!("select from app.{}", table.name);
                match run(desk, &sql).await {
                    Ok(rows) => assert_eq!(rows, 0, "{role:?} on {}", table.name),
                    Err(error) => {
                        let code = error.as_database_error().and_then(|error| error.code());
                        assert_eq!(code.as_deref(), Some("42501"), "{role:?} on {}", table.name);
                    }
                }
            }
            let search = sqlx::query_scalar("select count(*) from app.search_contacts('')").fetch_one(desk).await;
            let found: i64 = search.unwrap_or_default();
            assert_eq!(found, 0, "{role:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_background_work_moves_ticks_upwards() -> Result<()> {
    for server in servers().await? {
        let World { database: _database, mut administrator, mut desks, ours, .. } = World::on(&server).await?;
        run(&mut administrator, "update app.messages set direction = 'outbound', status = 'queued'").await?;
        let Some((_, agent)) = desks.iter_mut().find(|(role, _)| *role == Role::Agent) else { unreachable!() };
        for (wanted, becomes) in [("sending", "sending"), ("read", "read"), ("delivered", "read")] {
            run(agent, &format!("update app.messages set status = '{wanted}'")).await?;
            let status: String = sqlx::query_scalar("select status from app.messages where clinic_id = $1 limit 1")
                .bind(ours)
                .fetch_one(&mut administrator)
                .await?;
            assert_eq!(status, becomes);
        }
    }
    Ok(())
}
