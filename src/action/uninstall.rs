//! `uninstall`: a last savepoint, then everything of the release goes; the ledger stays.

use std::cell::Cell;

use super::deploy::live_objects;
use super::hooks::{HookPlan, events};
use super::interrupted::{Left, Past};
use super::journal::{Journal, Operation};
use super::outline::is_ended;
use super::prepare::{Change, JobAction};
use super::remove::{Removal, leaving};
use super::target::Target;
use super::{Error, Kept, Session};
use crate::cluster::{self, Delete, ObjectRef};
use crate::plan::bonds::Bonds;
use crate::plan::state::JobRecord;
use crate::release::{Release, Status, Stored, Time};

/// How an uninstall ended.
#[derive(Debug, Clone)]
pub struct Uninstalled {
    /// The last revision.
    pub release: Release,
    /// The last savepoint of each workload: its name and the path.
    pub savepoints: Vec<(String, String)>,
    /// Objects that stay.
    pub kept: Vec<Kept>,
    /// What was done, or would be, a line per object, job and hook.
    pub summary: Vec<String>,
}

/// How a release ends.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ending {
    /// Whether the records of its revisions stay.
    pub keep_history: bool,
    /// Whether it is only tried.
    pub dry_run: bool,
    /// Whether it takes back an install that failed: then a job that doesn't run is no obstacle.
    pub going_back: bool,
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
            summary: Vec::new(),
        }
    }
}

impl Session<'_> {
    /// What is past of a release that is there.
    ///
    /// # Errors
    /// [`Error::NotFound`] where it isn't, or was uninstalled.
    pub(crate) fn to_end(&self, past: Past) -> Result<Past, Error> {
        if is_ended(&past.history) {
            return Err(self.no_release());
        }
        Ok(past)
    }

    fn no_release(&self) -> Error {
        Error::NotFound(format!(
            "release {:?} not found in namespace {:?}",
            self.release, self.namespace
        ))
    }

    /// Uninstalls the release.
    ///
    /// # Errors
    /// Where it isn't there, its jobs' state can't be kept, or something can't be deleted. A hook
    /// after the deletion that fails is an error too, but the release is gone by then, as with Helm.
    pub async fn uninstall(&self, keep_history: bool, dry_run: bool) -> Result<Uninstalled, Error> {
        let how = Ending {
            keep_history,
            dry_run,
            ..Ending::default()
        };
        self.end(how, None).await
    }

    /// The same; where a plan was approved, exactly that one.
    pub(crate) async fn end(
        &self,
        how: Ending,
        approved: Option<&Bonds>,
    ) -> Result<Uninstalled, Error> {
        let Ending {
            keep_history,
            dry_run,
            going_back,
        } = how;
        let mut past = self.past().await?;
        if !dry_run {
            self.end_earlier(&mut past).await?;
        }
        let Past { history, left, .. } = past;
        let last = match history.last() {
            Some(last) if last.release.info.status != Status::Uninstalled => last,
            last => {
                if let Left::Ended(journal) = left {
                    return Ok(Uninstalled::before(
                        &journal,
                        &self.release,
                        &self.namespace,
                    ));
                }
                if let Some(last) = last {
                    return self.purge(last, keep_history, dry_run).await;
                }
                return Err(self.no_release());
            }
        };
        let interrupted = left.open();
        let change = Change {
            prior: live_objects(&history, &self.namespace)?,
            listed: Cell::default(),
            target: Target::default(),
            interrupted: interrupted.clone(),
            going_back,
            ask_all: true,
        };
        let planned = self
            .plan_as_approved(&change, &[], Operation::Uninstall, approved)
            .await?;
        let of = events(Operation::Uninstall);
        let hooks = self
            .plan_hooks(&last.release.hooks, &change.target, &of)
            .await?;
        let mut summary = self.summary(&planned);
        summary.extend(hooks.iter().map(HookPlan::line));
        let kept = self.all_kept(&planned);
        if dry_run {
            return Ok(Uninstalled {
                release: last.release.clone(),
                savepoints: Vec::new(),
                kept,
                summary,
            });
        }
        if !going_back {
            self.signals.check()?;
        }
        self.check_lock().await?;
        let mut journal =
            interrupted.unwrap_or_else(|| Journal::new(Operation::Uninstall, last.release.version));
        journal.operation = Operation::Uninstall;
        self.save_journal(&mut journal).await?;
        let mut stored = last.clone();
        self.settle_hooks(&stored, &mut journal, &of).await?;
        // The jobs still run; nothing was changed yet.
        if let Err(e) = self.run_hooks(of[0], &mut stored, &mut journal).await {
            if matches!(
                e,
                Error::Lock(_) | Error::Cluster(cluster::Error::Unreachable { .. })
            ) {
                return Err(e);
            }
            self.store().update(&stored).await?;
            if journal.jobs.iter().all(|j| j.reached.is_none()) {
                self.end_journal().await?;
            }
            return Err(e);
        }
        for job in &planned.jobs {
            let (JobAction::End(source), Some(old)) = (&job.action, &job.old) else {
                continue;
            };
            self.store()
                .reserve(&self.release, last.release.version + 1)
                .await?;
            if let Err(e) = self
                .halt(&mut journal, old, source, job.folder.as_deref())
                .await
            {
                if journal.jobs.iter().all(|j| j.reached.is_none()) {
                    self.end_journal().await?;
                }
                return Err(e);
            }
        }
        self.check_lock().await?;
        stored.release.info.status = Status::Uninstalling;
        stored.release.info.deleted = Some(Time::now());
        stored.release.info.description = "Deletion in progress (or silently failed)".to_owned();
        let mut stored = self.store().update(&stored).await?;
        self.step("deleting the objects");
        let removal = Removal {
            propagation: self.options.propagation,
            wait: self.options.wait,
        };
        self.remove_all(&leaving(&planned.objects), removal).await?;
        let mut savepoints = Vec::new();
        for job in &planned.jobs {
            let (JobAction::End(_), Some(old)) = (&job.action, &job.old) else {
                continue;
            };
            if let Some(path) = journal.job(&old.name).and_then(|r| r.path.clone()) {
                savepoints.push((old.name.clone(), path));
            }
            let cluster_id = job.found.position.as_ref().map(|p| p.cluster_id.as_str());
            self.forget_clusters(old, None, cluster_id).await?;
            let position = ObjectRef::new(
                "v1",
                "ConfigMap",
                Some(&old.namespace),
                &old.position_name(),
            );
            self.client.delete(&position, &Delete::default()).await?;
        }
        let after = self.run_hooks(of[1], &mut stored, &mut journal).await;
        stored.release.info.status = Status::Uninstalled;
        stored.release.info.deleted = Some(Time::now());
        stored.release.info.description = self
            .options
            .description
            .clone()
            .unwrap_or_else(|| "Uninstallation complete".to_owned());
        if keep_history {
            stored = self.store().update(&stored).await?;
            for old in &history {
                if old.release.info.status == Status::Deployed
                    && old.release.version != stored.release.version
                {
                    let mut old = old.clone();
                    old.release.info.status = Status::Superseded;
                    self.store().update(&old).await?;
                }
            }
        } else {
            self.delete_records().await?;
        }
        self.end_journal().await?;
        match after {
            Ok(()) => Ok(Uninstalled {
                release: stored.release,
                savepoints,
                kept,
                summary,
            }),
            Err(Error::Failed(why)) => Err(Error::Failed(format!(
                "the release is uninstalled, but {why}"
            ))),
            Err(e) => Err(e),
        }
    }

    /// Ends what an uninstall with `--keep-history` left.
    async fn purge(
        &self,
        last: &Stored,
        keep_history: bool,
        dry_run: bool,
    ) -> Result<Uninstalled, Error> {
        if keep_history {
            return Err(Error::NotFound(format!(
                "release {:?} is uninstalled already; its history is kept",
                self.release
            )));
        }
        if !dry_run {
            self.check_lock().await?;
            self.delete_records().await?;
        }
        Ok(Uninstalled {
            release: last.release.clone(),
            savepoints: Vec::new(),
            kept: Vec::new(),
            summary: vec!["the records of its revisions are deleted".to_owned()],
        })
    }

    async fn delete_records(&self) -> Result<(), Error> {
        let gone = self.store().delete_all(&self.release).await?;
        self.drop_notes(&gone).await
    }
}
