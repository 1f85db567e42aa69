//! Processes of the operating system by their number: alive, whose, and how they are told to end.

use std::path::Path;

/// A process number that is neither zero nor negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process(i32);

/// How a server is told to end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shutdown {
    /// Sessions are ended, everything is written, no recovery is needed.
    Fast,
    /// At once; the next start replays the log.
    Immediate,
}

impl Process {
    pub(crate) fn new(id: i32) -> Option<Self> {
        (id > 0).then_some(Self(id))
    }

    pub(crate) fn id(self) -> u32 {
        self.0.unsigned_abs()
    }
}

#[cfg(unix)]
impl Process {
    /// A process that has ended but was not yet collected by its parent counts as dead.
    pub(crate) fn is_alive(self) -> bool {
        let Some(pid) = rustix::process::Pid::from_raw(self.0) else { return false };
        let there = match rustix::process::test_kill_process(pid) {
            Ok(()) => true,
            Err(error) => error == rustix::io::Errno::PERM,
        };
        there && !self.is_zombie()
    }

    /// Whether it is alive and the postmaster of this data folder, in which it works.
    pub(crate) fn serves(self, data_dir: &Path) -> bool {
        self.is_alive() && self.is_postgres_in(data_dir)
    }

    pub(crate) fn signal(self, shutdown: Shutdown) {
        use rustix::process::Signal;

        self.send(match shutdown {
            Shutdown::Fast => Signal::INT,
            Shutdown::Immediate => Signal::QUIT,
        });
    }

    /// Ends the process and its children without giving them a say, as a power cut does.
    pub(crate) fn kill_with_children(self) {
        use rustix::process::Signal;

        let children = self.children();
        self.send(Signal::KILL);
        for child in children {
            child.send(Signal::KILL);
        }
    }

    fn send(self, signal: rustix::process::Signal) {
        if let Some(pid) = rustix::process::Pid::from_raw(self.0) {
            // A process that has just ended by itself is what was wanted.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }

    #[cfg(target_os = "linux")]
    fn is_zombie(self) -> bool {
        self.stat().is_some_and(|(state, _)| state == "Z" || state == "X")
    }

    #[cfg(target_os = "linux")]
    fn is_postgres_in(self, data_dir: &Path) -> bool {
        let link = std::fs::read_link(format!("/proc/{}/cwd", self.0));
        let name = std::fs::read_to_string(format!("/proc/{}/comm", self.0)).unwrap_or_default();
        name.trim() == "postgres" && link.is_ok_and(|cwd| data_dir.canonicalize().is_ok_and(|data| data == cwd))
    }

    #[cfg(target_os = "linux")]
    fn children(self) -> Vec<Self> {
        let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
        let numbers = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        numbers.filter_map(Self::new).filter(|other| other.stat().is_some_and(|(_, parent)| parent == self.0)).collect()
    }

    /// State and parent. They follow the name of the program, which may itself hold spaces and brackets.
    #[cfg(target_os = "linux")]
    fn stat(self) -> Option<(String, i32)> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0)).ok()?;
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
    }

    #[cfg(not(target_os = "linux"))]
    fn is_zombie(self) -> bool {
        self.ps("state=").is_some_and(|state| state.starts_with('Z'))
    }

    /// Only the name is compared: whether it serves this very folder is proved by the password handshake that
    /// follows.
    #[cfg(not(target_os = "linux"))]
    fn is_postgres_in(self, _data_dir: &Path) -> bool {
        self.ps("comm=").is_some_and(|name| name.ends_with("postgres"))
    }

    /// The children of a killed postmaster notice its death and end by themselves.
    #[cfg(not(target_os = "linux"))]
    fn children(self) -> Vec<Self> {
        Vec::new()
    }

    #[cfg(not(target_os = "linux"))]
    fn ps(self, field: &str) -> Option<String> {
        let output = std::process::Command::new("/bin/ps").args(["-o", field, "-p", &self.0.to_string()]).output();
        Some(String::from_utf8_lossy(&output.ok()?.stdout).trim().to_owned())
    }
}

#[cfg(windows)]
impl Process {
    pub(crate) fn is_alive(self) -> bool {
        self.image().is_some()
    }

    /// Only the name is compared: whether it serves this very folder is proved by the password handshake that
    /// follows.
    pub(crate) fn serves(self, _data_dir: &Path) -> bool {
        self.image().is_some_and(|image| image == "postgres.exe")
    }

    /// Ends the process and its children without giving them a say, as a power cut does.
    pub(crate) fn kill_with_children(self) {
        // A process that has just ended by itself is what was wanted.
        let _ = system_program("taskkill").args(["/F", "/T", "/PID", &self.0.to_string()]).output();
    }

    /// File name of the program, in lower case; `None` if there is no such process.
    fn image(self) -> Option<String> {
        let filter = format!("PID eq {}", self.0);
        let output = system_program("tasklist").args(["/NH", "/FO", "CSV", "/FI", &filter]).output().ok()?;
        // A hit is `"postgres.exe","4242",…`; without one there is a sentence in the language of the system.
        let text = String::from_utf8_lossy(&output.stdout).to_lowercase();
        let mut fields = text.trim().strip_prefix('"')?.split("\",\"");
        let image = fields.next()?.to_owned();
        (fields.next()? == self.0.to_string()).then_some(image)
    }
}

/// A program of Windows, without a console window flashing up.
#[cfg(windows)]
fn system_program(name: &str) -> std::process::Command {
    use std::os::windows::process::CommandExt;

    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    let mut command = std::process::Command::new(name);
    command.creation_flags(CREATE_NO_WINDOW).stdin(std::process::Stdio::null());
    command
}
