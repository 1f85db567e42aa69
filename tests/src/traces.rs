//! What can be read on this computer by whoever looks: in files, and in what the operating system tells of its processes.

use std::io;
use std::path::PathBuf;

/// Places where one of these texts stands: files of these folders and all that are in them, but for some; the command line and
/// the environment of any process. The texts themselves are not told.
///
/// # Errors
/// The operating system tells nothing of its processes.
pub fn whereabouts(folders: &[PathBuf], but_for: &[PathBuf], texts: &[String]) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = folders.to_vec();
    while let Some(folder) = folders.pop() {
        // What is gone meanwhile is read by nobody.
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                if !but_for.contains(&path) {
                    folders.push(path);
                }
            } else if let Ok(content) = std::fs::read(&path) {
                for text in texts.iter().filter(|text| holds(&content, text.as_bytes())) {
                    found.push(format!("{}: {} bytes of text", path.display(), text.len()));
                }
            }
        }
    }
    for what in ["cmdline", "environ"] {
        for line in of_processes(what)? {
            for text in texts.iter().filter(|text| line.contains(text.as_str())) {
                found.push(format!("a process's {what}: {} bytes of text", text.len()));
            }
        }
    }
    Ok(found)
}

/// One of the texts that the operating system has about each process.
///
/// # Errors
/// It tells nothing of them.
pub fn of_processes(what: &str) -> io::Result<Vec<String>> {
    let processes = std::fs::read_dir("/proc")?.flatten();
    Ok(processes
        .filter_map(|entry| std::fs::read(entry.path().join(what)).ok())
        .map(|text| String::from_utf8_lossy(&text).into_owned())
        .collect())
}

fn holds(content: &[u8], text: &[u8]) -> bool {
    content.windows(text.len()).any(|window| window[0] == text[0] && window == text)
}
