//! Who is a member, and the changes an owner or admin makes. Refusals are values; a role that has no say is
//! [`Error::NotPermitted`].

use chrono::{DateTime, Utc};
use serde::Deserialize;
use sqlx::Row as _;
use sqlx::types::Json;
use uuid::Uuid;

use super::Invitation;
use super::join::new_password;
use crate::connect::{Role, answered};
use crate::provision::login::verifier;
use crate::{Address, Error, Result, Tenant};

/// The members of the clinic as its owner and admins see them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Team {
    /// What whoever asks is.
    pub role: Role,
    /// Whoever asks comes first.
    pub members: Vec<Member>,
    /// Invitations that can still be accepted, the oldest first.
    pub invitations: Vec<PendingInvitation>,
    /// Agendas that are nobody's yet.
    pub agendas: Vec<Agenda>,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Member {
    /// The member.
    pub id: Uuid,
    /// Their name.
    pub name: String,
    /// Their e-mail address.
    pub email: Option<String>,
    /// What they may do.
    pub role: Role,
    /// Whether it is who asks.
    pub is_you: bool,
    /// The agenda that is theirs.
    pub professional: Option<String>,
    /// Their computers; this one first, then the one that was seen last.
    pub computers: Vec<MemberComputer>,
}

/// A computer with access.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct MemberComputer {
    /// The computer; absent until it has connected for the first time.
    pub id: Option<Uuid>,
    /// What it is called.
    pub name: Option<String>,
    /// Its operating system.
    pub platform: Option<String>,
    /// Version of the program on it.
    pub app_version: Option<String>,
    /// When it last said that it is here, up to some ten minutes late.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// Whether it is the one that asks.
    pub is_this: bool,
}

/// An invitation that nobody has accepted yet.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PendingInvitation {
    /// The invitation.
    pub id: Uuid,
    /// Whom it is for.
    pub member_id: Uuid,
    /// Their name.
    pub member_name: String,
    /// What they will be.
    pub role: Role,
    /// What the computer is to be called.
    pub device_name: Option<String>,
    /// Whether it is a further computer of somebody who is a member already.
    pub further: bool,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// An agenda.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Agenda {
    /// The professional.
    pub id: Uuid,
    /// Their name.
    pub name: String,
}

/// Somebody who is no member yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewComer {
    /// 1 to 160 characters.
    pub name: String,
    /// Their e-mail address, once per clinic.
    pub email: Option<String>,
    /// What they will be.
    pub role: Role,
    /// The agenda that becomes theirs.
    pub agenda: Option<Uuid>,
}

/// Whom an invitation is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invite {
    /// Somebody new.
    Person(NewComer),
    /// A further computer of a member.
    Computer {
        /// The member.
        member_id: Uuid,
    },
}

/// An invitation that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invited {
    /// The invitation.
    pub id: Uuid,
    /// What is handed over, sealed.
    pub invitation: Invitation,
}

/// What may be changed about the members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TeamChange {
    /// Takes an invitation back.
    CancelInvitation(Uuid),
    /// Gives a member another role, on all of their computers.
    ChangeRole {
        /// The member.
        member_id: Uuid,
        /// What they are from now on.
        role: Role,
        /// The agenda that becomes theirs.
        agenda: Option<Uuid>,
    },
    /// Takes a computer's access away at once.
    RevokeDevice(Uuid),
    /// Takes a member's access away, on every computer.
    RevokeMember(Uuid),
}

/// Why the database does not do it, though the role may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TeamRefusal {
    /// There is no such member, or not any more.
    #[error("there is no such member")]
    MemberGone,
    /// A member has this e-mail address.
    #[error("a member has this e-mail address already")]
    EmailTaken,
    /// The agenda is another member's.
    #[error("the agenda is another member's")]
    AgendaTaken,
    /// Twenty invitations are open.
    #[error("too many invitations are open")]
    TooMany,
    /// A clinic is never without an owner.
    #[error("it is the clinic's last owner")]
    LastOwner,
    /// What was to be taken away is gone already.
    #[error("it is gone already")]
    Gone,
    /// Nobody sends away the computer they sit at.
    #[error("it is the computer that asks")]
    OwnDevice,
    /// Nobody sends themselves away.
    #[error("it is the member who asks")]
    OwnMember,
}

impl TeamRefusal {
    /// A stable name, as the database says it.
    pub fn code(self) -> &'static str {
        match self {
            Self::MemberGone => "member_gone",
            Self::EmailTaken => "email_taken",
            Self::AgendaTaken => "agenda_taken",
            Self::TooMany => "too_many",
            Self::LastOwner => "last_owner",
            Self::Gone => "gone",
            Self::OwnDevice => "own_device",
            Self::OwnMember => "own_member",
        }
    }

    fn from_code(code: &str) -> Result<Self> {
        [
            Self::MemberGone,
            Self::EmailTaken,
            Self::AgendaTaken,
            Self::TooMany,
            Self::LastOwner,
            Self::Gone,
            Self::OwnDevice,
            Self::OwnMember,
        ]
        .into_iter()
        .find(|refusal| refusal.code() == code)
        .ok_or(Error::Protocol)
    }
}

impl Tenant {
    /// The members, their computers and the open invitations.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for everybody but owner and admins.
    pub async fn team(&self) -> Result<Team> {
        let row = self
            .ask(async |connection| answered(sqlx::query("select app.list_team() as team").fetch_one(connection)).await)
            .await?;
        let Json(team) = row.try_get::<Json<Team>, _>("team")?;
        Ok(team)
    }

    /// Invites. `reached_at` is where the other computer finds the database; its user is put in here.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] when the role may not invite as that.
    pub async fn invite(
        &self,
        whom: &Invite,
        device_name: Option<&str>,
        reached_at: &Address,
        now: DateTime<Utc>,
    ) -> Result<std::result::Result<Invited, TeamRefusal>> {
        let password = new_password();
        let (comer, member_id) = match whom {
            Invite::Person(comer) => (Some(comer), None),
            Invite::Computer { member_id } => (None, Some(*member_id)),
        };
        let question = sqlx::query(
            "select i.refusal, i.invitation_id, i.invited_login, i.expires_at, i.invited_member, m.name as member_name,
                        c.id as clinic_id, c.name as clinic_name
                 from app.invite_member($1, $2, $3, $4, $5, $6, $7) i
                 left join app.clinics c on c.id = (select app.current_clinic())
                 left join app.members m on m.clinic_id = c.id and m.id = i.invited_member",
        )
        .bind(comer.map(|comer| comer.name.as_str()))
        .bind(comer.and_then(|comer| comer.email.as_deref()))
        .bind(comer.map(|comer| comer.role.as_str()))
        .bind(comer.and_then(|comer| comer.agenda))
        .bind(member_id)
        .bind(device_name)
        .bind(verifier(&password));
        let row = self.ask(async |connection| answered(question.fetch_one(connection)).await).await?;
        if let Some(code) = row.try_get::<Option<String>, _>("refusal")? {
            return Ok(Err(TeamRefusal::from_code(&code)?));
        }
        // A member who was made by the same statement is not in what the statement sees.
        let known: Option<String> = row.try_get("member_name")?;
        Ok(Ok(Invited {
            id: row.try_get("invitation_id")?,
            invitation: Invitation {
                address: Address { user: row.try_get("invited_login")?, ..reached_at.clone() },
                password,
                clinic_name: row.try_get::<Option<String>, _>("clinic_name")?.unwrap_or_default(),
                member_name: comer.map(|comer| comer.name.clone()).or(known).unwrap_or_default(),
                clinic_id: row.try_get("clinic_id")?,
                member_id: row.try_get("invited_member")?,
                made_at: now,
                expires_at: row.try_get("expires_at")?,
            },
        }))
    }

    /// Makes a change. Where access was taken away, the sessions that are left of it have ended when this answers.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] when the role has no say in it.
    pub async fn change_team(&self, change: TeamChange) -> Result<std::result::Result<(), TeamRefusal>> {
        let question = match change {
            TeamChange::CancelInvitation(id) => sqlx::query_scalar("select app.cancel_invitation($1)").bind(id),
            TeamChange::ChangeRole { member_id, role, agenda } => {
                sqlx::query_scalar("select app.change_role($1, $2, $3)")
                    .bind(member_id)
                    .bind(role.as_str())
                    .bind(agenda)
            }
            TeamChange::RevokeDevice(id) => sqlx::query_scalar("select app.revoke_device($1)").bind(id),
            TeamChange::RevokeMember(id) => sqlx::query_scalar("select app.revoke_member($1)").bind(id),
        };
        let answer: Result<Option<String>> =
            self.ask(async |connection| answered(question.fetch_one(connection)).await).await;
        if let Some(code) = answer? {
            return Ok(Err(TeamRefusal::from_code(&code)?));
        }
        if matches!(change, TeamChange::RevokeDevice(_) | TeamChange::RevokeMember(_)) {
            // After the commit, so that a session that begins anew meets the new rules.
            self.ask(async |connection| {
                answered(sqlx::query("select app.end_revoked_sessions()").execute(connection)).await
            })
            .await?;
        }
        Ok(Ok(()))
    }
}
