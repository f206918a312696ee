//! Carrying a change out with the jobs' state: stop, position, apply, prune, observe.

use std::time::Instant;

use futures::{StreamExt, TryStreamExt, stream};

use super::journal::{Journal, StartedJob};
use super::prepare::{Change, JobAction, JobPlan, ObjectPlan, Planned};
use super::{Error, Session};
use crate::cluster::prune::uninstall_rank;

use crate::cluster::{self, Apply, Delete, ObjectRef, PARALLEL, Progress, Wait, WaitError};
use crate::flink::workload::{Mode, Workload};
use crate::plan::objects::Change as ObjectAction;
use crate::plan::state::Reached;
use crate::yaml::Value;

/// A change that broke off.
#[derive(Debug)]
pub(crate) struct Broken {
    /// Why.
    pub error: Error,
    /// Whether a job was stopped, so that leaving things as they are means downtime.
    pub stopped: bool,
    /// Whether an object was changed.
    pub changed: bool,
}

impl Broken {
    fn before(error: impl Into<Error>) -> Self {
        Broken {
            error: error.into(),
            stopped: false,
            changed: false,
        }
    }
}

impl Session<'_> {
    /// Carries a plan out. The journal is written before each step that can't be undone.
    ///
    /// # Errors
    /// [`Broken`] says how far it came.
    pub(crate) async fn carry_out(
        &self,
        change: &Change,
        planned: &Planned,
        journal: &mut Journal,
    ) -> Result<Vec<StartedJob>, Broken> {
        let mut stopped = change.going_back;
        let mut changed = false;
        let broken = |error: Error, stopped: bool, changed: bool| Broken {
            error,
            stopped,
            changed,
        };
        let begun = Instant::now();
        for job in &planned.jobs {
            let (JobAction::Restart(source) | JobAction::End(source)) = &job.action else {
                continue;
            };
            if !stopped {
                self.signals.check().map_err(Broken::before)?;
            }
            self.check_lock()
                .await
                .map_err(|e| broken(e, stopped, changed))?;
            let either = job
                .old
                .as_ref()
                .filter(|_| job.found.facts.exists)
                .or(job.new.as_ref());
            let Some(workload) = either else { continue };
            let was_saved = |journal: &Journal| {
                journal
                    .job(&workload.name)
                    .is_some_and(|r| r.reached >= Some(Reached::Saved))
            };
            let before = journal.job(&workload.name).cloned();
            match self
                .halt(journal, workload, source, job.folder.as_deref())
                .await
            {
                Ok(()) => stopped = true,
                Err(e) => {
                    let now_stopped = stopped
                        || (was_saved(journal) && journal.job(&workload.name) != before.as_ref());
                    return Err(broken(e, now_stopped, changed));
                }
            }
            self.rename_entry(journal, job);
        }
        let downtime_from = begun;
        self.check_lock()
            .await
            .map_err(|e| broken(e, stopped, changed))?;
        if !stopped {
            self.signals.check().map_err(Broken::before)?;
        }
        for job in &planned.jobs {
            let Some(new) = &job.new else { continue };
            let written = match job.action {
                JobAction::Restart(_) => {
                    self.still_down(new, journal)
                        .await
                        .map_err(|e| broken(e, stopped, changed))?;
                    self.write_position(journal, new).await.map(drop)
                }
                JobAction::Untouched if new.mode == Mode::StandaloneApplication => {
                    self.ensure_position(journal, new).await
                }
                _ => Ok(()),
            };
            written.map_err(|e| broken(e, stopped, changed))?;
        }
        changed = true;
        self.apply_all(planned, stopped)
            .await
            .map_err(|e| broken(e, stopped, changed))?;
        for job in &planned.jobs {
            if let (JobAction::Restart(_), Some(new)) = (&job.action, &job.new) {
                self.scale_back(journal, new)
                    .await
                    .map_err(|e| broken(e, stopped, changed))?;
                journal.job_mut(&new.name, &new.namespace).reached = Some(Reached::Applied);
            }
        }
        self.save_journal(journal)
            .await
            .map_err(|e| broken(e, stopped, changed))?;
        self.prune(planned)
            .await
            .map_err(|e| broken(e, stopped, changed))?;
        let mut started = Vec::new();
        for job in &planned.jobs {
            let (JobAction::Restart(_) | JobAction::Observe, Some(new)) = (&job.action, &job.new)
            else {
                continue;
            };
            if new.mode != Mode::StandaloneApplication {
                continue;
            }
            let position = self
                .position(new)
                .await
                .map_err(|e| broken(e, stopped, changed))?;
            let Some(position) = position else { continue };
            if let Err(why) = self.observe(journal, new, &position).await {
                let error = if super::observe::is_interruption(&why) {
                    Error::Interrupted
                } else {
                    Error::Failed(why)
                };
                return Err(broken(error, stopped, changed));
            }
            started.push(StartedJob {
                workload: new.name.clone(),
                job_id: position.job_id.clone(),
                restored_from: position.path.clone(),
                downtime: job
                    .found
                    .facts
                    .exists
                    .then(|| downtime_from.elapsed().as_secs_f64()),
            });
            self.forget_old(job, &position.cluster_id).await;
        }
        if self.options.wait {
            self.wait_ready(planned)
                .await
                .map_err(|e| broken(e, stopped, changed))?;
        }
        Ok(started)
    }

    /// Waits until all objects are ready.
    async fn wait_ready(&self, planned: &Planned) -> Result<(), Error> {
        let objects: Vec<ObjectRef> = planned
            .objects
            .iter()
            .filter(|o| o.wanted.is_some())
            .map(|o| o.reference.clone())
            .collect();
        let how = Wait {
            timeout: self.options.timeout,
            ..Wait::default()
        };
        self.step("waiting for all objects to be ready");
        let heard = |progress: Progress| match progress {
            Progress::State { object, state } if !state.is_ready() => {
                self.waiting(object.to_string(), state.reason());
            }
            Progress::Pod {
                object,
                pod,
                reason,
            } => {
                self.waiting(object.to_string(), format!("Pod/{pod}: {reason}"));
            }
            Progress::State { .. } => {}
        };
        match self.client.wait_ready(&objects, &how, heard).await {
            Ok(()) => Ok(()),
            Err(WaitError::Cluster(e)) => Err(e.into()),
            Err(e) => Err(Error::Failed(e.to_string())),
        }
    }

    /// The high-availability data of the run before is of no use once the new one is stable.
    async fn forget_old(&self, job: &JobPlan, current: &str) {
        let (Some(old), Some(cluster_id)) = (&job.old, &job.found.cluster_id) else {
            return;
        };
        if cluster_id != current
            && let Err(e) = self.forget_cluster(old, cluster_id).await
        {
            self.warn(format!(
                "old high-availability data of {cluster_id} stays behind: {e}"
            ));
        }
    }

    /// The journal's entry follows a workload that has another name in the new manifest.
    fn rename_entry(&self, journal: &mut Journal, job: &JobPlan) {
        if let (Some(old), Some(new)) = (&job.old, &job.new)
            && old.name != new.name
        {
            let mut record = journal.job_mut(&old.name, &old.namespace).clone();
            record.workload.clone_from(&new.name);
            *journal.job_mut(&new.name, &new.namespace) = record;
        }
    }

    /// Sees that nobody started the old JobManager again before the new position is written.
    async fn still_down(&self, workload: &Workload, journal: &mut Journal) -> Result<(), Error> {
        let found = self.look_once(workload).await?;
        if !found.facts.up {
            return Ok(());
        }
        let number = journal.job(&workload.name).and_then(|r| r.number);
        let path = journal.job(&workload.name).and_then(|r| r.path.clone());
        self.bring_down(workload, journal).await?;
        let after = self.look_once(workload).await?;
        let newest = after.facts.ha_checkpoint;
        if super::facts::newer_than(newest.as_ref(), number, path.as_deref()) && number.is_some() {
            return Err(Error::StateAtRisk {
                why: format!(
                    "{} was started again by another after its savepoint, and completed a checkpoint: going on from the savepoint would repeat what it committed",
                    workload.name
                ),
                hints: vec![
                    "--from-checkpoint latest goes on from that checkpoint".into(),
                    "--restore-from PATH starts from the savepoint all the same".into(),
                ],
            });
        }
        Ok(())
    }

    /// Applies the objects that change, stage by stage, independent ones at once.
    async fn apply_all(&self, planned: &Planned, stopped: bool) -> Result<(), Error> {
        let changing: Vec<&ObjectPlan> = planned
            .objects
            .iter()
            .filter(|o| {
                o.wanted.is_some()
                    && (!matches!(o.action, ObjectAction::Nothing)
                        || self.is_restarted(planned, &o.reference))
            })
            .collect();
        self.step(format!(
            "applying {} of {} objects",
            changing.len(),
            planned.objects.len()
        ));
        let mut stages: Vec<u8> = changing
            .iter()
            .map(|o| cluster::kinds::stage(&o.reference.kind))
            .collect();
        stages.sort_unstable();
        stages.dedup();
        for stage in stages {
            let of_stage = changing
                .iter()
                .filter(|o| cluster::kinds::stage(&o.reference.kind) == stage);
            stream::iter(of_stage.map(|o| async move {
                // Our own scaling to 0 is another entry in managedFields than our apply.
                let force = self.options.force_conflicts
                    || (stopped && self.is_restarted(planned, &o.reference));
                let Some(wanted) = &o.wanted else {
                    return Ok(());
                };
                match &o.live {
                    Some(live) if o.action == ObjectAction::Recreate => {
                        self.remove(&o.reference, live).await?;
                    }
                    Some(live) => self.migrate(live).await?,
                    None => {}
                }
                // What is made anew is no longer there to be written over.
                let over = o
                    .live
                    .as_ref()
                    .filter(|_| o.action != ObjectAction::Recreate);
                let how = Apply {
                    force,
                    ..Apply::default()
                };
                self.apply_over(wanted, over, how).await.map(drop)
            }))
            .buffer_unordered(PARALLEL)
            .try_collect::<Vec<()>>()
            .await?;
        }
        Ok(())
    }

    /// Deletes an object that is to be made anew, and sees it gone.
    async fn remove(&self, reference: &ObjectRef, live: &Value) -> Result<(), Error> {
        self.step(format!("deleting {reference}, which is made anew"));
        let how = Delete {
            uid: cluster::uid(live).map(str::to_owned),
            propagation: cluster::Propagation::Foreground,
            ..Delete::default()
        };
        match self.client.delete(reference, &how).await {
            Ok(_) | Err(cluster::Error::Stale { .. }) => {}
            Err(e) => return Err(e.into()),
        }
        self.client
            .wait_gone(reference, cluster::uid(live), self.options.timeout)
            .await
            .map_err(|e| Error::Failed(e.to_string()))
    }

    /// Moves fields that Helm 3 or `kubectl apply` set client-side to our own entry.
    async fn migrate(&self, live: &Value) -> Result<(), Error> {
        match self.client.take_over(live, &self.options.take_over).await {
            // Changed since it was read, by our own scaling or by a controller: read it again.
            Err(cluster::Error::Stale { .. }) => {
                if let Some(again) = self.client.find(&ObjectRef::of(live)?).await? {
                    self.client
                        .take_over(&again, &self.options.take_over)
                        .await?;
                }
                Ok(())
            }
            other => Ok(other.map(drop)?),
        }
    }

    /// Whether an object makes the pods of a workload that was brought down.
    fn is_restarted(&self, planned: &Planned, reference: &ObjectRef) -> bool {
        planned.jobs.iter().any(|j| {
            matches!(j.action, JobAction::Restart(_))
                && j.new.as_ref().is_some_and(|w| {
                    w.owners()
                        .any(|o| o.kind == reference.kind && o.name == reference.name)
                })
        })
    }

    /// Deletes what left the manifest, in the reverse of the install order.
    async fn prune(&self, planned: &Planned) -> Result<(), Error> {
        let mut leaving: Vec<&ObjectPlan> = planned
            .objects
            .iter()
            .filter(|o| o.action == ObjectAction::Delete && o.live.is_some())
            .collect();
        leaving.sort_by_key(|o| uninstall_rank(&o.reference.kind, &o.reference.group));
        for plan in leaving {
            self.step(format!(
                "deleting {}, which left the manifest",
                plan.reference
            ));
            let how = Delete {
                uid: plan.live.as_ref().and_then(cluster::uid).map(str::to_owned),
                ..Delete::default()
            };
            match self.client.delete(&plan.reference, &how).await {
                Ok(_) | Err(cluster::Error::Stale { .. }) => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }
}
