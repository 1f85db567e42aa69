//! What a clinic works with from its first day: hours, professionals, services, rooms. All of it can be changed afterwards.

use sqlx::PgConnection;
use uuid::Uuid;

use super::request::{invalid, name};
use crate::Result;

/// Colours that the agenda tells professionals apart by.
const COLORS: i32 = 8;

/// More than any clinic of one place has; a request beyond it is a mistake.
const MOST: usize = 100;

/// What a clinic works with. Empty lists are fine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Practice {
    /// When it is open; every professional begins with these hours.
    pub hours: Vec<OpeningHours>,
    /// Who treats.
    pub professionals: Vec<NewProfessional>,
    /// What is offered; every professional begins with all of it.
    pub services: Vec<NewService>,
    /// Names, 1 to 80 characters each.
    pub rooms: Vec<String>,
}

/// A span of one day of the week, in the clinic's wall time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpeningHours {
    /// 1 Monday to 7 Sunday.
    pub weekday: i32,
    /// Minutes since midnight.
    pub starts_minute: i32,
    /// Minutes since midnight, after the start.
    pub ends_minute: i32,
}

/// Somebody who treats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProfessional {
    /// 1 to 160 characters.
    pub name: String,
    /// What they do.
    pub specialty: Option<String>,
}

/// Something that is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewService {
    /// 1 to 160 characters.
    pub name: String,
    /// 5 to 1440.
    pub duration_minutes: i32,
    /// In the clinic's currency.
    pub price_cents: Option<i64>,
}

impl Practice {
    /// Whether it can be written as it is.
    ///
    /// # Errors
    /// [`crate::Error::InvalidRequest`] names the field.
    pub fn check(&self) -> Result<()> {
        self.validated().map(|_| ())
    }

    /// The same, trimmed.
    pub(super) fn validated(&self) -> Result<Self> {
        let many = [self.hours.len(), self.professionals.len(), self.services.len(), self.rooms.len()];
        if many.into_iter().any(|count| count > MOST) {
            return Err(invalid("practice", "there are more than a hundred of a kind"));
        }
        for hours in &self.hours {
            let day = (1..=7).contains(&hours.weekday) && (0..1440).contains(&hours.starts_minute);
            if !day || hours.ends_minute <= hours.starts_minute || hours.ends_minute > 1440 {
                return Err(invalid("hours", "a span of a day ends after it starts"));
            }
        }
        let professional = |each: &NewProfessional| {
            let specialty = each.specialty.as_deref().map(str::trim).filter(|text| !text.is_empty());
            Ok(NewProfessional {
                name: name("professionals", &each.name)?,
                specialty: specialty.map(|text| name("professionals", text)).transpose()?,
            })
        };
        let service = |each: &NewService| {
            if !(5..=1440).contains(&each.duration_minutes) || each.price_cents.is_some_and(|price| price < 0) {
                return Err(invalid("services", "a service takes 5 to 1440 minutes"));
            }
            Ok(NewService { name: name("services", &each.name)?, ..each.clone() })
        };
        let room = |each: &String| match name("rooms", each)? {
            room if room.chars().count() > 80 => Err(invalid("rooms", "it is longer than 80 characters")),
            room => Ok(room),
        };
        Ok(Self {
            hours: self.hours.clone(),
            professionals: self.professionals.iter().map(professional).collect::<Result<_>>()?,
            services: self.services.iter().map(service).collect::<Result<_>>()?,
            rooms: self.rooms.iter().map(room).collect::<Result<_>>()?,
        })
    }
}

/// Writes it for a clinic that was just made.
pub(super) async fn insert(transaction: &mut PgConnection, clinic_id: Uuid, practice: &Practice) -> Result<()> {
    sqlx::query(
        "insert into app.rooms (clinic_id, name, position)
         select $1, room.name, room.position - 1 from unnest($2::text[]) with ordinality as room (name, position)",
    )
    .bind(clinic_id)
    .bind(&practice.rooms)
    .execute(&mut *transaction)
    .await?;
    sqlx::query(
        "insert into app.services (clinic_id, name, duration_minutes, price_cents)
         select $1, service.* from unnest($2::text[], $3::integer[], $4::bigint[]) as service",
    )
    .bind(clinic_id)
    .bind(practice.services.iter().map(|each| each.name.clone()).collect::<Vec<_>>())
    .bind(practice.services.iter().map(|each| each.duration_minutes).collect::<Vec<_>>())
    .bind(practice.services.iter().map(|each| each.price_cents).collect::<Vec<_>>())
    .execute(&mut *transaction)
    .await?;
    sqlx::query(
        "insert into app.professionals (clinic_id, name, specialty, color, position)
         select $1, person.name, person.specialty, (person.position - 1) % $4 + 1, person.position - 1
         from unnest($2::text[], $3::text[]) with ordinality as person (name, specialty, position)",
    )
    .bind(clinic_id)
    .bind(practice.professionals.iter().map(|each| each.name.clone()).collect::<Vec<_>>())
    .bind(practice.professionals.iter().map(|each| each.specialty.clone()).collect::<Vec<_>>())
    .bind(COLORS)
    .execute(&mut *transaction)
    .await?;
    sqlx::query(
        "insert into app.professional_services (clinic_id, professional_id, service_id)
         select $1, p.id, s.id from app.professionals p, app.services s where p.clinic_id = $1 and s.clinic_id = $1",
    )
    .bind(clinic_id)
    .execute(&mut *transaction)
    .await?;
    sqlx::query(
        "insert into app.working_hours (clinic_id, professional_id, weekday, starts_minute, ends_minute)
         select $1, p.id, hours.*
         from app.professionals p, unnest($2::integer[], $3::integer[], $4::integer[]) as hours
         where p.clinic_id = $1",
    )
    .bind(clinic_id)
    .bind(practice.hours.iter().map(|each| each.weekday).collect::<Vec<_>>())
    .bind(practice.hours.iter().map(|each| each.starts_minute).collect::<Vec<_>>())
    .bind(practice.hours.iter().map(|each| each.ends_minute).collect::<Vec<_>>())
    .execute(transaction)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn field(practice: &Practice) -> Option<&'static str> {
        match practice.validated() {
            Err(Error::InvalidRequest { field, .. }) => Some(field),
            _ => None,
        }
    }

    #[test]
    fn each_part_that_is_wrong_is_named() {
        let hours = |weekday, starts_minute, ends_minute| Practice {
            hours: vec![OpeningHours { weekday, starts_minute, ends_minute }],
            ..Practice::default()
        };
        assert_eq!(field(&hours(1, 480, 1080)), None);
        for wrong in
            [hours(0, 480, 1080), hours(8, 480, 1080), hours(1, 600, 600), hours(1, -1, 60), hours(1, 60, 1441)]
        {
            assert_eq!(field(&wrong), Some("hours"));
        }
        let service = |name: &str, duration_minutes| Practice {
            services: vec![NewService { name: name.to_owned(), duration_minutes, price_cents: None }],
            ..Practice::default()
        };
        assert_eq!(field(&service(" Consulta ", 30)), None);
        for wrong in [service(" ", 30), service("Consulta", 4)] {
            assert_eq!(field(&wrong), Some("services"));
        }
        let rooms = |name: String| Practice { rooms: vec![name], ..Practice::default() };
        assert_eq!(field(&rooms("é".repeat(80))), None);
        assert_eq!(field(&rooms("é".repeat(81))), Some("rooms"));
        let many = Practice { rooms: vec!["Sala".to_owned(); 101], ..Practice::default() };
        assert_eq!(field(&many), Some("practice"));
    }
}
