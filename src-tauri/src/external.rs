//! What lies outside the program: links open in the system's own programs, and nothing else opens at all.

use url::Url;

/// Opens a web page, a mail or a phone call in the program that the system has for it. Other schemes are refused: some
/// of them start programs.
pub(crate) fn open(url: &Url) {
    if !is_for_the_system(url) {
        tracing::warn!(scheme = url.scheme(), "refused to leave the program");
        return;
    }
    // The address may name a patient, so it stays out of the log.
    if let Err(error) = open::that_detached(url.as_str()) {
        tracing::warn!(kind = ?error.kind(), "the system could not open a link");
    }
}

fn is_for_the_system(url: &Url) -> bool {
    match url.scheme() {
        "http" | "https" => url.host_str().is_some_and(|host| !is_app_host(host)),
        "mailto" | "tel" => true,
        _ => false,
    }
}

/// Whether the screens themselves are there: `tauri://localhost`, on Windows `http://tauri.localhost`, or while
/// developing the server that builds them.
pub(crate) fn is_app(url: &Url, development: Option<&Url>) -> bool {
    let host = url.host_str().unwrap_or_default();
    match url.scheme() {
        "tauri" => host == "localhost",
        "http" | "https" if is_app_host(host) => true,
        _ => development.is_some_and(|server| server.origin() == url.origin()),
    }
}

fn is_app_host(host: &str) -> bool {
    cfg!(windows) && host == "tauri.localhost"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn only_pages_mails_and_calls_leave_the_program() {
        for leaves in ["https://example.com/mapa", "http://example.com", "mailto:a@example.com", "tel:+5511988887777"] {
            assert!(is_for_the_system(&url(leaves)), "{leaves}");
        }
        for stays in ["file:///etc/passwd", "javascript:alert(1)", "ms-msdt:/id", "data:text/html,x", "smb://host/x"] {
            assert!(!is_for_the_system(&url(stays)), "{stays}");
        }
    }

    #[test]
    fn the_window_shows_the_screens_and_nothing_else() {
        assert!(is_app(&url("tauri://localhost/agenda"), None));
        for other in ["tauri://elsewhere/", "https://localhost/", "https://example.com/", "http://localhost:5173/"] {
            assert!(!is_app(&url(other), None), "{other}");
        }
        let server = url("http://localhost:5173");
        assert!(is_app(&url("http://localhost:5173/agenda"), Some(&server)));
        assert!(!is_app(&url("http://localhost:5174/"), Some(&server)), "another port is another program");
    }
}
