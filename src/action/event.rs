//! What an operation tells while it works; only the command line prints it.

use serde::Serialize;

use crate::cluster::{ObjectRef, Progress, State};

/// One piece of news. As JSON each is an object with `type`: the variant's name in lower case.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Event {
    /// A step begins.
    Step {
        /// Which.
        text: String,
    },
    /// A step's wait goes on: for what, and why.
    Waiting {
        /// For what.
        what: String,
        /// What is missing.
        why: String,
    },
    /// What an awaited object is now.
    Object(ObjectNews),
    /// What a watched job is now.
    Job(JobNews),
    /// Something worth knowing.
    Note {
        /// It.
        text: String,
    },
    /// Something that may need a hand.
    Warning {
        /// It.
        text: String,
    },
}

impl From<&Progress> for Event {
    fn from(progress: &Progress) -> Self {
        Event::Object(match progress {
            Progress::State { object, state } => ObjectNews::new(object, state),
            Progress::Pod {
                object,
                pod,
                reason,
            } => ObjectNews::pod(object, pod, reason.as_deref()),
        })
    }
}

/// How far an object or a pod is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// As wanted.
    Ready,
    /// On its way.
    Waiting,
    /// Something is wrong that may heal.
    Unhealthy,
    /// Something is wrong that will not heal.
    Failed,
}

impl Health {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Health::Ready => "READY",
            Health::Waiting => "WAITING",
            Health::Unhealthy => "UNHEALTHY",
            Health::Failed => "FAILED",
        }
    }
}

impl From<&State> for Health {
    fn from(state: &State) -> Self {
        match state {
            State::Ready(_) => Health::Ready,
            State::Waiting(_) => Health::Waiting,
            State::Unhealthy(_) => Health::Unhealthy,
            State::Failed(_) => Health::Failed,
        }
    }
}

/// An awaited object, or a pod of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ObjectNews {
    /// `Deployment/orders-jobmanager`.
    pub object: String,
    /// Its namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The object that it is a pod of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// How far it is.
    pub state: Health,
    /// The reason for the wait, or a few words on what is there.
    pub reason: String,
}

impl ObjectNews {
    /// The news of an object itself.
    pub fn new(object: &ObjectRef, state: &State) -> Self {
        ObjectNews {
            object: object.to_string(),
            namespace: object.namespace.clone(),
            of: None,
            state: state.into(),
            reason: state.reason().to_owned(),
        }
    }

    /// The news of a pod of an object; without a reason its problem is over.
    pub fn pod(of: &ObjectRef, pod: &str, reason: Option<&str>) -> Self {
        ObjectNews {
            object: format!("Pod/{pod}"),
            namespace: of.namespace.clone(),
            of: Some(of.to_string()),
            state: if reason.is_some() {
                Health::Unhealthy
            } else {
                Health::Ready
            },
            reason: reason.unwrap_or_default().to_owned(),
        }
    }
}

/// A Flink job, or the cluster that is to run it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobNews {
    /// The workload.
    pub workload: String,
    /// The job's id; empty for a session cluster.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub job_id: String,
    /// Flink's word for its state; empty while its REST doesn't answer.
    pub state: String,
    /// How many tasks run, of how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tasks: Option<(u64, u64)>,
    /// Milliseconds since its newest completed checkpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_age: Option<u64>,
    /// The savepoint that it was stopped with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub savepoint: Option<String>,
    /// What it was restored from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restored_from: Option<String>,
    /// Whether it is as wanted.
    pub ready: bool,
    /// The reason for the wait.
    pub why: String,
}

/// Takes the events of an operation.
pub trait Report: Send + Sync {
    /// Takes one.
    fn event(&self, event: Event);
    /// From here on these texts, secret values, are not to be shown.
    fn hide(&self, _texts: &[String]) {}
}
