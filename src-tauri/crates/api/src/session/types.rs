//! First run, and who works where.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

use crate::error::ApiError;
use crate::lock::LockWay;
use crate::operations::CopyProgress;
use crate::setup::Practice;

/// Where the program stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Session {
    /// No clinic yet: the first-run screen is shown.
    FirstRun,
    /// Something long is being done.
    Preparing {
        /// postgres_binaries, database, schema, sample, keychain, backup, restore, restore_finish, copy, connect, open,
        /// cancel, leave.
        step: String,
        /// 0 to 1 where it is known.
        fraction: Option<f64>,
        /// The first copy, while it is that.
        copy: Option<CopyProgress>,
    },
    /// A clinic is open.
    Ready {
        /// The clinic.
        clinic: ClinicSummary,
        /// Who works at this desk.
        member: MemberSummary,
    },
    /// The clinic could not be opened; nothing was lost.
    Failed {
        /// What happened.
        problem: ApiError,
        /// Whether a profile exists (retry) or not (back to first run).
        has_profile: bool,
    },
    /// The screens are locked: nothing else is answered until somebody opened them.
    Locked {
        /// The clinic; empty while it is not open yet.
        clinic_name: String,
        /// What opens them.
        way: LockWay,
        /// Seconds until a PIN is heard again, after many wrong ones.
        wait_seconds: u32,
    },
    /// The clinic took this computer's access away. The copy, its key and the password are destroyed; the person has not
    /// yet taken note of it.
    Revoked {
        /// The clinic.
        clinic_name: String,
        /// Writes that were made here and never reached the clinic.
        lost: u32,
    },
}

impl Session {
    pub(crate) fn preparing(step: &str, fraction: Option<f64>) -> Self {
        Self::Preparing { step: step.to_owned(), fraction, copy: None }
    }
}

/// The open clinic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ClinicSummary {
    /// The clinic.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// IANA name.
    pub time_zone: String,
    /// sample, local or remote.
    pub kind: String,
}

/// The member at this desk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct MemberSummary {
    /// The member.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// owner, admin, attendant, professional or viewer.
    pub role: String,
}

/// Opens a sample clinic on this computer, to try the program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct StartSampleClinic {}

/// Makes this computer the clinic: an embedded database with an empty clinic.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct StartLocalClinic {
    /// 1 to 160 characters.
    pub clinic_name: String,
    /// Name of the owner, 1 to 160 characters.
    pub owner_name: String,
    /// IANA name.
    pub time_zone: String,
    /// human, veterinary, dental or other.
    pub vertical: String,
    /// What it works with.
    #[serde(default)]
    pub practice: Practice,
}

/// Connects to a clinic's database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ConnectClinic {
    /// postgres://login@host:port/database, without the password.
    pub address: String,
    /// The login's password; goes to the keyring and nowhere else.
    pub password: String,
}

/// Removes everything of the clinic from this computer: for who works at another one, or has tried the sample out. Refused
/// with `exports_untold` while the clinic's audit has not heard of files that were saved here without a line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct LeaveClinic {
    /// The person was shown the writes that would be lost, and goes on. Without it, a copy with writes that were not
    /// confirmed is refused with `writes_wait`; the reference says how many.
    #[serde(default)]
    pub confirm_loss: bool,
    /// The recovery words, where this computer holds the clinic's database: whoever leaves it can bring it back.
    #[serde(default)]
    pub words: Option<String>,
}

/// The program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ProgramInfo {
    /// Its version.
    pub version: String,
}
