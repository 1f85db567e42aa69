//! A clinic that never was: "Clínica Boa Vista", its people, its year.
//!
//! Everything follows from a seed, a day and a moment: the same [`Plan`] gives the same rows, byte for byte, so that
//! two runs can be compared and a bench measures the same twice. People, numbers and talks are invented; a number may by
//! chance be somebody's, so nothing is ever sent: the sample's channel is not connected.

mod clinic;
mod dice;
mod files;
mod ids;
mod leads;
mod load;
mod messages;
mod names;
mod people;
mod phones;
mod rows;
mod scene;
mod scripts;
mod talks;
#[cfg(test)]
mod tests;
mod threads;
mod times;
mod visits;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

use balcao_tenant::ClinicFrame;

pub use load::{Counts, Progress, load};

use clinic::Clinic;
use dice::Dice;
use ids::Ids;
use leads::Lead;
use people::People;
use threads::Threads;
use times::Times;
use visits::Visit;

/// What to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Another seed is another clinic.
    pub seed: u64,
    /// How much of it.
    pub size: Size,
    /// The day the agenda is drawn around, in the clinic's time zone.
    pub today: NaiveDate,
    /// The moment nothing has happened after. On `today`, or the day looks finished or not begun.
    pub now: DateTime<Utc>,
    /// The time zone of the clinic.
    pub time_zone: Tz,
}

/// How big the clinic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Size {
    /// Three professionals in two rooms: 2,000 contacts, 5,000 messages, 900 visits within seven weeks, 400 leads.
    Small,
    /// A year of eight professionals in seven rooms: 50,000 contacts, 500,000 messages, 30,000 visits, 20,000 leads.
    Year,
}

impl Size {
    /// Exact number of contacts.
    pub fn contacts(self) -> usize {
        self.of(2_000, 50_000)
    }

    /// Exact number of messages.
    pub fn messages(self) -> usize {
        self.of(5_000, 500_000)
    }

    /// Exact number of visits.
    pub fn appointments(self) -> usize {
        self.of(900, 30_000)
    }

    /// Exact number of leads.
    pub fn leads(self) -> usize {
        self.lead_stages().iter().sum()
    }

    /// Leads that stand in each stage, from left to right.
    fn lead_stages(self) -> [usize; leads::STAGES] {
        match self {
            Self::Small => [62, 74, 54, 122, 88],
            Self::Year => [150, 240, 180, 10_930, 8_500],
        }
    }

    fn waiting(self) -> usize {
        self.of(16, 24)
    }

    fn answered(self) -> usize {
        self.of(22, 44)
    }

    fn with_bot(self) -> usize {
        self.of(7, 12)
    }

    fn snoozed(self) -> usize {
        self.of(6, 10)
    }

    fn of(self, small: usize, year: usize) -> usize {
        match self {
            Self::Small => small,
            Self::Year => year,
        }
    }
}

impl Plan {
    fn times(&self) -> Times {
        Times { zone: self.time_zone, today: self.today, now: self.now }
    }

    /// How many days the book of visits goes back.
    fn days_back(&self) -> i64 {
        self.size.of(30, 365) as i64
    }

    /// How many days it looks ahead.
    fn days_ahead(&self) -> i64 {
        self.size.of(21, 30) as i64
    }
}

/// Somebody who takes any slot that becomes free.
struct Waiting {
    id: Uuid,
    /// Index of the patient.
    patient: usize,
    professional: usize,
    from: NaiveDate,
    until: NaiveDate,
    period: &'static str,
    created_at: DateTime<Utc>,
}

/// The whole clinic in memory; a year takes some 300 MB.
pub struct Sample {
    frame: ClinicFrame,
    clinic: Clinic,
    people: People,
    visits: Vec<Visit>,
    visit_events: Vec<rows::VisitEvent>,
    waitlist: Vec<Waiting>,
    threads: Threads,
    leads: Vec<Lead>,
    lead_events: Vec<rows::LeadEvent>,
    rooms: Vec<(i32, (Uuid, String))>,
    professional_places: Vec<usize>,
    offers: Vec<(Uuid, usize, usize)>,
    quick_replies: Vec<(Uuid, usize)>,
    /// Ids of media rows and indexes of their messages.
    files: Vec<(Uuid, usize)>,
    /// Files that are there.
    kept: Vec<files::Kept>,
    /// Ids of read marks and indexes of the readings.
    readings: Vec<(Uuid, usize)>,
}

impl Sample {
    /// Makes up everything. `frame` is what provisioning has put into the clinic.
    pub fn new(plan: &Plan, frame: &ClinicFrame) -> Self {
        let clinic = Clinic::found(plan, frame);
        let mut people = people::people(plan, frame);
        let visits = visits::visits(plan, frame, &clinic, &people);
        for visit in &visits {
            let contact = &mut people.contacts[visit.contact];
            contact.created_at = contact.created_at.min(visit.created_at - TimeDelta::minutes(1));
        }
        let leads = leads::leads(plan, frame, &clinic, &mut people, &visits);
        let mut threads = threads::threads(plan, frame, &clinic, &mut people, &visits, &leads);
        let visit_events = rows::visit_events(frame, plan.seed, &clinic, &visits);
        let ids = |table: &str| Ids::new(frame.clinic_id, plan.seed, table);
        let mut offer_ids = ids("professional_services");
        let offers = clinic
            .professionals
            .iter()
            .enumerate()
            .flat_map(|(index, professional)| professional.services.iter().map(move |(_, service)| (index, *service)))
            .map(|(professional, service)| (offer_ids.next(clinic.opened_at), professional, service))
            .collect();
        let mut reply_ids = ids("quick_replies");
        let mut file_ids = ids("media");
        let files: Vec<(Uuid, usize)> = threads
            .messages
            .iter()
            .enumerate()
            .filter(|(_, message)| matches!(message.kind, "image" | "audio" | "video" | "document" | "sticker"))
            .map(|(index, message)| (file_ids.next(message.sent_at), index))
            .collect();
        let kept = files::keep(&files, &mut threads.messages);
        let mut reading_ids = ids("conversation_reads");
        Self {
            frame: frame.clone(),
            visit_events,
            waitlist: waitlist(plan, frame, &clinic, &people),
            lead_events: rows::lead_events(frame, plan.seed, &leads),
            rooms: (0..).zip(clinic.rooms.iter().cloned()).collect(),
            professional_places: (0..clinic.professionals.len()).collect(),
            offers,
            quick_replies: (0..clinic::QUICK_REPLIES.len())
                .map(|place| (reply_ids.next(clinic.opened_at), place))
                .collect(),
            files,
            kept,
            readings: threads
                .readings
                .iter()
                .enumerate()
                .map(|(index, reading)| (reading_ids.next(reading.read_until), index))
                .collect(),
            clinic,
            people,
            visits,
            threads,
            leads,
        }
    }
}

fn waitlist(plan: &Plan, frame: &ClinicFrame, clinic: &Clinic, people: &People) -> Vec<Waiting> {
    let mut dice = Dice::new(plan.seed, "waitlist");
    let mut ids = Ids::new(frame.clinic_id, plan.seed, "waitlist_entries");
    let entries = plan.size.of(8, 25).min(people.patients.len());
    (0..entries)
        .map(|_| {
            let created_at = plan.now - TimeDelta::minutes(dice.between(50, 12_000));
            let from = plan.today + TimeDelta::days(dice.between(0, 4));
            Waiting {
                id: ids.next(created_at),
                patient: dice.below(people.patients.len()),
                professional: dice.below(clinic.professionals.len()),
                from,
                until: from + TimeDelta::days(dice.between(5, 25)),
                period: dice.pick(&["manhã", "tarde", "qualquer"]),
                created_at,
            }
        })
        .collect()
}
