//! What goes wrong, and how often.

use std::collections::VecDeque;
use std::time::Duration;

/// Everything that can be set while the server runs. Counts go down as they happen.
#[derive(Debug, Clone)]
pub struct Faults {
    /// Which namespaces there are.
    pub mode: Mode,
    /// So many of the next events are stored and emitted to nobody.
    pub lose: u32,
    /// So many of the next events are emitted twice.
    pub repeat: u32,
    /// So many of the next messages make two rows.
    pub repeat_rows: u32,
    /// The next event waits until the one after it was emitted.
    pub swap: bool,
    /// So many of the next events with attachments break off after the first of them, and the connection with them.
    pub cut_within: u32,
    /// So many of the next events with attachments never get their last one, and the connection stays.
    pub withhold: u32,
    /// Bytes are put into the text as numbers, as older servers do, and not into frames of their own.
    pub no_attachments: bool,
    /// Rows and events have the same address; else a person with a LID stands in the rows under that only.
    pub same_address: bool,
    /// HTTP status that the next upgrade is refused with, whatever the key.
    pub refuse_upgrade: Option<u16>,
    /// The server waits for its licence.
    pub no_licence: bool,
    /// So many of the next questions for stored messages fail.
    pub find_fails: u32,
    /// Every answer takes this long.
    pub slow: Duration,
    /// What happens to the next messages that are sent, in order.
    pub sends: VecDeque<SendFault>,
    /// When the event about a sent message comes.
    pub echo: Echo,
    /// Statuses that follow a sent message.
    pub acks: Vec<&'static str>,
    /// So many of the next questions for a code to pair with fail, with HTTP's word for success.
    pub no_code: u32,
    /// So many of the next ones are answered with the code of the last one, as between two refreshes.
    pub same_code: u32,
    /// So many of the next ones find that the codes have run out: the server closes the connection, and begins anew when it is
    /// asked again.
    pub codes_run_out: u32,
    /// So many of the next downloads find nothing.
    pub no_media: u32,
    /// The connection breaks in so many of the next downloads.
    pub cut_media: u32,
    /// Time between pings, and how late one may be.
    pub heart: (Duration, Duration),
}

/// Which namespaces the server has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The one of all, with all events.
    Global,
    /// One of each instance, as soon as something happened there. The one of all lets people in and says nothing.
    Instance,
}

/// When the event about a sent message comes, seen from the HTTP answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Echo {
    /// Before it.
    Before,
    /// After it.
    After,
}

/// How far a message got whose sending failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trace {
    /// Nowhere.
    Nothing,
    /// The person has it, and the server knows nothing of it: no row, no event, and what the phone reports is thrown away.
    Gone,
    /// The person has it, and the server has a row of it.
    Stored,
}

/// How a sending fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendFault {
    /// Not at all, for once.
    None,
    /// 201 with an error of Meta.
    ErrorWithSuccess(i64),
    /// 400 "Error: Timed Out".
    TimedOut(Trace),
    /// 400 "Error: Connection Closed".
    ConnectionClosed(Trace),
    /// 500 with a stack.
    Fails(Trace),
    /// The connection breaks before the answer.
    Breaks(Trace),
    /// The answer comes this late.
    Late(Duration, Trace),
    /// 400 with `exists: false`.
    NotOnWhatsapp,
    /// 400 about what was sent.
    BadContent,
    /// 429.
    TooMany,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            mode: Mode::Global,
            lose: 0,
            repeat: 0,
            repeat_rows: 0,
            swap: false,
            cut_within: 0,
            withhold: 0,
            no_attachments: false,
            same_address: false,
            refuse_upgrade: None,
            no_licence: false,
            find_fails: 0,
            slow: Duration::ZERO,
            sends: VecDeque::new(),
            echo: Echo::Before,
            acks: vec!["SERVER_ACK", "DELIVERY_ACK"],
            no_code: 0,
            same_code: 0,
            codes_run_out: 0,
            no_media: 0,
            cut_media: 0,
            heart: (Duration::from_secs(25), Duration::from_secs(20)),
        }
    }
}

/// Takes one of what is left, if anything is.
pub(in crate::gateway) fn take(left: &mut u32) -> bool {
    let some = *left > 0;
    *left = left.saturating_sub(1);
    some
}
