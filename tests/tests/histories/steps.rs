//! What can happen in a history, and how histories are drawn.

use std::fmt;

use proptest::prelude::*;

use crate::desk::Run;
use crate::line::{Fault, Mishap};
use crate::people::Kind;
use crate::writer::{Deed, Then, WRITTEN};

/// Programs beside the desks.
pub const WRITERS: usize = 2;

/// Things that people do with threads.
pub const TALK_DEEDS: u8 = 14;

/// A person's deed at a desk. Numbers choose among the rows there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Reply {
        talk: u8,
        /// It is to go in some hours.
        later: bool,
    },
    ReplyWithFile {
        talk: u8,
    },
    /// Decides anew about a message that was to go later.
    ChangePutOff {
        which: u8,
        change: PutOff,
    },
    /// Writes to the team, naming somebody of it.
    NoteInTalk {
        talk: u8,
        names: u8,
    },
    SeeMentions {
        talk: u8,
    },
    /// Makes a quick reply, or changes one.
    SaveReply {
        which: Option<u8>,
    },
    RemoveReply {
        which: u8,
    },
    Set(Setting),
    Book {
        talk: u8,
        slot: u8,
        professional: u8,
        for_another: bool,
    },
    UndoBooking {
        which: u8,
    },
    MoveVisit {
        visit: u8,
        slot: u8,
        professional: u8,
        squeeze: bool,
    },
    MoveLead {
        lead: u8,
        stage: u8,
        before: Option<u8>,
    },
    /// Does something with a thread, by number.
    OnTalk {
        talk: u8,
        deed: u8,
    },
    /// Takes back what was last done with threads at this desk.
    TakeBack,
    NoteOnContact {
        contact: u8,
    },
    NoteOnVisit {
        visit: u8,
    },
    EditContact {
        contact: u8,
        field: u8,
    },
    BlockHours,
    FreeHours {
        which: u8,
    },
    /// Decides about one of the writes that were refused.
    Decide {
        which: u8,
        choice: Choice,
    },
    /// Gives up one that still waits.
    Withdraw {
        which: u8,
    },
    /// Sends everything again that needs no decision.
    RetryAll,
    /// Takes back that something was given up.
    WantAgain {
        which: u8,
    },
}

impl Act {
    /// The command by which a desk does it; none for what no screen has a command for yet.
    pub fn command(self) -> Option<&'static str> {
        Some(match self {
            Self::Reply { .. } => "send_message",
            Self::ReplyWithFile { .. } => "send_file",
            Self::ChangePutOff { .. } => "change_scheduled",
            Self::NoteInTalk { .. } => "write_note",
            Self::SeeMentions { .. } => "see_mentions",
            Self::SaveReply { .. } => "save_quick_reply",
            Self::RemoveReply { .. } => "remove_quick_reply",
            Self::Set(setting) => setting.command(),
            Self::Book { .. } => "book_appointment",
            Self::UndoBooking { .. } => "undo_booking",
            Self::MoveVisit { .. } => "reschedule_appointment",
            Self::MoveLead { .. } => "move_lead",
            Self::OnTalk { .. } => "act_on_threads",
            Self::TakeBack => "undo_threads",
            Self::NoteOnContact { .. } | Self::NoteOnVisit { .. } => "add_note",
            Self::Decide { .. } | Self::Withdraw { .. } => "decide_operation",
            Self::RetryAll => "retry_operations",
            Self::WantAgain { .. } => "restore_operation",
            Self::EditContact { .. } | Self::BlockHours | Self::FreeHours { .. } => return None,
        })
    }
}

/// What becomes of a message that was to go later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutOff {
    Later,
    Now,
    Off,
    AfterAll,
}

/// What is chosen for the whole clinic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    WaitLimits,
    FilesKept,
    BookingLead,
    Survey,
}

impl Setting {
    pub const ALL: [Self; 4] = [Self::WaitLimits, Self::FilesKept, Self::BookingLead, Self::Survey];

    /// The command that sets it.
    pub fn command(self) -> &'static str {
        match self {
            Self::WaitLimits => "set_wait_limits",
            Self::FilesKept => "set_files_kept",
            Self::BookingLead => "set_booking_lead",
            Self::Survey => "set_survey",
        }
    }
}

/// What is chosen for a refused write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    Retry,
    SqueezeIn,
    Discard,
}

/// One step of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Someone does something at a desk.
    Person { desk: u8, act: Act },
    /// A desk copies.
    Engine { desk: u8, run: Run, fault: Option<Fault> },
    /// Someone else writes into the database.
    Write { writer: u8, kind: Kind, which: u8, deed: Deed, then: Then },
    /// Someone else's transaction ends.
    End { writer: u8, commit: bool },
    /// A desk's clock is set.
    Skew { desk: u8, minutes: i16 },
    /// A desk's program is ended and started.
    Restart { desk: u8 },
    /// The server is.
    RestartServer,
    /// The database is kept as it is.
    BackUp,
    /// The database becomes what it was.
    Restore,
}

/// A history: how many desks, and what happens.
#[derive(Clone)]
pub struct History {
    pub desks: usize,
    /// The desks have their first copy when it begins.
    pub copied: bool,
    pub steps: Vec<Step>,
}

impl fmt::Debug for History {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} desks, {}", self.desks, if self.copied { "with a copy each" } else { "without a copy" })?;
        self.steps.iter().enumerate().try_for_each(|(number, step)| write!(out, "\n  {number:>3}  {step:?}"))
    }
}

/// How often what happens. The checks are the same for all.
#[derive(Debug, Clone, Copy)]
pub struct Weights {
    pub person: u32,
    /// Of ten pieces of a history, how many are a disagreement.
    pub contests: u32,
    pub engine: u32,
    pub fault: f64,
    /// Among the faults, answers that get lost.
    pub lost_answers: u32,
    pub write: u32,
    pub delete: u32,
    pub erase: u32,
    pub end: u32,
    pub disaster: u32,
    pub most_steps: usize,
}

impl Weights {
    /// Something of everything.
    pub const ALL: Self = Self {
        person: 30,
        contests: 1,
        engine: 30,
        fault: 0.35,
        lost_answers: 4,
        write: 18,
        delete: 2,
        erase: 1,
        end: 6,
        disaster: 1,
        most_steps: 64,
    };
}

/// Draws histories.
pub fn histories(weights: Weights) -> impl Strategy<Value = History> {
    let one = step(weights).prop_map(|step| vec![step]);
    let piece = prop::strategy::Union::new_weighted(vec![(9, one.boxed()), (weights.contests, contest().boxed())]);
    let steps = prop::collection::vec(piece, weights.most_steps / 4..=weights.most_steps).prop_map(|all| all.concat());
    // Without desks or their copies less can happen: that is what a shorter history has less of.
    (2..=4_usize, prop::bool::weighted(0.8), steps).prop_map(|(desks, copied, steps)| History { desks, copied, steps })
}

fn step(weights: Weights) -> impl Strategy<Value = Step> {
    let Weights { disaster, .. } = weights;
    let person = (0..4_u8, act()).prop_map(|(desk, act)| Step::Person { desk, act });
    let engine = (0..4_u8, run(), proptest::option::weighted(weights.fault.max(0.001), fault(weights.lost_answers)))
        .prop_map(|(desk, run, fault)| Step::Engine { desk, run, fault });
    let write = (0..2_u8, prop::sample::select(&WRITTEN[..]), few(), deed(weights), then());
    let write = write.prop_map(|(writer, kind, which, deed, then)| Step::Write { writer, kind, which, deed, then });
    let end = (0..2_u8, prop::bool::weighted(0.8)).prop_map(|(writer, commit)| Step::End { writer, commit });
    let skew = (0..4_u8, -600_i16..=600).prop_map(|(desk, minutes)| Step::Skew { desk, minutes });
    let all: [(u32, BoxedStrategy<Step>); 9] = [
        (weights.person, person.boxed()),
        (weights.engine, engine.boxed()),
        (weights.write, write.boxed()),
        (weights.end, end.boxed()),
        (3 * disaster, skew.boxed()),
        (disaster, (0..4_u8).prop_map(|desk| Step::Restart { desk }).boxed()),
        (disaster, Just(Step::RestartServer).boxed()),
        (disaster, Just(Step::BackUp).boxed()),
        (disaster, Just(Step::Restore).boxed()),
    ];
    prop::strategy::Union::new_weighted(all.into_iter().filter(|(weight, _)| *weight > 0).collect())
}

/// Two who do not know of one another want something else of the same row, or the same place.
fn contest() -> impl Strategy<Value = Vec<Step>> {
    (0..13_u8, 0..4_u8, 1..4_u8, 0..3_u8, 0..3_u8).prop_map(|(about, desk, further, which, slot)| {
        let person = |act| Step::Person { desk, act };
        let another = |act| Step::Person { desk: desk + further, act };
        let write = |kind, deed| Step::Write { writer: 0, kind, which, deed, then: Then::Commit };
        let edit = Act::EditContact { contact: which, field: slot };
        let to = |visit, slot| Act::MoveVisit { visit, slot, professional: 0, squeeze: false };
        let on = |deed| Act::OnTalk { talk: which, deed };
        let lead = Act::MoveLead { lead: which, stage: slot, before: None };
        let set = |setting: u8| Act::Set(Setting::ALL[usize::from(setting) % Setting::ALL.len()]);
        let book = |talk, slot| Act::Book { talk, slot, professional: 0, for_another: false };
        match about {
            0 => vec![person(edit), another(edit)],
            1 => vec![person(to(which, slot)), another(to(which, slot + 1))],
            2 => vec![person(to(which, slot)), another(to(which + 1, slot))],
            3 => vec![person(edit), write(Kind::Contact, Deed::Change(slot % 2))],
            4 => vec![person(to(which, slot)), write(Kind::Visit, Deed::Change(1))],
            5 => vec![person(lead), write(Kind::Lead, Deed::Delete)],
            6 => vec![person(Act::Reply { talk: which, later: false }), write(Kind::Talk, Deed::Delete)],
            // Given to different people, put aside and closed, with different labels.
            7 => vec![person(on(0)), another(on(1))],
            8 => vec![person(on(5 + slot)), another(on(7))],
            9 => vec![person(on(3)), another(on(4 + slot)), person(Act::TakeBack)],
            10 => vec![person(set(slot)), another(set(slot + 1))],
            11 => vec![person(book(which, slot)), another(book(which + 1, slot))],
            _ => vec![person(lead), another(Act::MoveLead { lead: which, stage: slot + 1, before: Some(0) })],
        }
    })
}

/// Mostly the same few rows: people who never meet never disagree.
fn few() -> impl Strategy<Value = u8> {
    prop_oneof![5 => 0..2_u8, 3 => 2..5_u8, 1 => 5..32_u8]
}

/// What a person may do.
pub fn act() -> impl Strategy<Value = Act> {
    let put_off = prop::sample::select(&[PutOff::Later, PutOff::Now, PutOff::Off, PutOff::AfterAll][..]);
    let choice = prop::sample::select(&[Choice::Retry, Choice::SqueezeIn, Choice::Discard][..]);
    prop_oneof![
        8 => (few(), prop::bool::weighted(0.3)).prop_map(|(talk, later)| Act::Reply { talk, later }),
        2 => few().prop_map(|talk| Act::ReplyWithFile { talk }),
        3 => (few(), put_off).prop_map(|(which, change)| Act::ChangePutOff { which, change }),
        3 => (few(), 0..4_u8).prop_map(|(talk, names)| Act::NoteInTalk { talk, names }),
        3 => few().prop_map(|talk| Act::SeeMentions { talk }),
        3 => proptest::option::of(few()).prop_map(|which| Act::SaveReply { which }),
        1 => few().prop_map(|which| Act::RemoveReply { which }),
        4 => prop::sample::select(&Setting::ALL[..]).prop_map(Act::Set),
        4 => (few(), 0..5_u8, 0..2_u8, prop::bool::weighted(0.3))
            .prop_map(|(talk, slot, professional, for_another)| Act::Book { talk, slot, professional, for_another }),
        2 => few().prop_map(|which| Act::UndoBooking { which }),
        6 => (few(), 0..4_u8, 0..2_u8, prop::bool::weighted(0.2))
            .prop_map(|(visit, slot, professional, squeeze)| Act::MoveVisit { visit, slot, professional, squeeze }),
        6 => (few(), 0..5_u8, proptest::option::of(few()))
            .prop_map(|(lead, stage, before)| Act::MoveLead { lead, stage, before }),
        10 => (few(), 0..TALK_DEEDS).prop_map(|(talk, deed)| Act::OnTalk { talk, deed }),
        3 => Just(Act::TakeBack),
        4 => few().prop_map(|contact| Act::NoteOnContact { contact }),
        2 => few().prop_map(|visit| Act::NoteOnVisit { visit }),
        8 => (few(), 0..3_u8).prop_map(|(contact, field)| Act::EditContact { contact, field }),
        1 => Just(Act::BlockHours),
        2 => (0..4_u8).prop_map(|which| Act::FreeHours { which }),
        6 => (0..4_u8, choice).prop_map(|(which, choice)| Act::Decide { which, choice }),
        2 => (0..4_u8).prop_map(|which| Act::Withdraw { which }),
        1 => Just(Act::RetryAll),
        2 => few().prop_map(|which| Act::WantAgain { which }),
    ]
}

fn run() -> impl Strategy<Value = Run> {
    prop_oneof![1 => Just(Run::Connect), 3 => Just(Run::Push), 3 => Just(Run::Pull), 4 => Just(Run::Round)]
}

fn fault(lost_answers: u32) -> impl Strategy<Value = Fault> {
    // The first call of an engine that is connected, and of one that has to connect before.
    let at = prop_oneof![5 => Just(0), 4 => Just(2), 2 => 0..5_u8, 2 => 4..32_u8];
    let what = prop_oneof![
        2 => Just(Mishap::Refused),
        lost_answers => Just(Mishap::AnswerLost),
        3 => (0..8_u8).prop_map(Mishap::CutAfter),
        1 => Just(Mishap::KilledBefore),
        3 => Just(Mishap::KilledAfter),
        3 => (0..8_u8).prop_map(Mishap::KilledAfterBatches),
        3 => (0..120_u8).prop_map(Mishap::KilledInside),
    ];
    (at, what).prop_map(|(at, what)| Fault { at, what })
}

fn deed(weights: Weights) -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => Just(Deed::Insert),
        8 => (0..6_u8).prop_map(Deed::Change),
        weights.delete => Just(Deed::Delete),
        1 => Just(Deed::Replace),
        weights.erase => Just(Deed::Erase),
    ]
}

fn then() -> impl Strategy<Value = Then> {
    prop_oneof![4 => Just(Then::Commit), 4 => Just(Then::Stay), 1 => Just(Then::RollBack)]
}
