//! `balcao-agent storage`: the bucket with files of messages, from a command line.

use std::io::{Read as _, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow, bail};
use balcao_bucket::{Bucket, BucketKey, Found, Place, Timing, TrialStep};
use balcao_keychain::{Keychain, Secret, names};
use balcao_tenant::{BucketSetting, BucketState, Tenant};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::desk::Desk;

/// The bucket does not work.
const DOES_NOT_WORK: u8 = 2;

/// A bucket of S3-compatible storage for files of messages, instead of the clinic's database.
#[derive(Args)]
pub struct Storage {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Uses a bucket. Its key is read from standard input: its id on one line, its secret on the next.
    Add(Add),
    /// Keeps the bucket's key on this computer, too; read as with `add`.
    Key(OfBucket),
    /// Tries the bucket out step by step with the key of this computer. Ends with 2 when a step fails.
    Test(OfBucket),
    /// Says how many files are there, and what stands in the way.
    Status(OfBucket),
    /// Has every file brought back by the computer that does the background work. What is there is deleted 30 days later, when no
    /// backup needs it any more; then the bucket is forgotten, and its key.
    Remove(Remove),
}

#[derive(Args)]
struct Add {
    #[command(flatten)]
    of: OfBucket,
    /// Address of the server, https:// and its name.
    #[arg(long, value_name = "URL")]
    endpoint: String,
    /// Name of the bucket.
    #[arg(long)]
    bucket: String,
    /// Its region.
    #[arg(long, default_value = "us-east-1")]
    region: String,
    /// After how many days files go there.
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(0..=3650))]
    after_days: u32,
    /// Uses it even where it does not work now.
    #[arg(long)]
    untested: bool,
}

#[derive(Args)]
struct OfBucket {
    #[command(flatten)]
    desk: Desk,
    /// Prints the answer as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Remove {
    #[command(flatten)]
    of: OfBucket,
    /// The bucket is lost, or all is back: it is forgotten at once, and what is nowhere else is given up.
    #[arg(long)]
    abandon: bool,
}

impl Storage {
    /// Does what was asked for.
    pub async fn run(self) -> Result<ExitCode> {
        match self.command {
            Command::Add(add) => return add.run().await,
            Command::Key(of) => of.keep_key().await?,
            Command::Test(of) => return of.test().await,
            Command::Status(of) => of.status().await?,
            Command::Remove(remove) => remove.run().await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Add {
    async fn run(self) -> Result<ExitCode> {
        let place = Place::parse(&self.endpoint, &self.bucket, &self.region)?;
        let key = read_key()?;
        let tried = tried(&place, &key).await?;
        if tried.wrong.is_some() && !self.untested {
            return self.of.told(&tried);
        }
        let (endpoint, bucket, region, days) = (place.endpoint(), &place.bucket, &place.region, self.after_days);
        self.of.ask(async |tenant| tenant.use_bucket(endpoint, bucket, region, days).await).await?;
        // Without its key nothing goes there, and the key can be given later.
        self.of.keep(&key).await.context("the bucket is used, and its key could not be kept: see `storage key`")?;
        self.of.say(
            &json!({ "used": true, "works": tried.wrong.is_none(), "steps": tried.steps }),
            "Files of messages go there from now on.",
        )?;
        Ok(ExitCode::SUCCESS)
    }
}

impl OfBucket {
    async fn keep_key(self) -> Result<()> {
        let key = read_key()?;
        self.keep(&key).await?;
        self.say(&json!({ "kept": true }), "The key is kept on this computer.")
    }

    async fn keep(&self, key: &BucketKey) -> Result<()> {
        let secret = Secret::new(key.to_lines().as_str());
        Ok(Keychain::system().set(&names::bucket_key(&self.desk.profile_id()?), &secret).await?)
    }

    async fn test(self) -> Result<ExitCode> {
        let setting = self.setting().await?;
        let place = Place::parse(&setting.endpoint, &setting.bucket, &setting.region)?;
        let Some(secret) = Keychain::system().get(&names::bucket_key(&self.desk.profile_id()?)).await? else {
            let answer = json!({ "works": false, "problem": "bucket_no_key", "steps": [] });
            self.say(&answer, "This computer has no key for the bucket: see `storage key`.")?;
            return Ok(ExitCode::from(DOES_NOT_WORK));
        };
        self.told(&tried(&place, &BucketKey::parse(secret.expose())?).await?)
    }

    fn told(&self, tried: &Tried) -> Result<ExitCode> {
        let works = tried.wrong.is_none();
        let problem = tried.wrong.as_ref().map(|(_, code, _)| *code);
        let words = match &tried.wrong {
            None => "It works: what is put there comes back, and can be deleted.".to_owned(),
            Some((step, _, words)) => format!("It does not work ({step}): {words}."),
        };
        self.say(&json!({ "works": works, "problem": problem, "steps": tried.steps }), &words)?;
        Ok(if works { ExitCode::SUCCESS } else { ExitCode::from(DOES_NOT_WORK) })
    }

    async fn status(self) -> Result<()> {
        let state = self.ask(async |tenant| tenant.bucket_state().await).await?;
        let Some(state) = state else {
            return self.say(&Value::Null, "All files are in the clinic's database.");
        };
        self.say(&as_json(&state), &in_words(&state))
    }

    async fn setting(&self) -> Result<BucketSetting> {
        let setting = self.ask(async |tenant| tenant.bucket().await).await?;
        setting.ok_or_else(|| anyhow!("the clinic uses no bucket"))
    }

    async fn ask<T>(&self, question: impl AsyncFnOnce(&Tenant) -> balcao_tenant::Result<T>) -> Result<T> {
        let tenant = self.desk.connect().await?;
        let answer = question(&tenant).await;
        tenant.close().await;
        Ok(answer?)
    }

    fn say(&self, answer: &Value, words: &str) -> Result<()> {
        writeln!(std::io::stdout(), "{}", if self.json { answer.to_string() } else { words.to_owned() })?;
        Ok(())
    }
}

impl Remove {
    async fn run(self) -> Result<()> {
        if self.abandon {
            let lost = self.of.ask(async |tenant| tenant.abandon_bucket().await).await?;
            Keychain::system().delete(&names::bucket_key(&self.of.desk.profile_id()?)).await?;
            return self.of.say(
                &json!({ "removed": "abandoned", "lost": lost }),
                &format!("It is given up, and with it {lost} files."),
            );
        }
        if !self.of.ask(async |tenant| tenant.empty_bucket().await).await? {
            bail!("the clinic uses no bucket");
        }
        let words = "Every file comes back, by the computer that does the background work: see `storage status`.";
        self.of.say(&json!({ "removed": "emptying" }), words)
    }
}

/// What a trial has found.
struct Tried {
    steps: Vec<Value>,
    /// The step that failed, why, and that in words.
    wrong: Option<(&'static str, &'static str, String)>,
}

async fn tried(place: &Place, key: &BucketKey) -> Result<Tried> {
    let bucket = Bucket::open(place, key, Timing::default())?;
    let mut tried = Tried { steps: Vec::new(), wrong: None };
    bucket.try_out(Uuid::new_v4(), |step, found| tried.note(step, found)).await;
    Ok(tried)
}

impl Tried {
    fn note(&mut self, step: TrialStep, found: Found) {
        match found {
            Found::Looking => {}
            Found::Fine(seen) => self.steps.push(json!({ "step": step.as_str(), "ok": true, "seen": seen })),
            Found::Wrong(trouble) => {
                self.steps.push(json!({ "step": step.as_str(), "ok": false, "problem": trouble.code() }));
                self.wrong = Some((step.as_str(), trouble.code(), trouble.to_string()));
            }
        }
    }
}

fn as_json(state: &BucketState) -> Value {
    let BucketState { setting, .. } = state;
    json!({
        "endpoint": setting.endpoint, "bucket": setting.bucket, "region": setting.region, "after_days": setting.after_days,
        "emptying_since": setting.emptying_since, "problem": setting.problem, "problem_since": state.problem_since,
        "files": state.files, "bytes": state.bytes, "leaving": state.leaving, "wanted": state.wanted,
        "failing": state.failing, "deleting": state.deleting,
    })
}

fn in_words(state: &BucketState) -> String {
    let BucketState { setting, files, bytes, leaving, failing, deleting, .. } = state;
    let problem = setting.problem.as_deref().map(|problem| format!("\nIn the way: {problem}")).unwrap_or_default();
    let way = match setting.emptying_since {
        Some(_) => "everything comes back".to_owned(),
        None => format!("{leaving} are to go there, after {} days", setting.after_days),
    };
    format!(
        "{} at {}: {files} files, {bytes} bytes; {way}; {failing} with a problem; {deleting} to be deleted{problem}",
        setting.bucket, setting.endpoint
    )
}

fn read_key() -> Result<BucketKey> {
    let mut typed = Zeroizing::new(String::new());
    std::io::stdin().take(16_384).read_to_string(&mut typed).context("the key is read from standard input")?;
    Ok(BucketKey::parse(&typed)?)
}
