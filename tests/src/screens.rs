//! What a person does on the screens, and sees there.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::webdriver::Window;

/// How long a screen may take to show what was asked for; it takes far less, but the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// A place of the rail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    /// Conversations.
    Inbox,
    /// Visits.
    Agenda,
    /// The board.
    Leads,
}

impl Screen {
    /// Every screen, in the order of the rail.
    pub const ALL: [Self; 3] = [Self::Inbox, Self::Agenda, Self::Leads];

    /// Its name in addresses and ids.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Agenda => "agenda",
            Self::Leads => "leads",
        }
    }

    /// What is there when the screen shows its data.
    pub fn content(self) -> &'static str {
        match self {
            Self::Inbox => "[data-testid=conversation-row]",
            Self::Agenda => "[data-testid=agenda-grid]",
            Self::Leads => "[data-testid=lead-card]",
        }
    }
}

/// What the status line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusLine {
    /// connecting, online, offline or refused.
    pub connection: String,
    /// Writes that wait.
    pub waiting: u32,
    /// Writes that need a decision.
    pub needs_you: u32,
}

impl Window {
    /// Goes to a screen and waits until it shows its data.
    ///
    /// # Errors
    /// It shows nothing within 15 seconds.
    pub async fn go_to(&self, screen: Screen) -> Result<()> {
        self.click_on(&format!("[data-testid=go-{}]", screen.name()), PATIENCE).await?;
        self.wait_for(screen.content(), PATIENCE).await.map(drop)
    }

    /// Chooses the sample clinic on the first-run screen and waits until it is open and its conversations are seen.
    ///
    /// # Errors
    /// It could not be opened, or not in time.
    pub async fn start_sample(&self, patience: Duration) -> Result<()> {
        self.click_on("[data-testid=start-sample]", PATIENCE).await?;
        self.wait_until_ready(patience).await?;
        self.wait_for(Screen::Inbox.content(), patience).await.map(drop)
    }

    /// Waits until a clinic is open.
    ///
    /// # Errors
    /// It could not be opened, or not in time.
    pub async fn wait_until_ready(&self, patience: Duration) -> Result<()> {
        let begun = Instant::now();
        loop {
            let session = self.call("get_session", json!({})).await?;
            match session["state"].as_str() {
                Some("ready") => return Ok(()),
                Some("failed") => bail!("the clinic could not be opened: {}", session["problem"]),
                _ if begun.elapsed() > patience => bail!("the clinic was not open within {patience:?}: {session}"),
                _ => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    /// What the status line says now.
    ///
    /// # Errors
    /// There is none.
    pub async fn status_line(&self) -> Result<StatusLine> {
        let script = "const line = document.querySelector('[data-testid=status-line]');
            return line && [line.dataset.connection, Number(line.dataset.waiting), Number(line.dataset.needsYou)];";
        let line = self.run(script, json!([])).await?;
        let number = |at: usize| line[at].as_u64().and_then(|number| u32::try_from(number).ok());
        let read = |line: &Value| {
            let connection = line[0].as_str()?.to_owned();
            Some(StatusLine { connection, waiting: number(1)?, needs_you: number(2)? })
        };
        read(&line).with_context(|| format!("the status line says {line}"))
    }

    /// Waits until the status line says what is wanted.
    ///
    /// # Errors
    /// It did not in time.
    pub async fn wait_for_status(
        &self,
        what: &str,
        patience: Duration,
        wanted: impl Fn(&StatusLine) -> bool,
    ) -> Result<StatusLine> {
        let begun = Instant::now();
        loop {
            let line = self.status_line().await?;
            if wanted(&line) {
                return Ok(line);
            }
            if begun.elapsed() > patience {
                bail!("the status line did not say {what} within {patience:?}: {line:?}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Opens a conversation of the list and waits for its messages.
    ///
    /// # Errors
    /// The list does not have it.
    pub async fn open_conversation(&self, id: &str) -> Result<()> {
        self.click_on(&format!("[data-conversation-id='{id}']"), PATIENCE).await?;
        self.wait_for("[data-testid=message]", PATIENCE).await.map(drop)
    }

    /// Goes to a conversation wherever it stands, as a link to it does, and waits for its messages.
    ///
    /// # Errors
    /// There is no such conversation.
    pub async fn show_conversation(&self, id: &str) -> Result<()> {
        self.run("location.hash = arguments[0];", json!([format!("#/inbox/all/{id}")])).await?;
        self.wait_for("[data-testid=message]", PATIENCE).await.map(drop)
    }

    /// Ids of the conversations that the list shows, from the top.
    ///
    /// # Errors
    /// The window is gone.
    pub async fn conversations(&self) -> Result<Vec<String>> {
        let script = "return [...document.querySelectorAll('[data-testid=conversation-row]')]
            .map((row) => row.dataset.conversationId);";
        Ok(serde_json::from_value(self.run(script, json!([])).await?)?)
    }
}
