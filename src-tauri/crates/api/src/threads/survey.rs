//! How people liked it: whether they are asked.

use std::sync::Arc;

use balcao_domain::satisfaction;
use serde_json::{Value, json};

use super::frame::change_inbox;
use super::types::Survey;
use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::operations::Written;

/// Name of the setting within how the clinic works in its inbox.
const SETTING: &str = "satisfaction";

/// Hours for which an answer counts where nothing was chosen.
const USUAL_HOURS: u32 = 24;

pub(crate) async fn get_survey(desk: &Arc<Desk>, _: Nothing) -> Result<Survey, ApiError> {
    let settings = desk.clinic().await?.cache.inbox_settings().await?;
    Ok(read(settings.as_ref().map_or("", |(_, inbox)| inbox)))
}

pub(crate) async fn set_survey(desk: &Arc<Desk>, request: Survey) -> Result<Written, ApiError> {
    let Survey { on, question, hours } = request;
    let satisfaction::Survey { on, question, hours } = satisfaction::Survey { on, question, hours }.check()?;
    change_inbox(desk, [(SETTING, json!({ "on": on, "question": question, "hours": hours }))]).await
}

/// What the settings say; nobody is asked where they say nothing.
fn read(inbox: &str) -> Survey {
    let inbox: Value = serde_json::from_str(inbox).unwrap_or_default();
    let said = &inbox[SETTING];
    let hours = said["hours"].as_u64().and_then(|hours| u32::try_from(hours).ok());
    Survey {
        on: said["on"].as_bool().unwrap_or(false),
        question: said["question"].as_str().unwrap_or_default().to_owned(),
        hours: hours.unwrap_or(USUAL_HOURS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_asked_where_the_settings_say_nothing() {
        for text in ["", "{}", "[]", r#"{"satisfaction": 3}"#, r#"{"amber_minutes": 5}"#] {
            assert_eq!(read(text), Survey { on: false, question: String::new(), hours: USUAL_HOURS }, "{text}");
        }
        let chosen = r#"{"satisfaction": {"on": true, "question": "De 1 a 5?", "hours": 48}, "red_minutes": 9}"#;
        assert_eq!(read(chosen), Survey { on: true, question: "De 1 a 5?".to_owned(), hours: 48 });
    }
}
