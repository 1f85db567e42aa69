//! Following the clinic to where it is now, after it was brought back on another computer or has moved to a server: with a new
//! invitation, and with the copy and everything that is queued here.
//!
//! Until the database has said that it is the same clinic nothing of the profile is touched. Then its address changes, in one
//! write; the rest follows from that: another epoch makes the copy anew, and the queue goes out as the member of the new
//! login. Operations keep their ids, so whatever the clinic has of them already it knows.

use std::sync::Arc;

use balcao_tenant::members::Invitation;
use balcao_tenant::{Address, Tenant, TlsMode};
use uuid::Uuid;

use super::arrival::{arrival_entry, arrival_id};
use super::join::{checked_name, come_in, opened};
use super::{FollowClinic, FoundInvitation, PeekInvitation};
use crate::copy::Opening;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::local_clinic::password;
use crate::profile::{Kind, Profile};
use crate::session::Session;

pub(crate) async fn peek_invitation(desk: &Arc<Desk>, wish: PeekInvitation) -> Result<FoundInvitation, ApiError> {
    let here = Here::of(desk).await?;
    let invitation = opened(wish.invitation, &wish.code).await?;
    here.refuse_used(&invitation)?;
    here.refuse_strangers(clinic_of(&invitation))?;
    Ok(FoundInvitation {
        is_somebody_else: here.is_somebody_else(&invitation),
        clinic_name: invitation.clinic_name,
        member_name: invitation.member_name,
        member_before: here.member_name,
        host: invitation.address.host,
        waiting: here.waiting,
        expires_at: invitation.expires_at,
    })
}

pub(crate) async fn follow_clinic(desk: &Arc<Desk>, wish: FollowClinic) -> Result<Session, ApiError> {
    let _beginning = desk.beginning.lock().await;
    let time = desk.time();
    let name = checked_name(&wish.computer_name)?;
    let here = Here::of(desk).await?;
    let invitation = opened(wish.invitation, &wish.code).await?;
    // The invitation with which this computer has come in: there is nothing left to do.
    if invitation.address.user == here.login {
        return Ok(desk.session());
    }
    here.refuse_used(&invitation)?;
    here.refuse_strangers(clinic_of(&invitation))?;
    if here.is_somebody_else(&invitation) && !wish.as_somebody_else {
        let other = ApiError::new("other_member", "the invitation is for somebody else than who works here");
        return Err(other.about(invitation.member_name));
    }
    let address = come_in(desk, invitation, name).await?;
    // What the invitation says may be wrong, and an earlier version's says nothing: the database has the last word.
    if let Err(stranger) = here.refuse_strangers(Some(clinic_at(desk, &address).await?)) {
        desk.keychain.delete(&arrival_entry(&address)).await?;
        return Err(stranger);
    }
    desk.swap(time, address, here.waiting).await
}

impl Desk {
    /// Closes the clinic, has the profile say where it is now, and opens it there. The old login's password goes when the new
    /// one's takes its place, at opening.
    async fn swap(self: &Arc<Self>, time: u64, address: Address, waiting: u32) -> Result<Session, ApiError> {
        // The copy may have been found damaged meanwhile, or the access taken away: that comes first.
        if !self.closes(time) {
            return Err(ApiError::new("busy", "the clinic is being closed"));
        }
        if let Some(clinic) = self.clinic.write().await.take() {
            let cache = clinic.fall_silent().await;
            let noted = cache.log("clinic_followed", &format!("waiting={waiting}")).await;
            if let Err(error) = noted {
                tracing::warn!(%error, "that the clinic was followed could not be put down");
            }
            cache.close().await;
        }
        let folder = &self.options.profile_dir;
        let before = match Profile::read(folder).and_then(|profile| profile.ok_or_else(no_clinic)) {
            Ok(before) => before,
            Err(problem) => {
                self.set_session(Session::Failed { problem: problem.clone(), has_profile: true });
                return Err(problem);
            }
        };
        let followed = Profile { address: Some(address), ..before.clone() };
        let written = followed.write(folder);
        // Where it could not be written, this computer goes on as it was, and the same again comes in.
        self.open_profile(if written.is_ok() { followed } else { before }, Opening::default());
        written.map(|()| self.session())
    }
}

fn no_clinic() -> ApiError {
    ApiError::new("no_session", "no clinic is open")
}

/// The clinic that an invitation says it is for.
fn clinic_of(invitation: &Invitation) -> Option<Uuid> {
    match invitation.address.tls {
        TlsMode::Pinned { clinic_id, .. } => Some(clinic_id),
        _ => invitation.clinic_id,
    }
}

/// The clinic in which a login that has just come in is.
async fn clinic_at(desk: &Desk, address: &Address) -> Result<Uuid, ApiError> {
    let password = password(&desk.keychain, &arrival_id(address).to_string()).await;
    let password = password.map_err(|error| ApiError::new(error.code(), error.to_string()))?;
    let application = format!("balcao {}", desk.options.app_version);
    let tenant = Tenant::connect(address, password.expose(), &application).await?;
    let identity = tenant.whoami().await;
    tenant.close().await;
    Ok(identity?.clinic_id)
}

/// The clinic of this computer and who works here, as far as the copy knows.
struct Here {
    profile: Uuid,
    clinic_id: Option<Uuid>,
    member_id: Uuid,
    member_name: String,
    login: String,
    /// Writes that wait or need a decision.
    waiting: u32,
}

impl Here {
    async fn of(desk: &Desk) -> Result<Self, ApiError> {
        let profile = Profile::read(&desk.options.profile_dir)?.ok_or_else(no_clinic)?;
        if profile.kind != Kind::Remote {
            return Err(ApiError::new("clinic_is_here", "this computer holds the clinic's database"));
        }
        let address = profile.address.ok_or_else(no_clinic)?;
        let open = desk.clinic().await?;
        let known = open.cache.state("clinic_id").await?.and_then(|text| text.parse().ok());
        let clinic_id = match (known, &address.tls) {
            (Some(known), _) => Some(known),
            // Copied by an earlier version.
            (None, TlsMode::Pinned { clinic_id, .. }) => Some(*clinic_id),
            (None, _) => open.cache.clinic().await?.map(|clinic| clinic.id),
        };
        let member_id = open.me().await?;
        let member_name = open.cache.member(member_id).await?.map(|member| member.name).unwrap_or_default();
        let (waiting, parked) = open.cache.outbox_counts().await?;
        let (login, waiting) = (address.user, waiting + parked);
        Ok(Self { profile: profile.id, clinic_id, member_id, member_name, login, waiting })
    }

    /// The invitation with which this computer came in at first: what the keyring has under its name is the password of the
    /// login that is in use now.
    fn refuse_used(&self, invitation: &Invitation) -> Result<(), ApiError> {
        if arrival_id(&invitation.address) == self.profile && invitation.address.user != self.login {
            return Err(ApiError::new("invitation_used", "the invitation was accepted already"));
        }
        Ok(())
    }

    /// Whatever is known to be another clinic is refused. Of what is not known yet nothing may be queued: it would go there.
    fn refuse_strangers(&self, clinic: Option<Uuid>) -> Result<(), ApiError> {
        match (self.clinic_id, clinic) {
            (Some(mine), Some(other)) if mine != other => {
                Err(ApiError::new("other_clinic", "the invitation is for another clinic"))
            }
            (None, Some(_)) if self.waiting > 0 => {
                Err(ApiError::new("other_clinic", "whose writes are queued here is not known"))
            }
            _ => Ok(()),
        }
    }

    /// Whoever was invited anew under the same name is taken for the same person.
    fn is_somebody_else(&self, invitation: &Invitation) -> bool {
        let is_same = invitation.member_id == Some(self.member_id) || invitation.member_name == self.member_name;
        !is_same && !self.member_name.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn here(clinic_id: Option<Uuid>, waiting: u32) -> Here {
        let (member_id, member_name, login) = (Uuid::from_u128(5), "Ana".to_owned(), "balcao_1".to_owned());
        Here { profile: Uuid::from_u128(9), clinic_id, member_id, member_name, login, waiting }
    }

    fn invitation(member_id: Option<Uuid>, member_name: &str) -> Invitation {
        Invitation {
            address: Address::parse("postgres://balcao_2@db.example.org/balcao").unwrap().0,
            password: String::new(),
            clinic_name: String::new(),
            member_name: member_name.to_owned(),
            clinic_id: Some(Uuid::from_u128(1)),
            member_id,
            made_at: DateTime::UNIX_EPOCH,
            expires_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn another_clinic_is_refused_and_a_queue_of_an_unknown_one_goes_nowhere() {
        let (mine, other) = (Some(Uuid::from_u128(1)), Some(Uuid::from_u128(2)));
        for (here, clinic, is_refused) in [
            (here(mine, 3), mine, false),
            (here(mine, 0), other, true),
            // An invitation of an earlier version: the database is going to say.
            (here(mine, 3), None, false),
            (here(None, 0), other, false),
            (here(None, 3), other, true),
        ] {
            assert_eq!(here.refuse_strangers(clinic).is_err(), is_refused, "{clinic:?} for {:?}", here.clinic_id);
        }
    }

    #[test]
    fn the_invitation_that_the_computer_began_with_is_used_once_it_has_followed() {
        let invitation = invitation(None, "Ana");
        let began = Here { profile: arrival_id(&invitation.address), ..here(None, 0) };
        assert_eq!(began.refuse_used(&invitation).unwrap_err().code, "invitation_used");
        let there_still = Here { login: invitation.address.user.clone(), ..began };
        assert!(there_still.refuse_used(&invitation).is_ok());
        assert!(here(None, 0).refuse_used(&invitation).is_ok());
    }

    #[test]
    fn somebody_else_is_who_has_neither_the_id_nor_the_name() {
        let here = here(None, 0);
        for (id, name, is_other) in [(5, "Ana Maria", false), (6, "Ana", false), (6, "Bia", true)] {
            assert_eq!(here.is_somebody_else(&invitation(Some(Uuid::from_u128(id)), name)), is_other, "{id} {name}");
        }
        assert!(here.is_somebody_else(&invitation(None, "Bia")));
        let nobody = Here { member_name: String::new(), ..here };
        assert!(!nobody.is_somebody_else(&invitation(None, "Bia")), "nobody has worked here yet");
    }
}
