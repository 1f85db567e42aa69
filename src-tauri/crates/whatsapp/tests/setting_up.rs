//! Making a connection, pairing it, and what is wrong with an address.

use balcao_domain::message::ConnectionState;
use balcao_domain::phone::Phone;
use balcao_testkit::gateway::evolution::GLOBAL_KEY;
use balcao_testkit::gateway::{FakeCloud, FakeEvolution};
use balcao_whatsapp::gateway::{
    Endpoint, Evolution, EvolutionSetting, Found, Gateway, GatewayError, Key, Name, Namespace, Pairing, SocketSetting,
};

use crate::wire::{INSTANCE, client, fake, gateway, timing};

#[tokio::test]
async fn a_connection_is_made_paired_and_unpaired() {
    let fake = FakeEvolution::start().await.unwrap();
    let maker = client(&fake, "nova", GLOBAL_KEY, Namespace::Global);
    let made = maker.create(false).await.unwrap();
    let key = made.key.unwrap();
    assert!(matches!(made.pairing, Pairing::Code { .. }));
    assert_eq!(maker.create(false).await, Err(GatewayError::NameTaken));
    let evolution = client(&fake, "nova", key.expose(), Namespace::Global);
    let gateway = Gateway::Evolution(evolution.clone());
    let Pairing::Code { code, .. } = evolution.pair(None).await.unwrap() else { panic!("a code is shown") };
    assert_eq!(code, "2@code-2", "each question brings a fresh one");
    assert_eq!(gateway.state().await.unwrap().state, ConnectionState::Connecting);
    fake.pair("nova");
    assert_eq!(evolution.pair(None).await, Ok(Pairing::Connected));
    let state = gateway.state().await.unwrap();
    assert_eq!(
        (state.state, state.phone.clone()),
        (ConnectionState::Connected, Phone::from_whatsapp_user("5511999990003"))
    );
    assert!(!state.needs_pairing());
    fake.unpair("nova");
    let state = gateway.state().await.unwrap();
    assert!(state.needs_pairing() && state.closed_by == Some(401), "{state:?}");
    evolution.log_out().await.unwrap();
    evolution.delete().await.unwrap();
    assert_eq!(gateway.state().await, Err(GatewayError::NoInstance));
}

#[tokio::test]
async fn an_instance_can_have_a_stream_of_its_own() {
    let fake = fake().await;
    let evolution = client(&fake, INSTANCE, "token-of-recepcao", Namespace::Instance);
    assert_eq!(evolution.socket_setting().await, Ok(SocketSetting::default()));
    evolution.open_socket().await.unwrap();
    assert!(evolution.socket_setting().await.unwrap().enabled);
}

#[tokio::test]
async fn the_server_tells_its_version_or_that_it_lacks_its_licence() {
    let fake = fake().await;
    let evolution = client(&fake, INSTANCE, "token-of-recepcao", Namespace::Global);
    assert_eq!(evolution.server().await.unwrap().version.as_deref(), Some("2.3.7"));
    fake.set(|faults| faults.no_licence = true);
    assert_eq!(evolution.server().await, Err(GatewayError::LicenceRequired));
    assert_eq!(gateway(&fake).state().await, Err(GatewayError::LicenceRequired));
}

#[tokio::test]
async fn what_is_wrong_is_said_and_the_key_never_is() {
    let fake = fake().await;
    let secret = "a-key-that-nobody-may-see";
    let wrong = client(&fake, INSTANCE, secret, Namespace::Global);
    let error = Gateway::Evolution(wrong.clone()).state().await.unwrap_err();
    assert_eq!(error, GatewayError::KeyRefused);
    let shown = format!("{wrong:?} {error:?} {error} {:?}", wrong.setting());
    assert!(!shown.contains(secret), "{shown}");
    assert!(fake.calls().iter().all(|call| !call.contains(secret)), "a key stands in no address");
    // Something that answers and is no gateway.
    let other = FakeCloud::start().await.unwrap();
    let setting = EvolutionSetting {
        endpoint: Endpoint::parse(&other.graph()).unwrap(),
        instance: Name::new(INSTANCE).unwrap(),
        key: Key::new(secret).unwrap(),
        namespace: Namespace::Global,
    };
    let stranger = Evolution::new(setting, timing()).unwrap();
    assert!(matches!(Gateway::Evolution(stranger).state().await, Err(GatewayError::NotAGateway(_))));
}

/// Every step that was looked at, as it ended: what was seen, or what is wrong.
async fn tried(gateway: &Gateway) -> Vec<(&'static str, Result<String, &'static str>)> {
    let mut steps = Vec::new();
    gateway
        .try_out(&["recepcao-2".to_owned()], |step, found| {
            let ended = match found {
                Found::Looking => return,
                Found::Fine(seen) => {
                    let seen: Vec<_> = seen.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
                    Ok(seen.join(" "))
                }
                Found::Wrong(trouble) => Err(trouble.code()),
            };
            steps.push((step.as_str(), ended));
        })
        .await;
    steps
}

#[tokio::test]
async fn a_connection_is_tried_out_step_by_step() {
    let fake = fake().await;
    let host = fake.url().trim_start_matches("http://").to_owned();
    let before = |seen: &[&str]| {
        let names = ["address", "tls", "key", "instance", "state"];
        let seen = seen.iter().map(|seen| Ok((*seen).to_owned()));
        names.into_iter().zip(seen).collect::<Vec<_>>()
    };
    let host = format!("host={host}");
    let all = [&*host, "protection=loopback", "", "others=0", "state=connected needs_pairing=false"];
    let well = [before(&all), vec![("stream", Ok(String::new()))]].concat();
    assert_eq!(tried(&gateway(&fake)).await, well);

    // The server's own key opens what is not the clinic's, too.
    for name in ["de-outra-clinica", "recepcao-2"] {
        fake.add_instance(name);
    }
    let everything = Gateway::Evolution(client(&fake, INSTANCE, GLOBAL_KEY, Namespace::Global));
    assert!(tried(&everything).await.contains(&("instance", Ok("others=1".to_owned()))));

    let wrong_key = Gateway::Evolution(client(&fake, INSTANCE, "not-a-key", Namespace::Global));
    assert_eq!(tried(&wrong_key).await, [before(&all[..2]), vec![("key", Err("gateway_key_refused"))]].concat());
    let wrong_name = Gateway::Evolution(client(&fake, "outra", GLOBAL_KEY, Namespace::Global));
    assert_eq!(tried(&wrong_name).await, [before(&all[..3]), vec![("instance", Err("gateway_no_instance"))]].concat());
    let of_another = Gateway::Evolution(client(&fake, "de-outra-clinica", "token-of-recepcao", Namespace::Global));
    assert_eq!(tried(&of_another).await.last(), Some(&("instance", Err("gateway_key_refused"))));

    // A proxy that passes calls on and no sockets.
    fake.set(|faults| faults.refuse_upgrade = Some(502));
    let (last, ended) = tried(&gateway(&fake)).await.pop().unwrap();
    assert_eq!(last, "stream");
    assert!(ended.is_err(), "{ended:?}");

    fake.unpair(INSTANCE);
    let unpaired = tried(&gateway(&fake)).await;
    assert!(unpaired.iter().any(|(step, seen)| *step == "state" && seen.as_ref().is_ok_and(|seen| seen.contains("needs_pairing=true"))));
    fake.set(|faults| faults.no_licence = true);
    assert_eq!(tried(&gateway(&fake)).await, [("address", Err("gateway_licence_required"))]);
    fake.stop();
    assert_eq!(tried(&gateway(&fake)).await, [("address", Err("gateway_unreachable"))]);
}
