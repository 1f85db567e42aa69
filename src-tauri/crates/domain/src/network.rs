//! What both ends of a clinic's own network agree on.

use uuid::Uuid;

/// The name under which the clinic's server proves itself on its own network, whatever its address is. It tells nothing about
/// the clinic, and no public authority signs it.
pub fn server_name(clinic_id: Uuid) -> String {
    format!("{clinic_id}.balcao.local")
}
