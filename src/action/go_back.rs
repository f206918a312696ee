//! A change that failed: its record, and the way back to the deployed revision where that is wanted.

use std::cell::Cell;

use super::change::Broken;
use super::deploy::{describe, live_objects};
use super::interrupted::Past;
use super::journal::{Journal, Operation};
use super::note::{self, Origin, Run};
use super::prepare::Change;
use super::target::Target;
use super::{Error, Session};
use crate::cluster;
use crate::release::{Status, Store, Stored, Time};

impl Session<'_> {
    /// Records a failure, and goes back where that is wanted and possible. Never `Ok` but in name.
    pub(super) async fn fail(
        &self,
        mut stored: Stored,
        past: &Past,
        mut journal: Journal,
        broken: Broken,
        run: &Run,
    ) -> Result<(), Error> {
        let Broken {
            error,
            stopped,
            changed,
        } = broken;
        // Whoever holds the lock now goes on from the journal; and without the API server nothing can
        // be written: the next command finds the journal as it is.
        if matches!(
            error,
            Error::Lock(_) | Error::Cluster(cluster::Error::Unreachable { .. })
        ) {
            return Err(error);
        }
        if !stopped && !changed && matches!(error, Error::Interrupted | Error::Terminated) {
            self.store()
                .delete(&self.release, &[stored.release.version])
                .await?;
            // An earlier operation may have left what this one was to go on from.
            if journal.jobs.iter().all(|j| j.reached.is_none()) {
                self.end_journal().await?;
            }
            return Err(error);
        }
        stored.release.info.status = Status::Failed;
        stored.release.info.description = describe(stored.release.version, &error);
        let failed = match self.store().update(&stored).await {
            Ok(failed) => failed,
            Err(e) => {
                self.warn(format!("the record could not be written: {e}"));
                return Err(error);
            }
        };
        let mut note = run.note(failed.release.version);
        let objects = Target::of_manifest(&failed.release.manifest, &self.namespace)?.objects;
        let secrets = note::secret_values(&objects);
        note.error = Some(note::masked(&error.to_string(), &secrets));
        if let Error::NotReady(cause) = &error {
            note.take_failure(cause, &secrets);
        }
        self.save_note(&note).await?;
        let deployed = past
            .history
            .iter()
            .rev()
            .find(|s| s.release.info.status == Status::Deployed);
        // As Helm: an upgrade without a revision to go back to is left as it is.
        let withdraws = run.operation == Operation::Install && self.options.rollback_on_failure;
        if withdraws && deployed.is_none() {
            return Err(self.withdraw(&error, &note).await);
        }
        if !stopped && !changed {
            // Where a stop may have been sent, the next command asks after it.
            if journal.jobs.iter().all(|j| j.reached.is_none()) {
                self.end_journal().await?;
            }
            return Err(error);
        }
        if stopped && let Error::StateAtRisk { why, hints } = &error {
            return Err(Error::NotGoneBack {
                why: why.clone(),
                back: "the state to go back with is not known for sure".into(),
                hints: hints.clone(),
            });
        }
        let wanted = if stopped {
            self.options.go_back
        } else {
            self.options.rollback_on_failure
        };
        let Some(deployed) = deployed.filter(|_| wanted) else {
            if stopped && matches!(error, Error::Failed(_) | Error::NotReady(_)) && !wanted {
                return Err(Error::NotStable {
                    why: error.to_string(),
                });
            }
            if !stopped && journal.jobs.iter().all(|j| j.reached.is_none()) {
                self.end_journal().await?;
            }
            return Err(error);
        };
        self.warn(format!("{error}"));
        self.step(format!(
            "going back to revision {}",
            deployed.release.version
        ));
        match self
            .go_back(deployed, &failed, past, &mut journal, run)
            .await
        {
            Ok((new_revision, from)) => Err(Error::GoneBack {
                why: error.to_string(),
                revision: deployed.release.version,
                new_revision,
                from,
            }),
            Err(back) => Err(Error::NotGoneBack {
                why: error.to_string(),
                back: back.to_string(),
                hints: vec![
                    format!(
                        "nutkin savepoint list {} -n {} shows what can be restored",
                        self.release, self.namespace
                    ),
                    format!(
                        "nutkin upgrade {} CHART --restore-from PATH goes on from a savepoint that you name",
                        self.release
                    ),
                ],
            }),
        }
    }

    /// Brings a deployed revision back after a change that failed, from the newest consistent state.
    async fn go_back(
        &self,
        deployed: &Stored,
        failed: &Stored,
        past: &Past,
        journal: &mut Journal,
        failed_run: &Run,
    ) -> Result<(u32, String), Error> {
        let mut run = Run::begin(Operation::Rollback, Origin::default());
        run.by.clone_from(&failed_run.by);
        let mut record = deployed.release.clone();
        record.version = failed.release.version + 1;
        record.info.status = Status::PendingRollback;
        record.info.rollback_revision = deployed.release.version;
        record.info.last_deployed = Some(Time::now());
        record.info.description = format!(
            "Going back to {} from failed revision {}",
            deployed.release.version, failed.release.version
        );
        let mut prior = live_objects(&past.history, &self.namespace)?;
        prior.extend(Target::of_manifest(&failed.release.manifest, &self.namespace)?.objects);
        let change = Change {
            prior,
            listed: Cell::default(),
            target: Target::of_manifest(&deployed.release.manifest, &self.namespace)?,
            interrupted: Some(journal.clone()),
            going_back: true,
            ask_all: false,
        };
        let planned = self.plan(&change).await?;
        journal.operation = Operation::Rollback;
        journal.revision = record.version;
        self.save_journal(journal).await?;
        let packed = Store::check(&record)?;
        let mut stored = self.store().create(&record, packed, None).await?;
        match self
            .bring_about(&change, &planned, &[], journal, &mut stored)
            .await
        {
            Ok(jobs) => {
                let from = jobs
                    .iter()
                    .filter_map(|j| j.restored_from.clone())
                    .collect::<Vec<_>>()
                    .join(", ");
                self.succeed(stored, past, journal, &jobs, &run).await?;
                let from = if from.is_empty() {
                    "no job was restarted".to_owned()
                } else {
                    format!("from {from}")
                };
                Ok((record.version, from))
            }
            Err(Broken { error, .. }) => {
                stored.release.info.status = Status::Failed;
                stored.release.info.description = describe(record.version, &error);
                self.store().update(&stored).await?;
                Err(error)
            }
        }
    }
}
