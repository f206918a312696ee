//! Carrying a change out with the jobs' state: stop, position, apply, prune, observe.

use std::time::Instant;

use super::crds::CrdPlan;
use super::hooks::events;
use super::journal::{Journal, StartedJob};
use super::prepare::{Change, JobAction, JobPlan, Planned};
use super::{Error, Session};
use crate::cluster::{ObjectRef, Propagation, ownership};
use crate::flink::workload::Mode;
use crate::plan::objects::{Change as ObjectAction, stays};
use crate::plan::state::Reached;
use crate::release::Stored;

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
    /// Brings a change about: CRDs, hooks before, the change itself, hooks after. `stored` is the
    /// revision's record; how its hooks ran stands in it afterwards, also where it broke off.
    ///
    /// # Errors
    /// [`Broken`] says how far it came.
    pub(crate) async fn bring_about(
        &self,
        change: &Change,
        planned: &Planned,
        crds: &[CrdPlan],
        journal: &mut Journal,
        stored: &mut Stored,
    ) -> Result<Vec<StartedJob>, Broken> {
        let [before, after] = events(journal.operation);
        self.settle_hooks(stored, journal, &[before, after])
            .await
            .map_err(Broken::before)?;
        let mut made = self.apply_crds(crds).await.map_err(Broken::before)?;
        // Nothing of them is left for who would have to go on from here.
        journal.crds = None;
        made |= self.apply_ahead(planned).await.map_err(Broken::before)?;
        let again;
        let planned = if made && planned.objects.iter().any(|o| o.unverified.is_some()) {
            again = self.plan(change).await.map_err(Broken::before)?;
            &again
        } else {
            planned
        };
        match self.run_hooks(before, stored, journal).await {
            Ok(()) => {}
            // What is stopped must come back, whatever a hook says about it.
            Err(e) if change.going_back => self.warn(e.to_string()),
            Err(e) => return Err(Broken::before(e)),
        }
        let jobs = match self.carry_out(change, planned, journal).await {
            Ok(jobs) => jobs,
            Err(broken) => {
                self.clean_up(planned, &broken).await;
                return Err(broken);
            }
        };
        match self.run_hooks(after, stored, journal).await {
            Ok(()) => Ok(jobs),
            Err(e) if change.going_back => {
                self.warn(e.to_string());
                Ok(jobs)
            }
            Err(error @ (Error::Interrupted | Error::Terminated)) => {
                // The jobs were seen stable: nothing is left to be finished.
                journal.jobs.clear();
                Err(Broken {
                    error,
                    stopped: false,
                    changed: true,
                })
            }
            Err(error) => {
                let broken = Broken {
                    error,
                    stopped: !jobs.is_empty(),
                    changed: true,
                };
                self.clean_up(planned, &broken).await;
                Err(broken)
            }
        }
    }

    /// Deletes what a change that failed made, where that is wanted. Not once a job was stopped or
    /// started: its objects hold its state.
    async fn clean_up(&self, planned: &Planned, broken: &Broken) {
        if !self.options.cleanup_on_fail || broken.stopped || !broken.changed {
            return;
        }
        for plan in &planned.objects {
            if plan.action != ObjectAction::Create {
                continue;
            }
            let gone = async {
                let Some(live) = self.client.find(&plan.reference).await? else {
                    return Ok(());
                };
                let release = (self.release.as_str(), self.namespace.as_str());
                if let Some(why) = stays(&live, release, &self.options.delete_data) {
                    self.note(format!(
                        "{0} stays: {1}",
                        plan.reference,
                        why.words(&plan.reference)
                    ));
                } else if ownership::is_owned(&live, &self.release, &self.namespace) {
                    self.step(format!("deleting {}, which this made", plan.reference));
                    self.delete_ours(&plan.reference, &live, Propagation::default())
                        .await?;
                }
                Ok::<_, Error>(())
            };
            if let Err(e) = gone.await {
                self.warn(format!("{} stays behind: {e}", plan.reference));
            }
        }
    }

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
            if job.found.facts.exists {
                self.store()
                    .reserve(&self.release, journal.revision + 1)
                    .await
                    .map_err(|e| broken(e.into(), stopped, changed))?;
            }
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
        let ours = if planned.jobs.is_empty() {
            // Each apply looks for itself.
            self.lock_is_fresh().await
        } else {
            self.check_lock().await
        };
        ours.map_err(|e| broken(e, stopped, changed))?;
        if !stopped {
            self.signals.check().map_err(Broken::before)?;
        }
        for job in &planned.jobs {
            let Some(new) = &job.new else { continue };
            let written = match job.action {
                JobAction::Restart(_) => {
                    // What ran before has its own position, also where it had another name.
                    let ran = job.old.as_ref().filter(|_| job.found.facts.exists);
                    self.see_no_second_run(ran.unwrap_or(new), journal)
                        .await
                        .map_err(|e| broken(e, stopped, changed))?;
                    self.write_position(journal, new).await.map(drop)
                }
                JobAction::Untouched if new.mode == Mode::StandaloneApplication => {
                    self.ensure_position(new, &job.found).await
                }
                _ => Ok(()),
            };
            written.map_err(|e| broken(e, stopped, changed))?;
        }
        changed = true;
        let applied = self
            .apply_all(planned, stopped)
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
        if !planned.jobs.is_empty() {
            self.save_journal(journal)
                .await
                .map_err(|e| broken(e, stopped, changed))?;
        }
        self.prune(planned, &applied)
            .await
            .map_err(|e| broken(e, stopped, changed))?;
        let mut started = Vec::new();
        for job in &planned.jobs {
            let (JobAction::Restart(_) | JobAction::Observe, Some(new)) = (&job.action, &job.new)
            else {
                continue;
            };
            if new.mode == Mode::StandaloneSession {
                self.observe_session(new)
                    .await
                    .map_err(|e| broken(e, stopped, changed))?;
            }
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
        self.step("waiting for all objects to be ready");
        self.await_ready(&objects).await
    }

    /// The high-availability data of the run before is of no use once the new one is stable.
    async fn forget_old(&self, job: &JobPlan, current: &str) {
        // Where it was not there, what Helm uninstalled may have left its data behind.
        let Some(workload) = job.old.as_ref().or(job.new.as_ref()) else {
            return;
        };
        let also = job.old.as_ref().and(job.found.cluster_id.as_deref());
        if let Err(e) = self.forget_clusters(workload, Some(current), also).await {
            self.warn(format!(
                "old high-availability data of {} stays behind: {e}",
                workload.name
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
}
