//! The one error shape that crosses to the screens.

use std::any::Any;
use std::fmt::Display;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// An answer that is not the wanted one. Screens match `code` only and have their own words for each; `message` is for
/// people who read logs. No database text and no patient data is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema, thiserror::Error)]
#[error("{message} [{code}]")]
pub struct ApiError {
    /// Stable name in snake_case.
    pub code: String,
    /// One English sentence.
    pub message: String,
    /// What it is about (a field, an id), or where to find it in the log.
    pub reference: Option<String>,
}

impl ApiError {
    /// An answer of this kind.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), reference: None }
    }

    /// Says what it is about.
    #[must_use]
    pub fn about(mut self, reference: impl Into<String>) -> Self {
        self.reference = Some(reference.into());
        self
    }

    /// The payload does not have the shape that the command takes. The position helps whoever writes the caller; the
    /// payload itself is not repeated.
    pub(crate) fn bad_payload(error: serde_json::Error) -> Self {
        Self::new("bad_payload", "the payload does not have the shape that this command takes").about(format!(
            "line {}, column {}",
            error.line(),
            error.column()
        ))
    }

    /// Something that should not happen; the log has more under the reference.
    pub(crate) fn internal(error: impl Display + 'static) -> Self {
        let reference = uuid::Uuid::now_v7().simple().to_string();
        if (&error as &dyn Any).is::<tokio::task::JoinError>() {
            // It quotes the panic, which may quote a text about somebody. The place of that is in the log.
            tracing::error!(reference, "internal error: a part of the program broke");
        } else {
            tracing::error!(%error, reference, "internal error");
        }
        Self::new("internal", "something unexpected happened").about(reference)
    }
}

impl From<balcao_domain::Refusal> for ApiError {
    fn from(refusal: balcao_domain::Refusal) -> Self {
        Self::new(refusal.code(), refusal.to_string())
    }
}

impl From<balcao_cache::Error> for ApiError {
    fn from(error: balcao_cache::Error) -> Self {
        use balcao_cache::Error;
        match &error {
            Error::NotFound => Self::new("not_found", error.to_string()),
            Error::Newer => Self::new("cache_too_new", error.to_string()),
            Error::Damaged => Self::new("cache_damaged", error.to_string()),
            Error::DiskFull => Self::new("disk_full", error.to_string()),
            Error::NotWritable(_) => Self::new("profile_not_writable", error.to_string()),
            Error::Shape(_) | Error::Engine(_) => Self::internal(error),
        }
    }
}

impl From<balcao_tenant::Error> for ApiError {
    fn from(error: balcao_tenant::Error) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<balcao_keychain::KeychainError> for ApiError {
    fn from(error: balcao_keychain::KeychainError) -> Self {
        Self::new("keychain_unavailable", error.to_string())
    }
}

impl From<balcao_local_server::LocalServerError> for ApiError {
    fn from(error: balcao_local_server::LocalServerError) -> Self {
        use balcao_local_server::LocalServerError as E;
        let code = match &error {
            E::BinariesMissing { .. } => "binaries_missing",
            E::DiskFull { .. } => "disk_full",
            E::Keychain(_) => "keychain_unavailable",
            E::PasswordLost { .. } => "server_password_lost",
            E::WrongDataVersion { .. } => "server_data_version",
            E::Unreachable { .. } => "server_folder_unreachable",
            _ => "server_start_failed",
        };
        Self::new(code, error.to_string())
    }
}
