//! Starting with the system, on a computer that the clinic needs: it holds the database, or receives and sends messages.

use std::path::Path;

use auto_launch::{AutoLaunch, AutoLaunchBuilder, MacOSLaunchMode, WindowsEnableMode};

/// What the system starts the program with.
const IN_BACKGROUND: &str = "--in-background";

/// Says that this was arranged once: whoever takes it out of the system's own list is not argued with.
const MARK: &str = "starts-with-system";

/// Arranges it, the first time that this profile is needed. `name` is what the system's own list shows.
pub(crate) fn arrange(name: &str, profile: &Path) {
    let mark = profile.join(MARK);
    if mark.exists() {
        return;
    }
    if let Err(error) = entry(name).and_then(|entry| Ok(entry.enable()?)) {
        tracing::warn!(%error, "the program does not start with the system");
        return;
    }
    if let Err(error) = std::fs::write(&mark, "") {
        tracing::warn!(kind = ?error.kind(), "it will be arranged again that the program starts with the system");
    }
    tracing::info!("the program starts with the system");
}

/// Takes it back, when what was arranged for is here no more.
pub(crate) fn withdraw(name: &str, profile: &Path) {
    let mark = profile.join(MARK);
    if !mark.exists() {
        return;
    }
    let taken = entry(name).and_then(|entry| if entry.is_enabled()? { Ok(entry.disable()?) } else { Ok(()) });
    match taken.and_then(|()| Ok(std::fs::remove_file(&mark)?)) {
        Ok(()) => tracing::info!("the program starts with the system no more"),
        Err(error) => tracing::warn!(%error, "the program goes on to start with the system"),
    }
}

fn entry(name: &str) -> Result<AutoLaunch, Box<dyn std::error::Error>> {
    let program = std::env::current_exe()?;
    let entry = AutoLaunchBuilder::new()
        .set_app_name(name)
        .set_app_path(&in_a_command_line(&program.display().to_string()))
        .set_args(&[IN_BACKGROUND])
        .set_macos_launch_mode(MacOSLaunchMode::LaunchAgent)
        .set_windows_enable_mode(WindowsEnableMode::CurrentUser)
        .build()?;
    Ok(entry)
}

/// The entry is a line that the system takes apart at spaces, and people's folders have them. On macOS it is a list.
fn in_a_command_line(program: &str) -> String {
    if cfg!(target_os = "macos") {
        return program.to_owned();
    }
    let mut quoted = String::from("\"");
    for character in program.chars() {
        if !cfg!(windows) && "\"`$\\".contains(character) {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(not(target_os = "macos"))]
    #[test]
    fn a_path_with_spaces_stays_one_path() {
        assert_eq!(in_a_command_line("/opt/Balcão da Ana/balcao"), "\"/opt/Balcão da Ana/balcao\"");
    }
}
