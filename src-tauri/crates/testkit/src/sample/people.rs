//! The people in the clinic's book: contacts, the addresses they are known by, and who is cared for.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use balcao_tenant::ClinicFrame;

use super::Plan;
use super::dice::Dice;
use super::ids::Ids;
use super::{names, phones};

/// How a person writes on WhatsApp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    Plain,
    Hurried,
    Elderly,
    Warm,
    Formal,
}

pub(crate) struct Contact {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) profile_name: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) lid: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) status: &'static str,
    pub(crate) source: Option<&'static str>,
    pub(crate) tags: Vec<&'static str>,
    pub(crate) custom_fields: Value,
    pub(crate) notes: &'static str,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) last_interaction_at: Option<DateTime<Utc>>,
    /// The name one calls them by; empty when nobody knows it.
    pub(crate) first_name: String,
    pub(crate) full_name: String,
    pub(crate) female: bool,
    pub(crate) voice: Voice,
    /// Where messages go: the address WhatsApp knows.
    pub(crate) chat_address: String,
    /// Whether they talk to the clinic on WhatsApp.
    pub(crate) chats: bool,
    /// Indexes of the patients this contact answers for.
    pub(crate) patients: Vec<usize>,
}

pub(crate) struct Identifier {
    pub(crate) id: Uuid,
    pub(crate) contact: usize,
    pub(crate) kind: &'static str,
    pub(crate) value: String,
    pub(crate) match_key: String,
    pub(crate) is_primary: bool,
}

pub(crate) struct Patient {
    pub(crate) id: Uuid,
    pub(crate) contact: usize,
    pub(crate) relation: &'static str,
    pub(crate) name: String,
    pub(crate) birth_date: Option<NaiveDate>,
    pub(crate) sex: Option<&'static str>,
    pub(crate) medical_notes: &'static str,
}

pub(crate) struct People {
    pub(crate) contacts: Vec<Contact>,
    pub(crate) identifiers: Vec<Identifier>,
    pub(crate) patients: Vec<Patient>,
}

const SOURCES: &[(u32, Option<&str>)] = &[
    (30, Some("indicação")),
    (24, Some("google")),
    (20, Some("instagram")),
    (10, Some("site")),
    (8, Some("passou na frente")),
    (8, None),
];

const VOICES: &[(u32, Voice)] =
    &[(40, Voice::Plain), (26, Voice::Hurried), (12, Voice::Elderly), (12, Voice::Warm), (10, Voice::Formal)];

const TAGS: &[(u32, &str)] = &[
    (30, "particular"),
    (26, "convênio"),
    (10, "prefere manhã"),
    (8, "prefere tarde"),
    (7, "idoso"),
    (6, "gestante"),
    (5, "vip"),
    (5, "prefere ligação"),
    (3, "atrasa"),
];

const NOTES: &[&str] = &[
    "Prefere ser chamada de senhora.",
    "Liga antes de vir, mora longe.",
    "Cadeira de rodas: abrir o portão lateral.",
    "Ouve mal, falar devagar ao telefone.",
    "Indicou a família inteira.",
    "Pede sempre o primeiro horário.",
    "Pagar com Pix, não usa cartão.",
    "Fala espanhol.",
    "Trazer a ficha antiga na próxima consulta.",
];

const MEDICAL_NOTES: &[&str] =
    &["Alergia a dipirona.", "Hipertensão.", "Diabetes tipo 2.", "Alergia a látex.", "Marca-passo.", "Asma."];

pub(crate) fn people(plan: &Plan, frame: &ClinicFrame) -> People {
    let mut dice = Dice::new(plan.seed, "people");
    let mut contact_ids = Ids::new(frame.clinic_id, plan.seed, "contacts");
    let mut identifier_ids = Ids::new(frame.clinic_id, plan.seed, "contact_identifiers");
    let mut patient_ids = Ids::new(frame.clinic_id, plan.seed, "patients");
    let mut people = People { contacts: Vec::new(), identifiers: Vec::new(), patients: Vec::new() };
    for count in 0..plan.size.contacts() {
        let created_at = first_seen(plan, &mut dice);
        let mut contact = contact(plan, count, created_at, &mut dice);
        contact.id = contact_ids.next(created_at);
        let index = people.contacts.len();
        let mut identify = |kind, value: String, match_key: String, is_primary| {
            let id = identifier_ids.next(created_at);
            people.identifiers.push(Identifier { id, contact: index, kind, value, match_key, is_primary });
        };
        if let Some(phone) = &contact.phone {
            identify("phone", phone.clone(), match_key(phone), true);
        }
        if let Some(lid) = &contact.lid {
            identify("lid", lid.clone(), lid.clone(), contact.phone.is_none());
        }
        if let Some(email) = &contact.email {
            identify("email", email.clone(), email.clone(), false);
        }
        patients_of(plan, &mut contact, index, &mut people.patients, &mut patient_ids, &mut dice);
        people.contacts.push(contact);
    }
    people
}

/// What two spellings of one number share.
fn match_key(phone: &str) -> String {
    balcao_domain::phone::Phone::from_e164(phone).map_or_else(|| phone.to_owned(), |phone| phone.match_key())
}

/// The clinic has been growing for four years: most of its people came lately.
fn first_seen(plan: &Plan, dice: &mut Dice) -> DateTime<Utc> {
    let times = plan.times();
    let days = (dice.share().powf(1.6) * 1400.0) as i64 + 1;
    let day = times.working_day(times.day(-days - 3));
    times.at(day, dice.between(8 * 60, 18 * 60) as u32) + TimeDelta::seconds(dice.between(0, 59))
}

fn contact(plan: &Plan, count: usize, created_at: DateTime<Utc>, dice: &mut Dice) -> Contact {
    let person = names::person(dice);
    let (phone, whatsapp) = phones::number(plan.seed, count as u64, dice);
    // Whom WhatsApp hides, nobody has written into the book yet.
    let hidden = dice.chance(0.025);
    let known = !hidden || dice.chance(0.3);
    let lid = (hidden || dice.chance(0.3)).then(|| phones::lid(plan.seed, count as u64));
    let only_first = dice.chance(0.05);
    let profile_name = names::profile_name(&person, dice);
    let name = match (known, only_first) {
        (false, _) => String::new(),
        (true, true) => person.first.clone(),
        (true, false) => person.full.clone(),
    };
    let email = (known && dice.chance(0.28)).then(|| {
        let mailbox = balcao_domain::text::fold(&person.full).replace(' ', ".");
        format!("{mailbox}{}@{}", count + 11, dice.pick(&["mail.example", "correio.example", "caixa.example"]))
    });
    let voice = dice.weighted(VOICES);
    let mut tags = Vec::new();
    while dice.chance(0.3) && tags.len() < 3 {
        let tag = dice.weighted(TAGS);
        let fits = match tag {
            "gestante" => person.female && voice != Voice::Elderly,
            "idoso" => voice == Voice::Elderly,
            _ => true,
        };
        if fits && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    let custom_fields = match dice.below(10) {
        0..=2 => json!({ "convenio": dice.pick(&["Vida Plena", "Saúde Integral", "Bem Cuidar"]) }),
        3 => {
            json!({ "profissao": dice.pick(&["professora", "motorista", "aposentado", "enfermeira", "comerciante", "estudante"]) })
        }
        _ => json!({}),
    };
    Contact {
        id: Uuid::nil(),
        name,
        // Somebody without a name in the book is at least called something on WhatsApp, or nothing at all.
        profile_name,
        chat_address: match (&lid, hidden) {
            (Some(lid), true) => format!("{lid}@lid"),
            _ => format!("{whatsapp}@s.whatsapp.net"),
        },
        phone: (!hidden).then_some(phone),
        lid,
        email,
        status: dice.weighted(&[(975, "active"), (20, "archived"), (5, "blocked")]),
        source: dice.weighted(SOURCES),
        tags,
        custom_fields,
        notes: if dice.chance(0.05) { dice.pick(NOTES) } else { "" },
        created_at,
        last_interaction_at: None,
        first_name: if known { person.first } else { String::new() },
        full_name: person.full,
        female: person.female,
        voice,
        chats: hidden || dice.chance(0.66),
        patients: Vec::new(),
    }
}

fn patients_of(
    plan: &Plan,
    contact: &mut Contact,
    index: usize,
    patients: &mut Vec<Patient>,
    ids: &mut Ids,
    dice: &mut Dice,
) {
    // Who only asked for a price is nobody's patient.
    if contact.name.is_empty() || contact.status != "active" || !dice.chance(0.78) {
        return;
    }
    let mut add = |relation, name: String, female: bool, years: (i64, i64), dice: &mut Dice| {
        let born = plan.today - TimeDelta::days(dice.between(years.0 * 365, years.1 * 365));
        contact.patients.push(patients.len());
        patients.push(Patient {
            id: ids.next(contact.created_at),
            contact: index,
            relation,
            name,
            birth_date: dice.chance(0.9).then_some(born),
            sex: (relation == "dependent" || dice.chance(0.9)).then_some(if female { "female" } else { "male" }),
            medical_notes: if dice.chance(0.06) { dice.pick(MEDICAL_NOTES) } else { "" },
        });
    };
    let parent = dice.chance(0.14);
    if !parent || dice.chance(0.7) {
        let years = if contact.voice == Voice::Elderly { (60, 88) } else { (18, 67) };
        add("self", contact.full_name.clone(), contact.female, years, dice);
    }
    if parent {
        for _ in 0..=usize::from(dice.chance(0.3)) {
            let (name, female) = names::child(&contact.full_name, dice);
            add("dependent", name, female, (0, 15), dice);
        }
    }
}
