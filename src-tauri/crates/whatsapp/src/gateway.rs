//! A connection of the clinic to WhatsApp: what is heard over it, what is swept, what is sent, and how it is set up.
//!
//! [`Gateway`] is the one interface; [`Evolution`] (a server of the clinic, no public address needed) and [`CloudApi`]
//! (Meta itself for sending, a relay of the clinic for hearing) fill it. Nothing here knows a database or a clock:
//! whoever listens says when something was heard, waits between two connections as [`Backoff`] says, and stores what
//! [`crate::parse`] makes of the events.
//!
//! The walk: [`Gateway::listen`] first, at [`Heard::Up`] a [`Gateway::sweep`], because what is emitted while nobody is
//! connected is gone from the stream. A message is committed before [`Gateway::send`], and sent again only after
//! [`Outcome::NotSent`] or by a person's decision.

mod authority;
mod backoff;
mod endpoint;
mod error;
mod heard;
mod key;
mod letter;
mod lookup;
mod media;
mod names;
mod outcome;
mod pairing;
mod timing;
mod trial;
mod window;

use std::time::Duration;

use balcao_domain::message::{ChatAddress, GatewayMessage};
use balcao_domain::phone::Phone;

pub use authority::{Authority, BadAuthority};
pub use backoff::Backoff;
pub use endpoint::{BadEndpoint, Endpoint};
pub use error::{Distrust, GatewayError};
pub use heard::{Ended, Heard, Stream, WireEvent};
pub use key::{BadKey, Key};
pub use letter::{Attached, File, Letter, MessageRef, Quote, Said};
pub use lookup::{NumberFound, Search};
pub use media::{Download, MediaSource};
pub use names::{BadName, Name};
pub use outcome::{Outcome, Refusal, RefusalCode};
pub use pairing::{LinkState, NewInstance, Pairing, Server, SocketSetting};
pub use timing::Timing;
pub use trial::{Found, TrialStep, Trouble};
pub use window::{Page, Tally, Window};

pub use crate::cloud_api::{CloudApi, CloudApiSetting, Relay};
pub use crate::evolution::{Evolution, EvolutionSetting, Namespace};

pub(crate) use heard::Speaker;

use crate::evolution;

/// A gateway, whichever it is. Cloning is cheap and shares its connections.
#[derive(Debug, Clone)]
pub enum Gateway {
    /// A server of the Evolution API.
    Evolution(Evolution),
    /// Meta's Cloud API, with a relay for what comes in.
    CloudApi(CloudApi),
}

impl Gateway {
    /// Begins to listen, once: a task connects and reads until something ends it, and says what in [`Stream::next`].
    /// Dropping the stream ends it. `after` is the [`WireEvent::position`] of the last event that is safely stored;
    /// only a relay knows positions.
    pub fn listen(&self, after: Option<u64>) -> Stream {
        match self {
            Self::Evolution(gateway) => gateway.listen(),
            Self::CloudApi(gateway) => gateway.listen(after.unwrap_or_default()),
        }
    }

    /// Asks for everything of a time, page by page. A relay keeps what nobody has fetched, so that the stream itself
    /// brings it: there the sweep is empty and complete.
    pub fn sweep(&self, window: Window) -> Sweep {
        match self {
            Self::Evolution(gateway) => Sweep(Some(gateway.sweep(window))),
            Self::CloudApi(_) => Sweep(None),
        }
    }

    /// Sends one message, once: nothing in here tries again.
    pub async fn send(&self, letter: &Letter) -> Outcome {
        match self {
            Self::Evolution(gateway) => gateway.send(letter).await,
            Self::CloudApi(gateway) => gateway.send(letter).await,
        }
    }

    /// Shows "is typing" to the person for this long, and returns after it at the latest. Meta shows it only under a
    /// message of the person, for at most 25 seconds, and marks that message as read with it.
    ///
    /// # Errors
    /// [`GatewayError`]; nothing depends on it.
    pub async fn typing(
        &self,
        chat: &ChatAddress,
        last_of_person: Option<&MessageRef>,
        length: Duration,
    ) -> Result<(), GatewayError> {
        match self {
            Self::Evolution(gateway) => gateway.typing(chat, length).await,
            Self::CloudApi(gateway) => gateway.typing(last_of_person).await,
        }
    }

    /// Tells the person that these messages of theirs were read.
    ///
    /// # Errors
    /// [`GatewayError`]; what was marked before it stays so.
    pub async fn mark_read(&self, messages: &[MessageRef]) -> Result<(), GatewayError> {
        match self {
            Self::Evolution(gateway) => gateway.mark_read(messages).await,
            Self::CloudApi(gateway) => gateway.mark_read(messages).await,
        }
    }

    /// The file of a message, as long as WhatsApp keeps it: at once after the message, best. More than `limit` bytes are
    /// [`GatewayError::TooLarge`], and [`GatewayError::Gone`] says that it is there no longer, or not yet.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub async fn download(&self, source: &MediaSource, limit: usize) -> Result<Download, GatewayError> {
        match self {
            Self::Evolution(gateway) => gateway.download(source, limit).await,
            Self::CloudApi(gateway) => gateway.download(source, limit).await,
        }
    }

    /// Messages of ours at the gateway that look like the one whose sending has no known outcome: same chat, same kind,
    /// same words, within the time. None found proves nothing: a message may have gone out and left no trace. Meta tells
    /// nothing of what was sent.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub async fn look_for(&self, search: &Search) -> Result<Vec<GatewayMessage>, GatewayError> {
        match self {
            Self::Evolution(gateway) => gateway.look_for(search).await,
            Self::CloudApi(_) => Ok(Vec::new()),
        }
    }

    /// Which of these numbers have WhatsApp, and the address that WhatsApp knows them by (a mobile of Brazil with or
    /// without its ninth digit). Meta answers that only by sending: there it is empty.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub async fn numbers(&self, phones: &[Phone]) -> Result<Vec<NumberFound>, GatewayError> {
        match self {
            Self::Evolution(gateway) => gateway.numbers(phones).await,
            Self::CloudApi(_) => Ok(Vec::new()),
        }
    }

    /// How the connection to WhatsApp is, as far as the gateway knows. Also the question by which an address and a key
    /// are tried: its errors say which of them is wrong.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub async fn state(&self) -> Result<LinkState, GatewayError> {
        match self {
            Self::Evolution(gateway) => gateway.state().await,
            Self::CloudApi(gateway) => gateway.state().await,
        }
    }
}

/// A sweep under way.
#[derive(Debug)]
pub struct Sweep(Option<evolution::Sweep>);

impl Sweep {
    /// The next page, or `None` when the window is done. After an error the same page may be asked for again.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub async fn next_page(&mut self) -> Result<Option<Page>, GatewayError> {
        match &mut self.0 {
            Some(sweep) => sweep.next_page().await,
            None => Ok(None),
        }
    }

    /// What came out so far. [`Tally::is_complete`] is only ever true at the end: before that, and after a page that was
    /// given up, a watermark must not move.
    pub fn tally(&self) -> Tally {
        self.0.as_ref().map_or(Tally::NOTHING_TO_DO, evolution::Sweep::tally)
    }
}
