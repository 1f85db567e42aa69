//! The window as its desktop sees it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ChangeWindowAttributesAux, ClientMessageEvent, ConnectionExt as _, EventMask, MapState,
};
use x11rb::rust_connection::RustConnection;

/// What `WM_CHANGE_STATE` carries when a window asks to be minimised.
const ICONIC: u32 = 3;

/// A client of the X server that hears what windows ask of their desktop.
pub struct Display {
    connection: RustConnection,
    root: u32,
}

impl Display {
    pub fn connect() -> Result<Self> {
        let (connection, screen) = x11rb::connect(None)?;
        let root = connection.setup().roots.get(screen).context("the display has no screen")?.root;
        let hears = ChangeWindowAttributesAux::new().event_mask(EventMask::SUBSTRUCTURE_NOTIFY);
        connection.change_window_attributes(root, &hears)?.check()?;
        Ok(Self { connection, root })
    }

    /// The window of a process that a desktop would put a frame around.
    pub fn window_of(&self, pid: u32) -> Result<u32> {
        let (process, protocols) = (self.atom("_NET_WM_PID")?, self.atom("WM_PROTOCOLS")?);
        for window in self.connection.query_tree(self.root)?.reply()?.children {
            let said = |property, kind: AtomEnum| {
                let asked = self.connection.get_property(false, window, property, kind, 0, 4);
                asked.ok().and_then(|asked| asked.reply().ok())
            };
            let is_of = said(process, AtomEnum::CARDINAL)
                .and_then(|reply| reply.value32()?.next())
                .is_some_and(|found| found == pid);
            // Toolkits keep others that are never shown.
            let is_shown = self.connection.get_window_attributes(window)?.reply()?.map_state == MapState::VIEWABLE;
            if is_of && is_shown && said(protocols, AtomEnum::ATOM).is_some_and(|reply| reply.value_len > 0) {
                return Ok(window);
            }
        }
        bail!("process {pid} has no window")
    }

    /// Presses the button with which a desktop closes a window.
    pub fn ask_to_close(&self, window: u32) -> Result<()> {
        let (protocols, close) = (self.atom("WM_PROTOCOLS")?, self.atom("WM_DELETE_WINDOW")?);
        let message = ClientMessageEvent::new(32, window, protocols, [close, x11rb::CURRENT_TIME, 0, 0, 0]);
        self.connection.send_event(false, window, EventMask::NO_EVENT, message)?.check()?;
        Ok(())
    }

    /// Waits until the window has asked to be minimised.
    pub async fn wait_until_put_aside(&self, window: u32) -> Result<()> {
        let (change, begun) = (self.atom("WM_CHANGE_STATE")?, Instant::now());
        while begun.elapsed() < Duration::from_secs(10) {
            while let Some(event) = self.connection.poll_for_event()? {
                if let Event::ClientMessage(asked) = event
                    && (asked.window, asked.type_) == (window, change)
                    && asked.data.as_data32()[0] == ICONIC
                {
                    return Ok(());
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("the window did not ask to be minimised")
    }

    fn atom(&self, name: &str) -> Result<Atom> {
        Ok(self.connection.intern_atom(false, name.as_bytes())?.reply()?.atom)
    }
}
