//! Whether a started job is stable: the pure judgement over samples of its REST answers.

use std::time::Duration;

use super::rest::{Checkpoints, Job, JobSummary};

/// What a start was asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The job's id, as injected.
    pub job_id: String,
    /// The path it must be restored from; `None` for a start without state.
    pub path: Option<String>,
    /// How long it must run without a failure.
    pub stable_for: Duration,
    /// How many failures end the watch.
    pub max_failures: u32,
}

/// One look at the job, at a moment given in time since the watch began.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// When.
    pub at: Duration,
    /// The job in the overview; `None` while REST is not up or knows no job.
    pub summary: Option<JobSummary>,
    /// The job itself.
    pub job: Option<Job>,
    /// Its checkpoints.
    pub checkpoints: Option<Checkpoints>,
    /// Whether main() has failed, so that no job will come.
    pub main_failed: bool,
}

/// The judgement after a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Not yet: what is missing.
    Waiting(Phase, String),
    /// It runs from where it should, with a checkpoint since, for long enough.
    Stable,
    /// It won't become stable: why.
    Failed(String),
}

/// Which of the waits' own timeouts holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Until all tasks run.
    Start,
    /// Until the first checkpoint, and until it has run long enough.
    Checkpoint,
}

/// What the samples so far have shown; feed each one to [`Watch::judge`].
#[derive(Debug, Clone)]
pub struct Watch {
    expected: Expected,
    /// Whether the first restore was seen; later ones are failovers and are reported in the same place.
    restore_seen: bool,
    /// The number of what the job was asked to be restored from.
    restored_id: Option<u64>,
    /// The newest checkpoint seen that was completed since: its number and its path.
    newest: Option<(u64, String)>,
    /// Since when it has run without a failure.
    running_since: Option<Duration>,
    failures: u32,
    last_failure: i64,
    start_time: i64,
}

impl Watch {
    /// Begins a watch.
    pub fn new(expected: Expected) -> Self {
        Watch {
            expected,
            restore_seen: false,
            restored_id: None,
            newest: None,
            running_since: None,
            failures: 0,
            last_failure: 0,
            start_time: 0,
        }
    }

    /// Whether a checkpoint has completed since the restore, as far as was seen.
    pub fn has_progressed(&self) -> bool {
        self.newest.is_some()
    }

    /// Whether the job has been seen with all its tasks running.
    pub fn has_run(&self) -> bool {
        self.running_since.is_some() || self.failures > 0
    }

    /// The number of what the job was asked to be restored from, once seen.
    pub fn restored_id(&self) -> Option<u64> {
        self.restored_id
    }

    /// The newest checkpoint that it was seen to complete since: its number and its path.
    pub fn newest(&self) -> Option<&(u64, String)> {
        self.newest.as_ref()
    }

    /// Takes a sample into account and judges.
    pub fn judge(&mut self, sample: &Sample) -> Verdict {
        let Some(summary) = &sample.summary else {
            self.running_since = None;
            if sample.main_failed {
                return Verdict::Failed(
                    "the application's main() has failed, and no job was started".into(),
                );
            }
            return Verdict::Waiting(
                Phase::Start,
                "the JobManager's REST does not know the job yet".into(),
            );
        };
        if self.start_time != 0 && summary.start_time != self.start_time {
            // Another JobManager process runs the job: what it reports begins anew.
            self.count_failure();
        }
        self.start_time = summary.start_time;
        if let Some(job) = &sample.job {
            let failed_at = job.timestamps.get("RESTARTING").copied().unwrap_or(0);
            if failed_at > self.last_failure {
                self.last_failure = failed_at;
                self.count_failure();
            }
        }
        if summary.is_terminal() && summary.state != "FINISHED" {
            return Verdict::Failed(format!("the job is {}", summary.state));
        }
        if let Some(refused) = sample
            .checkpoints
            .as_ref()
            .and_then(|c| self.note_checkpoints(c))
        {
            return Verdict::Failed(refused);
        }
        if self.failures >= self.expected.max_failures {
            return Verdict::Failed(format!(
                "the job has failed {} times since its start",
                self.failures
            ));
        }
        if summary.state == "FINISHED" {
            // A bounded job that has done its work; its last checkpoint is its result.
            return Verdict::Stable;
        }
        if !summary.runs_fully() {
            self.running_since = None;
            return Verdict::Waiting(
                Phase::Start,
                format!(
                    "job {} with {} of {} tasks running",
                    summary.state, summary.tasks.running, summary.tasks.total
                ),
            );
        }
        let since = *self.running_since.get_or_insert(sample.at);
        if let Some(path) = &self.expected.path
            && !self.restore_seen
        {
            return Verdict::Waiting(
                Phase::Start,
                format!("the restore from {path} is not reported yet"),
            );
        }
        if self.newest.is_none() {
            return Verdict::Waiting(
                Phase::Checkpoint,
                "no checkpoint has completed since the start".into(),
            );
        }
        let ran = sample.at.saturating_sub(since);
        if ran < self.expected.stable_for {
            let left = (self.expected.stable_for - ran).as_secs() + 1;
            return Verdict::Waiting(
                Phase::Checkpoint,
                format!(
                    "all tasks run, a checkpoint has completed; {left} s more without a failure"
                ),
            );
        }
        Verdict::Stable
    }

    fn count_failure(&mut self) {
        self.failures += 1;
        self.running_since = None;
    }

    /// Latches the first restore; says why it is the wrong one.
    fn note_checkpoints(&mut self, checkpoints: &Checkpoints) -> Option<String> {
        if !self.restore_seen
            && let Some(restored) = &checkpoints.latest.restored
        {
            let path = restored.external_path.as_deref().unwrap_or_default();
            if self
                .expected
                .path
                .as_ref()
                .is_some_and(|wanted| same_path(path, wanted))
            {
                self.restored_id = Some(restored.id);
            } else if is_own_checkpoint(path, &self.expected.job_id) {
                // A failover, of the job or of the JobManager, hid the restore. The id is new with
                // each start, so a checkpoint under it was completed since.
                self.advance(restored.id, path);
            } else if let Some(wanted) = &self.expected.path {
                return Some(format!(
                    "the job was restored from {path} and not from {wanted}"
                ));
            }
            self.restore_seen = true;
        }
        // Without a restore, numbers begin at 1; with one not seen yet, they say nothing.
        if (self.expected.path.is_none() || self.restore_seen)
            && let Some(completed) = &checkpoints.latest.completed
            && completed.id > self.restored_id.unwrap_or(0)
        {
            let path = completed.external_path.as_deref().unwrap_or_default();
            self.advance(completed.id, path);
        }
        None
    }

    fn advance(&mut self, number: u64, path: &str) {
        if self.newest.as_ref().is_none_or(|(n, _)| *n < number) {
            self.newest = Some((number, path.to_owned()));
        }
    }
}

/// Whether a path is that of a retained checkpoint of a job, by Flink's layout.
fn is_own_checkpoint(path: &str, job_id: &str) -> bool {
    path.contains(&format!("/{job_id}/chk-"))
}

/// Whether two paths name the same place: Flink writes `file:/a` for `file:///a`.
pub fn same_path(a: &str, b: &str) -> bool {
    plain(a) == plain(b)
}

/// Whether a path lies in a folder.
pub fn is_below(path: &str, folder: &str) -> bool {
    let inside = plain(path);
    inside
        .strip_prefix(&plain(folder))
        .is_some_and(|rest| rest.starts_with('/'))
}

fn plain(path: &str) -> String {
    let (scheme, rest) = path.split_once(':').unwrap_or(("file", path));
    let rest = if scheme == "file" {
        rest.trim_start_matches('/')
    } else {
        rest
    };
    format!(
        "{scheme}:{}",
        rest.trim_end_matches('/').trim_end_matches("/_metadata")
    )
}

#[cfg(test)]
mod tests {
    use super::super::rest::{Checkpoint, Counts, Latest, Restored, Tasks};
    use super::*;

    fn sample(
        at: u64,
        state: &str,
        running: u32,
        restored: Option<(u64, &str)>,
        completed: Option<u64>,
        failed_at: i64,
    ) -> Sample {
        Sample {
            at: Duration::from_secs(at),
            summary: Some(JobSummary {
                id: "j".into(),
                name: String::new(),
                state: state.into(),
                start_time: 5,
                tasks: Tasks {
                    total: 2,
                    running,
                    finished: 0,
                },
            }),
            job: Some(Job {
                state: state.into(),
                timestamps: [("RESTARTING".to_owned(), failed_at)].into(),
                start_time: 5,
                now: 0,
            }),
            main_failed: false,
            checkpoints: Some(Checkpoints {
                counts: Counts {
                    restored: u64::from(restored.is_some()),
                    ..Counts::default()
                },
                latest: Latest {
                    completed: completed.map(|id| Checkpoint {
                        id,
                        ..Checkpoint::default()
                    }),
                    restored: restored.map(|(id, p)| Restored {
                        id,
                        external_path: Some(p.into()),
                        is_savepoint: true,
                        ..Restored::default()
                    }),
                    ..Latest::default()
                },
            }),
        }
    }

    fn watch(path: Option<&str>) -> Watch {
        Watch::new(Expected {
            job_id: "j".into(),
            path: path.map(str::to_owned),
            stable_for: Duration::from_secs(10),
            max_failures: 3,
        })
    }

    fn waits(verdict: &Verdict, phase: Phase) -> bool {
        matches!(verdict, Verdict::Waiting(p, _) if *p == phase)
    }

    #[test]
    fn from_start_to_stable() {
        let mut w = watch(Some("file:///sp/1"));
        assert!(waits(&w.judge(&Sample::default()), Phase::Start));
        assert!(waits(
            &w.judge(&sample(1, "RUNNING", 0, None, None, 0)),
            Phase::Start
        ));
        let restored = Some((7, "file:/sp/1"));
        assert!(waits(
            &w.judge(&sample(2, "RUNNING", 2, restored, None, 0)),
            Phase::Checkpoint
        ));
        // The savepoint's own number is no checkpoint since.
        assert!(waits(
            &w.judge(&sample(3, "RUNNING", 2, restored, Some(7), 0)),
            Phase::Checkpoint
        ));
        assert!(!w.has_progressed());
        assert!(waits(
            &w.judge(&sample(4, "RUNNING", 2, restored, Some(8), 0)),
            Phase::Checkpoint
        ));
        assert!(w.has_progressed());
        assert_eq!(
            w.judge(&sample(12, "RUNNING", 2, restored, Some(9), 0)),
            Verdict::Stable
        );
    }

    #[test]
    fn the_wrong_restore_is_refused() {
        let mut w = watch(Some("file:///sp/1"));
        assert!(matches!(
            w.judge(&sample(1, "RUNNING", 2, Some((3, "file:/sp/0")), None, 0)),
            Verdict::Failed(_)
        ));
    }

    /// A failover before the first look hides the restore: what shows is a checkpoint of the job's own.
    #[test]
    fn a_hidden_restore_is_no_restore_from_elsewhere() {
        let mut w = watch(Some("file:///sp/1"));
        let own = Some((9, "file:/cp/j/chk-9"));
        assert!(waits(
            &w.judge(&sample(1, "RUNNING", 2, own, None, 0)),
            Phase::Checkpoint
        ));
        // It is progress since the restore, not what going back may start from.
        assert_eq!(w.restored_id(), None);
        assert_eq!(w.newest(), Some(&(9, "file:/cp/j/chk-9".to_owned())));
        assert!(matches!(
            watch(Some("file:///sp/1")).judge(&sample(
                1,
                "RUNNING",
                2,
                Some((9, "file:/cp/other/chk-9")),
                None,
                0
            )),
            Verdict::Failed(_)
        ));
    }

    #[test]
    fn failures_are_counted_and_start_the_clock_anew() {
        let mut w = watch(None);
        w.judge(&sample(1, "RUNNING", 2, None, Some(1), 0));
        assert!(waits(
            &w.judge(&sample(5, "RESTARTING", 0, None, Some(1), 100)),
            Phase::Start
        ));
        assert!(waits(
            &w.judge(&sample(12, "RUNNING", 2, None, Some(1), 100)),
            Phase::Checkpoint
        ));
        w.judge(&sample(13, "RESTARTING", 0, None, Some(1), 200));
        assert!(matches!(
            w.judge(&sample(14, "RESTARTING", 0, None, Some(1), 300)),
            Verdict::Failed(_)
        ));
        assert!(matches!(
            watch(None).judge(&sample(1, "FAILED", 0, None, None, 0)),
            Verdict::Failed(_)
        ));
    }

    #[test]
    fn paths_as_flink_writes_them() {
        assert!(same_path("file:/a/b", "file:///a/b/") && same_path("/a", "file:///a"));
        assert!(!same_path("s3://a/b", "s3://a/c"));
        assert!(is_below("file:/sp/r2-ab/savepoint-1", "file:///sp/r2-ab/"));
        assert!(!is_below("file:/sp/r2-abc/savepoint-1", "file:///sp/r2-ab"));
    }
}
