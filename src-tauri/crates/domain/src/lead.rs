//! Moving leads through a pipeline.

use chrono::{DateTime, TimeDelta, Utc};
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

/// When a move counts as made: at `now`, the server's time as the desk knows it, and in any case after what the person saw,
/// whatever the clocks say.
pub fn moved_at(now: DateTime<Utc>, entered: DateTime<Utc>) -> DateTime<Utc> {
    now.max(entered + TimeDelta::microseconds(1))
}

/// A position between two cards, so that moving one card changes one row. `None` stands for the edge of the column.
/// Positions grow downwards. `chance`, from 0 to 1, keeps two desks that put cards into the same gap without knowing of each
/// other from choosing the same place: then nothing would fit between the two any more.
pub fn position_between(above: Option<f64>, below: Option<f64>, chance: f64) -> f64 {
    let part = 0.375 + 0.25 * chance.clamp(0.0, 1.0);
    match (above, below) {
        (None, None) => 256.0 * part,
        (Some(above), None) => above + 2048.0 * part,
        (None, Some(below)) => below - 2048.0 * part,
        (Some(above), Some(below)) => above + (below - above) * part,
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
        for chance in [0.0, 0.3, 1.0, 7.0] {
            let between = position_between(Some(1.0), Some(2.0), chance);
            assert!(between > 1.0 && between < 2.0, "{between}");
            assert!(position_between(Some(5.0), None, chance) > 5.0);
            assert!(position_between(None, Some(5.0), chance) < 5.0);
        }
    }

    #[test]
    fn two_desks_that_choose_the_same_gap_leave_room_between_them() {
        let (one, other) = (position_between(Some(0.0), Some(8.0), 0.2), position_between(Some(0.0), Some(8.0), 0.9));
        assert!(one < other);
        let between = position_between(Some(one), Some(other), 0.5);
        assert!(one < between && between < other);
    }

    #[test]
    fn thirty_cards_fit_into_the_gap_that_the_one_before_left() {
        let mut below = 1024.0;
        for _ in 0..30 {
            let next = position_between(Some(0.0), Some(below), 0.0);
            assert!(next > 0.0 && next < below);
            below = next;
        }
        let mut above = 0.0;
        for _ in 0..30 {
            let next = position_between(Some(above), Some(1024.0), 1.0);
            assert!(next > above && next < 1024.0);
            above = next;
        }
    }

    #[test]
    fn a_move_is_later_than_what_the_person_saw_even_on_a_slow_clock() {
        let entered = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        assert_eq!(moved_at(entered - TimeDelta::hours(3), entered), entered + TimeDelta::microseconds(1));
        assert_eq!(moved_at(entered + TimeDelta::hours(3), entered), entered + TimeDelta::hours(3));
    }
}
