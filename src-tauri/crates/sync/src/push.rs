//! Queue to database.

use balcao_cache::{Cache, QueuedOperation, Settlement};
use balcao_tenant::{Operation, OperationKind, Tenant};
use serde_json::Map;

use crate::{Result, plan};

/// Sends everything that may be sent now. Returns how many operations got a verdict.
pub(crate) async fn push(tenant: &Tenant, cache: &Cache) -> Result<usize> {
    cache.park_expired().await?;
    let mut settled = 0;
    loop {
        let due = cache.take_due(plan::BATCH).await?;
        if due.is_empty() {
            return Ok(settled);
        }
        settled += due.len();
        match tenant.apply(&due.iter().map(operation).collect::<Vec<_>>()).await {
            Ok(outcomes) => {
                let settlements: Vec<_> =
                    outcomes.iter().map(|outcome| (outcome.operation_id, plan::settlement(outcome))).collect();
                cache.settle(&settlements).await?;
            }
            // Nothing is known about any of them; their ids make sending them again harmless.
            Err(error) if error.is_connection() => return Err(error.into()),
            Err(error) if error.is_permanent() => one_by_one(tenant, cache, &due).await?,
            Err(_busy) => {
                let tries = due.iter().map(|operation| operation.attempts).max().unwrap_or(0);
                let ids: Vec<_> = due.iter().map(|operation| operation.operation_id).collect();
                cache.put_off(&ids, plan::back_off(tries, rand::random())).await?;
            }
        }
    }
}

/// The database did not take the batch as a whole: whichever operation is at fault is parked, the others go through.
async fn one_by_one(tenant: &Tenant, cache: &Cache, due: &[QueuedOperation]) -> Result<()> {
    for queued in due {
        let settlement = match tenant.apply(&[operation(queued)]).await {
            Ok(outcomes) => outcomes.first().map(plan::settlement),
            Err(error) if error.is_permanent() => {
                cache.log("operation_refused", &format!("{} {}", queued.operation_id, error.code())).await?;
                Some(Settlement::Parked { reason: "invalid".to_owned(), theirs: Map::new() })
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(settlement) = settlement {
            cache.settle(&[(queued.operation_id, settlement)]).await?;
        }
    }
    Ok(())
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
    }
}
