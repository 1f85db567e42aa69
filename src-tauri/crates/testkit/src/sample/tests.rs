use std::collections::{HashMap, HashSet};

use balcao_domain::phone::Phone;
use balcao_domain::working_hours::{Span, working_spans};
use balcao_tenant::{BulkLoader, CopyLine, Error};
use chrono::TimeZone;

use super::*;
use crate::database::TestDatabase;

/// A clinic as provisioning leaves it.
fn frame() -> ClinicFrame {
    let id = Uuid::from_u128;
    let kinds = ["open", "open", "open", "won", "lost"];
    ClinicFrame {
        clinic_id: id(7),
        owner_id: id(8),
        pipeline_id: id(9),
        stages: (10..).map(id).zip(kinds.map(str::to_owned)).collect(),
        loss_reasons: (20..).map(id).zip(["Preço", "Sem retorno"].map(str::to_owned)).collect(),
        has_contacts: false,
    }
}

fn plan_at(size: Size, local: (i32, u32, u32), hour: u32, minute: u32) -> Plan {
    let zone = chrono_tz::America::Sao_Paulo;
    let now = zone.with_ymd_and_hms(local.0, local.1, local.2, hour, minute, 0).unwrap();
    Plan { seed: 1, size, today: now.date_naive(), now: now.to_utc(), time_zone: zone }
}

fn plan(size: Size) -> Plan {
    plan_at(size, (2025, 11, 26), 10, 40)
}

fn small() -> Sample {
    Sample::new(&plan(Size::Small), &frame())
}

#[test]
fn the_same_seed_and_moment_give_the_same_rows() {
    let first = small().fingerprint();
    assert_eq!(first, small().fingerprint(), "nothing is left to chance");
    let other_seed = Plan { seed: 2, ..plan(Size::Small) };
    assert_ne!(first, Sample::new(&other_seed, &frame()).fingerprint(), "another seed is another clinic");
    let other_day = plan_at(Size::Small, (2025, 11, 27), 10, 40);
    assert_ne!(first, Sample::new(&other_day, &frame()).fingerprint(), "another day is another agenda");
}

#[test]
fn the_counts_are_exact_and_the_facts_fit_in_a_small_clinic() {
    let plan = plan(Size::Small);
    check(&plan, &small());
}

#[test]
fn the_counts_are_exact_and_the_facts_fit_in_a_year() {
    let plan = plan(Size::Year);
    check(&plan, &Sample::new(&plan, &frame()));
}

#[test]
fn any_day_and_hour_will_do() {
    let moments = [
        ((2026, 1, 1), 0, 5),
        ((2026, 2, 17), 15, 0),
        ((2026, 3, 8), 23, 30),
        ((2028, 2, 29), 7, 59),
        ((2026, 11, 28), 12, 30),
    ];
    for (day, hour, minute) in moments {
        let plan = plan_at(Size::Small, day, hour, minute);
        check(&plan, &Sample::new(&plan, &frame()));
    }
}

fn check(plan: &Plan, sample: &Sample) {
    assert_eq!(sample.people.contacts.len(), plan.size.contacts());
    assert_eq!(sample.threads.messages.len(), plan.size.messages());
    assert_eq!(sample.visits.len(), plan.size.appointments());
    assert_eq!(sample.leads.len(), plan.size.leads());
    check_agenda(plan, sample);
    check_people(sample);
    check_talks(plan, sample);
    check_leads(plan, sample);
}

fn check_agenda(plan: &Plan, sample: &Sample) {
    let times = plan.times();
    let (weekly, exceptions) = (sample.clinic.weekly(), sample.clinic.exceptions());
    let mut held: HashMap<(&str, Uuid), Vec<Span>> = HashMap::new();
    for visit in &sample.visits {
        let professional = &sample.clinic.professionals[visit.professional];
        let span = Span { start: visit.starts_at, end: visit.ends_at };
        let day = times.day_of(visit.starts_at);
        let open = working_spans(professional.id, day, times.zone, &weekly, &exceptions);
        assert!(
            open.iter().any(|hours| hours.contains(&span)),
            "{:?} {day} lies outside working hours",
            visit.starts_at
        );
        assert_eq!(times.minute_of(visit.starts_at) % 5, 0, "{:?} is on no grid", visit.starts_at);
        if !matches!(visit.status, "cancelled" | "no_show") && visit.squeeze_reason.is_none() {
            held.entry(("professional", professional.id)).or_default().push(span);
            if let Some(room) = visit.room {
                held.entry(("room", sample.clinic.rooms[room].0)).or_default().push(span);
            }
        }
        let steps = [Some(visit.created_at), visit.arrived_at, visit.started_at, visit.finished_at];
        let steps: Vec<_> = steps.into_iter().flatten().collect();
        assert!(steps.is_sorted(), "{steps:?}");
        assert!(steps.iter().chain(&visit.confirmed_at).chain(&visit.ended_at).all(|at| *at <= plan.now), "{visit:?}");
        let fits = match visit.status {
            "scheduled" => visit.starts_at > plan.now - TimeDelta::minutes(40) && visit.confirmed_at.is_none(),
            "confirmed" => visit.starts_at > plan.now - TimeDelta::minutes(40) && visit.confirmed_at.is_some(),
            "arrived" => visit.arrived_at.is_some() && visit.started_at.is_none(),
            "in_service" => visit.started_at.is_some() && visit.finished_at.is_none(),
            "completed" => visit.finished_at.is_some(),
            "cancelled" => visit.cancel_reason.is_some() && visit.ended_at.is_some(),
            _ => visit.starts_at < plan.now && visit.ended_at.is_some(),
        };
        assert!(fits, "{visit:?} at {}", plan.now);
    }
    for (who, mut spans) in held {
        spans.sort();
        let clash = spans.windows(2).find(|pair| pair[0].overlaps(&pair[1]));
        assert!(clash.is_none(), "{who:?} has two visits at once: {clash:?}");
    }
    let past: Vec<_> = sample.visits.iter().filter(|visit| visit.ends_at < plan.now - TimeDelta::hours(3)).collect();
    let share = |status| past.iter().filter(|visit| visit.status == status).count() as f64 / past.len() as f64;
    assert!((0.04..0.11).contains(&share("no_show")), "{} were missed", share("no_show"));
    assert!((0.05..0.14).contains(&share("cancelled")), "{} were cancelled", share("cancelled"));
    assert!(past.iter().all(|visit| matches!(visit.status, "completed" | "no_show" | "cancelled")));
    assert!(sample.visits.iter().any(|visit| visit.squeeze_reason.is_some()), "a clinic squeezes people in");
}

fn check_people(sample: &Sample) {
    let mut keys = HashSet::new();
    for identifier in &sample.people.identifiers {
        assert!(keys.insert((identifier.kind, &identifier.match_key)), "two people share a {}", identifier.kind);
    }
    for contact in &sample.people.contacts {
        let Some(phone) = &contact.phone else { continue };
        let parsed = Phone::parse(phone).unwrap_or_else(|error| panic!("{phone}: {error}"));
        assert_eq!(parsed.as_str(), phone, "stored as it is dialled");
    }
    let share = |count: usize| count as f64 / sample.people.contacts.len() as f64;
    let lid_only =
        sample.people.contacts.iter().filter(|contact| contact.phone.is_none() && contact.lid.is_some()).count();
    assert!(share(lid_only) > 0.01, "WhatsApp hides some numbers");
    let old =
        sample.people.contacts.iter().filter(|contact| {
            contact.phone.as_ref().is_some_and(|phone| phone.starts_with("+55") && phone.len() == 13)
        });
    assert!(share(old.count()) > 0.04, "land lines and numbers without the ninth digit");
}

fn check_talks(plan: &Plan, sample: &Sample) {
    let threads = &sample.threads;
    let mut gateway_ids = HashSet::new();
    let mut last_of: HashMap<usize, DateTime<Utc>> = HashMap::new();
    for message in &threads.messages {
        assert!(message.sent_at <= plan.now, "nothing has happened after now");
        let before = last_of.insert(message.conversation, message.sent_at);
        assert!(
            before.is_none_or(|before| before < message.sent_at),
            "one message after the other: {:?}",
            message.body
        );
        if let Some(id) = &message.gateway_id {
            assert!(gateway_ids.insert(id), "{id} comes twice");
        }
        let left_over = ['{', '}', '[', ']', '<', '>', '|'].iter().any(|sign| message.body.contains(*sign));
        assert!(!left_over, "{:?} was not filled in", message.body);
        let says_something = !message.body.is_empty() || message.attachment.is_some();
        assert!(says_something, "an empty message of kind {}", message.kind);
        let ticks: Vec<_> =
            [Some(message.sent_at), message.delivered_at, message.read_at].into_iter().flatten().collect();
        assert!(ticks.is_sorted() && ticks.iter().all(|at| *at <= plan.now), "{ticks:?}");
    }
    let count =
        |test: &dyn Fn(&threads::Conversation) -> bool| threads.conversations.iter().filter(|row| test(row)).count();
    let waiting = count(&|row| row.kept.waiting_since.is_some());
    assert_eq!(waiting, plan.size.waiting(), "as many wait as should");
    assert!(
        threads.conversations.iter().all(|row| row.kept.waiting_since.is_none() || row.fate == threads::Fate::Open)
    );
    let open = count(&|row| row.fate != threads::Fate::Closed);
    assert!((40..=100).contains(&open), "{open} are open");
    assert!(count(&|row| row.fate == threads::Fate::Open && row.handler == "bot") >= 5, "the bot has some");

    let mut shown: Vec<&threads::Conversation> = threads.conversations.iter().collect();
    shown.sort_by_key(|row| {
        (row.kept.waiting_since.is_none(), row.kept.waiting_since, std::cmp::Reverse(row.kept.last_message_at))
    });
    let first: Vec<_> = shown[..50].iter().filter(|row| !row.kept.last_message_preview.is_empty()).collect();
    let distinct: HashSet<_> = first.iter().map(|row| &row.kept.last_message_preview).collect();
    assert!(distinct.len() * 10 >= first.len() * 8, "{} of {} lines of the list differ", distinct.len(), first.len());
    let kinds: HashSet<_> = threads.messages.iter().map(|message| message.kind).collect();
    for kind in ["text", "audio", "image", "video", "document", "sticker", "location", "contact", "unsupported"] {
        assert!(kinds.contains(kind), "nobody sent a {kind}");
    }
    let any = |test: &dyn Fn(&messages::Message) -> bool| threads.messages.iter().any(test);
    assert!(any(&|message| message.edited_at.is_some()) && any(&|message| message.revoked_at.is_some()));
    assert!(any(&|message| message.error.is_some()) && any(&|message| message.reaction.is_some()));
    assert!(any(&|message| message.quoted.is_some()) && any(&|message| message.direction == "internal"));
}

fn check_leads(plan: &Plan, sample: &Sample) {
    let mut open = HashSet::new();
    for lead in &sample.leads {
        let (stage, entered_at) = lead.stage();
        assert!(lead.way.iter().map(|(_, at)| *at).is_sorted() && entered_at <= plan.now, "{:?}", lead.way);
        assert_eq!(
            lead.loss_reason.is_some(),
            sample.frame.stages[stage].1 == "lost",
            "only what is lost has a reason"
        );
        if sample.frame.stages[stage].1 == "open" {
            assert!(open.insert(lead.contact), "one person has two open leads");
        }
        assert!(sample.people.contacts[lead.contact].created_at <= lead.created_at());
    }
}

#[tokio::test]
async fn a_loaded_clinic_is_what_the_triggers_would_have_made() -> anyhow::Result<()> {
    let database = TestDatabase::fresh().await?;
    let plan = plan(Size::Small);
    let mut told = Vec::new();
    let audited = BulkLoader::count(database.admin_url(), database.clinic_id(), "audit_logs").await?;
    let counts = load(database.admin_url(), database.clinic_id(), &plan, |progress| told.push(progress)).await?;
    assert_eq!(counts["contacts"], 2_000);
    assert_eq!(counts["messages"], 5_000);
    assert_eq!(counts["appointments"], 900);
    assert!(told.iter().any(|progress| progress.table == "messages" && progress.done == 5_000), "progress was told");
    let stored = BulkLoader::count(database.admin_url(), database.clinic_id(), "appointment_events").await?;
    assert_eq!(stored, counts["appointment_events"]);
    let now_audited = BulkLoader::count(database.admin_url(), database.clinic_id(), "audit_logs").await?;
    assert_eq!(now_audited, audited, "triggers rested");
    let found = BulkLoader::disagreements(database.admin_url(), database.clinic_id()).await?;
    assert!(found.is_empty(), "{found:?}");

    let again = load(database.admin_url(), database.clinic_id(), &plan, |_| {}).await;
    assert!(matches!(again, Err(Error::InvalidRequest { field: "clinic", .. })), "{again:?}");
    assert_eq!(BulkLoader::count(database.admin_url(), database.clinic_id(), "contacts").await?, 2_000);
    Ok(())
}

#[tokio::test]
async fn a_message_without_its_effect_and_a_reference_to_nothing_are_found() -> anyhow::Result<()> {
    let database = TestDatabase::fresh().await?;
    load(database.admin_url(), database.clinic_id(), &plan(Size::Small), |_| {}).await?;
    let clinic_id = database.clinic_id();
    let frame = BulkLoader::connect(database.admin_url()).await?.frame(clinic_id).await?;
    let sample = Sample::new(&plan(Size::Small), &frame);
    let columns = ["clinic_id", "id", "conversation_id", "channel_id", "direction", "sender_kind", "body", "sent_at"];
    let stray = |conversation: Uuid, id: u128| {
        let (channel_id, now) = (sample.clinic.channel_id, plan(Size::Small).now);
        move |line: &mut CopyLine| {
            line.put(clinic_id).put(Uuid::from_u128(id)).put(conversation).put(channel_id);
            line.put("inbound").put("contact").put("Oi").put(now);
        }
    };
    let answered = sample.threads.conversations.iter().find(|row| row.kept.waiting_since.is_none()).unwrap();
    let signs: [(Uuid, &[&str]); 2] = [
        (answered.id, &["last_message_at", "unread_count", "waiting_since"]),
        (Uuid::nil(), &["messages_conversation"]),
    ];
    for (count, (conversation, signs)) in (1..).zip(signs) {
        let mut loader = BulkLoader::connect(database.admin_url()).await?;
        loader.copy("messages", &columns, [stray(conversation, count)], |_| {}).await?;
        loader.commit(clinic_id).await?;
        let found = BulkLoader::disagreements(database.admin_url(), clinic_id).await?;
        for sign in signs {
            assert!(found.iter().any(|sentence| sentence.contains(sign)), "{sign}: {found:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn rows_that_are_not_good_are_refused_and_leave_nothing() -> anyhow::Result<()> {
    let database = TestDatabase::fresh().await?;
    let clinic_id = database.clinic_id();
    let room = |fields: usize, id: u128| {
        move |line: &mut CopyLine| {
            line.put(clinic_id).put(Uuid::from_u128(id));
            if fields == 3 {
                line.put("Sala");
            }
        }
    };
    let columns = ["clinic_id", "id", "name"];
    let mut loader = BulkLoader::connect(database.admin_url()).await?;
    let outside = loader.copy("rooms; drop table x", &columns, [room(3, 1)], |_| {}).await;
    assert!(matches!(outside, Err(Error::InvalidRequest { field: "table", .. })), "{outside:?}");
    let short = loader.copy("rooms", &columns, [room(3, 1), room(2, 2)], |_| {}).await;
    assert!(matches!(short, Err(Error::InvalidRequest { field: "rows", .. })), "{short:?}");
    drop(loader);
    let mut loader = BulkLoader::connect(database.admin_url()).await?;
    let twice = loader.copy("rooms", &columns, [room(3, 1), room(3, 1)], |_| {}).await;
    assert!(matches!(&twice, Err(error) if error.constraint() == Some("rooms_pk")), "{twice:?}");
    drop(loader);
    assert_eq!(BulkLoader::count(database.admin_url(), clinic_id, "rooms").await?, 0, "nothing was kept");
    Ok(())
}

#[tokio::test]
async fn only_a_superuser_may_load() -> anyhow::Result<()> {
    let database = TestDatabase::fresh().await?;
    let owner = database.owner();
    let url = format!(
        "postgres://{}:{}@{}:{}/{}?sslmode=disable",
        owner.login,
        owner.password.as_deref().unwrap_or_default(),
        owner.address.host,
        owner.address.port,
        owner.address.database
    );
    let refused = BulkLoader::connect(&url).await.err();
    assert_eq!(refused, Some(Error::AdminRightsMissing));
    Ok(())
}
