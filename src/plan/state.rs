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
    /// Whether `path` is a savepoint (otherwise a retained checkpoint).
    pub is_savepoint: bool,
    /// The id that the job was, or is to be, started under.
    pub new_job_id: Option<String>,
    /// Its cluster-id of high availability.
    pub new_cluster_id: Option<String>,
    /// The replicas that its objects had, to go back to where the manifest doesn't say.
    pub replicas: std::collections::BTreeMap<String, i32>,
}

/// A job that was found running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveJob {
    /// Its id.
    pub id: String,
    /// Its state, in Flink's words.
    pub state: String,
    /// Whether all its tasks run.
    pub runs_fully: bool,
    /// When it was started.
    pub start_time: i64,
    /// Whether its last restore was from a checkpoint of its own (a failover).
    pub restored_from_checkpoint: bool,
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
    /// The newest checkpoint that high availability records, and where it lies.
    pub ha_checkpoint: Option<(u64, String)>,
    /// Whether Kubernetes high availability is on.
    pub has_ha: bool,
    /// The newest entry of the ledger for this workload.
    pub ledger: Option<String>,
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
        /// Why this one.
        why: String,
    },
    /// Bring the pods down, then take the newest checkpoint that high availability records; if it
    /// records none newer than `number`, start from `fallback`.
    Newest {
        /// What the job itself was restored from.
        fallback: Option<String>,
        /// The number of `fallback`.
        number: Option<u64>,
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
    match wish {
        Wish::Path(path) => {
            return Decision::From(Source::Path {
                path: path.clone(),
                number: None,
                why: "named by --restore-from".into(),
            });
        }
        Wish::Fresh => {
            return Decision::From(Source::Nothing {
                why: "--fresh was given".into(),
            });
        }
        Wish::Latest => {
            return match &facts.ledger {
                Some(path) => Decision::From(Source::Path {
                    path: path.clone(),
                    number: None,
                    why: "the ledger's newest entry, by --restore latest".into(),
                }),
                None => refuse(
                    "the ledger holds no savepoint to restore from",
                    &[
                        "--restore-from PATH names one",
                        "--fresh starts without state",
                    ],
                ),
            };
        }
        Wish::Carry | Wish::FromCheckpoint => {}
    }
    if let Some(record) = record
        && let Some(decision) = interrupted(facts, record)
    {
        return decision;
    }
    if *wish == Wish::FromCheckpoint {
        return match &facts.ha_checkpoint {
            Some(_) => Decision::From(Source::Newest {
                fallback: None,
                number: None,
                try_stop: None,
            }),
            None => refuse(
                "no completed checkpoint is recorded (Kubernetes high availability has none for this job)",
                &[
                    "--restore-from PATH names a retained checkpoint",
                    "nutkin savepoint list NAME shows the ledger",
                ],
            ),
        };
    }
    if !facts.exists {
        return match &facts.ledger {
            Some(path) => refuse(
                format!("the ledger holds state of an earlier run: {path}"),
                &LEDGER_HINTS,
            ),
            None => Decision::From(Source::Nothing {
                why: "there is no state of an earlier run".into(),
            }),
        };
    }
    running(facts)
}

/// The way on after an operation that did not end; `None` where the job is as it was before it.
fn interrupted(facts: &Facts, record: &JobRecord) -> Option<Decision> {
    let path = |why: &str| match &record.path {
        Some(path) => Decision::From(Source::Path {
            path: path.clone(),
            number: record.number,
            why: why.to_owned(),
        }),
        None => Decision::From(Source::Nothing {
            why: "the interrupted operation was to start without state".into(),
        }),
    };
    match record.reached? {
        Reached::Intent => {
            let job_id = record.job_id.as_deref()?;
            let jobs = facts.jobs.as_deref().unwrap_or_default();
            let job = jobs.iter().find(|j| j.id == job_id);
            let same_process = record.pod_uid.is_some() && record.pod_uid == facts.pod_uid;
            match job {
                Some(job) if same_process && job.start_time == record.start_time => {
                    Some(Decision::From(Source::Resume))
                }
                // Another process runs it from a checkpoint of its own: a failover, and no stop came
                // to its end, for a finished job's checkpoints would be gone.
                Some(job) if job.restored_from_checkpoint => None,
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
        Reached::Saved | Reached::Down => Some(path("taken by an earlier run that did not end")),
        // No pod was left when the position was written, so nothing has run from it.
        Reached::Positioned if !facts.up && !facts.has_ha => {
            Some(path("taken by an earlier run that did not end"))
        }
        // The objects are applied one by one: the job may run from the position since it was written.
        Reached::Positioned | Reached::Applied => {
            let new_id = record.new_job_id.as_deref()?;
            let job = facts
                .jobs
                .as_deref()
                .unwrap_or_default()
                .iter()
                .find(|j| j.id == new_id);
            let try_stop = job.filter(|j| j.runs_fully).map(|j| j.id.clone());
            if try_stop.is_none() && !facts.has_ha {
                return Some(refuse(
                    "the started job does not run, and without high availability it can't be known whether it completed a checkpoint since its restore",
                    &fate_hints(record),
                ));
            }
            Some(Decision::From(Source::Newest {
                fallback: record.path.clone(),
                number: record.number,
                try_stop,
            }))
        }
    }
}

fn fate_hints(record: &JobRecord) -> Vec<&'static str> {
    let mut hints = vec![
        "--restore-from PATH names the savepoint, once you have seen it in its folder (nutkin status shows it)",
        "--from-checkpoint latest goes on from the last completed checkpoint",
    ];
    if record.folder.is_none() {
        hints.pop();
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
    let live: Vec<&LiveJob> = jobs
        .iter()
        .filter(|j| !crate::flink::rest::is_terminal(&j.state))
        .collect();
    match live.as_slice() {
        [] if jobs.is_empty() => no("its JobManager runs no job".into()),
        [] => {
            let states: Vec<String> = jobs
                .iter()
                .map(|j| format!("{} {}", j.id, j.state))
                .collect();
            no(format!("its job has ended: {}", states.join(", ")))
        }
        [job] if job.runs_fully => Decision::From(Source::Stop {
            job_id: job.id.clone(),
        }),
        [job] => no(format!(
            "job {} is {}, and not all its tasks run (a crash loop, or too few slots)",
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
