//! Expected answers that are not a yes.

/// Why the desk, or the database, says no to something a person asked for. A refusal is not a failure: nothing broke, and
/// the screen has words and choices for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// A message without text.
    #[error("the message has no text")]
    TextEmpty,
    /// A text longer than the field or the gateway takes.
    #[error("the text is too long")]
    TextTooLong,
    /// The end is not after the start.
    #[error("the end is not after the start")]
    EndsBeforeStart,
    /// A visit longer than a day.
    #[error("a visit cannot last longer than a day")]
    TooLong,
    /// Another visit stands in the slot.
    #[error("another visit stands in this slot")]
    SlotTaken,
    /// The professional does not work then.
    #[error("the professional does not work at this time")]
    OutsideWorkingHours,
    /// The visit is over, cancelled or missed.
    #[error("the visit is finished and cannot be moved")]
    VisitFinished,
    /// A squeezed-in visit needs a reason.
    #[error("a squeezed-in visit needs a reason")]
    SqueezeReasonRequired,
    /// A lead cannot be lost without saying why.
    #[error("a lost lead needs a reason")]
    LossReasonRequired,
    /// The stage does not belong to the lead's pipeline.
    #[error("the stage belongs to another pipeline")]
    StageOfOtherPipeline,
    /// A thread with as many labels as it takes.
    #[error("a conversation takes no more labels")]
    TooManyLabels,
    /// A time that is over.
    #[error("this time is over")]
    TimePassed,
    /// A time too far ahead for anybody to remember.
    #[error("this time is more than a year ahead")]
    TooFarAhead,
    /// Nothing is sent to somebody whom the clinic has blocked.
    #[error("this person is blocked")]
    PersonBlocked,
    /// A wait is amber before it is red, and red within a week.
    #[error("the limits of waiting are not in order")]
    LimitsDisordered,
    /// The short name of a quick reply has letters that are none.
    #[error("a short name has letters, digits, - and _")]
    ShortcutInvalid,
    /// Another quick reply has the short name.
    #[error("another quick reply has this short name")]
    ShortcutTaken,
    /// A place in a text that nobody has filled in.
    #[error("a value of the text is missing")]
    ValueMissing,
    /// A message that does not wait for its time any more.
    #[error("the message is on its way or was sent")]
    AlreadySent,
    /// A message that the gateway does not know cannot be quoted.
    #[error("this message cannot be quoted")]
    NotQuotable,
    /// A file without bytes.
    #[error("the file is empty")]
    FileEmpty,
    /// A file that WhatsApp, or the clinic's database, does not take.
    #[error("the file is too large")]
    FileTooLarge,
    /// Quiet hours that begin when they end, or at no time of a day.
    #[error("these quiet hours are none")]
    QuietHoursEmpty,
    /// An answer counts for an hour at least, and for a week at most.
    #[error("an answer counts for an hour to a week")]
    SurveyHours,
}

impl Refusal {
    /// Stable name, as it crosses to the screens.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TextEmpty => "text_empty",
            Self::TextTooLong => "text_too_long",
            Self::EndsBeforeStart => "ends_before_start",
            Self::TooLong => "too_long",
            Self::SlotTaken => "slot_taken",
            Self::OutsideWorkingHours => "outside_working_hours",
            Self::VisitFinished => "visit_finished",
            Self::SqueezeReasonRequired => "squeeze_reason_required",
            Self::LossReasonRequired => "loss_reason_required",
            Self::StageOfOtherPipeline => "stage_of_other_pipeline",
            Self::TooManyLabels => "too_many_labels",
            Self::TimePassed => "time_passed",
            Self::TooFarAhead => "too_far_ahead",
            Self::PersonBlocked => "person_blocked",
            Self::LimitsDisordered => "limits_disordered",
            Self::ShortcutInvalid => "shortcut_invalid",
            Self::ShortcutTaken => "shortcut_taken",
            Self::ValueMissing => "value_missing",
            Self::AlreadySent => "already_sent",
            Self::NotQuotable => "not_quotable",
            Self::FileEmpty => "file_empty",
            Self::FileTooLarge => "file_too_large",
            Self::QuietHoursEmpty => "quiet_hours_empty",
            Self::SurveyHours => "survey_hours",
        }
    }
}
