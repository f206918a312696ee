//! Where a job's state is, and what may be done about it: a table of cases, no effects.

use serde::{Deserialize, Serialize};

/// How far the last operation came with one workload; each is written down when it is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reached {
    /// The trigger id is written; the stop may or may not have been sent.
    Intent,
    /// What to restore from is known; the old pods may still be there.
    Saved,
    /// The old pods are gone.
    Down,
    /// The restore position is written.
    Positioned,
    /// The objects are applied; the job may run from the position.
    Applied,
}

/// The journal's entry for one workload.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct JobRecord {
    /// The workload's name and namespace.
    pub workload: String,
    /// The namespace.
    pub namespace: String,
    /// How far it came.
    pub reached: Option<Reached>,
    /// The job that was to be stopped.
    pub job_id: Option<String>,
    /// When that job was started, in milliseconds since 1970.
    pub start_time: i64,
    /// The uid of the pod that its JobManager ran in.
    pub pod_uid: Option<String>,
    /// The id under which the stop was triggered.
    pub trigger_id: Option<String>,
    /// The folder that the savepoint was asked into.
    pub folder: Option<String>,
    /// What to restore from; `None` with [`Reached::Saved`] or later: nothing, by the user's word.
    pub path: Option<String>,
    /// The number of that savepoint or checkpoint in its job, where it is known.
    pub number: Option<u64>,
    /// Whether `path`, or a start without state, is the user's own word: what ran since doesn't count.
    pub named: bool,
    /// A checkpoint that the started job was seen to complete since its restore, the newest seen.
    pub progress: Option<Mark>,
    /// The id that the job was, or is to be, started under.
    pub new_job_id: Option<String>,
    /// Its cluster-id of high availability.
    pub new_cluster_id: Option<String>,
    /// The replicas that its objects had, to go back to where the manifest doesn't say.
    pub replicas: std::collections::BTreeMap<String, i32>,
}

impl JobRecord {
    /// Comes to a step from which a new start follows: what an earlier start left is forgotten.
    pub fn begin(&mut self, reached: Reached) {
        self.reached = Some(reached);
        self.named = false;
        self.progress = None;
        self.new_job_id = None;
        self.new_cluster_id = None;
    }
}

/// A checkpoint or savepoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Its number in its job, which counts on over restores; `None` where it isn't known.
    pub number: Option<u64>,
    /// Where it lies.
    pub path: String,
}

/// How far a workload's current run has come since it was started from its restore position.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Progress {
    /// It has completed no checkpoint: its state is still what it was started from.
    #[default]
    Nothing,
    /// This is the newest one; its sinks have committed up to there.
    Reached(Mark),
    /// It can't be told whether what is recorded is what it was started from, or newer.
    Unclear,
}

/// What there is to tell a run's progress from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traces {
    /// What the run was started from; `None`: from nothing.
    pub start: Option<Mark>,
    /// The numbers that high availability records, ascending; what was restored is among them.
    pub recorded: Vec<u64>,
    /// Where the newest recorded one lies, if it is one that the run itself completed.
    pub recorded_path: Option<String>,
    /// Checkpoints known to be completed by this run: by REST, by an earlier look, or as the
    /// savepoint that it was stopped with.
    pub completed: Vec<Mark>,
}

/// The newest state of a run, from its traces.
pub fn progress(traces: &Traces) -> Progress {
    let start = traces.start.as_ref();
    // A stop's savepoint whose number isn't known is the last thing of its run.
    let rank = |mark: &Mark| mark.number.unwrap_or(u64::MAX);
    let known = traces
        .completed
        .iter()
        .filter(|m| start.is_none_or(|s| s.path != m.path))
        .max_by_key(|m| rank(m));
    let recorded = traces.recorded.last().copied().filter(|newest| {
        let is_start = start.is_some_and(|s| s.number.is_some_and(|n| *newest <= n));
        !is_start && known.is_none_or(|k| rank(k) < *newest)
    });
    let Some(newest) = recorded else {
        return known.map_or(Progress::Nothing, |k| Progress::Reached(k.clone()));
    };
    // A lone record may be of the restore itself; beside another it is not, nor after a completed one.
    let is_own =
        known.is_some() || traces.recorded.len() > 1 || start.is_none_or(|s| s.number.is_some());
    match &traces.recorded_path {
        Some(path) if is_own => Progress::Reached(Mark {
            number: Some(newest),
            path: path.clone(),
        }),
        _ => Progress::Unclear,
    }
}

/// A job that was found running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveJob {
    /// Its id.
    pub id: String,
    /// Its state, in Flink's words.
    pub state: String,
    /// Whether all its tasks run, and have for a while if it failed before.
    pub runs_fully: bool,
    /// When it was started.
    pub start_time: i64,
    /// Whether its last restore was from a checkpoint of its own (a failover).
    pub restored_from_checkpoint: bool,
    /// The newest checkpoint that it completed; once it has ended, or savepoint.
    pub newest: Option<Mark>,
}

impl LiveJob {
    /// Whether it has ended for good.
    pub fn has_ended(&self) -> bool {
        crate::flink::rest::is_terminal(&self.state)
    }
}

/// What was found of a workload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Whether its JobManager's object is there.
    pub exists: bool,
    /// Whether any pod of it is there, or wanted.
    pub up: bool,
    /// The jobs that REST lists; `None` where REST gives no answer, with the reason in `unreachable`.
    pub jobs: Option<Vec<LiveJob>>,
    /// Why REST gives no answer.
    pub unreachable: String,
    /// The uid of the JobManager's pod.
    pub pod_uid: Option<String>,
    /// The id of the job that it runs, or ran last.
    pub run: Option<String>,
    /// What that run was started from.
    pub started_from: Option<Mark>,
    /// How far it came since.
    pub progress: Progress,
    /// Whether Kubernetes high availability is on.
    pub has_ha: bool,
    /// The newest entry of the ledger for this workload.
    pub ledger: Option<Mark>,
}

impl Facts {
    fn jobs(&self) -> &[LiveJob] {
        self.jobs.as_deref().unwrap_or_default()
    }

    fn live_jobs(&self) -> impl Iterator<Item = &LiveJob> {
        self.jobs().iter().filter(|j| !j.has_ended())
    }
}

/// What the user said about state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wish {
    /// Nothing: carry the state over.
    #[default]
    Carry,
    /// `--from-checkpoint latest`: take the last completed checkpoint, without a savepoint.
    FromCheckpoint,
    /// `--restore latest`: the ledger's newest entry.
    Latest,
    /// `--restore-from PATH`.
    Path(String),
    /// `--fresh`: start without state.
    Fresh,
}

/// What a workload's next start begins from, and what must happen before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Stop this job with a savepoint, under a new trigger id.
    Stop {
        /// The job.
        job_id: String,
    },
    /// Ask after a stop that an earlier run triggered, under the same trigger id.
    Resume,
    /// Bring the pods down and start from this path.
    Path {
        /// The savepoint or checkpoint.
        path: String,
        /// Its number, where known.
        number: Option<u64>,
        /// Whether it is the user's own word.
        named: bool,
        /// Why this one.
        why: String,
    },
    /// Bring the pods down, then take the newest state that the run has left; if it completed nothing
    /// since its start, start from `fallback`.
    Newest {
        /// What the job itself was restored from; `None`: it was started without state.
        fallback: Option<Mark>,
        /// Whether first a stop with a savepoint is tried, of this job.
        try_stop: Option<String>,
    },
    /// Start without state.
    Nothing {
        /// Why that is right.
        why: String,
    },
}

/// The outcome of the decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// This is where the state comes from.
    From(Source),
    /// No savepoint can be had, and nothing was changed (exit code 81).
    NoSavepoint {
        /// Why.
        why: String,
    },
    /// State could be lost (exit code 78).
    Refuse {
        /// Why.
        why: String,
        /// What would decide it, a line each.
        hints: Vec<String>,
    },
}

fn refuse(why: impl Into<String>, hints: &[&str]) -> Decision {
    Decision::Refuse {
        why: why.into(),
        hints: hints.iter().map(|h| (*h).to_owned()).collect(),
    }
}

/// The ways on that every refusal of a start over a ledger names.
const LEDGER_HINTS: [&str; 3] = [
    "--restore latest starts from it",
    "--restore-from PATH starts from another savepoint",
    "--fresh starts without state",
];

/// Decides where the state of a workload comes from that is to be started or restarted.
///
/// `record` is the journal's entry of an operation that did not end (or of the one that is being
/// gone back from); `None` where the last one ended well.
pub fn decide(facts: &Facts, record: Option<&JobRecord>, wish: &Wish) -> Decision {
    let by_checkpoint = *wish == Wish::FromCheckpoint;
    match wish {
        Wish::Path(path) => {
            return Decision::From(Source::Path {
                path: path.clone(),
                number: None,
                named: true,
                why: "named by --restore-from".into(),
            });
        }
        Wish::Fresh => {
            return Decision::From(Source::Nothing {
                why: "--fresh was given".into(),
            });
        }
        Wish::Latest => return latest(facts),
        Wish::Carry | Wish::FromCheckpoint => {}
    }
    if let Some(record) = record
        && let Some(decision) = interrupted(facts, record, by_checkpoint)
    {
        return decision;
    }
    if by_checkpoint {
        return last_checkpoint(facts);
    }
    if !facts.exists {
        let left = match &facts.progress {
            Progress::Reached(mark) => Some(format!("its last checkpoint is {}", mark.path)),
            Progress::Unclear => Some("high availability records a checkpoint of it".into()),
            Progress::Nothing => facts
                .ledger
                .as_ref()
                .or(facts.started_from.as_ref())
                .map(|mark| format!("its newest savepoint is {}", mark.path)),
        };
        return match left {
            Some(left) => refuse(
                format!("there is state of an earlier run: {left}"),
                &LEDGER_HINTS,
            ),
            None => Decision::From(Source::Nothing {
                why: "there is no state of an earlier run".into(),
            }),
        };
    }
    running(facts)
}

/// `--restore latest`: the newest state that an earlier run has left, be it in the ledger or not.
fn latest(facts: &Facts) -> Decision {
    if let Some(job) = facts.live_jobs().next() {
        return refuse(
            format!(
                "job {} is {}, and its state is newer than what the ledger holds",
                job.id, job.state
            ),
            &[
                "without --restore its state is carried over, by a savepoint",
                "--from-checkpoint latest carries it over from its last completed checkpoint",
                "--restore-from PATH goes back to an older state on purpose",
            ],
        );
    }
    match (&facts.progress, &facts.ledger, &facts.started_from) {
        (Progress::Unclear, ..) => unclear(),
        (Progress::Reached(_), ..) => Decision::From(Source::Newest {
            fallback: facts.started_from.clone(),
            try_stop: None,
        }),
        (Progress::Nothing, Some(mark), _) | (Progress::Nothing, None, Some(mark)) => {
            Decision::From(Source::Path {
                path: mark.path.clone(),
                number: mark.number,
                named: true,
                why: "the ledger's newest entry, by --restore latest".into(),
            })
        }
        (Progress::Nothing, None, None) => refuse(
            "the ledger holds no savepoint to restore from",
            &[
                "--restore-from PATH names one",
                "--fresh starts without state",
            ],
        ),
    }
}

/// `--from-checkpoint latest`: the newest state of the run, without a savepoint.
fn last_checkpoint(facts: &Facts) -> Decision {
    let from = |fallback: Option<Mark>| {
        Decision::From(Source::Newest {
            fallback,
            try_stop: None,
        })
    };
    // Without its records a job that runs may complete one more, unseen, before its pods are gone.
    if facts.live_jobs().next().is_some() && !facts.has_ha {
        return refuse(
            "without Kubernetes high availability nothing records which checkpoint is the last one",
            &["--restore-from PATH names a retained checkpoint"],
        );
    }
    match (&facts.progress, &facts.started_from) {
        (Progress::Unclear, _) => unclear(),
        (Progress::Reached(_), start) => from(start.clone()),
        (Progress::Nothing, Some(start)) => from(Some(start.clone())),
        (Progress::Nothing, None) => refuse(
            "no completed checkpoint is recorded of this job",
            &[
                "--restore-from PATH names a savepoint or a retained checkpoint",
                "nutkin savepoint list NAME shows the ledger",
            ],
        ),
    }
}

fn unclear() -> Decision {
    refuse(
        "a checkpoint is recorded, and it can't be told whether it is what the job was started from or newer, or where it lies",
        &["--restore-from PATH names the savepoint or retained checkpoint to go on from"],
    )
}

/// The way on after an operation that did not end; `None` where the job is as it was before it.
fn interrupted(facts: &Facts, record: &JobRecord, by_checkpoint: bool) -> Option<Decision> {
    match record.reached? {
        Reached::Intent => {
            let job_id = record.job_id.as_deref()?;
            let job = facts.jobs().iter().find(|j| j.id == job_id);
            match job {
                Some(job) if is_same_run(facts, record, job) => {
                    // What has ended may have ended with that savepoint: only asking tells.
                    (job.has_ended() || !by_checkpoint).then_some(Decision::From(Source::Resume))
                }
                // Another process runs it from a checkpoint of its own: a failover, and no stop came
                // to its end, for a finished job's checkpoints would be gone.
                Some(job) if job.restored_from_checkpoint => None,
                _ if by_checkpoint => None,
                _ if facts.jobs.is_none() => Some(refuse(
                    format!(
                        "an earlier run asked job {job_id} to stop with a savepoint, and its fate can't be seen: {}",
                        facts.unreachable
                    ),
                    &fate_hints(record),
                )),
                _ => Some(refuse(
                    format!(
                        "an earlier run asked job {job_id} to stop with a savepoint, and since then the JobManager was started again: whether the savepoint was taken can't be known"
                    ),
                    &fate_hints(record),
                )),
            }
        }
        Reached::Saved | Reached::Down => {
            // The ConfigMap may hold the new position though the journal doesn't say so yet.
            let may_have_run = record.new_job_id.is_some() && record.new_job_id == facts.run;
            if record.reached == Some(Reached::Down) && may_have_run {
                return started(facts, record, by_checkpoint);
            }
            match second_run(facts, record) {
                Some(_) if by_checkpoint => None,
                Some(what) => Some(refuse(
                    format!(
                        "an earlier run stopped the job, and it was started again by another since: {what}"
                    ),
                    &SECOND_RUN_HINTS,
                )),
                None => Some(saved(record)),
            }
        }
        // No pod was left when the position was written, so nothing has run from it.
        Reached::Positioned if !facts.up && !facts.has_ha => Some(saved(record)),
        // The objects are applied one by one: the job may run from the position since it was written.
        Reached::Positioned | Reached::Applied => started(facts, record, by_checkpoint),
    }
}

/// What an earlier run wrote down, where nothing has run since.
fn saved(record: &JobRecord) -> Decision {
    Decision::From(match &record.path {
        Some(path) => Source::Path {
            path: path.clone(),
            number: record.number,
            named: record.named,
            why: "taken by an earlier run that did not end".into(),
        },
        None => Source::Nothing {
            why: "the interrupted operation was to start without state".into(),
        },
    })
}

/// The way on where the job was, or may have been, started from the record's position.
fn started(facts: &Facts, record: &JobRecord, by_checkpoint: bool) -> Option<Decision> {
    let new_id = record.new_job_id.as_deref()?;
    let job = facts.jobs().iter().find(|j| j.id == new_id);
    let try_stop = job
        .filter(|j| j.runs_fully && !by_checkpoint)
        .map(|j| j.id.clone());
    if try_stop.is_none() && !facts.has_ha && !job.is_some_and(LiveJob::has_ended) {
        return Some(refuse(
            "the started job does not run, and without high availability it can't be known whether it completed a checkpoint since its restore",
            &fate_hints(record),
        ));
    }
    if try_stop.is_none() && facts.progress == Progress::Unclear {
        return Some(unclear());
    }
    Some(Decision::From(Source::Newest {
        fallback: record.path.as_ref().map(|path| Mark {
            number: record.number,
            path: path.clone(),
        }),
        try_stop,
    }))
}

/// Whether a job is the very run that a stop was written down for.
fn is_same_run(facts: &Facts, record: &JobRecord, job: &LiveJob) -> bool {
    record.pod_uid.is_some()
        && record.pod_uid == facts.pod_uid
        && record.job_id.as_deref() == Some(&job.id)
        && job.start_time == record.start_time
}

/// Whether a job ran again after its state was saved; the user's own word stands above it.
pub fn second_run(facts: &Facts, record: &JobRecord) -> Option<String> {
    if record.named || record.path.is_none() {
        return None;
    }
    if let Some(job) = facts.live_jobs().find(|j| !is_same_run(facts, record, j)) {
        return Some(format!("job {} is {}", job.id, job.state));
    }
    match &facts.progress {
        Progress::Reached(Mark {
            number: Some(n),
            path,
        }) if record.number.is_some_and(|saved| *n > saved) => Some(format!(
            "it completed {path}, which is newer than what was saved"
        )),
        _ => None,
    }
}

/// The ways on where a job ran again after its state was saved.
pub const SECOND_RUN_HINTS: [&str; 2] = [
    "--from-checkpoint latest goes on from what that run has come to",
    "--restore-from PATH starts from the savepoint all the same: what was committed since comes twice",
];

fn fate_hints(record: &JobRecord) -> Vec<&'static str> {
    let mut hints = vec!["--from-checkpoint latest goes on from the last completed checkpoint"];
    if record.folder.is_some() {
        hints.insert(0, "--restore-from PATH names the savepoint, once you have seen it in its folder (nutkin status shows it)");
    }
    hints
}

/// The normal case: a job that is to be stopped with a savepoint.
fn running(facts: &Facts) -> Decision {
    let no = |why: String| Decision::NoSavepoint { why };
    if !facts.up {
        return no(
            "its JobManager is scaled to 0, so no job runs that could give a savepoint".into(),
        );
    }
    let Some(jobs) = &facts.jobs else {
        return no(format!(
            "its JobManager gives no answer: {}",
            facts.unreachable
        ));
    };
    let live: Vec<&LiveJob> = facts.live_jobs().collect();
    match live.as_slice() {
        [] if jobs.is_empty() => no("its JobManager runs no job".into()),
        [] => {
            let states: Vec<String> = jobs
                .iter()
                .map(|j| match &j.newest {
                    Some(mark) => format!("{} {}, its last state is {}", j.id, j.state, mark.path),
                    None => format!("{} {}", j.id, j.state),
                })
                .collect();
            no(format!("its job has ended: {}", states.join(", ")))
        }
        [job] if job.runs_fully => Decision::From(Source::Stop {
            job_id: job.id.clone(),
        }),
        [job] => no(format!(
            "job {} is {}, and not all its tasks keep running (a crash loop, or too few slots)",
            job.id, job.state
        )),
        several => {
            let ids: Vec<&str> = several.iter().map(|j| j.id.as_str()).collect();
            no(format!(
                "it runs {} jobs: {}",
                several.len(),
                ids.join(", ")
            ))
        }
    }
}

#[cfg(test)]
mod tests;
