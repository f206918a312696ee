//! How an operation ends when it does not succeed; each kind has its exit code in `cli`.

use crate::{cluster, flink, release};

/// An operation's failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// State could be lost; nothing was changed.
    #[error("{why}")]
    StateAtRisk {
        /// Why.
        why: String,
        /// What would decide it.
        hints: Vec<String>,
    },
    /// The job can't give a savepoint; no object and no job was changed.
    #[error("no savepoint: {why}; nothing was changed")]
    NoSavepoint {
        /// Why.
        why: String,
        /// The ways on.
        hints: Vec<String>,
    },
    /// A stop was asked for, and its fate isn't known yet; the journal keeps it.
    #[error(
        "{why}; no object was changed, but the stop may still happen: the next command asks after it, under the same trigger"
    )]
    SavepointPending {
        /// Why it isn't known.
        why: String,
    },
    /// Chart, values or manifest are invalid.
    #[error("{0}")]
    Invalid(String),
    /// A release or revision isn't there.
    #[error("{0}")]
    NotFound(String),
    /// A name or object is owned by another.
    #[error("{why}")]
    Taken {
        /// What.
        why: String,
        /// The ways on.
        hints: Vec<String>,
    },
    /// Another operation is under way.
    #[error("{why}")]
    Locked {
        /// Whose.
        why: String,
        /// The ways on.
        hints: Vec<String>,
    },
    /// A saved plan that does not fit any more; nothing was done.
    #[error("the plan is stale; nothing was done:\n  {}", moved.join("\n  "))]
    StalePlan {
        /// What moved since it was made.
        moved: Vec<String>,
    },
    /// The change failed, and the release was brought back with its state.
    #[error(
        "{why}\nGone back to revision {revision} with its state ({from}); the release is deployed as revision {new_revision}"
    )]
    GoneBack {
        /// Why the change failed.
        why: String,
        /// The revision gone back to.
        revision: u32,
        /// The revision that going back made.
        new_revision: u32,
        /// What the jobs were restored from.
        from: String,
    },
    /// A first install failed, and was uninstalled again.
    #[error("{why}\nUninstalled again, as --rollback-on-failure asks")]
    Withdrawn {
        /// Why it failed.
        why: String,
    },
    /// The change failed, and the release could not be brought back.
    #[error("{why}\nNot gone back: {back}")]
    NotGoneBack {
        /// Why the change failed.
        why: String,
        /// Why it was not gone back.
        back: String,
        /// The ways on.
        hints: Vec<String>,
    },
    /// Not stable in time, and left so because going back was turned off.
    #[error("{why}; left as it is, for going back was turned off")]
    NotStable {
        /// What was missing.
        why: String,
    },
    /// Objects did not become ready.
    #[error("{0}")]
    NotReady(Box<cluster::WaitError>),
    /// Ended by SIGINT, nothing half done.
    #[error("interrupted; nothing is half done")]
    Interrupted,
    /// Ended by SIGTERM, nothing half done.
    #[error("terminated; nothing is half done")]
    Terminated,
    /// The cluster said no, or nothing.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
    /// The release's records.
    #[error(transparent)]
    Release(#[from] release::StoreError),
    /// Our own records.
    #[error(transparent)]
    Own(#[from] release::own::OwnError),
    /// The release's lock.
    #[error(transparent)]
    Lock(#[from] release::lock::LockError),
    /// Flink said no, or nothing.
    #[error(transparent)]
    Flink(#[from] flink::rest::Error),
    /// Several things stand in the way.
    #[error("{first}\n{}", others.join("\n"))]
    Several {
        /// The first, which decides the exit code.
        first: Box<Error>,
        /// The others, in words.
        others: Vec<String>,
    },
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

impl Error {
    /// The same error, with what else stands in the way.
    pub(crate) fn and_more(self, others: Vec<String>) -> Error {
        if others.is_empty() {
            return self;
        }
        Error::Several {
            first: Box::new(self),
            others,
        }
    }

    /// Of several the first, else itself.
    pub fn first(&self) -> &Error {
        match self {
            Error::Several { first, .. } => first,
            one => one,
        }
    }
}
