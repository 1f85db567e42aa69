//! Which clinic a command is about, and as whom it is asked.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use balcao_agent::background::Dial;
use balcao_agent::profile::{self, Profile};
use balcao_keychain::Keychain;
use balcao_tenant::{Address, Tenant};
use clap::Args;

const NO_CLINIC: &str = "say which clinic: --profile DIR, or BALCAO_DATABASE_URL in the environment";

/// A desk of the clinic.
#[derive(Args)]
pub struct Desk {
    /// Folder of the desk. Without it, the environment must hold BALCAO_DATABASE_URL.
    #[arg(long, value_name = "DIR")]
    profile: Option<PathBuf>,
}

/// What work that goes on needs of a desk.
pub struct Way {
    /// Logs in anew.
    pub dial: Dial,
    /// Names the entries of the desk in the keyring.
    pub profile_id: String,
    /// Where files of the work lie.
    pub folder: PathBuf,
}

impl Desk {
    /// The way to the clinic's database for work that goes on, through restarts of the database, too. `state` is where its files
    /// lie; without it, in the folder of the desk.
    pub fn way(&self, keychain: &Keychain, state: Option<PathBuf>) -> Result<Way> {
        if let Some(folder) = &self.profile {
            let profile = Profile::read(folder)?;
            let (at, keychain) = (folder.clone(), keychain.clone());
            // A database of this computer has another port each time that it starts.
            let dial: Dial = Arc::new(move || {
                let (at, keychain) = (at.clone(), keychain.clone());
                Box::pin(async move { Profile::read(&at)?.connect(&keychain).await })
            });
            return Ok(Way {
                dial,
                profile_id: profile.id.to_string(),
                folder: state.unwrap_or_else(|| folder.clone()),
            });
        }
        let Some(url) = url() else { bail!(NO_CLINIC) };
        let (address, _) = Address::parse(&url)?;
        let dial: Dial = Arc::new(move || {
            let url = url.clone();
            Box::pin(async move { profile::connect_to(&url).await })
        });
        let folder = state.context("say where files of the work lie: --state DIR")?;
        Ok(Way { dial, profile_id: address.user, folder })
    }

    /// Names the entries of this desk in the keyring.
    pub fn profile_id(&self) -> Result<String> {
        match (&self.profile, url()) {
            (Some(folder), _) => Ok(Profile::read(folder)?.id.to_string()),
            (None, Some(url)) => Ok(Address::parse(&url)?.0.user),
            (None, None) => bail!(NO_CLINIC),
        }
    }

    /// Connects to the clinic's database under the login of this desk.
    pub async fn connect(&self) -> Result<Tenant> {
        if let Some(folder) = &self.profile {
            return Ok(Profile::read(folder)?.connect(&Keychain::system()).await?);
        }
        match url() {
            Some(url) => Ok(profile::connect_to(&url).await?),
            None => bail!(NO_CLINIC),
        }
    }
}

fn url() -> Option<String> {
    std::env::var("BALCAO_DATABASE_URL").ok().filter(|url| !url.trim().is_empty())
}
