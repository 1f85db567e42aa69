//! What lies before the window: read when a screen asks for it, or when a wider window was chosen.
//!
//! Pieces are read between push and pull, in the driver's own order. So whatever changes after a piece was read comes with
//! a pull that is read after the piece was taken: a row that was deleted meanwhile cannot come back.

use balcao_cache::{Cache, Gap, Reach, Timeline};
use balcao_domain::window::Window;
use balcao_tenant::{Older, Span, StageKey};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use uuid::Uuid;

use crate::pull::stream;
use crate::{Error, Progress, Remote, Result, Status};

/// Messages of one page of a thread.
const PAGE: u32 = 200;

/// What a screen asks for from before the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchOlder {
    /// The next page of a conversation.
    Thread(Uuid),
    /// Every visit that begins at or after an instant, microseconds since 1970 UTC.
    VisitsFrom(i64),
    /// Every visit of a person.
    VisitsOf(Uuid),
    /// What the window lacks since a wider one was chosen. Granted when it was begun with.
    Window,
}

/// Why something was not fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotFetched {
    /// The database does not answer now.
    #[error("the clinic's database is not reached")]
    Offline,
    /// The first copy is on its way and will bring it, or must be complete before.
    #[error("the first copy is on its way")]
    Coming,
    /// The database, or the copy, refuses; the code is stable.
    #[error("what is older was refused [{0}]")]
    Refused(String),
}

/// Where screens put what they ask for.
pub(crate) type Wishes = mpsc::UnboundedSender<Wish>;

/// Something asked for, and where the answer goes.
#[derive(Debug)]
pub(crate) struct Wish {
    request: FetchOlder,
    answer: oneshot::Sender<std::result::Result<(), NotFetched>>,
    /// Where the piece before ended.
    after: Option<StageKey>,
}

/// What is to be read from before the window.
#[derive(Debug)]
pub(crate) struct Errands {
    wishes: mpsc::UnboundedReceiver<Wish>,
    under_way: Option<Wish>,
    /// Whether the window may lack something: looked at once a connection, and when a wider one was chosen.
    look: bool,
    filling: Option<Filling>,
}

#[derive(Debug)]
struct Filling {
    timeline: Timeline,
    after: Option<StageKey>,
    progress: Progress,
}

/// How a piece ended.
enum Piece {
    Last { rows: u64 },
    More { rows: u64, after: StageKey },
}

/// Asks for something and wakes who does it; answers when it is in the copy.
pub(crate) async fn ask(wishes: &Wishes, request: FetchOlder, wake: &Notify) -> std::result::Result<(), NotFetched> {
    let (answer, granted) = oneshot::channel();
    wishes.send(Wish { request, answer, after: None }).map_err(|_| NotFetched::Offline)?;
    wake.notify_one();
    granted.await.unwrap_or(Err(NotFetched::Offline))
}

impl Errands {
    pub(crate) fn new() -> (Wishes, Self) {
        let (sender, wishes) = mpsc::unbounded_channel();
        (sender, Self { wishes, under_way: None, look: true, filling: None })
    }

    /// Does one piece of what was asked for, or else of what the window lacks. Says whether there is more to do.
    pub(crate) async fn step<R: Remote>(
        &mut self,
        remote: &R,
        cache: &Cache,
        status: &watch::Sender<Status>,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let Some(mut wish) = self.next() else {
            if self.look {
                self.look = self.fill(remote, cache, status, now).await?;
            }
            return Ok(self.look);
        };
        // What is being removed must not take along what comes now.
        while cache.trim_step().await? {}
        match grant(remote, cache, &mut wish).await {
            Ok(true) => drop(wish.answer.send(Ok(()))),
            Ok(false) => self.under_way = Some(wish),
            Err(Refusal::Answer(refusal)) => drop(wish.answer.send(Err(refusal))),
            Err(Refusal::Broken(error)) => {
                let _ = wish.answer.send(Err(NotFetched::Offline));
                return Err(error);
            }
        }
        Ok(self.look || self.under_way.is_some() || !self.wishes.is_empty())
    }

    /// The connection is gone: whoever waits is told, and the next one looks again.
    pub(crate) fn give_up(&mut self, status: &watch::Sender<Status>) {
        while let Some(wish) = self.next() {
            let _ = wish.answer.send(Err(NotFetched::Offline));
        }
        self.filling = None;
        self.look = true;
        show(status, None);
    }

    /// The next wish that somebody still waits for.
    fn next(&mut self) -> Option<Wish> {
        loop {
            let wish = self.under_way.take().or_else(|| self.wishes.try_recv().ok())?;
            match wish.request {
                FetchOlder::Window => {
                    self.look = true;
                    let _ = wish.answer.send(Ok(()));
                }
                _ if wish.answer.is_closed() => {}
                _ => return Some(wish),
            }
        }
    }

    /// One piece of what a wider window lacks. Says whether it lacks more.
    async fn fill<R: Remote>(
        &mut self,
        remote: &R,
        cache: &Cache,
        status: &watch::Sender<Status>,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let Some(gap) = cache.gap().await? else {
            self.filling = None;
            show(status, None);
            return Ok(false);
        };
        while cache.trim_step().await? {}
        let mut filling = match self.filling.take().filter(|filling| filling.timeline == gap.timeline) {
            Some(filling) => filling,
            None => Filling { timeline: gap.timeline, after: None, progress: size(remote, &gap, now).await? },
        };
        show(status, Some(&filling.progress));
        match read_piece(remote, cache, gap.timeline, gap.from, &mut filling.after).await {
            Ok((_, rows)) => filling.progress.done += rows,
            // A login that may not read a table works without it.
            Err(Error::Tenant(balcao_tenant::Error::NotPermitted)) => {
                cache.window_reached(gap.timeline, gap.until, gap.from).await?;
            }
            Err(error) => return Err(error),
        }
        filling.progress.total = filling.progress.total.max(filling.progress.done);
        self.filling = Some(filling);
        Ok(true)
    }
}

/// Why a wish is not granted.
enum Refusal {
    /// The screen is told.
    Answer(NotFetched),
    /// The connection ends.
    Broken(Error),
}

impl<E: Into<Error>> From<E> for Refusal {
    fn from(error: E) -> Self {
        match error.into() {
            Error::Tenant(error) if !error.is_connection() => {
                Self::Answer(NotFetched::Refused(error.code().to_owned()))
            }
            error => Self::Broken(error),
        }
    }
}

/// Does one piece of a wish. Says whether that was the last one.
async fn grant<R: Remote>(remote: &R, cache: &Cache, wish: &mut Wish) -> std::result::Result<bool, Refusal> {
    match wish.request {
        FetchOlder::Thread(conversation_id) => {
            let known = match cache.thread_reach(conversation_id).await? {
                Reach::From(known) => known,
                Reach::Whole => return Ok(true),
                Reach::Coming => return Err(Refusal::Answer(NotFetched::Coming)),
            };
            let page = Older::Thread { conversation_id, before: known, rows: PAGE };
            let place = match read(remote, cache, &page).await? {
                Piece::Last { .. } => None,
                Piece::More { after, .. } => Some((after.sent_at_micros.unwrap_or(known.0), after.id)),
            };
            cache.thread_reached(conversation_id, known, place).await?;
            Ok(true)
        }
        FetchOlder::VisitsFrom(from) => {
            if cache.window_reach(Timeline::Visits).await? == Reach::Coming {
                return Err(Refusal::Answer(NotFetched::Coming));
            }
            Ok(read_piece(remote, cache, Timeline::Visits, Some(from), &mut wish.after).await?.0)
        }
        FetchOlder::VisitsOf(contact_id) => {
            let known = match cache.window_reach(Timeline::Visits).await? {
                Reach::From((known, _)) => known,
                Reach::Whole => return Ok(true),
                Reach::Coming => return Err(Refusal::Answer(NotFetched::Coming)),
            };
            read(remote, cache, &Older::VisitsOf { contact_id }).await?;
            cache.person_reached(contact_id, known).await?;
            Ok(true)
        }
        FetchOlder::Window => Ok(true),
    }
}

/// Reads one piece backwards from where the window ends in the copy, towards `from`. Says whether that was the last one, and
/// how many rows came.
async fn read_piece<R: Remote>(
    remote: &R,
    cache: &Cache,
    timeline: Timeline,
    from: Option<i64>,
    after: &mut Option<StageKey>,
) -> Result<(bool, u64)> {
    let Reach::From((until, _)) = cache.window_reach(timeline).await? else { return Ok((true, 0)) };
    if from.is_some_and(|from| from >= until) {
        return Ok((true, 0));
    }
    // The place is good as long as nobody moved the end of the window: all rows after its instant are here, some of it.
    let place = after.take().filter(|place| place.sent_at_micros.is_some_and(|micros| micros + 1 == until));
    let span = Span { from, until, after: place };
    let older = match timeline {
        Timeline::Messages => Older::Messages(span),
        Timeline::Visits => Older::Visits(span),
    };
    match read(remote, cache, &older).await? {
        Piece::Last { rows } => {
            cache.window_reached(timeline, until, from).await?;
            Ok((true, rows))
        }
        Piece::More { rows, after: place } => {
            let reached = place.sent_at_micros.map_or(until, |micros| micros + 1);
            *after = Some(place);
            let kept = cache.window_reached(timeline, until, Some(reached)).await?;
            Ok((!kept, rows))
        }
    }
}

async fn read<R: Remote>(remote: &R, cache: &Cache, older: &Older) -> Result<Piece> {
    // What someone looks up is no news and is not written into the log.
    let reading = stream(cache, |_| (), |out| async move { remote.read_older(older, &out).await });
    let (end, written, unwritten) = reading.await?;
    let rows = written + unwritten.write(cache, &[]).await?;
    Ok(match end.next {
        Some(after) => Piece::More { rows, after },
        None => Piece::Last { rows },
    })
}

/// How much a gap holds, about: what a first copy of the wanted window would have more than one of the present window.
async fn size<R: Remote>(remote: &R, gap: &Gap, now: DateTime<Utc>) -> Result<Progress> {
    let days = |from: Option<i64>| -> u32 {
        let age = from.map(|from| now.timestamp_micros().saturating_sub(from));
        age.map_or(0, |age| u32::try_from(TimeDelta::microseconds(age).num_days().max(1)).unwrap_or(u32::MAX))
    };
    let window = |from: Option<i64>| match gap.timeline {
        Timeline::Messages => Window { message_days: days(from), appointment_days: 1 },
        Timeline::Visits => Window { message_days: 1, appointment_days: days(from) },
    };
    let (wanted, here) =
        (remote.copy_size(&window(gap.from)).await?, remote.copy_size(&window(Some(gap.until))).await?);
    Ok(Progress { entity: gap.timeline.entity(), done: 0, total: wanted.saturating_sub(here), usable: true })
}

fn show(status: &watch::Sender<Status>, progress: Option<&Progress>) {
    status.send_if_modified(|status| {
        let changed = status.widening.as_ref() != progress;
        status.widening = progress.cloned();
        changed
    });
}
