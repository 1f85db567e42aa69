//! Coming into a clinic with an invitation.

use std::sync::Arc;

use balcao_tenant::members::{Code, Computer, Invitation, InvitationError, JoinRefusal};
use balcao_tenant::{Address, Error};
use chrono::{DateTime, TimeDelta, Utc};

use super::arrival::{arrival_entry, arrival_id};
use super::{ComputerName, JoinClinic, host_name, this_computer};
use crate::commands::Nothing;
use crate::copy::Opening;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::profile::{Kind, Profile};
use crate::session::{Session, first_run};
use crate::sharing::{Finder, elsewhere, is_said_by_the_clinic, may_have_moved, network};

/// Longest name of a computer, in characters.
const LONGEST_NAME: usize = 120;

/// A clock that is further behind the invitation than this is wrong.
const TOLERANCE: TimeDelta = TimeDelta::minutes(10);

pub(crate) async fn get_computer_name(_: &Arc<Desk>, _: Nothing) -> Result<ComputerName, ApiError> {
    Ok(ComputerName { name: host_name() })
}

/// Opens the invitation, gives the login a password that nobody else has seen, and goes on as with any clinic.
pub(crate) async fn join_clinic(desk: &Arc<Desk>, wish: JoinClinic) -> Result<Session, ApiError> {
    let _beginning = first_run(desk).await?;
    let name = checked_name(&wish.computer_name)?;
    let invitation = opened(wish.invitation, &wish.code).await?;
    let id = arrival_id(&invitation.address);
    let address = come_in(desk, invitation, name).await?;
    desk.forget_unfinished().await?;
    let profile = Profile { address: Some(address), ..Profile::new(id, Kind::Remote) };
    profile.write(&desk.options.profile_dir)?;
    desk.open_profile(profile, Opening::default());
    Ok(desk.session())
}

pub(super) fn checked_name(name: &str) -> Result<String, ApiError> {
    let name = name.trim().to_owned();
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        return Err(
            ApiError::new("invalid_request", "a computer's name has 1 to 120 characters").about("computer_name")
        );
    }
    Ok(name)
}

/// The invitation that the code opens.
pub(crate) async fn opened(text: String, code: &str) -> Result<Invitation, ApiError> {
    let code = Code::read(code)
        .ok_or_else(|| ApiError::new("code_mistyped", "this cannot be a code of an invitation").about("code"))?;
    let opening = tokio::task::spawn_blocking(move || Invitation::open(&text, &code));
    opening.await.map_err(ApiError::internal)?.map_err(not_opened)
}

/// Accepts an invitation as the computer of this name. Returns the address at which the login now has the password that is in
/// the keyring.
///
/// The new password is there before the database hears of it, under a name that follows from the login: whoever was
/// interrupted between the two comes in by doing the same again.
pub(super) async fn come_in(desk: &Desk, invitation: Invitation, name: String) -> Result<Address, ApiError> {
    let entry = arrival_entry(&invitation.address);
    let password = desk.keychain.get_or_create_random(&entry, 32).await?;
    let mut computer = this_computer(&desk.options.app_version);
    computer.name = name;
    let application = format!("balcao {}", desk.options.app_version);
    let (invitation, answer) = accept(invitation, password.expose(), &computer, &application, &network()).await;
    let (problem, hopeless) = match answer {
        Ok(Ok(())) => return Ok(invitation.address),
        Ok(Err(refusal)) => refused(refusal),
        Err(error) => failed(&error, &invitation, desk.clock.now()),
    };
    if hopeless {
        desk.keychain.delete(&entry).await?;
    }
    Err(problem)
}

type Answer = balcao_tenant::Result<Result<(), JoinRefusal>>;

/// Accepts where the invitation says that the clinic is, or, when it has moved since, where the network says it is: only the
/// clinic has the certificate that came with the invitation. Returns the invitation with the address that answered.
pub(crate) async fn accept(
    invitation: Invitation,
    password: &str,
    computer: &Computer,
    application: &str,
    finder: &Finder,
) -> (Invitation, Answer) {
    let answer = invitation.accept(password, computer, application).await;
    if !answer.as_ref().is_err_and(may_have_moved) {
        return (invitation, answer);
    }
    for address in elsewhere(finder, &invitation.address).await {
        let there = Invitation { address, ..invitation.clone() };
        let said = there.accept(password, computer, application).await;
        if said.as_ref().err().is_none_or(is_said_by_the_clinic) {
            tracing::info!("the clinic of the invitation was found at another address of the network");
            return (there, said);
        }
    }
    (invitation, answer)
}

fn not_opened(error: InvitationError) -> ApiError {
    let (code, field) = match error {
        InvitationError::NotAnInvitation => ("not_an_invitation", "invitation"),
        InvitationError::Newer => ("invitation_newer", "invitation"),
        InvitationError::WrongCode => ("wrong_code", "code"),
        InvitationError::NoMemory => ("no_memory", "invitation"),
    };
    ApiError::new(code, error.to_string()).about(field)
}

/// What a person is told, and whether trying again is of no use.
fn refused(refusal: JoinRefusal) -> (ApiError, bool) {
    let problem = match refusal {
        JoinRefusal::Expired => ApiError::new("invitation_expired", "the invitation's time is over"),
        JoinRefusal::Cancelled => ApiError::new("invitation_cancelled", "the invitation was taken back"),
        JoinRefusal::Used | JoinRefusal::Unknown => {
            ApiError::new("invitation_used", "the invitation was accepted already")
        }
    };
    (problem, true)
}

fn failed(error: &Error, invitation: &Invitation, now: DateTime<Utc>) -> (ApiError, bool) {
    match error {
        // The server says no more than that the password is not the one; time tells most of the rest.
        Error::WrongPassword if now > invitation.expires_at => refused(JoinRefusal::Expired),
        Error::WrongPassword | Error::LoginUnknown | Error::LoginRevoked => refused(JoinRefusal::Used),
        // A certificate begins to be valid when it is made: to a clock that is behind it is not yet.
        Error::CertificateRefused if now < invitation.made_at - TOLERANCE => {
            (ApiError::new("clock_behind", "this computer's clock is behind the invitation"), false)
        }
        other => (ApiError::new(other.code(), other.to_string()), false),
    }
}

#[cfg(test)]
mod tests {
    use balcao_tenant::TlsMode;

    use super::*;

    #[test]
    fn a_refusal_says_what_the_clock_makes_likely() {
        let at = |seconds: i64| DateTime::from_timestamp(1_795_000_000 + seconds, 0).unwrap();
        let invitation = Invitation {
            address: Address {
                host: "db.example.org".to_owned(),
                port: 5432,
                database: "balcao".to_owned(),
                user: "balcao_0123456789abcdef".to_owned(),
                tls: TlsMode::VerifyFull,
            },
            password: String::new(),
            clinic_name: String::new(),
            member_name: String::new(),
            clinic_id: None,
            member_id: None,
            made_at: at(0),
            expires_at: at(86_400),
        };
        for (error, now, code, hopeless) in [
            (Error::WrongPassword, at(60), "invitation_used", true),
            (Error::WrongPassword, at(90_000), "invitation_expired", true),
            (Error::CertificateRefused, at(60), "certificate_refused", false),
            (Error::CertificateRefused, at(-86_400), "clock_behind", false),
            (Error::ConnectionLost, at(60), "connection_lost", false),
            (Error::TimedOut, at(60), "timed_out", false),
        ] {
            let (problem, given_up) = failed(&error, &invitation, now);
            assert_eq!((problem.code.as_str(), given_up), (code, hopeless), "{error:?}");
        }
    }
}
