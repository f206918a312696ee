//! `uninstall`: a last savepoint, then everything of the release goes; the ledger stays.

use futures::{StreamExt, TryStreamExt, stream};

use super::deploy::live_objects;
use super::interrupted::Left;
use super::journal::{Journal, Operation};
use super::outline::is_ended;
use super::prepare::{Change, JobAction};
use super::target::Target;
use super::{Error, Session};
use crate::cluster::prune::uninstall_rank;
use crate::cluster::{self, Delete, ObjectRef, PARALLEL};
use crate::plan::bonds::Bonds;
use crate::plan::objects::Change as ObjectAction;
use crate::plan::state::{JobRecord, Reached};
use crate::release::{Release, Status, Stored, Time};

/// How an uninstall ended.
#[derive(Debug, Clone)]
pub struct Uninstalled {
    /// The last revision.
    pub release: Release,
    /// The last savepoint of each workload: its name and the path.
    pub savepoints: Vec<(String, String)>,
    /// Objects that stay.
    pub kept: Vec<String>,
}

impl Uninstalled {
    /// The end of an uninstall that was killed when only its journal was left.
    fn before(journal: &Journal, name: &str, namespace: &str) -> Self {
        let path = |job: &JobRecord| Some((job.workload.clone(), job.path.clone()?));
        Uninstalled {
            release: Release {
                name: name.to_owned(),
                namespace: namespace.to_owned(),
                version: journal.revision,
                ..Release::default()
            },
            savepoints: journal.jobs.iter().filter_map(path).collect(),
            kept: Vec::new(),
        }
    }
}

impl Session<'_> {
    /// The history of a release that is to end.
    pub(crate) async fn history_to_end(&self) -> Result<Vec<Stored>, Error> {
        let history = self.history().await?;
        if is_ended(&history) {
            return Err(self.no_release());
        }
        Ok(history)
    }

    fn no_release(&self) -> Error {
        Error::NotFound(format!(
            "release {:?} not found in namespace {:?}",
            self.release, self.namespace
        ))
    }

    /// Uninstalls the release.
    pub async fn uninstall(&self, keep_history: bool, dry_run: bool) -> Result<Uninstalled, Error> {
        self.end(keep_history, dry_run, None).await
    }

    /// The same; where a plan was approved, exactly that one.
    pub(crate) async fn end(
        &self,
        keep_history: bool,
        dry_run: bool,
        approved: Option<&Bonds>,
    ) -> Result<Uninstalled, Error> {
        let mut history = self.history().await?;
        let left = self.left(&mut history, dry_run).await?;
        let Some(last) = history
            .last()
            .filter(|l| l.release.info.status != Status::Uninstalled)
        else {
            if let Left::Ended(journal) = left {
                return Ok(Uninstalled::before(
                    &journal,
                    &self.release,
                    &self.namespace,
                ));
            }
            return Err(self.no_release());
        };
        let interrupted = left.open();
        let change = Change {
            prior: live_objects(&history, &self.namespace)?,
            target: Target::default(),
            interrupted: interrupted.clone(),
            going_back: false,
        };
        let planned = self
            .plan_as_approved(&change, Operation::Uninstall, approved)
            .await?;
        let kept: Vec<String> = planned
            .objects
            .iter()
            .filter(|o| o.action == ObjectAction::Keep)
            .map(|o| o.reference.to_string())
            .collect();
        if dry_run {
            return Ok(Uninstalled {
                release: last.release.clone(),
                savepoints: Vec::new(),
                kept,
            });
        }
        self.signals.check()?;
        self.check_lock().await?;
        let mut journal =
            interrupted.unwrap_or_else(|| Journal::new(Operation::Uninstall, last.release.version));
        journal.operation = Operation::Uninstall;
        self.save_journal(&mut journal).await?;
        for job in &planned.jobs {
            let (JobAction::End(source), Some(old)) = (&job.action, &job.old) else {
                continue;
            };
            if let Err(e) = self
                .halt(&mut journal, old, source, job.folder.as_deref())
                .await
            {
                let untouched = journal
                    .jobs
                    .iter()
                    .all(|j| j.reached <= Some(Reached::Intent));
                if untouched && !matches!(e, Error::SavepointPending { .. }) {
                    self.end_journal().await?;
                }
                return Err(e);
            }
        }
        self.check_lock().await?;
        let mut stored = last.clone();
        stored.release.info.status = Status::Uninstalling;
        stored.release.info.description = "Uninstalling".to_owned();
        let mut stored = self.store().update(&stored).await?;
        self.step("deleting the objects");
        let mut leaving: Vec<_> = planned
            .objects
            .iter()
            .filter(|o| o.action == ObjectAction::Delete)
            .collect();
        leaving.sort_by_key(|o| uninstall_rank(&o.reference.kind, &o.reference.group));
        stream::iter(leaving.iter().map(|plan| async move {
            let how = Delete {
                uid: plan.live.as_ref().and_then(cluster::uid).map(str::to_owned),
                ..Delete::default()
            };
            match self.client.delete(&plan.reference, &how).await {
                Ok(_) | Err(cluster::Error::Stale { .. }) => Ok(()),
                Err(e) => Err(Error::from(e)),
            }
        }))
        .buffered(PARALLEL)
        .try_collect::<Vec<()>>()
        .await?;
        let mut savepoints = Vec::new();
        for job in &planned.jobs {
            let (JobAction::End(_), Some(old)) = (&job.action, &job.old) else {
                continue;
            };
            if let Some(path) = journal.job(&old.name).and_then(|r| r.path.clone()) {
                savepoints.push((old.name.clone(), path));
            }
            if let Some(cluster_id) = job.found.position.as_ref().map(|p| p.cluster_id.clone()) {
                self.forget_cluster(old, &cluster_id).await?;
            }
            let position = ObjectRef::new(
                "v1",
                "ConfigMap",
                Some(&old.namespace),
                &old.position_name(),
            );
            self.client.delete(&position, &Delete::default()).await?;
        }
        stored.release.info.status = Status::Uninstalled;
        stored.release.info.deleted = Some(Time::now());
        stored.release.info.description = "Uninstallation complete".to_owned();
        if keep_history {
            stored = self.store().update(&stored).await?;
        } else {
            for revision in self.store().revisions(&self.release).await? {
                self.store().delete(&self.release, revision.version).await?;
            }
        }
        self.end_journal().await?;
        Ok(Uninstalled {
            release: stored.release,
            savepoints,
            kept,
        })
    }
}
