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
        // A name before the host is there to be taken for the host.
        "http" | "https" if url.username().is_empty() && url.password().is_none() => {
            url.host_str().is_some_and(|host| !is_app_host(host))
        }
        // Some mail programs would attach a file of this computer.
        "mailto" => !url.query_pairs().any(|(key, _)| key.to_ascii_lowercase().starts_with("attach")),
        "tel" => url.path().chars().all(|c| c.is_ascii_digit() || "+-.()*#,;%".contains(c)),
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
    fn odd_spellings_open_nothing() {
        for odd in [
            "JaVaScRiPt:alert(1)",
            " \t javascript:alert(1)",
            "java\nscript:alert(1)",
            "\u{1}javascript:alert(1)",
            "FILE:///etc/passwd",
            "file://server/share/x.exe",
            "DATA:text/html;base64,PHNjcmlwdD4=",
            "vbscript:x",
            "view-source:https://example.com",
            "blob:https://example.com/1",
            "search-ms:query=x",
            "ms-officecmd:x",
            "shell:startup",
            "tauri://localhost/",
            "ipc://localhost/call",
            "https://bank.example.com@evil.example.org/",
            "https://a:b@example.com/",
            "mailto:a@example.com?attach=/etc/passwd",
            "mailto:a@example.com?ATTACHMENT=file:///etc/passwd",
            "tel:$(id)",
            "tel:calc.exe",
        ] {
            // What is no address at all is not opened either.
            assert!(!Url::parse(odd).is_ok_and(|odd| is_for_the_system(&odd)), "{odd:?}");
        }
        assert!(is_for_the_system(&url("HTTPS://Example.com/")), "an odd spelling of what is allowed is allowed");
        assert!(is_for_the_system(&url("mailto:a@example.com?subject=Consulta&body=Oi")));
    }

    #[test]
    fn the_window_may_load_and_ask_for_nothing_from_elsewhere() {
        let config: serde_json::Value = serde_json::from_str(include_str!("../tauri.conf.json")).unwrap();
        let policy = config["app"]["security"]["csp"].as_object().unwrap();
        assert_eq!(policy["script-src"], "'self'", "no script in the page, none from elsewhere");
        assert_eq!(policy["default-src"], "'self'");
        for closed in ["frame-src", "object-src", "base-uri", "form-action"] {
            assert_eq!(policy[closed], "'none'", "{closed}");
        }
        for (what, sources) in policy {
            for source in sources.as_str().unwrap().split(' ') {
                let known = ["'self'", "'none'", "data:", "blob:", "ipc:", "http://ipc.localhost"].contains(&source);
                // Svelte sets widths and colours of elements; a style runs nothing.
                assert!(known || (what == "style-src" && source == "'unsafe-inline'"), "{what} {source}");
            }
        }
        assert_eq!(config["app"]["withGlobalTauri"], false);
        let capability: serde_json::Value = serde_json::from_str(include_str!("../capabilities/desk.json")).unwrap();
        let allowed = capability["permissions"].as_array().unwrap();
        assert!(allowed.iter().all(|each| each.as_str().is_some_and(|name| name.starts_with("core:event:"))));
        assert!(capability.get("remote").is_none(), "no page from elsewhere has any of it");
    }

    #[test]
    fn the_page_has_no_script_and_no_style_of_its_own() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui");
        // The built one, too, where it was built.
        let pages = [root.join("index.html"), root.join("dist/index.html")];
        for page in pages.iter().filter(|page| page.exists()) {
            let text = std::fs::read_to_string(page).unwrap();
            for script in text.split("<script").skip(1) {
                assert!(script.split('>').next().unwrap().contains(" src=\"/"), "{}", page.display());
            }
            for inline in ["<style", " style=", " onload=", " onclick=", "javascript:", "//cdn", "https://"] {
                assert!(!text.contains(inline), "{inline} in {}", page.display());
            }
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
