//! A clinic in a PostgreSQL that is there already. The administrator's address is used once: it is in no file, no log and
//! no keyring, and a set-up that was interrupted asks for it again.

use std::sync::Arc;

use balcao_keychain::{Secret, names};
use balcao_tenant::provision::{self, Provisioned};
use balcao_tenant::{Address, Error, Tenant, TlsMode};
use uuid::Uuid;

use super::stage::CALLED_OFF;
use super::types::{ServerAddress, ServerFindings, StartServerClinic};
use super::{check, practice, request};
use crate::copy::Opening;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::profile::{Kind, Profile};
use crate::session::{Session, StartLocalClinic, first_run};

/// Longest certificate authority that is taken, in bytes: a whole chain has some thousands.
const LONGEST_CA: usize = 64 * 1024;

pub(crate) async fn check_server(desk: &Arc<Desk>, wish: ServerAddress) -> Result<ServerFindings, ApiError> {
    drop(first_run(desk).await?);
    let found = provision::inspect(admin_url(&wish)?.expose()).await?;
    Ok(ServerFindings {
        host: found.address.host,
        port: found.address.port,
        database: found.address.database,
        server_version: found.server_version,
        is_encrypted: found.is_encrypted,
        clinics: found.clinics,
    })
}

pub(crate) async fn start_server_clinic(desk: &Arc<Desk>, wish: StartServerClinic) -> Result<Session, ApiError> {
    let _beginning = first_run(desk).await?;
    check(&wish.clinic)?;
    let admin = admin_url(&wish.server)?;
    let folder = &desk.options.profile_dir;
    // The password of an attempt that was interrupted is the proof that the clinic it made is ours.
    let id = match Profile::read(folder)? {
        Some(profile) if profile.waits_for_administrator() => profile.id,
        _ => Uuid::new_v4(),
    };
    let unfinished = Some(wish.clinic.clone());
    let profile = Profile { unfinished, ..Profile::new(id, Kind::Remote) };
    profile.write(folder)?;
    desk.setup.begin();
    desk.set_session(Session::preparing("connect", None));
    let desk_there = desk.clone();
    tokio::spawn(async move { desk_there.found_on_server(profile, admin, wish.clinic).await });
    Ok(desk.session())
}

impl Desk {
    async fn found_on_server(self: Arc<Self>, profile: Profile, admin: Secret, wish: StartLocalClinic) {
        let outcome = tokio::select! {
            // Dropped before it could become lasting, it leaves the database as it was.
            () = self.setup.called_off() => Err(ApiError::new(CALLED_OFF, "the set-up was called off")),
            outcome = self.found_clinic(&profile, &admin, &wish) => outcome,
        };
        match outcome {
            Ok(address) => {
                let profile = Profile { address: Some(address), unfinished: None, ..profile };
                self.setup.end();
                match profile.write(&self.options.profile_dir) {
                    Ok(()) => self.open_profile(profile, Opening::default()),
                    Err(problem) => self.set_session(Session::Failed { problem, has_profile: false }),
                }
            }
            Err(problem) if problem.code == CALLED_OFF => {
                if let Err(problem) = self.undo_setup(&profile, None).await {
                    self.setup.end();
                    self.set_session(Session::Failed { problem, has_profile: false });
                }
            }
            Err(problem) => {
                tracing::warn!(code = problem.code, "the clinic could not be made");
                self.setup.end();
                self.set_session(Session::Failed { problem, has_profile: false });
            }
        }
    }

    async fn found_clinic(
        &self,
        profile: &Profile,
        admin: &Secret,
        wish: &StartLocalClinic,
    ) -> Result<Address, ApiError> {
        self.set_session(Session::preparing("schema", None));
        let problem = std::sync::Mutex::new(None);
        let (request, practice) = (request(wish)?, practice(wish));
        let made = provision::found(admin.expose(), &request, &practice, |made| {
            let problem = &problem;
            async move {
                let kept = self.keep_password(profile, &made).await.and_then(|()| self.setup.settle());
                let may = kept.is_ok();
                if let (Err(why), Ok(mut problem)) = (kept, problem.lock()) {
                    *problem = Some(why);
                }
                may
            }
        });
        match made.await? {
            Some(made) => Ok(made.owner.address),
            None => Err(problem.into_inner().ok().flatten().unwrap_or_else(|| ApiError::internal("no clinic"))),
        }
    }

    /// Kept before the clinic lasts: whatever happens then, this computer can enter what it made.
    async fn keep_password(&self, profile: &Profile, made: &Provisioned) -> Result<(), ApiError> {
        let entry = names::database_password(&profile.id.to_string());
        if let Some(password) = &made.owner.password {
            return Ok(self.keychain.set(&entry, &Secret::new(password.clone())).await?);
        }
        // Of an attempt whose last answer was lost, or somebody else's of the same name.
        let theirs = || ApiError::new("clinic_exists", "a clinic of this name is in this database already");
        let password = self.keychain.get(&entry).await?.ok_or_else(theirs)?;
        match Tenant::connect(&made.owner.address, password.expose(), "balcao").await {
            Ok(tenant) => tenant.close().await,
            Err(Error::WrongPassword | Error::LoginUnknown | Error::LoginRevoked) => return Err(theirs()),
            Err(other) => return Err(other.into()),
        }
        Ok(())
    }
}

/// The address with everything that was asked about it, as the provisioning takes it.
pub(crate) fn admin_url(wish: &ServerAddress) -> Result<Secret, ApiError> {
    let (mut address, password) = Address::parse(wish.address.trim())?;
    if address.host.ends_with(".pooler.supabase.com") || address.port == 6543 {
        return Err(ApiError::new("pooler_address", "this is the address of a pooler, which knows no other logins"));
    }
    if let Some(pem) = wish.ca_pem.as_deref().map(str::trim).filter(|pem| !pem.is_empty()) {
        let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
        if pem.len() > LONGEST_CA || !pem.starts_with(begin) || !pem.ends_with(end) || pem.contains("PRIVATE KEY") {
            return Err(ApiError::new("invalid_certificate", "this is no certificate in PEM").about("ca_pem"));
        }
        address.tls = TlsMode::VerifyFullWith { ca_pem: format!("{pem}\n") };
    }
    Ok(Secret::new(address.to_url_with(password.as_deref())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(address: &str, ca_pem: Option<&str>) -> ServerAddress {
        ServerAddress { address: address.to_owned(), ca_pem: ca_pem.map(str::to_owned) }
    }

    #[test]
    fn an_address_in_plain_text_or_of_a_pooler_is_refused() {
        for (address, code) in [
            ("postgres://a:b@db.example.org/x?sslmode=disable", "plain_text_refused"),
            ("postgres://postgres.abc:b@aws-0-sa-east-1.pooler.supabase.com:5432/postgres", "pooler_address"),
            ("postgres://postgres:b@db.abc.supabase.co:6543/postgres", "pooler_address"),
            ("db.example.org", "invalid_address"),
        ] {
            assert_eq!(admin_url(&server(address, None)).unwrap_err().code, code, "{address}");
        }
    }

    #[test]
    fn a_pasted_authority_decides_whom_to_believe_and_a_key_is_not_taken() {
        let pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
        let url = admin_url(&server("postgres://a:b%40c@db.example.org/x", Some(pem))).unwrap();
        let (address, password) = Address::parse(url.expose()).unwrap();
        assert_eq!(address.tls, TlsMode::VerifyFullWith { ca_pem: format!("{pem}\n") });
        assert_eq!(password.as_deref(), Some("b@c"));
        for wrong in ["/etc/ca.pem", "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----"] {
            let refused = admin_url(&server("postgres://a:b@db.example.org/x", Some(wrong)));
            assert_eq!(refused.unwrap_err().code, "invalid_certificate");
        }
    }

    #[test]
    fn debug_hides_the_address() {
        let clinic = StartLocalClinic { clinic_name: "C".into(), ..StartLocalClinic::default() };
        let wish = StartServerClinic { server: server("postgres://a:hunter2@h/x", None), clinic };
        assert!(!format!("{wish:?}").contains("hunter2"));
    }
}
