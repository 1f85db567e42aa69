//! Becoming somebody else, changing what is decided elsewhere, making objects, reaching the server.

use anyhow::Result;
use balcao_tenant::Role;
use sqlx::{AssertSqlSafe, PgConnection};

use super::ledger::{Expect, FORBIDDEN, Ledger};
use crate::row_security::breaches::World;

/// A name that leads nowhere says so; whether a role exists is no secret of a clinic.
const NO_ROLE: &[&str] = &["42501", "22023", "42704", "42939"];

pub async fn identity(world: &mut World, ledger: &mut Ledger) -> Result<()> {
    let superuser = text(&mut world.administrator, "select current_user::text").await?;
    let stranger = text(
        &mut world.administrator,
        &format!("select login from internal.logins where clinic_id = '{}' limit 1", world.theirs),
    )
    .await?;
    let boss = world.database.owner().login.clone();
    for (role, desk) in &mut world.desks {
        let role = *role;
        let mut others = vec![&*superuser, &*stranger, &*boss, "balcao_definer", "balcao_steward", "pg_read_all_data"];
        others.extend(["pg_write_all_data", "pg_read_server_files", "pg_execute_server_program", "pg_signal_backend"]);
        others.push("pg_monitor");
        for other in others {
            for sql in [
                format!("set role \"{other}\""),
                format!("set local role \"{other}\""),
                format!("set session authorization \"{other}\""),
                format!("select set_config('role', '{other}', true)"),
                format!("select set_config('session_authorization', '{other}', true)"),
                format!("grant \"{other}\" to current_user"),
                format!("alter role \"{other}\" password 'taken'"),
                format!("drop role \"{other}\""),
                format!("reassign owned by \"{other}\" to current_user"),
                format!("alter default privileges for role \"{other}\" grant all on tables to current_user"),
            ] {
                ledger.attempt(role, desk, &sql, Expect::Refused(NO_ROLE)).await?;
            }
        }
        for sql in [
            "alter role current_user superuser",
            "alter role current_user bypassrls",
            "alter role current_user createrole",
            "alter role current_user createdb",
            "alter role current_user replication",
            "alter role current_user connection limit -1",
            "alter role current_user valid until 'infinity'",
            "alter role all set statement_timeout = 0",
            "create role balcao_mine",
            "create user balcao_mine superuser",
            "create database mine",
            "alter database template1 is_template false",
        ] {
            ledger.attempt(role, desk, sql, Expect::Refused(FORBIDDEN)).await?;
        }
        ledger
            .attempt(role, desk, "set local row_security = off; select from app.contacts", Expect::Refused(FORBIDDEN))
            .await?;
    }
    Ok(())
}

/// Every setting that is not a session's own. Those of libraries are taken for a name until the library is there, which then
/// asks who set it.
pub async fn settings(world: &mut World, ledger: &mut Ledger) -> Result<()> {
    let settings: Vec<(String, String)> = sqlx::query_as(
        "select name, setting from pg_settings where context not in ('user', 'internal') and name not like '%.%' and setting not like '%''%' order by 1",
    )
    .fetch_all(&mut world.administrator)
    .await?;
    for (wanted, desk) in world.desks.iter_mut().filter(|(role, _)| matches!(role, Role::Owner | Role::Attendant)) {
        for (name, value) in &settings {
            // Also "cannot be changed now" and "only by a restart".
            let sql = format!("set {name} = '{value}'");
            ledger.attempt(*wanted, desk, &sql, Expect::Refused(&["42501", "55P02"])).await?;
        }
        for name in ["log_statement", "session_replication_role", "temp_file_limit", "row_security", "shared_buffers"] {
            let sql = format!("alter system set {name} = default");
            ledger.attempt(*wanted, desk, &sql, Expect::Refused(FORBIDDEN)).await?;
            let sql = format!(
                "do $$ begin execute format('alter database %I set {name} = default', current_database()); end $$"
            );
            ledger.attempt(*wanted, desk, &sql, Expect::Refused(FORBIDDEN)).await?;
        }
    }
    Ok(())
}

/// Objects of one's own, and changes to what is there.
pub async fn objects(world: &mut World, ledger: &mut Ledger) -> Result<()> {
    let extensions: Vec<String> =
        sqlx::query_scalar("select name::text from pg_available_extensions where installed_version is null order by 1")
            .fetch_all(&mut world.administrator)
            .await?;
    let tables: Vec<String> = world.tables.iter().map(|table| table.name.clone()).collect();
    for (role, desk) in &mut world.desks {
        let role = *role;
        for sql in OBJECTS {
            ledger.attempt(role, desk, sql, Expect::Refused(&["42501", "0A000", "42704", "22023"])).await?;
        }
        if role != Role::Owner {
            continue;
        }
        for name in &extensions {
            let sql = format!("create extension \"{name}\"");
            // Also "needs another extension first" and "not in this build".
            ledger.attempt(role, desk, &sql, Expect::Refused(&["42501", "42704", "0A000", "58P01"])).await?;
        }
        for table in &tables {
            for sql in [
                format!("alter table app.{table} disable row level security"),
                format!("alter table app.{table} no force row level security"),
                format!("alter table app.{table} owner to current_user"),
                format!("alter table app.{table} add column mine text"),
                format!("alter table app.{table} disable trigger all"),
                format!("drop table app.{table} cascade"),
                format!("drop policy own_clinic on app.{table}"),
                format!("create policy mine on app.{table} using (true)"),
                format!("create index on app.{table} (clinic_id)"),
                format!(
                    "create trigger mine before insert on app.{table} for each row execute function pg_catalog.suppress_redundant_updates_trigger()"
                ),
                format!("create rule mine as on select to app.{table} do instead select 1"),
                format!("create statistics mine on clinic_id, ctid from app.{table}"),
                format!("comment on table app.{table} is 'mine'"),
                format!("cluster app.{table}"),
                format!("create table app.mine partition of app.{table} default"),
                format!("create table app.mine () inherits (app.{table})"),
            ] {
                let with = &["42501", "42809", "0A000", "42703", "42704", "42P17"];
                ledger.attempt(role, desk, &sql, Expect::Refused(with)).await?;
            }
        }
    }
    Ok(())
}

const OBJECTS: &[&str] = &[
    "create table app.mine (a int)",
    "create table public.mine (a int)",
    "create temporary table contacts (a int)",
    "create temporary view contacts as select 1",
    "create temporary sequence mine",
    "create table pg_temp.logins (a int)",
    "create unlogged table app.mine (a int)",
    "select * into app.mine from app.clinics",
    "select id into temporary mine from app.clinics",
    "create schema mine",
    "create schema authorization current_user",
    "create function app.mine() returns int language sql as 'select 1'",
    "create function pg_temp.current_clinic() returns uuid language sql as 'select null::uuid'",
    "create function public.lower(text) returns text language sql as 'select $1'",
    "create or replace function app.current_clinic() returns uuid language sql as 'select null::uuid'",
    "create function ext.mine(internal) returns internal language c as 'mine'",
    "create procedure app.mine() language sql as 'select 1'",
    "create aggregate app.mine(int) (sfunc = int4pl, stype = int)",
    "create operator public.= (leftarg = text, rightarg = uuid, function = texteq)",
    "create operator class app.mine default for type uuid using btree as operator 1 =",
    "create type app.mine as enum ('a')",
    "create type pg_temp.uuid as (a text)",
    "create domain app.mine as text",
    "create cast (text as uuid) with inout as implicit",
    "create collation app.mine from \"C\"",
    "create conversion app.mine for 'UTF8' to 'LATIN1' from utf8_to_iso8859_1",
    "create view app.mine as select * from app.contacts",
    "create view app.mine with (security_barrier = false) as select 1",
    "create materialized view app.mine as select * from app.contacts",
    "create sequence app.mine",
    "create event trigger mine on ddl_command_start execute function pg_catalog.pg_event_trigger_ddl_commands()",
    "create text search dictionary app.mine (template = simple)",
    "create text search configuration app.mine (copy = pg_catalog.simple)",
    "create language mine handler plpgsql_call_handler",
    "create foreign data wrapper mine",
    "create server mine foreign data wrapper postgres_fdw",
    "create user mapping for current_user server mine",
    "import foreign schema public from server mine into app",
    "create publication mine for all tables",
    "create publication mine for table app.contacts",
    "create tablespace mine location '/tmp'",
    "create transform for uuid language plpgsql (from sql with function mine(internal))",
    "create access method mine type index handler bthandler",
    "alter function app.current_clinic() security invoker",
    "alter function app.current_clinic() owner to current_user",
    "alter function app.search_messages(text, timestamptz, integer, timestamptz, uuid) set search_path = pg_temp",
    "alter schema app owner to current_user",
    "alter schema app rename to other",
    "alter extension pg_trgm set schema app",
    "drop extension pg_trgm cascade",
    "drop schema app cascade",
    "drop function app.current_clinic() cascade",
    "drop owned by balcao_definer",
    "grant usage on schema internal to current_user",
    "security label on table app.contacts is 'mine'",
    "do language plpython3u 'pass'",
    "copy app.clinics to program 'cat'",
    "copy app.clinics from program 'cat /etc/passwd'",
    "copy app.clinics to '/tmp/stolen'",
    "copy (select 1) to '/tmp/stolen'",
    "copy (select 1) to program 'touch /tmp/stolen'",
    "copy app.contacts from '/etc/passwd'",
    "load 'auto_explain'",
    "checkpoint",
    "select pg_read_file('/etc/passwd')",
    "select pg_read_file('postgresql.conf')",
    "select pg_read_binary_file('pg_hba.conf')",
    "select pg_stat_file('pg_hba.conf')",
    "select pg_ls_dir('.')",
    "select pg_ls_logdir()",
    "select pg_ls_waldir()",
    "select pg_ls_tmpdir()",
    "select pg_ls_archive_statusdir()",
    "select pg_current_logfile()",
    "select pg_reload_conf()",
    "select pg_rotate_logfile()",
    "select pg_promote()",
    "select pg_switch_wal()",
    "select pg_create_restore_point('mine')",
    "select pg_create_physical_replication_slot('mine')",
    "select pg_create_logical_replication_slot('mine', 'pgoutput')",
    "select pg_logical_emit_message(false, 'mine', repeat('x', 1000))",
    "select pg_replication_origin_create('mine')",
    "select pg_stat_reset()",
    "select pg_stat_reset_shared('bgwriter')",
    "select pg_export_snapshot()",
    "select pg_sleep(1)",
    "select pg_sleep_for('1 second')",
    "select pg_sleep_until(now() + interval '1 second')",
    "select pg_advisory_lock(1)",
    "select pg_advisory_lock(1, 2)",
    "select pg_advisory_lock_shared(1)",
    "select pg_advisory_xact_lock(hashtextextended('balcao migrations', 0))",
    "select pg_try_advisory_lock(1)",
    "select pg_try_advisory_xact_lock_shared(1)",
    "select pg_advisory_unlock_all()",
    "select lo_create(0)",
    "select lo_creat(-1)",
    "select lo_from_bytea(0, 'x')",
    "select lo_import('/etc/passwd')",
    "select lo_export(1, '/tmp/stolen')",
    "select lo_open(1, 131072)",
    "select lo_get(1)",
    "select lo_put(1, 0, 'x')",
    "select lo_unlink(1)",
    "select loread(1, 1)",
    "select lowrite(1, 'x')",
];

async fn text(connection: &mut PgConnection, sql: &str) -> Result<String> {
    Ok(sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(connection).await?)
}
