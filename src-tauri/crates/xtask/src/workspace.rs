//! Where things are.

use std::path::PathBuf;

/// The top folder of the repository.
pub(crate) fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    // src-tauri/crates/xtask
    here.ancestors().nth(3).map_or(here.clone(), PathBuf::from)
}

/// A path in the repository.
pub(crate) fn at(path: &str) -> PathBuf {
    root().join(path)
}

/// A folder under `target`, made when it is absent.
pub(crate) fn target(path: &str) -> std::io::Result<PathBuf> {
    let folder = at("target").join(path);
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// A program that the build left in `target/debug`.
pub(crate) fn built(name: &str) -> PathBuf {
    at("target").join("debug").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}
