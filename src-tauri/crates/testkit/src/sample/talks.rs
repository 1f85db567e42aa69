//! Who talks with the clinic, when, and about what.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use balcao_tenant::ClinicFrame;

use super::Plan;
use super::clinic::Clinic;
use super::dice::Dice;
use super::ids::Ids;
use super::leads::Lead;
use super::messages::{Message, play, timeline};
use super::people::People;
use super::scene::{Scene, fits};
use super::scripts::{Line, Script, Speaker, Use, scripts};
use super::threads::{Conversation, Fate, Kept};
use super::times::Times;
use super::visits::Visit;

/// Something that may make people talk.
struct Occasion {
    usage: Use,
    contact: usize,
    /// Index of the visit.
    visit: Option<usize>,
    at: DateTime<Utc>,
}

/// Where a talk stops for now.
#[derive(Clone, Copy)]
struct Stop {
    /// How many lines are written.
    lines: usize,
    /// When the last of them was.
    at: DateTime<Utc>,
}

/// What people add when nobody answers.
const NUDGES: &[&str] = &[
    "?",
    "[alguém?|oi?|oii?]",
    "[conseguiu ver?|😕|🙏]",
    "[é meio urgente|preciso saber hoje ainda, se possível]",
    "[quando puder me responde|fico no aguardo]",
    "{obrigada} desde já",
    "[é que entro no serviço daqui a pouco|tô sem bateria, qualquer coisa pode ligar]",
    "<audio 8>",
];

/// How often another person and script are tried for a talk that is under way.
const TRIES: usize = 200;

struct Talks<'a> {
    plan: &'a Plan,
    times: Times,
    clinic: &'a Clinic,
    people: &'a People,
    visits: &'a [Visit],
    scripts: Vec<Script>,
    by_use: Vec<(Use, Vec<usize>)>,
    gateway_ids: Ids,
    dice: Dice,
    conversations: Vec<Conversation>,
    /// Index of the conversation of each contact.
    of_contact: Vec<Option<usize>>,
    /// When each contact's talks took place: two at once would be read as one.
    busy: Vec<Vec<(DateTime<Utc>, DateTime<Utc>)>>,
    messages: Vec<Message>,
}

/// Makes everybody talk, until there are as many messages as there should be: the conversations, and what was said in no
/// particular order.
pub(crate) fn talks(
    plan: &Plan,
    frame: &ClinicFrame,
    clinic: &Clinic,
    people: &People,
    visits: &[Visit],
    leads: &[Lead],
) -> (Vec<Conversation>, Vec<Message>) {
    let scripts = scripts();
    let mut by_use: Vec<(Use, Vec<usize>)> = Vec::new();
    for (index, script) in scripts.iter().enumerate() {
        match by_use.iter_mut().find(|(usage, _)| *usage == script.usage) {
            Some((_, list)) => list.push(index),
            None => by_use.push((script.usage, vec![index])),
        }
    }
    let mut talks = Talks {
        plan,
        times: plan.times(),
        clinic,
        people,
        visits,
        scripts,
        by_use,
        gateway_ids: Ids::new(frame.clinic_id, plan.seed, "gateway ids"),
        dice: Dice::new(plan.seed, "talks"),
        conversations: Vec::new(),
        of_contact: vec![None; people.contacts.len()],
        busy: vec![Vec::new(); people.contacts.len()],
        messages: Vec::with_capacity(plan.size.messages()),
    };
    talks.under_way(leads);
    talks.about_visits();
    talks.about_leads(leads);
    talks.about_anything();
    (talks.conversations, talks.messages)
}

impl Talks<'_> {
    fn room_left(&self) -> usize {
        self.plan.size.messages() - self.messages.len()
    }

    /// A script of that use that fits; one of `used` only when there is no other.
    fn script_for(&mut self, usage: Use, visit: Option<usize>, used: &[usize]) -> Option<usize> {
        let visit = visit.map(|index| &self.visits[index]).map(|visit| (visit, &self.people.patients[visit.patient]));
        let list = self.by_use.iter().find(|(known, _)| *known == usage).map(|(_, list)| list.as_slice())?;
        let fitting: Vec<usize> =
            list.iter().copied().filter(|index| fits(&self.scripts[*index], visit, self.clinic)).collect();
        let fresh: Vec<usize> = fitting.iter().copied().filter(|index| !used.contains(index)).collect();
        let choice = if fresh.is_empty() { fitting } else { fresh };
        (!choice.is_empty()).then(|| self.dice.pick(&choice))
    }

    /// Plays a whole talk in the past, or says that it does not fit in.
    fn whole(&mut self, script: usize, occasion: &Occasion) -> bool {
        let lines = self.scripts[script].lines.clone();
        let visit = occasion.visit.map(|index| &self.visits[index]);
        // On the way to the clinic people and desk are quick.
        let haste = if occasion.usage == Use::Today { 5 } else { 1 };
        let confirmed_at = visit.and_then(|visit| visit.confirmed_at);
        let written_at = timeline(&lines, occasion.at, confirmed_at, haste, Some(&self.times), &mut self.dice);
        let (Some(visit), Some(last)) = (visit, written_at.last()) else {
            return self.put(script, &lines, &written_at, occasion, Fate::Closed);
        };
        let in_time = match occasion.usage {
            Use::Booking | Use::Moved => *last < visit.starts_at - TimeDelta::minutes(40),
            Use::Confirm | Use::Reminder | Use::Cancel => *last < visit.starts_at,
            Use::Today => *last < visit.starts_at + TimeDelta::minutes(25) && self.times.desk_is_open(occasion.at),
            _ => true,
        };
        in_time && self.put(script, &lines, &written_at, occasion, Fate::Closed)
    }

    /// Plays a talk that is under way: its last line so far was written at a given time.
    fn until(&mut self, script: usize, stop: Stop, contact: usize, visit: Option<usize>, fate: Fate) -> bool {
        let under_way = self.of_contact[contact].is_some_and(|index| self.conversations[index].fate != Fate::Closed);
        if under_way {
            return false;
        }
        let mut lines = self.scripts[script].lines[..stop.lines].to_vec();
        if matches!(lines.last(), Some(Line::Says { speaker: Speaker::Person, .. })) && self.dice.chance(0.3) {
            let nudge = self.dice.pick(NUDGES);
            lines.push(Line::Says { speaker: Speaker::Person, may_wait: true, confirms: false, text: nudge });
        }
        if matches!(lines.first(), Some(Line::Says { speaker: Speaker::Person, .. })) && self.dice.chance(0.25) {
            let hello = self.dice.pick(&["{oi}", "[Oi|Olá|oii]", "[{Oi}, tudo bem?|Oi, tudo bom?]"]);
            lines.insert(0, Line::Says { speaker: Speaker::Person, may_wait: false, confirms: false, text: hello });
        }
        let mut written_at = timeline(&lines, stop.at, None, 1, None, &mut self.dice);
        let Some(last) = written_at.last().copied() else { return false };
        for at in &mut written_at {
            *at -= last - stop.at;
        }
        let occasion = Occasion { usage: self.scripts[script].usage, contact, visit, at: written_at[0] };
        self.put(script, &lines, &written_at, &occasion, fate)
    }

    fn put(
        &mut self,
        script: usize,
        lines: &[Line],
        written_at: &[DateTime<Utc>],
        occasion: &Occasion,
        fate: Fate,
    ) -> bool {
        let (Some(first), Some(last)) = (written_at.first().copied(), written_at.last().copied()) else { return false };
        let margin = TimeDelta::hours(2);
        let clashes =
            self.busy[occasion.contact].iter().any(|(from, until)| first - margin < *until && *from < last + margin);
        if last >= self.plan.now || clashes {
            return false;
        }
        let contact = &self.people.contacts[occasion.contact];
        let visit =
            occasion.visit.map(|index| &self.visits[index]).map(|visit| (visit, &self.people.patients[visit.patient]));
        let focus = self.scripts[script].focus;
        let mut scene = Scene::new(self.times, self.clinic, contact, visit, focus, first, &mut self.dice);
        let mut said = play(&mut scene, lines, written_at, &mut self.gateway_ids, self.plan.now, &mut self.dice);
        if said.is_empty() || said.len() > self.room_left() {
            return false;
        }
        let conversation = self.conversation(occasion.contact, first);
        for message in &mut said {
            message.conversation = conversation;
        }
        self.messages.append(&mut said);
        let row = &mut self.conversations[conversation];
        row.created_at = row.created_at.min(first);
        let topic = self.scripts[script].topic;
        if fate != Fate::Closed {
            row.fate = fate;
            row.labels = vec![topic];
            // Nothing is written after a talk that is still under way.
            self.busy[occasion.contact].push((first, self.plan.now + TimeDelta::days(1)));
        } else {
            if !row.labels.contains(&topic) && row.labels.len() < 3 && self.dice.chance(0.3) {
                row.labels.push(topic);
            }
            self.busy[occasion.contact].push((first, last));
        }
        if matches!(topic, "encaixe" | "reclamação") && fate != Fate::Closed {
            row.priority = if self.dice.chance(0.2) { "urgent" } else { "high" };
        }
        true
    }

    fn conversation(&mut self, contact: usize, at: DateTime<Utc>) -> usize {
        if let Some(known) = self.of_contact[contact] {
            return known;
        }
        let index = self.conversations.len();
        self.of_contact[contact] = Some(index);
        self.conversations.push(Conversation {
            id: Uuid::nil(),
            contact,
            created_at: at,
            fate: Fate::Closed,
            handler: "bot",
            assignee_id: None,
            priority: if self.dice.chance(0.03) { "low" } else { "normal" },
            labels: Vec::new(),
            closed_at: None,
            kept: Kept::default(),
        });
        index
    }

    /// What the desk finds in the morning and has not finished: who waits, who was answered, whom the bot has.
    fn under_way(&mut self, leads: &[Lead]) {
        let now = self.plan.now;
        let mut used = Vec::new();
        let mut people: Vec<usize> = (0..self.people.contacts.len()).filter(|contact| self.talks(*contact)).collect();
        self.dice.shuffle(&mut people);
        let fresh_leads: Vec<usize> =
            leads.iter().filter(|lead| lead.stage().0 <= 1).map(|lead| lead.contact).collect();
        let waiting = self.plan.size.waiting();
        for place in 0..waiting {
            // From a few minutes to some hours, and the last ones since yesterday evening.
            let minutes = 3.0 + 330.0 * (place as f64 / waiting as f64).powf(1.7) + 6.0 * self.dice.share();
            let at = self.awake(now - TimeDelta::seconds((minutes * 60.0) as i64));
            let usage = self.dice.weighted(&[(50, Use::Any), (30, Use::Lead), (20, Use::Booking)]);
            for _ in 0..TRIES {
                let contact = if usage == Use::Lead { self.dice.pick(&fresh_leads) } else { self.dice.pick(&people) };
                let Some(script) = self.script_for(usage, None, &used) else { continue };
                let Some(lines) = self.stops(script, at, true) else { continue };
                if self.talks(contact) && self.until(script, Stop { lines, at }, contact, None, Fate::Open) {
                    used.push(script);
                    break;
                }
            }
        }
        for place in 0..self.plan.size.answered() {
            let minutes = 4.0 + 2000.0 * (place as f64 / self.plan.size.answered() as f64).powi(2);
            let at = self.at_the_desk(now - TimeDelta::seconds((minutes * 60.0) as i64));
            let usage = self.dice.weighted(&[(50, Use::Any), (35, Use::Lead), (15, Use::Booking)]);
            self.stopped(usage, at, &people, &fresh_leads, &mut used, Fate::Open);
        }
        for _ in 0..self.plan.size.snoozed() {
            let minutes = self.dice.between(600, 4300);
            let at = self.at_the_desk(now - TimeDelta::minutes(minutes));
            let tomorrow = self.times.working_day(self.times.day(1));
            let until = self.times.at(tomorrow, self.dice.pick(&[8 * 60, 9 * 60, 14 * 60]));
            self.stopped(Use::Lead, at, &people, &fresh_leads, &mut used, Fate::Snoozed(until));
        }
        for place in 0..self.plan.size.with_bot() {
            let at = self.awake(now - TimeDelta::minutes(2 + 37 * place as i64));
            for _ in 0..TRIES {
                let contact = self.dice.pick(&people);
                let usage = self.dice.weighted(&[(45, Use::LeadBot), (35, Use::Any), (20, Use::Booking)]);
                let Some(script) = self.script_for(usage, None, &used) else { continue };
                let Some(lines) = self.bot_alone(script) else { continue };
                let unknown = self.of_contact[contact].is_none();
                if unknown && self.until(script, Stop { lines, at }, contact, None, Fate::Open) {
                    // A person's word would take the thread from the bot.
                    self.busy[contact].push((DateTime::<Utc>::MIN_UTC + TimeDelta::days(2), now + TimeDelta::days(1)));
                    used.push(script);
                    break;
                }
            }
        }
    }

    /// A talk in which the clinic has the last word for now.
    fn stopped(
        &mut self,
        usage: Use,
        at: DateTime<Utc>,
        people: &[usize],
        leads: &[usize],
        used: &mut Vec<usize>,
        fate: Fate,
    ) {
        for _ in 0..TRIES {
            let contact = if usage == Use::Lead { self.dice.pick(leads) } else { self.dice.pick(people) };
            let Some(script) = self.script_for(usage, None, used) else { continue };
            let Some(lines) = self.stops(script, at, false) else { continue };
            if self.talks(contact) && self.until(script, Stop { lines, at }, contact, None, fate) {
                used.push(script);
                return;
            }
        }
    }

    fn talks(&self, contact: usize) -> bool {
        let contact = &self.people.contacts[contact];
        contact.chats && contact.status == "active"
    }

    /// After how many lines a talk may stand still at that time: where the person waits, or where an attendant has answered.
    fn stops(&mut self, script: usize, at: DateTime<Utc>, waits: bool) -> Option<usize> {
        let open = self.times.desk_is_open(at);
        let lines = &self.scripts[script].lines;
        // A reaction is no message.
        let speaks = |line: &Line, wanted: Speaker| matches!(line, Line::Says { speaker, text, .. } if *speaker == wanted && !text.starts_with("<react"));
        let places: Vec<usize> = (0..lines.len())
            .filter(|place| match waits {
                true => matches!(lines[*place], Line::Says { may_wait: true, .. }),
                false => speaks(&lines[*place], Speaker::Attendant) && *place + 1 < lines.len(),
            })
            .filter(|place| open || !lines[..*place].iter().any(|line| speaks(line, Speaker::Attendant)))
            .map(|place| place + 1)
            .collect();
        (!places.is_empty()).then(|| self.dice.pick(&places))
    }

    /// How many lines pass before a person of the clinic speaks, when the bot has the last of them.
    fn bot_alone(&self, script: usize) -> Option<usize> {
        let lines = &self.scripts[script].lines;
        let by_hand = |line: &Line| match line {
            Line::Says { speaker, .. } => matches!(speaker, Speaker::Attendant | Speaker::Phone | Speaker::Note),
            Line::Pause(_) => true,
        };
        let free = lines.iter().position(by_hand).unwrap_or(lines.len());
        let last = lines[..free].iter().rposition(|line| matches!(line, Line::Says { speaker: Speaker::Bot, .. }))?;
        Some(last + 1)
    }

    /// The moment itself, or the evening before when people sleep.
    fn awake(&mut self, at: DateTime<Utc>) -> DateTime<Utc> {
        match self.times.minute_of(at) {
            0..420 => self
                .times
                .at(self.times.day_of(at) - TimeDelta::days(1), self.dice.between(18 * 60 + 40, 22 * 60 + 20) as u32),
            1350.. => self.times.at(self.times.day_of(at), self.dice.between(18 * 60 + 40, 22 * 60 + 20) as u32),
            _ => at,
        }
    }

    /// The moment itself, or one of the last hours before in which the desk was open.
    fn at_the_desk(&mut self, at: DateTime<Utc>) -> DateTime<Utc> {
        let mut at = at;
        while !self.times.desk_is_open(at) {
            at -= TimeDelta::minutes(self.dice.between(17, 55));
        }
        at
    }

    fn about_visits(&mut self) {
        let mut occasions = Vec::new();
        for (index, visit) in self.visits.iter().enumerate() {
            if !self.people.contacts[visit.contact].chats {
                continue;
            }
            let mut add = |usage, chance: f64, at: DateTime<Utc>, dice: &mut Dice| {
                if dice.chance(chance) {
                    occasions.push(Occasion { usage, contact: visit.contact, visit: Some(index), at });
                }
            };
            let dice = &mut self.dice;
            match visit.moved {
                Some((at, _)) => add(Use::Moved, 0.7, at - TimeDelta::minutes(10), dice),
                None => add(Use::Booking, 0.5, visit.created_at - TimeDelta::minutes(12), dice),
            }
            match (visit.reminded_at, visit.confirmed_at) {
                (Some(at), Some(confirmed)) if confirmed > at => add(Use::Confirm, 0.85, at, dice),
                (Some(at), _) if visit.status != "cancelled" => add(Use::Reminder, 0.85, at, dice),
                _ => {}
            }
            match (visit.status, visit.ended_at, visit.finished_at) {
                ("cancelled", Some(at), _) => add(Use::Cancel, 0.7, at - TimeDelta::minutes(5), dice),
                ("no_show", Some(at), _) => add(Use::NoShow, 0.6, at + TimeDelta::minutes(9), dice),
                ("completed", _, Some(at)) => {
                    add(Use::Today, 0.06, visit.starts_at - TimeDelta::minutes(50), dice);
                    let later = at + TimeDelta::minutes(minutes_later(index));
                    // Who wakes at night writes in the morning.
                    let sleep = 445 - i64::from(self.times.minute_of(later)).min(445);
                    add(Use::After, 0.16, later + TimeDelta::minutes(sleep), dice);
                }
                _ => {}
            }
        }
        self.dice.shuffle(&mut occasions);
        let keep = self.room_left() * 46 / 100;
        self.play_all(&occasions, keep);
    }

    fn about_leads(&mut self, leads: &[Lead]) {
        let mut occasions: Vec<Occasion> = leads
            .iter()
            .map(|lead| {
                let usage = if self.dice.chance(0.12) { Use::LeadBot } else { Use::Lead };
                Occasion { usage, contact: lead.contact, visit: None, at: lead.created_at() }
            })
            .collect();
        self.dice.shuffle(&mut occasions);
        let keep = self.plan.size.messages() / 2;
        self.play_all(&occasions, keep.min(self.room_left() * 7 / 10));
    }

    /// Plays until only `keep` messages may still come.
    fn play_all(&mut self, occasions: &[Occasion], keep: usize) {
        for occasion in occasions {
            if self.room_left() <= keep {
                return;
            }
            if let Some(script) = self.script_for(occasion.usage, occasion.visit, &[]) {
                self.whole(script, occasion);
            }
        }
    }

    /// Everything else that people write, until the count is exact.
    fn about_anything(&mut self) {
        let people: Vec<usize> = (0..self.people.contacts.len()).filter(|contact| self.talks(*contact)).collect();
        while self.room_left() > 0 {
            let usage = if self.room_left() < 12 || self.dice.chance(0.06) { Use::Filler } else { Use::Any };
            let known = !self.conversations.is_empty() && self.dice.chance(0.72);
            let contact = match known {
                true => self.conversations[self.dice.below(self.conversations.len())].contact,
                false => self.dice.pick(&people),
            };
            let days = self.dice.between(0, self.plan.days_back());
            let at = self.times.waking_moment(self.times.day(-days), &mut self.dice);
            let at = if usage == Use::Filler { self.times.when_the_desk_is_open(at, &mut self.dice) } else { at };
            if let Some(script) = self.script_for(usage, None, &[]) {
                self.whole(script, &Occasion { usage, contact, visit: None, at });
            }
        }
    }
}

/// Some hours to two days after a visit, spread by its place in the book.
fn minutes_later(index: usize) -> i64 {
    90 + (index as i64 * 397) % 2600
}
