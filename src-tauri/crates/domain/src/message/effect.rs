//! What happens to a message after it was sent. The gateway tells it in any order and more than once, so every rule here
//! is a maximum or a minimum: whatever the order, the same state comes out.

use chrono::{DateTime, Utc};

/// How far an outbound message has come. The order of the variants is the order of the ladder.
///
/// `Failed` stands above `Sent`, because the gateway may take a message and report its failure later, and below
/// `Delivered`, because what has arrived has not failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryStatus {
    /// Written at a desk, waiting to be sent.
    Queued,
    /// Handed to the gateway, not acknowledged.
    Sending,
    /// It may have gone out or not; a person decides.
    Unknown,
    /// WhatsApp has it: one tick.
    Sent,
    /// It will not arrive.
    Failed,
    /// It is on the person's phone: two ticks.
    Delivered,
    /// The person has read it.
    Read,
    /// The person has listened to it.
    Played,
}

impl DeliveryStatus {
    /// Every rung, lowest first.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Sending,
        Self::Unknown,
        Self::Sent,
        Self::Failed,
        Self::Delivered,
        Self::Read,
        Self::Played,
    ];

    /// Name in the clinic's database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Unknown => "unknown",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Played => "played",
        }
    }

    /// The status with this name in the clinic's database; `None` for another one, among them `received`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// The status after another one was reported: a report only ever moves it up. Sending again is no report but a
    /// decision, and not made here.
    pub fn climb(self, reported: Self) -> Self {
        self.max(reported)
    }
}

/// An emoji on a message: one for each side of a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    /// Whether the clinic gave it.
    pub from_me: bool,
    /// The emoji; empty once it was taken back, so that an older report does not bring it back.
    pub emoji: String,
    /// When it was given or taken back.
    pub at: DateTime<Utc>,
}

/// What the gateway reports about a message that was sent before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// It has come this far.
    Status {
        /// How far.
        status: DeliveryStatus,
        /// When we heard of it: the gateway does not say when it happened.
        at: DateTime<Utc>,
    },
    /// Its text was replaced.
    Edit {
        /// The new text or caption.
        body: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// It was deleted for everyone.
    Revoke {
        /// When.
        at: DateTime<Utc>,
    },
    /// One side reacted to it.
    Reaction(Reaction),
}

/// The part of a message that effects change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageState {
    /// How far it has come; `None` for what the person wrote.
    pub status: Option<DeliveryStatus>,
    /// When it was known to be delivered.
    pub delivered_at: Option<DateTime<Utc>>,
    /// When it was known to be read.
    pub read_at: Option<DateTime<Utc>>,
    /// Text or caption.
    pub body: String,
    /// When the text was last replaced.
    pub edited_at: Option<DateTime<Utc>>,
    /// When it was deleted for everyone.
    pub revoked_at: Option<DateTime<Utc>>,
    /// At most one of each side, the person's first.
    pub reactions: Vec<Reaction>,
}

impl MessageState {
    /// Takes in one report. Reports may come in any order and any number of times.
    pub fn apply(&mut self, effect: &Effect) {
        match effect {
            Effect::Status { status, at } => self.apply_status(*status, *at),
            Effect::Edit { body, at } => {
                let newer = match self.edited_at {
                    None => true,
                    Some(before) => (before, &self.body) < (*at, body),
                };
                if newer {
                    self.edited_at = Some(*at);
                    self.body.clone_from(body);
                }
            }
            Effect::Revoke { at } => self.revoked_at = earliest(self.revoked_at, *at),
            Effect::Reaction(reaction) => self.apply_reaction(reaction),
        }
    }

    fn apply_status(&mut self, reported: DeliveryStatus, at: DateTime<Utc>) {
        // What a person wrote has no ticks of ours.
        let Some(status) = self.status else { return };
        self.status = Some(status.climb(reported));
        if reported >= DeliveryStatus::Delivered {
            self.delivered_at = earliest(self.delivered_at, at);
        }
        if reported >= DeliveryStatus::Read {
            self.read_at = earliest(self.read_at, at);
        }
    }

    fn apply_reaction(&mut self, reaction: &Reaction) {
        match self.reactions.iter_mut().find(|known| known.from_me == reaction.from_me) {
            Some(known) if (known.at, &known.emoji) < (reaction.at, &reaction.emoji) => known.clone_from(reaction),
            Some(_) => {}
            None => {
                self.reactions.push(reaction.clone());
                self.reactions.sort_by_key(|known| known.from_me);
            }
        }
    }
}

fn earliest(known: Option<DateTime<Utc>>, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    Some(known.map_or(at, |known| known.min(at)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    fn ours() -> MessageState {
        MessageState { status: Some(DeliveryStatus::Sending), body: "Bom dia".into(), ..MessageState::default() }
    }

    #[test]
    fn ticks_only_move_up() {
        let mut message = ours();
        for (second, status) in [(3, DeliveryStatus::Read), (5, DeliveryStatus::Sent), (7, DeliveryStatus::Delivered)] {
            message.apply(&Effect::Status { status, at: at(second) });
        }
        assert_eq!(message.status, Some(DeliveryStatus::Read));
        assert_eq!(message.delivered_at, Some(at(3)), "what was read had been delivered by then");
        assert_eq!(message.read_at, Some(at(3)));
    }

    #[test]
    fn a_failure_after_one_tick_counts_and_after_two_does_not() {
        use DeliveryStatus::{Delivered, Failed, Sent};
        assert_eq!(Sent.climb(Failed), Failed);
        assert_eq!(Failed.climb(Sent), Failed);
        assert_eq!(Delivered.climb(Failed), Delivered);
    }

    #[test]
    fn what_the_person_wrote_has_no_ticks() {
        let mut theirs = MessageState::default();
        theirs.apply(&Effect::Status { status: DeliveryStatus::Read, at: at(1) });
        assert_eq!(theirs, MessageState::default());
    }

    #[test]
    fn a_reaction_that_was_taken_back_stays_away() {
        let mut message = ours();
        let reaction =
            |emoji: &str, second| Effect::Reaction(Reaction { from_me: false, emoji: emoji.into(), at: at(second) });
        message.apply(&reaction("", 9));
        message.apply(&reaction("👍", 5));
        assert_eq!(message.reactions.len(), 1);
        assert_eq!(message.reactions[0].emoji, "");
        message.apply(&reaction("❤️", 12));
        assert_eq!(message.reactions[0].emoji, "❤️");
    }

    #[test]
    fn names_lead_back_to_their_status() {
        for status in DeliveryStatus::ALL {
            assert_eq!(DeliveryStatus::from_name(status.name()), Some(status));
        }
        assert_eq!(DeliveryStatus::from_name("received"), None);
        assert!(DeliveryStatus::ALL.is_sorted());
    }

    fn effects() -> impl Strategy<Value = Effect> {
        let instant = || (0..6_i64).prop_map(at);
        prop_oneof![
            (0..8_usize, instant()).prop_map(|(rung, at)| Effect::Status { status: DeliveryStatus::ALL[rung], at }),
            ("[ab]{1,2}", instant()).prop_map(|(body, at)| Effect::Edit { body, at }),
            instant().prop_map(|at| Effect::Revoke { at }),
            ("[xy]?", any::<bool>(), instant()).prop_map(|(emoji, from_me, at)| Effect::Reaction(Reaction {
                from_me,
                emoji,
                at
            })),
        ]
    }

    proptest! {
        #[test]
        fn any_order_and_any_repetition_gives_the_same_state(
            (told, again) in prop::collection::vec(effects(), 0..8).prop_flat_map(|told| {
                let twice: Vec<_> = told.iter().chain(&told).cloned().collect();
                (Just(told), Just(twice).prop_shuffle())
            })
        ) {
            let (mut once, mut shuffled) = (ours(), ours());
            told.iter().for_each(|effect| once.apply(effect));
            let mut rung = shuffled.status;
            for effect in &again {
                shuffled.apply(effect);
                prop_assert!(shuffled.status >= rung, "a status went down");
                rung = shuffled.status;
            }
            prop_assert_eq!(once, shuffled);
        }
    }
}
