//! What became of a message that was sent.

use balcao_domain::message::{ChatAddress, GatewayId};

/// What is known after one try. Only [`Outcome::NotSent`] may be tried again without asking anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The gateway took it. Whether WhatsApp did comes later, as a status.
    Accepted {
        /// Its id from now on.
        gateway_id: GatewayId,
        /// The chat as WhatsApp really calls it, where the gateway says so: the truth about a ninth digit.
        chat: Option<ChatAddress>,
    },
    /// It was not taken, and will not arrive.
    Refused(Refusal),
    /// It may have gone out or not. It must not be sent again before somebody has looked.
    Unknown {
        /// What was the last that was heard, at most 300 characters, without numbers of people.
        text: String,
    },
    /// It never left this computer, or never reached the gateway.
    NotSent {
        /// Why, as above.
        text: String,
    },
}

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason.
    pub code: RefusalCode,
    /// The gateway's words, at most 300 characters, without numbers of people.
    pub text: String,
}

/// The reasons that lead to different words, and different things to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalCode {
    /// The number has no WhatsApp, or it cannot be reached there.
    NotOnWhatsapp,
    /// More than a day after the person's last message only a template may be sent.
    OutsideTheDay,
    /// The person, or Meta for them, wants nothing like it.
    Blocked,
    /// Too much in too short a time.
    TooMany,
    /// Text, file or template are not as they must be.
    Content,
    /// A file is too large for it.
    TooLarge,
    /// The key is wrong.
    KeyRefused,
    /// The gateway has no such connection.
    NoInstance,
    /// The gateway's own licence was not activated.
    LicenceRequired,
    /// Meta has locked the account, or wants to be paid.
    Account,
    /// The gateway cannot send such a thing at all.
    Unsupported,
    /// For another reason.
    Other,
}

impl Refusal {
    /// Whether the same message cannot be taken later either.
    pub fn is_permanent(&self) -> bool {
        self.code.is_permanent()
    }
}

impl RefusalCode {
    /// Whether the same message cannot be taken later either. What concerns the whole connection passes when somebody
    /// mends it.
    pub fn is_permanent(self) -> bool {
        match self {
            Self::TooMany | Self::KeyRefused | Self::NoInstance | Self::LicenceRequired | Self::Account => false,
            Self::NotOnWhatsapp
            | Self::OutsideTheDay
            | Self::Blocked
            | Self::Content
            | Self::TooLarge
            | Self::Unsupported
            | Self::Other => true,
        }
    }

    /// Whether it is no matter of this message but of the connection: nothing else will be taken either.
    pub fn is_of_the_connection(self) -> bool {
        matches!(self, Self::KeyRefused | Self::NoInstance | Self::LicenceRequired | Self::Account)
    }

    /// Name for the database and the screens.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotOnWhatsapp => "not_on_whatsapp",
            Self::OutsideTheDay => "outside_the_day",
            Self::Blocked => "blocked",
            Self::TooMany => "too_many",
            Self::Content => "content",
            Self::TooLarge => "too_large",
            Self::KeyRefused => "key_refused",
            Self::NoInstance => "no_instance",
            Self::LicenceRequired => "licence_required",
            Self::Account => "account",
            Self::Unsupported => "unsupported",
            Self::Other => "other",
        }
    }
}
