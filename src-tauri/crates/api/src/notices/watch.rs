//! Looks at the copy after it has changed, and says what there is to say.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use balcao_cache::{ArrivalRow, CacheChange, InboxView, Onlooker, ThreadFilter};
use balcao_domain::notification::{self as rule, Arrival, Moment, Shows, Teller};
use balcao_sync::{Connection, Status};
use chrono::DateTime;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch as channel};
use uuid::Uuid;

use super::types::{Notice, NoticeMessage};
use crate::clinic::OpenClinic;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::inbox::{at, phone, shown_name};
use crate::preferences;

/// What comes within this time is looked at together.
const GATHERING: Duration = Duration::from_millis(1_500);

/// Messages of one look at the most; the newest ones say enough.
const MOST_ARRIVALS: u32 = 1_000;

/// Characters of a message that are said.
const LONGEST_TEXT: usize = 160;

/// What was put aside comes back without a word of the copy; a timer of weeks is looked at on the way.
const LONGEST_WAIT: Duration = Duration::from_secs(6 * 60 * 60);

/// Name of the fact that keeps until when everything was said.
const TOLD_UNTIL: &str = "notified_until";

/// What has changed since the last look.
enum Touched {
    Some(BTreeSet<Uuid>),
    All,
}

/// Says what arrives in a clinic, until that is closed.
pub(crate) fn watch(
    desk: &Arc<Desk>,
    mut changes: broadcast::Receiver<CacheChange>,
    mut status: channel::Receiver<Status>,
    time: u64,
) {
    let desk = Arc::downgrade(desk);
    tokio::spawn(async move {
        let mut teller = None;
        let mut touched = Touched::All;
        loop {
            let looked = {
                let Some(desk) = desk.upgrade() else { return };
                if desk.time() != time {
                    return;
                }
                look(&desk, &mut teller, &touched).await
            };
            if let Err(problem) = &looked {
                tracing::debug!(code = problem.code, "what has arrived was not looked at");
            }
            let next = tokio::select! {
                change = next(&mut changes) => match change {
                    Some(touched) => touched,
                    None => return,
                },
                copied = copied(&mut status), if teller.is_none() => match copied {
                    Ok(()) => Touched::All,
                    Err(_) => return,
                },
                () = tokio::time::sleep(*looked.as_ref().unwrap_or(&LONGEST_WAIT)) => Touched::All,
            };
            // What was not looked at is looked at with what comes next.
            touched = if looked.is_ok() { next } else { Touched::All };
        }
    });
}

/// Waits until the copy is whole. It may just have been taken apart, so not at once.
async fn copied(status: &mut channel::Receiver<Status>) -> Result<(), channel::error::RecvError> {
    tokio::time::sleep(GATHERING).await;
    status.wait_for(|status| status.connection == Connection::Online && status.first_copy.is_none()).await?;
    Ok(())
}

/// Waits for a change that may concern threads, and for what comes with it; `None` when the clinic is closed.
async fn next(changes: &mut broadcast::Receiver<CacheChange>) -> Option<Touched> {
    let mut merged = CacheChange::default();
    while !concerns(&merged) {
        match changes.recv().await {
            Ok(change) => merged.merge(change),
            Err(RecvError::Lagged(_)) => return Some(Touched::All),
            Err(RecvError::Closed) => return None,
        }
    }
    tokio::time::sleep(GATHERING).await;
    loop {
        match changes.try_recv() {
            Ok(change) => merged.merge(change),
            Err(broadcast::error::TryRecvError::Lagged(_)) => merged.many_conversations = true,
            Err(_) => break,
        }
    }
    // Who is blocked, and who is whose, may make other threads wait.
    let all = merged.many_conversations || merged.entities.contains("contacts") && merged.conversations.is_empty();
    Some(if all { Touched::All } else { Touched::Some(merged.conversations) })
}

fn concerns(change: &CacheChange) -> bool {
    change.many_conversations
        || change.outbox
        || ["conversations", "messages", "contacts"].iter().any(|entity| change.entities.contains(entity))
}

/// One look; answers how long the next one may wait where nothing changes.
async fn look(desk: &Desk, teller: &mut Option<Teller>, touched: &Touched) -> Result<Duration, ApiError> {
    let clinic = desk.clinic().await?;
    let now = clinic.cache.server_now().await?;
    let wait = count(desk, &clinic, now.timestamp_micros()).await?;
    // What comes with the first copy is the past, and so is what came while it was made.
    if clinic.cache.state("cursor").await?.is_none() {
        if teller.take().is_some() {
            clinic.cache.clear_state(TOLD_UNTIL).await?;
        }
        return Ok(wait);
    }
    let teller = match teller {
        Some(teller) => teller,
        None => {
            let told = clinic.cache.state(TOLD_UNTIL).await?.and_then(|micros| micros.parse().ok());
            let told = told.and_then(DateTime::from_timestamp_micros);
            if told.is_none() {
                keep(&clinic, now.timestamp_micros()).await?;
            }
            teller.insert(Teller::since(told.unwrap_or(now)))
        }
    };
    withdraw_answered(desk, &clinic, touched).await?;

    let threads: Option<Vec<Uuid>> = match touched {
        Touched::All => None,
        Touched::Some(threads) if threads.is_empty() => return Ok(wait),
        Touched::Some(threads) => Some(threads.iter().copied().collect()),
    };
    let rows = clinic.cache.arrivals(teller.began().timestamp_micros(), threads.as_deref(), MOST_ARRIVALS).await?;
    if rows.is_empty() {
        return Ok(wait);
    }
    let choice = preferences::read(desk).notifications.rule()?;
    let seen = if desk.lock.is_on() { None } else { desk.notices.seen() };
    let moment = Moment { now, zone: clinic.time_zone().await?, me: clinic.me().await?, seen };
    let waiting: Vec<Arrival> = rows.iter().map(arrival).collect();
    let (notices, any) = teller.tell(&waiting, &choice, &moment);
    if any {
        // Before it is said: whatever happens then, it is not said again.
        keep(&clinic, teller.told_until(now).timestamp_micros()).await?;
    }
    let shows = choice.shown(desk.lock.is_on());
    for notice in notices {
        desk.notices.say(worded(notice, &rows, shows));
    }
    Ok(wait)
}

/// Counts what waits; answers when the next thread comes back by itself that was put aside.
async fn count(desk: &Desk, clinic: &OpenClinic, now: i64) -> Result<Duration, ApiError> {
    let by = Onlooker { me: clinic.me().await?, now };
    let nothing = ThreadFilter::default();
    let (waiting, next) = tokio::try_join!(
        clinic.cache.conversation_count(InboxView::NeedsReply, by, &nothing),
        clinic.cache.next_return(now)
    )?;
    desk.notices.count(waiting);
    let left = next.and_then(|next| u64::try_from(next - now).ok()).map(Duration::from_micros);
    Ok(left.map_or(LONGEST_WAIT, |left| (left + Duration::from_millis(250)).min(LONGEST_WAIT)))
}

/// What was answered, closed or given to the bot needs no notice any more.
async fn withdraw_answered(desk: &Desk, clinic: &OpenClinic, touched: &Touched) -> Result<(), ApiError> {
    let mut said: Vec<Uuid> = desk.notices.standing().threads.iter().copied().collect();
    if let Touched::Some(threads) = touched {
        said.retain(|thread| threads.contains(thread));
    }
    if said.is_empty() {
        return Ok(());
    }
    let waiting = clinic.cache.still_waiting(&said).await?;
    for thread in said.into_iter().filter(|thread| !waiting.contains(thread)) {
        desk.notices.withdraw(thread);
    }
    Ok(())
}

async fn keep(clinic: &OpenClinic, until: i64) -> Result<(), ApiError> {
    Ok(clinic.cache.save_place(&[(TOLD_UNTIL, &until.to_string())]).await?)
}

fn arrival(row: &ArrivalRow) -> Arrival {
    Arrival { thread: row.conversation_id, message: row.id, sent_at: at(row.sent_at), assignee: row.assignee_id }
}

/// A notice with as much of the message as is said.
fn worded(notice: rule::Notice, rows: &[ArrivalRow], shows: Shows) -> Notice {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    match notice {
        rule::Notice::Many { threads, messages, sound } => {
            Notice::Many { threads: number(threads), messages: number(messages), sound }
        }
        rule::Notice::Thread { thread, message, sound } => {
            let row = rows.iter().find(|row| row.id == message);
            let name = |row: &ArrivalRow| {
                let phone = phone(row.phone.as_deref());
                shown_name(&row.name, row.profile_name.as_deref(), phone.as_deref())
            };
            let said = |row: &ArrivalRow| NoticeMessage { kind: row.kind.clone(), text: first_words(&row.body) };
            Notice::Thread {
                conversation_id: thread,
                name: row.filter(|_| shows >= Shows::Name).map(name),
                message: row.filter(|_| shows == Shows::Everything).map(said),
                waiting: row.map_or(1, |row| row.unread_count.max(1)),
                sound,
            }
        }
    }
}

/// A text on one line, cut where a notice would cut it anyway.
fn first_words(body: &str) -> String {
    let line = body.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> ArrivalRow {
        ArrivalRow {
            conversation_id: Uuid::from_u128(1),
            assignee_id: None,
            unread_count: 2,
            name: String::new(),
            profile_name: Some("Mari".to_owned()),
            phone: Some("+5511988887777".to_owned()),
            id: Uuid::from_u128(2),
            sent_at: 0,
            kind: "text".to_owned(),
            body: "Bom dia,\n  posso remarcar?".to_owned(),
        }
    }

    fn said(shows: Shows) -> Notice {
        let notice = rule::Notice::Thread { thread: Uuid::from_u128(1), message: Uuid::from_u128(2), sound: true };
        worded(notice, &[row()], shows)
    }

    #[test]
    fn as_much_is_said_as_was_chosen() {
        let thread = |name: Option<&str>, text: Option<&str>| Notice::Thread {
            conversation_id: Uuid::from_u128(1),
            name: name.map(str::to_owned),
            message: text.map(|text| NoticeMessage { kind: "text".to_owned(), text: text.to_owned() }),
            waiting: 2,
            sound: true,
        };
        assert_eq!(said(Shows::Nothing), thread(None, None));
        assert_eq!(said(Shows::Name), thread(Some("Mari"), None));
        assert_eq!(said(Shows::Everything), thread(Some("Mari"), Some("Bom dia, posso remarcar?")));
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let cut = first_words(&"ã".repeat(400));
        assert_eq!(cut.chars().count(), LONGEST_TEXT + 1);
        assert!(cut.ends_with('…'));
    }
}
