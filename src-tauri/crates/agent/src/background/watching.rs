//! How a connection is doing: what the gateway says of itself, words of WhatsApp that are missing, messages whose outcome
//! nobody knows.

use balcao_domain::message::ConnectionState;
use balcao_tenant::{Error, UnknownSend};
use balcao_whatsapp::gateway::{GatewayError, LinkState, Search, Window};
use chrono::TimeDelta;
use tokio::time::{Instant, sleep_until};

use super::connection::Connection;

/// The clocks of the database and of WhatsApp need not agree to the second.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::seconds(30);

/// Watches until the office is left.
pub(super) async fn run(connection: &Connection) -> Result<(), Error> {
    let rhythm = connection.office.rhythm();
    let (mut look, mut search) = (Instant::now(), Instant::now());
    loop {
        tokio::select! {
            () = sleep_until(look) => {
                look_after(connection).await?;
                look = Instant::now() + rhythm.watch_every;
            }
            () = sleep_until(search) => {
                search_unknown(connection).await?;
                search = Instant::now() + rhythm.look_for_unknown;
            }
            () = connection.office.leaving.cancelled() => return Ok(()),
        }
    }
}

async fn look_after(connection: &Connection) -> Result<(), Error> {
    let (office, channel) = (&connection.office, connection.channel.id);
    let (fence, patience) = (office.fence(), office.rhythm().ack_patience);
    let link = connection.gateway.state().await;
    if let Ok(link) = &link {
        connection.state.send_replace(Some(link.state));
        office
            .outlast(|tenant| async move {
                let needs_pairing = link.needs_pairing();
                tenant.note_link(fence, channel, link.state, link.phone.as_ref(), needs_pairing).await
            })
            .await?;
    }
    let problem = problem(&link, connection.is_capped());
    office.outlast(|tenant| async move { tenant.note_problem(fence, channel, problem).await }).await?;
    office.outlast(|tenant| async move { tenant.note_missing_acks(fence, channel, patience).await }).await
}

fn problem(link: &Result<LinkState, GatewayError>, capped: bool) -> Option<&'static str> {
    match link {
        Err(error) => Some(error.code()),
        Ok(link) if link.needs_pairing() => Some("needs_pairing"),
        Ok(link) if link.state != ConnectionState::Connected => Some("not_connected"),
        Ok(_) if capped => Some("daily_cap"),
        Ok(_) => None,
    }
}

/// Looks at the gateway for what may have gone out. What is not found in time is left to a person.
async fn search_unknown(connection: &Connection) -> Result<(), Error> {
    let (office, channel) = (&connection.office, connection.channel.id);
    let within = office.rhythm().give_up_unknown;
    let unknown = office.outlast(|tenant| async move { tenant.unknown_sends(channel, within).await }).await?;
    for lost in unknown {
        let Some(search) = search_for(&lost) else { continue };
        let found = match connection.gateway.look_for(&search).await {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!(%channel, problem = error.code(), "a message could not be looked for");
                return Ok(());
            }
        };
        let mut found: Vec<_> = found.into_iter().filter(|message| search.fits(message)).collect();
        found.sort_by_key(|message| message.sent_at);
        let ids: Vec<_> = found.into_iter().map(|message| message.gateway_id).collect();
        let (fence, attempt, ids) = (office.fence(), &lost.attempt, &ids);
        office.outlast(|tenant| async move { tenant.settle_unknown(fence, attempt, ids).await }).await?;
    }
    Ok(())
}

fn search_for(lost: &UnknownSend) -> Option<Search> {
    // The kinds that are sent.
    let kind = ["text", "image", "audio", "video", "document"].into_iter().find(|kind| *kind == lost.kind)?;
    Some(Search {
        chat: lost.chat.clone()?,
        kind,
        body: lost.body.clone(),
        window: Window::new(
            lost.attempt.started_at - CLOCKS_DIFFER,
            lost.finished_at + CLOCKS_DIFFER + TimeDelta::minutes(2),
        ),
    })
}
