//! `balcao-agent channel`: the clinic's connections to WhatsApp, from a command line.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use balcao_agent::background::{GatewayKeys, gateway_of};
use balcao_domain::message::ConnectionState;
use balcao_domain::pacing::{DAILY_CAP, Pace};
use balcao_domain::phone::Phone;
use balcao_keychain::{Keychain, names};
use balcao_tenant::{Channel, ChannelKind, ChannelSettings, NewChannel, Removed, Tenant};
use balcao_whatsapp::gateway::{Authority, Gateway, GatewayError, LinkState, Pairing, Timing};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::desk::Desk;

/// Between two looks whether the code was typed.
const LOOK: Duration = Duration::from_secs(3);
/// How long somebody may take to type it.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// The connection does not work.
const DOES_NOT_WORK: u8 = 2;

/// The clinic's connections to WhatsApp.
#[derive(Args)]
pub struct Channels {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Adds a connection. Its key is read from standard input: one line, and for a relay's key a second one.
    Add(Add),
    /// Keeps the key of a connection on this computer, too; read as with `add`.
    Key(OfChannel),
    /// Says whether the gateway answers, takes the key and is connected to WhatsApp. Ends with 2 when not.
    Test(OfChannel),
    /// Pairs a phone by a code that is typed on it, and waits for five minutes until it is. Ends with 2 when it is not.
    Pair(Pair),
    /// Lists the connections and how they are doing.
    List(All),
    /// Removes a connection and its key on this computer. One that has conversations is only not used any more.
    Remove(OfChannel),
}

#[derive(Args)]
struct Add {
    #[command(flatten)]
    desk: Desk,
    /// How people call it.
    #[arg(long)]
    name: String,
    /// What it goes through: evolution or cloud_api.
    #[arg(long, default_value = "evolution", value_parser = kind)]
    kind: ChannelKind,
    /// Address of the server, or of Graph with its version.
    #[arg(long)]
    url: String,
    /// Name of the instance, or the number's id at Meta.
    #[arg(long)]
    instance: String,
    /// Address of the relay of a Cloud API connection.
    #[arg(long, value_name = "URL")]
    relay: Option<String>,
    /// Certificate in PEM of the authority of the server, or of the relay, where that is the clinic's own.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// How fast it sends: calm, brisk or none.
    #[arg(long, default_value = "calm", value_parser = pace)]
    pace: Pace,
    /// Messages of one day.
    #[arg(long, value_name = "NUMBER", default_value_t = DAILY_CAP)]
    daily_cap: u32,
    /// Tells people that their messages were read when they are answered.
    #[arg(long)]
    read_receipts: bool,
    /// The server has no global stream: the instance's own is listened to.
    #[arg(long)]
    per_instance: bool,
    /// Adds it even where the gateway does not answer now.
    #[arg(long)]
    untested: bool,
    /// Prints the answer as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct OfChannel {
    #[command(flatten)]
    desk: Desk,
    /// The connection, by its id or its name.
    channel: String,
    /// Prints the answer as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Pair {
    #[command(flatten)]
    of: OfChannel,
    /// The phone's number, with its area code.
    #[arg(long, value_parser = phone)]
    number: Phone,
}

#[derive(Args)]
struct All {
    #[command(flatten)]
    desk: Desk,
    /// Prints the answer as JSON.
    #[arg(long)]
    json: bool,
}

impl Channels {
    /// Does what was asked for.
    pub async fn run(self) -> Result<ExitCode> {
        match self.command {
            Command::Add(add) => add.run().await?,
            Command::Key(of) => of.keep_key().await?,
            Command::Test(of) => return of.test().await,
            Command::Pair(pair) => return pair.run().await,
            Command::List(all) => all.run().await?,
            Command::Remove(of) => of.remove().await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Add {
    async fn run(self) -> Result<()> {
        let keys = read_keys()?;
        let ca_pem = self.ca.map(std::fs::read_to_string).transpose().context("the certificate cannot be read")?;
        ca_pem.as_deref().map(Authority::parse).transpose()?;
        let new = NewChannel {
            name: self.name,
            kind: self.kind,
            url: self.url,
            instance: self.instance,
            settings: ChannelSettings {
                daily_cap: self.daily_cap,
                pace: self.pace,
                read_receipts: self.read_receipts,
                per_instance: self.per_instance,
                relay_url: self.relay,
                ca_pem,
                ..ChannelSettings::default()
            },
        };
        let tenant = self.desk.connect().await?;
        let added = add(&tenant, &new, &keys, self.untested).await;
        tenant.close().await;
        let (id, link) = added?;
        let state = link.as_ref().map(|link| state(link.state));
        say(&if self.json {
            json!({ "id": id, "state": state }).to_string()
        } else {
            format!("{id}  {} ({})", new.name, state.unwrap_or("not tested"))
        })
    }
}

async fn add(
    tenant: &Tenant,
    new: &NewChannel,
    keys: &GatewayKeys,
    untested: bool,
) -> Result<(Uuid, Option<LinkState>)> {
    let link = match (tried(&new.planned(), keys).await, untested) {
        (Ok(link), _) => Some(link),
        (Err(_), true) => None,
        (Err(error), false) => return Err(error.context("the connection was not added")),
    };
    let id = tenant.add_channel(new).await?;
    // Without its key it can be added again elsewhere, or the key be given later.
    Keychain::system()
        .set(&names::gateway_key(&id.to_string()), &keys.to_secret())
        .await
        .context("the connection was added, and its key could not be kept: see `channel key`")?;
    Ok((id, link))
}

async fn tried(channel: &Channel, keys: &GatewayKeys) -> Result<LinkState> {
    let gateway = gateway_of(channel, keys, &Timing::default())?;
    Ok(gateway.state().await?)
}

impl OfChannel {
    async fn keep_key(self) -> Result<()> {
        let keys = read_keys()?;
        let channel = self.find().await?;
        Keychain::system().set(&names::gateway_key(&channel.id.to_string()), &keys.to_secret()).await?;
        self.say(&json!({ "id": channel.id, "kept": true }), "The key is kept on this computer.")
    }

    async fn test(self) -> Result<ExitCode> {
        let channel = self.find().await?;
        let key = Keychain::system().get(&names::gateway_key(&channel.id.to_string())).await?;
        let Some(key) = key else {
            self.say(&json!({ "works": false, "problem": "no_key" }), "This computer has no key for it.")?;
            return Ok(ExitCode::from(DOES_NOT_WORK));
        };
        match tried(&channel, &GatewayKeys::of_secret(&key)?).await {
            Ok(link) => {
                let works = link.state == ConnectionState::Connected;
                let answer =
                    json!({ "works": works, "state": state(link.state), "needs_pairing": link.needs_pairing() });
                self.say(&answer, state(link.state))?;
                Ok(if works { ExitCode::SUCCESS } else { ExitCode::from(DOES_NOT_WORK) })
            }
            Err(error) => {
                let code = error.downcast_ref::<GatewayError>().map_or("bad_setting", GatewayError::code);
                self.say(&json!({ "works": false, "problem": code }), &error.to_string())?;
                Ok(ExitCode::from(DOES_NOT_WORK))
            }
        }
    }

    async fn remove(self) -> Result<()> {
        let channel = self.find().await?;
        let tenant = self.desk.connect().await?;
        let removed = tenant.remove_channel(channel.id).await;
        tenant.close().await;
        let (removed, words) = match removed? {
            Removed::Gone => ("gone", "It is removed."),
            Removed::Retired => ("retired", "It is not used any more; its conversations stay."),
            Removed::Unknown => bail!("there is no such connection any more"),
        };
        Keychain::system().delete(&names::gateway_key(&channel.id.to_string())).await?;
        self.say(&json!({ "removed": removed }), words)
    }

    async fn find(&self) -> Result<Channel> {
        let tenant = self.desk.connect().await?;
        let channels = tenant.channels().await;
        tenant.close().await;
        let is_it = |channel: &Channel| channel.name == self.channel || channel.id.to_string() == self.channel;
        channels?.into_iter().find(is_it).ok_or_else(|| anyhow!("the clinic has no such connection"))
    }

    fn say(&self, answer: &Value, words: &str) -> Result<()> {
        say(&if self.json { answer.to_string() } else { words.to_owned() })
    }
}

impl Pair {
    async fn run(self) -> Result<ExitCode> {
        let channel = self.of.find().await?;
        let secret = Keychain::system().get(&names::gateway_key(&channel.id.to_string())).await?;
        let secret = secret.context("this computer has no key for it: see `channel key`")?;
        let Gateway::Evolution(evolution) =
            gateway_of(&channel, &GatewayKeys::of_secret(&secret)?, &Timing::default())?
        else {
            bail!("a number at Meta is not paired with a phone");
        };
        // A gateway that is showing a QR code does not look at the number: it begins anew, and shows both.
        let begun = Instant::now();
        let (mut may_begin_anew, mut told) = (true, String::new());
        while begun.elapsed() < PATIENCE {
            let answer = match evolution.pair(Some(&self.number)).await {
                Ok(answer) => answer,
                // It may be on its way up, or away for a moment.
                Err(error) if !error.is_permanent() => {
                    self.tell(&mut told, &json!({ "problem": error.code() }), &error.to_string())?;
                    sleep(LOOK).await;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            match (&answer, answer.typed()) {
                (Pairing::Connected, _) => {
                    self.of.say(&json!({ "paired": true }), "The phone is paired.")?;
                    return Ok(ExitCode::SUCCESS);
                }
                (_, Some(code)) => {
                    let words = format!("Type {code} on the phone: Linked devices, Link with phone number.");
                    self.tell(&mut told, &json!({ "code": code }), &words)?;
                }
                (Pairing::Code { .. }, None) if may_begin_anew => {
                    may_begin_anew = false;
                    evolution.log_out().await?;
                    continue;
                }
                (Pairing::Code { .. }, None) => {
                    bail!("this server gives no code to type: read its QR code in the window")
                }
                (Pairing::NotYet, _) => {}
            }
            sleep(LOOK).await;
        }
        self.of.say(&json!({ "paired": false }), "Nobody has typed the code for five minutes.")?;
        Ok(ExitCode::from(DOES_NOT_WORK))
    }

    /// Says what was not said last.
    fn tell(&self, told: &mut String, answer: &Value, words: &str) -> Result<()> {
        if told != words {
            self.of.say(answer, words)?;
            words.clone_into(told);
        }
        Ok(())
    }
}

impl All {
    async fn run(self) -> Result<()> {
        let tenant = self.desk.connect().await?;
        let channels = tenant.channels().await;
        tenant.close().await;
        let channels = channels?;
        if self.json {
            return say(&Value::Array(channels.iter().map(as_json).collect()).to_string());
        }
        for channel in &channels {
            let problem = channel.problem.as_deref().map(|problem| format!(", {problem}")).unwrap_or_default();
            let used = match (channel.active, channel.removed) {
                (true, _) => "",
                (false, false) => " (paused)",
                (false, true) => " (removed, kept for its conversations)",
            };
            say(&format!("{}  {}: {}{problem}{used}", channel.id, channel.name, channel.status))?;
        }
        Ok(())
    }
}

/// Everything but the key, which is never printed.
fn as_json(channel: &Channel) -> Value {
    json!({
        "id": channel.id, "name": channel.name, "kind": channel.kind.as_str(), "url": channel.url, "instance": channel.instance,
        "status": channel.status, "active": channel.active, "removed": channel.removed, "problem": channel.problem, "needs_pairing": channel.needs_pairing,
        "last_inbound_at": channel.last_inbound_at, "last_ack_at": channel.last_ack_at,
        "acks_missing_since": channel.acks_missing_since, "last_sweep_at": channel.last_sweep_at,
        "swept_until": channel.swept_until, "unknown_outcomes": channel.unknown_outcomes,
        "daily_cap": channel.settings.daily_cap, "pace": channel.settings.pace.name(),
    })
}

fn read_keys() -> Result<GatewayKeys> {
    let mut typed = Zeroizing::new(String::new());
    std::io::stdin().take(16_384).read_to_string(&mut typed).context("the key is read from standard input")?;
    Ok(GatewayKeys::parse(&typed)?)
}

fn state(state: ConnectionState) -> &'static str {
    match state {
        ConnectionState::Connected => "connected",
        ConnectionState::Connecting => "connecting",
        ConnectionState::Pairing => "pairing",
        ConnectionState::Disconnected => "disconnected",
        ConnectionState::Refused => "refused",
    }
}

fn phone(typed: &str) -> Result<Phone, String> {
    Phone::parse(typed).map_err(|_| "this is no number of a phone with its area code".to_owned())
}

fn kind(name: &str) -> Result<ChannelKind, String> {
    ChannelKind::from_name(&name.replace('-', "_")).ok_or_else(|| "evolution or cloud_api".to_owned())
}

fn pace(name: &str) -> Result<Pace, String> {
    Pace::from_name(name).ok_or_else(|| "calm, brisk or none".to_owned())
}

fn say(text: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}
