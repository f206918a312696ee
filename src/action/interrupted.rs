//! What an operation that did not end left behind: ended here where only its last steps are missing,
//! else handed to the next one, which goes on from there.

use super::ahead::Records;
use super::journal::{Journal, Operation, RevisionNote, StartedJob};
use super::records::{begun, unfinished};
use super::{Error, Session};
use crate::release::{Revision, Status, Stored};

/// What an earlier operation left.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Left {
    /// Nothing: it ended.
    Nothing,
    /// All was done, only its last records are missing.
    Ended(Journal),
    /// Its journal: how far it came.
    Open(Journal),
}

impl Left {
    /// The journal that the next operation goes on from.
    pub(crate) fn open(&self) -> Option<Journal> {
        match self {
            Left::Open(journal) => Some(journal.clone()),
            Left::Nothing | Left::Ended(_) => None,
        }
    }
}

/// Whether all that an operation was to do has been done: the outcome is recorded before the journal
/// is taken away, and a job is proven before the outcome is recorded.
fn has_ended(journal: &Journal, history: &[(u32, Status)]) -> bool {
    let last = history.last();
    match journal.operation {
        // Its records go last.
        Operation::Uninstall => last.is_none_or(|(_, status)| *status == Status::Uninstalled),
        Operation::Install | Operation::Upgrade | Operation::Rollback => {
            last.is_some_and(|l| *l == (journal.revision, Status::Deployed))
        }
    }
}

/// The journal of an operation without one of its own, where its records say that it did not end.
fn begun_of(history: &[Stored]) -> Option<Journal> {
    let (last, older) = history.split_last()?;
    // Those that it replaces are told so when it has ended.
    let not_told = older.iter().any(|s| {
        let status = s.release.info.status;
        status == Status::Deployed || is_under_way(status)
    });
    match last.release.info.status {
        Status::Deployed if not_told => begun(last),
        _ => unfinished(last),
    }
}

/// What is known of a release before an operation.
#[derive(Debug, Clone)]
pub(crate) struct Past {
    /// Its revisions that say what the cluster holds, oldest first; empty where there is no such release.
    pub history: Vec<Stored>,
    /// Those before.
    pub settled: Vec<Revision>,
    /// What an earlier operation left.
    pub left: Left,
}

impl Past {
    /// What records say of it.
    pub(crate) fn of(records: Records) -> Past {
        let Records { present, journal } = records;
        let (settled, history) = (present.settled, present.stored);
        let statuses: Vec<(u32, Status)> = history
            .iter()
            .map(|s| (s.release.version, s.release.info.status))
            .collect();
        let left = match journal.or_else(|| begun_of(&history)) {
            None => Left::Nothing,
            Some(journal) if has_ended(&journal, &statuses) => Left::Ended(journal),
            Some(journal) => Left::Open(journal),
        };
        Past {
            history,
            settled,
            left,
        }
    }

    /// All of its revisions, oldest first.
    pub(crate) fn revisions(&self) -> Vec<Revision> {
        let present = self.history.iter().map(|s| Revision {
            version: s.release.version,
            status: s.release.info.status,
        });
        self.settled.iter().cloned().chain(present).collect()
    }
}

impl Session<'_> {
    /// Ends an earlier operation of which only the last records are missing; the history then says so.
    pub(crate) async fn end_earlier(&self, past: &mut Past) -> Result<(), Error> {
        let Left::Ended(journal) = &past.left else {
            return Ok(());
        };
        let older = past.history.len().saturating_sub(1);
        for stored in past.history.iter_mut().take(older) {
            stored.release.info.status = match stored.release.info.status {
                Status::Deployed => Status::Superseded,
                status if is_under_way(status) => Status::Failed,
                _ => continue,
            };
            *stored = self.store().update(stored).await?;
        }
        if journal.operation != Operation::Uninstall
            && self.revision_note(journal.revision).await?.is_none()
        {
            self.save_note(&note(journal)).await?;
        }
        self.end_journal().await
    }
}

/// Whether a revision's record says that somebody works on it.
pub(crate) fn is_under_way(status: Status) -> bool {
    status.is_pending() || status == Status::Uninstalling
}

/// What can still be said of a revision whose run was killed before it could say it.
fn note(journal: &Journal) -> RevisionNote {
    let jobs = journal.jobs.iter().filter_map(|job| {
        Some(StartedJob {
            workload: job.workload.clone(),
            job_id: job.new_job_id.clone()?,
            restored_from: job.path.clone(),
            downtime: None,
        })
    });
    RevisionNote {
        revision: journal.revision,
        operation: journal.operation.word().to_owned(),
        jobs: jobs.collect(),
        ..RevisionNote::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_says_what_has_no_journal_of_its_own() {
        let stored = |version: u32, status: Status, begun: Option<u32>| {
            let mut stored = Stored::default();
            stored.release.version = version;
            stored.release.info.status = status;
            stored.begun = begun.map(|revision| {
                let journal = Journal::new(Operation::Upgrade, revision);
                serde_json::to_string(&journal).expect("JSON")
            });
            stored
        };
        let first = stored(1, Status::Deployed, None);
        let table = [
            (vec![], None),
            (vec![first.clone()], None),
            // Broken off while it was pending.
            (
                vec![first.clone(), stored(2, Status::PendingUpgrade, Some(2))],
                Some(2),
            ),
            // Helm's, and one that was copied.
            (
                vec![first.clone(), stored(2, Status::PendingUpgrade, None)],
                None,
            ),
            (
                vec![first.clone(), stored(2, Status::PendingUpgrade, Some(1))],
                None,
            ),
            // Done, and the one before is not told.
            (
                vec![first.clone(), stored(2, Status::Deployed, Some(2))],
                Some(2),
            ),
            (
                vec![
                    first,
                    stored(2, Status::PendingUpgrade, Some(2)),
                    stored(3, Status::Deployed, Some(3)),
                ],
                Some(3),
            ),
            // All is done.
            (
                vec![
                    stored(1, Status::Superseded, Some(1)),
                    stored(2, Status::Failed, Some(2)),
                    stored(3, Status::Deployed, Some(3)),
                ],
                None,
            ),
            (vec![stored(1, Status::Failed, Some(1))], None),
        ];
        for (history, expected) in table {
            let found = begun_of(&history).map(|journal| journal.revision);
            assert_eq!(found, expected, "{history:?}");
        }
    }

    #[test]
    fn an_operation_has_ended_when_its_outcome_is_recorded() {
        let table = [
            (Operation::Install, vec![(1, Status::Deployed)], 1, true),
            (
                Operation::Install,
                vec![(1, Status::PendingInstall)],
                1,
                false,
            ),
            (
                Operation::Upgrade,
                vec![(1, Status::Deployed), (2, Status::Deployed)],
                2,
                true,
            ),
            (
                Operation::Upgrade,
                vec![(1, Status::Deployed), (2, Status::PendingUpgrade)],
                2,
                false,
            ),
            // The journal is written before its record.
            (Operation::Upgrade, vec![(1, Status::Deployed)], 2, false),
            // Somebody went on over it.
            (
                Operation::Upgrade,
                vec![(2, Status::Failed), (3, Status::Deployed)],
                2,
                false,
            ),
            (Operation::Uninstall, vec![], 1, true),
            (
                Operation::Uninstall,
                vec![(1, Status::Uninstalled)],
                1,
                true,
            ),
            (
                Operation::Uninstall,
                vec![(1, Status::Uninstalling)],
                1,
                false,
            ),
            (Operation::Uninstall, vec![(1, Status::Deployed)], 1, false),
        ];
        for (operation, history, revision, expected) in table {
            let journal = Journal::new(operation, revision);
            assert_eq!(
                has_ended(&journal, &history),
                expected,
                "{operation:?} {revision} {history:?}"
            );
        }
    }
}
