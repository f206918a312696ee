//! The one error of the command line: kind, cause, hints. The kind decides the exit code.

use std::fmt;

/// What kind of failure it is; the design's table of exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Failed in a way that has no code of its own.
    Failed,
    /// The command line is wrong.
    Usage,
    /// Invalid chart, values or manifest, by us or by the API server.
    Invalid,
    /// Chart, release or revision not found.
    NotFound,
    /// Cluster or registry unreachable.
    Unreachable,
    /// A bug of ours.
    Internal,
    /// Name or object owned by another.
    Taken,
    /// The lock is held.
    Locked,
    /// Forbidden by the cluster or the registry.
    Forbidden,
    /// Refused because state could be lost.
    StateAtRisk,
    /// The plan is stale.
    StalePlan,
    /// The savepoint failed, nothing changed.
    SavepointFailed,
    /// Failed and gone back with state.
    GoneBack,
    /// Failed and not gone back.
    NotGoneBack,
    /// Not stable in time, and left so because going back was turned off.
    NotStable,
    /// Ended by SIGINT, nothing half done.
    Interrupted,
    /// Ended by SIGTERM, nothing half done.
    Terminated,
}

impl Kind {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Kind::Failed => 1,
            Kind::Usage => 64,
            Kind::Invalid => 65,
            Kind::NotFound => 66,
            Kind::Unreachable => 69,
            Kind::Internal => 70,
            Kind::Taken => 73,
            Kind::Locked => 75,
            Kind::Forbidden => 77,
            Kind::StateAtRisk => 78,
            Kind::StalePlan => 80,
            Kind::SavepointFailed => 81,
            Kind::GoneBack => 82,
            Kind::NotGoneBack => 83,
            Kind::NotStable => 84,
            Kind::Interrupted => 130,
            Kind::Terminated => 143,
        }
    }
}

/// What a command ends with when it fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandError {
    /// Decides the exit code.
    pub kind: Kind,
    /// What happened, with file, line or object.
    pub message: String,
    /// What to try, a line each.
    pub hints: Vec<String>,
}

impl CommandError {
    /// An error without hints.
    pub fn new(kind: Kind, message: impl fmt::Display) -> Self {
        CommandError {
            kind,
            message: message.to_string(),
            hints: Vec::new(),
        }
    }

    /// The same with one more line on what to try.
    #[must_use]
    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hints.push(hint.to_string());
        self
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)
    }
}

impl std::error::Error for CommandError {}
