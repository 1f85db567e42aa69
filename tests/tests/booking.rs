//! Booking from a thread: free times that are free, a visit and a patient that reach the clinic, and two desks that take the
//! same time.

use anyhow::Result;
use balcao_domain::clock::Clock;
use balcao_tenant::Role;
use balcao_testkit::database::TestDatabase;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::desks::actors::{Actor, Outsider, sample_clinic};

async fn attendant(clinic: &TestDatabase) -> Result<Actor> {
    Actor::connect(&clinic.add_member(Role::Attendant).await?).await
}

async fn cut(desk: &Actor) -> Result<()> {
    desk.line.cut();
    desk.until("get_status", json!({}), |status| status["connection"] == "offline").await?;
    Ok(())
}

async fn until_quiet(desk: &Actor) -> Result<()> {
    desk.until("get_status", json!({}), |status| status["connection"] == "online" && status["waiting"] == 0).await?;
    Ok(())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn at(value: &Value) -> DateTime<Utc> {
    text(value).parse().unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

/// Asks for the next free times of what the person last came for.
async fn times(desk: &Actor, talk: &Value) -> Result<(Value, Value)> {
    let booking = desk.call("get_booking", json!({ "conversation_id": talk["id"] })).await?;
    let about = json!({ "conversation_id": talk["id"], "service_id": booking["usual_service_id"] });
    let found = desk.call("find_times", about).await?;
    assert_eq!((list(&found["times"]).len(), &found["coverage"]), (3, &json!("whole")), "{found}");
    Ok((booking, found))
}

fn wish(talk: &Value, service: &Value, time: &Value, book_for: Value) -> Value {
    json!({
        "conversation_id": talk["id"], "book_for": book_for, "service_id": service,
        "professional_id": time["professional_id"], "starts_at": time["starts_at"],
    })
}

/// The visit as it stands beside the thread.
async fn beside(desk: &Actor, talk: &Value, visit: &Value) -> Result<Value> {
    let thread = desk.call("get_thread", json!({ "conversation_id": talk["id"], "limit": 1, "visits": 50 })).await?;
    Ok(list(&thread["person"]["visits"]).iter().find(|each| each["id"] == *visit).cloned().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_booked_without_a_network_stands_beside_the_thread_at_once_and_in_the_clinic_later() -> Result<()> {
    let clinic = sample_clinic().await?;
    let desk = attendant(&clinic).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let talk = desk.waiting_conversation().await?;
    cut(&desk).await?;
    let (booking, found) = times(&desk, &talk).await?;
    let time = &found["times"][0];
    assert!(text(&found["text"]).contains(&format!("com {}", text(&time["professional"]))), "{found}");
    let new = json!({ "kind": "new", "name": " Theo  Booking " });
    let booked = desk.call("book_appointment", wish(&talk, &booking["usual_service_id"], time, new)).await?;
    assert!(text(&booked["text"]).contains("ficou marcado para Theo Booking: "), "{booked}");
    let visit = &booked["appointment_id"];
    let here = json!({ "conversation_id": talk["id"] });
    let awaited = desk.call("list_awaited", here.clone()).await?["visits"][0].clone();
    assert_eq!((&awaited["appointment_id"], &awaited["refused"]), (visit, &Value::Null), "{awaited}");
    assert_eq!(awaited["text"], booked["text"], "the text that waits with it");
    let shown = beside(&desk, &talk, visit).await?;
    assert_eq!((&shown["state"], at(&shown["starts_at"])), (&json!("pending"), at(&time["starts_at"])));
    assert_eq!(desk.counts().await?, (2, 0), "the patient and the visit");
    let (_, after) = times(&desk, &talk).await?;
    assert!(!list(&after["times"]).contains(time), "what waits to be sent is taken");

    desk.line.mend();
    until_quiet(&desk).await?;
    assert_eq!(desk.counts().await?, (0, 0));
    assert_eq!(beside(&desk, &talk, visit).await?["state"], "confirmed");
    assert_eq!(desk.call("list_awaited", here).await?["visits"], json!([]), "the clinic has it");
    let stands = format!(
        "select p.name || ' ' || p.relation || ' ' || a.status || ' ' || (a.service_id = '{}') || ' ' || (a.price_cents is not null)
             || ' ' || (a.room_id is not null) || ' ' || (a.ends_at - a.starts_at = make_interval(mins => s.duration_minutes))
         from app.appointments a join app.patients p on p.id = a.patient_id join app.services s on s.id = a.service_id
         where a.id = '{}' and a.starts_at = '{}' and a.contact_id = '{}'",
        text(&booking["usual_service_id"]),
        text(visit),
        text(&time["starts_at"]),
        text(&talk["contact_id"]),
    );
    assert_eq!(outsider.text(stands).await?.unwrap(), "Theo Booking dependent scheduled true true true true");

    // By now the clinic knows of it: there it is called off, and the patient who was made for it put out of sight.
    let undo = json!({ "appointment_id": visit, "patient_added": booked["patient_added"] });
    desk.call("undo_booking", undo).await?;
    assert_eq!(beside(&desk, &talk, visit).await?["status"], "cancelled");
    until_quiet(&desk).await?;
    let status = format!("select status from app.appointments where id = '{}'", text(visit));
    assert_eq!(outsider.text(status).await?.unwrap(), "cancelled");
    let active = "select active::text from app.patients where name = 'Theo Booking'";
    assert_eq!(outsider.text(active).await?.unwrap(), "false");
    let (booking, _) = times(&desk, &talk).await?;
    assert!(list(&booking["patients"]).iter().all(|patient| patient["name"] != "Theo Booking"), "{booking}");
    let (_, again) = times(&desk, &talk).await?;
    assert_eq!(again["times"][0], *time, "it is free again");
    let twice = desk.call("undo_booking", json!({ "appointment_id": visit })).await.unwrap_err();
    assert_eq!(twice.code, "visit_finished");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_that_has_not_gone_yet_is_taken_back_without_a_trace() -> Result<()> {
    let clinic = sample_clinic().await?;
    let desk = attendant(&clinic).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let talk = desk.waiting_conversation().await?;
    let (booking, found) = times(&desk, &talk).await?;
    let patient = match list(&booking["patients"]).first() {
        Some(patient) => json!({ "kind": "patient", "patient_id": patient["id"] }),
        None => json!({ "kind": "person" }),
    };
    let before = outsider.count("select count(*) from app.appointments").await?;
    cut(&desk).await?;
    let service = &booking["usual_service_id"];
    let booked = desk.call("book_appointment", wish(&talk, service, &found["times"][1], patient.clone())).await?;
    desk.call("undo_booking", json!({ "appointment_id": booked["appointment_id"] })).await?;
    assert_eq!(beside(&desk, &talk, &booked["appointment_id"]).await?, Value::Null);
    // A patient who was made for it goes with it, and one who has something else by now stays.
    let new = |name: &str| json!({ "kind": "new", "name": name });
    let waiting = desk.counts().await?;
    let one = desk.call("book_appointment", wish(&talk, service, &found["times"][1], new("Só desta"))).await?;
    let undo = json!({ "appointment_id": one["appointment_id"], "patient_added": one["patient_added"] });
    desk.call("undo_booking", undo).await?;
    assert_eq!(desk.counts().await?, waiting, "neither of them is left");
    let two = desk.call("book_appointment", wish(&talk, service, &found["times"][1], new("Com outra"))).await?;
    let again = json!({ "kind": "patient", "patient_id": two["patient_added"] });
    let other = desk.call("book_appointment", wish(&talk, service, &found["times"][2], again)).await?;
    assert_eq!(other["patient_added"], Value::Null);
    let undo = json!({ "appointment_id": two["appointment_id"], "patient_added": two["patient_added"] });
    desk.call("undo_booking", undo).await?;
    let (booking, _) = times(&desk, &talk).await?;
    assert!(list(&booking["patients"]).iter().any(|patient| patient["name"] == "Com outra"), "{booking}");
    desk.call("undo_booking", json!({ "appointment_id": other["appointment_id"] })).await?;
    desk.line.mend();
    until_quiet(&desk).await?;
    assert_eq!(outsider.count("select count(*) from app.appointments").await?, before);
    assert_eq!(outsider.count("select count(*) from app.patients where name = 'Só desta'").await?, 0);

    let refused = |change: Value| {
        let mut wish = wish(&talk, service, &found["times"][0], patient.clone());
        wish.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        desk.call("book_appointment", wish)
    };
    assert_eq!(refused(json!({ "starts_at": "2020-01-06T13:00:00Z" })).await.unwrap_err().code, "time_passed");
    let nobody = json!({ "kind": "patient", "patient_id": talk["id"] });
    assert_eq!(refused(json!({ "book_for": nobody })).await.unwrap_err().code, "not_found");
    let nameless = json!({ "kind": "new", "name": "  " });
    assert_eq!(refused(json!({ "book_for": nameless })).await.unwrap_err().code, "text_empty");
    assert_eq!(desk.counts().await?, (0, 0), "what is refused leaves nothing behind");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_desks_take_the_same_time_and_one_is_asked_with_its_choices() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (ana, bia) = (attendant(&clinic).await?, attendant(&clinic).await?);
    let mut outsider = Outsider::look(&clinic).await?;
    let page = ana.call("list_conversations", json!({ "view": "all", "limit": 2 })).await?;
    let (one, other) = (&page["rows"][0], &page["rows"][1]);
    cut(&ana).await?;
    cut(&bia).await?;
    let service = times(&ana, one).await?.0["usual_service_id"].clone();
    let about = |talk: &Value| json!({ "conversation_id": talk["id"], "service_id": service });
    let same = ana.call("find_times", about(one)).await?["times"][0].clone();
    assert_eq!(bia.call("find_times", about(other)).await?["times"][0], same, "both see it free");
    let new = |name: &str| json!({ "kind": "new", "name": name });
    let first = ana.call("book_appointment", wish(one, &service, &same, new("Primeira"))).await?;
    let second = bia.call("book_appointment", wish(other, &service, &same, new("Segunda"))).await?;
    ana.line.mend();
    until_quiet(&ana).await?;
    bia.line.mend();
    bia.until("get_status", json!({}), |status| status["needs_you"] == 1 && status["waiting"] == 0).await?;
    assert_eq!(ana.counts().await?, (0, 0), "who came first is asked nothing");

    let parked = bia.call("list_operations", json!({ "state": "parked" })).await?["rows"][0].clone();
    assert_eq!((text(&parked["kind"]), text(&parked["reason"])), ("book_appointment", "slot_taken"));
    assert_eq!((text(&parked["subject"]), &parked["entity_id"]), ("Segunda", &second["appointment_id"]));
    assert_eq!(parked["choices"], json!(["other_time", "squeeze_in", "retry", "discard"]));
    assert_eq!(
        beside(&bia, other, &second["appointment_id"]).await?["state"],
        "parked",
        "and it is said beside the thread"
    );

    let awaited = bia.call("list_awaited", json!({ "conversation_id": other["id"] })).await?["visits"][0].clone();
    assert_eq!((&awaited["refused"], &awaited["text"]), (&json!("slot_taken"), &second["text"]));

    let this = json!({ "operation_id": parked["operation_id"] });
    let free = bia
        .until("list_free_slots", this, |free| {
            list(&free["slots"]).len() == 3 && list(&free["slots"]).iter().all(|s| s["starts_at"] != same["starts_at"])
        })
        .await?;
    let choice = json!({
        "operation_id": parked["operation_id"], "choice": "other_time", "starts_at": free["slots"][0]["starts_at"],
    });
    bia.call("decide_operation", choice).await?;
    until_quiet(&bia).await?;
    assert_eq!(bia.counts().await?, (0, 0), "what is offered is free");
    for (booked, starts_at) in [(&first, &same["starts_at"]), (&second, &free["slots"][0]["starts_at"])] {
        let stands = format!(
            "select count(*) from app.appointments where id = '{}' and starts_at = '{}' and status = 'scheduled'",
            text(&booked["appointment_id"]),
            text(starts_at)
        );
        assert_eq!(outsider.count(stands).await?, 1);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_time_that_is_offered_is_one_in_which_somebody_works_and_nothing_stands() -> Result<()> {
    let clinic = sample_clinic().await?;
    let desk = attendant(&clinic).await?;
    let talk = desk.waiting_conversation().await?;
    let booking = desk.call("get_booking", json!({ "conversation_id": talk["id"] })).await?;
    let (mut seen, mut differing) = (0, 0);
    for service in list(&booking["services"]) {
        let does = list(&service["professional_ids"]);
        assert!(!does.is_empty(), "{service}");
        differing += usize::from(does.len() < list(&booking["professionals"]).len());
        let mut about = json!({ "conversation_id": talk["id"], "service_id": service["id"] });
        for _ in 0..3 {
            let found = desk.call("find_times", about.clone()).await?;
            for time in list(&found["times"]) {
                assert!(does.contains(&time["professional_id"]), "{time} of {service}");
                assert!(about["after"].is_null() || at(&time["starts_at"]) >= at(&about["after"]));
                stands_free(&desk, time).await?;
                about["after"] = time["ends_at"].clone();
                seen += 1;
            }
        }
    }
    assert!(seen > 30 && differing > 3, "only {seen} times of {differing} services were offered");
    let one = &booking["professionals"][1]["id"];
    let with = json!({ "conversation_id": talk["id"], "professional_id": one, "from": "2026-01-01" });
    let found = desk.call("find_times", with).await?;
    assert!(list(&found["times"]).iter().all(|time| time["professional_id"] == *one), "{found}");
    Ok(())
}

async fn stands_free(desk: &Actor, time: &Value) -> Result<()> {
    let day = (at(&time["starts_at"]) - chrono::TimeDelta::hours(3)).date_naive();
    let agenda = desk.call("get_agenda", json!({ "from": day, "days": 1 })).await?;
    let (start, end) = (at(&time["starts_at"]), at(&time["ends_at"]));
    let same = |each: &&Value| each["professional_id"] == time["professional_id"];
    let works = list(&agenda["working_hours"]).iter().filter(same);
    assert_eq!(works.filter(|w| at(&w["starts_at"]) <= start && end <= at(&w["ends_at"])).count(), 1, "{time}");
    let standing = list(&agenda["visits"]).iter().filter(same).filter(|visit| {
        let holds = !["cancelled", "no_show"].contains(&text(&visit["status"])) && visit["squeezed_in"] == false;
        holds && at(&visit["starts_at"]) < end && start < at(&visit["ends_at"])
    });
    assert_eq!(standing.count(), 0, "{time}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clinic_says_how_soon_a_visit_is_still_offered() -> Result<()> {
    let clinic = sample_clinic().await?;
    let boss = Actor::connect(clinic.owner()).await?;
    let talk = boss.waiting_conversation().await?;
    assert_eq!(boss.call("get_inbox_frame", json!({})).await?["booking_lead_minutes"], 30);
    let too_long = boss.call("set_booking_lead", json!({ "minutes": 10_081 })).await.unwrap_err();
    assert_eq!(too_long.reference.as_deref(), Some("minutes"));
    boss.call("set_booking_lead", json!({ "minutes": 2 * 24 * 60 })).await?;
    boss.until("get_inbox_frame", json!({}), |frame| frame["booking_lead_minutes"] == 2880).await?;
    let (_, found) = times(&boss, &talk).await?;
    assert!(
        at(&found["times"][0]["starts_at"])
            >= Clock::System.now() + chrono::TimeDelta::days(2) - chrono::TimeDelta::minutes(1)
    );
    until_quiet(&boss).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let refused = outsider.run("update app.clinic_settings set inbox = inbox || '{\"lead_minutes\": -1}'").await;
    assert!(refused.unwrap_err().to_string().contains("clinic_settings_lead"));
    Ok(())
}
