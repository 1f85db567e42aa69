//! What row security costs: the questions that screens and desks ask the database, as a desk's login, beside the same questions
//! with the clinic said by hand and no policies. A million messages of a hundred clinics, half of them in one.
//!
//! Both sides are the same to the client: one connection over loopback without TLS, the statement prepared once, in turns, warm
//! caches, the median of many. What is left between them is what the database does for the policies. For a question as short as
//! the one for a telephone number, of which the database's own work is some 5 µs of the 15 to 20 that the way there and back
//! takes, that was the function that says who asks: a `security definer` function in SQL is set up with each question, with its
//! `search_path` and, before PostgreSQL 18, with a plan of its own: 30 to 40 µs. In PL/pgSQL it keeps its plan and takes 10 to
//! 13, with a `search_path` of its own or without. As a view (`app.own_clinic`) the look-up is a step of the question's own plan:
//! 2 to 5 µs, for two relations more to lock and a page more to read.

use std::time::Instant;

use anyhow::{Result, ensure};
use balcao_tenant::Role;
use balcao_tenant::provision::{self, Databases, NewMember};
use balcao_testkit::database::{clinic_request, server};
use serde_json::Value;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection, Row as _};
use uuid::Uuid;

use crate::measure::{Line, Sample, Target, milliseconds};
use crate::{say, surroundings};

const DATABASE: &str = "balcao_bench_wall";
const TURNS: usize = 400;

/// Of questions that are so short that the machine's own noise is as large as what is looked for.
const TURNS_OF_SHORT: usize = 4_000;

/// Name, the slowest it may be in milliseconds, and the question: `@` stands for what says whose rows they are.
const QUESTIONS: [(&str, f64, &str); 9] = [
    ("contact by phone", 10.0, "select contact_id from app.contact_identifiers where kind = 'phone' and match_key = {phone} and @"),
    (
        "contact by name",
        50.0,
        "select id from app.contacts where last_interaction_at is not null and @ order by last_interaction_at desc limit 50",
    ),
    (
        "calendar week",
        30.0,
        "select id, starts_at, ends_at, patient_id, status from app.appointments
         where starts_at >= now() - interval '3 days' and starts_at < now() + interval '4 days' and @ order by starts_at",
    ),
    (
        "message timeline",
        20.0,
        "select id, body, sent_at, status from app.messages where conversation_id = {thread} and @
         order by sent_at desc, id desc limit 50",
    ),
    (
        "list of threads",
        50.0,
        "select id, contact_id, last_message_at, last_message_preview from app.conversations
         where status <> 'closed' and @ order by last_message_at desc limit 50",
    ),
    (
        "threads that wait",
        50.0,
        "select id, waiting_since from app.conversations where waiting_since is not null and @ order by waiting_since limit 50",
    ),
    (
        "board of leads",
        50.0,
        "select id, stage_id, title, position from app.leads where closed_at is null and @ order by stage_id, position limit 200",
    ),
    (
        "a person's visits",
        50.0,
        "select id, starts_at from app.appointments where contact_id = {contact} and @ order by starts_at desc limit 200",
    ),
    (
        "what changed",
        50.0,
        "select id, version, body from app.messages where change_xid >= pg_snapshot_xmin(pg_current_snapshot()) and @",
    ),
];

/// Makes the clinics, measures, and removes them.
pub async fn run(server_url: Option<String>) -> Result<Vec<Line>> {
    let server_url = match server_url {
        Some(url) => url,
        None => server().await?.to_owned(),
    };
    let databases = Databases::at(&server_url)?;
    remove(&databases).await?;
    databases.copy(&databases.template().await?, DATABASE).await?;
    let measured = measure(&databases.url_of(DATABASE)).await;
    remove(&databases).await?;
    measured
}

async fn remove(databases: &Databases) -> Result<()> {
    // The logins are in the database, which may not be there.
    let _ = databases.remove_logins(DATABASE).await;
    databases.remove(DATABASE).await?;
    Ok(())
}

async fn measure(admin_url: &str) -> Result<Vec<Line>> {
    let clinic = provision::provision(admin_url, &clinic_request("Clínica grande")).await?.clinic_id;
    // Where the server speaks TLS, a desk on the same computer does not use it, and neither does the floor.
    let options: PgConnectOptions = admin_url.parse()?;
    let mut administrator = options.ssl_mode(PgSslMode::Disable).connect().await?;
    say("a hundred clinics with a million messages");
    load(&mut administrator, clinic).await?;
    let member = |role| NewMember { name: "Ana".to_owned(), email: None, role };
    let attendant = provision::add_login(admin_url, clinic, &member(Role::Attendant)).await?;
    let professional = provision::add_login(admin_url, clinic, &member(Role::Professional)).await?;
    let sql = "update app.professionals set member_id = (select member_id from internal.logins where login = $2)
               where id = (select id from app.professionals where clinic_id = $1 order by id limit 1)";
    sqlx::query(sql).bind(clinic).bind(&professional.login).execute(&mut administrator).await?;
    for statement in ["vacuum analyze", "checkpoint"] {
        sqlx::raw_sql(statement).execute(&mut administrator).await?;
    }
    let mut desk = surroundings::options(&attendant).connect().await?;
    let mut keeper = surroundings::options(&professional).connect().await?;

    let row = sqlx::query(
        "select v.id::text, v.contact_id::text, i.match_key from app.conversations v
         join app.contact_identifiers i on i.clinic_id = v.clinic_id and i.contact_id = v.contact_id
         where v.clinic_id = $1 order by v.id limit 1",
    )
    .bind(clinic)
    .fetch_one(&mut administrator)
    .await?;
    let quoted = |place: usize| -> Result<String> { Ok(format!("'{}'", row.try_get::<String, _>(place)?)) };
    let (thread, contact, phone) = (quoted(0)?, quoted(1)?, quoted(2)?);
    let mut lines = Vec::new();
    for (name, slowest, question) in QUESTIONS {
        let question = question.replace("{thread}", &thread).replace("{contact}", &contact).replace("{phone}", &phone);
        let ours = question.replace(" and @", "");
        let floor = question.replace('@', &format!("clinic_id = '{clinic}'::uuid"));
        no_table_is_read_whole(&mut desk, &mut administrator, &ours).await?;
        let (ours, floor) = side_by_side(&mut desk, &mut administrator, &ours, &floor).await?;
        lines.extend(judged(format!("row security: {name}"), ours, floor, slowest));
    }
    for (name, question) in [
        (
            "agenda",
            "select id, starts_at from app.appointments where starts_at >= now() - interval '3 days' and @ order by starts_at",
        ),
        ("people", "select id, name from app.contacts where @ order by last_interaction_at desc limit 50"),
    ] {
        let ours = question.replace("where @", "where true").replace(" and @", "");
        let own = "(select id from app.professionals where clinic_id = '{clinic}' order by id limit 1)"
            .replace("{clinic}", &clinic.to_string());
        let by_hand = match name {
            "agenda" => format!("clinic_id = '{clinic}' and professional_id = {own}"),
            _ => format!(
                "clinic_id = '{clinic}' and id in (select person_id from app.professional_people where clinic_id = '{clinic}' and entity = 'contacts' and professional_id = {own})"
            ),
        };
        no_table_is_read_whole(&mut keeper, &mut administrator, &ours).await?;
        let (ours, floor) =
            side_by_side(&mut keeper, &mut administrator, &ours, &question.replace('@', &by_hand)).await?;
        lines.extend(judged(format!("row security, professional: {name}"), ours, floor, 50.0));
    }
    lines.push(audit(&mut desk, &mut administrator, clinic).await?);
    Ok(lines)
}

/// Shorter than this, in milliseconds, is short.
const SHORT: f64 = 0.2;

fn judged(what: String, ours: Sample, floor: Sample, slowest: f64) -> [Line; 2] {
    let ratio = Target::RatioAtMost(1.2);
    let line = |what, floor, target| Line {
        what,
        unit: "ms",
        tail: "p95",
        ours: ours.clone(),
        floor,
        target,
        notes: Vec::new(),
    };
    [line(what.clone(), Some(floor), ratio), line(what, None, Target::TailAtMost(slowest))]
}

/// Both in turns, as prepared statements, with the way there and back.
async fn side_by_side(
    ours: &mut PgConnection,
    floor: &mut PgConnection,
    our_question: &str,
    floor_question: &str,
) -> Result<(Sample, Sample)> {
    let rows = (count(ours, our_question).await?, count(floor, floor_question).await?);
    ensure!(rows.0 == rows.1, "they are two questions: {rows:?} rows for {our_question}");
    let (mut of_ours, mut of_floor, mut turns) = (Vec::new(), Vec::new(), TURNS);
    for turn in 0.. {
        if turn >= turns + 20 {
            break;
        }
        if of_floor.len() == TURNS && Sample::of(&of_floor, 0.95).median < SHORT {
            turns = TURNS_OF_SHORT;
        }
        let begun = Instant::now();
        count(ours, our_question).await?;
        let between = Instant::now();
        count(floor, floor_question).await?;
        // The first ones make the plans.
        if turn >= 20 {
            of_ours.push(milliseconds(between - begun));
            of_floor.push(milliseconds(between.elapsed()));
        }
    }
    Ok((Sample::of(&of_ours, 0.95), Sample::of(&of_floor, 0.95)))
}

async fn count(connection: &mut PgConnection, question: &str) -> Result<usize> {
    Ok(sqlx::query(AssertSqlSafe(question.to_owned())).fetch_all(connection).await?.len())
}

async fn no_table_is_read_whole(
    desk: &mut PgConnection,
    administrator: &mut PgConnection,
    question: &str,
) -> Result<()> {
    let sql = AssertSqlSafe(format!("explain (format json) {question}"));
    let plan: Value = sqlx::query(sql).fetch_one(desk).await?.try_get(0)?;
    ensure!(plan.to_string().contains("Index"), "no index is used for {question}");
    let mut tables = Vec::new();
    read_whole(&plan, &mut tables);
    // A table of one page has no shorter way.
    let large: bool = sqlx::query_scalar(
        "select exists (select from pg_class c where c.relname = any($1) and pg_relation_size(c.oid) > 8192)",
    )
    .bind(&tables)
    .fetch_one(administrator)
    .await?;
    ensure!(!large, "a whole table is read for {question}: {plan:#}");
    Ok(())
}

/// Names of the tables that a plan reads from their first row to their last.
fn read_whole(plan: &Value, tables: &mut Vec<String>) {
    match plan {
        Value::Array(steps) => steps.iter().for_each(|step| read_whole(step, tables)),
        Value::Object(step) => {
            if step.get("Node Type").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("Seq Scan")) {
                tables.extend(step.get("Relation Name").and_then(Value::as_str).map(str::to_owned));
            }
            step.values().for_each(|below| read_whole(below, tables));
        }
        _ => {}
    }
}

/// A change of a person as an attendant makes it, committed, with the audit and without.
async fn audit(desk: &mut PgConnection, administrator: &mut PgConnection, clinic: Uuid) -> Result<Line> {
    let id: Uuid = sqlx::query_scalar("select id from app.contacts where clinic_id = $1 limit 1")
        .bind(clinic)
        .fetch_one(&mut *administrator)
        .await?;
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for turn in 0..40 {
        let audited = turn % 2 == 0;
        let switch = if audited { "enable" } else { "disable" };
        sqlx::raw_sql(AssertSqlSafe(format!("alter table app.contacts {switch} trigger write_audit")))
            .execute(&mut *administrator)
            .await?;
        for number in 0..20 {
            let begun = Instant::now();
            sqlx::query("update app.contacts set notes = $2 where id = $1")
                .bind(id)
                .bind(format!("{turn} {number}"))
                .execute(&mut *desk)
                .await?;
            let took = milliseconds(begun.elapsed());
            if number > 2 {
                if audited { &mut with } else { &mut without }.push(took);
            }
        }
    }
    Ok(Line {
        what: "a change of a person with the audit, and without".to_owned(),
        unit: "ms",
        tail: "p95",
        ours: Sample::of(&with, 0.95),
        floor: Some(Sample::of(&without, 0.95)),
        target: Target::RatioAtMost(1.1),
        notes: Vec::new(),
    })
}

async fn load(administrator: &mut PgConnection, large: Uuid) -> Result<()> {
    let sql = format!(
        "set synchronous_commit = off;
         set session_replication_role = replica;
         insert into app.clinics (name, slug, time_zone) select 'Clínica ' || n, 'clinica-' || n, 'America/Sao_Paulo'
            from generate_series(1, 99) n;
         insert into app.channels (clinic_id, name) select id, 'w' from app.clinics;
         insert into app.professionals (clinic_id, name) select id, 'p' || g from app.clinics, generate_series(1, 4) g;
         insert into app.pipelines (clinic_id, name) select id, 'p' from app.clinics where id <> '{large}';
         insert into app.pipeline_stages (clinic_id, pipeline_id, name, position)
            select clinic_id, id, 's' || g, g from app.pipelines, generate_series(1, 4) g where clinic_id <> '{large}';
         insert into app.contacts (clinic_id, name, phone, last_interaction_at)
            select id, 'Pessoa ' || g, '+55119' || lpad(g::text, 8, '0'), now() - random() * interval '300 days'
            from app.clinics, lateral generate_series(1, case when id = '{large}' then 5000 else 50 end) g;
         insert into app.contact_identifiers (clinic_id, contact_id, kind, value, match_key)
            select clinic_id, id, 'phone', phone, phone from app.contacts;
         insert into app.patients (clinic_id, contact_id, name) select clinic_id, id, name from app.contacts;
         insert into app.conversations (clinic_id, contact_id, channel_id, last_message_at, waiting_since, status)
            select k.clinic_id, k.id, h.id, k.last_interaction_at, case when random() < 0.05 then now() end,
                   case when random() < 0.3 then 'open' else 'closed' end
            from app.contacts k join app.channels h using (clinic_id);
         insert into app.messages (clinic_id, conversation_id, channel_id, direction, sender_kind, body, sent_at)
            select v.clinic_id, v.id, v.channel_id, 'inbound', 'contact', 'gostaria de remarcar ' || md5(g::text),
                   now() - random() * interval '365 days'
            from app.conversations v, generate_series(1, 101) g;
         insert into app.appointments (clinic_id, patient_id, contact_id, professional_id, starts_at, ends_at, squeezed_in, squeeze_reason)
            select p.clinic_id, p.id, p.contact_id, d.id, t.at, t.at + interval '30 minutes', true, 'x'
            from app.patients p cross join generate_series(1, 12) g
            cross join lateral (select date_trunc('hour', now()) + (random() * 365 - 330 + 0 * g) * interval '1 day' as at where p.id is not null) t
            join lateral (select id from app.professionals x where x.clinic_id = p.clinic_id
                          order by md5(x.id::text || g || p.id::text) limit 1) d on true;
         insert into app.leads (clinic_id, contact_id, pipeline_id, stage_id, position)
            select k.clinic_id, k.id, s.pipeline_id, s.id, random() from app.contacts k
            join lateral (select s.id, s.pipeline_id from app.pipeline_stages s where s.clinic_id = k.clinic_id
                          order by md5(s.id::text || k.id::text) limit 1) s on true;
         select internal.recount_people(id) from app.clinics;
         set session_replication_role = origin;
         set synchronous_commit = on"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *administrator).await?;
    let (messages, clinics): (i64, i64) =
        sqlx::query_as("select count(*), count(distinct clinic_id) from app.messages").fetch_one(administrator).await?;
    ensure!(messages >= 1_000_000 && clinics == 100, "{messages} messages of {clinics} clinics");
    Ok(())
}
