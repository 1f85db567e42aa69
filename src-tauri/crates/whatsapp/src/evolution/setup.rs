//! Making a connection, pairing it, and what its server is set to.

use balcao_domain::phone::Phone;
use serde_json::{Value, json};

use super::Evolution;
use crate::gateway::{GatewayError, Key, NewInstance, Pairing, Server, SocketSetting};
use crate::rest::{Question, words};

impl Evolution {
    /// Makes the instance, with the server's own key. It ignores groups and has a stream of its own, too; with
    /// `full_history` the phone hands over all it has.
    ///
    /// # Errors
    /// [`GatewayError::NameTaken`] where there is one of this name, and the others.
    pub async fn create(&self, full_history: bool) -> Result<NewInstance, GatewayError> {
        let body = json!({
            "instanceName": self.name(),
            "integration": "WHATSAPP-BAILEYS",
            "qrcode": true,
            "groupsIgnore": true,
            "syncFullHistory": full_history,
            "websocket": {"enabled": true, "events": []},
        });
        let url = self.0.setting.endpoint.rest(&["instance", "create"]);
        let answer = self.ask(Question::post(url, &body)).await?;
        // A text, or in older versions an object around it.
        let hash = answer.get("hash").unwrap_or(&Value::Null);
        let key = hash.as_str().or_else(|| hash.get("apikey")?.as_str());
        let key = key.and_then(|key| Key::new(key).ok());
        Ok(NewInstance { key, pairing: pairing(answer.get("qrcode").unwrap_or(&Value::Null)) })
    }

    /// Asks for what the phone must read; with a number, also for what can be typed there instead. A code lasts about 40
    /// seconds: ask again, or hear `qrcode.updated`.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub async fn pair(&self, number: Option<&Phone>) -> Result<Pairing, GatewayError> {
        let mut url = self.about("instance", "connect");
        if let Some(number) = number {
            url.query_pairs_mut().append_pair("number", number.digits());
        }
        let answer = self.ask(Question::get(url)).await?;
        // A failure comes with success, too.
        if answer.get("error").is_some_and(|error| error != &Value::Bool(false) && !error.is_null()) {
            return Err(GatewayError::Failed { status: 200, text: words(&answer) });
        }
        Ok(pairing(&answer))
    }

    /// Unpairs the phone. What the server has stored stays.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub async fn log_out(&self) -> Result<(), GatewayError> {
        self.ask(Question::delete(self.about("instance", "logout"))).await.map(drop)
    }

    /// Takes the instance away, with every message that the server has stored of it: sweep before.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub async fn delete(&self) -> Result<(), GatewayError> {
        self.ask(Question::delete(self.about("instance", "delete"))).await.map(drop)
    }

    /// Names of the instances that the key opens: all of the server with its own key, and with the token of one that one.
    ///
    /// # Errors
    /// [`GatewayError::KeyRefused`] when it opens nothing, and the others.
    pub async fn instances(&self) -> Result<Vec<String>, GatewayError> {
        let url = self.0.setting.endpoint.rest(&["instance", "fetchInstances"]);
        let answer = self.ask(Question::get(url)).await?;
        let rows = answer.as_array().ok_or(GatewayError::NotAGateway("it does not tell which connections it has"))?;
        let name = |row: &Value| {
            // Older versions have an object around it.
            let row = row.get("instance").unwrap_or(row);
            Some(row.get("name").or_else(|| row.get("instanceName"))?.as_str()?.to_owned())
        };
        Ok(rows.iter().filter_map(name).collect())
    }

    /// What the server says of itself. For setting up only: at this question it asks WhatsApp's own site something.
    ///
    /// # Errors
    /// [`GatewayError::LicenceRequired`] where it waits to be activated, and the others.
    pub async fn server(&self) -> Result<Server, GatewayError> {
        let answer = self.ask(Question::get(self.0.setting.endpoint.rest(&[]))).await?;
        let version = answer.get("version").and_then(Value::as_str);
        let version = version.map(|version| version.chars().filter(|sign| !sign.is_control()).take(40).collect());
        Ok(Server { version })
    }

    /// What the instance hands to its own stream.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub async fn socket_setting(&self) -> Result<SocketSetting, GatewayError> {
        let answer = self.0.rest.ask(Question::get(self.about("websocket", "find"))).await;
        let answer = answer.map_err(GatewayError::from)?;
        // An instance that was never set has none, which is no JSON object.
        let json = if answer.json().is_null() && answer.status == 200 { Value::Null } else { answer.good()? };
        let events = json.get("events").and_then(Value::as_array).into_iter().flatten();
        Ok(SocketSetting {
            enabled: json.get("enabled").and_then(Value::as_bool).unwrap_or_default(),
            events: events.filter_map(Value::as_str).map(str::to_owned).collect(),
        })
    }

    /// Gives the instance a stream of its own with everything in it.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub async fn open_socket(&self) -> Result<(), GatewayError> {
        let body = json!({"websocket": {"enabled": true, "events": []}});
        self.post("websocket", "set", &body).await.map(drop)
    }
}

fn pairing(json: &Value) -> Pairing {
    let text = |key: &str| json.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let state = json.get("instance").and_then(|instance| instance.get("state")).and_then(Value::as_str);
    match (state, text("code")) {
        (Some("open"), _) => Pairing::Connected,
        (_, Some(code)) => Pairing::Code { code, pairing_code: text("pairingCode") },
        (_, None) => Pairing::NotYet,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_handed_on_and_never_shown() {
        let answer =
            json!({"pairingCode": "ABCD1234", "code": "2@xyz", "base64": "data:image/png;base64,QR", "count": 1});
        let found = pairing(&answer);
        assert_eq!(found, Pairing::Code { code: "2@xyz".into(), pairing_code: Some("ABCD1234".into()) });
        assert_eq!(format!("{found:?}"), "Code(…)");
        assert_eq!(found.typed().as_deref(), Some("ABCD-1234"));
        for other in [json!({"code": "2@xyz"}), json!({"code": "2@xyz", "pairingCode": "WZYEH1YYé"})] {
            assert_eq!(pairing(&other).typed().is_some(), other["pairingCode"].is_string());
        }
        assert_eq!(pairing(&json!({"code": "2@xyz", "pairingCode": "<b>"})).typed(), None);
        assert_eq!(pairing(&json!({"instance": {"instanceName": "a", "state": "open"}})), Pairing::Connected);
        assert_eq!(pairing(&json!({"count": 0})), Pairing::NotYet);
    }
}
