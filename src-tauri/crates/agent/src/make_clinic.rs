//! `balcao-agent provision`.

use std::io::Write as _;

use anyhow::Result;
use balcao_tenant::provision::{Provisioned, Request, Vertical, provision};
use clap::Args;

/// What a clinic is made from.
#[derive(Args)]
pub struct Provision {
    /// URL of the database for an administrator, with the password. In the environment it is seen by nobody else.
    #[arg(long, value_name = "URL", env = "BALCAO_ADMIN_URL", hide_env_values = true)]
    admin_url: String,
    /// Name of the clinic.
    #[arg(long, value_name = "NAME")]
    clinic: String,
    /// Time zone of the clinic, such as America/Sao_Paulo.
    #[arg(long, value_name = "ZONE")]
    time_zone: String,
    /// Name of its owner; the clinic's name when it is not given.
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// E-mail address of its owner.
    #[arg(long, value_name = "ADDRESS")]
    owner_email: Option<String>,
    /// Whom it cares for: human, veterinary, dental or other.
    #[arg(long, value_name = "KIND", default_value = "human", value_parser = vertical)]
    vertical: Vertical,
    /// Language of its people.
    #[arg(long, value_name = "TAG", default_value = "pt-BR")]
    locale: String,
    /// Prints the answer as JSON. The password is in it when this call made the clinic, and never again.
    #[arg(long)]
    json: bool,
}

fn vertical(name: &str) -> Result<Vertical, &'static str> {
    Vertical::from_name(name).ok_or("it is one of human, veterinary, dental, other")
}

impl Provision {
    /// Makes the clinic and prints how its owner connects.
    pub async fn run(self) -> Result<()> {
        let request = Request {
            owner_name: self.owner.unwrap_or_else(|| self.clinic.clone()),
            clinic_name: self.clinic,
            time_zone: self.time_zone,
            locale: self.locale,
            vertical: self.vertical,
            slug: None,
            owner_email: self.owner_email,
        };
        let clinic = provision(&self.admin_url, &request).await?;
        let mut out = std::io::stdout().lock();
        if self.json {
            writeln!(out, "{}", serde_json::to_string(&clinic)?)?;
        } else {
            write!(out, "{}", words(&clinic))?;
        }
        Ok(())
    }
}

fn words(clinic: &Provisioned) -> String {
    let made = if clinic.created { "was made" } else { "was already there" };
    let address = &clinic.owner.address;
    let password = clinic.owner.password.as_deref().unwrap_or("as it was given when the clinic was made");
    format!(
        "The clinic {} {made}.\nserver    {}:{}\ndatabase  {}\nlogin     {}\npassword  {password}\n",
        clinic.clinic_name, address.host, address.port, address.database, clinic.owner.login
    )
}
