//! What happens in the world: people write, read, delete; the phone is paired and unpaired.

use serde_json::{Value, json};

use super::books::{Books, Instance, Link, Row};
use super::frames::buffer;
use super::{FakeEvolution, faults};

/// A message that appears in a chat without a program having sent it.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The other person's number, digits with the country code.
    pub from: String,
    /// Their account without a number, where they have one: with a number, rows show only the account.
    pub lid: Option<String>,
    /// Whether only that account is known.
    pub number_is_hidden: bool,
    /// Whether the clinic typed it on its phone.
    pub from_me: bool,
    /// How the person calls itself.
    pub name: String,
    /// When, in seconds since 1970; now where it is `None`.
    pub at: Option<i64>,
    /// What it says.
    pub what: What,
}

/// What a message says.
#[derive(Debug, Clone)]
pub enum What {
    /// Text.
    Text(String),
    /// A picture with this file behind it.
    Image {
        /// Text under it.
        caption: String,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// The `message` object as it is, and its kind.
    Raw(&'static str, Value),
}

impl Incoming {
    /// A text of a person.
    pub fn text(from: &str, text: &str) -> Self {
        Self {
            from: from.to_owned(),
            lid: None,
            number_is_hidden: false,
            from_me: false,
            name: "Maria".to_owned(),
            at: None,
            what: What::Text(text.to_owned()),
        }
    }

    /// The same message at this second.
    pub fn at(self, second: i64) -> Self {
        Self { at: Some(second), ..self }
    }
}

impl FakeEvolution {
    /// Makes a paired instance and says its token.
    pub fn add_instance(&self, name: &str) -> String {
        let token = format!("token-of-{name}");
        let instance = Instance { link: Link::Open, ..Instance::new(&token) };
        self.shared.books().instances.insert(name.to_owned(), instance);
        token
    }

    /// A message appears: stored, then told. Says its id.
    pub fn receive(&self, instance: &str, incoming: &Incoming) -> String {
        self.shared.books().receive(instance, incoming)
    }

    /// A message that the server stored while nobody was told, as after a restart. Says its id.
    pub fn store(&self, instance: &str, incoming: &Incoming) -> String {
        let mut books = self.shared.books();
        let (row, _, id) = books.written(incoming);
        if let Some(instance) = books.instances.get_mut(instance) {
            instance.rows.push(Row::new(row));
        }
        id
    }

    /// An event as it is; bytes are `{"type": "Buffer", "data": […]}`.
    pub fn emit(&self, instance: &str, event: &str, data: &Value) {
        self.shared.books().emit(instance, event, data);
    }

    /// A status of a message of ours.
    pub fn report(&self, instance: &str, id: &str, status: &str) {
        self.shared.books().report(instance, id, status);
    }

    /// Somebody deletes a message for everyone.
    pub fn revoke(&self, instance: &str, id: &str) {
        let part = json!({"key": self.shared.books().key(instance, id), "type": "REVOKE"});
        self.emit(instance, "messages.edited", &part);
    }

    /// Somebody changes the words of a message.
    pub fn edit(&self, instance: &str, id: &str, text: &str) {
        let key = self.shared.books().key(instance, id);
        let part = json!({"key": key, "type": "MESSAGE_EDIT", "editedMessage": {"conversation": text}, "timestampMs": Books::now() * 1000});
        self.emit(instance, "messages.edited", &part);
    }

    /// The phone reads the QR code.
    pub fn pair(&self, instance: &str) {
        self.link(instance, Link::Open, None);
        let own = self.shared.books().instances.get(instance).map(|instance| instance.own.clone());
        self.emit(
            instance,
            "connection.update",
            &json!({"instance": instance, "state": "open", "wuid": own, "statusReason": 200}),
        );
    }

    /// The phone unpairs itself.
    pub fn unpair(&self, instance: &str) {
        self.link(instance, Link::Closed, Some(401));
        self.emit(
            instance,
            "status.instance",
            &json!({"instance": instance, "status": "closed", "disconnectionReasonCode": 401}),
        );
        self.emit(instance, "connection.update", &json!({"instance": instance, "state": "close", "statusReason": 401}));
    }

    fn link(&self, instance: &str, link: Link, closed_by: Option<i64>) {
        if let Some(instance) = self.shared.books().instances.get_mut(instance) {
            instance.link = link;
            instance.closed_by = closed_by;
        }
    }

    /// From now on this number has no WhatsApp.
    pub fn without_whatsapp(&self, instance: &str, number: &str) {
        if let Some(instance) = self.shared.books().instances.get_mut(instance) {
            instance.absent.insert(number.to_owned());
        }
    }

    /// From now on WhatsApp knows this number by other digits.
    pub fn known_as(&self, instance: &str, number: &str, digits: &str) {
        if let Some(instance) = self.shared.books().instances.get_mut(instance) {
            instance.known_as.insert(number.to_owned(), digits.to_owned());
        }
    }

    /// Ids of all rows, repetitions among them, in the order they were stored.
    pub fn stored(&self, instance: &str) -> Vec<String> {
        let books = self.shared.books();
        let rows = books.instances.get(instance).map(|instance| &instance.rows);
        let ids = rows.into_iter().flatten().filter_map(|row| row.message["key"]["id"].as_str());
        ids.map(str::to_owned).collect()
    }
}

impl Books {
    fn receive(&mut self, name: &str, incoming: &Incoming) -> String {
        let (row, event, id) = self.written(incoming);
        let rows = if faults::take(&mut self.faults.repeat_rows) { 2 } else { 1 };
        if let Some(instance) = self.instances.get_mut(name) {
            instance.rows.extend((0..rows).map(|_| Row::new(row.clone())));
            if let What::Image { bytes, .. } = &incoming.what {
                instance.files.insert(id.clone(), ("image/jpeg".to_owned(), bytes.clone()));
            }
        }
        for _ in 0..rows {
            self.emit(name, "messages.upsert", &event);
        }
        id
    }

    /// The row, the event and the id of a message. The event is rewritten after the row was stored: where the person has a
    /// number and a LID, the row knows the one and the event the other.
    fn written(&mut self, incoming: &Incoming) -> (Value, Value, String) {
        let id = self.fresh_id("3A");
        let phone = format!("{}@s.whatsapp.net", incoming.from);
        let lid = incoming.lid.as_ref().map(|lid| format!("{lid}@lid"));
        let (kind, message) = incoming.what.written();
        let object = |key: Value| {
            json!({
                "key": key, "pushName": incoming.name, "status": "DELIVERY_ACK", "message": message, "messageType": kind,
                "messageTimestamp": incoming.at.unwrap_or_else(Self::now), "instanceId": "fake", "source": "android",
            })
        };
        let plain = |jid: &str| json!({"remoteJid": jid, "fromMe": incoming.from_me, "id": id});
        let both =
            |jid: &str, alt: &str| json!({"remoteJid": jid, "remoteJidAlt": alt, "fromMe": incoming.from_me, "id": id});
        let (row, event) = match lid.as_deref() {
            None => (plain(&phone), plain(&phone)),
            Some(lid) if incoming.number_is_hidden => (plain(lid), plain(lid)),
            Some(_) if self.faults.same_address => (plain(&phone), plain(&phone)),
            Some(lid) => (both(lid, &phone), both(&phone, &phone)),
        };
        (object(row), object(event), id)
    }

    fn key(&mut self, name: &str, id: &str) -> Value {
        let row = self.instances.get_mut(name).and_then(|instance| instance.row(id));
        row.map_or_else(|| json!({"id": id}), |row| row.message["key"].clone())
    }
}

impl What {
    /// Its kind and its object. Also a plain text has bytes beside it.
    fn written(&self) -> (&'static str, Value) {
        let beside = json!({"messageSecret": buffer(&[115; 32]), "deviceListMetadataVersion": 2});
        match self {
            Self::Text(text) => ("conversation", json!({"conversation": text, "messageContextInfo": beside})),
            Self::Image { caption, bytes } => {
                let part = json!({
                    "url": "https://mmg.whatsapp.net/v/x", "mimetype": "image/jpeg", "caption": caption,
                    "fileLength": {"low": bytes.len(), "high": 0, "unsigned": true}, "mediaKey": buffer(&[107; 32]),
                    "jpegThumbnail": buffer(b"JPEG"),
                });
                ("imageMessage", json!({"imageMessage": part, "messageContextInfo": beside}))
            }
            Self::Raw(kind, message) => (kind, message.clone()),
        }
    }
}
