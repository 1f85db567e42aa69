//! Where the password of a login is that comes in: in the keyring, under a name that follows from the login, before the
//! database hears of it, and until the profile says that this login is its own. Each step can be done again.

use balcao_keychain::{Keychain, names};
use balcao_tenant::Address;
use uuid::Uuid;

use crate::error::ApiError;
use crate::profile::Profile;

/// Follows from the login. A profile that begins with an invitation has it as its own id.
pub(super) fn arrival_id(address: &Address) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, address.user.as_bytes())
}

/// Name of the entry.
pub(super) fn arrival_entry(address: &Address) -> String {
    names::database_password(&arrival_id(address).to_string())
}

/// Moves the password of the profile's login to where the profile keeps its own, over the one of the login before. Nothing is
/// to be done where that has happened, or where no login has come in since the profile began.
pub(crate) async fn settle_arrival(keychain: &Keychain, profile: &Profile) -> Result<(), ApiError> {
    let Some((arrived, own)) = entries(profile) else { return Ok(()) };
    if let Some(password) = keychain.get(&arrived).await? {
        keychain.set(&own, &password).await?;
        keychain.delete(&arrived).await?;
    }
    Ok(())
}

/// The keyring forgets what was still to be moved.
pub(crate) async fn forget_arrival(keychain: &Keychain, profile: &Profile) -> Result<(), ApiError> {
    match entries(profile) {
        Some((arrived, _)) => Ok(keychain.delete(&arrived).await?),
        None => Ok(()),
    }
}

fn entries(profile: &Profile) -> Option<(String, String)> {
    let arrived = arrival_entry(profile.address.as_ref()?);
    let own = names::database_password(&profile.id.to_string());
    (arrived != own).then_some((arrived, own))
}

#[cfg(test)]
mod tests {
    use balcao_keychain::Secret;
    use balcao_tenant::TlsMode;

    use super::*;
    use crate::profile::Kind;

    fn profile() -> Profile {
        let address = Address {
            host: "db.example.org".to_owned(),
            port: 5432,
            database: "balcao".to_owned(),
            user: "balcao_0123456789abcdef".to_owned(),
            tls: TlsMode::VerifyFull,
        };
        Profile { address: Some(address), ..Profile::new(Uuid::from_u128(1), Kind::Remote) }
    }

    #[tokio::test]
    async fn the_password_of_the_new_login_takes_the_place_of_the_old_one_wherever_it_was_interrupted() {
        let (keychain, profile) = (Keychain::in_memory(), profile());
        let (arrived, own) = entries(&profile).unwrap();
        keychain.set(&own, &Secret::new("old")).await.unwrap();
        keychain.set(&arrived, &Secret::new("new")).await.unwrap();
        // The second time is the one after it was cut short at the end.
        for _ in 0..2 {
            settle_arrival(&keychain, &profile).await.unwrap();
            assert_eq!(keychain.get(&own).await.unwrap().unwrap().expose(), "new");
            assert!(keychain.get(&arrived).await.unwrap().is_none());
        }
    }

    #[tokio::test]
    async fn a_profile_that_began_with_its_login_has_nothing_to_move_and_loses_nothing() {
        let keychain = Keychain::in_memory();
        let profile = Profile { id: arrival_id(profile().address.as_ref().unwrap()), ..profile() };
        let own = names::database_password(&profile.id.to_string());
        keychain.set(&own, &Secret::new("own")).await.unwrap();
        settle_arrival(&keychain, &profile).await.unwrap();
        forget_arrival(&keychain, &profile).await.unwrap();
        assert_eq!(keychain.get(&own).await.unwrap().unwrap().expose(), "own");
    }
}
