//! The three writes of the screens, made as a person makes them.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::screens::Screen;
use crate::webdriver::{ARROW_DOWN, ARROW_LEFT, ARROW_RIGHT, ENTER, Element, Point, Window};

const PATIENCE: Duration = Duration::from_secs(10);

/// Days ahead in which a visit to move is looked for.
const AHEAD: u64 = 21;

/// Quarters of an hour that a visit is moved by, at most.
const FARTHEST: i32 = 12;

/// How something is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Dragged with the mouse.
    Mouse,
    /// With `m`, the arrows and Enter.
    Keys,
}

/// A visit and a later time of the same day at which it could stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movable {
    /// The appointment.
    pub visit: String,
    /// In the clinic's time zone.
    pub day: NaiveDate,
    /// Where it would begin.
    pub wanted: DateTime<Utc>,
    /// How many quarters of an hour later that is.
    pub quarters: i32,
    /// How long it takes.
    pub minutes: i64,
}

/// A card of the board and the columns it could go to, from left to right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// The lead.
    pub lead: String,
    /// How many columns to the right the first column of the wanted kind is; negative for the left.
    pub columns: i32,
    /// That column.
    pub stage: String,
}

impl Window {
    /// Writes a reply in the open conversation and sends it with Enter; returns once it is in the thread.
    ///
    /// # Errors
    /// The thread does not show it.
    pub async fn reply(&self, text: &str) -> Result<()> {
        self.click_on("[data-testid=composer]", PATIENCE).await?;
        let composer = self.find("[data-testid=composer]").await?;
        self.write(&composer, &format!("{text}{ENTER}")).await?;
        self.wait_for_message(text, "outbound").await
    }

    /// Waits until the open thread shows a message with this text.
    ///
    /// # Errors
    /// It does not.
    pub async fn wait_for_message(&self, text: &str, direction: &str) -> Result<()> {
        let script = "return [...document.querySelectorAll(`[data-testid=message][data-direction=${arguments[1]}]`)]
            .some((message) => message.textContent.includes(arguments[0]));";
        self.wait_until(&format!("the message {text:?}"), script, json!([text, direction])).await
    }

    /// Looks for a visit to come that is not among these and could be moved to later on its day, as far as this
    /// computer knows.
    ///
    /// # Errors
    /// There is none in the next weeks.
    pub async fn find_movable(&self, but_not: &[&str]) -> Result<Movable> {
        let today = self.run("return new Date().toISOString().slice(0, 10);", json!([])).await?;
        let today: NaiveDate = today.as_str().context("the page knows no day")?.parse()?;
        for day in (1..AHEAD).filter_map(|ahead| today.checked_add_days(Days::new(ahead))) {
            let agenda = self.call("get_agenda", json!({"from": day, "days": 1})).await?;
            for visit in agenda["visits"].as_array().into_iter().flatten() {
                let known = visit["id"].as_str().is_none_or(|id| but_not.contains(&id));
                let movable = ["scheduled", "confirmed"].contains(&visit["status"].as_str().unwrap_or_default());
                if movable
                    && !known
                    && let Some(found) = self.place_for(visit, day).await?
                {
                    return Ok(found);
                }
            }
        }
        bail!("no visit of the next {AHEAD} days can be moved")
    }

    async fn place_for(&self, visit: &Value, day: NaiveDate) -> Result<Option<Movable>> {
        let starts_at: DateTime<Utc> = serde_json::from_value(visit["starts_at"].clone())?;
        let ends_at: DateTime<Utc> = serde_json::from_value(visit["ends_at"].clone())?;
        let length = ends_at - starts_at;
        for quarters in 1..=FARTHEST {
            let wanted = starts_at + TimeDelta::minutes(15 * i64::from(quarters));
            let slot = json!({
                "appointment_id": visit["id"], "professional_id": visit["professional_id"],
                "starts_at": wanted, "ends_at": wanted + length,
            });
            if self.call("check_slot", slot).await?["refusal"].is_null() {
                let visit = visit["id"].as_str().context("a visit without id")?.to_owned();
                return Ok(Some(Movable { visit, day, wanted, quarters, minutes: length.num_minutes() }));
            }
        }
        Ok(None)
    }

    /// Moves a visit on the agenda and waits until it stands at the new time.
    ///
    /// # Errors
    /// It does not.
    pub async fn move_visit(&self, movable: &Movable, by: By) -> Result<()> {
        self.run("location.hash = arguments[0];", json!([format!("#/agenda/day/{}", movable.day)])).await?;
        let selector = format!("[data-visit-id='{}']", movable.visit);
        self.wait_for(&selector, PATIENCE).await?;
        // The grid is laid out once more when its height is known.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let card = self.find(&selector).await?;
        match by {
            By::Keys => {
                self.focus(&card).await?;
                self.press("m").await?;
                self.wait_for("[data-testid=stepping]", PATIENCE).await?;
                for _ in 0..movable.quarters {
                    self.press(&ARROW_DOWN.to_string()).await?;
                }
                self.press(&ENTER.to_string()).await?;
            }
            By::Mouse => {
                let script = "arguments[0].scrollIntoView({ block: 'center' });
                    return arguments[0].getBoundingClientRect().height;";
                let height = self.run(script, json!([card])).await?;
                let quarter = (height.as_f64().context("a card without height")? + 1.0) * 15.0 / movable.minutes as f64;
                let from = self.middle(&card).await?;
                let to = Point { x: from.x, y: from.y + quarter * f64::from(movable.quarters) };
                self.drag(from, to).await?;
            }
        }
        self.wait_until_moved(movable).await
    }

    /// Waits until the copy has a visit at its new time.
    ///
    /// # Errors
    /// It does not.
    pub async fn wait_until_moved(&self, movable: &Movable) -> Result<()> {
        for _ in 0..100 {
            let agenda = self.call("get_agenda", json!({"from": movable.day, "days": 1})).await?;
            let visits = agenda["visits"].as_array().cloned().unwrap_or_default();
            let visit = visits.iter().find(|visit| visit["id"] == movable.visit.as_str());
            let starts_at = visit.and_then(|visit| visit["starts_at"].as_str()?.parse::<DateTime<Utc>>().ok());
            if starts_at == Some(movable.wanted) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("the visit does not stand at {}", movable.wanted)
    }

    /// Looks for an open card that is not among these, and where a column of this kind (open, lost) is from it.
    ///
    /// # Errors
    /// There is none.
    pub async fn find_card(&self, kind: &str, but_not: &[&str]) -> Result<Card> {
        let board = self.call("get_board", json!({"limit": 20})).await?;
        let stages = board["stages"].as_array().context("a board without columns")?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for (at, stage) in stages.iter().enumerate().filter(|(_, stage)| stage["kind"] == "open") {
            let leads = stage["leads"].as_array().into_iter().flatten().map(|lead| text(&lead["id"]));
            let Some(lead) = leads.into_iter().find(|id| !but_not.contains(&id.as_str())) else { continue };
            let wanted = stages.iter().enumerate().find(|(other, stage)| *other != at && stage["kind"] == kind);
            if let Some((to, stage)) = wanted {
                let columns = i32::try_from(to)? - i32::try_from(at)?;
                return Ok(Card { lead, columns, stage: text(&stage["id"]) });
            }
        }
        bail!("no open card can go to a column of kind {kind}")
    }

    /// Moves a card of the board with the keys; for a lost lead gives the first reason there is.
    ///
    /// # Errors
    /// The card does not stand in the column afterwards.
    pub async fn move_card(&self, card: &Card, is_lost: bool) -> Result<()> {
        self.go_to(Screen::Leads).await?;
        let found = self.wait_for(&format!("[data-lead-id='{}']", card.lead), PATIENCE).await?;
        self.focus(&found).await?;
        self.press("m").await?;
        let arrow = if card.columns > 0 { ARROW_RIGHT } else { ARROW_LEFT };
        for _ in 0..card.columns.unsigned_abs() {
            self.press(&arrow.to_string()).await?;
        }
        self.press(&ENTER.to_string()).await?;
        if is_lost {
            self.click_on("[data-testid=loss-dialog] label", PATIENCE).await?;
            self.click_on("[data-testid=loss-confirm]:not([disabled])", PATIENCE).await?;
        }
        let wanted = format!("[data-stage-id='{}'] [data-lead-id='{}']", card.stage, card.lead);
        self.wait_for(&wanted, PATIENCE).await.map(drop)
    }

    /// Gives an element the focus.
    ///
    /// # Errors
    /// It is stale.
    pub async fn focus(&self, element: &Element) -> Result<()> {
        self.run("arguments[0].focus();", json!([element])).await.map(drop)
    }

    async fn wait_until(&self, what: &str, script: &str, arguments: Value) -> Result<()> {
        for _ in 0..200 {
            if self.run(script, arguments.clone()).await? == json!(true) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("the page does not show {what}")
    }
}
