//! Who is a member of the clinic, on which computers: seen, invited and sent away from here by its owner and admins. All of it
//! is asked of the database itself: nothing of it is in the copy.

mod arrival;
mod follow;
mod join;
mod line;
pub(crate) mod picture;
mod types;

use std::sync::Arc;

use balcao_tenant::members::{
    Code, Computer, Invite, Member, NewComer, PendingInvitation, Team as Known, TeamChange, TeamRefusal,
};
use balcao_tenant::{Address, Role, Tenant};

pub(crate) use arrival::{forget_arrival, settle_arrival};
pub(crate) use follow::{follow_clinic, peek_invitation};
#[cfg(test)]
pub(crate) use join::accept;
pub(crate) use join::{get_computer_name, join_clinic, opened};
pub(crate) use line::Line;
pub use types::*;

use crate::commands::Nothing;
use crate::copy::{export_folder, save_new};
use crate::desk::Desk;
use crate::error::ApiError;
use crate::profile::{Kind, Profile};

/// What people are invited as.
const PEOPLE: [Role; 5] = [Role::Owner, Role::Admin, Role::Attendant, Role::Professional, Role::Viewer];

/// Longest name of a person or a computer, in characters.
const LONGEST_NAME: usize = 160;

pub(crate) async fn get_team(desk: &Arc<Desk>, _: Nothing) -> Result<Team, ApiError> {
    let tenant = line(desk).await?;
    let known = tenant.team().await;
    tenant.close().await;
    let can_share = reached_at(desk).await.is_ok();
    Ok(shown(known?, can_share))
}

pub(crate) async fn invite_member(desk: &Arc<Desk>, wish: InviteMember) -> Result<InvitationMade, ApiError> {
    let whom = whom(&wish)?;
    let device_name = wish.device_name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let reached_at = reached_at(desk).await?;
    let tenant = line(desk).await?;
    let invited = tenant.invite(&whom, device_name, &reached_at, desk.clock.now()).await;
    tenant.close().await;
    let invited = invited?.map_err(refused)?;
    let only_here = reached_at.is_loopback();
    let (code, text, invitation) = tokio::task::spawn_blocking(move || {
        let code = Code::random();
        let text = invited.invitation.seal(&code);
        (code, text, invited.invitation)
    })
    .await
    .map_err(ApiError::internal)?;
    let text = text.map_err(|error| ApiError::new("no_memory", error.to_string()))?;
    let picture = picture::of(&text)?;
    Ok(InvitationMade {
        id: invited.id,
        member_name: invitation.member_name.clone(),
        code: code.to_string(),
        picture,
        text,
        expires_at: invitation.expires_at,
        only_here,
    })
}

pub(crate) async fn save_invitation(desk: &Arc<Desk>, wish: SaveInvitation) -> Result<SavedInvitation, ApiError> {
    if !wish.text.starts_with("balcao1:") || wish.text.len() > 64 * 1024 {
        return Err(ApiError::new("not_an_invitation", "the text is not a whole invitation").about("text"));
    }
    let path = save_new(export_folder(desk)?, "convite".to_owned(), "balcao-invite", wish.text).await?;
    Ok(SavedInvitation { path: path.display().to_string() })
}

pub(crate) async fn cancel_invitation(desk: &Arc<Desk>, wish: CancelInvitation) -> Result<Nothing, ApiError> {
    change(desk, TeamChange::CancelInvitation(wish.id)).await
}

pub(crate) async fn change_role(desk: &Arc<Desk>, wish: ChangeRole) -> Result<Nothing, ApiError> {
    let role = person(&wish.role)?;
    change(desk, TeamChange::ChangeRole { member_id: wish.member_id, role, agenda: wish.agenda_id }).await
}

pub(crate) async fn revoke_computer(desk: &Arc<Desk>, wish: RevokeComputer) -> Result<Nothing, ApiError> {
    change(desk, TeamChange::RevokeDevice(wish.id)).await
}

pub(crate) async fn revoke_member(desk: &Arc<Desk>, wish: RevokeMember) -> Result<Nothing, ApiError> {
    change(desk, TeamChange::RevokeMember(wish.id)).await
}

async fn change(desk: &Desk, change: TeamChange) -> Result<Nothing, ApiError> {
    let tenant = line(desk).await?;
    let answer = tenant.change_team(change).await;
    tenant.close().await;
    answer?.map_err(refused)?;
    Ok(Nothing {})
}

/// A line to the database of its own, for what is asked of it directly.
pub(crate) async fn line(desk: &Desk) -> Result<Tenant, ApiError> {
    let dialling = desk.clinic().await?.line.dial();
    dialling.await
}

/// The same, unless it is known that nobody answers: then whoever waits for it need not.
pub(crate) async fn line_when_online(desk: &Desk) -> Result<Tenant, ApiError> {
    let connection = desk.clinic().await?.sync.status().borrow().connection;
    if connection == balcao_sync::Connection::Offline {
        return Err(ApiError::new("offline", "the clinic's database does not answer"));
    }
    line(desk).await
}

/// Where other computers find the clinic's database.
async fn reached_at(desk: &Desk) -> Result<Address, ApiError> {
    let off = || ApiError::new("sharing_off", "the database on this computer is not reached by others");
    let profile = Profile::read(&desk.options.profile_dir)?.ok_or_else(off)?;
    match (profile.kind, profile.address) {
        (Kind::Remote, Some(address)) => Ok(address),
        (Kind::Local, Some(here)) => desk.clinic().await?.shared.as_ref().ok_or_else(off)?.reached_at(&here),
        _ => Err(off()),
    }
}

fn refused(refusal: TeamRefusal) -> ApiError {
    ApiError::new(format!("team_{}", refusal.code()), refusal.to_string())
}

fn person(role: &str) -> Result<Role, ApiError> {
    PEOPLE
        .into_iter()
        .find(|known| known.as_str() == role)
        .ok_or_else(|| ApiError::new("invalid_request", "there is no such role").about("role"))
}

fn whom(wish: &InviteMember) -> Result<Invite, ApiError> {
    let invalid = |field: &str, reason: &str| ApiError::new("invalid_request", reason).about(field);
    if wish.device_name.as_deref().is_some_and(|name| name.chars().count() > LONGEST_NAME) {
        return Err(invalid("device_name", "a name has at most 160 characters"));
    }
    if let Some(member_id) = wish.member_id {
        return Ok(Invite::Computer { member_id });
    }
    let name = wish.name.as_deref().unwrap_or_default().trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        return Err(invalid("name", "a name has 1 to 160 characters"));
    }
    let email = wish.email.as_deref().map(str::trim).filter(|email| !email.is_empty());
    if email.is_some_and(|email| email.len() > 254 || !email.contains('@') || email.contains(char::is_whitespace)) {
        return Err(invalid("email", "it is not an e-mail address"));
    }
    Ok(Invite::Person(NewComer {
        name: name.to_owned(),
        email: email.map(str::to_owned),
        role: person(wish.role.as_deref().unwrap_or_default())?,
        agenda: wish.agenda_id,
    }))
}

/// Whether this role decides about that one. The database has the last word; this is what the screen offers.
fn has_say(role: Role, about: Role) -> bool {
    match role {
        Role::Owner => about != Role::Agent,
        Role::Admin => matches!(about, Role::Attendant | Role::Professional | Role::Viewer),
        _ => false,
    }
}

fn shown(known: Known, can_invite: bool) -> Team {
    let me = known.role;
    let offered: Vec<String> =
        PEOPLE.into_iter().filter(|role| has_say(me, *role)).map(|role| role.as_str().to_owned()).collect();
    let owners = known.members.iter().filter(|member| member.role == Role::Owner).count();
    let member = |member: Member| {
        let say = has_say(me, member.role);
        TeamMember {
            id: member.id,
            name: member.name,
            email: member.email,
            role: member.role.as_str().to_owned(),
            is_you: member.is_you,
            agenda: member.professional,
            may_change_role: say && !(member.role == Role::Owner && owners == 1),
            may_revoke: say && !member.is_you,
            may_add_computer: say,
            computers: member
                .computers
                .into_iter()
                .map(|computer| TeamComputer {
                    may_revoke: say && !computer.is_this && computer.id.is_some(),
                    id: computer.id,
                    name: computer.name,
                    platform: computer.platform,
                    app_version: computer.app_version,
                    last_seen_at: computer.last_seen_at,
                    is_this: computer.is_this,
                })
                .collect(),
        }
    };
    let invitation = |pending: PendingInvitation| TeamInvitation {
        id: pending.id,
        member_name: pending.member_name,
        may_cancel: has_say(me, pending.role),
        role: pending.role.as_str().to_owned(),
        device_name: pending.device_name,
        further: pending.further,
        expires_at: pending.expires_at,
    };
    Team {
        roles: offered,
        can_invite,
        members: known.members.into_iter().map(member).collect(),
        invitations: known.invitations.into_iter().map(invitation).collect(),
        agendas: known.agendas.into_iter().map(|agenda| TeamAgenda { id: agenda.id, name: agenda.name }).collect(),
    }
}

/// What this computer says of itself.
pub(crate) fn this_computer(app_version: &str) -> Computer {
    Computer { name: host_name(), platform: std::env::consts::OS.to_owned(), app_version: app_version.to_owned() }
}

/// What the operating system calls this computer, without the network it is in.
fn host_name() -> String {
    let name = gethostname::gethostname().to_string_lossy().into_owned();
    let short = name.split('.').next().unwrap_or_default().trim();
    if short.is_empty() || short.eq_ignore_ascii_case("localhost") { "Balcão".to_owned() } else { short.to_owned() }
}

#[cfg(test)]
mod tests {
    use balcao_tenant::members::MemberComputer;
    use uuid::Uuid;

    use super::*;

    fn known(role: Role) -> Known {
        let member = |at: u128, role| Member {
            id: Uuid::from_u128(at),
            name: "Ana".to_owned(),
            email: None,
            role,
            is_you: at == 1,
            professional: None,
            computers: vec![MemberComputer {
                id: Some(Uuid::from_u128(at)),
                name: None,
                platform: None,
                app_version: None,
                last_seen_at: None,
                is_this: at == 1,
            }],
        };
        Known {
            role,
            members: vec![member(1, role), member(2, Role::Admin), member(3, Role::Viewer)],
            invitations: Vec::new(),
            agendas: Vec::new(),
        }
    }

    #[test]
    fn the_screen_offers_what_the_database_lets_the_role_do() {
        let owner = shown(known(Role::Owner), true);
        assert_eq!(owner.roles.len(), 5);
        assert!(!owner.members[0].may_change_role, "the last owner stays one");
        assert!(
            !owner.members[0].may_revoke && !owner.members[0].computers[0].may_revoke,
            "nobody sends themselves away"
        );
        assert!(owner.members[1].may_revoke && owner.members[1].may_change_role);
        let admin = shown(known(Role::Admin), true);
        assert_eq!(admin.roles, ["attendant", "professional", "viewer"]);
        assert!(!admin.members[1].may_revoke && !admin.members[1].may_add_computer);
        assert!(admin.members[2].may_revoke && admin.members[2].computers[0].may_revoke);
    }

    #[test]
    fn who_is_invited_has_a_name_and_a_role() {
        let wish = |name: &str, email: &str, role: &str| InviteMember {
            member_id: None,
            name: Some(name.to_owned()),
            email: Some(email.to_owned()),
            role: Some(role.to_owned()),
            agenda_id: None,
            device_name: None,
        };
        for (wish, field) in [
            (wish("  ", "", "viewer"), "name"),
            (wish(&"a".repeat(161), "", "viewer"), "name"),
            (wish("Ana", "ana", "viewer"), "email"),
            (wish("Ana", "a b@c", "viewer"), "email"),
            (wish("Ana", "", "agent"), "role"),
            (wish("Ana", "", ""), "role"),
        ] {
            let refused = whom(&wish).unwrap_err();
            assert_eq!((refused.code.as_str(), refused.reference.as_deref()), ("invalid_request", Some(field)));
        }
        assert!(whom(&wish(" Ana ", " ", "viewer")).is_ok());
    }
}
