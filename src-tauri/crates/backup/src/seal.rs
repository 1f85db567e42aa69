//! Encryption of a stream with the recovery words, and its digest on the way.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::path::Path;

use age::secrecy::SecretString;
use age::stream::{StreamReader, StreamWriter};
use age::{DecryptError, Decryptor, Encryptor, scrypt};
use sha2::{Digest, Sha256};

use crate::error::{BackupError, Result};
use crate::words::Words;

/// The words hold 128 bits of chance: nobody guesses them, however fast, so the derivation may be quick.
const WORK: u8 = 12;

/// Twice what anybody's file asks for; more would only keep the computer busy.
const MOST_WORK: u8 = 20;

/// What every encrypted file begins with.
const BEGINNING: &[u8] = b"age-encryption.org/";

/// Counts and digests what is written.
pub(crate) struct Counted<W> {
    inner: W,
    digest: Sha256,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// A file that is written encrypted.
pub(crate) struct Sealing {
    stream: StreamWriter<Counted<File>>,
}

impl Sealing {
    pub(crate) fn begin(file: File, words: &Words) -> io::Result<Self> {
        let mut recipient = scrypt::Recipient::new(passphrase(words));
        recipient.set_work_factor(WORK);
        let recipients = std::iter::once(&recipient as &dyn age::Recipient);
        let encryptor = Encryptor::with_recipients(recipients).map_err(io::Error::other)?;
        let counted = Counted { inner: file, digest: Sha256::new(), bytes: 0 };
        Ok(Self { stream: encryptor.wrap_output(counted)? })
    }

    /// Writes the end, which a file that was cut off lacks, and puts everything on the disk. Returns size and digest.
    pub(crate) fn finish(self) -> io::Result<(u64, String)> {
        let counted = self.stream.finish()?;
        counted.inner.sync_all()?;
        Ok((counted.bytes, hex(counted.digest)))
    }
}

impl Write for Sealing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// What is in a sealed file, read from its beginning.
pub(crate) fn open(path: &Path, words: &Words) -> Result<StreamReader<BufReader<File>>> {
    let not_ours = || BackupError::NotABackup { file: path.to_owned() };
    let file = File::open(path).map_err(BackupError::io("open", path))?;
    let mut file = BufReader::with_capacity(256 * 1024, file);
    // A folder that is kept in step over the network may have a file whose content never came: nothing but zeros, in which
    // the end of the beginning would be looked for in vain.
    if !file.fill_buf().map_err(|error| of_reading(error, path))?.starts_with(BEGINNING) {
        return Err(not_ours());
    }
    let decryptor = match Decryptor::new_buffered(file) {
        Ok(decryptor) if decryptor.is_scrypt() => decryptor,
        Ok(_) => return Err(not_ours()),
        Err(error) => return Err(of_decryption(error, path)),
    };
    let mut identity = scrypt::Identity::new(passphrase(words));
    identity.set_max_work_factor(MOST_WORK);
    decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity)).map_err(|error| of_decryption(error, path))
}

fn of_decryption(error: DecryptError, path: &Path) -> BackupError {
    match error {
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed | DecryptError::NoMatchingKeys => {
            BackupError::WrongWords
        }
        DecryptError::InvalidMac => BackupError::Damaged { file: path.to_owned() },
        DecryptError::Io(error) => of_reading(error, path),
        _ => BackupError::NotABackup { file: path.to_owned() },
    }
}

/// What is altered or cut off shows as invalid data; the rest is the disk.
pub(crate) fn of_reading(error: io::Error, path: &Path) -> BackupError {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => BackupError::Damaged { file: path.to_owned() },
        _ => BackupError::io("read", path)(error),
    }
}

/// SHA-256 of a file. `told` hears how many bytes were read.
pub(crate) fn digest(path: &Path, told: impl Fn(u64) -> Result<()>) -> Result<String> {
    let mut file = File::open(path).map_err(BackupError::io("open", path))?;
    let (mut digest, mut buffer, mut done) = (Sha256::new(), vec![0; 1 << 20], 0);
    loop {
        match file.read(&mut buffer).map_err(BackupError::io("read", path))? {
            0 => return Ok(hex(digest)),
            read => {
                digest.update(&buffer[..read]);
                done += read as u64;
                told(done)?;
            }
        }
    }
}

fn hex(digest: Sha256) -> String {
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn passphrase(words: &Words) -> SecretString {
    SecretString::from(words.secret().expose().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_whose_content_never_came_is_none_of_ours_and_is_not_read_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("balcao-20261121-120000.balcao-backup");
        // A million million zeros, of which the disk keeps none.
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let refused = open(&path, &Words::draw().unwrap()).err();
        assert!(matches!(refused, Some(BackupError::NotABackup { .. })), "{refused:?}");
        File::create(&path).unwrap();
        assert!(matches!(open(&path, &Words::draw().unwrap()).err(), Some(BackupError::NotABackup { .. })));
    }
}
