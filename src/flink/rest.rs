//! Flink's REST API: the calls that a release needs, and the parts of the answers it reads.
//!
//! Answers are read tolerantly: fields that a version lacks are defaults. Seen live on 2.3.0 and
//! 1.20.5; docs/state.md says what differs.

use std::time::Duration;

use http::Method;
use serde::Deserialize;
use serde_json::json;

use crate::cluster::{self, Client, Endpoint};
use crate::yaml::Value;

/// How long one call may take: a JobManager that starts accepts connections and hangs.
const CALL: Duration = Duration::from_secs(20);

/// Why a call brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection, no answer in time, or the API server's proxy found no endpoint.
    #[error("Flink's REST at {endpoint} gives no answer: {cause}")]
    Unreachable {
        /// Where it was looked for.
        endpoint: String,
        /// What went wrong.
        cause: String,
    },
    /// An answer that says no.
    #[error("Flink answered {status} to {call}: {message}")]
    Refused {
        /// Method and path.
        call: String,
        /// The HTTP status.
        status: u16,
        /// Flink's own words, shortened.
        message: String,
    },
    /// An answer that isn't what this call gives.
    #[error("Flink's answer to {call} can't be read: {cause}")]
    Decode {
        /// Method and path.
        call: String,
        /// What went wrong.
        cause: String,
    },
}

impl Error {
    /// Whether what was asked for isn't there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Error::Refused { status: 404, .. })
    }
}

/// A job in the overview.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct JobSummary {
    /// 32 hexadecimal digits.
    #[serde(alias = "jid")]
    pub id: String,
    /// The name given by its code.
    #[serde(default)]
    pub name: String,
    /// `RUNNING`, `RESTARTING`, `FINISHED` …
    #[serde(alias = "status")]
    pub state: String,
    /// Milliseconds since 1970.
    #[serde(default, rename = "start-time")]
    pub start_time: i64,
    /// How many tasks are in which state.
    #[serde(default)]
    pub tasks: Tasks,
}

/// Counts of tasks by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Tasks {
    /// All of them.
    pub total: u32,
    /// Those that run.
    pub running: u32,
    /// Those that have ended well.
    pub finished: u32,
}

impl JobSummary {
    /// Whether it has ended for good.
    pub fn is_terminal(&self) -> bool {
        is_terminal(&self.state)
    }

    /// Whether each task runs or has ended well: a job without slots says RUNNING too.
    pub fn runs_fully(&self) -> bool {
        self.state == "RUNNING"
            && self.tasks.total > 0
            && self.tasks.running + self.tasks.finished == self.tasks.total
    }
}

/// Whether a job's state is its last one (`JobStatus.isGloballyTerminalState`).
pub fn is_terminal(state: &str) -> bool {
    matches!(state, "FINISHED" | "CANCELED" | "FAILED")
}

/// One job's answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Job {
    /// The state.
    pub state: String,
    /// When it was in which state last, in milliseconds since 1970; 0: never.
    pub timestamps: std::collections::BTreeMap<String, i64>,
    /// When it was started.
    #[serde(rename = "start-time")]
    pub start_time: i64,
    /// When this was said, by the JobManager's clock.
    pub now: i64,
}

impl Job {
    /// How long ago it last failed and was restarted; `None` where this JobManager saw no failure.
    pub fn since_failure(&self) -> Option<Duration> {
        let failed = *self.timestamps.get("RESTARTING").filter(|at| **at > 0)?;
        u64::try_from(self.now - failed)
            .ok()
            .map(Duration::from_millis)
    }
}

/// The answer on checkpoints.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Checkpoints {
    /// How many of each kind.
    pub counts: Counts,
    /// The newest of each kind.
    pub latest: Latest,
}

/// Counts of checkpoints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Since the job began to run under this JobManager.
    pub restored: u64,
    /// Completed ones, savepoints included.
    pub completed: u64,
    /// Failed ones.
    pub failed: u64,
    /// Those being taken.
    pub in_progress: u64,
}

/// The newest checkpoint of each kind.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Latest {
    /// The newest that completed, without savepoints.
    pub completed: Option<Checkpoint>,
    /// The newest savepoint.
    pub savepoint: Option<Checkpoint>,
    /// The newest that failed.
    pub failed: Option<Checkpoint>,
    /// What the job was last restored from.
    pub restored: Option<Restored>,
}

/// A checkpoint or savepoint.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Checkpoint {
    /// Counts up over the job's restores.
    pub id: u64,
    /// Where it lies.
    pub external_path: Option<String>,
    /// When it was begun, in milliseconds since 1970.
    pub trigger_timestamp: i64,
    /// Bytes.
    pub state_size: Option<u64>,
    /// Why it failed.
    pub failure_message: Option<String>,
    /// Whether it is a savepoint.
    pub is_savepoint: bool,
}

/// A restore.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Restored {
    /// The checkpoint's number.
    pub id: u64,
    /// When, in milliseconds since 1970.
    pub restore_timestamp: i64,
    /// Whether it was a savepoint.
    pub is_savepoint: bool,
    /// From where.
    pub external_path: Option<String>,
}

/// What became of a call that was triggered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Still under way.
    InProgress,
    /// It succeeded; the savepoint's path, where it makes one.
    Done(Option<String>),
    /// It failed; COMPLETED is not success.
    Failed(String),
    /// No operation of that id is known (any more: the cache holds 5 minutes).
    Unknown,
}

/// A cluster's REST API.
#[derive(Clone)]
pub struct Rest {
    client: Client,
    endpoint: Endpoint,
}

impl Rest {
    /// REST at an endpoint, by way of a cluster's API server or directly.
    pub fn new(client: Client, endpoint: Endpoint) -> Self {
        Rest { client, endpoint }
    }

    /// The jobs with their tasks, newest first as Flink lists them.
    pub async fn jobs(&self) -> Result<Vec<JobSummary>, Error> {
        #[derive(Deserialize)]
        struct Overview {
            jobs: Vec<JobSummary>,
        }
        Ok(self.get::<Overview>("/jobs/overview").await?.jobs)
    }

    /// One job.
    pub async fn job(&self, id: &str) -> Result<Job, Error> {
        self.get(&format!("/jobs/{id}")).await
    }

    /// A job's checkpoints; Flink caches the answer for `web.refresh-interval` (3 s).
    pub async fn checkpoints(&self, id: &str) -> Result<Checkpoints, Error> {
        self.get(&format!("/jobs/{id}/checkpoints")).await
    }

    /// The reason of a job's last failure, its first lines.
    pub async fn exception(&self, id: &str) -> Result<Option<String>, Error> {
        let answer: Value = self
            .get(&format!("/jobs/{id}/exceptions?maxExceptions=1"))
            .await?;
        let text = answer
            .get("root-exception")
            .and_then(Value::as_str)
            .or_else(|| {
                answer
                    .pointer("/exceptionHistory/entries/0/stacktrace")
                    .and_then(Value::as_str)
            });
        Ok(text.map(first_lines))
    }

    /// Whether an application's main() has failed before it submitted its job; Flink 2.3 and later
    /// say so and keep the JobManager, earlier ones end it.
    pub async fn application_failed(&self) -> Result<bool, Error> {
        let answer: Value = match self.get("/applications/overview").await {
            Err(e) if e.is_not_found() => return Ok(false),
            other => other?,
        };
        let applications = answer.get("applications").and_then(Value::as_array);
        Ok(applications.is_some_and(|all| {
            all.iter()
                .any(|a| a.get("status").and_then(Value::as_str) == Some("FAILED"))
        }))
    }

    /// The version, for instance `2.3.0`.
    pub async fn version(&self) -> Result<String, Error> {
        let answer: Value = self.get("/config").await?;
        Ok(answer
            .get("flink-version")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned())
    }

    /// The effective configuration of the JobManager.
    pub async fn configuration(&self) -> Result<Vec<(String, String)>, Error> {
        #[derive(Deserialize)]
        struct Entry {
            key: String,
            value: String,
        }
        let entries: Vec<Entry> = self.get("/jobmanager/config").await?;
        Ok(entries.into_iter().map(|e| (e.key, e.value)).collect())
    }

    /// Stops a job with a savepoint; the same trigger id sent twice is one operation.
    pub async fn stop(
        &self,
        id: &str,
        trigger_id: &str,
        folder: Option<&str>,
    ) -> Result<(), Error> {
        let body = json!({"targetDirectory": folder, "drain": false, "triggerId": trigger_id});
        self.call(Method::POST, &format!("/jobs/{id}/stop"), Some(body))
            .await
            .map(drop)
    }

    /// Takes a savepoint of a job that goes on.
    pub async fn savepoint(
        &self,
        id: &str,
        trigger_id: &str,
        folder: Option<&str>,
    ) -> Result<(), Error> {
        let body =
            json!({"target-directory": folder, "cancel-job": false, "triggerId": trigger_id});
        self.call(Method::POST, &format!("/jobs/{id}/savepoints"), Some(body))
            .await
            .map(drop)
    }

    /// What became of a stop or a savepoint.
    pub async fn savepoint_status(&self, id: &str, trigger_id: &str) -> Result<Operation, Error> {
        match self
            .get::<Value>(&format!("/jobs/{id}/savepoints/{trigger_id}"))
            .await
        {
            Ok(answer) => Ok(operation(&answer)),
            Err(e) if e.is_not_found() => Ok(Operation::Unknown),
            Err(e) => Err(e),
        }
    }

    /// Asks for a checkpoint now, without waiting for it.
    pub async fn trigger_checkpoint(&self, id: &str) -> Result<(), Error> {
        self.call(
            Method::POST,
            &format!("/jobs/{id}/checkpoints"),
            Some(json!({})),
        )
        .await
        .map(drop)
    }

    /// Cancels a job.
    pub async fn cancel(&self, id: &str) -> Result<(), Error> {
        self.call(Method::PATCH, &format!("/jobs/{id}?mode=cancel"), None)
            .await
            .map(drop)
    }

    pub(super) async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        let bytes = self.call(Method::GET, path, None).await?;
        serde_json::from_slice(&bytes).map_err(|e| Error::Decode {
            call: format!("GET {path}"),
            cause: e.to_string(),
        })
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Vec<u8>, Error> {
        let call = format!("{method} {path}");
        let unreachable = |cause: String| Error::Unreachable {
            endpoint: self.endpoint.to_string(),
            cause,
        };
        let answer = self
            .client
            .proxy(&self.endpoint, method, path, body.as_ref(), CALL)
            .await;
        let (status, bytes) = answer.map_err(|e| match e {
            cluster::Error::Forbidden { message, .. } => Error::Refused {
                call: call.clone(),
                status: 403,
                message,
            },
            e => unreachable(e.to_string()),
        })?;
        let status = status.as_u16();
        if (200..300).contains(&status) {
            return Ok(bytes);
        }
        let message = refusal(&bytes);
        // The API server's own words, when it finds no pod behind the Service or can't connect;
        // 301 is what a TLS port says to plain HTTP, 503 what Flink says while it starts.
        if matches!(status, 301 | 502 | 503 | 504) || is_kubernetes_status(&bytes) {
            return Err(unreachable(format!("{status}: {message}")));
        }
        Err(Error::Refused {
            call,
            status,
            message,
        })
    }
}

/// Reads the poll's answer.
fn operation(answer: &Value) -> Operation {
    if answer.pointer("/status/id").and_then(Value::as_str) != Some("COMPLETED") {
        return Operation::InProgress;
    }
    match answer.get("operation") {
        Some(op) if op.get("failure-cause").is_some_and(|c| !c.is_null()) => {
            let cause = &op["failure-cause"];
            let text = cause
                .get("stack-trace")
                .and_then(Value::as_str)
                .or_else(|| cause.get("class").and_then(Value::as_str))
                .unwrap_or("no cause given");
            Operation::Failed(first_lines(text))
        }
        Some(op) => Operation::Done(
            op.get("location")
                .and_then(Value::as_str)
                .map(str::to_owned),
        ),
        None => Operation::Done(None),
    }
}

/// Flink's `{"errors": […]}`, the API server's `message`, or the text itself; shortened.
fn refusal(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let parsed: Option<Value> = serde_json::from_slice(bytes).ok();
    let said = parsed.as_ref().and_then(|v| {
        v.get("errors")
            .and_then(Value::as_array)
            .map(|e| {
                e.iter()
                    .filter_map(Value::as_str)
                    .collect::<Vec<_>>()
                    .join("; ")
            })
            .or_else(|| v.get("message").and_then(Value::as_str).map(str::to_owned))
    });
    first_lines(&said.unwrap_or_else(|| text.into_owned()))
}

fn is_kubernetes_status(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Value>(bytes)
        .is_ok_and(|v| v.get("kind").and_then(Value::as_str) == Some("Status"))
}

/// The lines of a stack trace that say something: the first, and each cause.
fn first_lines(text: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim) {
        let says = lines.is_empty() || line.starts_with("Caused by:");
        if says && !line.is_empty() && !lines.contains(&line) && lines.len() < 6 {
            lines.push(line);
        }
    }
    let joined = lines.join("\n");
    match joined.char_indices().nth(2000) {
        Some((end, _)) => format!("{}…", &joined[..end]),
        None => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completed_is_not_success() {
        let table = [
            (
                json!({"status": {"id": "IN_PROGRESS"}, "operation": null}),
                Operation::InProgress,
            ),
            (
                json!({"status": {"id": "COMPLETED"}, "operation": {"location": "file:/sp/1"}}),
                Operation::Done(Some("file:/sp/1".into())),
            ),
            (
                json!({"status": {"id": "COMPLETED"}, "operation": {"failure-cause": {"class": "X", "stack-trace": "X: no\n\tat a\nCaused by: Y\n\tat b"}}}),
                Operation::Failed("X: no\nCaused by: Y".into()),
            ),
        ];
        for (answer, expected) in table {
            assert_eq!(operation(&answer), expected);
        }
    }

    #[test]
    fn refusals_are_flinks_own_words() {
        assert_eq!(
            refusal(br#"{"errors":["Job not found","x"]}"#),
            "Job not found; x"
        );
        assert_eq!(
            refusal(br#"{"kind":"Status","message":"no endpoints"}"#),
            "no endpoints"
        );
        assert_eq!(refusal(b"plain"), "plain");
    }

    #[test]
    fn a_job_without_slots_does_not_run() {
        let job = |running, total| JobSummary {
            id: String::new(),
            name: String::new(),
            state: "RUNNING".into(),
            start_time: 0,
            tasks: Tasks {
                total,
                running,
                finished: 0,
            },
        };
        assert!(job(2, 2).runs_fully() && !job(1, 2).runs_fully() && !job(0, 0).runs_fully());
    }
}
