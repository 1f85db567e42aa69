//! The stream of a gateway, into the journal.

use std::time::Instant;

use balcao_domain::message::{ConnectionState, GatewayEvent};
use balcao_tenant::Error;
use balcao_whatsapp as whatsapp;
use balcao_whatsapp::gateway::{Backoff, Ended, Heard, Stream, WireEvent};
use futures_util::FutureExt as _;
use tokio::time::{sleep, sleep_until};

use super::connection::Connection;
use super::reach::Occasion;
use crate::journal::Entry;

/// Events that are written down at once.
const TOGETHER: usize = 256;

/// Listens again and again until the office is left.
pub(super) async fn run(connection: &Connection) -> Result<(), Error> {
    let leaving = connection.office.leaving.clone();
    let mut backoff = Backoff::default();
    let mut occasion = Occasion::Started;
    let mut position = connection.channel.stream_position;
    loop {
        let mut ears = Ears { connection, up_since: None, report: None, position };
        let ended = tokio::select! {
            ended = ears.listen(occasion) => ended,
            () = leaving.cancelled() => return Ok(()),
        };
        position = ears.position;
        if let Some(report) = ears.report.take() {
            ears.write_down(vec![report.1]).await;
        }
        tracing::info!(channel = %connection.channel.id, reason = %ended, "the gateway is not heard any more");
        let held = ears.up_since.map(|since: Instant| since.elapsed());
        if held.is_some() {
            occasion = Occasion::Dropped(connection.office.clock().now());
        }
        tokio::select! {
            () = sleep(backoff.after(held.unwrap_or_default(), rand::random())) => {}
            () = leaving.cancelled() => return Ok(()),
        }
    }
}

struct Ears<'a> {
    connection: &'a Connection,
    up_since: Option<Instant>,
    /// The last report about the gateway's own connection, believed when nothing contradicts it for a while.
    report: Option<(tokio::time::Instant, WireEvent)>,
    position: Option<u64>,
}

impl Ears<'_> {
    async fn listen(&mut self, occasion: Occasion) -> Ended {
        let mut stream = self.connection.gateway.listen(self.position);
        loop {
            let settled = self.report.as_ref().map(|(at, _)| *at);
            let heard = tokio::select! {
                heard = stream.next() => heard,
                () = sleep_until(settled.unwrap_or_else(tokio::time::Instant::now)), if settled.is_some() => {
                    if let Some((_, report)) = self.report.take() && !self.write_down(vec![report]).await {
                        return Ended::Closed;
                    }
                    continue;
                }
            };
            match heard {
                Ok(Heard::Up) => {
                    self.up_since = Some(Instant::now());
                    self.connection.ask_for_sweep(occasion);
                }
                // Only sweeps tell anything, until something happens on it.
                Ok(Heard::Waiting) => self.connection.ask_for_sweep(occasion),
                Ok(Heard::Lost) => {
                    self.connection.ask_for_sweep(Occasion::Dropped(self.connection.office.clock().now()));
                }
                Ok(Heard::Event(event)) => {
                    let events = self.with_what_waits(event, &mut stream);
                    if !events.is_empty() && !self.write_down(events).await {
                        return Ended::Closed;
                    }
                }
                Err(ended) => return ended,
            }
        }
    }

    /// What has arrived already comes along: one write to the disk for all of it.
    fn with_what_waits(&mut self, first: WireEvent, stream: &mut Stream) -> Vec<WireEvent> {
        let mut events = Vec::new();
        self.take(first, &mut events);
        while events.len() < TOGETHER {
            match stream.next().now_or_never() {
                Some(Ok(Heard::Event(event))) => self.take(event, &mut events),
                Some(Ok(Heard::Lost)) => {
                    self.connection.ask_for_sweep(Occasion::Dropped(self.connection.office.clock().now()));
                }
                // The end is told again.
                Some(Ok(Heard::Up | Heard::Waiting) | Err(_)) | None => break,
            }
        }
        events
    }

    fn take(&mut self, event: WireEvent, events: &mut Vec<WireEvent>) {
        if !self.is_ours(&event) {
            return;
        }
        if whatsapp::canonical_name(&event.name) == "connection.update" {
            let settled = tokio::time::Instant::now() + self.connection.office.rhythm().settle_connection;
            self.report = Some((settled, event));
        } else {
            events.push(event);
        }
    }

    /// In global mode a server tells everybody everything.
    fn is_ours(&self, event: &WireEvent) -> bool {
        let ours = self.connection.channel.instance.as_deref();
        whatsapp::instance(&event.payload).is_none_or(|instance| Some(instance) == ours)
    }

    /// `false` when the disk does not take it: then nothing more is heard until it does, and a sweep brings the rest.
    async fn write_down(&mut self, events: Vec<WireEvent>) -> bool {
        let now = self.connection.office.clock().now();
        let position = events.iter().filter_map(|event| event.position).max();
        let entries: Vec<Entry> = events
            .into_iter()
            .map(|event| Entry {
                payload: whatsapp::scrub(&event.payload),
                event: event.name,
                received_at: now,
                position: event.position,
            })
            .collect();
        for entry in &entries {
            for meaning in whatsapp::parse(&entry.event, &entry.payload, now) {
                if let GatewayEvent::Connection { state, .. } = meaning {
                    self.connection.state.send_replace(Some(state));
                    if state == ConnectionState::Connected {
                        self.connection.ask_for_sweep(Occasion::Opened);
                    }
                }
            }
        }
        let journal = self.connection.journal.clone();
        match tokio::task::spawn_blocking(move || journal.append(&entries)).await {
            Ok(Ok(())) => {
                self.position = self.position.max(position);
                true
            }
            Ok(Err(reason)) => {
                tracing::error!(channel = %self.connection.channel.id, kind = ?reason.kind(), "the journal takes no more");
                false
            }
            Err(_) => false,
        }
    }
}
