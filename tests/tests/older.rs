//! What lies before the window of a desk's copy: fetched when someone looks, kept, and never shown across a gap.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use balcao_testkit::database::TestDatabase;
use serde_json::{Value, json};

use crate::desks::actors::{Actor, Outsider, sample_clinic};

/// A clinic in which one conversation goes back far beyond the window, some of it in the same instants, and in which there
/// were visits a year ago.
async fn old_clinic() -> Result<(TestDatabase, Outsider, String)> {
    let clinic = sample_clinic().await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let talk = outsider
        .text("select id::text from app.conversations where status = 'open' order by last_message_at desc, id limit 1")
        .await?
        .context("a conversation")?;
    outsider
        .run(&format!(
            "insert into app.messages
                 (clinic_id, conversation_id, channel_id, direction, sender_kind, kind, body, status, sent_at)
             select c.clinic_id, c.id, c.channel_id, 'inbound', 'contact', 'text', 'antiga ' || n, 'received',
                    now() - interval '100 days' - (n / 3) * interval '1 hour'
             from app.conversations c, generate_series(1, 650) n where c.id = '{talk}'"
        ))
        .await?;
    outsider
        .run(
            "insert into app.appointments
                 (clinic_id, patient_id, contact_id, professional_id, service_id, starts_at, ends_at, status, source)
             select clinic_id, patient_id, contact_id, professional_id, service_id, starts_at - interval '364 days',
                    ends_at - interval '364 days', 'cancelled', 'import'
             from app.appointments where starts_at > now() - interval '60 days'",
        )
        .await?;
    Ok((clinic, outsider, talk))
}

/// Everything that the desk shows of a thread, oldest first, and what it says lies before.
async fn shown(desk: &Actor, talk: &str) -> Result<(Vec<String>, String)> {
    let (mut ids, mut before) = (Vec::new(), Value::Null);
    loop {
        let thread =
            desk.call("get_thread", json!({ "conversation_id": talk, "before": before, "limit": 150 })).await?;
        let page = thread["messages"].as_array().context("messages")?.clone();
        ids.splice(0..0, page.iter().map(|message| message["id"].as_str().unwrap().to_owned()));
        let older = thread["older"].as_str().context("older")?.to_owned();
        if older != "here" {
            return Ok((ids, older));
        }
        before = json!({ "sent_at": page[0]["sent_at"], "id": page[0]["id"] });
    }
}

/// The same thread in the database.
async fn stored(outsider: &mut Outsider, talk: &str) -> Result<Vec<String>> {
    let ids = outsider
        .text(format!(
            "select string_agg(id::text, ' ' order by sent_at, id) from app.messages where conversation_id = '{talk}'"
        ))
        .await?;
    Ok(ids.unwrap_or_default().split(' ').map(str::to_owned).collect())
}

async fn read_to_the_beginning(desk: &Actor, talk: &str) -> Result<u32> {
    for pages in 0..20 {
        if shown(desk, talk).await?.1 == "nothing" {
            return Ok(pages);
        }
        desk.call("fetch_older_messages", json!({ "conversation_id": talk })).await?;
    }
    bail!("the beginning never came")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_is_read_back_to_its_beginning_without_gaps_and_stays_when_the_line_is_cut() -> Result<()> {
    let (clinic, mut outsider, talk) = old_clinic().await?;
    let desk = Actor::connect(clinic.owner()).await?;
    desk.until("get_thread", json!({ "conversation_id": talk, "limit": 1 }), |thread| thread["older"] != "coming")
        .await?;
    let all = stored(&mut outsider, &talk).await?;
    let (ids, older) = shown(&desk, &talk).await?;
    assert_eq!(older, "elsewhere");
    assert_eq!(ids, all[all.len() - ids.len()..], "what is shown is the end of the thread");
    assert!(all.len() - ids.len() >= 650, "the old ones are not in the first copy");

    // Someone edits a very old message and a new one: both come with the next pull.
    let newest = ids.last().context("a message")?;
    outsider.run(&format!("update app.messages set body = 'mudou' where id in ('{}', '{newest}')", all[40])).await?;
    desk.until("get_thread", json!({ "conversation_id": talk, "limit": 1 }), |thread| {
        thread["messages"][0]["body"] == "mudou"
    })
    .await?;
    assert_eq!(shown(&desk, &talk).await?, (ids.clone(), "elsewhere".to_owned()), "a stray row is not shown");

    desk.call("fetch_older_messages", json!({ "conversation_id": talk })).await?;
    let (longer, older) = shown(&desk, &talk).await?;
    assert_eq!((longer.len(), older.as_str()), (ids.len() + 200, "elsewhere"), "one page came");
    assert_eq!(longer, all[all.len() - longer.len()..]);

    desk.line.cut();
    desk.until("get_status", json!({}), |status| status["connection"] == "offline").await?;
    let refused = desk.call("fetch_older_messages", json!({ "conversation_id": talk })).await.unwrap_err();
    assert_eq!(refused.code, "offline");
    assert_eq!(shown(&desk, &talk).await?, (longer, "elsewhere".to_owned()), "no end is claimed without the database");

    desk.line.mend();
    desk.until("get_status", json!({}), |status| status["connection"] == "online").await?;
    read_to_the_beginning(&desk, &talk).await?;
    assert_eq!(shown(&desk, &talk).await?.0, all);

    desk.line.cut();
    let desk = desk.restart().await?;
    assert_eq!(shown(&desk, &talk).await?, (all, "nothing".to_owned()), "what was fetched is kept");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_deleted_and_changed_while_they_are_fetched_end_as_the_database_has_them() -> Result<()> {
    let (clinic, mut outsider, talk) = old_clinic().await?;
    let desk = Actor::connect(clinic.owner()).await?;
    desk.until("get_thread", json!({ "conversation_id": talk, "limit": 1 }), |thread| thread["older"] != "coming")
        .await?;
    let mut other = Outsider::look(&clinic).await?;
    let target = talk.clone();
    let meddling = tokio::spawn(async move {
        for round in 0..60 {
            other
                .run(&format!(
                    "delete from app.messages where id in (select id from app.messages where conversation_id = '{target}'
                     and body like 'antiga %' order by id limit 3)"
                ))
                .await?;
            other
                .run(&format!(
                    "update app.messages set body = body || '!' where id in
                     (select id from app.messages where conversation_id = '{target}' and body like 'antiga %'
                      order by id desc limit {})",
                    round % 7
                ))
                .await?;
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        anyhow::Ok(())
    });
    read_to_the_beginning(&desk, &talk).await?;
    meddling.await??;
    let all = stored(&mut outsider, &talk).await?;
    let bodies = outsider
        .text(format!(
            "select string_agg(body, '|' order by sent_at, id) from
             (select * from app.messages where conversation_id = '{talk}' order by sent_at desc, id desc limit 500) newest"
        ))
        .await?
        .context("bodies")?;
    desk.until("get_thread", json!({ "conversation_id": talk, "limit": 500 }), |thread| {
        let messages = thread["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        messages.iter().filter_map(|message| message["body"].as_str()).collect::<Vec<_>>().join("|") == bodies
    })
    .await
    .map_err(|_| anyhow::anyhow!("the thread never became what the database has"))?;
    let (ids, older) = shown(&desk, &talk).await?;
    assert_eq!(older, "nothing");
    assert!(ids == all, "{} rows are shown, {} are there", ids.len(), all.len());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn days_before_the_copy_are_not_known_to_be_free_until_they_are_fetched() -> Result<()> {
    let (clinic, mut outsider, _) = old_clinic().await?;
    let desk = Actor::connect(clinic.owner()).await?;
    let today = json!({ "from": outsider.text("select current_date::text").await?, "days": 1 });
    desk.until("get_agenda", today, |agenda| agenda["coverage"] == "whole").await?;
    let day = outsider
        .text(
            "select (starts_at at time zone 'America/Sao_Paulo')::date::text from app.appointments
             where starts_at < now() - interval '200 days' group by 1 order by count(*) desc, 1 limit 1",
        )
        .await?
        .context("an old visit")?;
    let stored = outsider
        .count(format!(
            "select count(*) from app.appointments where (starts_at at time zone 'America/Sao_Paulo')::date = '{day}'"
        ))
        .await?;
    let wish = json!({ "from": day, "days": 1 });
    assert_eq!(desk.call("get_agenda", wish.clone()).await?["coverage"], "elsewhere");

    desk.line.cut();
    desk.until("get_status", json!({}), |status| status["connection"] == "offline").await?;
    assert_eq!(desk.call("fetch_older_visits", json!({ "from": day })).await.unwrap_err().code, "offline");
    assert_eq!(desk.call("get_agenda", wish.clone()).await?["coverage"], "elsewhere");
    desk.line.mend();
    desk.until("get_status", json!({}), |status| status["connection"] == "online").await?;

    desk.call("fetch_older_visits", json!({ "from": day })).await?;
    let agenda = desk.call("get_agenda", wish.clone()).await?;
    assert_eq!(agenda["coverage"], "whole");
    assert_eq!(agenda["visits"].as_array().unwrap().len() as i64, stored);
    desk.line.cut();
    let desk = desk.restart().await?;
    assert_eq!(desk.call("get_agenda", wish).await?["coverage"], "whole", "what was fetched is kept");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_visit_of_a_person_comes_when_it_is_asked_for() -> Result<()> {
    let (clinic, mut outsider, _) = old_clinic().await?;
    let desk = Actor::connect(clinic.owner()).await?;
    let contact = outsider
        .text(
            "select a.contact_id::text from app.appointments a join app.conversations c using (clinic_id, contact_id)
             where a.starts_at < now() - interval '200 days' group by 1 order by count(*) desc, 1 limit 1",
        )
        .await?
        .context("someone with old visits")?;
    let talk = outsider.text(format!("select id::text from app.conversations where contact_id = '{contact}'")).await?;
    let wish = json!({ "conversation_id": talk, "limit": 1, "visits": 200 });
    let before = desk.until("get_thread", wish.clone(), |thread| thread["person"]["older_visits"] != "coming").await?;
    assert_eq!(before["person"]["older_visits"], "elsewhere");
    desk.call("fetch_person_visits", json!({ "contact_id": contact })).await?;
    let after = desk.call("get_thread", wish).await?;
    assert_eq!(after["person"]["older_visits"], "nothing");
    let stored =
        outsider.count(format!("select count(*) from app.appointments where contact_id = '{contact}'")).await?;
    assert_eq!(after["person"]["visits"].as_array().unwrap().len() as i64, stored);
    assert!((before["person"]["visits"].as_array().unwrap().len() as i64) < stored);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wider_window_is_filled_behind_the_work_and_a_narrower_one_holds_at_once() -> Result<()> {
    let (clinic, mut outsider, talk) = old_clinic().await?;
    let desk = Actor::connect(clinic.owner()).await?;
    desk.until("get_thread", json!({ "conversation_id": talk, "limit": 1 }), |thread| thread["older"] != "coming")
        .await?;
    let all = stored(&mut outsider, &talk).await?;
    let wide = json!({ "message_days": 0, "appointment_days": 730 });

    // Chosen without a line, it is filled when the line is back.
    desk.line.cut();
    desk.until("get_status", json!({}), |status| status["connection"] == "offline").await?;
    assert_eq!(desk.call("set_copy_window", wide.clone()).await?["missing"], true);
    let desk = desk.restart().await?;
    desk.line.mend();
    desk.until("get_copy_window", json!({}), |window| window["missing"] == false).await?;
    assert_eq!(shown(&desk, &talk).await?, (all, "nothing".to_owned()));
    let old_day = outsider.text("select (current_date - 364)::text").await?;
    let agenda = json!({ "from": old_day, "days": 1 });
    assert_eq!(desk.call("get_agenda", agenda.clone()).await?["coverage"], "whole");

    let narrow = desk.call("set_copy_window", json!({ "message_days": 30, "appointment_days": 30 })).await?;
    assert_eq!((&narrow["missing"], &narrow["message_days"]), (&json!(false), &json!(30)));
    let (ids, older) = shown(&desk, &talk).await?;
    assert_eq!(older, "elsewhere");
    let recent = outsider
        .count(format!(
            "select count(*) from app.messages where conversation_id = '{talk}' and sent_at > now() - interval '30 days'"
        ))
        .await?;
    assert_eq!(ids.len() as i64, recent);
    assert_eq!(desk.call("get_agenda", agenda).await?["coverage"], "elsewhere");
    for (days, field) in [(3, "message_days"), (4_000, "appointment_days")] {
        let mut wish = wide.clone();
        wish[field] = json!(days);
        assert_eq!(desk.call("set_copy_window", wish).await.unwrap_err().reference.as_deref(), Some(field));
    }

    // And back again: what was taken away is fetched again.
    read_to_the_beginning(&desk, &talk).await?;
    assert_eq!(shown(&desk, &talk).await?.0, stored(&mut outsider, &talk).await?);
    Ok(())
}
