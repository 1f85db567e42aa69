//! The board of leads, and moving cards on it.

mod types;

use std::sync::Arc;

use balcao_cache::{self as cache, Effect, NewOperation, WriteKind};
use balcao_domain::lead::{Move, StageKind, moved_at, position_between};
use serde_json::json;
use uuid::Uuid;

pub use types::*;

use crate::desk::Desk;
use crate::error::ApiError;
use crate::inbox::{at, entity, instant, object, phone, shown_name};
use crate::operations::Written;

/// Cards of one answer at the most.
const MOST_ROWS: u32 = 500;

pub(crate) async fn get_board(desk: &Arc<Desk>, request: GetBoard) -> Result<Board, ApiError> {
    let clinic = desk.clinic().await?;
    let (pipeline_id, name) = clinic.cache.pipeline(request.pipeline_id).await?;
    let limit = request.limit.min(MOST_ROWS);
    let mut stages = Vec::new();
    for row in clinic.cache.stages(pipeline_id).await? {
        let leads = clinic.cache.stage_leads(row.id, 0, limit).await?;
        stages.push(Stage {
            id: row.id,
            name: row.name,
            kind: row.kind,
            count: row.count,
            sum_cents: row.sum_cents as f64,
            leads: leads.into_iter().map(card).collect(),
        });
    }
    let loss_reasons = clinic.cache.loss_reasons().await?;
    Ok(Board {
        pipeline_id,
        name,
        stages,
        loss_reasons: loss_reasons.into_iter().map(|row| LossReason { id: row.id, name: row.name }).collect(),
    })
}

pub(crate) async fn list_stage_leads(desk: &Arc<Desk>, request: ListStageLeads) -> Result<StageLeads, ApiError> {
    let clinic = desk.clinic().await?;
    let leads = clinic.cache.stage_leads(request.stage_id, request.offset, request.limit.min(MOST_ROWS)).await?;
    Ok(StageLeads { leads: leads.into_iter().map(card).collect() })
}

pub(crate) async fn move_lead(desk: &Arc<Desk>, request: MoveLead) -> Result<Written, ApiError> {
    let clinic = desk.clinic().await?;
    let lead = clinic.cache.lead(request.lead_id).await?;
    let stage = clinic.cache.stage(request.stage_id).await?;
    let kind = StageKind::parse(&stage.kind);
    let note = request.loss_note.as_deref().map(str::trim).filter(|note| !note.is_empty()).map(str::to_owned);
    let stays = lead.stage_id == stage.id;
    // Within its column a lost lead keeps the reason it has.
    if !stays {
        let wish = Move {
            stage: kind,
            stage_pipeline: stage.pipeline_id,
            lead_pipeline: lead.pipeline_id,
            loss_reason: request.loss_reason_id,
            loss_note: note.clone(),
        };
        wish.check()?;
    }
    let (above, below) = clinic.cache.lead_gap(stage.id, lead.id, request.before_lead_id).await?;
    let operation_id = Uuid::now_v7();
    // The end of such an id is drawn by chance.
    let chance = f64::from(operation_id.as_u128() as u32) / f64::from(u32::MAX);
    let mut fields = object(json!({ "position": position_between(above, below, chance) }));
    if !stays {
        let now = instant(moved_at(clinic.cache.server_now().await?, at(lead.stage_entered_at)));
        let lost = kind == StageKind::Lost;
        fields.extend(object(json!({
            "stage_id": stage.id,
            "stage_entered_at": now,
            "closed_at": (kind != StageKind::Open).then_some(now),
            "loss_reason_id": request.loss_reason_id.filter(|_| lost),
            "loss_note": note.filter(|_| lost),
        })));
    }
    let operation = NewOperation {
        operation_id,
        action: "move_lead",
        kind: WriteKind::Patch,
        effect: Effect { entity: entity("leads")?, entity_id: lead.id, fields },
        followers: Vec::new(),
        // Moves are events: the database puts them in order by their times and compares none. What is compared here tells
        // whether a card that was moved away and back stands where it stood.
        unchecked: &["stage_entered_at", "closed_at", "loss_note"],
        depends_on: None,
        expires_at: None,
    };
    let operation_id = clinic.cache.enqueue(operation).await?;
    clinic.sync.written();
    Ok(Written { operation_id, entity_id: lead.id })
}

fn card(row: cache::LeadRow) -> LeadCard {
    LeadCard {
        id: row.id,
        stage_id: row.stage_id,
        contact_id: row.contact_id,
        name: shown_name(&row.name, row.profile_name.as_deref(), phone(row.phone.as_deref()).as_deref()),
        title: row.title,
        value_cents: row.value_cents.map(|cents| cents as f64),
        source: row.source,
        stage_entered_at: at(row.stage_entered_at),
        next_action: row.next_action,
        next_action_at: row.next_action_at.map(at),
        owner: row.owner,
        last_message: row.last_message.filter(|text| !text.is_empty()),
        conversation_id: row.conversation_id,
        loss_reason: row.loss_reason,
        loss_reason_id: row.loss_reason_id,
        loss_note: row.loss_note,
        state: row.state.into(),
    }
}
