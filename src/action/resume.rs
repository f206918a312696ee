//! An operation that did not end, finished as it was meant or given up, for the one who wants to choose.
//! Any changing command goes on from its journal as well.

use super::deploy::{Outcome, Proposal};
use super::interrupted::Left;
use super::journal::{Journal, Operation, PendingCrds};
use super::proposal::compare_records;
use super::target::Target;
use super::{Error, Session};
use crate::release::{Release, Status, Stored, Time};

/// What becomes of the operation that did not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// It is brought to the end that it was meant to have.
    Resume,
    /// The deployed revision is brought back, with the newest state.
    Abandon,
}

/// Which revision's content the release gets.
///
/// # Errors
/// Why neither can be done, in words.
fn chosen<'a>(
    choice: Choice,
    journal: &Journal,
    history: &'a [Stored],
) -> Result<&'a Release, String> {
    let of_status = |status: Status| {
        let mut found = history.iter().rev().map(|s| &s.release);
        found.find(|r| r.info.status == status)
    };
    match choice {
        _ if journal.operation == Operation::Uninstall => {
            Err("it was being uninstalled: nutkin uninstall goes on with that".to_owned())
        }
        Choice::Resume => history
            .iter()
            .map(|s| &s.release)
            .find(|r| r.version == journal.revision)
            .ok_or_else(|| {
                format!(
                    "the {} to revision {} broke off before its record was written: run it again",
                    journal.operation.word(),
                    journal.revision
                )
            }),
        Choice::Abandon => of_status(Status::Deployed).ok_or_else(|| {
            "no revision was ever deployed: nutkin uninstall takes away what was made".to_owned()
        }),
    }
}

/// The CRDs that are to be made first.
///
/// # Errors
/// That they can't be, in words.
fn pending_crds(journal: &Journal) -> Result<Option<&PendingCrds>, String> {
    match &journal.crds {
        Some(crds) if crds.definitions.len() < crds.names.len() => Err(format!(
            "the {} broke off before its CRDs were made ({}), and they are too large for its journal: run it again, with its chart",
            journal.operation.word(),
            crds.names.join(", ")
        )),
        crds => Ok(crds.as_ref()),
    }
}

impl Session<'_> {
    /// Finishes or gives up the operation that did not end, as a new revision.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is none, or where it can't be done so.
    pub async fn settle(&self, choice: Choice, dry_run: bool) -> Result<Outcome, Error> {
        let mut past = self.past().await?;
        if !dry_run {
            self.end_earlier(&mut past).await?;
        }
        let history = &past.history;
        let journal = match &past.left {
            Left::Open(journal) => journal,
            Left::Ended(_) | Left::Nothing => {
                return Err(Error::NotFound(format!(
                    "no operation on release {:?} in namespace {:?} was broken off",
                    self.release, self.namespace
                )));
            }
        };
        let from = chosen(choice, journal, history).map_err(Error::NotFound)?;
        let (values, secrets) = match history.last() {
            Some(last) => compare_records(&last.release, from),
            None => compare_records(from, from),
        };
        let mut record = from.clone();
        let mut target = Target::of_manifest(&record.manifest, &self.namespace)?;
        if choice == Choice::Resume
            && let Some(crds) = pending_crds(journal).map_err(Error::NotFound)?
        {
            target.crds.clone_from(&crds.definitions);
            target.crd_mode = crds.mode;
        }
        record.version = history.last().map_or(1, |l| l.release.version + 1);
        record.info.last_deployed = Some(Time::now());
        let operation = match choice {
            Choice::Resume => {
                record.info.description = format!("Resumed revision {}", from.version);
                journal.operation
            }
            Choice::Abandon => {
                record.info.rollback_revision = from.version;
                record.info.description = format!("Rollback to {}", from.version);
                Operation::Rollback
            }
        };
        let proposal = Proposal {
            operation,
            record,
            target,
            always: true,
            values,
            secrets,
            approved: None,
            from: self.options.origin.clone(),
        };
        self.deploy(proposal, past, None, dry_run).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::Info;

    fn stored(version: u32, status: Status) -> Stored {
        Stored {
            release: Release {
                version,
                info: Info {
                    status,
                    ..Info::default()
                },
                ..Release::default()
            },
            ..Stored::default()
        }
    }

    #[test]
    fn crds_are_finished_too() {
        let mut journal = Journal::new(Operation::Install, 1);
        assert_eq!(pending_crds(&journal), Ok(None));
        let mut crds = PendingCrds {
            names: vec!["things.example.org".into()],
            definitions: vec![serde_json::json!({"kind": "CustomResourceDefinition"})],
            ..PendingCrds::default()
        };
        journal.crds = Some(crds.clone());
        assert_eq!(pending_crds(&journal), Ok(Some(&crds)));
        let text = serde_json::to_string(&journal).expect("JSON");
        let read: Journal = serde_json::from_str(&text).expect("a journal");
        assert_eq!(read, journal);
        assert!(journal.describe()[1].contains("things.example.org"));
        // They did not fit.
        crds.definitions.clear();
        journal.crds = Some(crds);
        let why = pending_crds(&journal).expect_err("a reason");
        assert!(why.contains("with its chart"), "{why}");
    }

    #[test]
    fn what_is_chosen() {
        let upgrade = Journal::new(Operation::Upgrade, 2);
        let both = [
            stored(1, Status::Deployed),
            stored(2, Status::PendingUpgrade),
        ];
        let version = |choice, journal: &Journal, history: &[Stored]| {
            chosen(choice, journal, history).map(|r| r.version).ok()
        };
        let table = [
            (Choice::Resume, &upgrade, &both[..], Some(2)),
            (Choice::Abandon, &upgrade, &both[..], Some(1)),
            // Killed before the record was made.
            (Choice::Resume, &upgrade, &both[..1], None),
            (Choice::Abandon, &upgrade, &both[..1], Some(1)),
            // A first install.
            (Choice::Abandon, &upgrade, &both[1..], None),
            (
                Choice::Resume,
                &Journal::new(Operation::Uninstall, 2),
                &both[..],
                None,
            ),
        ];
        for (choice, journal, history, expected) in table {
            assert_eq!(version(choice, journal, history), expected, "{choice:?}");
        }
    }
}
