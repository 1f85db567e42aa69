//! The shape of the copy: which tables of the clinic a desk copies, and which of their columns.
//!
//! PostgreSQL's tables (`migrations/tenant`), SQLite's tables (`migrations/cache`) and this list name the same columns; a
//! test compares all three. Every entity also has `id` and `version`, which are not listed.

use std::borrow::Cow;

use uuid::Uuid;

/// How a column is stored on each side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// `uuid` in PostgreSQL, 16-byte blob in SQLite, hyphenated text in JSON.
    Id,
    /// `text`.
    Text,
    /// `integer` or `bigint`.
    Integer,
    /// `double precision`.
    Real,
    /// `boolean`; 0 or 1 in SQLite.
    Boolean,
    /// `timestamptz`; microseconds since 1970 UTC in SQLite, RFC 3339 in JSON.
    Instant,
    /// `date`; ISO 8601 text in SQLite and JSON.
    Date,
    /// `jsonb`; JSON text in SQLite.
    Json,
}

/// A copied column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name on both sides.
    pub name: &'static str,
    /// How it is stored.
    pub kind: ColumnKind,
}

/// A copied table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entity {
    /// Its name on both sides.
    pub name: &'static str,
    /// Its columns beside `id` and `version`.
    pub columns: &'static [Column],
}

impl Entity {
    /// The entity of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ENTITIES.iter().find(|entity| entity.name == name)
    }

    /// The kind of a column, `id` and `version` included.
    pub fn kind_of(&self, column: &str) -> Option<ColumnKind> {
        match column {
            "id" => Some(ColumnKind::Id),
            "version" => Some(ColumnKind::Integer),
            _ => self.columns.iter().find(|c| c.name == column).map(|c| c.kind),
        }
    }
}

/// One value on its way between the two engines.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// Absent.
    Null,
    /// Integers, booleans (0, 1), instants (microseconds since 1970 UTC).
    Integer(i64),
    /// Floating point.
    Real(f64),
    /// Texts, dates, JSON.
    Text(Cow<'a, str>),
    /// Ids.
    Id(Uuid),
}

macro_rules! entities {
    ($($entity:ident { $($column:ident : $kind:ident),* $(,)? })*) => {
        /// Every copied table, in the order in which a small change is read.
        pub const ENTITIES: &[Entity] = &[$(Entity {
            name: stringify!($entity),
            columns: &[$(Column { name: stringify!($column), kind: ColumnKind::$kind }),*],
        }),*];
    };
}

entities! {
    clinics { name: Text, slug: Text, vertical: Text, status: Text, time_zone: Text, locale: Text }
    clinic_settings { operating_hours: Json, assistant: Json, reminders: Json, context: Json, inbox: Json }
    members { name: Text, role: Text, active: Boolean, registration_number: Text }
    channels { name: Text, kind: Text, url: Text, instance: Text, phone: Text, status: Text, active: Boolean, settings: Json,
        last_event_at: Instant, last_inbound_at: Instant, last_ack_at: Instant, acks_missing_since: Instant,
        last_sweep_at: Instant, swept_until: Instant, unknown_outcomes: Integer, problem: Text, needs_pairing: Boolean }
    background_holders { lease: Text, label: Text, since: Instant, seen_at: Instant, released_at: Instant }
    services { name: Text, category: Text, duration_minutes: Integer, buffer_before_minutes: Integer,
        buffer_after_minutes: Integer, price_cents: Integer, active: Boolean }
    rooms { name: Text, position: Integer, active: Boolean }
    professionals { member_id: Id, room_id: Id, name: Text, specialty: Text, color: Integer, position: Integer,
        active: Boolean }
    professional_services { professional_id: Id, service_id: Id }
    working_hours { professional_id: Id, weekday: Integer, starts_minute: Integer, ends_minute: Integer, valid_from: Date,
        valid_until: Date }
    schedule_exceptions { professional_id: Id, room_id: Id, kind: Text, starts_at: Instant, ends_at: Instant, reason: Text }
    quick_replies { shortcut: Text, title: Text, body: Text, active: Boolean }
    pipelines { name: Text, position: Integer, is_default: Boolean }
    pipeline_stages { pipeline_id: Id, name: Text, kind: Text, position: Integer }
    loss_reasons { name: Text, position: Integer, active: Boolean }
    contacts { name: Text, profile_name: Text, phone: Text, email: Text, status: Text, source: Text, tags: Json, notes: Text,
        last_interaction_at: Instant }
    patients { contact_id: Id, relation: Text, name: Text, birth_date: Date, species: Text, breed: Text, active: Boolean }
    appointments { patient_id: Id, contact_id: Id, professional_id: Id, room_id: Id, service_id: Id, starts_at: Instant,
        ends_at: Instant, status: Text, squeezed_in: Boolean, squeeze_reason: Text, notes: Text, source: Text,
        arrived_at: Instant }
    conversations { contact_id: Id, channel_id: Id, status: Text, handler: Text, assignee_id: Id, priority: Text, labels: Json,
        snoozed_until: Instant, unread_count: Integer, waiting_since: Instant, last_message_at: Instant,
        last_message_preview: Text, last_message_direction: Text, last_message_kind: Text, marked_unread: Boolean,
        opened_at: Instant, responded_at: Instant, closed_at: Instant, satisfaction_score: Integer,
        satisfaction_at: Instant }
    messages { conversation_id: Id, channel_id: Id, direction: Text, sender_kind: Text, sender_id: Id, kind: Text, body: Text,
        gateway_id: Text, reply_to_gateway_id: Text, quoted_preview: Text, mentions: Json, status: Text, error_code: Text,
        error_text: Text, sent_at: Instant, scheduled_for: Instant, cancelled_at: Instant, delivered_at: Instant,
        read_at: Instant, edited_at: Instant, revoked_at: Instant, reactions: Json, attachment: Json }
    mentions { message_id: Id, conversation_id: Id, member_id: Id, seen_at: Instant }
    leads { contact_id: Id, pipeline_id: Id, stage_id: Id, title: Text, value_cents: Integer, source: Text, owner_id: Id,
        next_action: Text, next_action_at: Instant, position: Real, stage_entered_at: Instant, loss_reason_id: Id,
        loss_note: Text, closed_at: Instant }
}
