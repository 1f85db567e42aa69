//! Trying a connection out, step by step. It is found out in the background; the screens hear of each step.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use balcao_agent::background::gateway_of;
use balcao_whatsapp::gateway::{Found, Timing, TrialStep};

use super::types::{ChannelTrial, ChannelTrialStep, TryChannel};
use super::{asked_for, kept_keys, typed, unfit};
use crate::changes::Topic;
use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;

/// A relay that has nothing is not to hold its answer back for long while a person watches.
const POLL: Duration = Duration::from_secs(2);

pub(crate) async fn try_channel(desk: &Arc<Desk>, wish: TryChannel) -> Result<ChannelTrial, ApiError> {
    let channel = asked_for(&wish.wish)?.planned();
    let keys = match (&wish.keys, wish.id) {
        (Some(keys), _) => typed(keys)?,
        (None, Some(id)) => kept_keys(desk, id).await?,
        (None, None) => return Err(ApiError::new("bad_key", "there is no key").about("key")),
    };
    let gateway = gateway_of(&channel, &keys, &Timing { poll: POLL, ..Timing::default() })
        .map_err(|unusable| unfit(&unusable))?;
    // A clinic's second number may be on the same server.
    let rows = desk.clinic().await?.cache.connections().await?;
    let known: Vec<_> = rows.into_iter().filter_map(|row| row.instance).collect();
    let number = desk.trial.begin(ChannelTrial { is_running: true, steps: TrialStep::ALL.map(waiting).to_vec() });
    let there = desk.clone();
    let task = tokio::spawn(async move {
        gateway.try_out(&known, |step, found| there.trial_tells(number, |trial| note(trial, step, found))).await;
        there.trial_tells(number, over);
    });
    desk.trial.keep(number, task.abort_handle());
    get_channel_trial(desk, Nothing {}).await
}

pub(crate) async fn get_channel_trial(desk: &Arc<Desk>, _: Nothing) -> Result<ChannelTrial, ApiError> {
    Ok(desk.trial.shown())
}

impl Desk {
    fn trial_tells(&self, number: u64, change: impl FnOnce(&mut ChannelTrial)) {
        if self.trial.tell(number, change) {
            self.announce(BTreeSet::from([Topic::Channels]), Vec::new());
        }
    }
}

fn waiting(step: TrialStep) -> ChannelTrialStep {
    ChannelTrialStep { step: step.as_str().to_owned(), state: "waiting".to_owned(), code: None, facts: BTreeMap::new() }
}

fn note(trial: &mut ChannelTrial, step: TrialStep, found: Found) {
    let (state, code, seen) = match found {
        Found::Looking => ("running", None, Vec::new()),
        Found::Fine(seen) => ("ok", None, seen),
        Found::Wrong(trouble) => ("failed", Some(trouble.code().to_owned()), Vec::new()),
    };
    let facts = seen.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    if let Some(shown) = trial.steps.iter_mut().find(|shown| shown.step == step.as_str()) {
        *shown = ChannelTrialStep { step: step.as_str().to_owned(), state: state.to_owned(), code, facts };
    }
}

/// Nothing is looked at behind a wrong step.
fn over(trial: &mut ChannelTrial) {
    trial.is_running = false;
    for step in trial.steps.iter_mut().filter(|step| matches!(step.state.as_str(), "waiting" | "running")) {
        "not_reached".clone_into(&mut step.state);
    }
}
