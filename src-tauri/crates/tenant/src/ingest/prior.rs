//! What the database knows of the messages and the people of a batch before anything of it is stored: asked for once, so that
//! what is new is stored without questions of its own.
//!
//! Nobody else stores messages of the channel meanwhile, so that "nothing is known" stays true until the batch itself stores
//! something. What is known of a person may be overtaken, by a merge or an erasure: then the message is led to the thread that
//! goes on, or cannot be stored, and the batch is tried again.

use std::collections::{HashMap, HashSet};

use balcao_domain::message::{GatewayEvent, GatewayId, GatewayMessage, Person};
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use crate::Result;

/// What was known when the batch began, kept up with what it stores.
pub(super) struct Prior {
    /// Ids at the gateway of which something is known: a message, one that was erased, an earlier try, an effect that waits.
    ids: HashSet<String>,
    /// Whether a message of ours may have gone out whose id is not known yet.
    awaits_echo: bool,
    /// By kind of address and what it is compared by.
    people: HashMap<(&'static str, String), Acquaintance>,
}

/// A person who has a thread, as far as that is enough to file a message.
#[derive(Clone, PartialEq, Eq)]
struct Acquaintance {
    contact: Uuid,
    is_named: bool,
    thread: Uuid,
    chat: String,
}

impl Prior {
    /// Asks what is known of everything that these events speak of.
    pub(super) async fn of(
        transaction: &mut PgConnection,
        clinic: Uuid,
        channel: Uuid,
        events: &[&GatewayEvent],
    ) -> Result<Self> {
        let messages: Vec<&GatewayMessage> = events
            .iter()
            .filter_map(|event| match event {
                GatewayEvent::Message(message) => Some(&**message),
                _ => None,
            })
            .collect();
        let effects = events.iter().filter_map(|event| match event {
            GatewayEvent::Effect { gateway_id, .. } => Some(gateway_id),
            _ => None,
        });
        let ids: Vec<&str> =
            messages.iter().map(|message| &message.gateway_id).chain(effects).map(GatewayId::as_str).collect();
        if ids.is_empty() {
            return Ok(Self { ids: HashSet::new(), awaits_echo: false, people: HashMap::new() });
        }
        let first_of_ours = messages.iter().filter(|message| message.from_me).map(|message| message.sent_at).min();
        let known = sqlx::query(
            "select coalesce(array_agg(g.id), '{}') as ids,
                    exists (select from app.message_attempts a
                            join lateral (select m.channel_id, m.gateway_id from app.messages m
                                          where m.clinic_id = $1 and m.id = a.message_id offset 0) m on true
                            where a.clinic_id = $1 and a.outcome in ('running', 'unknown') and m.channel_id = $2
                              and m.gateway_id is null and a.started_at >= $4 - interval '1 day') as awaits_echo
             from unnest($3::text[]) as g (id)
             where exists (select from app.messages m where m.clinic_id = $1 and m.channel_id = $2 and m.gateway_id = g.id)
                or exists (select from app.pending_effects e
                           where e.clinic_id = $1 and e.channel_id = $2 and e.gateway_id = g.id)
                or exists (select from app.message_attempts a where a.clinic_id = $1 and a.gateway_id = g.id)
                or app.is_message_erased($2, g.id)",
        );
        let known = known.bind(clinic).bind(channel).bind(&ids).bind(first_of_ours);
        let known = known.fetch_one(&mut *transaction).await?;
        Ok(Self {
            ids: known.try_get::<Vec<String>, _>("ids")?.into_iter().collect(),
            awaits_echo: known.try_get("awaits_echo")?,
            people: people(transaction, clinic, channel, &messages).await?,
        })
    }

    /// Whether something is known of this id.
    pub(super) fn has(&self, id: &GatewayId) -> bool {
        self.ids.contains(id.as_str())
    }

    /// From now on something is.
    pub(super) fn note(&mut self, id: &GatewayId) {
        self.ids.insert(id.as_str().to_owned());
    }

    /// Whether this message is new for certain: not known, and not the echo of one of ours.
    pub(super) fn is_news(&self, message: &GatewayMessage) -> bool {
        !(self.has(&message.gateway_id) || message.from_me && self.awaits_echo)
    }

    /// The thread of a message, where nothing has to be found out or written down of its person and its chat.
    pub(super) fn thread_of(&self, message: &GatewayMessage) -> Option<Uuid> {
        let mut addresses = addresses(&message.person);
        let known = self.people.get(&addresses.next()?)?;
        let is_one = addresses.all(|address| self.people.get(&address).is_some_and(|other| other == known));
        let is_named = message.push_name.is_none() || known.is_named;
        let is_answered_there = message.from_me || known.chat == message.chat.as_str();
        (is_one && is_named && is_answered_there).then_some(known.thread)
    }

    /// Something of this person was written down. Two addresses may have turned out to be one person, under whatever third.
    pub(super) fn forget(&mut self, person: &Person, contact: Uuid) {
        match addresses(person).count() {
            0 | 1 => self.people.retain(|_, known| known.contact != contact),
            _ => self.people.clear(),
        }
    }

    /// Something was written down of people of whom it is not known here who they are.
    pub(super) fn forget_people(&mut self) {
        self.people.clear();
    }
}

fn addresses(person: &Person) -> impl Iterator<Item = (&'static str, String)> {
    let phone = person.phone.as_ref().map(|phone| ("phone", phone.match_key()));
    let lid = person.lid.as_ref().map(|lid| ("lid", lid.as_str().to_owned()));
    phone.into_iter().chain(lid)
}

async fn people(
    transaction: &mut PgConnection,
    clinic: Uuid,
    channel: Uuid,
    messages: &[&GatewayMessage],
) -> Result<HashMap<(&'static str, String), Acquaintance>> {
    let (phones, lids): (Vec<_>, Vec<_>) =
        messages.iter().flat_map(|message| addresses(&message.person)).partition(|(kind, _)| *kind == "phone");
    let keys = |addresses: Vec<(&str, String)>| addresses.into_iter().map(|(_, key)| key).collect::<Vec<_>>();
    let rows = sqlx::query(
        "select i.kind, i.match_key, c.id as contact, c.name <> '' and c.profile_name is not null as is_named,
                t.id as thread, t.chat_address
         from app.contact_identifiers i
         join app.contacts c on c.clinic_id = i.clinic_id and c.id = i.contact_id
         join app.conversations t on t.clinic_id = c.clinic_id and t.channel_id = $2 and t.contact_id = c.id
         where i.clinic_id = $1 and t.chat_address is not null
           and ((i.kind = 'phone' and i.match_key = any ($3)) or (i.kind = 'lid' and i.match_key = any ($4)))",
    );
    let rows = rows.bind(clinic).bind(channel).bind(keys(phones)).bind(keys(lids));
    let mut people = HashMap::new();
    for row in rows.fetch_all(transaction).await? {
        let kind = if row.try_get::<&str, _>("kind")? == "phone" { "phone" } else { "lid" };
        let known = Acquaintance {
            contact: row.try_get("contact")?,
            is_named: row.try_get("is_named")?,
            thread: row.try_get("thread")?,
            chat: row.try_get("chat_address")?,
        };
        people.insert((kind, row.try_get("match_key")?), known);
    }
    Ok(people)
}
