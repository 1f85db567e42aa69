//! A message written at one desk and read at another, against a bare `NOTIFY` and `SELECT`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use balcao_api::{Change, Desk, call};
use balcao_tenant::provision::Connection;
use serde_json::{Value, json};
use sqlx::postgres::{PgListener, PgPoolOptions};
use sqlx::{PgConnection, PgPool};
use tokio::sync::broadcast::Receiver;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::measure::{Line, Sample, Target, milliseconds};
use crate::{say, surroundings};

const MESSAGES: usize = 250;

/// Pause between two messages: a person does not write a second one before the first has gone out.
const PAUSE: Duration = Duration::from_millis(60);

const FLOOR_CHANNEL: &str = "balcao_bench_floor";

/// From the call that writes it at one desk until the other desk's copy has it.
pub async fn run(writer: &Arc<Desk>, reader: &Arc<Desk>, login: &Connection) -> Result<Vec<Line>> {
    say(&format!("{MESSAGES} messages from desk to desk"));
    let conversations = open_conversations(writer).await?;
    let mut floor = Floor::open(login).await?;
    let mut commits = commits(login).await?;
    let mut changes = reader.changes();
    let (mut all, mut queued, mut committed, mut copied, mut least) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for turn in 0..MESSAGES {
        let conversation = &conversations[turn % conversations.len()];
        while changes.try_recv().is_ok() {}
        while commits.try_recv().is_ok() {}
        let begun = Instant::now();
        let message = send(writer, conversation, &format!("Mensagem {turn} do teste")).await?;
        let stored = begun.elapsed();
        arrive(reader, &mut changes, conversation, message).await?;
        let seen = begun.elapsed();
        // The first notification after the call is that of the message.
        let told = commits.recv().await.context("the notifications ended")?.duration_since(begun);
        all.push(milliseconds(seen));
        queued.push(milliseconds(stored));
        committed.push(milliseconds(told.saturating_sub(stored)));
        copied.push(milliseconds(seen.saturating_sub(told)));
        tokio::time::sleep(PAUSE).await;
        least.push(milliseconds(floor.once(message).await?));
    }
    let part = |name: &str, values: &[f64]| {
        let sample = Sample::of(values, 0.95);
        format!("{name} {:.1} ms (p95 {:.1})", sample.median, sample.tail)
    };
    let line = |what: &str, ours: &[f64]| Line {
        what: what.to_owned(),
        unit: "ms",
        tail: "p95",
        ours: Sample::of(ours, 0.95),
        floor: Some(Sample::of(&least, 0.95)),
        target: Target::TailAtMost(30.0),
        notes: Vec::new(),
    };
    let mut whole = line("desk to desk, from the button", &all);
    whole.notes.push(format!(
        "{}, {}, {}",
        part("queued on disk here", &queued),
        part("then committed and told by the database", &committed),
        part("then in the other copy and read", &copied)
    ));
    Ok(vec![whole, Line { target: Target::None, ..line("desk to desk, from the commit", &copied) }])
}

/// Queues a message and returns its id.
pub async fn send(desk: &Arc<Desk>, conversation: &str, text: &str) -> Result<Uuid> {
    let written = call(desk, "send_message", json!({"conversation_id": conversation, "text": text})).await?;
    Ok(written["entity_id"].as_str().context("the answer names no message")?.parse()?)
}

/// Ids of conversations that are not closed. Those that were answered last may be others.
pub async fn open_conversations(desk: &Arc<Desk>) -> Result<Vec<String>> {
    let list = call(desk, "list_conversations", json!({"view": "all", "limit": 500})).await?;
    let rows = list["rows"].as_array().context("the list has no rows")?;
    let open = rows.iter().filter(|row| row["status"] == "open").filter_map(|row| row["id"].as_str());
    let open: Vec<String> = open.map(str::to_owned).collect();
    if open.is_empty() {
        bail!("no conversation is open");
    }
    Ok(open)
}

/// As a screen does: asks for the thread when it is told that it changed.
async fn arrive(desk: &Arc<Desk>, changes: &mut Receiver<Change>, conversation: &str, message: Uuid) -> Result<()> {
    let (id, message): (Uuid, Value) = (conversation.parse()?, json!(message));
    loop {
        let change = tokio::time::timeout(Duration::from_secs(10), changes.recv()).await;
        let change = change.context("a message did not arrive within 10 seconds")??;
        if !change.conversations.contains(&id) {
            continue;
        }
        let thread = call(desk, "get_thread", json!({"conversation_id": conversation, "limit": 60})).await?;
        let messages = thread["messages"].as_array().context("a thread without messages")?;
        if messages.iter().rev().any(|each| each["id"] == message) {
            return Ok(());
        }
    }
}

/// When the database told of commits, as a bare listener hears it that has a thread for itself.
pub async fn commits(login: &Connection) -> Result<mpsc::UnboundedReceiver<Instant>> {
    let channel: String =
        sqlx::query_scalar("select app.listen_channel()").fetch_one(&mut surroundings::plain(login).await?).await?;
    let (heard, commits) = mpsc::unbounded_channel();
    let (ready, listening) = tokio::sync::oneshot::channel();
    let login = login.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut listener = PgListener::connect_with(&pool(&login)).await?;
            listener.listen(&channel).await?;
            let _ = ready.send(());
            while listener.recv().await.is_ok() && heard.send(Instant::now()).is_ok() {}
            anyhow::Ok(())
        })
    });
    listening.await.context("the bare listener does not listen")?;
    Ok(commits)
}

/// One connection that notifies, and two that listen and read.
pub struct Floor {
    notifying: PgConnection,
    listening: PgListener,
    reading: PgConnection,
}

impl Floor {
    /// Opens them.
    pub async fn open(login: &Connection) -> Result<Self> {
        let mut listening = PgListener::connect_with(&pool(login)).await?;
        listening.listen(FLOOR_CHANNEL).await?;
        let (notifying, reading) = (surroundings::plain(login).await?, surroundings::plain(login).await?);
        Ok(Self { notifying, listening, reading })
    }

    /// Notifies once, and reads this message when it is heard.
    pub async fn once(&mut self, message: Uuid) -> Result<Duration> {
        let begun = Instant::now();
        let heard = async {
            self.listening.recv().await?;
            sqlx::query("select body from app.messages where clinic_id = (select app.current_clinic()) and id = $1")
                .bind(message)
                .fetch_one(&mut self.reading)
                .await
        };
        let told = sqlx::query("select pg_notify($1, '')").bind(FLOOR_CHANNEL).execute(&mut self.notifying);
        tokio::try_join!(heard, told)?;
        Ok(begun.elapsed())
    }
}

/// A listener takes a pool.
pub fn pool(login: &Connection) -> PgPool {
    PgPoolOptions::new().max_connections(1).connect_lazy_with(surroundings::options(login))
}
