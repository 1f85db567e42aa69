//! The least a window can be, as the floor that the program is measured against: it prints when its page was painted.

use balcao_shell::paint;
use tauri::{WebviewUrl, WebviewWindowBuilder};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let selector = std::env::args().nth(1).unwrap_or_else(|| "#empty".to_owned());
    let script = paint::script(&selector)?;
    let mut context = balcao_shell::context();
    context.set_assets(Box::new(Page));
    tauri::Builder::default()
        .setup(move |app| {
            paint::print_reports(app.handle());
            WebviewWindowBuilder::new(app, "desk", WebviewUrl::App("index.html".into()))
                .title("Empty")
                .inner_size(1366.0, 768.0)
                .initialization_script(script)
                .build()?;
            Ok(())
        })
        .run(context)?;
    Ok(())
}

/// One page with one element.
struct Page;

const HTML: &[u8] = b"<!doctype html><meta charset=utf-8><title>Empty</title><p id=empty>empty</p>";

impl<R: tauri::Runtime> tauri::Assets<R> for Page {
    fn get(&self, _key: &tauri::utils::assets::AssetKey) -> Option<std::borrow::Cow<'_, [u8]>> {
        Some(HTML.into())
    }

    fn iter(&self) -> Box<tauri::utils::assets::AssetsIter<'_>> {
        Box::new(std::iter::once(("/index.html".into(), HTML.into())))
    }

    fn csp_hashes(
        &self,
        _html_path: &tauri::utils::assets::AssetKey,
    ) -> Box<dyn Iterator<Item = tauri::utils::assets::CspHash<'_>> + '_> {
        Box::new(std::iter::empty())
    }
}
