//! Notifications of Windows.

use std::collections::HashMap;

use tauri::AppHandle;
use windows::Data::Xml::Dom::XmlDocument;
use windows::Foundation::TypedEventHandler;
use windows::UI::Notifications::{ToastNotification, ToastNotificationManager};
use windows::core::{HSTRING, Result};

use super::{Banner, Clicked};

/// All that this program shows.
const GROUP: &str = "messages";

/// The notifications of this program.
pub(super) struct System {
    /// As the installer has written it on the shortcut; Windows shows nothing of a program that it does not know.
    program: HSTRING,
    clicked: Clicked,
    /// They are heard of for as long as they are held.
    shown: HashMap<String, ToastNotification>,
}

impl System {
    pub(super) async fn new(app: &AppHandle, clicked: Clicked) -> Self {
        let system = Self { program: HSTRING::from(&app.config().identifier), clicked, shown: HashMap::new() };
        // What an earlier run has left behind leads nowhere any more.
        system.remove_all();
        system
    }

    pub(super) async fn show(&mut self, banner: Banner) {
        match self.try_to_show(&banner) {
            Ok(toast) => drop(self.shown.insert(banner.tag, toast)),
            Err(error) => tracing::debug!(code = error.code().0, "a notification was not shown"),
        }
    }

    fn try_to_show(&self, banner: &Banner) -> Result<ToastNotification> {
        let document = XmlDocument::new()?;
        document.LoadXml(&HSTRING::from(content(banner)))?;
        let toast = ToastNotification::CreateToastNotification(&document)?;
        // Of the same tag and group, the newer one takes the place of the older one.
        toast.SetTag(&HSTRING::from(&banner.tag))?;
        toast.SetGroup(&HSTRING::from(GROUP))?;
        let (clicked, tag) = (self.clicked.clone(), banner.tag.clone());
        toast.Activated(&TypedEventHandler::new(move |_, _| {
            clicked(&tag);
            Ok(())
        }))?;
        ToastNotificationManager::CreateToastNotifierWithId(&self.program)?.Show(&toast)?;
        Ok(toast)
    }

    pub(super) async fn withdraw(&mut self, tag: &str) {
        if self.shown.remove(tag).is_none() {
            return;
        }
        let removed = ToastNotificationManager::History().and_then(|history| {
            history.RemoveGroupedTagWithId(&HSTRING::from(tag), &HSTRING::from(GROUP), &self.program)
        });
        if let Err(error) = removed {
            tracing::debug!(code = error.code().0, "a notification was not taken back");
        }
    }

    pub(super) async fn clear(&mut self) {
        self.shown.clear();
        self.remove_all();
    }

    fn remove_all(&self) {
        let cleared = ToastNotificationManager::History().and_then(|history| history.ClearWithId(&self.program));
        if let Err(error) = cleared {
            tracing::debug!(code = error.code().0, "notifications were not taken back");
        }
    }
}

/// What Windows reads. The sound is its own for new messages, which people choose in its settings.
fn content(banner: &Banner) -> String {
    let sound =
        if banner.sound { r#"<audio src="ms-winsoundevent:Notification.IM"/>"# } else { r#"<audio silent="true"/>"# };
    format!(
        r#"<toast><visual><binding template="ToastGeneric"><text>{}</text><text>{}</text></binding></visual>{sound}</toast>"#,
        escaped(&banner.title),
        escaped(&banner.body)
    )
}

/// A text that stays one in XML, which has no place for control characters at all.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            character if character.is_control() && !"\n\t".contains(character) => {}
            '\u{fffe}' | '\u{ffff}' => {}
            character => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_patient_writes_is_no_markup() {
        let body = "</text><audio/> R$ 5 & \"6\"\u{1}".to_owned();
        let banner = Banner { tag: "1".to_owned(), title: "Maria".to_owned(), body, sound: false };
        let content = content(&banner);
        assert!(content.contains("&lt;/text&gt;&lt;audio/&gt; R$ 5 &amp; &quot;6&quot;</text>"), "{content}");
        assert!(content.contains(r#"silent="true""#));
    }
}
