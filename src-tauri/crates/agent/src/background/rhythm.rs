//! How often things are done, and how long they are waited for.

use std::time::Duration;

/// Every wait of the background work, so that tests need not wait as long.
#[derive(Debug, Clone, PartialEq)]
pub struct Rhythm {
    /// For how long the background work is taken; its holder's death is noticed after that.
    pub held_for: Duration,
    /// Between two renewals.
    pub renew_every: Duration,
    /// Between two questions of a computer that stands by.
    pub ask_every: Duration,
    /// For messages that are on their way when the work is to stop.
    pub farewell: Duration,
    /// After the database was not reached.
    pub retry_after: Duration,
    /// Between two looks at which connections there are.
    pub look_at_channels: Duration,
    /// Until a report about the connection is believed: a gateway that cannot reach WhatsApp sends dozens.
    pub settle_connection: Duration,
    /// Between two light sweeps.
    pub light_sweep: Duration,
    /// After a sweep that was not complete.
    pub sweep_again: Duration,
    /// Between two looks for something to send, where no notification comes.
    pub look_for_mail: Duration,
    /// Between two looks at how a connection is.
    pub watch_every: Duration,
    /// Between two searches for a message whose outcome is unknown.
    pub look_for_unknown: Duration,
    /// For how long it is searched for.
    pub give_up_unknown: Duration,
    /// Between two looks for files to fetch, where no notification comes.
    pub look_for_files: Duration,
    /// After the first try of a file that failed; four times as long after each further one, up to half an hour.
    pub fetch_again: Duration,
    /// Between two looks at what is to go to the bucket, and at the key of it; what somebody waits for comes at once.
    pub look_at_bucket: Duration,
    /// Between two questions whether what is kept for a time only is to be let go of.
    pub keep_up: Duration,
    /// Between two looks for files whose time is over.
    pub look_for_old_files: Duration,
    /// How long a word of WhatsApp about a message may be missing.
    pub ack_patience: Duration,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self {
            held_for: Duration::from_secs(20),
            renew_every: Duration::from_secs(7),
            ask_every: Duration::from_secs(5),
            farewell: Duration::from_secs(15),
            retry_after: Duration::from_secs(2),
            look_at_channels: Duration::from_secs(15),
            settle_connection: Duration::from_secs(2),
            light_sweep: Duration::from_secs(5 * 60),
            sweep_again: Duration::from_secs(30),
            look_for_mail: Duration::from_secs(3),
            watch_every: Duration::from_secs(30),
            look_for_unknown: Duration::from_secs(15),
            give_up_unknown: Duration::from_secs(10 * 60),
            look_for_files: Duration::from_secs(5),
            fetch_again: Duration::from_secs(5),
            look_at_bucket: Duration::from_secs(30),
            keep_up: Duration::from_secs(5 * 60),
            look_for_old_files: Duration::from_secs(60 * 60),
            ack_patience: Duration::from_secs(2 * 60),
        }
    }
}
