//! Computers that do a clinic's background work in processes of their own, killed and frozen in the middle of it, against a
//! gateway that is none. They need a keyring, which `cargo xtask test` provides.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stdout, reason = "times are worth reading when a test has passed, too")]

#[path = "agents/program.rs"]
mod program;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use balcao_domain::pacing::Pace;
use balcao_keychain::{Keychain, Secret, names};
use balcao_tenant::{ChannelKind, ChannelSettings, NewChannel, Role};
use balcao_testkit::bucket::{BUCKET, BucketFault, FakeBucket, KEY_ID, REGION, SECRET};
use balcao_testkit::database::{TestDatabase, log_in};
use balcao_testkit::gateway::{FakeEvolution, Incoming, SendFault, Trace};
use program::{Answer, Computer, SOON, Telling, ask};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

/// From the death of who works to the first deed of another.
const TAKEN_OVER: Duration = Duration::from_secs(30);

/// Messages that wait when it happens.
const BACKLOG: usize = 240;

/// People whom they are for.
const PEOPLE: usize = 40;

/// What of one computer may be on its way at once: nobody can know of these what became of them.
const AT_ONCE: usize = 4;

/// A clinic whose connection any computer here has the key of.
struct Clinic {
    gateway: FakeEvolution,
    channel: Uuid,
    admin: PgPool,
    database: TestDatabase,
}

fn person(number: usize) -> String {
    format!("55119{:08}", 80_000_000 + number % PEOPLE)
}

impl Clinic {
    async fn open() -> Result<Self> {
        let (gateway, database) = (FakeEvolution::start().await?, TestDatabase::fresh().await?);
        let token = gateway.add_instance("recepcao");
        let channel = NewChannel {
            name: "Recepção".to_owned(),
            kind: ChannelKind::Evolution,
            url: gateway.url(),
            instance: "recepcao".to_owned(),
            settings: ChannelSettings { pace: Pace::None, daily_cap: 100_000, ..ChannelSettings::default() },
        };
        let channel = log_in(database.owner()).await?.add_channel(&channel).await?;
        Keychain::system().set(&names::gateway_key(&channel.to_string()), &Secret::new(token)).await?;
        let admin = PgPool::connect(database.admin_url()).await?;
        Ok(Self { gateway, channel, admin, database })
    }

    async fn computer(&self, name: &str) -> Result<Computer> {
        Computer::start(name, &self.database.add_member(Role::Agent).await?)
    }

    /// Who works, by the book of the database.
    async fn holder(&self) -> Result<Option<String>> {
        let sql = "select label from app.background_holders where released_at is null";
        Ok(sqlx::query_scalar(sql).fetch_optional(&self.admin).await?)
    }

    /// Waits until it is so, and says how long that took.
    async fn until(&self, what: &str, computer: &Computer, holds: impl AsyncFn() -> Result<bool>) -> Result<Duration> {
        let since = Instant::now();
        while !holds().await? {
            let said = || computer.last_words();
            ensure!(since.elapsed() < 3 * SOON, "not after {:?}: {what}\n{}", since.elapsed(), said());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(since.elapsed())
    }

    async fn until_works(&self, name: &str, computer: &Computer) -> Result<Duration> {
        self.until(&format!("{name} works"), computer, async || Ok(self.holder().await?.as_deref() == Some(name))).await
    }

    /// Everybody has a thread already.
    fn people_write(&self, tag: &str) {
        (0..PEOPLE).for_each(|number| {
            self.gateway.receive("recepcao", &Incoming::text(&person(number), &format!("{tag} {number}")));
        });
    }

    async fn count(&self, tag: &str) -> Result<i64> {
        let sql = "select count(*) from app.messages where body like $1";
        Ok(sqlx::query_scalar(sql).bind(format!("{tag} %")).fetch_one(&self.admin).await?)
    }

    /// Many at once, as when everybody was at lunch; the gateway takes a while for each.
    async fn queue(&self, tag: &str) -> Result<()> {
        self.gateway.set(|faults| {
            faults.sends = vec![SendFault::Late(Duration::from_millis(150), Trace::Stored); BACKLOG].into();
        });
        let sql = "insert into app.messages (clinic_id, conversation_id, channel_id, direction, sender_kind, body, status, sent_at)
                   select t.clinic_id, t.id, t.channel_id, 'outbound', 'member', $1::text || ' ' || g.turn, 'queued', clock_timestamp()
                   from generate_series(1, $2) as g (turn)
                   join (select c.*, row_number() over (order by c.id) as place from app.conversations c) as t
                     on t.place = 1 + g.turn % $3";
        let sql = sqlx::query(sql).bind(tag).bind(i32::try_from(BACKLOG)?).bind(i32::try_from(PEOPLE)?);
        let queued = sql.execute(&self.admin).await?.rows_affected();
        ensure!(queued == BACKLOG as u64, "{queued} messages wait");
        Ok(())
    }

    fn sent(&self, tag: &str) -> BTreeMap<String, u32> {
        let mut sent = BTreeMap::new();
        for message in self.gateway.sent().into_iter().filter(|message| message.text.starts_with(&format!("{tag} "))) {
            *sent.entry(message.text).or_default() += 1;
        }
        sent
    }

    /// Every message of the backlog went out once and is known to, but for those that were on their way and never arrived.
    async fn nothing_twice_and_nothing_missed(&self, tag: &str, computer: &Computer) -> Result<()> {
        let decided = "select count(*) from app.messages where body like $1::text || ' %' and sender_kind = 'member'
                       and (status = 'queued' or status = 'sending' and gateway_id is null)";
        self.until("everything is decided", computer, async || {
            Ok(sqlx::query_scalar::<_, i64>(decided).bind(tag).fetch_one(&self.admin).await? == 0)
        })
        .await?;
        let sent = self.sent(tag);
        ensure!(sent.values().all(|times| *times == 1), "something was sent twice: {sent:?}");
        // What nobody knows of is looked for at the gateway first.
        self.until("what went out is known", computer, async || {
            let known =
                "select body from app.messages where body like $1::text || ' %' and status in ('sent', 'delivered')";
            let known: Vec<String> = sqlx::query_scalar(known).bind(tag).fetch_all(&self.admin).await?;
            Ok(known.len() == sent.len() && known.iter().all(|body| sent.contains_key(body)))
        })
        .await?;
        let rest = "select body, status from app.messages where body like $1::text || ' %' and status not in ('sent', 'delivered')";
        let rest: Vec<(String, String)> = sqlx::query_as(rest).bind(tag).fetch_all(&self.admin).await?;
        println!("{tag}: {} sent, {} left to a person", sent.len(), rest.len());
        ensure!(rest.len() <= AT_ONCE && sent.len() + rest.len() == BACKLOG, "{} were sent, {rest:?}", sent.len());
        ensure!(rest.iter().all(|(_, status)| status == "unknown"), "{rest:?}");
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a keyring and the program: cargo xtask test --only processes"]
async fn the_real_agents_send_nothing_twice_and_miss_nothing_when_who_works_dies_or_falls_asleep() -> Result<()> {
    let clinic = Clinic::open().await?;
    let first = clinic.computer("Sala 1").await?;
    clinic.until_works("Sala 1", &first).await?;
    let listens = async || -> Result<bool> { Ok(clinic.gateway.listeners() == 1) };
    clinic.until("the first listens", &first, listens).await?;
    clinic.people_write("antes");
    clinic.until("it is stored", &first, async || Ok(clinic.count("antes").await? == PEOPLE as i64)).await?;
    let second = clinic.computer("Sala 2").await?;

    clinic.queue("morte").await?;
    clinic.until("a third went out", &first, async || Ok(clinic.sent("morte").len() > BACKLOG / 3)).await?;
    first.kill().await?;
    let killed = Instant::now();
    clinic.people_write("sozinhas");
    ensure!(clinic.sent("morte").len() < BACKLOG, "there was nothing left to take over");
    clinic.until_works("Sala 2", &second).await?;
    println!("taken over {:?} after the death of who worked", killed.elapsed());
    ensure!(killed.elapsed() < TAKEN_OVER, "taken over after {:?}", killed.elapsed());
    clinic.nothing_twice_and_nothing_missed("morte", &second).await?;
    clinic
        .until("what came in is swept", &second, async || Ok(clinic.count("sozinhas").await? == PEOPLE as i64))
        .await?;

    // One that sleeps believes that it works when it wakes up.
    let third = clinic.computer("Sala 3").await?;
    clinic.until("the second listens", &second, listens).await?;
    clinic.queue("sono").await?;
    clinic.until("a third went out", &second, async || Ok(clinic.sent("sono").len() > BACKLOG / 3)).await?;
    second.freeze(true)?;
    let frozen = Instant::now();
    clinic.until_works("Sala 3", &third).await?;
    ensure!(frozen.elapsed() < TAKEN_OVER, "taken over after {:?}", frozen.elapsed());
    clinic.until("the third sends", &third, async || Ok(clinic.sent("sono").len() > BACKLOG / 2)).await?;
    second.freeze(false)?;
    clinic.nothing_twice_and_nothing_missed("sono", &third).await?;
    ensure!(clinic.holder().await?.as_deref() == Some("Sala 3"), "who woke up stands by");
    let stored = clinic.gateway.stored("recepcao");
    let here = "select count(*) from app.messages where channel_id = $1 and gateway_id = any ($2)";
    let everything = async || -> Result<bool> {
        let here = sqlx::query_scalar::<_, i64>(here).bind(clinic.channel).bind(&stored).fetch_one(&clinic.admin);
        Ok(here.await? == stored.len() as i64)
    };
    clinic.until("all that the gateway has is here, once", &third, everything).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a keyring and the program: cargo xtask test --only processes"]
async fn the_real_agents_pair_a_phone_by_a_code_that_is_refused_changes_and_runs_out() -> Result<()> {
    let clinic = Clinic::open().await?;
    clinic.gateway.unpair("recepcao");
    clinic.gateway.set(|faults| faults.no_code = 1);
    let pair = ["channel", "pair", "Recepção", "--number", "11 99999-0003", "--json"];
    let mut telling = Telling::start(&pair, clinic.database.owner())?;
    assert_eq!(telling.next().await?["problem"], "gateway_failed", "it says so, and asks again");
    let code = telling.next().await?["code"].as_str().map(str::to_owned);
    assert!(code.as_deref().is_some_and(|code| code.starts_with("BALC-")), "{code:?}");
    // The next one is the same for a while, and is not said again; then it changes, and then all have run out.
    clinic.gateway.set(|faults| (faults.same_code, faults.codes_run_out) = (2, 0));
    let changed = telling.next().await?["code"].as_str().map(str::to_owned).context("another code")?;
    assert_ne!(Some(&changed), code.as_ref());
    clinic.gateway.set(|faults| faults.codes_run_out = 1);
    let anew = telling.next().await?["code"].as_str().map(str::to_owned).context("a code of another round")?;
    assert_ne!(anew, changed);
    clinic.gateway.pair("recepcao");
    let mut last = telling.next().await?;
    // One more may have been asked for just before.
    if last["code"].is_string() {
        last = telling.next().await?;
    }
    assert_eq!(last["paired"], true);
    assert!(telling.end().await?.success());

    clinic.gateway.unpair("recepcao");
    clinic.gateway.set(|faults| faults.no_licence = true);
    let refused = Telling::start(&pair, clinic.database.owner())?.end().await?;
    assert_eq!(refused.code(), Some(1), "what only a person can mend is not asked for again");
    Ok(())
}

/// What a command says has the secret nowhere.
fn without(secret: &str, answer: Answer) -> Answer {
    assert!(!answer.json.to_string().contains(secret) && !answer.words.contains(secret), "{answer:?}");
    answer
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a keyring and the program: cargo xtask test --only processes"]
async fn the_real_agents_add_try_and_remove_a_connection_whose_key_comes_on_standard_input() -> Result<()> {
    let (gateway, database) = (FakeEvolution::start().await?, TestDatabase::fresh().await?);
    let token = gateway.add_instance("recepcao");
    let url = gateway.url();
    let add = ["channel", "add", "--name", "Recepção", "--url", &url, "--instance", "recepcao", "--json"];
    let asked = async |arguments: &[&str], typed: &str| -> Result<Answer> {
        Ok(without(&token, ask(arguments, typed, database.owner()).await?))
    };
    let list = async || -> Result<Value> { Ok(asked(&["channel", "list", "--json"], "").await?.json) };

    let refused = asked(&add, "another key").await?;
    assert_eq!((refused.code, list().await?), (Some(1), json!([])), "what does not work is not added: {refused:?}");
    assert_eq!(asked(&add, "").await?.code, Some(1), "nothing was typed");
    let added = asked(&add, &format!("{token}\n")).await?;
    assert_eq!((added.code, &added.json["state"]), (Some(0), &json!("connected")), "{added:?}");
    assert_eq!(list().await?[0]["id"], added.json["id"]);

    let test = ["channel", "test", "Recepção", "--json"];
    let works = asked(&test, "").await?;
    assert_eq!(
        (works.code, works.json),
        (Some(0), json!({"works": true, "state": "connected", "needs_pairing": false}))
    );
    gateway.unpair("recepcao");
    let unpaired = asked(&test, "").await?;
    assert_eq!((unpaired.code, &unpaired.json["works"]), (Some(2), &json!(false)), "{unpaired:?}");
    gateway.stop();
    let away = asked(&test, "").await?;
    assert_eq!((away.code, away.json), (Some(2), json!({"works": false, "problem": "gateway_unreachable"})));

    let removed = asked(&["channel", "remove", "Recepção", "--json"], "").await?;
    assert_eq!((removed.code, removed.json), (Some(0), json!({"removed": "gone"})));
    assert_eq!(list().await?, json!([]));
    let key = names::gateway_key(added.json["id"].as_str().context("an id")?);
    assert!(Keychain::system().get(&key).await?.is_none(), "its key is gone, too");
    assert_eq!(asked(&test, "").await?.code, Some(1), "there is none any more");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a keyring and the program: cargo xtask test --only processes"]
async fn the_real_agents_use_and_give_up_a_bucket_whose_key_comes_on_standard_input() -> Result<()> {
    let (bucket, database) = (FakeBucket::start().await?, TestDatabase::fresh().await?);
    let (endpoint, key) = (bucket.endpoint(), format!("{KEY_ID}\n{SECRET}\n"));
    let asked = async |arguments: &[&str], typed: &str| -> Result<Answer> {
        let arguments: Vec<&str> = ["storage"].iter().chain(arguments).chain(&["--json"]).copied().collect();
        Ok(without(SECRET, ask(&arguments, typed, database.owner()).await?))
    };
    let add = ["add", "--endpoint", &endpoint, "--bucket", BUCKET, "--region", REGION, "--after-days", "7"];

    assert_eq!(asked(&["status"], "").await?.json, Value::Null);
    assert_eq!(asked(&add, "only one line").await?.code, Some(1), "a key has two");
    bucket.books(|books| books.always = Some(BucketFault::Answers(403, "AccessDenied")));
    let refused = asked(&add, &key).await?;
    assert_eq!((refused.code, &refused.json["works"]), (Some(2), &json!(false)), "{refused:?}");
    assert_eq!(asked(&["status"], "").await?.json, Value::Null, "what does not work is not used");
    bucket.books(|books| books.always = None);
    let used = asked(&add, &key).await?;
    assert_eq!((used.code, &used.json["works"]), (Some(0), &json!(true)), "{used:?}");
    let status = asked(&["status"], "").await?.json;
    assert_eq!((&status["bucket"], &status["after_days"], &status["files"]), (&json!(BUCKET), &json!(7), &json!(0)));
    assert_eq!(asked(&["test"], "").await?.code, Some(0));
    assert_eq!(bucket.count(), 0, "a trial leaves nothing there");

    // A computer that was not given the key, then one that is.
    let entry = names::bucket_key(&database.owner().address.user);
    Keychain::system().delete(&entry).await?;
    let keyless = asked(&["test"], "").await?;
    assert_eq!((keyless.code, &keyless.json["problem"]), (Some(2), &json!("bucket_no_key")));
    assert_eq!(asked(&["key"], &key).await?.json, json!({"kept": true}));
    assert_eq!(asked(&["test"], "").await?.code, Some(0));

    assert_eq!(asked(&["remove"], "").await?.json, json!({"removed": "emptying"}));
    assert!(asked(&["status"], "").await?.json["emptying_since"].is_string());
    assert_eq!(asked(&["remove", "--abandon"], "").await?.json, json!({"removed": "abandoned", "lost": 0}));
    assert_eq!(asked(&["status"], "").await?.json, Value::Null);
    assert!(Keychain::system().get(&entry).await?.is_none(), "its key is gone, too");
    Ok(())
}
