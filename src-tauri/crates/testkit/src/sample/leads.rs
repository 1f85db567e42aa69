//! Who may become a patient, and how far along they are.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use balcao_tenant::ClinicFrame;

use super::Plan;
use super::clinic::{ATTENDANTS, Clinic};
use super::dice::Dice;
use super::ids::Ids;
use super::people::People;
use super::visits::Visit;

pub(crate) struct Lead {
    pub(crate) id: Uuid,
    /// Index of the contact.
    pub(crate) contact: usize,
    /// The way through the stages: index of the stage and when it was entered; the last one is where the lead stands.
    pub(crate) way: Vec<(usize, DateTime<Utc>)>,
    pub(crate) title: String,
    pub(crate) value_cents: Option<i64>,
    pub(crate) source: Option<&'static str>,
    pub(crate) answers: Value,
    pub(crate) metadata: Value,
    pub(crate) owner_id: Option<Uuid>,
    pub(crate) next_action: Option<&'static str>,
    pub(crate) next_action_at: Option<DateTime<Utc>>,
    pub(crate) position: f64,
    /// Index of the reason.
    pub(crate) loss_reason: Option<usize>,
    pub(crate) loss_note: Option<&'static str>,
}

impl Lead {
    pub(crate) fn created_at(&self) -> DateTime<Utc> {
        self.way[0].1
    }

    pub(crate) fn stage(&self) -> (usize, DateTime<Utc>) {
        self.way[self.way.len() - 1]
    }
}

/// The stages that provisioning makes, from left to right.
const NEW: usize = 0;
const IN_CONTACT: usize = 1;
const SCHEDULED: usize = 2;
const WON: usize = 3;
const LOST: usize = 4;
pub(crate) const STAGES: usize = 5;

/// What they want, value in cents, index of the service it is about.
const WISHES: &[(u32, &[&str], i64, usize)] = &[
    (
        14,
        &[
            "Botox no terço superior",
            "Botox testa e olhos",
            "Toxina botulínica, primeira vez",
            "Botox para o casamento",
        ],
        129_000,
        2,
    ),
    (9, &["Peeling para melasma", "Pacote de 3 peelings", "Peeling antes do verão", "Manchas no rosto"], 156_000, 3),
    (
        12,
        &["Consulta dermatologista", "Acne adulta", "Queda de cabelo", "Pinta que mudou de cor", "Alergia na pele"],
        38_000,
        1,
    ),
    (6, &["Retirada de pinta nas costas", "Tirar duas pintas", "Biópsia pedida por outro médico"], 65_000, 4),
    (
        13,
        &[
            "Dor no joelho há dois meses",
            "Dor no ombro",
            "Segunda opinião de cirurgia no joelho",
            "Dor na coluna",
            "Torceu o pé",
        ],
        35_000,
        5,
    ),
    (6, &["Infiltração no joelho", "Ácido hialurônico no joelho", "Infiltração no ombro"], 68_000, 6),
    (
        12,
        &["Clínico para a mãe", "Consulta clínica geral", "Acompanhamento de pressão", "Cansaço e tontura"],
        25_000,
        7,
    ),
    (9, &["Check-up anual", "Check-up do casal", "Check-up para concurso", "Check-up depois dos 40"], 49_000, 8),
    (3, &["Check-up empresa, 12 pessoas", "Check-up empresa, 30 pessoas"], 588_000, 8),
    (6, &["Manchinhas na pele do bebê", "Consulta para o filho", "Pé chato do filho"], 36_000, 1),
    (6, &["Só perguntou o preço", "Pediu valores pelo site", "Quer saber se atende convênio"], 0, 7),
];

const NEXT_ACTIONS: &[&str] = &[
    "Ligar à tarde",
    "Enviar valores",
    "Confirmar se o convênio autoriza",
    "Oferecer horário de desistência",
    "Mandar o preparo",
    "Perguntar se conseguiu ver a agenda",
    "Retomar depois do dia 5",
    "Enviar proposta em PDF",
];

const LOSS_NOTES: &[&str] = &[
    "Achou caro, fechou perto do trabalho.",
    "Parou de responder depois do valor.",
    "Só queria pelo convênio.",
    "Queria sábado à tarde.",
    "Mudou de cidade.",
];

pub(crate) fn leads(
    plan: &Plan,
    frame: &ClinicFrame,
    clinic: &Clinic,
    people: &mut People,
    visits: &[Visit],
) -> Vec<Lead> {
    let mut dice = Dice::new(plan.seed, "leads");
    let mut ids = Ids::new(frame.clinic_id, plan.seed, "leads");
    let [new, in_contact, scheduled, won, lost] = plan.size.lead_stages();
    let mut open: HashSet<usize> = HashSet::new();
    let mut leads = Vec::with_capacity(plan.size.leads());

    let mut coming: Vec<(usize, usize)> = visits
        .iter()
        .filter(|visit| visit.starts_at > plan.now && visit.status != "cancelled")
        .map(|visit| (visit.contact, visit.service))
        .collect();
    dice.shuffle(&mut coming);
    let mut came: Vec<(usize, usize)> =
        visits.iter().filter(|visit| visit.status == "completed").map(|visit| (visit.contact, visit.service)).collect();
    dice.shuffle(&mut came);
    let visitors: HashSet<usize> = visits.iter().map(|visit| visit.contact).collect();
    let mut strangers: Vec<usize> = (0..people.contacts.len())
        .filter(|contact| people.contacts[*contact].status == "active" && !visitors.contains(contact))
        .collect();
    dice.shuffle(&mut strangers);
    // Whoever asks is on WhatsApp, and the list may be shorter than the demand: then the same people ask again.
    let mut asking = strangers.into_iter().cycle();
    let mut came = came.into_iter().cycle();
    let mut coming = coming.into_iter();

    for (stage, count) in [(NEW, new), (IN_CONTACT, in_contact), (SCHEDULED, scheduled), (WON, won), (LOST, lost)] {
        for place in 0..count {
            // Who has a visit wants what the visit is for.
            let visitor = match stage {
                SCHEDULED => coming.find(|(contact, _)| !open.contains(contact)),
                WON => came.next(),
                _ => None,
            };
            let (contact, service) = match visitor {
                Some((contact, service)) => (contact, Some(service)),
                None if stage <= SCHEDULED => {
                    (asking.find(|contact| !open.contains(contact)).unwrap_or_default(), None)
                }
                None => (asking.next().unwrap_or_default(), None),
            };
            if stage <= SCHEDULED {
                open.insert(contact);
            }
            let mut lead = lead(plan, clinic, frame, people, (contact, service), stage, &mut dice);
            lead.id = ids.next(lead.created_at());
            lead.position = (place + 1) as f64 * 1024.0;
            let person = &mut people.contacts[contact];
            person.created_at = person.created_at.min(lead.created_at() - TimeDelta::seconds(40));
            person.chats = true;
            leads.push(lead);
        }
    }
    leads
}

fn lead(
    plan: &Plan,
    clinic: &Clinic,
    frame: &ClinicFrame,
    people: &People,
    (contact, service): (usize, Option<usize>),
    stage: usize,
    dice: &mut Dice,
) -> Lead {
    let times = plan.times();
    let person = &people.contacts[contact];
    let (_, titles, value, service) = WISHES[wish(service, dice)];
    let title = match (dice.below(8), person.first_name.is_empty()) {
        (0, false) => {
            format!("{} ({})", dice.pick(titles), dice.pick(&["urgente", "pelo convênio", "particular"]))
        }
        _ => dice.pick(titles).to_owned(),
    };
    let age_days = match stage {
        NEW => dice.share().powi(2) * 5.0 + 0.02,
        IN_CONTACT => 0.5 + dice.share().powi(2) * 24.0,
        SCHEDULED => 1.0 + dice.share() * 25.0,
        _ => 4.0 + dice.share() * (plan.days_back() as f64 - 5.0),
    };
    let wished = plan.now - TimeDelta::seconds((age_days * 86_400.0) as i64);
    let asked_at = times.waking_moment(times.day_of(wished), dice);
    let created_at = if asked_at < plan.now - TimeDelta::minutes(25) { asked_at } else { wished };

    // How far it got before it ended.
    let path: &[usize] = match (stage, dice.below(3)) {
        (NEW, _) => &[NEW],
        (IN_CONTACT, _) => &[NEW, IN_CONTACT],
        (SCHEDULED, _) => &[NEW, IN_CONTACT, SCHEDULED],
        (WON, _) => &[NEW, IN_CONTACT, SCHEDULED, WON],
        (LOST, 0) => &[NEW, LOST],
        (LOST, 1) => &[NEW, IN_CONTACT, LOST],
        _ => &[NEW, IN_CONTACT, SCHEDULED, LOST],
    };
    let end = match stage {
        WON | LOST => created_at + (plan.now - created_at).min(TimeDelta::days(18)) * dice.between(30, 90) as i32 / 100,
        _ => plan.now,
    };
    let mut way = vec![(NEW, created_at)];
    for (step, stage) in path.iter().enumerate().skip(1) {
        let from = way[step - 1].1;
        let left = path.len() - step;
        let at = from + (end - from).max(TimeDelta::zero()) * dice.between(25, 95) as i32 / (100 * left as i32);
        let at = times.when_the_desk_is_open(at, dice);
        way.push((*stage, if at < plan.now { at } else { from + (plan.now - from) / 2 }));
    }

    let value_cents = match value {
        0 => None,
        value if dice.chance(0.8) => Some(value),
        value => Some(value * dice.between(80, 120) / 100 / 1000 * 1000),
    };
    let open = stage <= SCHEDULED;
    let acts = open && dice.chance(if stage == NEW { 0.35 } else { 0.75 });
    let next_day =
        times.working_day(times.day(dice.weighted(&[(8, -3), (10, -1), (22, 0), (25, 1), (20, 3), (15, 7)])));
    let loss_reason = (stage == LOST).then(|| {
        let weights: Vec<(u32, usize)> = (0..frame.loss_reasons.len())
            .map(|index| ([30, 34, 14, 12, 5, 5].get(index).copied().unwrap_or(5), index))
            .collect();
        dice.weighted(&weights)
    });
    Lead {
        id: Uuid::nil(),
        contact,
        way,
        title,
        value_cents,
        source: person.source,
        answers: answers(clinic, service, dice),
        metadata: metadata(person.source, dice),
        owner_id: (stage != NEW || dice.chance(0.4)).then(|| clinic.members[dice.below(ATTENDANTS)].id),
        next_action: acts.then(|| dice.pick(NEXT_ACTIONS)),
        next_action_at: acts
            .then(|| times.at(next_day, dice.pick(&[9 * 60, 10 * 60, 11 * 60, 14 * 60, 15 * 60, 16 * 60 + 30]))),
        position: 0.0,
        loss_reason,
        loss_note: (stage == LOST && dice.chance(0.4)).then(|| dice.pick(LOSS_NOTES)),
    }
}

/// One of the wishes that lead to that service; any where none does, as to a second visit.
fn wish(service: Option<usize>, dice: &mut Dice) -> usize {
    let all = || WISHES.iter().enumerate().map(|(index, wish)| (wish.0, index));
    let about: Vec<(u32, usize)> =
        all().filter(|(_, index)| WISHES[*index].2 > 0 && Some(WISHES[*index].3) == service).collect();
    if about.is_empty() { dice.weighted(&all().collect::<Vec<_>>()) } else { dice.weighted(&about) }
}

fn answers(clinic: &Clinic, service: usize, dice: &mut Dice) -> Value {
    let mut answers = serde_json::Map::new();
    answers.insert("servico".into(), clinic.services[service].name.into());
    if dice.chance(0.6) {
        answers.insert("periodo".into(), dice.pick(&["manhã", "tarde", "sábado", "qualquer"]).into());
    }
    if dice.chance(0.5) {
        answers.insert("para_quem".into(), dice.pick(&["para mim", "filho", "mãe", "pai", "cônjuge"]).into());
    }
    if dice.chance(0.4) {
        answers.insert("convenio".into(), dice.pick(&["particular", "Vida Plena", "Saúde Integral", "outro"]).into());
    }
    Value::Object(answers)
}

fn metadata(source: Option<&str>, dice: &mut Dice) -> Value {
    match source {
        Some("instagram") => json!({
            "utm_source": "instagram", "utm_medium": dice.pick(&["story", "post", "bio"]),
            "utm_campaign": dice.pick(&["pele-de-verao", "indique-uma-amiga", "primeira-consulta"]),
        }),
        Some("google") => json!({
            "utm_source": "google", "utm_medium": dice.pick(&["cpc", "organic", "maps"]),
            "utm_term": dice.pick(&["clinica perto de mim", "clinica boa vista", "consulta particular", "medico sabado"]),
        }),
        Some("site") => {
            json!({ "utm_source": "site", "landing_page": dice.pick(&["/agendar", "/dermatologia", "/precos"]) })
        }
        _ => json!({}),
    }
}
