//! Messages leave one after another, at a person's pace.

use std::sync::atomic::Ordering;
use std::time::Duration;

use balcao_domain::message::{ChatAddress, ConnectionState};
use balcao_domain::pacing::Pace;
use balcao_tenant::{Begun, Due, Error, NextDue, SendOutcome};
use balcao_whatsapp::gateway::{GatewayError, MessageRef};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::connection::Connection;
use super::delivering::{self, deliver};

/// Messages of different conversations whose answers may be awaited at once.
const AT_ONCE: usize = 4;
/// For what is only courtesy: that messages were read, that somebody types.
const COURTESY: Duration = Duration::from_secs(5);

/// Sends until the office is left; what is on its way then is waited for.
pub(super) async fn run(connection: &Connection) -> Result<(), Error> {
    let office = &connection.office;
    let (fence, channel) = (office.fence(), connection.channel.id);
    office.outlast(|tenant| async move { tenant.recover_attempts(fence, channel).await }).await?;
    let mut bell = connection.bell.clone();
    let mut under_way: JoinSet<Result<(), Error>> = JoinSet::new();
    let mut breath = Instant::now();
    while !office.leaving.is_cancelled() {
        let next = if under_way.len() < AT_ONCE && may_send(connection) {
            let cap = connection.channel.settings.daily_cap;
            office.outlast(|tenant| async move { tenant.next_due(channel, cap).await }).await?
        } else {
            NextDue::Nothing
        };
        if !matches!(next, NextDue::Nothing) {
            connection.capped.store(matches!(next, NextDue::DailyCap), Ordering::Relaxed);
        }
        if let NextDue::Message(due) = next {
            sleep_until(breath).await;
            send(connection, &due, &mut under_way).await?;
            breath = Instant::now() + connection.channel.settings.pace.breath(rand::random());
            continue;
        }
        tokio::select! {
            Some(ended) = under_way.join_next(), if !under_way.is_empty() => ended.unwrap_or(Ok(()))?,
            rung = bell.changed() => if rung.is_err() { sleep(office.rhythm().look_for_mail).await },
            () = sleep(office.rhythm().look_for_mail) => {}
            () = office.leaving.cancelled() => {}
        }
    }
    while let Some(ended) = under_way.join_next().await {
        ended.unwrap_or(Ok(()))?;
    }
    Ok(())
}

/// A gateway that is not connected to WhatsApp takes messages all the same, and loses them.
fn may_send(connection: &Connection) -> bool {
    connection.office.term.lasts() && *connection.state.borrow() == Some(ConnectionState::Connected)
}

async fn send(connection: &Connection, due: &Due, under_way: &mut JoinSet<Result<(), Error>>) -> Result<(), Error> {
    let (office, channel) = (&connection.office, connection.channel.id);
    let chat = match chat_of(connection, due).await {
        Ok(chat) => chat,
        Err(error) => {
            tracing::debug!(%channel, problem = error.code(), "a number could not be asked about");
            sleep(office.rhythm().retry_after).await;
            return Ok(());
        }
    };
    let file = match due.kind.as_str() {
        "text" => None,
        _ => office.outlast(|tenant| async move { tenant.media(due.message).await }).await?,
    };
    if let Some(chat) = &chat {
        be_polite(connection, due, chat).await;
    }
    let fence = office.fence();
    let begun = office.outlast(|tenant| async move { tenant.begin_attempt(fence, channel, due).await }).await?;
    let Begun::Now(attempt) = begun else { return Ok(()) };
    let code = match chat {
        None if due.phone.is_some() => "not_on_whatsapp",
        None => "no_address",
        Some(chat) => match delivering::letter(due, chat, file) {
            Some(letter) => {
                let connection = connection.clone();
                under_way.spawn(async move { deliver(&connection, &attempt, &letter).await });
                return Ok(());
            }
            None => "unsupported",
        },
    };
    let refused = SendOutcome::Refused { code, text: String::new() };
    let (attempt, refused) = (&attempt, &refused);
    office.outlast(|tenant| async move { tenant.record_outcome(fence, attempt, refused).await }).await
}

/// Where it goes. Somebody who has never written is asked about once: WhatsApp may know the number by another spelling, or not
/// at all, which is `None`.
async fn chat_of(connection: &Connection, due: &Due) -> Result<Option<ChatAddress>, GatewayError> {
    match (&due.chat, &due.phone) {
        (Some(chat), _) => Ok(Some(chat.clone())),
        (None, Some(phone)) => {
            let found = connection.gateway.numbers(std::slice::from_ref(phone)).await?;
            Ok(match found.into_iter().next() {
                Some(found) => found.chat,
                None => Some(ChatAddress::of_phone(phone)),
            })
        }
        (None, None) => Ok(None),
    }
}

/// What a person would do before writing: read, and type. Nothing depends on it.
async fn be_polite(connection: &Connection, due: &Due, chat: &ChatAddress) {
    let settings = &connection.channel.settings;
    let theirs: Vec<MessageRef> = due
        .unanswered
        .iter()
        .map(|id| MessageRef { gateway_id: id.clone(), chat: chat.clone(), from_me: false })
        .collect();
    if settings.read_receipts && !theirs.is_empty() {
        let _ = timeout(COURTESY, connection.gateway.mark_read(&theirs)).await;
    }
    if settings.typing && settings.pace != Pace::None {
        let length = settings.pace.typing(due.body.chars().count(), rand::random());
        let shown = Instant::now();
        let _ = timeout(length + COURTESY, connection.gateway.typing(chat, theirs.last(), length)).await;
        // A gateway that only takes note of it answers at once.
        sleep_until(shown + length).await;
    }
}
