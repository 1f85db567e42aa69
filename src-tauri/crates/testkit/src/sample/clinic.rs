//! The house itself: who works there, in which room, when, and what can be booked.

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use uuid::Uuid;

use balcao_domain::working_hours::{Exception, ExceptionKind, Span, WeeklyHours};
use balcao_tenant::ClinicFrame;

use super::ids::Ids;
use super::times::{Times, holiday};
use super::{Plan, Size};

pub(crate) struct Member {
    pub(crate) id: Uuid,
    pub(crate) name: &'static str,
    pub(crate) email: String,
    pub(crate) role: &'static str,
    pub(crate) female: bool,
    pub(crate) registration: Option<&'static str>,
    pub(crate) last_seen_at: Option<DateTime<Utc>>,
}

impl Member {
    pub(crate) fn first_name(&self) -> &'static str {
        self.name.split(' ').find(|part| !part.ends_with('.')).unwrap_or(self.name)
    }
}

pub(crate) struct Professional {
    pub(crate) id: Uuid,
    /// Index of the member.
    pub(crate) member: usize,
    /// Index of the room where this professional mostly works.
    pub(crate) room: usize,
    /// `Dra. Helena`.
    pub(crate) called: String,
    pub(crate) specialty: &'static str,
    /// Services by how often they are booked: weight and index.
    pub(crate) services: Vec<(u32, usize)>,
}

pub(crate) struct Service {
    pub(crate) id: Uuid,
    pub(crate) name: &'static str,
    pub(crate) category: &'static str,
    pub(crate) minutes: i32,
    pub(crate) price_cents: i64,
}

pub(crate) struct Hours {
    pub(crate) id: Uuid,
    pub(crate) professional: usize,
    pub(crate) weekly: WeeklyHours,
    /// Index of the room; none for visits by video.
    pub(crate) room: Option<usize>,
}

pub(crate) struct Deviation {
    pub(crate) id: Uuid,
    pub(crate) kind: &'static str,
    pub(crate) rule: Exception,
    pub(crate) reason: String,
}

pub(crate) struct Clinic {
    pub(crate) members: Vec<Member>,
    pub(crate) professionals: Vec<Professional>,
    pub(crate) rooms: Vec<(Uuid, String)>,
    pub(crate) services: Vec<Service>,
    pub(crate) hours: Vec<Hours>,
    pub(crate) deviations: Vec<Deviation>,
    pub(crate) channel_id: Uuid,
    pub(crate) opened_at: DateTime<Utc>,
}

/// The two at the desk come first among the members.
pub(crate) const ATTENDANTS: usize = 2;

/// Index of the service that follows a first visit.
pub(crate) const RETURN: usize = 0;

/// Name, category, minutes, price in cents. The first nine are the services of the small clinic.
const SERVICES: &[(&str, &str, i32, i64)] = &[
    ("Retorno", "Consulta", 20, 0),
    ("Consulta dermatológica", "Consulta", 30, 38_000),
    ("Toxina botulínica", "Estética", 40, 129_000),
    ("Peeling químico", "Estética", 45, 52_000),
    ("Retirada de pinta com biópsia", "Procedimento", 50, 65_000),
    ("Consulta ortopédica", "Consulta", 30, 35_000),
    ("Infiltração de joelho", "Procedimento", 40, 68_000),
    ("Consulta de clínica geral", "Consulta", 30, 25_000),
    ("Check-up completo", "Consulta", 60, 49_000),
    ("Consulta cardiológica", "Consulta", 30, 42_000),
    ("Eletrocardiograma", "Exame", 20, 14_000),
    ("Consulta ginecológica", "Consulta", 30, 39_000),
    ("Consulta pediátrica", "Consulta", 30, 36_000),
    ("Consulta de otorrino", "Consulta", 20, 34_000),
    ("Acompanhamento nutricional", "Consulta", 40, 22_000),
];

/// Name, how patients call them, specialty, registration, services by weight. The first three are the small clinic.
type Practice = (&'static str, &'static str, &'static str, &'static str, &'static [(u32, usize)]);
const PRACTICES: &[Practice] = &[
    ("Dra. Helena Lima", "Dra. Helena", "dermatologia", "CRM-SP 000104", &[(52, 1), (20, 0), (10, 2), (10, 3), (8, 4)]),
    ("Dr. Rafael Moreira", "Dr. Rafael", "ortopedia", "CRM-SP 000219", &[(62, 5), (24, 0), (14, 6)]),
    ("Dra. Beatriz Nakamura", "Dra. Beatriz", "clínica geral", "CRM-SP 000337", &[(64, 7), (20, 0), (16, 8)]),
    ("Dr. Eduardo Sampaio", "Dr. Eduardo", "cardiologia", "CRM-SP 000428", &[(50, 9), (25, 10), (25, 0)]),
    ("Dra. Camila Fontes", "Dra. Camila", "ginecologia", "CRM-SP 000516", &[(70, 11), (30, 0)]),
    ("Dra. Renata Aguiar", "Dra. Renata", "pediatria", "CRM-SP 000672", &[(70, 12), (30, 0)]),
    ("Dr. Thiago Brandão", "Dr. Thiago", "otorrinolaringologia", "CRM-SP 000745", &[(70, 13), (30, 0)]),
    ("Luíza Salgado", "Luíza", "nutrição", "CRN-3 00881", &[(80, 14), (20, 0)]),
];

/// Professional, weekday, from, until (minutes since midnight), room. With two rooms there are never three people at work who
/// need one; on Monday afternoons Dra. Beatriz works by video.
const VIDEO: usize = usize::MAX;
const HOURS: &[(usize, u32, u32, u32, usize)] = &[
    (0, 1, 540, 750, 0),
    (0, 1, 810, 1080, 0),
    (0, 2, 540, 750, 0),
    (0, 2, 810, 1080, 0),
    (0, 4, 480, 720, 0),
    (0, 4, 780, 1020, 0),
    (0, 5, 480, 780, 0),
    (1, 1, 480, 720, 1),
    (1, 1, 840, 1080, 1),
    (1, 3, 480, 720, 1),
    (1, 3, 780, 1080, 1),
    (1, 4, 840, 1140, 1),
    (1, 5, 480, 720, 1),
    (1, 5, 780, 1020, 1),
    (2, 1, 810, 1020, VIDEO),
    (2, 2, 480, 720, 1),
    (2, 2, 780, 1050, 1),
    (2, 3, 480, 720, 0),
    (2, 3, 780, 1050, 0),
    (2, 4, 480, 780, 1),
    (2, 5, 840, 1080, 0),
    (2, 6, 480, 720, 0),
];

impl Clinic {
    pub(crate) fn found(plan: &Plan, frame: &ClinicFrame) -> Self {
        let times = plan.times();
        let opened_at = times.at(times.day(-1460), 9 * 60);
        let id = |table: &str| Ids::new(frame.clinic_id, plan.seed, table);
        let (practices, service_count) = match plan.size {
            Size::Small => (&PRACTICES[..3], 9),
            Size::Year => (PRACTICES, SERVICES.len()),
        };

        let mut ids = id("rooms");
        let rooms: Vec<_> =
            (1..practices.len().max(3)).map(|number| (ids.next(opened_at), format!("Consultório {number}"))).collect();
        let mut ids = id("services");
        let services = SERVICES[..service_count]
            .iter()
            .map(|&(name, category, minutes, price_cents)| Service {
                id: ids.next(opened_at),
                name,
                category,
                minutes,
                price_cents,
            })
            .collect();
        let members = members(plan, practices, &mut id("members"), opened_at);
        let mut ids = id("professionals");
        let professionals: Vec<_> = practices
            .iter()
            .enumerate()
            .map(|(index, &(_, called, specialty, _, offered))| Professional {
                id: ids.next(opened_at),
                member: ATTENDANTS + index,
                room: home_room(index),
                called: called.to_owned(),
                specialty,
                services: offered.to_vec(),
            })
            .collect();
        let hours = hours(&professionals, &mut id("working_hours"), opened_at);
        let deviations = deviations(plan, &professionals, &mut id("schedule_exceptions"));
        let channel_id = id("channels").next(opened_at);
        Self { members, professionals, rooms, services, hours, deviations, channel_id, opened_at }
    }

    pub(crate) fn weekly(&self) -> Vec<WeeklyHours> {
        self.hours.iter().map(|hours| hours.weekly).collect()
    }

    pub(crate) fn exceptions(&self) -> Vec<Exception> {
        self.deviations.iter().map(|deviation| deviation.rule).collect()
    }

    /// The room where that professional works at that time of that weekday.
    pub(crate) fn room_at(&self, professional: usize, times: &Times, at: DateTime<Utc>) -> Option<usize> {
        let (weekday, minute) = (times.day_of(at).weekday().number_from_monday(), times.minute_of(at));
        self.hours
            .iter()
            .find(|hours| {
                hours.professional == professional
                    && hours.weekly.weekday == weekday
                    && (hours.weekly.starts_minute..hours.weekly.ends_minute).contains(&minute)
            })
            .map_or(Some(self.professionals[professional].room), |hours| hours.room)
    }
}

/// The first three share two rooms, everybody else has one.
fn home_room(professional: usize) -> usize {
    match professional {
        0 | 2 => 0,
        other => other.max(2) - 1,
    }
}

fn members(plan: &Plan, practices: &[Practice], ids: &mut Ids, opened_at: DateTime<Utc>) -> Vec<Member> {
    let seen = |minutes| Some(plan.now - TimeDelta::minutes(minutes));
    let desk = [("Juliana Prado", "juliana", true, 2), ("Marcos Vinícius Teixeira", "marcos", false, 9)];
    let mut members: Vec<_> = desk
        .into_iter()
        .map(|(name, mailbox, female, minutes)| Member {
            id: ids.next(opened_at),
            name,
            email: format!("{mailbox}@clinicaboavista.example"),
            role: "attendant",
            female,
            registration: None,
            last_seen_at: seen(minutes),
        })
        .collect();
    for (index, &(name, called, _, registration, _)) in practices.iter().enumerate() {
        let mailbox = balcao_domain::text::fold(called.rsplit(' ').next().unwrap_or(called));
        members.push(Member {
            id: ids.next(opened_at),
            name,
            email: format!("{mailbox}@clinicaboavista.example"),
            role: "professional",
            female: !called.starts_with("Dr."),
            registration: Some(registration),
            last_seen_at: seen(35 + 41 * index as i64),
        });
    }
    members
}

fn hours(professionals: &[Professional], ids: &mut Ids, opened_at: DateTime<Utc>) -> Vec<Hours> {
    let mut table: Vec<(usize, u32, u32, u32, usize)> = HOURS.to_vec();
    for (index, professional) in professionals.iter().enumerate().skip(3) {
        for weekday in 1..=5 {
            // Early for some, late for others, and one half-day a week for every second one.
            let shift = index as u32 % 3 * 30;
            table.push((index, weekday, 450 + shift, 735, professional.room));
            if index % 2 == 1 || weekday != 3 + index as u32 % 3 {
                table.push((index, weekday, 780, 1095 + shift, professional.room));
            }
        }
    }
    table
        .into_iter()
        .map(|(professional, weekday, starts_minute, ends_minute, room)| Hours {
            id: ids.next(opened_at),
            professional,
            weekly: WeeklyHours {
                professional_id: professionals[professional].id,
                weekday,
                starts_minute,
                ends_minute,
                valid_from: None,
                valid_until: None,
            },
            room: (room != VIDEO).then_some(room),
        })
        .collect()
}

fn deviations(plan: &Plan, professionals: &[Professional], ids: &mut Ids) -> Vec<Deviation> {
    let times = plan.times();
    let mut deviations = Vec::new();
    let mut add = |days: i64, kind: &'static str, professional: Option<usize>, minutes: (u32, u32), reason: String| {
        let day = times.day(days);
        let span = Span { start: times.at(day, minutes.0), end: times.at(day, minutes.1) };
        let rule = Exception {
            professional_id: professional.map(|index| professionals[index].id),
            kind: if kind == "extra_hours" { ExceptionKind::ExtraHours } else { ExceptionKind::Closed },
            span,
        };
        deviations.push(Deviation { id: ids.next(plan.now), kind, rule, reason });
    };
    let whole = (0, 1440);
    for days in -plan.days_back()..=120 {
        if let Some(name) = holiday(times.day(days)) {
            add(days, "closed", None, whole, name.to_owned());
        }
    }
    // The next, or last, day of that weekday, never today.
    let weekday = |number: i64, weeks: i64| {
        let ahead = (number - i64::from(times.today.weekday().number_from_monday())).rem_euclid(7);
        (if ahead == 0 { 7 } else { ahead }) + 7 * weeks
    };
    add(weekday(4, 0), "blocked", Some(1), (14 * 60, 19 * 60), "Cirurgia no hospital".into());
    add(weekday(2, 1), "closed", Some(0), whole, "Folga".into());
    add(weekday(3, 0), "blocked", Some(2), (8 * 60, 9 * 60 + 30), "Reunião da equipe".into());
    add(weekday(6, 1), "extra_hours", Some(1), (8 * 60, 12 * 60), "Mutirão de sábado".into());
    add(weekday(5, -3), "closed", Some(0), whole, "Congresso de dermatologia".into());
    if plan.size == Size::Year {
        for professional in 0..professionals.len() {
            let first = -320 + 37 * professional as i64;
            for days in first..first + 14 {
                add(days, "closed", Some(professional), whole, "Férias".into());
            }
        }
    }
    deviations
}

/// Shortcut, title, text; beside those that provisioning gives.
pub(crate) const QUICK_REPLIES: &[(&str, &str, &str)] = &[
    ("endereco", "Endereço", "Rua das Acácias, 412, Boa Vista. Em frente à farmácia, a duas quadras do metrô."),
    (
        "pix",
        "Chave Pix",
        "A chave Pix é o CNPJ 00.000.000/0001-00, em nome de Clínica Boa Vista. Depois mande o comprovante por aqui, por favor.",
    ),
    (
        "valores",
        "Valores das consultas",
        "Dermatologia R$ 380,00 · Ortopedia R$ 350,00 · Clínica geral R$ 250,00. O retorno em até 30 dias não tem custo.",
    ),
    (
        "convenios",
        "Convênios",
        "Atendemos Vida Plena, Saúde Integral e Bem Cuidar. Para os outros planos damos o recibo para reembolso.",
    ),
    ("preparo", "Preparo para exame", "Jejum de 8 horas, água pode. Traga o pedido e um documento com foto."),
    (
        "atraso",
        "Tolerância de atraso",
        "Seguramos o horário por até 20 minutos. Se for demorar mais, avise para remarcarmos.",
    ),
    (
        "estacionamento",
        "Estacionamento",
        "Temos convênio com o estacionamento da esquina com a Rua do Sol: a primeira hora é por nossa conta.",
    ),
    ("lista", "Lista de espera", "Coloquei você na lista de espera. Assim que abrir um horário, aviso por aqui."),
    (
        "proxima",
        "Próxima consulta",
        "Olá, {{primeiro_nome}}. A sua consulta é {{consulta}}, com {{profissional}}. Podemos confirmar?",
    ),
    (
        "orcamento",
        "Orçamento",
        "{{primeiro_nome}}, o orçamento ficou em {{valor}}, em até {{parcelas}} vezes sem juros.",
    ),
];
