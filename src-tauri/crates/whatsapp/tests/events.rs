//! Events as the Evolution API spells them, with invented people.

use balcao_domain::message::{
    Choice, ConnectionState, Content, DeliveryStatus, Effect, GatewayEvent, GatewayId, GatewayMessage, Ignored,
    Reaction, Via,
};
use balcao_whatsapp::parse;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

const SENT: i64 = 1_795_000_000;

fn heard() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_100, 0).unwrap()
}

fn sent() -> DateTime<Utc> {
    DateTime::from_timestamp(SENT, 0).unwrap()
}

fn envelope(event: &str, data: Value) -> Value {
    json!({
        "event": event, "instance": "recepcao", "data": data, "server_url": "http://127.0.0.1:8080",
        "date_time": "2026-11-18T06:00:00.000Z", "sender": "5521990001111@s.whatsapp.net", "apikey": "tok",
    })
}

fn one(event: &str, data: Value) -> GatewayEvent {
    let mut events = parse(event, &envelope(event, data), heard());
    assert_eq!(events.len(), 1);
    events.remove(0)
}

fn object(id: &str, message: Value, kind: &str) -> Value {
    json!({
        "key": {"remoteJid": "5531977776666@s.whatsapp.net", "fromMe": false, "id": id}, "pushName": "Dona Lúcia",
        "status": "DELIVERY_ACK", "message": message, "messageType": kind, "messageTimestamp": SENT,
        "instanceId": "3f1c", "source": "android",
    })
}

fn message(event: &str, data: Value) -> GatewayMessage {
    match one(event, data) {
        GatewayEvent::Message(message) => *message,
        other => panic!("no message but {other:?}"),
    }
}

fn content(kind: &str, message_part: Value) -> Content {
    message("messages.upsert", object("3A01", message_part, kind)).content
}

#[test]
fn a_text_says_who_when_where_and_what() {
    let message =
        message("messages.upsert", object("3A01", json!({"conversation": "bom dia, tem horário?"}), "conversation"));
    assert_eq!(message.content, Content::Text("bom dia, tem horário?".into()));
    assert_eq!(message.gateway_id.as_str(), "3A01");
    assert_eq!(message.chat.as_str(), "5531977776666@s.whatsapp.net");
    assert_eq!(message.person.phone.as_ref().unwrap().as_str(), "+5531977776666");
    assert_eq!(message.person.lid, None);
    assert_eq!(message.push_name.as_deref(), Some("Dona Lúcia"));
    assert_eq!((message.sent_at, message.via, message.from_me, message.status), (sent(), Via::Live, false, None));
}

#[test]
fn bytes_beside_a_text_do_not_disturb_it_in_any_spelling() {
    for secret in [
        json!("c2VncmVkbw=="),
        json!({"0": 115, "1": 101}),
        json!({"type": "Buffer", "data": [115, 101]}),
        json!({"_placeholder": true, "num": 0}),
        json!([115, 101]),
    ] {
        let part = json!({"messageContextInfo": {"messageSecret": secret, "deviceListMetadata": {"senderTimestamp": {"low": 5, "high": 0, "unsigned": true}}}, "conversation": "oi"});
        assert_eq!(content("conversation", part), Content::Text("oi".into()));
    }
}

#[test]
fn files_keep_what_is_known_of_them() {
    for length in [json!(2048), json!("2048"), json!({"low": 2048, "high": 0, "unsigned": true})] {
        let part = json!({"imageMessage": {"mimetype": "image/jpeg", "caption": "minha receita", "fileLength": length, "width": 720, "height": 1280}});
        let Content::Image(media) = content("imageMessage", part) else { panic!("no image") };
        assert_eq!((media.caption.as_str(), media.size_bytes, media.width), ("minha receita", Some(2048), Some(720)));
    }
    let Content::Audio { media, voice } = content(
        "audioMessage",
        json!({"audioMessage": {"mimetype": "audio/ogg; codecs=opus", "seconds": 7, "ptt": true}, "speechToText": "posso ir mais tarde"}),
    ) else {
        panic!("no audio")
    };
    assert_eq!((media.seconds, voice, media.caption.as_str()), (Some(7), true, "posso ir mais tarde"));
    let Content::Document { media, title } = content(
        "documentMessage",
        json!({"documentMessage": {"fileName": "exame.pdf", "title": "exame.pdf", "mimetype": "application/pdf"}}),
    ) else {
        panic!("no document")
    };
    assert_eq!((media.file_name.as_deref(), title), (Some("exame.pdf"), None));
    // The other integration writes its names with an underscore.
    let Content::Document { media, .. } = content(
        "documentMessage",
        json!({"documentMessage": {"filename": "laudo.pdf", "mime_type": "application/pdf", "id": "99"}}),
    ) else {
        panic!("no document")
    };
    assert_eq!((media.file_name.as_deref(), media.mime_type.as_deref()), (Some("laudo.pdf"), Some("application/pdf")));
    assert!(matches!(content("ptvMessage", json!({"ptvMessage": {"seconds": 4}})), Content::Video(_)));
    assert!(matches!(
        content("stickerMessage", json!({"stickerMessage": {"mimetype": "image/webp"}})),
        Content::Sticker(_)
    ));
}

#[test]
fn replies_to_buttons_and_lists_keep_the_id_and_the_words() {
    let yes = Choice { id: Some("confirmar".into()), title: "Sim, confirmo".into(), description: None };
    let replies = [
        json!({"buttonsResponseMessage": {"selectedButtonId": "confirmar", "selectedDisplayText": "Sim, confirmo", "type": 1}}),
        json!({"templateButtonReplyMessage": {"selectedId": "confirmar", "selectedDisplayText": "Sim, confirmo", "selectedIndex": 0}}),
        json!({"interactiveResponseMessage": {"body": {"text": "Sim, confirmo"}, "nativeFlowResponseMessage": {"name": "quick_reply", "paramsJson": "{\"id\":\"confirmar\"}"}}}),
    ];
    for reply in replies {
        assert_eq!(content("", reply), Content::ButtonReply(yes.clone()));
    }
    let row = json!({"listResponseMessage": {"title": "08:30", "listType": 1, "singleSelectReply": {"selectedRowId": "h2"}, "description": "Dra. Beatriz"}});
    assert_eq!(
        content("listResponseMessage", row),
        Content::ListReply(Choice {
            id: Some("h2".into()),
            title: "08:30".into(),
            description: Some("Dra. Beatriz".into())
        })
    );
    let broken = json!({"interactiveResponseMessage": {"nativeFlowResponseMessage": {"paramsJson": "{not json"}}});
    assert_eq!(content("", broken), Content::ButtonReply(Choice::default()));
}

#[test]
fn places_cards_and_polls_are_read() {
    let Content::Location(place) = content(
        "locationMessage",
        json!({"locationMessage": {"degreesLatitude": -19.92, "degreesLongitude": -43.93, "name": "Praça"}}),
    ) else {
        panic!("no place")
    };
    assert_eq!(
        (place.latitude, place.longitude, place.name.as_deref(), place.live),
        (-19.92, -43.93, Some("Praça"), false)
    );
    assert!(
        matches!(content("", json!({"liveLocationMessage": {"degreesLatitude": 1}})), Content::Location(place) if place.live)
    );
    let Content::Contacts(cards) = content(
        "contactsArrayMessage",
        json!({"contactsArrayMessage": {"displayName": "2 contatos", "contacts": [{"displayName": "Ana", "vcard": "BEGIN:VCARD"}, {"displayName": "Bia"}]}}),
    ) else {
        panic!("no cards")
    };
    assert_eq!(cards.iter().map(|card| card.name.as_str()).collect::<Vec<_>>(), ["Ana", "Bia"]);
    let poll = json!({"pollCreationMessageV3": {"name": "Que dia?", "options": [{"optionName": "seg"}, {"optionName": "ter"}]}});
    assert_eq!(
        content("", poll),
        Content::Poll { question: "Que dia?".into(), options: vec!["seg".into(), "ter".into()] }
    );
}

#[test]
fn a_vote_says_what_was_chosen_in_which_poll_or_that_nobody_can_read_it() {
    let vote = |vote: Value| {
        let part = json!({"pollCreationMessageKey": {"id": "3EB0POLL", "fromMe": true}, "vote": vote});
        message("messages.upsert", object("3A02", json!({"pollUpdateMessage": part}), "pollUpdateMessage"))
    };
    let known = vote(json!({"encPayload": "a", "encIv": "b", "selectedOptions": ["seg", "ter"]}));
    assert_eq!(known.reply_to.as_ref().map(GatewayId::as_str), Some("3EB0POLL"));
    assert_eq!((known.content.kind(), known.content.body().as_str()), ("unsupported", "seg, ter"));
    for (said, options) in [
        (json!({"encPayload": "a", "encIv": "b"}), None),
        (json!({"encPayload": "a", "encIv": "b", "selectedOptions": []}), None),
        (json!({"encPayload": "a", "selectedOptions": [{"type": "Buffer", "data": [1, 2]}]}), None),
        (json!({"selectedOptions": []}), Some(vec![])),
        (json!({"selectedOptions": [{"name": "qua"}]}), Some(vec!["qua".to_owned()])),
        (Value::Null, None),
    ] {
        assert_eq!(vote(said.clone()).content, Content::Vote { poll: GatewayId::new("3EB0POLL"), options }, "{said}");
    }
}

#[test]
fn wrappers_are_taken_off_however_many() {
    let naked = json!({"imageMessage": {"caption": "só uma vez"}});
    let wrapped =
        json!({"ephemeralMessage": {"message": {"viewOnceMessageV2": {"message": naked}}}, "messageContextInfo": {}});
    assert!(matches!(content("ephemeralMessage", wrapped), Content::Image(media) if media.caption == "só uma vez"));
    let unheard_of = json!({"someNewWrapperMessage": {"message": {"conversation": "dentro"}}});
    assert_eq!(content("", unheard_of), Content::Text("dentro".into()));
    let mut deep = json!({"conversation": "fundo"});
    for _ in 0..60 {
        deep = json!({"ephemeralMessage": {"message": deep}});
    }
    assert_eq!(content("ephemeralMessage", deep), Content::Unsupported { kind: "ephemeralMessage".into() });
}

#[test]
fn a_kind_nobody_knows_is_shown_as_such() {
    assert_eq!(
        content("paymentMagicMessage", json!({"paymentMagicMessage": {"amount": 5}, "messageContextInfo": {}})),
        Content::Unsupported { kind: "paymentMagicMessage".into() }
    );
    assert_eq!(content("unknown", json!({"orderMessage": {}})), Content::Unsupported { kind: "orderMessage".into() });
    assert_eq!(content("interactiveMessage", json!({})), Content::Unsupported { kind: "interactiveMessage".into() });
    assert_eq!(
        content("", json!({"imageMessage": "not an object"})),
        Content::Unsupported { kind: "imageMessage".into() }
    );
}

#[test]
fn what_only_the_phone_has_is_a_placeholder() {
    assert_eq!(content("", json!({"placeholderMessage": {"type": "MASK_LINKED_DEVICES"}})), Content::Placeholder);
    assert_eq!(content("unknown", Value::Null), Content::Placeholder, "announced, and not decrypted");
    assert!(content("conversation", json!({"conversation": ""})).is_missing());
    let mut missed_call = object("3A01", Value::Null, "");
    missed_call["messageStubType"] = json!("CALL_MISSED_VOICE");
    assert_eq!(
        message("messages.upsert", missed_call).content,
        Content::Unsupported { kind: "CALL_MISSED_VOICE".into() }
    );
}

#[test]
fn a_reply_quotes_what_it_answers() {
    let quotation = json!({"stanzaId": "3EB0A", "quotedMessage": {"conversation": "Confirma amanhã às 9h?"}});
    let mut beside = object("3A01", json!({"conversation": "confirmo"}), "conversation");
    beside["contextInfo"] = quotation.clone();
    let within =
        object("3A01", json!({"extendedTextMessage": {"text": "confirmo", "contextInfo": quotation}}), "conversation");
    for data in [beside, within] {
        let message = message("messages.upsert", data);
        assert_eq!(message.content, Content::Text("confirmo".into()));
        assert_eq!(message.reply_to.unwrap().as_str(), "3EB0A");
        assert_eq!(message.quoted_preview.as_deref(), Some("Confirma amanhã às 9h?"));
    }
}

#[test]
fn a_person_is_found_by_whatever_address_is_there() {
    let with_key = |key: Value| {
        let mut data = object("3A01", json!({"conversation": "oi"}), "conversation");
        data["key"] = key;
        message("messages.upsert", data)
    };
    let phone = |message: &GatewayMessage| message.person.phone.as_ref().map(|phone| phone.as_str().to_owned());
    let lid = |message: &GatewayMessage| message.person.lid.as_ref().map(|lid| lid.as_str().to_owned());

    let both = with_key(
        json!({"remoteJid": "104857600123456@lid", "remoteJidAlt": "5531977776666@s.whatsapp.net", "addressingMode": "lid", "id": "A", "fromMe": false}),
    );
    assert_eq!((phone(&both), lid(&both)), (Some("+5531977776666".into()), Some("104857600123456".into())));
    assert_eq!(both.chat.as_str(), "104857600123456@lid");

    let newer = with_key(
        json!({"remoteJid": "5531977776666@s.whatsapp.net", "remoteJidAlt": "104857600123456@lid", "addressingMode": "pn", "id": "A"}),
    );
    assert_eq!((phone(&newer), lid(&newer)), (Some("+5531977776666".into()), Some("104857600123456".into())));

    let rewritten = with_key(
        json!({"remoteJid": "5531977776666@s.whatsapp.net", "remoteJidAlt": "5531977776666@s.whatsapp.net", "id": "A"}),
    );
    assert_eq!((phone(&rewritten), lid(&rewritten)), (Some("+5531977776666".into()), None));

    let older =
        with_key(json!({"remoteJid": "104857600123456@lid", "senderPn": "5531977776666@s.whatsapp.net", "id": "A"}));
    assert_eq!(phone(&older), Some("+5531977776666".into()));

    let hidden = with_key(json!({"remoteJid": "104857600123456@lid", "id": "A"}));
    assert_eq!((phone(&hidden), lid(&hidden)), (None, Some("104857600123456".into())));
}

#[test]
fn our_own_message_is_filed_under_the_person_it_went_to() {
    let mut data = object("3A01", json!({"conversation": "até amanhã"}), "conversation");
    data["key"] = json!({"remoteJid": "104857600123456@lid", "fromMe": true, "id": "3A01", "remoteJidAlt": "5521990001111@s.whatsapp.net", "senderPn": "5521990001111@s.whatsapp.net"});
    data["pushName"] = json!("Clínica Ipê");
    data["status"] = json!("SERVER_ACK");
    let message = message("messages.upsert", data);
    assert!(message.from_me);
    assert_eq!(message.person.phone, None, "the number is the clinic's own");
    assert_eq!(message.push_name, None, "the name is the clinic's own");
    assert_eq!(message.status, Some(DeliveryStatus::Sent));
}

#[test]
fn history_is_an_array_and_an_echo_says_that_a_program_sent_it() {
    let history = json!([
        object("3A01", json!({"conversation": "um"}), ""),
        object("3A02", json!({"conversation": "dois"}), ""),
        7
    ]);
    let events = parse("messages.set", &envelope("messages.set", history), heard());
    assert_eq!(events.len(), 3);
    assert!(
        matches!(&events[1], GatewayEvent::Message(message) if message.via == Via::History && message.gateway_id.as_str() == "3A02")
    );
    assert_eq!(events[2], GatewayEvent::Ignored(Ignored::Malformed));

    let mut echo = object("3EB0B", json!({"conversation": "Lembrete: amanhã às 9h"}), "conversation");
    echo["key"]["fromMe"] = json!(true);
    echo["status"] = json!("PENDING");
    let echo = message("send.message", echo);
    assert_eq!(
        (echo.via, echo.status, echo.initial_status()),
        (Via::Api, Some(DeliveryStatus::Sending), Some(DeliveryStatus::Sending))
    );
}

#[test]
fn statuses_are_matched_by_the_id_of_whatsapp() {
    let data = json!({"messageId": "clx1row", "keyId": "3EB0B", "remoteJid": "5531977776666@s.whatsapp.net", "fromMe": true, "status": "READ", "instanceId": "3f1c"});
    let GatewayEvent::Effect { gateway_id, effect } = one("messages.update", data) else { panic!("no effect") };
    assert_eq!(gateway_id.as_str(), "3EB0B");
    assert_eq!(effect, Effect::Status { status: DeliveryStatus::Read, at: heard() });
}

#[test]
fn every_name_of_a_status_is_known_and_deleted_is_none() {
    use DeliveryStatus::{Delivered, Failed, Played, Read, Sending, Sent};
    for (name, status) in [
        ("ERROR", Failed),
        ("PENDING", Sending),
        ("SERVER_ACK", Sent),
        ("DELIVERY_ACK", Delivered),
        ("READ", Read),
        ("PLAYED", Played),
        ("SENT", Sent),
        ("DELIVERED", Delivered),
        ("FAILED", Failed),
        ("delivered", Delivered),
    ] {
        let event = one("messages.update", json!({"keyId": "A", "status": name}));
        assert!(
            matches!(event, GatewayEvent::Effect { effect: Effect::Status { status: found, .. }, .. } if found == status),
            "{name}"
        );
    }
    for name in [json!("DELETED"), json!("SOMETHING"), Value::Null] {
        assert_eq!(
            one("messages.update", json!({"keyId": "A", "status": name})),
            GatewayEvent::Ignored(Ignored::UnknownStatus)
        );
    }
}

#[test]
fn an_edit_brings_the_new_text_and_its_time() {
    let changed = json!({"key": {"id": "3A01", "remoteJid": "5531977776666@s.whatsapp.net", "fromMe": true}, "type": "MESSAGE_EDIT", "editedMessage": {"conversation": "às 15h, digo"}, "timestampMs": "1795000060500"});
    let at = DateTime::from_timestamp_millis(1_795_000_060_500).unwrap();
    let expected = Effect::Edit { body: "às 15h, digo".into(), at };
    let by_number = {
        let mut data = changed.clone();
        data["type"] = json!(14);
        data
    };
    for (event, data) in
        [("messages.edited", changed.clone()), ("messages.edited", by_number), ("send.message.update", changed.clone())]
    {
        assert!(matches!(one(event, data), GatewayEvent::Effect { effect, .. } if effect == expected));
    }
    let within = object("3A09", json!({"editedMessage": {"message": {"protocolMessage": changed}}}), "editedMessage");
    assert!(
        matches!(one("messages.upsert", within), GatewayEvent::Effect { gateway_id, effect } if effect == expected && gateway_id.as_str() == "3A01")
    );
}

#[test]
fn an_edit_without_a_text_does_not_empty_the_message() {
    let data = json!({"key": {"id": "3A01"}, "type": "MESSAGE_EDIT", "editedMessage": {"strangeMessage": {}}});
    assert_eq!(one("messages.edited", data), GatewayEvent::Ignored(Ignored::Malformed));
}

#[test]
fn a_deletion_for_everyone_is_told_in_three_ways() {
    let by_name = ("messages.edited", json!({"key": {"id": "3A01"}, "type": "REVOKE"}));
    let by_number = ("messages.edited", json!({"key": {"id": "3A01"}, "type": 0}));
    let key = (
        "messages.delete",
        json!({"remoteJid": "5531977776666@s.whatsapp.net", "fromMe": false, "id": "3A01", "status": "DELETED"}),
    );
    let row = ("messages.delete", json!({"id": "clx1row", "key": {"id": "3A01", "fromMe": true}, "status": "DELETED"}));
    for (event, data) in [by_name, by_number, key, row] {
        let GatewayEvent::Effect { gateway_id, effect } = one(event, data) else { panic!("no effect") };
        assert_eq!((gateway_id.as_str(), effect), ("3A01", Effect::Revoke { at: heard() }));
    }
    assert_eq!(
        one("messages.edited", json!({"key": {"id": "3A01"}})),
        GatewayEvent::Ignored(Ignored::Malformed),
        "says nothing of a deletion"
    );
    assert_eq!(
        one("messages.edited", json!({"key": {"id": "3A01"}, "type": "EPHEMERAL_SETTING"})),
        GatewayEvent::Ignored(Ignored::Housekeeping)
    );
}

#[test]
fn a_reaction_says_whose_and_when() {
    let reaction = |text: &str| json!({"reactionMessage": {"key": {"id": "3EB0B", "fromMe": true}, "text": text, "senderTimestampMs": {"low": -297_563_120, "high": 417, "unsigned": false}}});
    let at = DateTime::from_timestamp_millis((417_i64 << 32) | i64::from(-297_563_120_i32 as u32)).unwrap();
    for emoji in ["👍", ""] {
        let GatewayEvent::Effect { gateway_id, effect } =
            one("messages.upsert", object("3A05", reaction(emoji), "reactionMessage"))
        else {
            panic!("no effect")
        };
        assert_eq!(gateway_id.as_str(), "3EB0B");
        assert_eq!(effect, Effect::Reaction(Reaction { from_me: false, emoji: emoji.into(), at }));
    }
}

#[test]
fn chats_with_more_than_one_person_are_left_alone() {
    for chat in ["120363025@g.us", "status@broadcast", "120363@newsletter"] {
        let mut data = object("3A01", json!({"conversation": "oi"}), "conversation");
        data["key"]["remoteJid"] = json!(chat);
        data["key"]["participant"] = json!("5531977776666@s.whatsapp.net");
        assert_eq!(one("messages.upsert", data), GatewayEvent::Ignored(Ignored::NotOnePerson), "{chat}");
        assert_eq!(
            one("messages.update", json!({"keyId": "A", "remoteJid": chat, "status": "READ"})),
            GatewayEvent::Ignored(Ignored::NotOnePerson)
        );
        assert_eq!(
            one("messages.delete", json!({"id": "A", "remoteJid": chat})),
            GatewayEvent::Ignored(Ignored::NotOnePerson)
        );
        assert_eq!(
            one("contacts.upsert", json!({"remoteJid": chat, "pushName": "Família"})),
            GatewayEvent::Ignored(Ignored::NotOnePerson)
        );
    }
}

#[test]
fn contacts_come_alone_or_in_an_array_and_digits_are_no_name() {
    let known = json!({"remoteJid": "5531977776666@s.whatsapp.net", "pushName": "Dona Lúcia", "profilePicUrl": null});
    assert!(
        matches!(one("contacts.upsert", known.clone()), GatewayEvent::Contact { push_name: Some(name), .. } if name == "Dona Lúcia")
    );
    let nameless = json!({"remoteJid": "104857600123456@lid", "pushName": "104857600123456"});
    let events = parse("contacts.update", &envelope("contacts.update", json!([known, nameless])), heard());
    assert!(
        matches!(&events[1], GatewayEvent::Contact { push_name: None, person } if person.phone.is_none() && person.lid.is_some())
    );
    assert_eq!(one("contacts.upsert", json!({"pushName": "Sem endereço"})), GatewayEvent::Ignored(Ignored::Malformed));
}

#[test]
fn the_connection_is_told_in_our_words() {
    for (state, ours) in [
        ("open", ConnectionState::Connected),
        ("connecting", ConnectionState::Connecting),
        ("close", ConnectionState::Disconnected),
        ("refused", ConnectionState::Refused),
    ] {
        let event = one(
            "connection.update",
            json!({"instance": "recepcao", "state": state, "statusReason": 200, "wuid": "5521990001111@s.whatsapp.net"}),
        );
        let GatewayEvent::Connection { state, phone } = event else { panic!("no connection") };
        assert_eq!((state, phone.unwrap().as_str()), (ours, "+5521990001111"));
    }
    let pairing = json!({"qrcode": {"instance": "recepcao", "code": "2@x", "base64": "data:image/png;base64,x"}});
    assert!(matches!(one("qrcode.updated", pairing), GatewayEvent::Connection { state: ConnectionState::Pairing, .. }));
    assert!(matches!(
        one("logout.instance", Value::Null),
        GatewayEvent::Connection { state: ConnectionState::Disconnected, .. }
    ));
}

#[test]
fn other_events_are_known_and_new_ones_are_named() {
    for event in [
        "chats.upsert",
        "CHATS_UPDATE",
        "presence.update",
        "call",
        "groups.upsert",
        "group-participants.update",
        "labels.edit",
    ] {
        assert_eq!(one(event, json!({})), GatewayEvent::Ignored(Ignored::NoUse), "{event}");
    }
    assert_eq!(one("moon.phase", json!({})), GatewayEvent::Unknown("moon.phase".into()));
    assert!(matches!(one("MESSAGES_UPSERT", object("A", json!({"conversation": "oi"}), "")), GatewayEvent::Message(_)));
}

#[test]
fn a_time_that_cannot_be_is_replaced_by_when_it_was_heard() {
    for (given, expected) in [
        (json!(SENT.to_string()), sent()),
        (json!({"low": SENT as i32, "high": 0, "unsigned": true}), sent()),
        (json!(0), heard()),
        (json!("ontem"), heard()),
    ] {
        let mut data = object("3A01", json!({"conversation": "oi"}), "conversation");
        data["messageTimestamp"] = given;
        assert_eq!(message("messages.upsert", data).sent_at, expected);
    }
}
