//! The questions of the screens while something large is going on, against the same questions in quiet.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use balcao_api::{Desk, call};
use balcao_keychain::Keychain;
use balcao_tenant::provision::Connection;
use balcao_testkit::proxy::Proxy;
use serde_json::json;

use crate::desks::{self, Profile};
use crate::measure::{Line, Sample, Target, milliseconds};
use crate::screens::{self, Question};
use crate::{first_copy, say, wire, writes};

/// Rounds of questions before it counts.
const WARM_UP: usize = 15;

/// Rounds of questions in quiet, before and after each load.
const QUIET: usize = 60;

/// First copies of other profiles, and of profiles that are asked themselves.
const COPIES: usize = 2;

const TARGET: Target = Target::RatiosAtMost(1.5);

/// A question that was asked less often while something went on is shown and not judged.
const FEWEST: usize = 30;

/// How long a load may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// Measures on a twin of a profile whose desk is closed; `other` is the login of the copies made meanwhile.
pub async fn run(profile: &Profile, login: &Connection, other: &Connection, folder: &Path) -> Result<Vec<Line>> {
    let proxy = Proxy::to(login.address.port).await?;
    let profile = profile.twin(folder.join("busy"), &wire::through(login, proxy.port())).await?;
    let desk = profile.open_confirmed().await?;
    let mut asker = Asker::new(screens::questions(&desk).await?);
    asker.quiet(&desk, WARM_UP).await?;
    let mut lines = asker.take("");
    lines.clear();

    for _ in 0..COPIES {
        say("questions while another profile is copied");
        asker.quiet(&desk, QUIET).await?;
        let another = Profile { folder: folder.join("another"), keychain: Keychain::in_memory() };
        let (copied, _) = asker.during(&desk, another.connect(other)).await?;
        copied.close().await;
        drop(copied);
        another.remove()?;
        asker.quiet(&desk, QUIET).await?;
    }
    lines.extend(asker.take("while another profile is copied"));

    for afternoon in writes::plan(&desk).await? {
        say("questions while a thousand writes are sent");
        asker.quiet(&desk, QUIET / 2).await?;
        proxy.cut();
        writes::queue(&desk, &afternoon).await?;
        proxy.mend();
        call(&desk, "sync_now", json!({})).await?;
        asker.during(&desk, sent(&desk)).await?;
        asker.quiet(&desk, QUIET / 2).await?;
    }
    lines.extend(asker.take("while writes are sent").into_iter().zip(&asker.questions).map(|(line, question)| {
        match question.command {
            // Its answer is the queue, which is empty when it is quiet.
            "list_operations" => Line { target: Target::None, ..line },
            _ => line,
        }
    }));

    say("questions while the window of the copy becomes wider");
    asker.quiet(&desk, QUIET).await?;
    asker.during(&desk, widened(&desk)).await?;
    first_copy::wait_until_indexed(&profile).await?;
    asker.quiet(&desk, QUIET).await?;
    lines.extend(asker.take("while older rows are fetched"));
    desk.close().await;
    drop(desk);
    profile.remove()?;

    for _ in 0..COPIES {
        say("questions of a profile that is being copied");
        let own = Profile { folder: folder.join("own"), keychain: Keychain::in_memory() };
        let desk = own.open().await?;
        let begun = desks::begin(&desk, other).await?;
        desks::usable(&desk, begun).await?;
        asker.during(&desk, desks::complete(&desk, begun)).await?;
        first_copy::wait_until_indexed(&own).await?;
        asker.quiet(&desk, QUIET).await?;
        desk.close().await;
        drop(desk);
        own.remove()?;
    }
    lines.extend(asker.take("while it is itself copied"));
    Ok(lines)
}

/// Four times as far back as at first.
async fn widened(desk: &Arc<Desk>) -> Result<()> {
    let begun = Instant::now();
    call(desk, "set_copy_window", json!({"message_days": 365, "appointment_days": 365})).await?;
    while call(desk, "get_copy_window", json!({})).await?["missing"] == true {
        ensure!(begun.elapsed() < PATIENCE, "older rows were not there within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

async fn sent(desk: &Arc<Desk>) -> Result<()> {
    let begun = Instant::now();
    while desks::waiting(desk).await? > 0 {
        ensure!(begun.elapsed() < PATIENCE, "writes still wait after {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// Asks one question after the other, as somebody does who looks for something in a hurry.
struct Asker {
    questions: Vec<Question>,
    turn: usize,
    /// Milliseconds of each question.
    busy: Vec<Vec<f64>>,
    quiet: Vec<Vec<f64>>,
}

impl Asker {
    fn new(questions: Vec<Question>) -> Self {
        let nothing = vec![Vec::new(); questions.len()];
        Self { questions, turn: 0, busy: nothing.clone(), quiet: nothing }
    }

    async fn quiet(&mut self, desk: &Arc<Desk>, rounds: usize) -> Result<()> {
        for _ in 0..rounds * self.questions.len() {
            if let Some((question, took)) = self.ask(desk).await? {
                self.quiet[question].push(took);
            }
        }
        Ok(())
    }

    /// Asks until the load is over.
    async fn during<T>(&mut self, desk: &Arc<Desk>, load: impl Future<Output = Result<T>>) -> Result<T> {
        let over = Cell::new(false);
        let loading = async {
            let done = load.await;
            over.set(true);
            done
        };
        let asking = async {
            while !over.get() {
                let asked = self.ask(desk).await?;
                if let Some((question, took)) = asked
                    && !over.get()
                {
                    self.busy[question].push(took);
                }
                // The load is watched on the same thread.
                tokio::task::yield_now().await;
            }
            Ok(())
        };
        let (done, ()) = tokio::try_join!(loading, asking)?;
        Ok(done)
    }

    /// Which question was asked, and milliseconds until it was answered; `None` for a thread that is not there yet.
    async fn ask(&mut self, desk: &Arc<Desk>) -> Result<Option<(usize, f64)>> {
        let which = self.turn % self.questions.len();
        let Question { command, about, .. } = &self.questions[which];
        let about = about[self.turn / self.questions.len() % about.len()].clone();
        self.turn += 1;
        let begun = Instant::now();
        match call(desk, command, about).await {
            Ok(_) => Ok(Some((which, milliseconds(begun.elapsed())))),
            Err(error) if error.code == "not_found" => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Lines of what was asked since the last time.
    fn take(&mut self, when: &str) -> Vec<Line> {
        let lines = self.questions.iter().zip(self.busy.iter_mut().zip(&mut self.quiet));
        lines
            .map(|(question, (busy, quiet))| {
                let (busy, quiet) = (std::mem::take(busy), std::mem::take(quiet));
                let often = busy.len() >= FEWEST;
                Line {
                    what: format!("{}, {when}", question.name),
                    unit: "ms",
                    tail: "p99",
                    ours: Sample::of(&busy, 0.99),
                    floor: Some(Sample::of(&quiet, 0.99)),
                    target: if often { TARGET } else { Target::None },
                    notes: if often { Vec::new() } else { vec![format!("asked {} times meanwhile", busy.len())] },
                }
            })
            .collect()
    }
}
