//! Stopping a job with a savepoint, or finding the newest state that it has left.

use std::time::{Duration, Instant};

use super::journal::{Journal, Operation};
use super::ledger::Entry;
use super::{Error, Event, JobNews, Session, fresh_id, now};
use crate::flink::config;
use crate::flink::health::is_below;
use crate::flink::rest::{self, Operation as Fate, Rest};
use crate::flink::workload::Workload;
use crate::plan::state::{LiveJob, Mark, Progress, Reached, Source};

/// Between two looks at a stop under way.
const LOOK: Duration = Duration::from_millis(250);
/// How long REST may give no answer, or not know the job, until a stop's fate counts as unknown.
const SILENCE: Duration = Duration::from_secs(60);
/// After this long `/checkpoints` shows what a job has ended with, though it is cached for 3 s.
const CACHED: Duration = Duration::from_secs(5);

/// A savepoint or checkpoint that was taken.
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
        match source {
            Source::Stop { job_id } => self.stop(journal, old, job_id, folder).await?,
            Source::Resume => {
                let job_id = journal
                    .job_mut(&old.name, &old.namespace)
                    .job_id
                    .clone()
                    .unwrap_or_default();
                self.note(format!(
                    "an earlier run asked job {job_id} to stop; asking after it"
                ));
                match self.take(journal, old, true).await {
                    Err(Error::NoSavepoint { why, .. }) => {
                        self.note(format!("that stop came to nothing ({why}); asking anew"));
                        self.stop(journal, old, &job_id, folder).await?;
                    }
                    other => other?,
                }
            }
            Source::Path {
                path,
                number,
                named,
                why,
            } => {
                self.note(format!("{}: the state comes from {path} ({why})", old.name));
                let number = match number {
                    None => self.ledger().await?.number_of(path),
                    known => *known,
                };
                let record = journal.job_mut(&old.name, &old.namespace);
                record.begin(Reached::Saved);
                record.path = Some(path.clone());
                record.number = number;
                record.named = *named;
                let job_id = record.job_id.clone().filter(|_| !named);
                self.save_journal(journal).await?;
                if let Some(job_id) = job_id {
                    // The run that took it may have ended before it wrote it into the ledger.
                    let saved = Saved {
                        path: path.clone(),
                        number,
                        size: None,
                    };
                    let kind = if path.contains("/chk-") {
                        "checkpoint"
                    } else {
                        "savepoint"
                    };
                    self.enter(journal, old, &job_id, &saved, kind).await?;
                }
            }
            Source::Nothing { why } => {
                self.note(format!("{}: starts without state ({why})", old.name));
                let record = journal.job_mut(&old.name, &old.namespace);
                record.begin(Reached::Saved);
                record.path = None;
                record.number = None;
                record.named = true;
                self.save_journal(journal).await?;
            }
            Source::Newest { fallback, try_stop } => {
                return self
                    .halt_at_newest(journal, old, fallback.as_ref(), try_stop.as_deref(), folder)
                    .await;
            }
        }
        self.all_down(journal, old).await
    }

    /// Brings the pods down and writes that down.
    async fn all_down(&self, journal: &mut Journal, old: &Workload) -> Result<(), Error> {
        self.bring_down(old, journal).await?;
        journal.job_mut(&old.name, &old.namespace).reached = Some(Reached::Down);
        self.save_journal(journal).await
    }

    /// Stops a job with a savepoint under a new trigger id. Where that fails for sure, the journal's
    /// entry is again what it was.
    async fn stop(
        &self,
        journal: &mut Journal,
        old: &Workload,
        job_id: &str,
        folder: Option<&str>,
    ) -> Result<(), Error> {
        let before = journal.job_mut(&old.name, &old.namespace).clone();
        self.write_intent(journal, old, job_id, folder).await?;
        let taken = self.take(journal, old, false).await;
        if matches!(taken, Err(Error::NoSavepoint { .. })) {
            let entry = journal.job_mut(&old.name, &old.namespace);
            *entry = before;
            // An intent that came to nothing leaves nothing to go on from.
            entry.reached = entry.reached.filter(|r| *r > Reached::Intent);
            self.save_journal(journal).await?;
        }
        taken
    }

    /// Stops a job whose newest consistent state must be found out: by a savepoint where it runs,
    /// else by what it has left behind once no pod is left.
    async fn halt_at_newest(
        &self,
        journal: &mut Journal,
        old: &Workload,
        fallback: Option<&Mark>,
        try_stop: Option<&str>,
        folder: Option<&str>,
    ) -> Result<(), Error> {
        if let Some(job_id) = try_stop {
            match self.stop(journal, old, job_id, folder).await {
                Ok(()) => return self.all_down(journal, old).await,
                Err(Error::NoSavepoint { why, .. }) => self.note(format!(
                    "{}: no savepoint ({why}); taking its last checkpoint",
                    old.name
                )),
                Err(e) => return Err(e),
            }
        }
        let record = journal.job_mut(&old.name, &old.namespace).clone();
        let mut found = self.look_once(old, Some(&record)).await?;
        if found.facts.jobs.iter().flatten().any(LiveJob::has_ended) {
            // Nothing but REST may know the last checkpoint of a job that has ended.
            tokio::time::sleep(CACHED).await;
            found = self.look_once(old, Some(&record)).await?;
        }
        let record = journal.job_mut(&old.name, &old.namespace);
        if let Progress::Reached(mark) = &found.facts.progress {
            record.progress = Some(mark.clone());
        }
        if record.reached < Some(Reached::Positioned) {
            // What runs is what a finished operation started: that is written down again.
            record.path = fallback.map(|m| m.path.clone());
            record.number = fallback.and_then(|m| m.number);
        }
        record.new_job_id.clone_from(&found.facts.run);
        record.reached = Some(Reached::Applied);
        self.save_journal(journal).await?;
        self.bring_down(old, journal).await?;
        // Only now, with no process left, the last recorded checkpoint is the last one.
        let record = journal.job_mut(&old.name, &old.namespace).clone();
        let newest = match self.look_once(old, Some(&record)).await?.facts.progress {
            Progress::Reached(mark) => Some(mark),
            Progress::Nothing => record.progress.clone(),
            Progress::Unclear => {
                return Err(Error::StateAtRisk {
                    why: format!(
                        "{}: where its last checkpoint lies can't be told, and its pods are down",
                        old.name
                    ),
                    hints: vec![
                        "--restore-from PATH names a savepoint or a retained checkpoint".into(),
                    ],
                });
            }
        };
        if let Some(mark) = &newest {
            let job_id = record.new_job_id.clone().unwrap_or_default();
            let saved = Saved {
                path: mark.path.clone(),
                number: mark.number,
                size: None,
            };
            self.enter(journal, old, &job_id, &saved, "checkpoint")
                .await?;
        }
        let newest = newest.or_else(|| fallback.cloned());
        self.note(match &newest {
            Some(mark) => format!("{}: the newest consistent state is {}", old.name, mark.path),
            None => format!("{}: it has no state yet", old.name),
        });
        let record = journal.job_mut(&old.name, &old.namespace);
        record.begin(Reached::Down);
        record.number = newest.as_ref().and_then(|m| m.number);
        record.path = newest.map(|m| m.path);
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
        let found = self.look_once(old, None).await?;
        let start_time = found
            .facts
            .jobs
            .iter()
            .flatten()
            .find(|j| j.id == job_id)
            .map(|j| j.start_time)
            .unwrap_or_default();
        let trigger = fresh_id()?;
        // A folder for each stop: what lies in it is this stop's, and it is found again by listing.
        let target = folder.map(|f| {
            format!(
                "{}/{}-{}-r{}-{}",
                f.trim_end_matches('/'),
                self.namespace,
                self.release,
                journal.revision,
                trigger.get(..6).unwrap_or(&trigger)
            )
        });
        let record = journal.job_mut(&old.name, &old.namespace);
        record.begin(Reached::Intent);
        record.job_id = Some(job_id.to_owned());
        record.start_time = start_time;
        record.pod_uid = found.facts.pod_uid;
        record.trigger_id = Some(trigger);
        record.folder = target;
        record.path = None;
        record.number = None;
        self.save_journal(journal).await
    }

    /// Asks for the stop under the written trigger id and follows it to its fate; `resumed` where an
    /// earlier run may have asked already.
    async fn take(
        &self,
        journal: &mut Journal,
        old: &Workload,
        resumed: bool,
    ) -> Result<(), Error> {
        let record = journal.job_mut(&old.name, &old.namespace).clone();
        let job_id = record.job_id.clone().unwrap_or_default();
        let no = |why: String| Error::NoSavepoint {
            why,
            hints: no_savepoint_hints(),
        };
        self.step(format!(
            "{}: stopping job {job_id} with a savepoint",
            old.name
        ));
        let mut asked = Asked {
            job_id: job_id.clone(),
            trigger: record.trigger_id.clone().unwrap_or_default(),
            folder: record.folder.clone(),
            start_time: record.start_time,
            // Reading the result of a stop lets an application's JobManager exit, and its Deployment
            // would start it again with its old arguments; where it stays, reading is quicker.
            stays: !old.configuration.is_true(config::SHUTDOWN_ON_FINISH, true),
            begun: Instant::now(),
            sent: None,
            ended: None,
        };
        let mut rest = self.rest(old).await?;
        let mut answered = Instant::now();
        let saved = loop {
            if asked.begun.elapsed() > self.options.savepoint_timeout {
                return Err(Error::SavepointPending {
                    why: format!(
                        "the savepoint of job {job_id} was not taken within {} s (--savepoint-timeout)",
                        self.options.savepoint_timeout.as_secs()
                    ),
                });
            }
            let look = match &rest {
                Some(rest) => asked.look(rest).await,
                None => Err(rest::Error::Unreachable {
                    endpoint: old.name.clone(),
                    cause: "no JobManager pod runs".into(),
                }),
            };
            match look {
                Ok(step) => {
                    answered = Instant::now();
                    match step {
                        Step::Saved(saved) => break saved,
                        Step::Failed(why) => return Err(no(why)),
                        Step::Lost(why) => return Err(Error::SavepointPending { why }),
                        Step::UnderWay => self.waiting(
                            format!("the savepoint of job {job_id}"),
                            format!("{} s", asked.begun.elapsed().as_secs()),
                        ),
                    }
                }
                // Flink's own no to the stop; what it could not answer may have been taken on.
                Err(rest::Error::Refused {
                    message,
                    status,
                    call,
                }) if call.starts_with("POST") && status < 500 && status != 404 => {
                    return Err(no(message));
                }
                Err(e) if answered.elapsed() > SILENCE => {
                    return Err(if asked.sent.is_none() && !resumed {
                        no(e.to_string())
                    } else {
                        Error::SavepointPending { why: e.to_string() }
                    });
                }
                Err(e) => {
                    self.waiting("Flink's REST", e.to_string());
                    // Its pod may have been replaced.
                    rest = self.rest(old).await?;
                }
            }
            tokio::time::sleep(LOOK).await;
        };
        self.report.event(Event::Job(stopped(old, &job_id, &saved)));
        let record = journal.job_mut(&old.name, &old.namespace);
        record.path = Some(saved.path.clone());
        record.number = saved.number;
        record.reached = Some(Reached::Saved);
        self.save_journal(journal).await?;
        self.enter(journal, old, &job_id, &saved, "savepoint").await
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

/// The news of a job that was stopped with a savepoint.
fn stopped(workload: &Workload, job_id: &str, saved: &Saved) -> JobNews {
    JobNews {
        workload: workload.name.clone(),
        job_id: job_id.to_owned(),
        state: "FINISHED".to_owned(),
        savepoint: Some(saved.path.clone()),
        ready: true,
        ..JobNews::default()
    }
}

/// A stop that is asked for and followed.
struct Asked {
    job_id: String,
    trigger: String,
    /// The folder that only this stop's savepoint lies in.
    folder: Option<String>,
    /// When the job was started: another time is another run.
    start_time: i64,
    /// Whether the JobManager stays once its job has ended.
    stays: bool,
    begun: Instant,
    /// When the stop was sent by this process.
    sent: Option<Instant>,
    /// When the job was first seen to have ended.
    ended: Option<Instant>,
}

impl Asked {
    /// Looks once what became of the stop, and sends it where Flink doesn't know of it.
    async fn look(&mut self, rest: &Rest) -> Result<Step, rest::Error> {
        let job = rest.job(&self.job_id).await?;
        if self.start_time != 0 && job.start_time != 0 && job.start_time != self.start_time {
            return Ok(Step::Lost(format!(
                "the JobManager was started again while job {} was to stop",
                self.job_id
            )));
        }
        if rest::is_terminal(&job.state) {
            return self.look_at_ended(rest, &job.state).await;
        }
        if !self.stays
            && let Some(sent) = self.sent
        {
            // The result of a stop that succeeded must not be read, and one under way shows only as
            // a checkpoint in progress, up to 3 s late; what is left after that has failed.
            if sent.elapsed() < CACHED
                || rest.checkpoints(&self.job_id).await?.counts.in_progress > 0
            {
                return Ok(Step::UnderWay);
            }
        }
        match rest.savepoint_status(&self.job_id, &self.trigger).await? {
            Fate::Unknown if self.sent.is_none() => {
                rest.stop(&self.job_id, &self.trigger, self.folder.as_deref())
                    .await?;
                self.sent = Some(Instant::now());
                Ok(Step::UnderWay)
            }
            Fate::Done(Some(path)) => Ok(Step::Saved(self.known(rest, path).await?)),
            Fate::Unknown | Fate::InProgress | Fate::Done(None) => Ok(Step::UnderWay),
            Fate::Failed(why) => Ok(Step::Failed(why)),
        }
    }

    /// The job has ended: with this stop's savepoint, with another's, or with none.
    async fn look_at_ended(&mut self, rest: &Rest, state: &str) -> Result<Step, rest::Error> {
        let ended = *self.ended.get_or_insert_with(Instant::now);
        // `/checkpoints` is cached, so that it may show an older savepoint, or none yet.
        if self.stays
            && let Fate::Done(Some(path)) =
                rest.savepoint_status(&self.job_id, &self.trigger).await?
        {
            return Ok(Step::Saved(self.known(rest, path).await?));
        }
        let savepoint = rest.checkpoints(&self.job_id).await?.latest.savepoint;
        if let Some(savepoint) = savepoint
            && let Some(path) = savepoint.external_path.filter(|p| self.is_ours(p))
        {
            return Ok(Step::Saved(Saved {
                path,
                number: Some(savepoint.id),
                size: savepoint.state_size,
            }));
        }
        if ended.elapsed() < CACHED {
            return Ok(Step::UnderWay);
        }
        Ok(
            match rest.savepoint_status(&self.job_id, &self.trigger).await? {
                Fate::Done(Some(path)) => Step::Saved(self.known(rest, path).await?),
                Fate::Failed(why) => Step::Failed(format!("the job is {state}: {why}")),
                Fate::InProgress if ended.elapsed() < SILENCE => Step::UnderWay,
                _ => Step::Failed(format!(
                    "job {} is {state} and reports no savepoint",
                    self.job_id
                )),
            },
        )
    }

    /// A savepoint whose path the stop's own result gave; its number and size where they show.
    async fn known(&self, rest: &Rest, path: String) -> Result<Saved, rest::Error> {
        let shown = rest.checkpoints(&self.job_id).await?.latest.savepoint;
        let shown = shown.filter(|s| s.external_path.as_deref() == Some(path.as_str()));
        Ok(Saved {
            number: shown.as_ref().map(|s| s.id),
            size: shown.and_then(|s| s.state_size),
            path,
        })
    }

    fn is_ours(&self, path: &str) -> bool {
        self.folder.as_ref().is_none_or(|f| is_below(path, f))
    }
}

/// What one look at a stop shows.
enum Step {
    UnderWay,
    Saved(Saved),
    /// It came to nothing, and the job is as it was, or has ended without it.
    Failed(String),
    /// Nobody knows what became of it.
    Lost(String),
}

/// The ways on for a job that can't give a savepoint.
pub(crate) fn no_savepoint_hints() -> Vec<String> {
    vec![
        "--from-checkpoint latest goes on from its last completed checkpoint".into(),
        "--restore-from PATH starts from a savepoint that you name".into(),
        "--fresh starts without state".into(),
    ]
}
