//! Nothing that is started here outlives the chore, also when it is interrupted.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

static STARTED: Mutex<Vec<Started>> = Mutex::new(Vec::new());

/// Set at an interruption: from then on nothing is started, and nobody draws conclusions from what ends.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

#[derive(PartialEq, Eq)]
enum Started {
    /// A process with all that it started.
    Group(u32),
    /// A process that takes care of its own children.
    Process(u32),
    Folder(PathBuf),
}

/// A process that ends, with all that it started, when this is dropped.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        wait_if_interrupted();
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        remember(Started::Group(child.id()));
        Ok(Self { child })
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Waits until it ends by itself.
    pub(crate) fn wait(mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait();
        wait_if_interrupted();
        status
    }

    /// Asks it to end, then makes it.
    fn end(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            signal_group(self.child.id(), false);
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_secs(5) && matches!(self.child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        // What the process left behind in its group goes, too.
        signal_group(self.child.id(), true);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
        forget(&Started::Group(self.child.id()));
    }
}

/// A server that was started elsewhere and is told to stop at an interruption.
pub(crate) struct Guarded(u32);

impl Guarded {
    pub(crate) fn process(id: u32) -> Self {
        remember(Started::Process(id));
        Self(id)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        forget(&Started::Process(self.0));
    }
}

/// A folder that is gone afterwards.
pub(crate) struct Scratch(tempfile::TempDir);

impl Scratch {
    /// A new folder for temporary files, open to its owner only.
    pub(crate) fn new(purpose: &str) -> io::Result<Self> {
        Self::within(&std::env::temp_dir(), purpose)
    }

    /// The same in memory, where the system keeps files there and has plenty of it: for what is made of very many of them.
    pub(crate) fn in_memory(purpose: &str) -> io::Result<Self> {
        let memory = Path::new("/dev/shm");
        if has_room(memory) { Self::within(memory, purpose) } else { Self::new(purpose) }
    }

    fn within(parent: &Path, purpose: &str) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix(&format!("balcao-{purpose}-")).tempdir_in(parent)?;
        remember(Started::Folder(folder.path().to_owned()));
        Ok(Self(folder))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

#[cfg(unix)]
fn has_room(folder: &Path) -> bool {
    const ROOM: u64 = 8 << 30;
    rustix::fs::statvfs(folder).is_ok_and(|it| it.f_bavail * it.f_frsize >= ROOM)
}

#[cfg(not(unix))]
fn has_room(_: &Path) -> bool {
    false
}

impl Drop for Scratch {
    fn drop(&mut self) {
        forget(&Started::Folder(self.0.path().to_owned()));
    }
}

/// Ends everything at an interruption.
pub(crate) fn on_signals() {
    std::thread::spawn(|| {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(interruption());
        INTERRUPTED.store(true, Ordering::SeqCst);
        end_everything();
        std::process::exit(130);
    });
}

#[cfg(unix)]
async fn interruption() {
    use tokio::signal::unix::{SignalKind, signal};

    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

#[cfg(not(unix))]
async fn interruption() {
    let _ = tokio::signal::ctrl_c().await;
}

/// The thread that ends everything ends this one, too.
fn wait_if_interrupted() {
    while INTERRUPTED.load(Ordering::SeqCst) {
        std::thread::park();
    }
}

fn end_everything() {
    // Programs that were started by programs may have left their group.
    let offspring = offspring();
    let started = STARTED.lock().map(|mut started| std::mem::take(&mut *started)).unwrap_or_default();
    for each in started.iter().rev() {
        match each {
            Started::Group(id) => signal_group(*id, false),
            Started::Process(id) => interrupt(*id),
            Started::Folder(_) => {}
        }
    }
    for id in &offspring {
        signal(*id, false);
    }
    std::thread::sleep(Duration::from_secs(2));
    for each in started.iter().rev() {
        match each {
            Started::Group(id) => signal_group(*id, true),
            Started::Process(_) => {}
            Started::Folder(folder) => {
                let _ = std::fs::remove_dir_all(folder);
            }
        }
    }
    for id in &offspring {
        signal(*id, true);
    }
}

/// The children of this process, their children and so on, as far as the system tells.
fn offspring() -> Vec<u32> {
    let parent_of = |id: u32| -> Option<u32> {
        // The name in parentheses may hold anything, also spaces.
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let ids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let parents: Vec<(u32, u32)> = ids.filter_map(|id| Some((id, parent_of(id)?))).collect();
    let mut found = vec![std::process::id()];
    let mut seen = 0;
    while let Some(parent) = found.get(seen).copied() {
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(id, _)| *id));
        seen += 1;
    }
    found.split_off(1)
}

fn remember(started: Started) {
    if let Ok(mut all) = STARTED.lock() {
        all.push(started);
    }
}

fn forget(ended: &Started) {
    if let Ok(mut all) = STARTED.lock() {
        all.retain(|started| started != ended);
    }
}

#[cfg(unix)]
fn signal_group(id: u32, at_once: bool) {
    use rustix::process::{Pid, Signal, kill_process_group};

    if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        // It may be gone already, which is what was wanted.
        let _ = kill_process_group(pid, if at_once { Signal::KILL } else { Signal::TERM });
    }
}

#[cfg(unix)]
fn signal(id: u32, at_once: bool) {
    use rustix::process::Signal;

    send(id, if at_once { Signal::KILL } else { Signal::TERM });
}

#[cfg(unix)]
fn interrupt(id: u32) {
    send(id, rustix::process::Signal::INT);
}

#[cfg(unix)]
fn send(id: u32, signal: rustix::process::Signal) {
    if let Some(pid) = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

#[cfg(not(unix))]
fn signal_group(id: u32, at_once: bool) {
    if at_once {
        interrupt(id);
    }
}

#[cfg(not(unix))]
fn signal(_id: u32, _at_once: bool) {}

#[cfg(not(unix))]
fn interrupt(id: u32) {
    let _ = Command::new("taskkill").args(["/F", "/T", "/PID", &id.to_string()]).output();
}
