//! The clinic itself.

use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::{Request, defaults, login};
use crate::{Error, Result};

/// A clinic in the database.
pub(super) struct Clinic {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) slug: String,
}

/// The clinic that an earlier run of the same request has made.
pub(super) async fn find(transaction: &mut PgConnection, request: &Request) -> Result<Option<Clinic>> {
    let row = sqlx::query(
        "select id, name, slug from app.clinics where btrim(name) = $1 and time_zone = $2 order by created_at limit 1",
    )
    .bind(&request.clinic_name)
    .bind(&request.time_zone)
    .fetch_optional(transaction)
    .await?;
    row.map(|row| Ok(Clinic { id: row.try_get("id")?, name: row.try_get("name")?, slug: row.try_get("slug")? }))
        .transpose()
}

pub(super) async fn exists(transaction: &mut PgConnection, id: Uuid) -> Result<bool> {
    let there = sqlx::query_scalar("select exists (select from app.clinics where id = $1)").bind(id);
    there.fetch_one(transaction).await.map_err(|error| match Error::from(error) {
        Error::Database { sqlstate } if sqlstate == "42P01" => Error::SchemaMissing,
        other => other,
    })
}

/// Makes the clinic with everything but its owner. The lock that the migrations took also keeps a second run from
/// choosing the same slug.
pub(super) async fn create(transaction: &mut PgConnection, request: &Request) -> Result<Clinic> {
    let slug = free_slug(&mut *transaction, request).await?;
    let id: Uuid = sqlx::query_scalar(
        "insert into app.clinics (name, slug, vertical, time_zone, locale) values ($1, $2, $3, $4, $5) returning id",
    )
    .bind(&request.clinic_name)
    .bind(&slug)
    .bind(request.vertical.as_str())
    .bind(&request.time_zone)
    .bind(&request.locale)
    .fetch_one(&mut *transaction)
    .await?;
    sqlx::query("insert into app.clinic_settings (clinic_id) values ($1)").bind(id).execute(&mut *transaction).await?;
    sqlx::query("insert into internal.listen_channels (clinic_id, channel) values ($1, $2)")
        .bind(id)
        .bind(format!("balcao_{}", login::random_hex::<16>()))
        .execute(&mut *transaction)
        .await?;
    defaults::insert(transaction, id).await?;
    Ok(Clinic { id, name: request.clinic_name.clone(), slug })
}

/// The first of `name`, `name-2`, `name-3` … that no clinic has.
async fn free_slug(transaction: &mut PgConnection, request: &Request) -> Result<String> {
    let wanted = match &request.slug {
        Some(slug) => slug.clone(),
        None => {
            let folded: String = sqlx::query_scalar(
                "select btrim(left(btrim(regexp_replace(app.fold($1), '[^a-z0-9]+', '-', 'g'), '-'), 56), '-')",
            )
            .bind(&request.clinic_name)
            .fetch_one(&mut *transaction)
            .await?;
            // A name in a script that folds to no Latin letter.
            if folded.is_empty() { "clinica".to_owned() } else { folded }
        }
    };
    let slug: String = sqlx::query_scalar(
        "select candidate from (
            select n, case when n = 1 then $1 else $1 || '-' || n end as candidate
            from generate_series(1, (select count(*) + 1 from app.clinics)) as n
         ) as candidates
         where not exists (select from app.clinics where slug = candidate) order by n limit 1",
    )
    .bind(&wanted)
    .fetch_one(transaction)
    .await?;
    Ok(slug)
}
