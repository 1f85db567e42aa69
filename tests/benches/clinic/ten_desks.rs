//! A commit of one desk in the copies of nine others, against a bare `NOTIFY` and `SELECT` on ten connections.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use balcao_api::{Change, Desk};
use balcao_domain::clock::Clock;
use balcao_tenant::provision::Connection;
use chrono::{DateTime, Utc};
use futures_util::future::try_join_all;
use sqlx::postgres::PgListener;
use sqlx::{ConnectOptions as _, PgConnection, Row as _, SqliteConnection};
use tokio::sync::broadcast::Receiver;
use tokio::sync::watch;
use uuid::Uuid;

use crate::arrival::{commits, open_conversations, pool, send};
use crate::desks::Profile;
use crate::first_copy;
use crate::measure::{Line, Sample, Target, milliseconds};
use crate::say;
use crate::surroundings::{self, Clinic};

const READERS: usize = 9;

const MESSAGES: usize = 250;

/// Messages before it counts.
const WARM_UP: usize = 20;

/// Pause between two messages: a person does not write a second one before the first has gone out.
const PAUSE: Duration = Duration::from_millis(120);

/// Milliseconds at the median and at the 95th of a hundred.
const TARGET: Target = Target::BothAtMost(4.0, 8.0);

/// By then all of them have mostly read.
const OTHERS_READ: Duration = Duration::from_millis(25);

const FLOOR_CHANNEL: &str = "balcao_bench_ten";

/// Opens ten desks on twins of a profile whose desk is closed, each under a login of its own. One writes.
pub async fn run(clinic: &Clinic, profile: &Profile, folder: &Path) -> Result<Vec<Line>> {
    say(&format!("{MESSAGES} messages from one desk to {READERS} others"));
    let mut logins = Vec::new();
    for number in 0..=READERS {
        logins.push(clinic.add_desk(&format!("Mesa {number}")).await?);
    }
    let (mut profiles, mut desks) = (Vec::new(), Vec::new());
    for (number, login) in logins.iter().enumerate() {
        let twin = profile.twin(folder.join(format!("ten-{number}")), login).await?;
        desks.push(twin.open_confirmed().await?);
        profiles.push(twin);
    }
    let mut readers = Vec::new();
    for (desk, profile) in desks[1..].iter().zip(&profiles[1..]) {
        readers.push(Reader::of(desk, profile).await?);
    }
    let measured = measure(&desks[0], readers, &logins).await;
    for desk in desks {
        desk.close().await;
    }
    for profile in profiles {
        profile.remove()?;
    }
    let Measured { each, last, from_begin, messages } = measured?;
    // Not between two messages of the desks: whoever listens is woken by every notification in the database.
    let (least_each, least_last) = Floor::open(&logins).await?.measure(&messages).await?;
    let line = |what: &str, ours: &[f64], floor: &[f64]| Line {
        what: what.to_owned(),
        unit: "ms",
        tail: "p95",
        ours: Sample::of(ours, 0.95),
        floor: Some(Sample::of(floor, 0.95)),
        target: TARGET,
        notes: Vec::new(),
    };
    let mut all = line("commit at a desk, in the copies of all nine others", &last, &least_last);
    let from_begin = Sample::of(&from_begin, 0.95);
    all.notes.push(format!(
        "from the commit, as a bare listener hears of it; from the beginning of the transaction, by the server's clock: \
         {:.1} ms (p95 {:.1})",
        from_begin.median, from_begin.tail
    ));
    Ok(vec![line("commit at a desk, in the copy of each of nine others", &each, &least_each), all])
}

/// Milliseconds until a message was in each of the nine, and in the last of them, and what the messages were.
struct Measured {
    each: Vec<f64>,
    last: Vec<f64>,
    /// Until it was in the last of them, from the beginning of the transaction that wrote it.
    from_begin: Vec<f64>,
    messages: Vec<Uuid>,
}

async fn measure(writer: &Arc<Desk>, mut readers: Vec<Reader>, logins: &[Connection]) -> Result<Measured> {
    let conversations = open_conversations(writer).await?;
    let mut told_commits = commits(&logins[0]).await?;
    // What the server's clock says of a transaction is compared with the same moment's reading of the other clock.
    let (zero, zero_at) = (Instant::now(), Clock::System.now());
    let (mut each, mut last) = (Vec::new(), Vec::new());
    let mut written: Vec<(Uuid, Instant)> = Vec::new();
    for turn in 0..WARM_UP + MESSAGES {
        let conversation = &conversations[turn % conversations.len()];
        while told_commits.try_recv().is_ok() {}
        let (tell, told) = watch::channel(None);
        let of_conversation: Uuid = conversation.parse()?;
        let arriving = apart(readers.drain(..).map(|reader| reader.arrive(of_conversation, told.clone())));
        let writing = async {
            let message = send(writer, conversation, &format!("Recado {turn} para todos")).await?;
            tell.send_replace(Some(message));
            anyhow::Ok(message)
        };
        let (message, arrived) = tokio::try_join!(writing, arriving)?;
        let committed = told_commits.recv().await.context("the notifications ended")?;
        let (back, arrived): (Vec<_>, Vec<_>) = arrived.into_iter().unzip();
        readers = back;
        let took: Vec<f64> = arrived.iter().map(|at| milliseconds(at.saturating_duration_since(committed))).collect();
        if turn >= WARM_UP {
            last.push(took.iter().copied().fold(0.0, f64::max));
            each.extend(took);
            written.push((message, arrived.into_iter().max().unwrap_or(zero)));
        }
        tokio::time::sleep(PAUSE).await;
    }
    let begun = transactions(&logins[0], &written).await?;
    let from_begin = written
        .iter()
        .zip(&begun)
        .map(|((_, arrived), begun)| {
            milliseconds(*arrived - zero) - (*begun - zero_at).num_microseconds().unwrap_or(0) as f64 / 1e3
        })
        .collect();
    let messages = written.into_iter().map(|(message, _)| message).collect();
    Ok(Measured { each, last, from_begin, messages })
}

/// Runs each of them as a task of its own, as nine computers would: whoever hears of something takes the time without waiting
/// for the others.
async fn apart<T: Send + 'static>(
    futures: impl Iterator<Item = impl Future<Output = Result<T>> + Send + 'static>,
) -> Result<Vec<T>> {
    let tasks: Vec<_> = futures.map(tokio::spawn).collect();
    try_join_all(tasks).await?.into_iter().collect()
}

/// A desk that waits for messages, and a plain connection to its copy.
struct Reader {
    changes: Receiver<Change>,
    copy: SqliteConnection,
}

impl Reader {
    async fn of(desk: &Arc<Desk>, profile: &Profile) -> Result<Self> {
        let copy = first_copy::options(&profile.copy(), &profile.key().await?).read_only(true).connect().await?;
        Ok(Self { changes: desk.changes(), copy })
    }

    /// When the desk told its screens of the change that brought the message. Seen with another connection, so that it
    /// is there for everybody.
    async fn arrive(
        mut self,
        conversation: Uuid,
        mut message: watch::Receiver<Option<Uuid>>,
    ) -> Result<(Self, Instant)> {
        loop {
            let change = tokio::time::timeout(Duration::from_secs(10), self.changes.recv()).await;
            let change = change.context("a message did not arrive within 10 seconds")??;
            let at = Instant::now();
            if !change.conversations.contains(&conversation) {
                continue;
            }
            let message = *message.wait_for(Option::is_some).await?;
            // This look is not the desk's: it would take the processor from those that still read.
            tokio::time::sleep(OTHERS_READ).await;
            let there: bool = sqlx::query_scalar("select exists (select 1 from messages where id = ?)")
                .bind(message)
                .fetch_one(&mut self.copy)
                .await?;
            if there {
                return Ok((self, at));
            }
        }
    }
}

/// When the transactions that wrote these messages began, by the server's clock.
async fn transactions(login: &Connection, written: &[(Uuid, Instant)]) -> Result<Vec<DateTime<Utc>>> {
    let mut connection = surroundings::plain(login).await?;
    let mut begun = Vec::with_capacity(written.len());
    for (message, _) in written {
        let at = sqlx::query_scalar(
            "select created_at from app.messages where clinic_id = (select app.current_clinic()) and id = $1",
        )
        .bind(message)
        .fetch_one(&mut connection)
        .await?;
        begun.push(at);
    }
    ensure!(begun.len() == written.len(), "messages are missing");
    Ok(begun)
}

/// One connection that notifies, and nine that listen and read.
struct Floor {
    notifying: PgConnection,
    listening: Vec<PgListener>,
}

impl Floor {
    /// Under the logins of the desks, each of which may have few connections.
    async fn open(logins: &[Connection]) -> Result<Self> {
        let mut listening = Vec::new();
        for login in &logins[1..] {
            let mut listener = PgListener::connect_with(&pool(login)).await?;
            listener.listen(FLOOR_CHANNEL).await?;
            listening.push(listener);
        }
        Ok(Self { notifying: surroundings::plain(&logins[0]).await?, listening })
    }

    /// Milliseconds of each of the nine, and of the last of them, for each message.
    async fn measure(mut self, messages: &[Uuid]) -> Result<(Vec<f64>, Vec<f64>)> {
        let (mut each, mut last) = (Vec::new(), Vec::new());
        for (turn, message) in messages.iter().cycle().take(WARM_UP + messages.len()).enumerate() {
            let took = self.once(*message).await?;
            if turn >= WARM_UP {
                last.push(took.iter().copied().fold(0.0, f64::max));
                each.extend(took);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok((each, last))
    }

    /// Milliseconds from the call until each of the nine has read the message.
    async fn once(&mut self, message: Uuid) -> Result<Vec<f64>> {
        let begun = Instant::now();
        let read = apart(self.listening.drain(..).map(|mut listener| async move {
            listener.recv().await?;
            let row = sqlx::query(
                "select body from app.messages where clinic_id = (select app.current_clinic()) and id = $1",
            )
            .bind(message)
            .fetch_one(&mut listener)
            .await?;
            let _body: &str = row.try_get("body")?;
            Ok((listener, milliseconds(begun.elapsed())))
        }));
        let told = async {
            sqlx::query("select pg_notify($1, '')").bind(FLOOR_CHANNEL).execute(&mut self.notifying).await?;
            anyhow::Ok(())
        };
        let (read, ()) = tokio::try_join!(read, told)?;
        let (listening, took) = read.into_iter().unzip();
        self.listening = listening;
        Ok(took)
    }
}
