//! What can go wrong with a file.

use crate::store;
use crate::store::Unchangeable;

/// The messages complete "could not …: ".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no resources are kept here (res.upload.startup.type is NONE)")]
    Off,
    /// A task names it.
    #[error("there is no resource `{0}`")]
    Unknown(String),
    /// A task names it.
    #[error("the author of the workflow neither owns the resource `{0}` nor was granted it")]
    Forbidden(String),
    /// The row is there, the file is not.
    #[error("the file {0} is not in the storage")]
    NoFile(String),
    #[error("the file is larger than {0} bytes (server.multipart.max-file-size)")]
    TooLarge(u64),
    /// A rule of the store forbids the change.
    #[error("the resource cannot be changed now: {0:?}")]
    Unchangeable(Unchangeable),
    /// The disk is full, the service does not answer, or a path cannot be used.
    #[error("the storage of resources cannot be used: {0}")]
    Storage(String),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<Unchangeable> for Error {
    fn from(why: Unchangeable) -> Self {
        Error::Unchangeable(why)
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Error::Storage(error.to_string())
    }
}

impl From<opendal::Error> for Error {
    fn from(error: opendal::Error) -> Self {
        // Its long form tells requests with their headers.
        Error::Storage(format!("{} ({})", error.message(), error.kind()))
    }
}
