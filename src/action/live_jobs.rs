//! What a release's jobs do now, for commands that only read.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Session;
use super::ledger::Ledger;
use super::note::RevisionNote;
use super::target::Target;

/// How long a look at a cluster may take: a reading command doesn't wait for Flink.
const LOOK: Duration = Duration::from_secs(5);

/// A job that a revision started, as it is or as it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct JobLine {
    /// The workload.
    pub workload: String,
    /// The job's id.
    pub job_id: String,
    /// Flink's word for its state; `STOPPED` when a later revision stopped it, `UNKNOWN` where neither
    /// Flink nor the ledger says.
    pub state: String,
    /// What it was restored from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restored_from: Option<String>,
    /// What it was stopped with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub savepoint: Option<String>,
}

impl Session<'_> {
    /// The state of each job of a manifest's workloads, by its id; what can't be asked is left out.
    pub async fn job_states(&self, manifest: &str) -> BTreeMap<String, String> {
        let Ok(target) = Target::of_manifest(manifest, &self.namespace) else {
            return BTreeMap::new();
        };
        let looks = target.workloads.iter().map(|workload| async move {
            let look = tokio::time::timeout(LOOK, self.look_once(workload, None)).await;
            let found = look.ok().and_then(Result::ok)?;
            found.facts.jobs
        });
        let found = futures::future::join_all(looks).await;
        found
            .into_iter()
            .flatten()
            .flatten()
            .map(|job| (job.id, job.state))
            .collect()
    }
}

/// The jobs that a revision started: from its note, what is known of them now, and the ledger.
pub fn job_lines(
    note: &RevisionNote,
    live: &BTreeMap<String, String>,
    ledger: &Ledger,
) -> Vec<JobLine> {
    note.jobs
        .iter()
        .map(|job| {
            let of_job = ledger.entries.iter().rev();
            let savepoint = of_job
                .filter(|e| e.job_id == job.job_id)
                .map(|e| e.path.clone())
                .next();
            let state = match live.get(&job.job_id) {
                Some(state) => state.as_str(),
                None if savepoint.is_some() => "STOPPED",
                None => "UNKNOWN",
            };
            JobLine {
                workload: job.workload.clone(),
                job_id: job.job_id.clone(),
                state: state.to_owned(),
                restored_from: job.restored_from.clone(),
                savepoint,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::ledger::Entry;
    use crate::action::note::StartedJob;

    #[test]
    fn a_job_is_what_flink_says_or_what_the_ledger_knows() {
        let job = |id: &str| StartedJob {
            workload: "orders".into(),
            job_id: id.into(),
            ..StartedJob::default()
        };
        let note = RevisionNote {
            jobs: vec![job("a"), job("b"), job("c")],
            ..RevisionNote::default()
        };
        let live = [("a".to_owned(), "RUNNING".to_owned())].into();
        let ledger = Ledger {
            entries: vec![Entry {
                at: String::new(),
                path: "s3://s/1".into(),
                kind: "savepoint".into(),
                operation: "upgrade".into(),
                revision: 1,
                workload: "orders".into(),
                job_id: "b".into(),
                number: None,
                size: None,
            }],
        };
        let lines = job_lines(&note, &live, &ledger);
        let states: Vec<(&str, Option<&str>)> = lines
            .iter()
            .map(|l| (l.state.as_str(), l.savepoint.as_deref()))
            .collect();
        assert_eq!(
            states,
            [
                ("RUNNING", None),
                ("STOPPED", Some("s3://s/1")),
                ("UNKNOWN", None)
            ]
        );
    }
}
