//! Watching a started job until it is stable, or until it is clear that it won't be.

use std::time::{Duration, Instant};

use super::facts::why_unreachable;
use super::journal::Journal;
use super::{Error, Event, JobNews, Session};
use crate::flink::health::{Expected, Phase, Sample, Verdict, Watch};
use crate::flink::inject::Position;
use crate::flink::manifest::{list, text};
use crate::flink::rest::Rest;
use crate::flink::workload::Workload;
use crate::plan::state::Mark;

/// Between two samples.
const SAMPLE: Duration = Duration::from_millis(500);
/// How many failures of the job end the watch.
const MAX_FAILURES: u32 = 3;
/// How long trouble of a pod may last before it ends the watch.
const GRACE: Duration = Duration::from_secs(20);
/// How much of a pod's log is looked through for what a failure shows.
const LOG_LINES: u32 = 400;
/// How many lines of it are shown.
const SHOWN: usize = 12;

impl Session<'_> {
    /// Watches a workload's job that was started at `position` until it is stable.
    ///
    /// `Err` says why it isn't; what was learnt of its first restore is in the journal then.
    pub(crate) async fn observe(
        &self,
        journal: &mut Journal,
        workload: &Workload,
        position: &Position,
    ) -> Result<(), String> {
        self.step(format!(
            "{}: watching job {} until it is stable",
            workload.name, position.job_id
        ));
        let mut watch = Watch::new(Expected {
            job_id: position.job_id.clone(),
            path: position.path.clone(),
            stable_for: self.options.stable_for,
            max_failures: MAX_FAILURES,
        });
        let begun = Instant::now();
        let mut phase_since = (Phase::Start, begun);
        let mut trouble: Option<(String, Instant)> = None;
        let mut asked: Option<Instant> = None;
        let mut rest: Option<Rest> = None;
        loop {
            let (sample, why) = self
                .sample(workload, position, &mut rest, begun.elapsed())
                .await;
            let verdict = watch.judge(&sample);
            // Going back needs to know what the job was restored from, and whether it went on since:
            // once it has ended, nothing else may tell.
            let failed = matches!(verdict, Verdict::Failed(_));
            let record = journal.job_mut(&workload.name, &workload.namespace);
            let before = (record.number, record.progress.clone());
            record.number = watch.restored_id().or(record.number);
            if let Some((number, path)) = watch.newest()
                && (record.progress.is_none() || failed)
            {
                record.progress = Some(Mark {
                    number: Some(*number),
                    path: path.clone(),
                });
            }
            if (record.number, record.progress.clone()) != before {
                self.save_journal(journal)
                    .await
                    .map_err(|e| e.to_string())?;
            }
            match verdict {
                Verdict::Stable => {
                    let mut stable = news(workload, position, &sample, String::new());
                    stable.ready = true;
                    self.report.event(Event::Job(stable));
                    return Ok(());
                }
                Verdict::Failed(why) => {
                    return Err(self
                        .explained(workload, position, rest.as_ref(), &why)
                        .await);
                }
                Verdict::Waiting(phase, missing) => {
                    if phase_since.0 != phase {
                        phase_since = (phase, Instant::now());
                    }
                    let (limit, flag) = match phase {
                        Phase::Start => (self.options.start_timeout, "--start-timeout"),
                        Phase::Checkpoint => (
                            self.options.checkpoint_timeout + self.options.stable_for,
                            "--checkpoint-timeout",
                        ),
                    };
                    let missing = why.unwrap_or(missing);
                    let all = self.options.start_timeout
                        + self.options.checkpoint_timeout
                        + self.options.stable_for;
                    if phase_since.1.elapsed() > limit || begun.elapsed() > all {
                        let why = format!(
                            "not stable within {} s ({flag}): {missing}",
                            limit.as_secs()
                        );
                        return Err(self
                            .explained(workload, position, rest.as_ref(), &why)
                            .await);
                    }
                    self.report
                        .event(Event::Job(news(workload, position, &sample, missing)));
                }
            }
            if sample.summary.as_ref().is_some_and(|s| s.runs_fully())
                && !watch.has_progressed()
                && asked.is_none_or(|at: Instant| at.elapsed() > Duration::from_secs(10))
                && let Some(rest) = &rest
            {
                // A checkpoint of our own, not awaited: intervals may be long. Before 1.17 there is
                // no such call, and the job's own checkpoints must do.
                let _ = rest.trigger_checkpoint(&position.job_id).await;
                asked = Some(Instant::now());
            }
            match self.stuck_pod(workload).await {
                Some(now) => {
                    let since = match &trouble {
                        Some((_, since)) => *since,
                        None => Instant::now(),
                    };
                    if since.elapsed() > GRACE {
                        return Err(self
                            .explained(workload, position, rest.as_ref(), &now)
                            .await);
                    }
                    trouble = Some((now, since));
                }
                None => trouble = None,
            }
            if self.signals.is_set() && journal.operation == super::journal::Operation::Install {
                return Err("interrupted".into());
            }
            tokio::time::sleep(SAMPLE).await;
        }
    }

    /// Looks at the job once; the second part says why REST gives no answer.
    async fn sample(
        &self,
        workload: &Workload,
        position: &Position,
        rest: &mut Option<Rest>,
        at: Duration,
    ) -> (Sample, Option<String>) {
        let mut sample = Sample {
            at,
            ..Sample::default()
        };
        if rest.is_none() {
            *rest = self.rest(workload).await.ok().flatten();
        }
        let Some(api) = rest.clone() else {
            let pods = self
                .pods(workload, &workload.jobmanager)
                .await
                .unwrap_or_default();
            let why = why_unreachable(pods.first(), "no JobManager pod runs yet");
            return (sample, Some(why));
        };
        match api.jobs().await {
            Ok(jobs) => sample.summary = jobs.into_iter().find(|j| j.id == position.job_id),
            Err(e) => {
                // The pod may have been replaced.
                *rest = None;
                return (sample, Some(e.to_string()));
            }
        }
        let mut why = None;
        if let Some(summary) = &sample.summary {
            if !summary.is_terminal() && !summary.runs_fully() {
                // What a job without its slots says of itself is only that it is RUNNING.
                let overview = api.overview().await.ok();
                why = overview.map(|o| {
                    let missing = o.missing(workload).unwrap_or_else(|| o.words());
                    format!("job {} waits for tasks: {missing}", summary.state)
                });
            }
            sample.job = api.job(&position.job_id).await.ok();
            sample.checkpoints = api.checkpoints(&position.job_id).await.ok();
        } else {
            sample.main_failed = api.application_failed().await.unwrap_or(false);
        }
        (sample, why)
    }

    /// A failure with what Flink and the pods say of it.
    async fn explained(
        &self,
        workload: &Workload,
        position: &Position,
        rest: Option<&Rest>,
        why: &str,
    ) -> String {
        let mut text_of = format!("{}: {why}", workload.name);
        if let Some(rest) = rest
            && let Ok(Some(exception)) = rest.exception(&position.job_id).await
        {
            text_of.push_str(&format!("\n  Flink: {}", exception.replace('\n', "\n    ")));
            return text_of;
        }
        let container = workload.jobmanager.container;
        for pod in self
            .pods(workload, &workload.jobmanager)
            .await
            .unwrap_or_default()
        {
            let name = text(&pod, &["metadata", "name"]);
            let container = list(&pod, &["spec", "containers"])
                .get(container)
                .map_or("", |c| text(c, &["name"]));
            let log = self
                .client
                .last_log(&workload.namespace, name, Some(container), LOG_LINES)
                .await;
            if !log.is_empty() {
                text_of.push_str(&format!("\n  the log of {name}:"));
                for line in telling(&log) {
                    text_of.push_str(&format!("\n    {line}"));
                }
                break;
            }
        }
        text_of
    }
}

/// What a sample says of the job, for the user.
fn news(workload: &Workload, position: &Position, sample: &Sample, why: String) -> JobNews {
    let summary = sample.summary.as_ref();
    let latest = sample.checkpoints.as_ref().map(|c| &c.latest);
    let now = jiff::Timestamp::now().as_millisecond();
    JobNews {
        workload: workload.name.clone(),
        job_id: position.job_id.clone(),
        state: summary.map(|s| s.state.clone()).unwrap_or_default(),
        tasks: summary.map(|s| (s.tasks.running.into(), s.tasks.total.into())),
        checkpoint_age: latest
            .and_then(|l| l.completed.as_ref())
            .and_then(|c| u64::try_from(now - c.trigger_timestamp).ok()),
        restored_from: latest
            .and_then(|l| l.restored.as_ref())
            .and_then(|r| r.external_path.clone()),
        savepoint: None,
        ready: false,
        why,
    }
}

/// The lines of a log that name exceptions, the last ones; without any, its end.
fn telling(log: &[String]) -> Vec<&str> {
    let mut lines: Vec<&str> = Vec::new();
    for line in log.iter().map(|l| l.trim()) {
        let names = line.starts_with("Caused by:")
            || line.contains(" ERROR ")
            || line.split_once(':').is_some_and(|(class, _)| {
                class.contains('.') && (class.ends_with("Exception") || class.ends_with("Error"))
            });
        if names && !lines.contains(&line) {
            lines.push(line);
        }
    }
    if lines.is_empty() {
        lines = log.iter().map(String::as_str).collect();
    }
    lines.split_off(lines.len().saturating_sub(SHOWN))
}

/// Whether an observation's error stands for the user's wish to end.
pub(crate) fn is_interruption(why: &str) -> bool {
    why == "interrupted"
}

impl From<String> for Error {
    fn from(why: String) -> Self {
        Error::Failed(why)
    }
}
