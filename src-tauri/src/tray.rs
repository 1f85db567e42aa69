//! The icon beside the clock, on a computer that the clinic needs: closing the window there ends nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use balcao_api::Desk;
use serde_json::json;
use tauri::AppHandle;
use tauri::menu::{Menu, MenuItem, Submenu};
use tauri::tray::TrayIconBuilder;

use crate::badge;
use crate::window::{LABEL, bring_back};

const OPEN: &str = "open";
const LOCK: &str = "lock";
const QUIT: &str = "quit";

/// Words of the menu, in the language of the screens.
struct Words {
    open: &'static str,
    lock: &'static str,
    quit: &'static str,
    /// Quitting asks: what it means stands in the menu that opens, and has to be chosen too.
    sure: &'static str,
    /// The same where the database is elsewhere.
    sure_of_work: &'static str,
}

const PORTUGUESE: Words = Words {
    open: "Abrir o Balcão",
    lock: "Bloquear agora",
    quit: "Sair",
    sure: "Sair e desligar o banco de dados da clínica",
    sure_of_work: "Sair e parar de receber e enviar mensagens aqui",
};

const ENGLISH: Words = Words {
    open: "Open Balcão",
    lock: "Lock now",
    quit: "Quit",
    sure: "Quit and stop the clinic's database",
    sure_of_work: "Quit and stop receiving and sending messages here",
};

/// Shows the icon, once. A desktop without a place for it is no reason not to work.
pub(crate) async fn show(app: &AppHandle, desk: &Arc<Desk>) {
    if app.tray_by_id(LABEL).is_some() {
        return;
    }
    let preferences = balcao_api::call(desk, "get_preferences", json!({})).await.unwrap_or_default();
    let words = if preferences["locale"] == "en" { &ENGLISH } else { &PORTUGUESE };
    let (there, desk) = (app.clone(), desk.clone());
    let on_main_thread = app.run_on_main_thread(move || {
        // Where the library of the icon is missing, it is not an error but a panic.
        match catch_unwind(AssertUnwindSafe(|| build(&there, words, desk))) {
            Ok(Ok(())) => badge::show_beside_the_clock(&there),
            Ok(Err(error)) => tracing::warn!(%error, "there is no icon beside the clock"),
            Err(_) => tracing::warn!("there is no icon beside the clock: its library is missing"),
        }
    });
    if let Err(error) = on_main_thread {
        tracing::warn!(%error, "there is no icon beside the clock");
    }
}

fn build(app: &AppHandle, words: &Words, desk: Arc<Desk>) -> tauri::Result<()> {
    let item = |id: &str, text: &str| MenuItem::with_id(app, id, text, true, None::<&str>);
    let sure = if desk.holds_the_clinic() { words.sure } else { words.sure_of_work };
    let quit = Submenu::with_items(app, words.quit, true, &[&item(QUIT, sure)?])?;
    let menu = Menu::with_items(app, &[&item(OPEN, words.open)?, &item(LOCK, words.lock)?, &quit])?;
    let mut tray = TrayIconBuilder::with_id(LABEL).menu(&menu).tooltip("Balcão");
    if let Some(icon) = app.default_window_icon() {
        tray = tray.icon(icon.clone());
    }
    tray.on_menu_event(move |app, event| match event.id().as_ref() {
        OPEN => bring_back(app),
        LOCK => {
            let desk = desk.clone();
            tauri::async_runtime::spawn(async move { balcao_api::call(&desk, "lock_now", json!({})).await });
        }
        QUIT => app.exit(0),
        _ => {}
    })
    .build(app)?;
    Ok(())
}
