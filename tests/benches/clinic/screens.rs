//! Every question of the screens, against the statements it is made of on one plain connection to the same file.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use balcao_api::{Desk, call};
use futures_util::TryStreamExt as _;
use serde_json::{Value as Json, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions as _, Row as _, SqliteConnection};

use crate::desks::Profile;
use crate::measure::{Line, Sample, Target, milliseconds};
use crate::say;
use crate::statements::{self, Statement, Value};

/// Calls of each question.
const CALLS: usize = 400;

/// Calls before it counts: statements get prepared and pages get warm, as after the first minute of a morning.
const WARM_UP: usize = 40;

const TARGET: Target = Target::TailAndRatioAtMost(8.0, 2.0);

/// A question of a screen, with the different things it is asked about.
pub struct Question {
    /// Which.
    pub name: String,
    /// Its command.
    pub command: &'static str,
    /// Payloads, asked in turns.
    pub about: Vec<Json>,
}

/// Measures all of them. The desk of the profile must be closed, and its copy complete and indexed.
pub async fn run(profile: &Profile, explains: bool) -> Result<Vec<Line>> {
    say("listen to what the screens ask the copy");
    statements::listen();
    let desk = profile.open_confirmed().await?;
    let questions = questions(&desk).await?;
    let mut asked = Vec::new();
    for question in &questions {
        let mut of_question = Vec::new();
        for about in &question.about {
            of_question.push(overhear(&desk, question.command, about).await?);
        }
        asked.push(of_question);
    }
    desk.close().await;
    drop(desk);
    statements::listen_no_more();

    let desk = profile.open_confirmed().await?;
    let mut plain = plain(profile).await?;
    let mut lines = Vec::new();
    for (question, statements) in questions.iter().zip(&asked) {
        say(&format!("{}: {} statements", question.name, statements[0].len()));
        if explains {
            explain(&mut plain, &statements[0]).await?;
        }
        lines.push(measure(&desk, &mut plain, question, statements).await?);
    }
    desk.close().await;
    Ok(lines)
}

async fn measure(
    desk: &Arc<Desk>,
    plain: &mut SqliteConnection,
    question: &Question,
    statements: &[Vec<Statement>],
) -> Result<Line> {
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for turn in 0..WARM_UP + CALLS {
        let which = turn % question.about.len();
        // Whoever comes first finds fewer pages in the file system's cache, so they take turns.
        for first in [turn % 2 == 0, turn % 2 != 0] {
            let begun = Instant::now();
            if first {
                call(desk, question.command, question.about[which].clone()).await?;
            } else {
                step(plain, &statements[which]).await?;
            }
            let took = milliseconds(begun.elapsed());
            if turn >= WARM_UP {
                if first { ours.push(took) } else { floor.push(took) }
            }
        }
    }
    Ok(Line {
        what: question.name.clone(),
        unit: "ms",
        tail: "p99",
        ours: Sample::of(&ours, 0.99),
        floor: Some(Sample::of(&floor, 0.99)),
        target: TARGET,
        notes: Vec::new(),
    })
}

/// Prints each statement with its time, what it fetches and how SQLite goes about it.
async fn explain(connection: &mut SqliteConnection, statements: &[Statement]) -> Result<()> {
    for statement in statements {
        let one = std::slice::from_ref(statement);
        step(connection, one).await?;
        let begun = Instant::now();
        let columns = step(connection, one).await?;
        let took = milliseconds(begun.elapsed());
        println!("{took:.2} ms, {columns} columns: {}", statement.sql);
        let plan = sqlx::AssertSqlSafe(format!("explain query plan {}", statement.sql));
        for row in sqlx::query(plan).fetch_all(&mut *connection).await? {
            println!("        {}", row.get::<&str, _>("detail"));
        }
    }
    Ok(())
}

/// Runs the statements one after the other and fetches every column of every row.
async fn step(connection: &mut SqliteConnection, statements: &[Statement]) -> Result<usize> {
    let mut columns = 0;
    for statement in statements {
        let mut query = sqlx::query(statement.sql).persistent(true);
        for value in &statement.values {
            query = match value {
                Value::Null => query.bind(None::<i64>),
                Value::Integer(value) => query.bind(value),
                Value::Real(value) => query.bind(value),
                Value::Text(value) => query.bind(value),
                Value::Blob(value) => query.bind(value),
            };
        }
        let mut rows = query.fetch(&mut *connection);
        while let Some(row) = rows.try_next().await? {
            for column in 0..row.len() {
                row.try_get_raw(column)?;
                columns += 1;
            }
        }
    }
    Ok(columns)
}

/// One connection like one of the program's readers.
async fn plain(profile: &Profile) -> Result<SqliteConnection> {
    let options = SqliteConnectOptions::new()
        .filename(profile.copy())
        .pragma("key", profile.key().await?)
        .journal_mode(SqliteJournalMode::Wal)
        .read_only(true)
        .pragma("cache_size", "-8000")
        .pragma("temp_store", "memory")
        .statement_cache_capacity(500)
        .disable_statement_logging();
    Ok(options.connect().await?)
}

/// What one call runs. The background task may read something in between, so it has to be the same twice.
async fn overhear(desk: &Arc<Desk>, command: &str, about: &Json) -> Result<Vec<Statement>> {
    let mut before = None;
    for _ in 0..10 {
        statements::begin();
        call(desk, command, about.clone()).await.with_context(|| format!("{command} {about}"))?;
        let mut heard = statements::end()?;
        // Two connections answer side by side.
        heard.sort_by(|one, other| one.sql.cmp(other.sql));
        // The values may differ: some are the time.
        let texts: Vec<&str> = heard.iter().map(|statement| statement.sql).collect();
        if before.as_ref() == Some(&texts) && !texts.is_empty() {
            return Ok(heard);
        }
        before = Some(texts);
    }
    bail!("{command} runs other statements each time")
}

/// All of them, about what a desk's copy has.
pub async fn questions(desk: &Arc<Desk>) -> Result<Vec<Question>> {
    let mut questions = Vec::new();
    for view in ["needs_reply", "mine", "unassigned", "bot", "snoozed", "closed", "all"] {
        questions.push(Question {
            name: format!("inbox, {view}"),
            command: "list_conversations",
            about: vec![json!({"view": view, "limit": 150})],
        });
    }
    let all = call(desk, "list_conversations", json!({"view": "all", "limit": 500})).await?;
    let conversations: Vec<&str> = rows(&all["rows"])?.iter().filter_map(|row| row["id"].as_str()).collect();
    questions.push(Question {
        name: "inbox, far down".to_owned(),
        command: "list_conversations",
        about: (1..20).map(|page| json!({"view": "all", "offset": page * 1_000, "limit": 150})).collect(),
    });
    questions.push(Question {
        name: "inbox, people found".to_owned(),
        command: "list_conversations",
        about: ["maria", "souza", "ana", "9912"]
            .map(|text| json!({"view": "all", "search": text, "limit": 150}))
            .to_vec(),
    });
    let longest = longest(desk, &conversations).await?;
    questions.push(Question {
        name: "thread, newest".to_owned(),
        command: "get_thread",
        about: longest.iter().map(|(id, _)| json!({"conversation_id": id, "limit": 100})).collect(),
    });
    questions.push(Question {
        name: "thread, older".to_owned(),
        command: "get_thread",
        about: longest
            .iter()
            .map(|(id, before)| json!({"conversation_id": id, "before": before, "limit": 100}))
            .collect(),
    });
    let today = balcao_domain::clock::Clock::System.now().date_naive();
    let from = |days: i64| (today + chrono::TimeDelta::days(days)).to_string();
    questions.push(Question {
        name: "agenda, day".to_owned(),
        command: "get_agenda",
        about: (-5..10).map(|day| json!({"from": from(day), "days": 1})).collect(),
    });
    questions.push(Question {
        name: "agenda, week".to_owned(),
        command: "get_agenda",
        about: (-3..4).map(|week| json!({"from": from(week * 7), "days": 7})).collect(),
    });
    questions.push(Question {
        name: "leads, board".to_owned(),
        command: "get_board",
        about: vec![json!({"limit": 60})],
    });
    let board = call(desk, "get_board", json!({"limit": 1})).await?;
    questions.push(Question {
        name: "leads, more of a column".to_owned(),
        command: "list_stage_leads",
        about: rows(&board["stages"])?
            .iter()
            .map(|stage| json!({"stage_id": stage["id"], "offset": 60, "limit": 60}))
            .collect(),
    });
    questions.push(Question {
        name: "search, person".to_owned(),
        command: "search_everything",
        about: ["ma", "maria", "joão s", "oliveira", "9981"].map(|text| json!({"text": text, "limit": 8})).to_vec(),
    });
    questions.push(Question {
        name: "search, word".to_owned(),
        command: "search_everything",
        about: ["exame", "retorno", "quanto custa", "convênio", "obrigada"]
            .map(|text| json!({"text": text, "limit": 8}))
            .to_vec(),
    });
    questions.push(Question { name: "status line".to_owned(), command: "get_status", about: vec![json!({})] });
    questions.push(Question {
        name: "what waits".to_owned(),
        command: "list_operations",
        about: vec![json!({"state": "waiting"})],
    });
    Ok(questions)
}

/// The threads with most messages, each with the place of the one in its middle.
async fn longest(desk: &Arc<Desk>, conversations: &[&str]) -> Result<Vec<(String, Json)>> {
    let mut threads = Vec::new();
    for id in conversations {
        let thread = call(desk, "get_thread", json!({"conversation_id": id, "limit": 100})).await?;
        let messages = rows(&thread["messages"])?;
        let Some(middle) = messages.get(messages.len() / 2) else { continue };
        threads.push((messages.len(), (*id).to_owned(), json!({"sent_at": middle["sent_at"], "id": middle["id"]})));
    }
    threads.sort_by_key(|(messages, ..)| std::cmp::Reverse(*messages));
    threads.truncate(25);
    if threads.is_empty() {
        bail!("there is no thread with messages");
    }
    Ok(threads.into_iter().map(|(_, id, before)| (id, before)).collect())
}

fn rows(list: &Json) -> Result<&Vec<Json>> {
    list.as_array().context("an answer has no rows")
}
