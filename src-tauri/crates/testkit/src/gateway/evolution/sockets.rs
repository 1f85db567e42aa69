//! The sockets that are open, each with what it still has to say.

use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at};

use super::Shared;
use super::faults::Mode;
use super::frames::Frame;

/// Those who are connected.
#[derive(Default)]
pub(super) struct Sockets {
    open: Vec<Socket>,
}

struct Socket {
    orders: mpsc::UnboundedSender<Order>,
    /// Namespaces it was let into.
    namespaces: Vec<String>,
}

/// What a socket is told to do.
enum Order {
    Say(Frame),
    Break,
    FallSilent,
}

impl Sockets {
    pub(super) fn say(&mut self, namespace: &str, frames: &[Frame]) {
        for socket in self.open.iter().filter(|socket| socket.namespaces.iter().any(|name| name == namespace)) {
            for frame in frames {
                let _ = socket.orders.send(Order::Say(frame.clone()));
            }
        }
    }

    pub(super) fn throw_text(&mut self, frame: &str) {
        self.order(|| Order::Say(Frame::Text(frame.to_owned())));
    }

    pub(super) fn throw_binary(&mut self, frame: &[u8]) {
        self.order(|| Order::Say(Frame::Binary(frame.to_vec())));
    }

    pub(super) fn break_all(&mut self) {
        self.order(|| Order::Break);
        self.open.clear();
    }

    pub(super) fn silence_all(&mut self) {
        self.order(|| Order::FallSilent);
        // Whoever connects anew is spoken to again.
        self.open.clear();
    }

    pub(super) fn listeners(&mut self) -> usize {
        self.open.retain(|socket| !socket.orders.is_closed());
        self.open.iter().filter(|socket| !socket.namespaces.is_empty()).count()
    }

    fn order(&self, order: impl Fn() -> Order) {
        self.open.iter().for_each(|socket| {
            let _ = socket.orders.send(order());
        });
    }
}

/// Speaks with one client until either has enough.
pub(super) async fn speak(shared: &Shared, mut socket: WebSocket) {
    let (orders, mut ordered) = mpsc::unbounded_channel();
    let (interval, timeout) = shared.books().faults.heart;
    let greeting = json!({
        "sid": "fake", "upgrades": [], "pingInterval": milliseconds(interval), "pingTimeout": milliseconds(timeout),
        "maxPayload": 1_000_000,
    });
    if socket.send(Message::text(format!("0{greeting}"))).await.is_err() {
        return;
    }
    shared.books().sockets.open.push(Socket { orders: orders.clone(), namespaces: Vec::new() });
    let mut pings = interval_at(Instant::now() + interval, interval);
    let mut answered = true;
    loop {
        let frame = tokio::select! {
            order = ordered.recv() => match order {
                Some(Order::Say(frame)) => frame,
                Some(Order::FallSilent) => return std::future::pending().await,
                Some(Order::Break) | None => return,
            },
            _ = pings.tick() => {
                // A client that does not answer a ping is gone.
                if !std::mem::replace(&mut answered, false) {
                    return;
                }
                Frame::Text("2".to_owned())
            }
            heard = socket.recv() => match heard {
                Some(Ok(Message::Text(text))) => {
                    answered |= text.as_str() == "3";
                    match reply(shared, &orders, text.as_str()) {
                        Some(reply) => Frame::Text(reply),
                        None => continue,
                    }
                }
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => return,
            },
        };
        let message = match frame {
            Frame::Text(text) => Message::text(text),
            Frame::Binary(bytes) => Message::binary(bytes),
        };
        if socket.send(message).await.is_err() {
            return;
        }
    }
}

/// Lets a client into a namespace, or not.
fn reply(shared: &Shared, orders: &mpsc::UnboundedSender<Order>, text: &str) -> Option<String> {
    let rest = text.strip_prefix("40")?;
    let namespace = rest.split([',', '{']).next().filter(|name| !name.is_empty()).unwrap_or("/");
    let place = if namespace == "/" { String::new() } else { format!("{namespace},") };
    let mut books = shared.books();
    let instance = namespace.trim_start_matches('/');
    if namespace != "/" && !books.has_namespace(instance) {
        return Some(format!("44{place}{}", json!({"message": "Invalid namespace"})));
    }
    // Where each instance has its own, the one of all is silent.
    let is_heard = namespace != "/" || books.faults.mode == Mode::Global;
    if let Some(socket) = books.sockets.open.iter_mut().find(|socket| socket.orders.same_channel(orders) && is_heard) {
        socket.namespaces.push(namespace.to_owned());
    }
    Some(format!("40{place}{}", json!({"sid": "inside"})))
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
