//! Events recorded from a real gateway, where they lie beside the checkout.

use std::collections::BTreeMap;
use std::path::Path;

use balcao_domain::message::{Effect, GatewayEvent};
use balcao_whatsapp::{digest, parse, scrub};
use chrono::DateTime;
use serde_json::Value;

#[test]
fn recorded_events_have_the_right_faces() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/reference/gateway-samples");
    let Ok(recording) = std::fs::read_to_string(folder.join("evolution-2.3.7.jsonl")) else {
        return; // A checkout on its own has no recording; the invented events of the other tests have the same shapes.
    };
    let mut faces = BTreeMap::new();
    let mut digests = std::collections::BTreeSet::new();
    for line in recording.lines().filter(|line| !line.trim().is_empty()) {
        let line: Value = serde_json::from_str(line).unwrap();
        let (event, payload) = (line["event"].as_str().unwrap(), &line["payload"]);
        let scrubbed = scrub(payload);
        assert!(!scrubbed.to_string().contains(payload["apikey"].as_str().unwrap()), "the token is still there");
        assert!(digests.insert(digest(event, &scrubbed)), "no event stands twice in the recording");
        for event in parse(event, &scrubbed, DateTime::UNIX_EPOCH) {
            let face = match &event {
                GatewayEvent::Message(message) => {
                    assert!(message.person.phone.is_some() && !message.from_me);
                    message.content.kind()
                }
                GatewayEvent::Effect { effect: Effect::Reaction(_), .. } => "reaction",
                GatewayEvent::Contact { push_name: Some(_), .. } => "person",
                other => panic!("{other:?}"),
            };
            *faces.entry(face).or_insert(0) += 1;
        }
    }
    let expected = [
        ("audio", 1),
        ("button_reply", 3),
        ("contact", 2),
        ("document", 1),
        ("image", 1),
        ("list_reply", 1),
        ("location", 1),
        ("person", 2),
        ("reaction", 1),
        ("text", 1),
    ];
    assert_eq!(faces, BTreeMap::from(expected));
}
