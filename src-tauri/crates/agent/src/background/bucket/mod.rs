//! The clinic's bucket, looked after by whoever works: what somebody waits for comes back, what was erased is deleted, what is old
//! enough goes there. One thing at a time, and what people wait for before the rest.
//!
//! This is the only place where the bucket's key is used. Without it, and while the bucket does not answer, files stay where they
//! are, and the database says why. What one object is refused for keeps no other from its turn, and what cannot be written or
//! deleted keeps nothing from coming back.

mod opening;
mod work;

use std::time::Duration;

use balcao_bucket::{Bucket, Trouble};
use balcao_tenant::{BucketSetting, Error};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use self::opening::Opened;
use super::office::Office;

/// Between two tries at the most, with the bucket and with one object.
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 60);

/// After a ring.
const SETTLE: Duration = Duration::from_millis(250);

/// Files that are brought one after another before something is deleted, however many are waited for.
const BROUGHT_IN_A_ROW: u32 = 10;

/// What became of a look.
enum Look {
    /// Something was done; there may be more.
    Busy {
        /// Whether something went there or was deleted, and did not only come back.
        wrote: bool,
    },
    /// There is nothing to do.
    Idle,
    /// The bucket does not do what is asked.
    Stuck {
        trouble: Trouble,
        /// Nothing is known against reading.
        only_writing: bool,
        /// Something else was done all the same.
        goes_on: bool,
    },
}

/// What is remembered from one look to the next.
#[derive(Default)]
struct Memory {
    stuck: Option<Stuck>,
    /// Looks in a row at which the bucket did not do what was asked.
    failures: u32,
    /// Files that were brought one after another.
    brought: u32,
    looked_for_old: Option<Instant>,
}

/// That the bucket did not do what was asked. It holds until something shows that it does, or somebody has mended something.
struct Stuck {
    only_writing: bool,
    /// When it is asked again.
    until: Instant,
}

/// Looks after it until the office is left.
pub(super) async fn run(office: &Office, mut bell: watch::Receiver<()>) -> Result<(), Error> {
    let between = office.rhythm().look_at_bucket;
    let mut open: Option<Opened> = None;
    let mut memory = Memory::default();
    while !office.leaving.is_cancelled() {
        let setting = match office.outlast(|tenant| async move { tenant.bucket().await }).await {
            Ok(setting) => setting,
            Err(error) => {
                tolerated(error)?;
                rest(office, between).await;
                continue;
            }
        };
        let Some(setting) = setting else {
            (open, memory) = (None, Memory::default());
            rest_or_ring(office, &mut bell, between).await;
            continue;
        };
        match Opened::with(office, &setting, &mut open).await {
            // Another key, or another place: what was wrong before counts no more.
            Ok(true) => memory = Memory::default(),
            // Somebody has said in the settings that it is to be tried again.
            Ok(false) if setting.problem.is_none() => (memory.stuck, memory.failures) = (None, 0),
            Ok(false) => {}
            Err(problem) => {
                note(office, &setting, Some((problem, false))).await?;
                rest_or_ring(office, &mut bell, between).await;
                continue;
            }
        }
        let Some(opened) = &open else { continue };
        let rests = memory.stuck.as_ref().filter(|stuck| Instant::now() < stuck.until);
        let until = rests.map(|stuck| stuck.until);
        if let Some(stuck) = rests
            && !stuck.only_writing
        {
            rest(office, between.min(stuck.until - Instant::now())).await;
            continue;
        }
        // While nothing goes there, what somebody waits for comes back all the same.
        let may_write = until.is_none();
        let also_old = may_write && memory.looked_for_old.is_none_or(|at| at.elapsed() >= between);
        // A large file on a slow line keeps nobody from closing the program: whatever was begun may end anywhere.
        let looked = tokio::select! {
            looked = look(office, &opened.bucket, &setting, &mut memory.brought, may_write, also_old) => looked,
            () = office.leaving.cancelled() => return Ok(()),
        };
        match looked {
            Ok(Look::Stuck { trouble, only_writing, goes_on }) => {
                memory.failures += u32::from(!goes_on);
                let until = Instant::now() + wait(office, trouble, only_writing, goes_on, memory.failures);
                memory.stuck = Some(Stuck { only_writing, until });
                let still_read = only_writing || trouble.may_be_of_the_object();
                note(office, &setting, Some((trouble.code(), still_read))).await?;
            }
            Ok(Look::Busy { wrote }) => {
                // That a file came back says nothing of those that do not go there.
                if wrote || memory.stuck.as_ref().is_none_or(|stuck| !stuck.only_writing) {
                    (memory.stuck, memory.failures) = (None, 0);
                    note(office, &setting, None).await?;
                }
            }
            Ok(Look::Idle) => {
                // What was refused waits, and nothing has shown yet that it would not be refused again.
                if memory.stuck.is_none() {
                    note(office, &setting, None).await?;
                }
                if also_old {
                    memory.looked_for_old = Some(Instant::now());
                }
                let time = until.map_or(between, |until| between.min(until - Instant::now()));
                rest_or_ring(office, &mut bell, time).await;
            }
            Err(error) => {
                tolerated(error)?;
                rest(office, between).await;
            }
        }
    }
    Ok(())
}

/// One thing to do, the most urgent first. Old files are looked for only now and then.
async fn look(
    office: &Office,
    bucket: &Bucket,
    setting: &BucketSetting,
    brought: &mut u32,
    may_write: bool,
    also_old: bool,
) -> Result<Look, Error> {
    let stuck_writing = |trouble, goes_on| Look::Stuck { trouble, only_writing: true, goes_on };
    if may_write && *brought >= BROUGHT_IN_A_ROW {
        *brought = 0;
        match work::delete(office, bucket, setting).await? {
            Some(Ok(())) => return Ok(Look::Busy { wrote: true }),
            Some(Err(trouble)) => return Ok(stuck_writing(trouble, false)),
            None => {}
        }
    }
    match work::bring(office, bucket, setting).await? {
        Some(done) => {
            *brought += 1;
            return Ok(match done {
                Ok(()) => Look::Busy { wrote: false },
                Err(trouble) => Look::Stuck { trouble, only_writing: false, goes_on: false },
            });
        }
        None => *brought = 0,
    }
    if !may_write {
        return Ok(Look::Idle);
    }
    let deleted = work::delete(office, bucket, setting).await?;
    if let Some(Ok(())) = deleted {
        return Ok(Look::Busy { wrote: true });
    }
    // An object that is not deleted keeps no file from its turn.
    let moved = work::move_one(office, bucket, setting, also_old).await?;
    match (deleted, moved) {
        (Some(Err(trouble)), moved) => Ok(stuck_writing(trouble, matches!(moved, Some(Ok(()))))),
        (_, Some(Err(trouble))) => Ok(stuck_writing(trouble, false)),
        (_, Some(Ok(()))) => Ok(Look::Busy { wrote: true }),
        (_, None) if setting.emptying_since.is_some() => forget(office).await,
        (_, None) => Ok(Look::Idle),
    }
}

/// Everything is back: the bucket is forgotten, and only then its key.
async fn forget(office: &Office) -> Result<Look, Error> {
    let fence = office.fence();
    if office.outlast(|tenant| async move { tenant.forget_bucket(fence).await }).await? {
        tracing::info!("every file is back, and the bucket is forgotten");
        opening::forget_key(office).await;
        return Ok(Look::Busy { wrote: true });
    }
    Ok(Look::Idle)
}

/// The database is told what stands in the way, and whether files that are there are read all the same.
async fn note(office: &Office, setting: &BucketSetting, problem: Option<(&'static str, bool)>) -> Result<(), Error> {
    let (code, still_read) = problem.unzip();
    if setting.problem.as_deref() != code {
        match code {
            Some(problem) => tracing::warn!(problem, "files do not reach the bucket"),
            None => tracing::info!("files reach the bucket again"),
        }
    } else if code.is_none() {
        return Ok(());
    }
    let (fence, still_read) = (office.fence(), still_read.unwrap_or_default());
    office.outlast(|tenant| async move { tenant.note_bucket(fence, code, still_read).await }).await.or_else(tolerated)
}

/// The bucket is no reason to stop listening and sending; that another computer has begun is.
fn tolerated(error: Error) -> Result<(), Error> {
    if matches!(error, Error::LeaseLost) {
        return Err(error);
    }
    tracing::warn!(problem = error.code(), "the bucket could not be looked after");
    Ok(())
}

/// How long the bucket is not asked again, after so many failures in a row.
fn wait(office: &Office, trouble: Trouble, only_writing: bool, goes_on: bool, failures: u32) -> Duration {
    let first = office.rhythm().fetch_again;
    match goes_on {
        true => Duration::ZERO,
        // One that is refused by itself waits by itself: those behind it wait for no more than a moment.
        false if !only_writing && trouble.may_be_of_the_object() => first,
        false => first.saturating_mul(2_u32.saturating_pow(failures.min(16).saturating_sub(1))).min(LONGEST_WAIT),
    }
}

async fn rest(office: &Office, time: Duration) {
    tokio::select! {
        () = sleep(time) => {}
        () = office.leaving.cancelled() => {}
    }
}

/// The same, or until something is committed in the clinic: somebody may want a file.
async fn rest_or_ring(office: &Office, bell: &mut watch::Receiver<()>, time: Duration) {
    tokio::select! {
        // A clinic commits all the time; so much of it is seen together.
        rung = bell.changed() => rest(office, if rung.is_ok() { SETTLE.min(time) } else { time }).await,
        () = sleep(time) => {}
        () = office.leaving.cancelled() => {}
    }
}
