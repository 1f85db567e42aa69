//! `balcao-agent doctor`: which step of the way to a clinic's database fails.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use balcao_agent::profile::Profile;
use balcao_domain::clock::Clock;
use balcao_keychain::{Keychain, Secret, names};
use balcao_tenant::members::{Code, Invitation};
use balcao_tenant::{Address, DoctorState, Finding, diagnose};
use clap::Args;
use serde_json::json;

/// Something is wrong on the way; what, was printed.
const UNWELL: u8 = 2;

/// Looks at the way to a clinic's database, step by step: name, port, tls, login, version, clock. Ends with 0 when all is well,
/// with 2 when a step failed.
#[derive(Args)]
pub struct Doctor {
    /// Folder of the desk. Without it and without an invitation, the environment must hold BALCAO_DATABASE_URL.
    #[arg(long, value_name = "DIR", conflicts_with = "invitation")]
    profile: Option<PathBuf>,
    /// File of an invitation, whose code is read from standard input. It is not accepted.
    #[arg(long, value_name = "FILE")]
    invitation: Option<PathBuf>,
    /// Prints the findings as JSON.
    #[arg(long)]
    json: bool,
}

impl Doctor {
    /// Prints what each step has shown.
    pub async fn run(self) -> Result<ExitCode> {
        let (address, password) = self.way().await?;
        let password = password.as_ref().map(Secret::expose).map_err(|code| *code);
        let mut told = std::io::stderr();
        let findings = diagnose(&address, password, "balcao-agent", &Clock::System, |finding| {
            if !self.json && finding.state == DoctorState::Running {
                // That nobody reads along is no reason to stop.
                let _ = writeln!(told, "{} …", finding.step.as_str());
            }
        })
        .await;
        let well = findings.iter().all(|finding| finding.state == DoctorState::Ok);
        let mut out = std::io::stdout().lock();
        if self.json {
            writeln!(out, "{}", json!({ "ok": well, "steps": findings }))?;
        } else {
            for finding in &findings {
                writeln!(out, "{}", words(finding))?;
            }
        }
        Ok(if well { ExitCode::SUCCESS } else { ExitCode::from(UNWELL) })
    }

    async fn way(&self) -> Result<(Address, Result<Secret, &'static str>)> {
        if let Some(file) = &self.invitation {
            let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
            let mut code = String::new();
            std::io::stdin().take(1024).read_to_string(&mut code).context("the code cannot be read")?;
            let code = Code::read(&code).context("standard input holds no code of an invitation")?;
            let invitation = Invitation::open(&text, &code)?;
            return Ok((invitation.address, Ok(Secret::new(invitation.password))));
        }
        if let Some(folder) = &self.profile {
            let profile = Profile::read(folder)?;
            let entry = names::database_password(&profile.id.to_string());
            let password = match Keychain::system().get(&entry).await {
                Ok(Some(password)) => Ok(password),
                Ok(None) => Err("password_missing"),
                Err(_) => Err("keychain_unavailable"),
            };
            let address = profile.address.context("the clinic of this folder is not set up yet")?;
            return Ok((address, password));
        }
        match std::env::var("BALCAO_DATABASE_URL") {
            Ok(url) if !url.trim().is_empty() => {
                let (address, password) = Address::parse(&url)?;
                Ok((address, Ok(Secret::new(password.unwrap_or_default()))))
            }
            _ => bail!("say which clinic: --profile DIR, --invitation FILE, or BALCAO_DATABASE_URL in the environment"),
        }
    }
}

fn words(finding: &Finding) -> String {
    let facts: Vec<_> = finding.facts.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let state = match finding.state {
        DoctorState::Failed => format!("FAILED ({})", finding.code.as_deref().unwrap_or_default()),
        state => state.as_str().replace('_', " "),
    };
    format!("{:8} {state}  {}", finding.step.as_str(), facts.join(" ")).trim_end().to_owned()
}
