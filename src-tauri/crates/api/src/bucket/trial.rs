//! Trying a bucket out, step by step. It is found out in the background; the screens hear of each step.

use std::collections::BTreeSet;
use std::sync::Arc;

use balcao_bucket::{Bucket, Found, Timing, TrialStep};
use uuid::Uuid;

use super::types::{BucketTrial, BucketTrialStep, TryBucket};
use super::{kept, place, typed};
use crate::changes::Topic;
use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;

pub(crate) async fn try_bucket(desk: &Arc<Desk>, wish: TryBucket) -> Result<BucketTrial, ApiError> {
    let place = place(&wish.wish)?;
    let key = match &wish.keys {
        Some(keys) => typed(keys)?,
        None => kept(desk).await?,
    };
    let bucket = Bucket::open(&place, &key, Timing::default())
        .map_err(|trouble| ApiError::new(trouble.code(), trouble.to_string()))?;
    let number = desk.bucket_trial.begin(BucketTrial { is_running: true, steps: TrialStep::ALL.map(waiting).to_vec() });
    let there = desk.clone();
    let task = tokio::spawn(async move {
        bucket
            .try_out(Uuid::new_v4(), |step, found| there.bucket_trial_tells(number, |trial| note(trial, step, found)))
            .await;
        there.bucket_trial_tells(number, over);
    });
    desk.bucket_trial.keep(number, task.abort_handle());
    get_bucket_trial(desk, Nothing {}).await
}

pub(crate) async fn get_bucket_trial(desk: &Arc<Desk>, _: Nothing) -> Result<BucketTrial, ApiError> {
    Ok(desk.bucket_trial.shown())
}

impl Desk {
    fn bucket_trial_tells(&self, number: u64, change: impl FnOnce(&mut BucketTrial)) {
        if self.bucket_trial.tell(number, change) {
            self.announce(BTreeSet::from([Topic::Storage]), Vec::new());
        }
    }
}

fn waiting(step: TrialStep) -> BucketTrialStep {
    BucketTrialStep { step: step.as_str().to_owned(), state: "waiting".to_owned(), code: None, seen: None }
}

fn note(trial: &mut BucketTrial, step: TrialStep, found: Found) {
    let (state, code, seen) = match found {
        Found::Looking => ("running", None, None),
        Found::Fine(seen) => ("ok", None, seen),
        Found::Wrong(trouble) => ("failed", Some(trouble.code().to_owned()), None),
    };
    if let Some(shown) = trial.steps.iter_mut().find(|shown| shown.step == step.as_str()) {
        *shown = BucketTrialStep { step: step.as_str().to_owned(), state: state.to_owned(), code, seen };
    }
}

/// Nothing is looked at behind a wrong step.
fn over(trial: &mut BucketTrial) {
    trial.is_running = false;
    for step in trial.steps.iter_mut().filter(|step| matches!(step.state.as_str(), "waiting" | "running")) {
        "not_reached".clone_into(&mut step.state);
    }
}
