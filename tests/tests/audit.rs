//! The audit: that it has what happened, says who it was, is rewritten by nobody, and ages.

mod ageing;
mod search;

use anyhow::Result;
use balcao_tenant::Role;
use balcao_tenant::provision::{self, Connection};
use balcao_testkit::database::{TestDatabase, log_in, servers};
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use uuid::Uuid;

async fn desk(connection: &Connection) -> Result<PgConnection> {
    let password = connection.password.as_deref().unwrap_or_default();
    Ok(PgConnection::connect(&connection.address.to_url().replacen('@', &format!(":{password}@"), 1)).await?)
}

async fn run(connection: &mut PgConnection, sql: &str) -> Result<u64, sqlx::Error> {
    Ok(sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await?.rows_affected())
}

async fn refusal(connection: &mut PgConnection, sql: &str) -> Option<String> {
    run(connection, sql).await.err()?.as_database_error()?.code().map(|code| code.into_owned())
}

/// Action, table, old, new, member, device of the rows about a record, in order.
async fn about(
    owner: &mut PgConnection,
    record: Uuid,
) -> Result<Vec<(String, Value, Value, Option<Uuid>, Option<Uuid>)>> {
    let rows = sqlx::query("select * from app.audit_logs where record_id = $1 order by at")
        .bind(record)
        .fetch_all(owner)
        .await?;
    rows.iter()
        .map(|row| {
            let json = |name| row.try_get::<Option<Value>, _>(name).map(Option::unwrap_or_default);
            Ok((
                row.try_get("action")?,
                json("old_values")?,
                json("new_values")?,
                row.try_get("member_id")?,
                row.try_get("device_id")?,
            ))
        })
        .collect()
}

#[tokio::test]
async fn what_matters_is_written_down_with_who_and_from_which_computer() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let mut owner = desk(database.owner()).await?;
        let login = database.add_member(Role::Attendant).await?;
        let who = log_in(&login).await?.whoami().await?;
        let mut attendant = desk(&login).await?;
        let named: Uuid = sqlx::query_scalar("select app.begin_session('Recepção 1', 'linux', '1.0')")
            .fetch_one(&mut attendant)
            .await?;

        let contact = Uuid::new_v4();
        run(
            &mut attendant,
            &format!(
                "insert into app.contacts (clinic_id, id, name) values (app.current_clinic(), '{contact}', 'Ana')"
            ),
        )
        .await?;
        run(
            &mut attendant,
            &format!("update app.contacts set name = 'Ana Lima', notes = 'liga à tarde' where id = '{contact}'"),
        )
        .await?;
        run(&mut attendant, &format!("update app.contacts set name = 'Ana Lima' where id = '{contact}'")).await?;
        let rows = about(&mut owner, contact).await?;
        assert_eq!(rows.len(), 2, "a change that changes nothing is not written down: {rows:?}");
        let (action, old, new, member, device) = &rows[1];
        assert_eq!(
            (action.as_str(), old, new),
            ("update", &json!({"name": "Ana", "notes": ""}), &json!({"name": "Ana Lima", "notes": "liga à tarde"}))
        );
        assert_eq!((*member, *device), (Some(who.member_id), Some(named)));

        // A visit that is squeezed in, and a thread: who closed it, not each of its messages.
        let visit = Uuid::new_v4();
        let mut administrator = PgConnection::connect(database.admin_url()).await?;
        let clinic = database.clinic_id();
        run(
            &mut administrator,
            &format!(
                "insert into app.professionals (clinic_id, name) values ('{clinic}', 'Bia');
                 insert into app.channels (clinic_id, name) values ('{clinic}', 'w');
                 insert into app.patients (clinic_id, contact_id, name) values ('{clinic}', '{contact}', 'Ana');
                 insert into app.conversations (clinic_id, contact_id, channel_id)
                    select '{clinic}', '{contact}', id from app.channels where clinic_id = '{clinic}';
                 insert into app.messages (clinic_id, conversation_id, channel_id, direction, sender_kind, body)
                    select clinic_id, id, channel_id, 'inbound', 'contact', 'um texto de paciente' from app.conversations"
            ),
        )
        .await?;
        run(
            &mut attendant,
            &format!(
                "insert into app.appointments (clinic_id, id, professional_id, contact_id, patient_id, starts_at, ends_at, squeezed_in,
                                               squeeze_reason)
                 select clinic_id, '{visit}', (select id from app.professionals limit 1), contact_id, id, now(), now() + interval '1 hour',
                        true, 'dor' from app.patients;
                 update app.conversations set status = 'closed'"
            ),
        )
        .await?;
        assert_eq!(about(&mut owner, visit).await?[0].0, "squeeze_in");
        let talk: Uuid = sqlx::query_scalar("select id from app.conversations").fetch_one(&mut owner).await?;
        let rows = about(&mut owner, talk).await?;
        assert_eq!(
            rows.iter().map(|row| (row.1.clone(), row.2.clone())).collect::<Vec<_>>(),
            [(json!({"status": "open"}), json!({"status": "closed"}))]
        );
        let of_person: i64 = sqlx::query_scalar("select count(*) from app.audit_logs where person_id = $1")
            .bind(contact)
            .fetch_one(&mut owner)
            .await?;
        assert_eq!(of_person, 5, "the person, twice; the patient, the visit, the thread");

        // Logins, exports, roles.
        run(&mut attendant, &format!("select app.record_export('person', '{contact}', '{{\"rows\": 12}}')")).await?;
        assert_eq!(refusal(&mut attendant, "select app.record_export('anything')").await.as_deref(), Some("22023"));
        let files = "select count(*) from app.audit_logs where action = 'export' and new_values ->> 'what' = 'file'";
        for (id, known) in [("a", 1), ("a", 1), ("b", 2)] {
            run(&mut attendant, &format!("select app.record_export('file', '{contact}', '{{\"id\": \"{id}\"}}')"))
                .await?;
            assert_eq!(
                sqlx::query_scalar::<_, i64>(files).fetch_one(&mut owner).await?,
                known,
                "told twice, it is one"
            );
        }
        run(&mut administrator, &format!("update internal.logins set role = 'viewer' where login = '{}'", login.login))
            .await?;
        provision::revoke_login(database.admin_url(), &login.login).await?;
        let actions: Vec<String> = sqlx::query_scalar(
            "select action from app.audit_logs where action in ('login', 'export', 'login_made', 'role_change', 'login_revoked')
               and (member_id = $1 or record_id = $1) order by at, action",
        )
        .bind(who.member_id)
        .fetch_all(&mut owner)
        .await?;
        assert_eq!(
            actions,
            ["login_made", "login", "export", "export", "export", "role_change", "login_revoked"],
            "one visit is one login"
        );
        let secrets: i64 = sqlx::query_scalar(
            "select count(*) from app.audit_logs a where a::text like '%SCRAM%' or a::text like '%' || $1 || '%' or a::text like '%um texto de paciente%'",
        )
        .bind(login.password.as_deref().unwrap())
        .fetch_one(&mut owner)
        .await?;
        assert_eq!(secrets, 0);
    }
    Ok(())
}

#[tokio::test]
async fn nobody_rewrites_the_audit_and_it_ages() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let mut administrator = PgConnection::connect(database.admin_url()).await?;
        let clinic = database.clinic_id();
        // The administrator may do as a table's owner may, and the trigger still says no; so do the roles of the functions.
        for role in ["none", "balcao_definer", "balcao_steward", "balcao_eraser"] {
            for sql in [
                "update app.audit_logs set action = 'nothing'",
                "update app.audit_logs set new_values = null",
                "update app.audit_logs set address = null",
                "delete from app.audit_logs",
                "truncate app.audit_logs",
            ] {
                let mut transaction = administrator.begin().await?;
                run(&mut transaction, &format!("set local role {role}")).await?;
                assert_eq!(refusal(&mut transaction, sql).await.as_deref(), Some("42501"), "{role}: {sql}");
                transaction.rollback().await?;
            }
        }

        let add = format!(
            "insert into app.audit_logs (clinic_id, action, at, address)
             select '{clinic}', 'old', now() - age, '10.0.0.1'
             from unnest(array[interval '6 years', interval '4 years', interval '91 days', interval '89 days']) as age,
                  generate_series(1, 7)"
        );
        run(&mut administrator, &add).await?;
        let other = database.another_clinic("Outra clínica").await?;
        run(&mut administrator, &add.replace(&clinic.to_string(), &other.clinic_id.to_string())).await?;
        let mut agent = desk(&database.add_member(Role::Agent).await?).await?;
        let mut changed = Vec::new();
        loop {
            let rows: i64 = sqlx::query_scalar("select app.age_audit(4)").fetch_one(&mut agent).await?;
            changed.push(rows);
            if rows == 0 {
                break;
            }
            assert!(changed.len() < 20, "it comes to an end: {changed:?}");
        }
        // A row may lose its address in one piece and go in the next.
        assert!((21..=28).contains(&changed.iter().sum::<i64>()), "{changed:?}");
        let count = "select count(*), count(address) from app.audit_logs where action = 'old' and clinic_id = $1";
        let left: (i64, i64) = sqlx::query_as(count).bind(clinic).fetch_one(&mut administrator).await?;
        assert_eq!(left, (21, 7), "what is old is gone, what is not young has no address");
        let theirs: (i64, i64) = sqlx::query_as(count).bind(other.clinic_id).fetch_one(&mut administrator).await?;
        assert_eq!(theirs, (28, 28), "the other clinic's is the other clinic's");
        assert_eq!(sqlx::query_scalar::<_, i64>("select app.age_audit()").fetch_one(&mut agent).await?, 0);
    }
    Ok(())
}

#[tokio::test]
async fn questions_about_a_person_a_row_a_member_or_a_time_find_their_index() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let mut administrator = PgConnection::connect(database.admin_url()).await?;
        let clinic = database.clinic_id();
        run(
            &mut administrator,
            &format!(
                "insert into app.audit_logs (clinic_id, action, at, table_name, record_id, person_id, member_id)
                 select '{clinic}', 'update', now() - n * interval '1 minute', 'contacts', gen_random_uuid(), gen_random_uuid(), gen_random_uuid()
                 from generate_series(1, 20000) n;
                 analyze app.audit_logs"
            ),
        )
        .await?;
        let mut owner = desk(database.owner()).await?;
        let some = Uuid::new_v4();
        for (condition, index) in [
            (format!("person_id = '{some}'"), "audit_logs_by_person"),
            (format!("table_name = 'contacts' and record_id = '{some}'"), "audit_logs_by_record"),
            (format!("member_id = '{some}'"), "audit_logs_by_member"),
            ("at < now() - interval '1 day'".to_owned(), "audit_logs_by_time"),
        ] {
            let sql = format!("explain select * from app.audit_logs where {condition} order by at desc limit 50");
            let plan: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut owner).await?;
            assert!(plan.iter().any(|line| line.contains(index)), "{condition}: {plan:#?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn where_somebody_comes_from_is_what_the_session_began_with_and_only_over_loopback() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let login = database.add_member(Role::Attendant).await?;
        let mut owner = desk(database.owner()).await?;
        let person: Uuid = sqlx::query_scalar(
            "insert into app.contacts (clinic_id, name) select app.current_clinic(), 'Ana' returning id",
        )
        .fetch_one(&mut owner)
        .await?;
        let password = login.password.as_deref().unwrap_or_default();
        let url = login.address.to_url().replacen('@', &format!(":{password}@"), 1);
        let begin = async |peer: Option<&str>| {
            let options: PgConnectOptions = url.parse()?;
            let options = match peer {
                Some(peer) => options.options([("balcao.peer", peer)]),
                None => options,
            };
            anyhow::Ok(PgConnection::connect_with(&options).await?)
        };
        // The front is not here: whoever comes to the server itself can say what the front would say.
        for (number, (peer, later, seen)) in [
            (None, "select 1", "127.0.0.1"),
            (None, "set balcao.peer = '10.9.9.9'", "127.0.0.1"),
            (None, "select set_config('balcao.peer', '10.9.9.9', false)", "127.0.0.1"),
            (Some("192.168.0.17"), "select 1", "192.168.0.17"),
            (Some("192.168.0.17"), "set balcao.peer = '10.9.9.9'", "192.168.0.17"),
            (Some("192.168.0.17"), "set balcao.peer = ''", "192.168.0.17"),
            (Some("192.168.0.17"), "set balcao.peer to default", "192.168.0.17"),
            (Some("192.168.0.17"), "reset all", "192.168.0.17"),
            (Some("192.168.0.17"), "discard all", "192.168.0.17"),
            (Some("fd00::17"), "set role balcao_attendant", "fd00::17"),
            (Some("nowhere"), "select 1", "127.0.0.1"),
            (Some(""), "select 1", "127.0.0.1"),
        ]
        .into_iter()
        .enumerate()
        {
            let mut desk = begin(peer).await?;
            run(&mut desk, later).await?;
            // In the schema's own words: no setting of the session may stand in the way of the search.
            run(&mut desk, &format!("update app.contacts set notes = '{number}' where id = '{person}'")).await?;
            let address: Option<String> = sqlx::query_scalar(
                "select host(address) from app.audit_logs where record_id = $1 order by at desc limit 1",
            )
            .bind(person)
            .fetch_one(&mut owner)
            .await?;
            assert_eq!(address.as_deref(), Some(seen), "{peer:?}, then {later}");
        }
    }
    Ok(())
}
