//! What a first copy adds to the memory of a program without a window, against the bare copy in a process of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use balcao_keychain::Keychain;
use balcao_tenant::provision::Connection;
use balcao_tests::http;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::desks::Profile;
use crate::first_copy;
use crate::measure::{Line, Sample, Target};
use crate::say;

const RUNS: usize = 2;

/// Megabytes above idle that a first copy may take.
const TARGET: f64 = 150.0;

/// How long a first copy may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// How long a program has been doing nothing when its memory is called idle.
const IDLE: Duration = Duration::from_secs(3);

/// Setting that tells a bare copy its login; arguments would show the password to everybody.
const LOGIN_ENV: &str = "BALCAO_BENCH_LOGIN";

/// Makes first copies in a program without a window.
pub async fn run(folder: &Path, login: &Connection, headless: &Path) -> Result<Vec<Line>> {
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        ours.push(copied(folder, login, headless).await?);
        floor.push(copied_barely(folder, login).await?);
        say(&format!(
            "memory of a first copy: {:.0} MB, of a bare one {:.0} MB",
            ours[ours.len() - 1],
            floor[floor.len() - 1]
        ));
    }
    Ok(vec![Line {
        what: "first copy, memory above idle".to_owned(),
        unit: "MB",
        tail: "max",
        ours: Sample::of(&ours, 1.0),
        floor: Some(Sample::of(&floor, 1.0)),
        target: Target::TailAtMost(TARGET),
        notes: vec![
            "highest resident memory of a program without a window until everything was searchable, above what it held \
             before it was connected; the floor is the bare copy in a process of its own"
                .to_owned(),
        ],
    }])
}

async fn copied(folder: &Path, login: &Connection, headless: &Path) -> Result<f64> {
    let profile = Profile { folder: folder.join("headless"), keychain: Keychain::system() };
    let program = Headless::start(headless, folder, &profile.folder).await?;
    tokio::time::sleep(IDLE).await;
    let id = program.child.id().context("the program has ended")?.to_string();
    // From here on the highest counts, not what starting took.
    std::fs::write(format!("/proc/{id}/clear_refs"), "5")?;
    let idle = held(&id)?.now;
    let wish = json!({
        "address": login.address.to_url(),
        "password": login.password.as_deref().unwrap_or_default(),
    });
    program.call("connect_clinic", wish).await?;
    let begun = Instant::now();
    while !program.is_complete().await? {
        ensure!(begun.elapsed() < PATIENCE, "the copy was not there within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    first_copy::wait_until_indexed(&profile).await?;
    let most = held(&id)?.most;
    program.end().await?;
    profile.remove()?;
    Ok(most - idle)
}

async fn copied_barely(folder: &Path, login: &Connection) -> Result<f64> {
    let login = serde_json::to_string(login)?;
    let done = Command::new(std::env::current_exe()?)
        .args(["--bench", "--bare-copy"])
        .arg(folder.join("bare.db"))
        .env(LOGIN_ENV, login)
        .stderr(Stdio::inherit())
        .output()
        .await?;
    let text = String::from_utf8_lossy(&done.stdout);
    text.trim().parse().with_context(|| format!("the bare copy failed: {text}"))
}

/// What the process of a bare copy does: copies into the file, and prints the megabytes it took above idle.
#[allow(clippy::print_stdout, reason = "its answer")]
pub async fn bare(file: &Path) -> Result<()> {
    let told: Value = serde_json::from_str(&std::env::var(LOGIN_ENV).context("it was told no login")?)?;
    let text = |name: &str| told[name].as_str().map(str::to_owned);
    let login = Connection {
        address: serde_json::from_value(told["address"].clone())?,
        login: text("login").context("the login has no name")?,
        password: text("password"),
    };
    tokio::time::sleep(IDLE).await;
    std::fs::write("/proc/self/clear_refs", "5")?;
    let idle = held("self")?.now;
    first_copy::bare(&login, file).await?;
    println!("{}", held("self")?.most - idle);
    std::fs::remove_file(file)?;
    Ok(())
}

/// Resident memory, in megabytes.
struct Held {
    now: f64,
    most: f64,
}

fn held(process: &str) -> Result<Held> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let field = |name: &str| -> Result<f64> {
        let kibibytes = status.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB"));
        Ok(kibibytes.with_context(|| format!("the system does not tell {name}"))?.trim().parse::<f64>()? * 1024.0 / 1e6)
    };
    Ok(Held { now: field("VmRSS:")?, most: field("VmHWM:")? })
}

/// A program without a window; killed when it is dropped.
struct Headless {
    child: Child,
    address: SocketAddr,
    token: String,
}

impl Headless {
    async fn start(program: &Path, folder: &Path, profile: &Path) -> Result<Self> {
        let token_file: PathBuf = folder.join("headless.token");
        let mut command = Command::new(program);
        command.arg("--profile").arg(profile).args(["--listen", "127.0.0.1:0", "--token-file"]).arg(&token_file);
        command.env("BALCAO_LOG", "error").stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        let mut lines = BufReader::new(child.stdout.take().context("it has no output")?).lines();
        let Some(line) = lines.next_line().await? else { bail!("{} ended at once", program.display()) };
        let address = line.rsplit("http://").next().unwrap_or_default().parse();
        let address = address.with_context(|| format!("it listens nowhere: {line}"))?;
        let token = std::fs::read_to_string(&token_file)?.trim().to_owned();
        Ok(Self { child, address, token })
    }

    async fn call(&self, command: &str, payload: Value) -> Result<Value> {
        match http::call(self.address, &self.token, command, &payload).await? {
            Ok(answer) => Ok(answer),
            Err(refused) => bail!("{command}: {refused}"),
        }
    }

    async fn is_complete(&self) -> Result<bool> {
        let session = self.call("get_session", json!({})).await?;
        ensure!(session["state"] != "failed", "the clinic could not be opened: {}", session["problem"]);
        if session["state"] != "ready" {
            return Ok(false);
        }
        let status = self.call("get_status", json!({})).await?;
        Ok(status["first_copy"].is_null() && !status["last_confirmed_at"].is_null())
    }

    async fn end(mut self) -> Result<()> {
        self.child.kill().await?;
        Ok(())
    }
}
