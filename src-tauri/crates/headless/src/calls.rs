//! One command, one request.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use balcao_api::CommandInfo;
use serde::Deserialize;
use serde_json::Value;

use crate::answer::Problem;
use crate::host::Host;

#[derive(Deserialize)]
pub(crate) struct Call {
    cmd: String,
    /// Commands without arguments may leave it out.
    #[serde(default = "nothing")]
    payload: Value,
}

fn nothing() -> Value {
    Value::Object(serde_json::Map::new())
}

pub(crate) async fn call(
    State(host): State<Host>,
    body: Result<Json<Call>, JsonRejection>,
) -> Result<Json<Value>, Problem> {
    let Json(call) = body.map_err(|refused| {
        // The text of the refusal may quote the body, and the body may speak of a patient.
        Problem::new(refused.status(), "bad_payload", "the body is not {\"cmd\": name, \"payload\": object}")
    })?;
    Ok(Json(balcao_api::call(&host.desk, &call.cmd, call.payload).await?))
}

pub(crate) async fn commands() -> Json<Vec<CommandInfo>> {
    Json(balcao_api::catalogue())
}
