//! Between the screens and the desk.

use std::path::Path;
use std::sync::Arc;

use balcao_api::{ApiError, Change, Desk, DeskOptions, Topic};
use serde_json::{Value, json};
use tauri::{AppHandle, Emitter as _, State, async_runtime};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Mutex, watch};

use crate::{notify, startup, tray};

/// Name of the event that carries a [`Change`].
const CHANGE: &str = "change";

/// The desk of this profile, or why it could not be opened. Without a desk the window still opens: it says what is the
/// matter, in the person's language, and offers to try again.
pub(crate) struct Bridge {
    options: DeskOptions,
    opened: watch::Sender<Result<Arc<Desk>, ApiError>>,
    opening: Mutex<()>,
}

impl Bridge {
    pub(crate) fn open(options: DeskOptions) -> Self {
        let opened = async_runtime::block_on(Desk::open(options.clone()));
        if let Err(problem) = &opened {
            tracing::error!(code = problem.code, "the desk could not be opened");
        }
        Self { options, opened: watch::Sender::new(opened), opening: Mutex::new(()) }
    }

    /// The desk, once it is open.
    pub(crate) fn desk(&self) -> Option<Arc<Desk>> {
        self.opened.borrow().as_ref().ok().cloned()
    }

    /// Runs a command.
    async fn call(&self, command: &str, payload: Value) -> Result<Value, ApiError> {
        let opened = self.opened.borrow().clone();
        match opened {
            Ok(desk) => balcao_api::call(&desk, command, payload).await,
            Err(problem) => self.call_without_desk(command, problem).await,
        }
    }

    async fn call_without_desk(&self, command: &str, problem: ApiError) -> Result<Value, ApiError> {
        match command {
            "get_session" => Ok(failed(&problem)),
            "retry_session" => match self.open_again().await {
                Ok(desk) => balcao_api::call(&desk, "get_session", json!({})).await,
                Err(problem) => Ok(failed(&problem)),
            },
            _ => Err(problem),
        }
    }

    async fn open_again(&self) -> Result<Arc<Desk>, ApiError> {
        // Of two tries at once, the second would find the profile in use by the first.
        let _one_at_a_time = self.opening.lock().await;
        let opened = self.opened.borrow().clone();
        if opened.is_ok() {
            return opened;
        }
        let opened = Desk::open(self.options.clone()).await;
        self.opened.send_modify(|known| *known = opened.clone());
        opened
    }

    /// Passes on every change, in order, for as long as the program runs.
    pub(crate) fn forward_changes(&self, app: AppHandle, named: bool) {
        let profile = self.options.profile_dir.clone();
        let mut opened = self.opened.subscribe();
        async_runtime::spawn(async move {
            // Fails only when the bridge is gone, and the program with it.
            let Ok(desk) = opened.wait_for(Result::is_ok).await.map(|desk| desk.clone()) else { return };
            let Ok(desk) = desk else { return };
            let mut changes = desk.changes();
            settle_in(&app, &desk, &profile, named).await;
            notify::follow(&app, &desk);
            let there = Arc::downgrade(&desk);
            drop(desk);
            // What a desk that was opened late had to tell came before anybody listened.
            emit(&app, &Change { seq: 0, topics: vec![Topic::Session], conversations: Vec::new(), opening: None });
            loop {
                match changes.recv().await {
                    Ok(change) => {
                        emit(&app, &change);
                        if change.topics.contains(&Topic::Session)
                            && let Some(desk) = there.upgrade()
                        {
                            settle_in(&app, &desk, &profile, named).await;
                        }
                    }
                    // The screens see the gap in the numbers and ask for everything again.
                    Err(RecvError::Lagged(missed)) => tracing::debug!(missed, "the screens are behind"),
                    Err(RecvError::Closed) => return,
                }
            }
        });
    }

    /// Closes the desk and waits until that is done; says whether there was one.
    pub(crate) fn close(&self) -> bool {
        let opened = self.opened.borrow().clone();
        let Ok(desk) = opened else { return false };
        async_runtime::block_on(desk.close());
        true
    }
}

/// What a computer that the clinic needs has beside its window. A profile that was named is a demonstration or a test,
/// and stays out of what the system starts.
async fn settle_in(app: &AppHandle, desk: &Arc<Desk>, profile: &Path, named: bool) {
    let needed = desk.is_needed();
    if needed == Some(true) {
        tray::show(app, desk).await;
    }
    let name = &app.package_info().name;
    match needed {
        _ if named => {}
        Some(true) => startup::arrange(name, profile),
        Some(false) => startup::withdraw(name, profile),
        None => {}
    }
}

/// What `get_session` answers when there is no desk to ask.
fn failed(problem: &ApiError) -> Value {
    json!({"state": "failed", "problem": problem, "has_profile": true})
}

fn emit(app: &AppHandle, change: &Change) {
    if let Err(error) = app.emit(CHANGE, change) {
        tracing::warn!(%error, "a change did not reach the window");
    }
}

/// The one command of the window: everything that the screens ask and tell goes through it.
#[tauri::command]
pub(crate) async fn call(bridge: State<'_, Bridge>, command: String, payload: Value) -> Result<Value, ApiError> {
    bridge.call(&command, payload).await
}
