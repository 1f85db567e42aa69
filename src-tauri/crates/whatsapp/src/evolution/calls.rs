//! Questions about the connection and about numbers.

use balcao_domain::message::{ChatAddress, ConnectionState};
use balcao_domain::phone::Phone;
use serde_json::{Value, json};

use super::Evolution;
use crate::address::{self, Peer};
use crate::gateway::{GatewayError, LinkState, NumberFound};
use crate::rest::Question;

impl Evolution {
    pub(crate) async fn state(&self) -> Result<LinkState, GatewayError> {
        let answer = self.ask(Question::get(self.about("instance", "connectionState"))).await?;
        let state = answer.get("instance").unwrap_or(&answer).get("state").and_then(Value::as_str);
        let state = match state {
            Some("open") => ConnectionState::Connected,
            Some("connecting") => ConnectionState::Connecting,
            Some("close" | "closed") => ConnectionState::Disconnected,
            Some("refused") => ConnectionState::Refused,
            _ => return Err(GatewayError::NotAGateway("it does not tell the state of a connection")),
        };
        // The rest is good to know, and not every key may ask for it.
        let row = self.row().await.unwrap_or_default();
        let phone = match row.get("ownerJid").and_then(Value::as_str).map(address::peer) {
            Some(Peer::Phone(phone)) => Some(phone),
            _ => None,
        };
        Ok(LinkState { state, phone, closed_by: row.get("disconnectionReasonCode").and_then(Value::as_i64) })
    }

    /// What the server has written down about the instance.
    async fn row(&self) -> Result<Value, GatewayError> {
        let mut url = self.0.setting.endpoint.rest(&["instance", "fetchInstances"]);
        url.query_pairs_mut().append_pair("instanceName", self.name());
        let answer = self.ask(Question::get(url)).await?;
        let first = answer.as_array().and_then(|rows| rows.first()).cloned().unwrap_or_default();
        Ok(first.get("instance").cloned().unwrap_or(first))
    }

    pub(crate) async fn numbers(&self, phones: &[Phone]) -> Result<Vec<NumberFound>, GatewayError> {
        if phones.is_empty() {
            return Ok(Vec::new());
        }
        let digits: Vec<_> = phones.iter().map(Phone::digits).collect();
        let answer = self.post("chat", "whatsappNumbers", &json!({"numbers": digits})).await?;
        let rows = answer.as_array().ok_or(GatewayError::NotAGateway("it does not tell whose numbers are there"))?;
        let found = phones.iter().filter_map(|phone| {
            let asked = |row: &&Value| row.get("number").and_then(Value::as_str) == Some(phone.digits());
            let row = rows.iter().find(asked)?;
            let exists = row.get("exists").and_then(Value::as_bool)?;
            let chat = row.get("jid").and_then(Value::as_str).and_then(ChatAddress::new).filter(|_| exists);
            Some(NumberFound { phone: phone.clone(), chat })
        });
        Ok(found.collect())
    }
}
