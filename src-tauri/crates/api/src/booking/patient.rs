//! For whom a visit is.

use balcao_cache::{ClinicRow, ConversationRow};
use balcao_domain::Refusal;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::types::BookFor;
use crate::clinic::OpenClinic;
use crate::error::ApiError;
use crate::inbox::object;

/// The relation of somebody to themselves.
pub(super) const OWN: &str = "self";
/// Longest name, in characters.
const LONGEST_NAME: usize = 200;

/// Whether those who are cared for here are animals.
pub(super) fn are_animals(clinic: Option<&ClinicRow>) -> bool {
    clinic.is_some_and(|clinic| clinic.vertical == "veterinary")
}

/// Somebody who is cared for.
pub(super) struct Patient {
    pub(super) id: Uuid,
    name: String,
    is_person: bool,
    /// The row to be made, of somebody who was no patient yet.
    pub(super) added: Option<Map<String, Value>>,
}

impl Patient {
    /// For whom a thread's person books.
    ///
    /// # Errors
    /// `not_found` of somebody they do not answer for; [`Refusal::TextEmpty`] and [`Refusal::TextTooLong`] of a name that is none.
    pub(super) async fn of(
        clinic: &OpenClinic,
        row: &ConversationRow,
        own_name: Option<String>,
        book_for: BookFor,
    ) -> Result<Self, ApiError> {
        let known = clinic.cache.patients(row.contact_id).await?;
        let are_animals = are_animals(clinic.cache.clinic().await?.as_ref());
        let found = match &book_for {
            BookFor::Patient { patient_id } => known.into_iter().find(|patient| patient.id == *patient_id),
            BookFor::Person => known.into_iter().find(|patient| patient.relation == OWN),
            BookFor::New { .. } => None,
        };
        let (name, relation) = match (found, book_for) {
            (Some(patient), _) => {
                let is_person = patient.relation == OWN;
                return Ok(Self { id: patient.id, name: patient.name, is_person, added: None });
            }
            (None, BookFor::Patient { .. }) => {
                return Err(ApiError::new("not_found", "there is no such patient").about("book_for"));
            }
            (None, BookFor::Person) if are_animals => return Err(Refusal::TextEmpty.into()),
            (None, BookFor::Person) => (own_name.unwrap_or_default(), OWN),
            (None, BookFor::New { name }) => (name, if are_animals { "animal" } else { "dependent" }),
        };
        let name = valid(&name)?;
        let added = object(json!({
            "contact_id": row.contact_id,
            "relation": relation,
            "name": name,
            "active": true,
        }));
        Ok(Self { id: Uuid::now_v7(), name, is_person: relation == OWN, added: Some(added) })
    }

    /// The name, where it is not the person who is written to.
    pub(super) fn of_another(&self) -> Option<&str> {
        (!self.is_person).then_some(&*self.name)
    }
}

fn valid(name: &str) -> Result<String, Refusal> {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    match name.chars().count() {
        0 => Err(Refusal::TextEmpty),
        count if count > LONGEST_NAME => Err(Refusal::TextTooLong),
        _ => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_that_the_clinic_can_keep() {
        assert_eq!(valid("  Theo \n Souza ").as_deref(), Ok("Theo Souza"));
        assert_eq!(valid(" \t"), Err(Refusal::TextEmpty));
        assert_eq!(valid(&"a".repeat(201)), Err(Refusal::TextTooLong));
    }
}
