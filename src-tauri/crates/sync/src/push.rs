//! Queue to database.

use std::collections::HashSet;

use balcao_cache::{Cache, QueuedOperation, Settlement};
use balcao_tenant::{Error, Operation, OperationKind, Outcome};
use serde_json::Map;
use uuid::Uuid;

use crate::tally::Tally;
use crate::{Remote, Result, plan};

/// Sends everything that may be sent now. Returns how many operations got a verdict.
pub(crate) async fn push<R: Remote>(remote: &R, cache: &Cache, tally: &mut Tally) -> Result<usize> {
    let expired = cache.park_expired().await?;
    if expired > 0 {
        cache.log("expired", &format!("parked={expired}")).await?;
    }
    let mut settled = 0;
    loop {
        let due = cache.take_due(plan::BATCH).await?;
        if due.is_empty() {
            return Ok(settled);
        }
        match remote.apply(&due.iter().map(operation).collect::<Vec<_>>()).await {
            Ok(outcomes) => settled += settle(cache, &due, &outcomes, tally).await?,
            // Nothing is known about any of them; their ids make sending them again harmless.
            Err(error) if error.is_connection() => return Err(error.into()),
            Err(error) if error.is_permanent() => {
                // A login that was taken away meanwhile says nothing about what was written with it.
                remote.whoami().await?;
                settled += one_by_one(remote, cache, &due, tally).await?;
            }
            Err(_busy) => put_off(cache, &due).await?,
        }
    }
}

/// Takes the database's word on a batch. What it has not decided is put off.
async fn settle(cache: &Cache, due: &[QueuedOperation], outcomes: &[Outcome], tally: &mut Tally) -> Result<usize> {
    let settlements: Vec<(Uuid, Settlement)> =
        outcomes.iter().filter_map(|outcome| Some((outcome.operation_id, plan::settlement(outcome)?))).collect();
    cache.settle(&settlements).await?;
    settlements.iter().for_each(|(_, settlement)| tally.settled(settlement));
    if settlements.iter().any(|(_, settlement)| plan::is_of_erased(settlement)) {
        let dropped = cache.give_up_erased().await?;
        cache.log("erased_dropped", &format!("dropped={dropped}")).await?;
    }
    if settlements.len() < due.len() {
        let settled: HashSet<Uuid> = settlements.iter().map(|(id, _)| *id).collect();
        let undecided: Vec<_> = due.iter().filter(|each| !settled.contains(&each.operation_id)).cloned().collect();
        put_off(cache, &undecided).await?;
    }
    Ok(settlements.len())
}

async fn put_off(cache: &Cache, due: &[QueuedOperation]) -> Result<()> {
    let tries = due.iter().map(|operation| operation.attempts).max().unwrap_or(0);
    let ids: Vec<_> = due.iter().map(|operation| operation.operation_id).collect();
    Ok(cache.put_off(&ids, plan::back_off(tries, rand::random())).await?)
}

/// The database did not take the batch as a whole: whichever operation is at fault is parked, the others go through. Where
/// one is put off, what comes after it is asked for anew: it may have to wait behind that one.
async fn one_by_one<R: Remote>(remote: &R, cache: &Cache, due: &[QueuedOperation], tally: &mut Tally) -> Result<usize> {
    let mut settled = 0;
    for queued in due {
        let one = std::slice::from_ref(queued);
        match remote.apply(&[operation(queued)]).await {
            Ok(outcomes) => match settle(cache, one, &outcomes, tally).await? {
                0 => break,
                decided => settled += decided,
            },
            Err(error) if error.is_connection() => return Err(error.into()),
            Err(error) if error.is_permanent() => {
                cache
                    .log("operation_refused", &format!("operation={} code={}", queued.operation_id, error.code()))
                    .await?;
                let reason = if error == Error::NotPermitted { "not_permitted" } else { "invalid" };
                let parked = Settlement::Parked { reason: reason.to_owned(), theirs: Map::new() };
                tally.settled(&parked);
                cache.settle(&[(queued.operation_id, parked)]).await?;
                settled += 1;
            }
            Err(_busy) => {
                put_off(cache, one).await?;
                break;
            }
        }
    }
    Ok(settled)
}

fn operation(queued: &QueuedOperation) -> Operation {
    Operation {
        operation_id: queued.operation_id,
        entity: queued.entity.clone(),
        entity_id: queued.entity_id,
        kind: match queued.kind.as_str() {
            "insert" => OperationKind::Insert,
            "delete" => OperationKind::Delete,
            _ => OperationKind::Patch,
        },
        fields: queued.fields.clone(),
        base: queued.base.clone(),
        expires_at: queued.expires_at,
    }
}
