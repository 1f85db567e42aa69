//! What of the messages that arrive is said outside the window: of which threads, together with what, how much of it, and
//! when not at all.

mod quiet_hours;
mod teller;

use uuid::Uuid;

pub use quiet_hours::QuietHours;
pub use teller::{Arrival, Moment, Notice, Teller};

/// Of whose threads it is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// One's own, and those that are nobody's yet.
    MineAndNobodys,
    /// Everybody's.
    Everybodys,
}

/// How much of a message is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shows {
    /// That there is one.
    Nothing,
    /// From whom it is.
    Name,
    /// What it says, too.
    Everything,
}

/// What a person has chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Whether anything is said.
    pub on: bool,
    /// Of whose threads.
    pub whose: Whose,
    /// How much.
    pub shows: Shows,
    /// Whether it is heard.
    pub sound: bool,
    /// When not.
    pub quiet: Option<QuietHours>,
}

impl Choice {
    /// Whether a thread is one of those that are told of.
    pub fn concerns(&self, assignee: Option<Uuid>, me: Uuid) -> bool {
        self.whose == Whose::Everybodys || assignee.is_none_or(|assignee| assignee == me)
    }

    /// How much is said: while the screens are locked, nothing of a person.
    pub fn shown(&self, is_locked: bool) -> Shows {
        if is_locked { Shows::Nothing } else { self.shows }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);

    fn choice(whose: Whose) -> Choice {
        Choice { on: true, whose, shows: Shows::Everything, sound: true, quiet: None }
    }

    #[test]
    fn what_somebody_else_works_on_is_said_to_everybody_only_when_asked_for() {
        let mine = choice(Whose::MineAndNobodys);
        assert!(mine.concerns(None, ME) && mine.concerns(Some(ME), ME) && !mine.concerns(Some(OTHER), ME));
        assert!(choice(Whose::Everybodys).concerns(Some(OTHER), ME));
    }

    #[test]
    fn nothing_of_a_person_is_said_while_the_screens_are_locked() {
        let choice = choice(Whose::Everybodys);
        assert_eq!((choice.shown(false), choice.shown(true)), (Shows::Everything, Shows::Nothing));
    }
}
