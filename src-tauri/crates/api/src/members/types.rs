//! Members and their computers as the screens see them.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

/// The members of the clinic, for its owner and admins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Team {
    /// What whoever asks may invite people as, and give to members.
    pub roles: Vec<String>,
    /// Whether other computers can reach the clinic's database; without it nobody can be invited.
    pub can_invite: bool,
    /// Whoever asks comes first.
    pub members: Vec<TeamMember>,
    /// Invitations that can still be accepted.
    pub invitations: Vec<TeamInvitation>,
    /// Agendas that are nobody's yet.
    pub agendas: Vec<TeamAgenda>,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct TeamMember {
    /// The member.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: Option<String>,
    /// owner, admin, attendant, professional or viewer.
    pub role: String,
    /// Whether it is who asks.
    pub is_you: bool,
    /// Name of the agenda that is theirs.
    pub agenda: Option<String>,
    /// Computers with access; this one first.
    pub computers: Vec<TeamComputer>,
    /// Whether whoever asks may give them another role.
    pub may_change_role: bool,
    /// Whether whoever asks may send them away.
    pub may_revoke: bool,
    /// Whether whoever asks may invite a further computer of theirs.
    pub may_add_computer: bool,
}

/// A computer with access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct TeamComputer {
    /// The computer; absent until it has connected for the first time.
    pub id: Option<Uuid>,
    /// What it is called.
    pub name: Option<String>,
    /// linux, macos or windows.
    pub platform: Option<String>,
    /// Version of the program on it.
    pub app_version: Option<String>,
    /// When it was last here, up to some ten minutes late.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// Whether it is this one.
    pub is_this: bool,
    /// Whether whoever asks may take its access away.
    pub may_revoke: bool,
}

/// An invitation that nobody has accepted yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct TeamInvitation {
    /// The invitation.
    pub id: Uuid,
    /// Whom it is for.
    pub member_name: String,
    /// What they will be.
    pub role: String,
    /// What the computer is to be called.
    pub device_name: Option<String>,
    /// Whether it is a further computer of a member.
    pub further: bool,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// Whether whoever asks may take it back.
    pub may_cancel: bool,
}

/// An agenda.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct TeamAgenda {
    /// The professional.
    pub id: Uuid,
    /// Name.
    pub name: String,
}

/// Invites a person, or a further computer of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct InviteMember {
    /// The member who gets a further computer; absent, a new person is invited.
    pub member_id: Option<Uuid>,
    /// Of a new person: 1 to 160 characters.
    pub name: Option<String>,
    /// Of a new person: e-mail address, once per clinic.
    pub email: Option<String>,
    /// Of a new person: owner, admin, attendant, professional or viewer.
    pub role: Option<String>,
    /// Of a new professional: the agenda that becomes theirs.
    pub agenda_id: Option<Uuid>,
    /// What the computer is to be called; whoever comes may choose otherwise.
    pub device_name: Option<String>,
}

/// An invitation, shown once: neither its text nor its code is kept anywhere.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct InvitationMade {
    /// The invitation.
    pub id: Uuid,
    /// Whom it is for.
    pub member_name: String,
    /// What is told by voice: ten symbols in two groups.
    pub code: String,
    /// What is sent or saved; only the code opens it.
    pub text: String,
    /// The text as a QR code, where it fits one.
    pub picture: Option<QrPicture>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// Whether the database is reached from this very computer only.
    pub only_here: bool,
}

impl std::fmt::Debug for InvitationMade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InvitationMade").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A QR code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct QrPicture {
    /// Squares on a side, without the quiet zone of four around.
    pub size: u32,
    /// Path of an SVG picture: the dark squares, one unit each.
    pub path: String,
}

/// Saves an invitation as a file for the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct SaveInvitation {
    /// Its text.
    pub text: String,
}

/// Where the invitation was saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct SavedInvitation {
    /// The file.
    pub path: String,
}

/// Takes an invitation back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct CancelInvitation {
    /// The invitation.
    pub id: Uuid,
}

/// Gives a member another role, on all of their computers at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ChangeRole {
    /// The member.
    pub member_id: Uuid,
    /// owner, admin, attendant, professional or viewer.
    pub role: String,
    /// Of a professional: the agenda that becomes theirs.
    pub agenda_id: Option<Uuid>,
}

/// Takes a computer's access away at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct RevokeComputer {
    /// The computer.
    pub id: Uuid,
}

/// Takes a member's access away on every computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct RevokeMember {
    /// The member.
    pub id: Uuid,
}

/// Comes into a clinic with an invitation.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct JoinClinic {
    /// Text of the invitation, as it was sent or is in its file.
    pub invitation: String,
    /// The code that was told with it.
    pub code: String,
    /// What this computer is to be called, 1 to 120 characters.
    pub computer_name: String,
}

impl std::fmt::Debug for JoinClinic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JoinClinic").finish_non_exhaustive()
    }
}

/// Looks into an invitation.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct PeekInvitation {
    /// Text of the invitation, as it was sent or is in its file.
    pub invitation: String,
    /// The code that was told with it.
    pub code: String,
}

impl std::fmt::Debug for PeekInvitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PeekInvitation").finish_non_exhaustive()
    }
}

/// What an invitation says to a computer that has a clinic already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct FoundInvitation {
    /// Name of the clinic, as it is called where it is now.
    pub clinic_name: String,
    /// Whom it is for.
    pub member_name: String,
    /// Who works at this computer so far; empty while that is not known.
    pub member_before: String,
    /// Whether it is for somebody of another name: what is queued here goes out as theirs, if the person agrees.
    pub is_somebody_else: bool,
    /// Server that it leads to.
    pub host: String,
    /// Writes that are not confirmed; they are kept, and sent there.
    pub waiting: u32,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// Follows the clinic with a new invitation.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct FollowClinic {
    /// Text of the invitation, as it was sent or is in its file.
    pub invitation: String,
    /// The code that was told with it.
    pub code: String,
    /// What this computer is to be called, 1 to 120 characters.
    pub computer_name: String,
    /// The person was told that it is for somebody of another name, and goes on. Without it such an invitation is refused
    /// with `other_member`; the reference is that name.
    #[serde(default)]
    pub as_somebody_else: bool,
}

impl std::fmt::Debug for FollowClinic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FollowClinic").finish_non_exhaustive()
    }
}

/// What this computer could be called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ComputerName {
    /// What the operating system calls it.
    pub name: String,
}
