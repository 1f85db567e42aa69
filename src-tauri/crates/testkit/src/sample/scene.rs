//! One talk's people, visit and words: fills a script with what is true in it.

use chrono::{DateTime, Datelike, Days, NaiveDate, Timelike, Utc};

use super::clinic::{Clinic, Member, RETURN};
use super::dice::Dice;
use super::names;
use super::people::{Contact, Patient, Voice};
use super::scripts::{Focus, Script};
use super::times::{Times, is_holiday, spoken_time, weekday_name};
use super::visits::Visit;

/// What a talk is about. What is said twice is said the same twice: words are chosen once and kept.
pub(crate) struct Scene<'a> {
    pub(crate) times: Times,
    pub(crate) clinic: &'a Clinic,
    pub(crate) contact: &'a Contact,
    pub(crate) attendant: &'a Member,
    pub(crate) visit: Option<&'a Visit>,
    pub(crate) patient: Option<&'a Patient>,
    professional: usize,
    slot: (NaiveDate, u32),
    other_slot: (NaiveDate, u32),
    words: Vec<(String, String)>,
    /// Which of the choices that are bound together was taken.
    bound: Vec<(String, usize)>,
}

/// What only fits one specialty, by how the specialty is found: complaint, a child's complaint, after-effect, advice, a long
/// story, exam, procedure with its article, contraction and service.
struct Specialty {
    complaints: &'static [&'static str],
    childs: &'static [&'static str],
    effects: &'static [&'static str],
    advice: &'static str,
    story: &'static str,
    exams: &'static [&'static str],
    procedure: (&'static str, &'static str, usize),
}

const SKIN: Specialty = Specialty {
    complaints: &[
        "uma alergia que tomou o braço todo",
        "um caroço inflamado nas costas",
        "coceira no corpo inteiro",
        "uma acne que não melhora",
    ],
    childs: &[
        "Tá com umas manchinhas no braço que não somem",
        "alergia na dobrinha do braço",
        "Apareceu uma verruga no dedo",
    ],
    effects: &[
        "tô usando a pomada e ardeu bastante, é normal?",
        "a pele descascou um pouco, preocupa?",
        "ficou vermelho onde aplicou, é assim mesmo?",
    ],
    advice: "Pode pausar hoje e retomar amanhã.",
    story: "Já passei em 3 médicos e ninguém resolve minha acne",
    exams: &["hemograma", "exame micológico", "exame de vitamina D"],
    procedure: ("o peeling", "do peeling", 3),
};

const BONES: Specialty = Specialty {
    complaints: &[
        "uma dor forte na coluna",
        "o joelho travado",
        "o tornozelo inchado",
        "dor no ombro que não deixa dormir",
    ],
    childs: &[
        "Caiu na escola e o pé inchou um pouco",
        "anda pisando torto",
        "reclama de dor no joelho depois do futebol",
    ],
    effects: &[
        "depois da infiltração ficou meio dolorido, é assim mesmo?",
        "o joelho inchou um pouco de noite, é normal?",
        "a tala tá apertando, posso afrouxar?",
    ],
    advice: "Gelo 15 minutos, três vezes ao dia.",
    story: "operei o joelho em outro lugar e continua doendo, queria segunda opinião",
    exams: &["raio-X", "ressonância", "ultrassom do joelho"],
    procedure: ("a infiltração", "da infiltração", 6),
};

const GENERAL: Specialty = Specialty {
    complaints: &[
        "febre e dor no corpo",
        "pressão alta e tontura",
        "uma tosse que não passa",
        "dor de cabeça todo dia",
    ],
    childs: &["tosse que não vai embora faz 2 semanas", "nada demais, é só rotina mesmo", "Não tá comendo direito"],
    effects: &[
        "o remédio novo me deu enjoo, é normal?",
        "o remédio da pressão me deu uma tosse chata, é normal?",
        "fiquei com muito sono com o remédio",
    ],
    advice: "Pode continuar igual, só anote os horários.",
    story: "vivo com cansaço e nenhum exame acha nada",
    exams: &["hemograma", "ultrassom", "exame de sangue", "eletrocardiograma"],
    procedure: ("o check-up", "do check-up", 8),
};

impl<'a> Scene<'a> {
    /// `focus` chooses the professional where no visit does. `at` is when the talk begins.
    pub(crate) fn new(
        times: Times,
        clinic: &'a Clinic,
        contact: &'a Contact,
        visit: Option<(&'a Visit, &'a Patient)>,
        focus: Option<Focus>,
        at: DateTime<Utc>,
        dice: &mut Dice,
    ) -> Self {
        let attendant = &clinic.members[usize::from(dice.chance(0.4))];
        let professional = match (visit, focus) {
            (Some((visit, _)), _) => visit.professional,
            (None, Some(Focus::Skin)) => 0,
            (None, Some(Focus::Bones)) => 1,
            (None, Some(_)) => 2,
            (None, None) => dice.below(clinic.professionals.len()),
        };
        let today = times.day_of(at);
        let slot = match visit {
            Some((visit, _)) => (times.day_of(visit.starts_at), times.minute_of(visit.starts_at)),
            None => free_slot(clinic, professional, today + Days::new(1), dice),
        };
        let other_slot = free_slot(clinic, professional, slot.0 + Days::new(1), dice);
        Self {
            times,
            clinic,
            contact,
            attendant,
            visit: visit.map(|(visit, _)| visit),
            patient: visit.map(|(_, patient)| patient),
            professional,
            slot,
            other_slot,
            words: Vec::new(),
            bound: Vec::new(),
        }
    }

    /// Chooses among `[one|other]`, puts values in the place of `{names}`, and writes it as the speaker would.
    pub(crate) fn say(&mut self, text: &str, at: DateTime<Utc>, by_person: bool, dice: &mut Dice) -> String {
        let chosen = self.choose(text, dice);
        let mut said = String::with_capacity(chosen.len() + 32);
        let mut rest = chosen.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            said.push_str(before);
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            let word = self.word(name, at, dice);
            said.push_str(&word);
            rest = after;
        }
        said.push_str(rest);
        let said = said.replace("\\n", "\n").replace("  ", " ");
        let said = said.replace(" de o D", " do D").replace(" de a D", " da D").replace(" de a L", " da L");
        let said = said.trim();
        if by_person && !said.starts_with('<') { in_voice(said, self.contact.voice, dice) } else { said.to_owned() }
    }

    /// One of each `[one|other]`. A number in front, `[1:one|other]`, binds choices together: the answer fits the question.
    fn choose(&mut self, text: &str, dice: &mut Dice) -> String {
        let mut chosen = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('[') {
            chosen.push_str(before);
            let (choices, after) = after.split_once(']').unwrap_or((after, ""));
            let bound = choices
                .split_once(':')
                .filter(|(number, _)| number.len() == 1 && number.as_bytes()[0].is_ascii_digit());
            let place = match bound {
                Some((number, _)) => match self.bound.iter().find(|(known, _)| known == number) {
                    Some((_, place)) => *place,
                    None => {
                        let place = dice.below(60);
                        self.bound.push((number.to_owned(), place));
                        place
                    }
                },
                None => dice.below(60),
            };
            let choices: Vec<&str> = bound.map_or(choices, |(_, choices)| choices).split('|').collect();
            chosen.push_str(choices[place % choices.len()]);
            rest = after;
        }
        chosen.push_str(rest);
        chosen
    }

    fn word(&mut self, name: &str, at: DateTime<Utc>, dice: &mut Dice) -> String {
        let small = lower_first(name);
        let word = match small.as_str() {
            // These depend on when they are said.
            "dia" => self.times.spoken_day(self.slot.0, at),
            "ate" if self.slot.0 == self.times.day_of(at) => "até mais tarde".to_owned(),
            "ate" => format!("até {}", self.times.spoken_day(self.slot.0, at)),
            "dia2" => self.times.spoken_day(self.other_slot.0, at),
            "oi" if name == "Oi" && dice.chance(0.35) => dice.pick(&["oi", "olá"]).to_owned(),
            "oi" => greeting(self.times.wall(at).hour()).to_owned(),
            _ => match self.words.iter().find(|(known, _)| *known == small) {
                Some((_, word)) => word.clone(),
                None => {
                    let word = self.choose_word(&small, at, dice);
                    self.words.push((small.clone(), word.clone()));
                    word
                }
            },
        };
        if small != name { capitalized(&word) } else { word }
    }

    fn choose_word(&mut self, name: &str, at: DateTime<Utc>, dice: &mut Dice) -> String {
        let contact = self.contact;
        let professional = &self.clinic.professionals[self.professional];
        let doctor = &self.clinic.members[professional.member];
        let specialty = self.specialty();
        let ending = |female: bool| if female { "a" } else { "o" };
        let one_of = |list: &[&str], dice: &mut Dice| dice.pick(list).to_owned();
        let morning = self.slot.1 < 12 * 60;
        match name {
            ",nome" if contact.first_name.is_empty() => String::new(),
            ",nome" => format!(", {}", contact.first_name),
            "nome_completo" => contact.full_name.clone(),
            "atendente" => format!("{} {}", ending(self.attendant.female), self.attendant.first_name()),
            "a_dra" => format!("{} {}", ending(doctor.female), professional.called),
            "doutora" => if doctor.female { "doutora" } else { "doutor" }.to_owned(),
            "a_doutora" => if doctor.female { "a doutora" } else { "o doutor" }.to_owned(),
            "esp" => professional.specialty.to_owned(),
            "hora" => spoken_time(self.slot.1),
            "hora2" => spoken_time(self.other_slot.1),
            "dia_semana" => weekday_name(self.slot.0).to_owned(),
            "dia_visita" => {
                let day =
                    self.visit.map_or(self.times.day_of(at) - Days::new(9), |visit| self.times.day_of(visit.starts_at));
                day.format("%d/%m").to_string()
            }
            "preco" => money(self.price()),
            "preco_proc" => money(self.clinic.services[specialty.procedure.2].price_cents),
            "o_proc" => specialty.procedure.0.to_owned(),
            "do_proc" => specialty.procedure.1.to_owned(),
            "turno" => if morning { "de manhã" } else { "à tarde" }.to_owned(),
            "turno_cap" => if morning { "De manhã" } else { "À tarde" }.to_owned(),
            "queixa" => one_of(specialty.complaints, dice),
            "queixa_filho" => one_of(specialty.childs, dice),
            "reacao" => one_of(specialty.effects, dice),
            "conselho" => specialty.advice.to_owned(),
            "historia" => specialty.story.to_owned(),
            "exame" => one_of(specialty.exams, dice),
            "parte" => one_of(&["o joelho", "a coluna", "o ombro"], dice),
            "filho" => match self.patient.filter(|patient| patient.relation == "dependent") {
                Some(patient) => patient.name.split(' ').next().unwrap_or_default().to_owned(),
                None => one_of(&[names::GIRLS, names::BOYS].concat(), dice),
            },
            "do_filho" if self.girl() => "da minha filha".to_owned(),
            "do_filho" => "do meu filho".to_owned(),
            "meu_filho" if self.girl() => "minha filha".to_owned(),
            "meu_filho" => "meu filho".to_owned(),
            "idade" => {
                let born = self.patient.and_then(|patient| patient.birth_date).map(|born| born.year());
                born.map_or(dice.between(3, 14), |born| i64::from(self.times.day_of(at).year() - born).clamp(2, 15))
                    .to_string()
            }
            "idade_idosa" => dice.between(74, 93).to_string(),
            "parente" => names::woman(dice),
            "amiga" => one_of(names::WOMEN, dice),
            "convenio_sim" => one_of(&["Vida Plena", "Saúde Integral", "Bem Cuidar"], dice),
            "convenio_nao" => one_of(&["Santa Marina", "Mais Saúde", "plano da prefeitura", "Vital Brasil"], dice),
            "minutos" => one_of(&["10", "15", "15", "20"], dice),
            "numero" => dice.between(100_000, 999_999).to_string(),
            "bairro" => one_of(&["Jardim das Flores", "Vila Nova", "Santa Luzia", "Parque das Águas"], dice),
            "cidade" => one_of(&["Campinas", "Atibaia", "Santos", "Jundiaí", "São Roque"], dice),
            "nascimento" => {
                format!("{:02}/{:02}/{}", dice.between(1, 28), dice.between(1, 12), dice.between(1955, 2004))
            }
            "obrigada" => format!("obrigad{}", ending(contact.female)),
            "obrigada_a" => format!("obrigad{}", ending(self.attendant.female)),
            "obrigada_b" => "obrigado".to_owned(),
            "o_a" => ending(contact.female).to_owned(),
            "o_a_dra" => ending(doctor.female).to_owned(),
            unknown => format!("{{{unknown}}}"),
        }
    }

    fn girl(&self) -> bool {
        self.patient.is_some_and(|patient| patient.sex == Some("female"))
    }

    /// The price of what the talk is about.
    fn price(&self) -> i64 {
        let of = |service: usize| self.clinic.services[service].price_cents;
        match self.visit {
            Some(visit) if visit.service != RETURN => of(visit.service),
            _ => self.clinic.professionals[self.professional].services.first().map_or(0, |(_, service)| of(*service)),
        }
    }

    fn specialty(&self) -> &'static Specialty {
        match self.clinic.professionals[self.professional].specialty {
            "dermatologia" => &SKIN,
            "ortopedia" => &BONES,
            _ => &GENERAL,
        }
    }
}

/// Whether a talk fits a visit, or nobody's visit.
pub(crate) fn fits(script: &Script, visit: Option<(&Visit, &Patient)>, clinic: &Clinic) -> bool {
    let Some((visit, patient)) = visit else {
        return !matches!(script.focus, Some(Focus::CheckUp | Focus::Child | Focus::Return));
    };
    let specialty = clinic.professionals[visit.professional].specialty;
    let short_notice = visit.starts_at - visit.created_at < chrono::TimeDelta::hours(40);
    let plain = visit.service != RETURN && patient.relation == "self";
    match script.focus {
        None => plain || script.usage != super::scripts::Use::Booking,
        Some(Focus::Skin) => specialty == "dermatologia" && plain,
        Some(Focus::Bones) => specialty == "ortopedia" && plain,
        Some(Focus::General) => specialty == "clínica geral" && plain,
        Some(Focus::CheckUp) => clinic.services[visit.service].name.starts_with("Check-up") && plain,
        Some(Focus::Return) => visit.service == RETURN && patient.relation == "self",
        Some(Focus::Child) => patient.relation == "dependent",
        Some(Focus::ShortNotice) => short_notice && plain,
    }
}

/// A time at which that professional works, on `from` or one of the days after it.
fn free_slot(clinic: &Clinic, professional: usize, from: NaiveDate, dice: &mut Dice) -> (NaiveDate, u32) {
    for ahead in dice.below(5) as u64..30 {
        let day = from + Days::new(ahead);
        let weekday = day.weekday().number_from_monday();
        let shifts: Vec<_> = clinic
            .hours
            .iter()
            .filter(|hours| hours.professional == professional && hours.weekly.weekday == weekday)
            .collect();
        if shifts.is_empty() || is_holiday(day) {
            continue;
        }
        let shift = dice.pick(&shifts).weekly;
        let quarters = (shift.ends_minute - shift.starts_minute - 30) / 15;
        return (day, shift.starts_minute + 15 * dice.below(quarters as usize + 1) as u32);
    }
    (from, 10 * 60)
}

fn greeting(hour: u32) -> &'static str {
    match hour {
        5..=11 => "bom dia",
        12..=17 => "boa tarde",
        _ => "boa noite",
    }
}

/// `R$ 1.290,00`.
fn money(cents: i64) -> String {
    let (reais, cents) = (cents / 100, cents % 100);
    match reais / 1000 {
        0 => format!("R$ {reais},{cents:02}"),
        thousands => format!("R$ {thousands}.{:03},{cents:02}", reais % 1000),
    }
}

fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_lowercase().chain(characters).collect()).unwrap_or_default()
}

/// How people shorten words when they are in a hurry.
const SHORT: &[(&str, &str)] = &[
    ("você", "vc"),
    ("vocês", "vcs"),
    ("também", "tbm"),
    ("porque", "pq"),
    ("beleza", "blz"),
    ("hoje", "hj"),
    ("quando", "qnd"),
    ("quanto", "qto"),
    ("não", "n"),
    ("obrigada", "obg"),
    ("obrigado", "obg"),
    ("qualquer", "qlqr"),
    ("consulta", "consulta"),
    ("mesmo", "msm"),
    ("muito", "mt"),
    ("depois", "dps"),
    ("está", "tá"),
    ("para", "pra"),
    ("minutos", "min"),
    ("mensagem", "msg"),
    ("fim", "fim"),
    ("tudo", "td"),
    ("cadê", "kd"),
];

/// The same sentence as different people type it.
fn in_voice(text: &str, voice: Voice, dice: &mut Dice) -> String {
    match voice {
        Voice::Formal => text.to_owned(),
        Voice::Plain => {
            let shouted = text.chars().nth(1).is_some_and(char::is_uppercase);
            let text = if !shouted && dice.chance(0.45) { lower_first(text) } else { text.to_owned() };
            if dice.chance(0.03) { typo(&text, dice) } else { text }
        }
        Voice::Hurried => {
            let words: Vec<String> = text
                .split(' ')
                .map(|word| {
                    let bare = word.trim_end_matches(['.', ',', '!', '?']);
                    let known = SHORT.iter().find(|(long, _)| bare.to_lowercase() == *long);
                    match known {
                        Some((_, short)) if dice.chance(0.7) => format!("{short}{}", &word[bare.len()..]),
                        _ => word.to_lowercase(),
                    }
                })
                .collect();
            let text = words.join(" ").trim_end_matches('.').to_owned();
            if dice.chance(0.09) { typo(&text, dice) } else { text }
        }
        Voice::Elderly => {
            let text = capitalized(text);
            match dice.below(10) {
                _ if text.chars().count() < 3 => text,
                0 if text.chars().count() > 12 => text.to_uppercase(),
                1 | 2 => format!("{}...", text.trim_end_matches('.')),
                3 | 4 if !text.ends_with(['.', '?', '!']) => format!("{text}."),
                _ => text,
            }
        }
        Voice::Warm if dice.chance(0.3) && text.chars().count() > 10 => {
            format!("{text} {}", dice.pick(&["🙏", "😊", "❤️", "🥰", "🌻", "😘"]))
        }
        Voice::Warm => text.to_owned(),
    }
}

/// Two letters in the wrong order, inside a word.
fn typo(text: &str, dice: &mut Dice) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let inside: Vec<usize> = (1..letters.len().saturating_sub(2))
        .filter(|place| letters[place - 1..=place + 1].iter().all(|letter| letter.is_lowercase()))
        .filter(|place| letters[*place] != letters[place + 1])
        .collect();
    if !inside.is_empty() {
        let place = dice.pick(&inside);
        letters.swap(place, place + 1);
    }
    letters.into_iter().collect()
}
