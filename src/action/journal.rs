//! The journal: what an operation is about to do, written down before it does it.

use serde::{Deserialize, Serialize};

pub use super::note::{RevisionNote, StartedJob};

use crate::plan::crds::Mode;
use crate::plan::hooks::HookRecord;
use crate::plan::state::{JobRecord, Reached};
use crate::yaml::Value;

/// What is being done to a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// A first revision.
    Install,
    /// A new revision from a chart.
    Upgrade,
    /// A new revision from an older one.
    Rollback,
    /// The end of the release.
    Uninstall,
}

impl Operation {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Operation::Install => "install",
            Operation::Upgrade => "upgrade",
            Operation::Rollback => "rollback",
            Operation::Uninstall => "uninstall",
        }
    }
}

/// The record of an operation under way; there is at most one per release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Journal {
    /// What is being done.
    pub operation: Operation,
    /// The revision that it makes, or ends.
    pub revision: u32,
    /// When it began, RFC 3339.
    pub started: String,
    /// The workloads whose jobs are stopped or started.
    pub jobs: Vec<JobRecord>,
    /// The CRDs of charts that it was to make or upgrade; `None` once that is done. No record has those
    /// of subcharts, and who finishes the operation has no chart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crds: Option<PendingCrds>,
    /// The hooks that ran, or were about to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<HookRecord>,
    /// The stored record's resourceVersion and uid, so that a holder that was paused can't overwrite.
    #[serde(skip)]
    pub version: Option<(String, String)>,
}

/// CRDs of charts that are yet to be made or upgraded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PendingCrds {
    /// What was to be done with them.
    pub mode: Mode,
    /// Their names.
    pub names: Vec<String>,
    /// As the charts have them; empty where they are more than a Secret holds.
    pub definitions: Vec<Value>,
}

impl Journal {
    /// A journal that is yet to be written.
    pub fn new(operation: Operation, revision: u32) -> Journal {
        Journal {
            operation,
            revision,
            started: super::now(),
            jobs: Vec::new(),
            crds: None,
            hooks: Vec::new(),
            version: None,
        }
    }

    /// What was broken off, and where each job stands, a line each, for people.
    pub fn describe(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "{} of revision {}, begun {}, has not ended",
            self.operation.word(),
            self.revision,
            self.started
        )];
        if let Some(crds) = &self.crds {
            lines.push(format!(
                "CRDs that it was to make or upgrade: {}",
                crds.names.join(", ")
            ));
        }
        for job in &self.jobs {
            let path = job.path.as_deref().unwrap_or("nothing");
            let stands = match job.reached {
                None => continue,
                Some(Reached::Intent) => format!(
                    "job {} was asked to stop with a savepoint in {} (trigger {})",
                    job.job_id.as_deref().unwrap_or_default(),
                    job.folder.as_deref().unwrap_or("its folder"),
                    job.trigger_id.as_deref().unwrap_or_default()
                ),
                Some(Reached::Saved | Reached::Down) => {
                    format!("stopped, to be restored from {path}")
                }
                Some(Reached::Positioned | Reached::Applied) => {
                    format!("started from {path}, not seen stable")
                }
            };
            lines.push(format!("{}: {stands}", job.workload));
        }
        lines
    }

    /// A workload's entry.
    pub fn job(&self, workload: &str) -> Option<&JobRecord> {
        self.jobs.iter().find(|j| j.workload == workload)
    }

    /// A workload's entry, made where it isn't there.
    pub fn job_mut(&mut self, workload: &str, namespace: &str) -> &mut JobRecord {
        let index = self
            .jobs
            .iter()
            .position(|j| j.workload == workload)
            .unwrap_or_else(|| {
                self.jobs.push(JobRecord {
                    workload: workload.to_owned(),
                    namespace: namespace.to_owned(),
                    ..JobRecord::default()
                });
                self.jobs.len() - 1
            });
        &mut self.jobs[index]
    }
}
