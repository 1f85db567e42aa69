//! Names of delivery statuses: Baileys by name or number, Cloud by name.

use balcao_domain::message::DeliveryStatus;
use serde_json::Value;

/// The status behind a name or number of the wire. `None` for what means nothing to people, among it `DELETED`: some
/// versions say that where they do not know the status.
pub fn status(value: &Value) -> Option<DeliveryStatus> {
    let name = match value {
        Value::String(name) => name.to_ascii_uppercase(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(match name.as_str() {
        "ERROR" | "FAILED" | "0" => DeliveryStatus::Failed,
        "PENDING" | "1" => DeliveryStatus::Sending,
        "SERVER_ACK" | "SENT" | "2" => DeliveryStatus::Sent,
        "DELIVERY_ACK" | "DELIVERED" | "3" => DeliveryStatus::Delivered,
        "READ" | "4" => DeliveryStatus::Read,
        "PLAYED" | "5" => DeliveryStatus::Played,
        _ => return None,
    })
}
