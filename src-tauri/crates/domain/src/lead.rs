//! Moving leads through a pipeline.

use uuid::Uuid;

use crate::Refusal;

/// What a stage means for the lead that stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StageKind {
    /// Still to be won.
    Open,
    /// Became a patient.
    Won,
    /// Will not come; a reason is known.
    Lost,
}

impl StageKind {
    /// Reads the name the database uses; an unknown one counts as open.
    pub fn parse(name: &str) -> Self {
        match name {
            "won" => Self::Won,
            "lost" => Self::Lost,
            _ => Self::Open,
        }
    }
}

/// Longest note beside a loss reason, in characters.
pub const LONGEST_LOSS_NOTE: usize = 500;

/// The wish to move a lead.
#[derive(Debug, Clone, PartialEq)]
pub struct Move {
    /// What the target stage means.
    pub stage: StageKind,
    /// Pipeline of the target stage.
    pub stage_pipeline: Uuid,
    /// Pipeline of the lead.
    pub lead_pipeline: Uuid,
    /// Why it is lost.
    pub loss_reason: Option<Uuid>,
    /// Words beside the reason.
    pub loss_note: Option<String>,
}

impl Move {
    /// Refuses a loss without a reason and a stage of another pipeline.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.stage_pipeline != self.lead_pipeline {
            return Err(Refusal::StageOfOtherPipeline);
        }
        if self.stage == StageKind::Lost && self.loss_reason.is_none() {
            return Err(Refusal::LossReasonRequired);
        }
        if self.loss_note.as_ref().is_some_and(|note| note.chars().count() > LONGEST_LOSS_NOTE) {
            return Err(Refusal::TextTooLong);
        }
        Ok(())
    }
}

/// A position between two cards, so that moving one card changes one row. `None` stands for the edge of the column.
/// Positions grow downwards.
pub fn position_between(above: Option<f64>, below: Option<f64>) -> f64 {
    match (above, below) {
        (None, None) => 0.0,
        (Some(above), None) => above + 1024.0,
        (None, Some(below)) => below - 1024.0,
        (Some(above), Some(below)) => f64::midpoint(above, below),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(stage: StageKind) -> Move {
        let pipeline = Uuid::from_u128(1);
        Move { stage, stage_pipeline: pipeline, lead_pipeline: pipeline, loss_reason: None, loss_note: None }
    }

    #[test]
    fn a_lead_is_never_lost_without_a_reason() {
        assert_eq!(to(StageKind::Lost).check(), Err(Refusal::LossReasonRequired));
        assert_eq!(Move { loss_reason: Some(Uuid::from_u128(2)), ..to(StageKind::Lost) }.check(), Ok(()));
        assert_eq!(to(StageKind::Won).check(), Ok(()));
    }

    #[test]
    fn a_lead_stays_in_its_pipeline() {
        let wish = Move { stage_pipeline: Uuid::from_u128(9), ..to(StageKind::Open) };
        assert_eq!(wish.check(), Err(Refusal::StageOfOtherPipeline));
    }

    #[test]
    fn a_position_between_two_cards_lies_between_them() {
        assert!(position_between(Some(1.0), Some(2.0)) > 1.0 && position_between(Some(1.0), Some(2.0)) < 2.0);
        assert!(position_between(Some(5.0), None) > 5.0);
        assert!(position_between(None, Some(5.0)) < 5.0);
    }
}
