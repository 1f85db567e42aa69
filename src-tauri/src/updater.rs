//! Updates of the program itself.

use tauri::plugin::TauriPlugin;
use tauri::{Config, Runtime};

/// The updater, when `plugins.updater` in `tauri.conf.json` names where updates come from and the key they are signed
/// with. A build without them does not look for updates.
pub(crate) fn plugin<R: Runtime>(config: &Config) -> Option<TauriPlugin<R, tauri_plugin_updater::Config>> {
    let settings = config.plugins.0.get("updater")?;
    let endpoints = settings.get("endpoints")?.as_array()?;
    let key = settings.get("pubkey")?.as_str()?;
    if endpoints.is_empty() || key.is_empty() {
        return None;
    }
    Some(tauri_plugin_updater::Builder::new().build())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_on(updater: serde_json::Value) -> bool {
        let config = serde_json::json!({"identifier": "br.com.example", "plugins": {"updater": updater}});
        let config: Config = serde_json::from_value(config).unwrap();
        plugin::<tauri::Wry>(&config).is_some()
    }

    #[test]
    fn updates_need_a_place_and_a_key() {
        assert!(is_on(serde_json::json!({"endpoints": ["https://example.com/latest.json"], "pubkey": "key"})));
        assert!(!is_on(serde_json::json!({"endpoints": [], "pubkey": "key"})));
        assert!(!is_on(serde_json::json!({"endpoints": ["https://example.com/latest.json"], "pubkey": ""})));
        assert!(!is_on(serde_json::json!({})));
    }
}
