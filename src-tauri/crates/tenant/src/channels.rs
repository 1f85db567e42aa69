//! The clinic's connections to WhatsApp: how they are reached and used, and how they are doing. Their keys are in keyrings.

use balcao_domain::message::ConnectionState;
use balcao_domain::pacing::{DAILY_CAP, Pace};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use uuid::Uuid;

use crate::connect::answered;
use crate::{Error, Result, Tenant};

/// Which kind of gateway a connection goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelKind {
    /// A server of the Evolution API.
    Evolution,
    /// Meta's Cloud API, with a relay.
    CloudApi,
}

impl ChannelKind {
    /// Name in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Evolution => "evolution",
            Self::CloudApi => "cloud_api",
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Evolution, Self::CloudApi].into_iter().find(|kind| kind.as_str() == name)
    }
}

/// How a connection is used. What is absent in the database is as in [`ChannelSettings::default`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelSettings {
    /// Messages of one day, 1 to 100,000.
    pub daily_cap: u32,
    /// How fast.
    pub pace: Pace,
    /// Whether "is typing" is shown before a message.
    pub typing: bool,
    /// Whether people are told that their messages were read, when they are answered.
    pub read_receipts: bool,
    /// Whether the server of the gateway has no global stream, so that this connection's own is heard.
    pub per_instance: bool,
    /// Where the relay of a Cloud API connection is.
    pub relay_url: Option<String>,
    /// The authority of the server's certificate in PEM, where that is the clinic's own.
    pub ca_pem: Option<String>,
}

impl Default for ChannelSettings {
    fn default() -> Self {
        Self {
            daily_cap: DAILY_CAP,
            pace: Pace::Calm,
            typing: true,
            read_receipts: false,
            per_instance: false,
            relay_url: None,
            ca_pem: None,
        }
    }
}

/// Whether the settings of a connection say that it was removed, as a document of the database.
pub fn is_removed(written: &Map<String, Value>) -> bool {
    written.get("removed").and_then(Value::as_bool).unwrap_or_default()
}

impl ChannelSettings {
    /// As they stand in a document of the database.
    pub fn of_document(written: &Map<String, Value>) -> Self {
        let usual = Self::default();
        let flag = |name: &str, usual: bool| written.get(name).and_then(Value::as_bool).unwrap_or(usual);
        let cap = written.get("daily_cap").and_then(Value::as_u64).and_then(|cap| u32::try_from(cap).ok());
        let text = |name: &str| written.get(name).and_then(Value::as_str).map(str::to_owned);
        let pace = written.get("pace").and_then(Value::as_str).and_then(Pace::from_name);
        Self {
            daily_cap: cap.unwrap_or(usual.daily_cap),
            pace: pace.unwrap_or(usual.pace),
            typing: flag("typing", usual.typing),
            read_receipts: flag("read_receipts", usual.read_receipts),
            per_instance: flag("per_instance", usual.per_instance),
            relay_url: text("relay_url"),
            ca_pem: text("ca_pem"),
        }
    }
}

/// A connection as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewChannel {
    /// How people call it.
    pub name: String,
    /// Through what it goes.
    pub kind: ChannelKind,
    /// Where the gateway is.
    pub url: String,
    /// How the gateway calls it.
    pub instance: String,
    /// How it is used.
    pub settings: ChannelSettings,
}

/// A connection.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    /// The row.
    pub id: Uuid,
    /// How people call it.
    pub name: String,
    /// Through what it goes.
    pub kind: ChannelKind,
    /// Where the gateway is; none for one that only a recording was put into.
    pub url: Option<String>,
    /// How the gateway calls it.
    pub instance: Option<String>,
    /// The clinic's number behind it.
    pub phone: Option<String>,
    /// disconnected, connecting, pairing, connected, refused: as far as the gateway says.
    pub status: String,
    /// Whether it is used.
    pub active: bool,
    /// Whether it was removed, and is only here for its conversations; one that is not used otherwise is paused.
    pub removed: bool,
    /// How it is used.
    pub settings: ChannelSettings,
    /// The newest message of a person.
    pub last_inbound_at: Option<DateTime<Utc>>,
    /// The last word of WhatsApp about a message of ours.
    pub last_ack_at: Option<DateTime<Utc>>,
    /// Since when such a word is missing.
    pub acks_missing_since: Option<DateTime<Utc>>,
    /// The last sweep that was complete.
    pub last_sweep_at: Option<DateTime<Utc>>,
    /// Everything before this instant is known to be here.
    pub swept_until: Option<DateTime<Utc>>,
    /// Messages that may have gone out or not.
    pub unknown_outcomes: i32,
    /// What is wrong with it, as a code.
    pub problem: Option<String>,
    /// Whether only reading a QR code brings it back.
    pub needs_pairing: bool,
    /// The last event of a relay that is stored.
    pub stream_position: Option<u64>,
}

impl NewChannel {
    /// The connection as it would be, to try it out before it is made.
    pub fn planned(&self) -> Channel {
        Channel {
            id: Uuid::nil(),
            name: self.name.clone(),
            kind: self.kind,
            url: Some(self.url.clone()),
            instance: Some(self.instance.clone()),
            phone: None,
            status: "disconnected".to_owned(),
            active: true,
            removed: false,
            settings: self.settings.clone(),
            last_inbound_at: None,
            last_ack_at: None,
            acks_missing_since: None,
            last_sweep_at: None,
            swept_until: None,
            unknown_outcomes: 0,
            problem: None,
            needs_pairing: false,
            stream_position: None,
        }
    }
}

/// What became of a connection that was to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// It is gone.
    Gone,
    /// It has conversations, which stay: it is only not used any more.
    Retired,
    /// There is no such connection.
    Unknown,
}

const COLUMNS: &str = "id, name, kind, url, instance, phone, status, active, settings, last_inbound_at, last_ack_at,
    acks_missing_since, last_sweep_at, swept_until, unknown_outcomes, problem, needs_pairing, stream_position";

impl Tenant {
    /// Every connection of the clinic, by name.
    ///
    /// # Errors
    /// As any statement.
    pub async fn channels(&self) -> Result<Vec<Channel>> {
        let sql =
            format!("select {COLUMNS} from app.channels where clinic_id = (select app.current_clinic()) order by name");
        let rows =
            self.ask(async |connection| answered(sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(connection)).await);
        rows.await?.iter().map(read).collect()
    }

    /// Makes a connection.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for everybody but owner and admins, [`Error::Constraint`] for a name that is taken or too long.
    pub async fn add_channel(&self, channel: &NewChannel) -> Result<Uuid> {
        self.ask(async |connection| {
            let question = sqlx::query_scalar(
                "insert into app.channels (clinic_id, name, kind, url, instance, settings)
                 values (app.current_clinic(), $1, $2, $3, $4, $5) returning id",
            );
            let question = question.bind(channel.name.trim()).bind(channel.kind.as_str()).bind(&channel.url);
            let question = question.bind(&channel.instance).bind(Json(to_json(&channel.settings)));
            answered(question.fetch_one(connection)).await
        })
        .await
    }

    /// Changes how a connection is called, reached and used; false when there is none. Its kind stays: what it has stored is of
    /// that kind.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for everybody but owner and admins, [`Error::Constraint`] for a name that is taken or too long.
    pub async fn change_channel(&self, id: Uuid, channel: &NewChannel) -> Result<bool> {
        self.ask(async |connection| {
            // What else is in the settings stays.
            let question = sqlx::query(
                "update app.channels set name = $2, url = $3, instance = $4,
                     settings = (settings - array['daily_cap', 'pace', 'typing', 'read_receipts', 'per_instance', 'relay_url', 'ca_pem']) || $5
                 where clinic_id = (select app.current_clinic()) and id = $1",
            );
            let question = question.bind(id).bind(channel.name.trim()).bind(&channel.url).bind(&channel.instance);
            let question = question.bind(Json(to_json(&channel.settings)));
            Ok(answered(question.execute(connection)).await?.rows_affected() > 0)
        })
        .await
    }

    /// Uses a connection, or no longer; false when there is none.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for everybody but owner and admins.
    pub async fn use_channel(&self, id: Uuid, active: bool) -> Result<bool> {
        self.ask(async |connection| {
            let question = sqlx::query(
                "update app.channels set active = $2, settings = case when $2 then settings - 'removed' else settings end
                 where clinic_id = (select app.current_clinic()) and id = $1",
            );
            Ok(answered(question.bind(id).bind(active).execute(connection)).await?.rows_affected() > 0)
        })
        .await
    }

    /// Removes a connection, or retires it where it has conversations.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for everybody but owner and admins.
    pub async fn remove_channel(&self, channel: Uuid) -> Result<Removed> {
        self.ask(async |connection| {
            // Retired first, so that one that is not there, or may not be touched, is told apart.
            let retired = sqlx::query(
                "update app.channels set active = false, settings = settings || '{\"removed\": true}'
                 where clinic_id = (select app.current_clinic()) and id = $1",
            );
            if answered(retired.bind(channel).execute(&mut *connection)).await?.rows_affected() == 0 {
                return Ok(Removed::Unknown);
            }
            let deleted = sqlx::query("select app.delete_row('channels', $1)").bind(channel);
            match answered(deleted.execute(connection)).await {
                Ok(_) => Ok(Removed::Gone),
                Err(Error::Constraint { .. }) => Ok(Removed::Retired),
                Err(error) => Err(error),
            }
        })
        .await
    }
}

fn read(row: &PgRow) -> Result<Channel> {
    let kind: String = row.try_get("kind")?;
    let settings: Json<Map<String, Value>> = row.try_get("settings")?;
    Ok(Channel {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        kind: ChannelKind::from_name(&kind).ok_or(Error::Protocol)?,
        url: row.try_get("url")?,
        instance: row.try_get("instance")?,
        phone: row.try_get("phone")?,
        status: row.try_get("status")?,
        active: row.try_get("active")?,
        removed: is_removed(&settings),
        settings: ChannelSettings::of_document(&settings),
        last_inbound_at: row.try_get("last_inbound_at")?,
        last_ack_at: row.try_get("last_ack_at")?,
        acks_missing_since: row.try_get("acks_missing_since")?,
        last_sweep_at: row.try_get("last_sweep_at")?,
        swept_until: row.try_get("swept_until")?,
        unknown_outcomes: row.try_get("unknown_outcomes")?,
        problem: row.try_get("problem")?,
        needs_pairing: row.try_get("needs_pairing")?,
        stream_position: row
            .try_get::<Option<i64>, _>("stream_position")?
            .and_then(|position| u64::try_from(position).ok()),
    })
}

/// Only what differs from the default is written down.
fn to_json(settings: &ChannelSettings) -> Value {
    let usual = ChannelSettings::default();
    let written = [
        ("daily_cap", json!(settings.daily_cap), settings.daily_cap != usual.daily_cap),
        ("pace", json!(settings.pace.name()), settings.pace != usual.pace),
        ("typing", json!(settings.typing), settings.typing != usual.typing),
        ("read_receipts", json!(settings.read_receipts), settings.read_receipts != usual.read_receipts),
        ("per_instance", json!(settings.per_instance), settings.per_instance != usual.per_instance),
        ("relay_url", json!(settings.relay_url), settings.relay_url.is_some()),
        ("ca_pem", json!(settings.ca_pem), settings.ca_pem.is_some()),
    ];
    let written = written.into_iter().filter(|(_, _, differs)| *differs);
    Value::Object(written.map(|(name, value, _)| (name.to_owned(), value)).collect())
}

/// Name of a state of the connection in the database.
pub(crate) fn state_name(state: ConnectionState) -> &'static str {
    match state {
        ConnectionState::Connected => "connected",
        ConnectionState::Connecting => "connecting",
        ConnectionState::Pairing => "pairing",
        ConnectionState::Disconnected => "disconnected",
        ConnectionState::Refused => "refused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back_from_their_document() {
        let settings = ChannelSettings {
            daily_cap: 40,
            pace: Pace::None,
            typing: false,
            read_receipts: true,
            per_instance: true,
            relay_url: Some("https://relay.example.com".into()),
            ca_pem: Some("-----BEGIN CERTIFICATE-----".into()),
        };
        for settings in [settings, ChannelSettings::default()] {
            let Value::Object(written) = to_json(&settings) else { panic!("no document") };
            assert_eq!(ChannelSettings::of_document(&written), settings);
        }
        assert_eq!(to_json(&ChannelSettings::default()), json!({}), "what is usual is not written");
    }
}
