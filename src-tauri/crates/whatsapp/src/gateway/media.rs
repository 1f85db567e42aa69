//! The file of a message.

use std::fmt;

use super::MessageRef;

/// Where the file of a message is fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaSource {
    /// The message that carries it.
    pub message: MessageRef,
    /// Meta's own id of the file, as the event that brought the message says it.
    pub handle: Option<String>,
}

/// A file that was fetched.
#[derive(Clone, PartialEq, Eq)]
pub struct Download {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// MIME type, as the gateway says.
    pub mime_type: Option<String>,
    /// Its name, where it has one.
    pub file_name: Option<String>,
}

/// Shows how large it is and not what it is.
impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Download({} bytes of {:?})", self.bytes.len(), self.mime_type)
    }
}
