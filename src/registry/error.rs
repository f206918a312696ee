//! What can go wrong between nutkin and a chart repository or registry.

use std::path::PathBuf;

use crate::chart;

/// An error of repositories, registries and dependencies. No message holds a secret: addresses come
/// without user names, passwords and queries.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A file or an answer is not what it must be.
    #[error("{place}: {message}")]
    Invalid {
        /// The file or address.
        place: String,
        /// What is wrong.
        message: String,
    },
    /// What was asked for is no address, name or reference.
    #[error("{0}")]
    Usage(String),
    /// There is no such repository, chart or version.
    #[error("{message}")]
    NotFound {
        /// What is missing, and where it was looked for.
        message: String,
        /// What to try.
        hint: Option<String>,
    },
    /// The server can't be reached, or breaks off.
    #[error("cannot reach {address}: {cause}")]
    Unreachable {
        /// The address.
        address: String,
        /// The cause.
        cause: String,
    },
    /// The server answers with an error.
    #[error("{address} answers {status}{}", detail(.message))]
    Status {
        /// The address.
        address: String,
        /// The HTTP status, for instance `404 Not Found`.
        status: reqwest::StatusCode,
        /// What the server says beside it; may be empty.
        message: String,
    },
    /// A limit on size or number was passed.
    #[error("{what} is too large (limit {limit})")]
    TooLarge {
        /// What is too large.
        what: String,
        /// The limit, in words.
        limit: String,
    },
    /// The bytes are not those that were promised.
    #[error("{what} has the digest {found}, but {wanted} was promised")]
    Digest {
        /// What was fetched.
        what: String,
        /// The digest that an index, a manifest or the user names.
        wanted: String,
        /// The digest of what came.
        found: String,
    },
    /// A credential helper fails.
    #[error("{program}: {message}")]
    Helper {
        /// The program.
        program: String,
        /// What it says.
        message: String,
    },
    /// An archive isn't signed as it must be.
    #[error(transparent)]
    Provenance(#[from] chart::provenance::Error),
    /// The chart that was fetched cannot be loaded.
    #[error(transparent)]
    Chart(#[from] chart::Error),
}

fn detail(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    }
}

impl Error {
    pub(super) fn not_found(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Error::NotFound {
            message: message.into(),
            hint: Some(hint.into()),
        }
    }

    pub(super) fn invalid(place: impl Into<String>, message: impl ToString) -> Self {
        Error::Invalid {
            place: place.into(),
            message: message.to_string(),
        }
    }

    pub(super) fn too_large(what: impl Into<String>, limit: u64) -> Self {
        Error::TooLarge {
            what: what.into(),
            limit: in_words(limit),
        }
    }

    /// Whether the server says that what was asked for isn't there.
    pub fn is_missing(&self) -> bool {
        match self {
            Error::NotFound { .. } => true,
            Error::Status { status, .. } => *status == reqwest::StatusCode::NOT_FOUND,
            _ => false,
        }
    }
}

/// A number of bytes for people.
fn in_words(bytes: u64) -> String {
    const MIB: u64 = 1024 * 1024;
    if bytes.is_multiple_of(MIB) {
        format!("{} MiB", bytes / MIB)
    } else {
        format!("{bytes} bytes")
    }
}
