//! The ledger: each savepoint of a release; it outlives a rollback done with Helm, and an uninstall.

use serde::{Deserialize, Serialize};

use crate::flink::health::same_path;
use crate::plan::state::Mark;

/// How many entries are kept for a release; the oldest go first.
const KEPT: usize = 200;

/// A savepoint or checkpoint that a release was stopped with or restored from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// When it was recorded, RFC 3339.
    pub at: String,
    /// Where it lies.
    pub path: String,
    /// `savepoint` or `checkpoint`.
    pub kind: String,
    /// The operation that took it.
    pub operation: String,
    /// The revision whose job it is of.
    pub revision: u32,
    /// The workload.
    pub workload: String,
    /// The job's id.
    pub job_id: String,
    /// Its number in its job.
    #[serde(default)]
    pub number: Option<u64>,
    /// Bytes of state, where Flink said so.
    pub size: Option<u64>,
}

impl Entry {
    /// Where it lies, and its number.
    pub fn mark(&self) -> Mark {
        Mark {
            number: self.number,
            path: self.path.clone(),
        }
    }
}

/// All entries of a release, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// The entries.
    pub entries: Vec<Entry>,
}

impl Ledger {
    /// Adds an entry, once: a resumed run writes the same path again.
    pub fn add(&mut self, entry: Entry) {
        if self
            .entries
            .iter()
            .any(|e| e.path == entry.path && e.job_id == entry.job_id)
        {
            return;
        }
        self.entries.push(entry);
        let surplus = self.entries.len().saturating_sub(KEPT);
        self.entries.drain(..surplus);
    }

    /// The newest entry of a workload.
    pub fn newest(&self, workload: &str) -> Option<&Entry> {
        self.entries.iter().rev().find(|e| e.workload == workload)
    }

    /// The newest entry of a job.
    pub fn newest_of(&self, job_id: &str) -> Option<&Entry> {
        self.entries.iter().rev().find(|e| e.job_id == job_id)
    }

    /// The number of the savepoint at a path, where it is known.
    pub fn number_of(&self, path: &str) -> Option<u64> {
        let same = |e: &&Entry| same_path(&e.path, path);
        self.entries.iter().rev().find(same)?.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_written_once_and_bounded() {
        let entry = |n: usize| Entry {
            at: String::new(),
            path: format!("p{n}"),
            kind: "savepoint".into(),
            operation: "upgrade".into(),
            revision: 1,
            workload: "w".into(),
            job_id: "j".into(),
            number: None,
            size: None,
        };
        let mut ledger = Ledger::default();
        for n in 0..KEPT + 5 {
            ledger.add(entry(n));
            ledger.add(entry(n));
        }
        assert_eq!(ledger.entries.len(), KEPT);
        assert_eq!(ledger.newest("w").map(|e| e.path.as_str()), Some("p204"));
        assert_eq!(ledger.newest("x"), None);
    }
}
