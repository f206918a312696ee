//! Stopping a job with a savepoint, and bringing its pods down.

use std::time::{Duration, Instant};

use serde_json::json;

use super::facts::newer_than;
use super::journal::{Journal, Operation};
use super::ledger::Entry;
use super::{Error, Session, fresh_id, now};
use crate::cluster::{self, Delete, ObjectRef};
use crate::flink::config;
use crate::flink::manifest::{at, text};
use crate::flink::rest::{self, Operation as Fate, Rest};
use crate::flink::workload::Workload;
use crate::plan::state::{Reached, Source};
use crate::yaml::Value;

/// Between two looks at a stop under way.
const LOOK: Duration = Duration::from_millis(250);
/// How often pods that come back in between are brought down again.
const INTRUSIONS: u32 = 3;

/// A savepoint that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Saved {
    path: String,
    number: Option<u64>,
    size: Option<u64>,
}

impl Session<'_> {
    /// Carries out what the decision said about one workload's old job, down to the pods' end.
    ///
    /// Afterwards the journal's entry has reached [`Reached::Down`], with the path to start from.
    /// Until the savepoint is taken a failure changes nothing ([`Error::NoSavepoint`]).
    pub(crate) async fn halt(
        &self,
        journal: &mut Journal,
        old: &Workload,
        source: &Source,
        folder: Option<&str>,
    ) -> Result<(), Error> {
        let entry = journal.job_mut(&old.name, &old.namespace).clone();
        match source {
            Source::Stop { job_id } => {
                self.write_intent(journal, old, job_id, folder).await?;
                self.take(journal, old).await?;
            }
            Source::Resume => {
                self.note(format!(
                    "an earlier run asked job {} to stop; asking after it",
                    entry.job_id.as_deref().unwrap_or_default()
                ));
                self.take(journal, old).await?;
            }
            Source::Path { path, number, why } => {
                self.note(format!("{}: the state comes from {path} ({why})", old.name));
                let record = journal.job_mut(&old.name, &old.namespace);
                record.path = Some(path.clone());
                record.number = *number;
                record.is_savepoint = !path.contains("/chk-");
                record.reached = Some(Reached::Saved);
                self.save_journal(journal).await?;
            }
            Source::Nothing { why } => {
                self.note(format!("{}: starts without state ({why})", old.name));
                let record = journal.job_mut(&old.name, &old.namespace);
                record.path = None;
                record.number = None;
                record.reached = Some(Reached::Saved);
                self.save_journal(journal).await?;
            }
            Source::Newest {
                fallback,
                number,
                try_stop,
            } => {
                return self
                    .halt_at_newest(
                        journal,
                        old,
                        fallback.as_deref(),
                        *number,
                        try_stop.as_deref(),
                        folder,
                    )
                    .await;
            }
        }
        self.bring_down(old, journal).await?;
        let record = journal.job_mut(&old.name, &old.namespace);
        record.reached = Some(Reached::Down);
        self.save_journal(journal).await
    }

    /// Stops a job whose newest consistent state must be found out: by a savepoint where it runs,
    /// else by what high availability records once no pod is left.
    async fn halt_at_newest(
        &self,
        journal: &mut Journal,
        old: &Workload,
        fallback: Option<&str>,
        number: Option<u64>,
        try_stop: Option<&str>,
        folder: Option<&str>,
    ) -> Result<(), Error> {
        if let Some(job_id) = try_stop {
            let before = journal.job_mut(&old.name, &old.namespace).clone();
            self.write_intent(journal, old, job_id, folder).await?;
            match self.take(journal, old).await {
                Ok(()) => {
                    self.bring_down(old, journal).await?;
                    journal.job_mut(&old.name, &old.namespace).reached = Some(Reached::Down);
                    return self.save_journal(journal).await;
                }
                Err(Error::NoSavepoint { why, .. }) => {
                    self.note(format!(
                        "{}: no savepoint ({why}); taking its last checkpoint",
                        old.name
                    ));
                    *journal.job_mut(&old.name, &old.namespace) = before;
                    self.save_journal(journal).await?;
                }
                Err(e) => return Err(e),
            }
        }
        let found = self.look_once(old).await?;
        let job_id = found
            .position
            .as_ref()
            .map(|p| p.job_id.clone())
            .or_else(|| {
                found
                    .facts
                    .jobs
                    .as_deref()
                    .and_then(|j| j.first())
                    .map(|j| j.id.clone())
            })
            .unwrap_or_default();
        self.bring_down(old, journal).await?;
        // Only now, with no process left, the last recorded checkpoint is the last one.
        let newest = self.ha_checkpoint(old, &found).await?;
        let (path, number, is_savepoint) = match (&newest, fallback) {
            (Some((id, path)), _) if newer_than(newest.as_ref(), number, fallback) => {
                (path.clone(), Some(*id), false)
            }
            (_, Some(path)) => (path.to_owned(), number, !path.contains("/chk-")),
            (Some((id, path)), None) => (path.clone(), Some(*id), false),
            (None, None)
                if journal
                    .job(&old.name)
                    .is_some_and(|r| r.reached >= Some(Reached::Positioned)) =>
            {
                let record = journal.job_mut(&old.name, &old.namespace);
                record.path = None;
                record.reached = Some(Reached::Down);
                return self.save_journal(journal).await;
            }
            (None, None) => {
                return Err(Error::StateAtRisk {
                    why: format!(
                        "{}: no completed checkpoint is recorded, and its pods are down",
                        old.name
                    ),
                    hints: vec![
                        "--restore-from PATH names a savepoint or a retained checkpoint".into(),
                    ],
                });
            }
        };
        self.note(format!(
            "{}: the newest consistent state is {path}",
            old.name
        ));
        if !is_savepoint {
            let saved = Saved {
                path: path.clone(),
                number,
                size: None,
            };
            self.enter(journal, old, &job_id, &saved, "checkpoint")
                .await?;
        }
        let record = journal.job_mut(&old.name, &old.namespace);
        record.path = Some(path);
        record.number = number;
        record.is_savepoint = is_savepoint;
        record.reached = Some(Reached::Down);
        self.save_journal(journal).await
    }

    /// Writes down what is about to be asked, so that a later run can ask after it.
    async fn write_intent(
        &self,
        journal: &mut Journal,
        old: &Workload,
        job_id: &str,
        folder: Option<&str>,
    ) -> Result<(), Error> {
        let found = self.look_once(old).await?;
        let start_time = found
            .facts
            .jobs
            .iter()
            .flatten()
            .find(|j| j.id == job_id)
            .map(|j| j.start_time)
            .unwrap_or_default();
        let revision = journal.revision;
        let target = folder.map(|f| {
            format!(
                "{}/{}-{}-r{revision}",
                f.trim_end_matches('/'),
                self.namespace,
                self.release
            )
        });
        let trigger = fresh_id()?;
        let record = journal.job_mut(&old.name, &old.namespace);
        record.reached = Some(Reached::Intent);
        record.job_id = Some(job_id.to_owned());
        record.start_time = start_time;
        record.pod_uid = found.facts.pod_uid;
        record.trigger_id = Some(trigger);
        record.folder = target;
        record.path = None;
        record.number = None;
        self.save_journal(journal).await
    }

    /// Asks for the stop under the written trigger id and follows it to its fate.
    async fn take(&self, journal: &mut Journal, old: &Workload) -> Result<(), Error> {
        let record = journal.job_mut(&old.name, &old.namespace).clone();
        let job_id = record.job_id.clone().unwrap_or_default();
        let trigger = record.trigger_id.clone().unwrap_or_default();
        let no = |why: String| Error::NoSavepoint {
            why,
            hints: no_savepoint_hints(),
        };
        let Some(rest) = self.rest(old).await? else {
            return Err(no(format!("{}: no JobManager pod runs", old.name)));
        };
        self.step(format!(
            "{}: stopping job {job_id} with a savepoint",
            old.name
        ));
        // Reading the result of a stop lets an application's JobManager exit, and its Deployment
        // would start it again with its old arguments; where it is told to stay, reading is quicker.
        let stays = !old.configuration.is_true(config::SHUTDOWN_ON_FINISH, true);
        let begun = Instant::now();
        let mut sent = false;
        let mut refusals = 0_u32;
        let saved = loop {
            if begun.elapsed() > self.options.savepoint_timeout {
                return Err(Error::SavepointPending {
                    why: format!(
                        "the savepoint of job {job_id} was not taken within {} s (--savepoint-timeout)",
                        self.options.savepoint_timeout.as_secs()
                    ),
                });
            }
            match self
                .fate(&rest, &job_id, &trigger, stays, sent, begun.elapsed())
                .await
            {
                Ok(Step::Saved(saved)) => break saved,
                Ok(Step::Failed(why)) => return Err(no(why)),
                Ok(Step::NotSent) if !sent => {
                    match rest.stop(&job_id, &trigger, record.folder.as_deref()).await {
                        Ok(()) => sent = true,
                        Err(rest::Error::Refused { message, .. }) => return Err(no(message)),
                        Err(e) => self.waiting("Flink's REST", e.to_string()),
                    }
                }
                Ok(Step::NotSent | Step::UnderWay) => self.waiting(
                    format!("the savepoint of job {job_id}"),
                    format!("{} s", begun.elapsed().as_secs()),
                ),
                Err(e) => {
                    refusals += 1;
                    if refusals > 40 {
                        return Err(Error::SavepointPending {
                            why: format!("Flink's REST gives no answer any more: {e}"),
                        });
                    }
                    self.waiting("Flink's REST", e.to_string());
                }
            }
            tokio::time::sleep(LOOK).await;
        };
        self.note(format!("{}: savepoint {}", old.name, saved.path));
        self.enter(journal, old, &job_id, &saved, "savepoint")
            .await?;
        let record = journal.job_mut(&old.name, &old.namespace);
        record.path = Some(saved.path);
        record.number = saved.number;
        record.is_savepoint = true;
        record.reached = Some(Reached::Saved);
        self.save_journal(journal).await
    }

    /// One look at a stop: what became of it.
    async fn fate(
        &self,
        rest: &Rest,
        job_id: &str,
        trigger: &str,
        stays: bool,
        sent: bool,
        waited: Duration,
    ) -> Result<Step, rest::Error> {
        let job = match rest.job(job_id).await {
            Ok(job) => job,
            Err(e) if e.is_not_found() => {
                return Ok(Step::Failed(format!(
                    "Flink does not know job {job_id} any more"
                )));
            }
            Err(e) => return Err(e),
        };
        if rest::is_terminal(&job.state) {
            // `/checkpoints` is cached for 3 s, so a path may show late; with a JobManager that
            // stays, the result itself says it at once.
            if stays && let Fate::Done(Some(path)) = rest.savepoint_status(job_id, trigger).await? {
                let known = rest.checkpoints(job_id).await?.latest.savepoint;
                let known = known.filter(|s| s.external_path.as_deref() == Some(path.as_str()));
                return Ok(Step::Saved(Saved {
                    number: known.as_ref().map(|s| s.id),
                    size: known.and_then(|s| s.state_size),
                    path,
                }));
            }
            let savepoint = rest.checkpoints(job_id).await?.latest.savepoint;
            if let Some(savepoint) = savepoint.filter(|s| s.external_path.is_some()) {
                return Ok(Step::Saved(Saved {
                    path: savepoint.external_path.unwrap_or_default(),
                    number: Some(savepoint.id),
                    size: savepoint.state_size,
                }));
            }
            return Ok(if waited > Duration::from_secs(30) {
                Step::Failed(format!(
                    "job {job_id} is {} and reports no savepoint",
                    job.state
                ))
            } else {
                Step::UnderWay
            });
        }
        if sent && !stays {
            // The result of a stop that succeeded must not be read, and one under way shows only as
            // a checkpoint in progress, up to 3 s late; what is left after that has failed.
            let settled = waited > Duration::from_secs(4);
            if !settled || rest.checkpoints(job_id).await?.counts.in_progress > 0 {
                return Ok(Step::UnderWay);
            }
        }
        Ok(match rest.savepoint_status(job_id, trigger).await? {
            Fate::Unknown => Step::NotSent,
            Fate::InProgress | Fate::Done(_) => Step::UnderWay,
            Fate::Failed(why) => Step::Failed(why),
        })
    }

    /// Scales a workload's objects to 0 and waits until their pods are gone; notices who scales them
    /// up in between, and that a second run of the old job completed nothing.
    pub(crate) async fn bring_down(
        &self,
        old: &Workload,
        journal: &mut Journal,
    ) -> Result<(), Error> {
        let mut scaled: Vec<String> = Vec::new();
        let mut intrusions = 0_u32;
        let begun = Instant::now();
        loop {
            for owner in old.owners() {
                let reference = self.owner_ref(old, owner);
                let Some(live) = self.client.find(&reference).await? else {
                    continue;
                };
                if owner.kind == "Job" {
                    self.client.delete(&reference, &Delete::default()).await?;
                    continue;
                }
                let replicas = at(&live, &["spec", "replicas"])
                    .and_then(Value::as_i64)
                    .unwrap_or(1);
                if replicas == 0 {
                    continue;
                }
                let key = reference.to_string();
                if scaled.contains(&key) {
                    intrusions += 1;
                    let by = scaled_by(&live);
                    self.warn(format!(
                        "{key} was scaled up to {replicas} in between, by {by}; scaling it down again"
                    ));
                    if intrusions > INTRUSIONS {
                        return Err(Error::Failed(format!(
                            "{key} is scaled up again and again, by {by}; pause it, then run the command again: the journal knows the savepoint"
                        )));
                    }
                } else {
                    let record = journal.job_mut(&old.name, &old.namespace);
                    // A resumed run finds what the first one wrote down.
                    record
                        .replicas
                        .entry(key.clone())
                        .or_insert(i32::try_from(replicas).unwrap_or(1));
                    scaled.push(key.clone());
                }
                self.step(format!("scaling {key} from {replicas} to 0"));
                self.scale(&reference, &live, 0).await?;
            }
            if self.end_pods(old).await? {
                return Ok(());
            }
            if begun.elapsed() > self.options.timeout.max(Duration::from_secs(120)) {
                return Err(Error::Failed(format!(
                    "the pods of {} are still there after {} s; run the command again once they are gone: the journal knows the savepoint",
                    old.name,
                    begun.elapsed().as_secs()
                )));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Ends a workload's pods with a short grace (their work is saved); whether none is left.
    async fn end_pods(&self, old: &Workload) -> Result<bool, Error> {
        let mut left = Vec::new();
        for owner in old.owners() {
            for pod in self.pods(old, owner).await? {
                let name = text(&pod, &["metadata", "name"]).to_owned();
                let grace =
                    at(&pod, &["metadata", "deletionGracePeriodSeconds"]).and_then(Value::as_i64);
                if grace.is_none_or(|g| g > 1) {
                    let reference = ObjectRef::new("v1", "Pod", Some(&old.namespace), &name);
                    let how = Delete {
                        uid: cluster::uid(&pod).map(str::to_owned),
                        grace_period: Some(1),
                        ..Delete::default()
                    };
                    match self.client.delete(&reference, &how).await {
                        Ok(_) | Err(cluster::Error::Stale { .. }) => {}
                        Err(e) => return Err(e.into()),
                    }
                }
                left.push(name);
            }
        }
        if left.is_empty() {
            return Ok(true);
        }
        self.waiting("the old pods to be gone", left.join(", "));
        Ok(false)
    }

    /// Sets an object's replicas, if it is still the one that was read.
    pub(crate) async fn scale(
        &self,
        reference: &ObjectRef,
        live: &Value,
        replicas: i32,
    ) -> Result<(), Error> {
        let mut metadata = crate::yaml::Map::new();
        if let Some(uid) = cluster::uid(live) {
            metadata.insert("uid".into(), uid.into());
        }
        let patch = json!({"metadata": metadata, "spec": {"replicas": replicas}});
        self.client.merge_patch(reference, None, &patch).await?;
        Ok(())
    }

    /// Writes a savepoint or checkpoint into the ledger.
    async fn enter(
        &self,
        journal: &Journal,
        old: &Workload,
        job_id: &str,
        saved: &Saved,
        kind: &str,
    ) -> Result<(), Error> {
        let revision = if journal.operation == Operation::Uninstall {
            journal.revision
        } else {
            journal.revision.saturating_sub(1)
        };
        self.add_to_ledger(Entry {
            at: now(),
            path: saved.path.clone(),
            kind: kind.to_owned(),
            operation: journal.operation.word().to_owned(),
            revision,
            workload: old.name.clone(),
            job_id: job_id.to_owned(),
            number: saved.number,
            size: saved.size,
        })
        .await
    }
}

/// What one look at a stop shows.
enum Step {
    NotSent,
    UnderWay,
    Saved(Saved),
    Failed(String),
}

/// The ways on for a job that can't give a savepoint.
pub(crate) fn no_savepoint_hints() -> Vec<String> {
    vec![
        "--from-checkpoint latest goes on from its last completed checkpoint".into(),
        "--restore-from PATH starts from a savepoint that you name".into(),
        "--fresh starts without state".into(),
    ]
}

/// Who set an object's replicas last, by its managedFields.
fn scaled_by(live: &Value) -> String {
    crate::flink::manifest::list(live, &["metadata", "managedFields"])
        .iter()
        .filter(|m| at(m, &["fieldsV1", "f:spec", "f:replicas"]).is_some())
        .max_by_key(|m| text(m, &["time"]).to_owned())
        .map_or_else(
            || "an unknown manager".to_owned(),
            |m| format!("{:?}", text(m, &["manager"])),
        )
}
