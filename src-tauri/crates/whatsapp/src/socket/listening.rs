//! One connection that is listened to, from the first frame to the last.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::{self, Message};

use super::line::Frames;
use super::session::{Session, Step};
use crate::gateway::{Ended, Heard, Speaker, Timing, WireEvent};

/// Listens until the connection ends. `instance` asks for the stream of one instance; of what comes, `is_ours` is handed
/// on.
pub(crate) async fn listen(
    frames: Frames,
    instance: Option<&str>,
    is_ours: impl Fn(&WireEvent) -> bool,
    timing: &Timing,
    speaker: &Speaker,
) -> Ended {
    let mut listening = Listening {
        frames,
        session: Session::new(instance),
        deadlines: Deadlines::new(Instant::now() + timing.greeting),
        timing,
    };
    loop {
        let step = match listening.next().await {
            Ok(step) => step,
            Err(ended) => return ended,
        };
        let heard = match step {
            Step::Event { name, payload } => {
                let event = WireEvent { name, payload, position: None };
                if !is_ours(&event) {
                    continue;
                }
                Heard::Event(event)
            }
            Step::Up => Heard::Up,
            Step::NotYet if listening.deadlines.asked_before => continue,
            Step::NotYet => {
                listening.deadlines.asked_before = true;
                Heard::Waiting
            }
            Step::Lost => Heard::Lost,
            Step::End(ended) => return ended,
            Step::Nothing | Step::Greeted { .. } | Step::Pinged => continue,
        };
        if let Err(ended) = speaker.say(heard).await {
            return ended;
        }
    }
}

struct Listening<'a> {
    frames: Frames,
    session: Session,
    deadlines: Deadlines,
    timing: &'a Timing,
}

/// By when something must have happened.
struct Deadlines {
    /// We must have been let in, or told that there is nothing yet to be let into.
    greeting: Option<Instant>,
    /// The server must have said anything at all.
    alive: Option<Instant>,
    silence: Duration,
    /// The attachments must have come.
    attachments: Option<Instant>,
    /// We ask for the namespace again.
    knock: Option<Instant>,
    asked_before: bool,
}

impl Deadlines {
    fn new(greeting: Instant) -> Self {
        Self {
            greeting: Some(greeting),
            alive: None,
            silence: Duration::ZERO,
            attachments: None,
            knock: None,
            asked_before: false,
        }
    }

    /// Something came after the greeting.
    fn heard(&mut self, now: Instant) {
        if self.alive.is_some() {
            self.alive = Some(now + self.silence);
        }
    }

    fn next(&self) -> Instant {
        let all = [self.greeting, self.alive, self.attachments, self.knock];
        // One of the first two is always there.
        all.into_iter().flatten().min().unwrap_or_else(Instant::now)
    }
}

impl Listening<'_> {
    /// Waits for a frame or a deadline, answers what wants an answer, and says what it means.
    async fn next(&mut self) -> Result<Step, Ended> {
        let step = tokio::select! {
            // Whoever listens may have been slow: what has come meanwhile is looked at before any deadline.
            biased;
            frame = self.frames.next() => self.take(frame)?,
            () = sleep_until(self.deadlines.next()) => return self.late().await,
        };
        match &step {
            Step::Greeted { silence } => {
                self.deadlines.silence = *silence;
                self.deadlines.alive = Some(Instant::now() + *silence);
                self.say(self.session.knock()).await?;
            }
            Step::Pinged => self.say("3".to_owned()).await?,
            Step::Up => self.deadlines.greeting = None,
            Step::NotYet => {
                self.deadlines.greeting = None;
                self.deadlines.knock = Some(Instant::now() + self.pause());
            }
            _ => {}
        }
        self.deadlines.attachments = match (self.session.is_waiting(), self.deadlines.attachments) {
            (true, None) => Some(Instant::now() + self.timing.attachments),
            (true, since) => since,
            (false, _) => None,
        };
        Ok(step)
    }

    fn take(&mut self, frame: Option<Result<Message, tungstenite::Error>>) -> Result<Step, Ended> {
        let frame = match frame {
            Some(Ok(frame)) => frame,
            Some(Err(tungstenite::Error::Capacity(_))) => return Err(Ended::Protocol("a frame is too large")),
            Some(Err(_)) | None => return Err(Ended::Closed),
        };
        self.deadlines.heard(Instant::now());
        Ok(match frame {
            Message::Text(text) => self.session.text(text.as_str()),
            Message::Binary(bytes) => self.session.binary(&bytes),
            Message::Close(_) => Step::End(Ended::Closed),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Step::Nothing,
        })
    }

    /// A deadline passed.
    async fn late(&mut self) -> Result<Step, Ended> {
        let now = Instant::now();
        if self.deadlines.attachments.is_some_and(|by| by <= now) {
            return Err(Ended::Protocol("the attachments of an event did not follow it"));
        }
        if [self.deadlines.greeting, self.deadlines.alive].into_iter().flatten().any(|by| by <= now) {
            return Err(Ended::Silent);
        }
        if self.deadlines.knock.is_some_and(|at| at <= now) {
            self.deadlines.knock = None;
            self.say(self.session.knock()).await?;
        }
        Ok(Step::Nothing)
    }

    fn pause(&self) -> Duration {
        let (least, most) = (*self.timing.namespace.start(), *self.timing.namespace.end());
        least + most.saturating_sub(least).mul_f64(rand::random())
    }

    /// A server that takes nothing any more is as good as gone.
    async fn say(&mut self, text: String) -> Result<(), Ended> {
        let saying = self.frames.send(Message::text(text));
        match tokio::time::timeout(self.timing.greeting, saying).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Ended::Closed),
            Err(_) => Err(Ended::Silent),
        }
    }
}
