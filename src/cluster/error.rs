//! What can go wrong between us and the API server, by what the caller can do about it.

use std::fmt;

/// A field that another manager holds, from a server-side-apply conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldConflict {
    /// The manager's name and operation as the server words it, for instance `"kubectl" using v1`.
    pub manager: String,
    /// The field's path, for instance `.spec.replicas`.
    pub field: String,
}

/// One reason why an object was rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The field's path, for instance `spec.selector`; empty where the server names none.
    pub field: String,
    /// The server's words.
    pub message: String,
}

/// Who holds an object that was wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A Helm or nutkin release.
    Release {
        /// The release's name.
        name: String,
        /// The release's namespace.
        namespace: String,
    },
    /// No release: made by hand or by another tool.
    Nobody,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Owner::Release { name, namespace } => write!(f, "release {namespace}/{name}"),
            Owner::Nobody => f.write_str("no release"),
        }
    }
}

/// A failed request, or an answer that forbids the next step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The kubeconfig, the in-cluster files or an exec plugin don't give a usable client.
    #[error("cannot configure the Kubernetes client: {0}")]
    Configure(String),
    /// No answer, after retries.
    #[error("cannot reach {server}: {cause}")]
    Unreachable {
        /// What was asked: the API server with its address, or what stands behind its proxy.
        server: String,
        /// The lowest cause.
        cause: String,
    },
    /// 401: the server doesn't know who we are.
    #[error("the Kubernetes API at {server} doesn't accept the credentials: {message}")]
    Unauthorized {
        /// The API server's address.
        server: String,
        /// The server's words.
        message: String,
    },
    /// 403.
    #[error("not allowed to {action}: {message}")]
    Forbidden {
        /// Verb and object.
        action: String,
        /// The server's words.
        message: String,
    },
    /// 404 of an object.
    #[error("{object} does not exist")]
    NotFound {
        /// The object.
        object: String,
    },
    /// 404 because the namespace isn't there.
    #[error("the namespace {namespace:?} does not exist (wanted to {action})")]
    NoNamespace {
        /// The namespace.
        namespace: String,
        /// Verb and object.
        action: String,
    },
    /// The server serves no such kind: its CRD is missing, or the version isn't served.
    #[error("the cluster serves no kind {kind:?} in {api_version:?} (is its CRD installed?)")]
    NoKind {
        /// `group/version`.
        api_version: String,
        /// The kind.
        kind: String,
    },
    /// 409: created by another in the meantime.
    #[error("{object} exists already")]
    Exists {
        /// The object.
        object: String,
    },
    /// 409: fields that are to be applied are held by other managers.
    #[error("{object}: {}", conflicts(.fields))]
    Conflict {
        /// The object.
        object: String,
        /// The fields and their managers.
        fields: Vec<FieldConflict>,
    },
    /// 409: a resourceVersion or uid precondition doesn't hold any more.
    #[error("{object} was changed by another since it was read: {message}")]
    Stale {
        /// The object.
        object: String,
        /// The server's words.
        message: String,
    },
    /// 422 or 400: the server rejects the content.
    #[error("{object} is rejected: {message}")]
    Invalid {
        /// The object.
        object: String,
        /// The server's words.
        message: String,
        /// The single causes, where it gives them.
        causes: Vec<Cause>,
    },
    /// The object belongs to another release, or to none and adoption wasn't asked for.
    #[error("{object} exists and belongs to {owner}")]
    Taken {
        /// The object.
        object: String,
        /// Whose it is.
        owner: Owner,
    },
    /// 410: the resourceVersion or continue token is too old; list again.
    #[error("the list of {object} has expired on the server")]
    Expired {
        /// What was listed.
        object: String,
    },
    /// Any other failure status, after retries where they could help.
    #[error("cannot {action}: the API server answered {status}: {message}")]
    Server {
        /// Verb and object.
        action: String,
        /// The HTTP status.
        status: u16,
        /// The server's words.
        message: String,
    },
    /// An answer that isn't what the API promises.
    #[error("cannot {action}: the answer can't be read: {cause}")]
    Answer {
        /// Verb and object.
        action: String,
        /// What is wrong with it.
        cause: String,
    },
    /// Something that should be an object lacks apiVersion, kind or metadata.name.
    #[error("not a Kubernetes object: {0}")]
    Malformed(String),
}

impl Error {
    /// Whether the object (not its namespace or kind) is absent.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Error::NotFound { .. })
    }

    /// Whether anything on the way to the object is absent: itself, its namespace, or its kind.
    pub fn is_absent(&self) -> bool {
        matches!(
            self,
            Error::NotFound { .. } | Error::NoNamespace { .. } | Error::NoKind { .. }
        )
    }
}

fn conflicts(fields: &[FieldConflict]) -> String {
    let list: Vec<String> = fields
        .iter()
        .map(|c| format!("{} is held by {}", c.field, c.manager))
        .collect();
    list.join(", ")
}

/// The result of anything here.
pub type Result<T> = std::result::Result<T, Error>;
