//! When something was first seen, for measurements.

use serde::{Deserialize, Serialize};
use tauri::{AppHandle, Listener as _, Runtime};

/// Name of the event with which the page reports.
const EVENT: &str = "painted";

/// What is printed as one line of JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Painted {
    /// The selector that was waited for.
    pub painted: String,
    /// When the frame that showed it had been handed over, in milliseconds since 1970 UTC.
    pub at_unix_ms: f64,
}

/// A script that waits until the page has an element that matches the selector, then until the frame with it was
/// painted, and reports it once.
///
/// # Errors
/// The selector cannot be put into a script.
pub fn script(selector: &str) -> serde_json::Result<String> {
    let selector = serde_json::to_string(selector)?;
    Ok(format!(
        "(() => {{
            const selector = {selector};
            const report = () => {{
                const payload = {{ painted: selector, at_unix_ms: performance.timeOrigin + performance.now() }};
                window.__TAURI_INTERNALS__.invoke('plugin:event|emit', {{ event: '{EVENT}', payload }});
            }};
            // The first callback runs before the frame is painted, the second one after it.
            const seen = () => requestAnimationFrame(() => requestAnimationFrame(report));
            const observer = new MutationObserver(() => {{
                if (document.querySelector(selector)) {{ observer.disconnect(); seen(); }}
            }});
            observer.observe(document, {{ childList: true, subtree: true }});
        }})();"
    ))
}

/// Prints each report of the page on standard output.
pub fn print_reports<R: Runtime>(app: &AppHandle<R>) {
    app.listen_any(EVENT, |event| {
        if let Ok(painted) = serde_json::from_str::<Painted>(event.payload()) {
            print(&painted);
        }
    });
}

#[allow(clippy::print_stdout, reason = "whoever asked for the measurement reads it there")]
fn print(painted: &Painted) {
    if let Ok(line) = serde_json::to_string(painted) {
        println!("{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_stays_a_selector() {
        let script = script("[data-testid='row'], \"</script>").unwrap();
        assert!(script.contains(r#"const selector = "[data-testid='row'], \"</script>";"#));
    }
}
