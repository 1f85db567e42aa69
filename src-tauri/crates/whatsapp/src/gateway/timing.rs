//! How long a gateway is waited for.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Every wait of a connection, so that tests need not wait as long. How long a server may be silent it says itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Timing {
    /// Until somebody answers at the address, encryption included.
    pub connect: Duration,
    /// Until a question is answered.
    pub answer: Duration,
    /// Until a message is taken: a file must cross the line first.
    pub send: Duration,
    /// Until a new socket has greeted and let us in.
    pub greeting: Duration,
    /// Until the bytes of an event have followed it.
    pub attachments: Duration,
    /// Between two questions for a stream that is not there yet, drawn from this range.
    pub namespace: RangeInclusive<Duration>,
    /// How long a relay is asked to hold a question that it has no answer to.
    pub poll: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(30),
            send: Duration::from_secs(90),
            greeting: Duration::from_secs(20),
            attachments: Duration::from_secs(30),
            namespace: Duration::from_secs(2)..=Duration::from_secs(5),
            poll: Duration::from_secs(25),
        }
    }
}
