//! What is said outside the window: notifications of the system, and a number where the program's icon is.
//!
//! A click on a notification is wanted on every system, and that what is said again takes the place of what was said: each
//! system's own interface is spoken to.

#[cfg_attr(windows, path = "notify/windows.rs")]
#[cfg_attr(target_os = "macos", path = "notify/macos.rs")]
#[cfg_attr(not(any(windows, target_os = "macos")), path = "notify/freedesktop.rs")]
mod system;
mod words;

use std::sync::{Arc, Weak};

use balcao_api::Desk;
use balcao_api::notices::Notice;
use serde_json::json;
use tauri::{AppHandle, async_runtime};
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use crate::{badge, window};
use system::System;
use words::Words;

/// Names what is said of many threads, where a thread is named by its id.
const MANY: &str = "many";

/// What is shown.
#[derive(Debug, PartialEq, Eq)]
struct Banner {
    /// What is shown later under the same tag takes its place. Letters, digits and hyphens; 36 at the most.
    tag: String,
    title: String,
    body: String,
    sound: bool,
}

/// What a click on what has this tag does.
type Clicked = Arc<dyn Fn(&str) + Send + Sync>;

/// Shows everything that the desk says, for as long as it is there.
pub(crate) fn follow(app: &AppHandle, desk: &Arc<Desk>) {
    let (mut notices, mut waiting) = (desk.notices(), desk.badge());
    let there = Arc::downgrade(desk);
    async_runtime::spawn({
        let (app, there) = (app.clone(), there.clone());
        async move {
            let mut system = System::new(&app, clicked(&app, &there)).await;
            loop {
                let notice = match notices.recv().await {
                    Ok(notice) => notice,
                    // More than anybody reads; what follows stands for it.
                    Err(RecvError::Lagged(_)) => continue,
                    Err(RecvError::Closed) => return,
                };
                let Some(desk) = there.upgrade() else { return };
                let words = words(&desk).await;
                drop(desk);
                match notice {
                    Notice::Withdrawn { conversation_id } => system.withdraw(&conversation_id.to_string()).await,
                    Notice::Cleared => system.clear().await,
                    said => {
                        if let Some(banner) = banner(&said, words) {
                            system.show(banner).await;
                        }
                    }
                }
            }
        }
    });
    let app = app.clone();
    async_runtime::spawn(async move {
        loop {
            let count = *waiting.borrow_and_update();
            let Some(desk) = there.upgrade() else { return };
            let words = words(&desk).await;
            drop(desk);
            badge::show(&app, count, &words.waiting(count)).await;
            if waiting.changed().await.is_err() {
                return;
            }
        }
    });
}

/// The language of the screens.
async fn words(desk: &Arc<Desk>) -> &'static Words {
    let preferences = balcao_api::call(desk, "get_preferences", json!({})).await.unwrap_or_default();
    Words::of(preferences["locale"].as_str().unwrap_or_default())
}

/// Brings the window back, at the thread.
fn clicked(app: &AppHandle, desk: &Weak<Desk>) -> Clicked {
    let (app, desk) = (app.clone(), desk.clone());
    Arc::new(move |tag| {
        window::bring_back(&app);
        if let Some(desk) = desk.upgrade() {
            desk.open_thread(tag.parse::<Uuid>().ok());
        }
    })
}

/// A notice in words; `None` for one that takes something back.
fn banner(notice: &Notice, words: &Words) -> Option<Banner> {
    match notice {
        Notice::Thread { conversation_id, name, message, waiting, sound } => Some(Banner {
            tag: conversation_id.to_string(),
            title: name.clone().unwrap_or_else(|| words.program.to_owned()),
            body: match message {
                Some(message) => words.message(&message.kind, &message.text, *waiting),
                None => words.messages(*waiting),
            },
            sound: *sound,
        }),
        Notice::Many { threads, messages, sound } => Some(Banner {
            tag: MANY.to_owned(),
            title: words.program.to_owned(),
            body: words.many(*messages, *threads),
            sound: *sound,
        }),
        Notice::Withdrawn { .. } | Notice::Cleared => None,
    }
}

#[cfg(test)]
mod tests {
    use balcao_api::notices::NoticeMessage;

    use super::*;

    fn thread(name: Option<&str>, message: Option<(&str, &str)>, waiting: u32) -> Banner {
        let message = message.map(|(kind, text)| NoticeMessage { kind: kind.to_owned(), text: text.to_owned() });
        let name = name.map(str::to_owned);
        let notice = Notice::Thread { conversation_id: Uuid::from_u128(7), name, message, waiting, sound: true };
        banner(&notice, Words::of("pt-BR")).unwrap()
    }

    #[test]
    fn as_much_is_shown_as_is_told() {
        let all = thread(Some("Maria"), Some(("text", "Bom dia")), 1);
        assert_eq!((all.title.as_str(), all.body.as_str()), ("Maria", "Bom dia"));
        let named = thread(Some("Maria"), None, 2);
        assert_eq!((named.title.as_str(), named.body.as_str()), ("Maria", "2 mensagens novas"));
        let bare = thread(None, None, 1);
        assert_eq!((bare.title.as_str(), bare.body.as_str()), ("Balcão", "Mensagem nova"));
        assert_eq!(bare.tag, Uuid::from_u128(7).to_string(), "a click finds the thread");
    }

    #[test]
    fn what_has_no_words_is_called_what_it_is() {
        assert_eq!(thread(Some("Maria"), Some(("audio", "")), 1).body, "Áudio");
        assert_eq!(thread(Some("Maria"), Some(("text", "Bom dia")), 3).body, "Bom dia (3 mensagens novas)");
    }

    #[test]
    fn a_rush_is_counted() {
        let notice = Notice::Many { threads: 4, messages: 9, sound: false };
        assert_eq!(banner(&notice, Words::of("pt-BR")).unwrap().body, "9 mensagens novas em 4 conversas");
        assert_eq!(banner(&notice, Words::of("en")).unwrap().body, "9 new messages in 4 conversations");
        assert_eq!(banner(&Notice::Cleared, Words::of("en")), None);
    }
}
