//! What the program is started with.

use std::path::PathBuf;

use clap::Parser;

/// The front desk of a clinic.
#[derive(Debug, Clone, PartialEq, Eq, Parser)]
#[command(name = "balcao", version)]
pub(crate) struct Launch {
    /// Folder of the profile: the encrypted copy, the log and, for a clinic on this computer, its database. Without it,
    /// the folder for application data of this system.
    #[arg(long, value_name = "DIR")]
    pub(crate) profile: Option<PathBuf>,
    /// Folder with the PostgreSQL that a clinic on this computer runs on.
    #[arg(long, value_name = "DIR")]
    pub(crate) postgres: Option<PathBuf>,
    /// Begins without showing the window, as at the start of the system.
    #[arg(long)]
    pub(crate) in_background: bool,
    /// Prints a line when the first element that matches this CSS selector has been painted.
    #[arg(long, value_name = "SELECTOR", hide = true)]
    pub(crate) report_paint: Option<String>,
}

impl Launch {
    /// The folder of the profile; `None` when there is no home to put it in. It does not roam with the account: the
    /// copy belongs to this computer, and so does its key.
    pub(crate) fn profile_dir(&self, identifier: &str) -> Option<PathBuf> {
        let folder = match &self.profile {
            Some(folder) => folder.clone(),
            None => dirs::data_local_dir()?.join(identifier),
        };
        // Children are started in other folders, where a relative path would mean something else.
        std::path::absolute(folder).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_profile_is_taken_from_the_current_folder() {
        let launch = Launch::try_parse_from(["balcao", "--profile", "recepção 2"]).unwrap();
        let expected = std::env::current_dir().unwrap().join("recepção 2");
        assert_eq!(launch.profile_dir("br.com.example"), Some(expected));
    }

    #[test]
    fn without_a_name_the_profile_is_a_folder_of_this_program() {
        let launch = Launch::try_parse_from(["balcao"]).unwrap();
        assert!(launch.profile_dir("br.com.example").unwrap().ends_with("br.com.example"));
    }
}
