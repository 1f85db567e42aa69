//! Computers that listen and send for a clinic, against a gateway that fails in every known way.

#![allow(clippy::print_stdout, reason = "a seed that nobody sees is of no use")]

mod bucket;
mod files;
mod history;
mod scene;
mod server;

use std::time::Duration;

use anyhow::Result;
use balcao_agent::background::Standing;
use balcao_testkit::gateway::{Incoming, SendFault, Trace};
use scene::{PHONE, Scene, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_in_is_stored_and_what_is_written_goes_out() -> Result<()> {
    let mut scene = Scene::open().await?;
    // Before anybody listened.
    scene.gateway.store("recepcao", &Incoming::text(PHONE, "estou aqui desde cedo"));
    let computer = scene.computer("Recepção 1").await?;
    eventually("the sweep brings what came before", async || Ok(scene.bodies().await?.len() == 1)).await?;
    scene.gateway.receive("recepcao", &Incoming::text(PHONE, "bom dia"));
    eventually("the stream is stored", async || Ok(scene.bodies().await?.len() == 2)).await?;
    scene.answer(PHONE, "bom dia, dona Maria").await?;
    eventually("the answer goes out and is delivered", async || {
        Ok(scene.statuses().await?.iter().any(|(_, status)| status == "delivered"))
    })
    .await?;
    assert_eq!(scene.gateway.sent().len(), 1);
    assert_eq!(scene.bodies().await?.len(), 3, "the echo is the message itself");
    let channel = scene.tenant.channels().await?.remove(0);
    eventually("the connection tells how it is doing", async || {
        let channel = scene.tenant.channels().await?.remove(0);
        Ok(channel.status == "connected"
            && channel.last_inbound_at.is_some()
            && channel.last_ack_at.is_some()
            && channel.last_sweep_at.is_some()
            && channel.problem.is_none())
    })
    .await?;
    assert!(!format!("{channel:?}").contains(&scene.token()) && !scene.everything_holds(&scene.token()).await?);
    computer.stop().await;
    let lease = scene.tenant.take_lease(&scene::bid("Sala 2")).await?;
    assert!(matches!(lease, balcao_tenant::Tenure::Held { .. }), "who stops gives the work back at once");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_works_lets_age_what_is_kept_for_a_time_also_without_a_connection() -> Result<()> {
    let mut scene = Scene::open().await?;
    scene.forget_key().await?;
    scene
        .run(
            "insert into app.audit_logs (clinic_id, action, at, address)
             select id, 'old', now() - interval '91 days', '10.0.0.1' from app.clinics",
        )
        .await?;
    let computer = scene.computer("Recepção 1").await?;
    eventually("the address is gone", async || {
        Ok(scene.count("app.audit_logs where action = 'old' and address is null").await? == 1)
    })
    .await?;
    computer.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn another_computer_takes_over_and_nothing_is_sent_twice_or_missed() -> Result<()> {
    let mut scene = Scene::open().await?;
    scene.gateway.receive("recepcao", &Incoming::text(PHONE, "oi"));
    let first = scene.computer("Recepção 1").await?;
    let mut working = first.standing();
    working.wait_for(|now| matches!(now, Standing::Working { .. })).await?;
    let second = scene.computer("Recepção 2").await?;
    let mut other = second.standing();
    let waiting = other.wait_for(|now| matches!(now, Standing::Waiting { .. })).await?.clone();
    assert!(matches!(&waiting, Standing::Waiting { holder, .. } if holder == "Recepção 1"), "{waiting:?}");
    eventually("the first one listens", async || Ok(scene.bodies().await?.len() == 1)).await?;

    // Every other answer is slow, so that the kill falls into the middle of some.
    for count in 0..40 {
        scene.gateway.set(|faults| {
            faults.sends.push_back(match count % 2 {
                0 => SendFault::Late(Duration::from_millis(300), Trace::Stored),
                _ => SendFault::None,
            });
        });
        scene.answer(&scene::person(count % 7), &format!("resposta {count}")).await?;
    }
    eventually("some went out", async || Ok(scene.gateway.sent().len() > 5)).await?;
    drop(first);
    let killed = std::time::Instant::now();
    for count in 0..10 {
        scene.gateway.receive("recepcao", &Incoming::text(PHONE, &format!("enquanto isso {count}")));
    }
    other.wait_for(|now| matches!(now, Standing::Working { .. })).await?;
    let limit = scene.rhythm.held_for + scene.rhythm.ask_every + Duration::from_secs(2);
    assert!(killed.elapsed() < limit, "taken over after {:?}", killed.elapsed());

    eventually("everything is decided", async || {
        let statuses = scene.statuses().await?;
        Ok(statuses.iter().all(|(_, status)| !["queued", "sending"].contains(&status.as_str())))
    })
    .await?;
    scene.settled().await?;
    let mut sent: Vec<String> = scene.gateway.sent().into_iter().map(|sent| sent.text).collect();
    let all = sent.len();
    sent.sort();
    sent.dedup();
    assert_eq!(sent.len(), all, "something was sent twice");
    for (body, status) in scene.statuses().await? {
        assert_eq!(
            status == "unknown",
            !sent.contains(&body),
            "{body} is {status}: what went out is known, what is unknown did not"
        );
    }
    let inbound = scene.bodies().await?.into_iter().filter(|body| body.starts_with("enquanto")).count();
    assert_eq!(inbound, 10, "what came in while nobody worked was swept");
    second.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_nobody_knows_of_is_left_to_a_person() -> Result<()> {
    let mut scene = Scene::open().await?;
    scene.gateway.receive("recepcao", &Incoming::text(PHONE, "oi"));
    let computer = scene.computer("Recepção 1").await?;
    eventually("it listens", async || Ok(scene.bodies().await?.len() == 1)).await?;
    scene.gateway.set(|faults| {
        faults.sends =
            [SendFault::TimedOut(Trace::Stored), SendFault::TimedOut(Trace::Gone), SendFault::NotOnWhatsapp].into();
    });
    for body in ["achada", "perdida", "recusada"] {
        scene.answer(PHONE, body).await?;
        eventually("it was tried", async || {
            Ok(scene.statuses().await?.iter().all(|(_, status)| !["queued", "sending"].contains(&status.as_str())))
        })
        .await?;
    }
    let of = async |scene: &Scene, body: &str| -> Result<String> {
        Ok(scene.statuses().await?.into_iter().find(|(said, _)| said == body).unwrap().1)
    };
    eventually("one is found", async || Ok(["sent", "delivered"].contains(&of(&scene, "achada").await?.as_str())))
        .await?;
    scene.settled().await?;
    assert_eq!((of(&scene, "perdida").await?, of(&scene, "recusada").await?), ("unknown".into(), "failed".into()));
    assert_eq!(scene.gateway.sent().len(), 2, "nothing is sent again by itself");
    scene.retry("perdida").await?;
    eventually("a person has decided", async || Ok(of(&scene, "perdida").await? == "delivered")).await?;
    assert_eq!(scene.gateway.sent().len(), 3);
    computer.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_a_key_here_or_without_whatsapp_says_so_and_sends_nothing() -> Result<()> {
    let mut scene = Scene::open().await?;
    scene.forget_key().await?;
    let computer = scene.computer("Recepção 1").await?;
    let says = async |scene: &Scene, problem: &str| -> Result<bool> {
        Ok(scene.tenant.channels().await?.remove(0).problem.as_deref() == Some(problem))
    };
    eventually("it has no key", async || says(&scene, "no_key").await).await?;
    scene.give_key(&scene.token()).await?;
    eventually("it works as soon as it has one", async || Ok(scene.gateway.listeners() == 1)).await?;
    scene.gateway.unpair("recepcao");
    eventually("a phone must read a code", async || says(&scene, "needs_pairing").await).await?;
    scene.gateway.receive("recepcao", &Incoming::text(PHONE, "oi"));
    eventually("it still listens", async || Ok(scene.bodies().await?.len() == 1)).await?;
    scene.answer(PHONE, "espera").await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(scene.gateway.sent().is_empty(), "a gateway that is logged out takes messages and loses them");
    scene.gateway.pair("recepcao");
    eventually("it goes out once the phone is back", async || Ok(scene.gateway.sent().len() == 1)).await?;
    computer.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_random_history_everything_is_here_once_and_no_tick_went_down() -> Result<()> {
    let size = if std::env::var("BALCAO_WIRE_HISTORY").is_ok_and(|size| size == "full") {
        history::Size { messages: 10_000, kills: 50, cuts: 10, restarts: 10 }
    } else {
        history::Size { messages: 400, kills: 6, cuts: 3, restarts: 0 }
    };
    let seed = std::env::var("BALCAO_HISTORIES_SEED").ok().and_then(|seed| seed.parse().ok());
    history::play(size, seed.unwrap_or_else(rand::random)).await
}
