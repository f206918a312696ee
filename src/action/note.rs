//! What Helm's record has no room for: who made a revision, from what, how long it took, what became of
//! its jobs, and why it failed.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::journal::Operation;
use crate::cluster::WaitError;
use crate::yaml::Value;

/// How much of what a failed revision's pods said is kept: a Secret holds 1 MiB.
const MAX_LINES: usize = 400;
const MAX_LINE: usize = 2000;
/// How long a secret's value must be to be looked for: shorter ones are parts of ordinary words.
const SECRET: usize = 5;

/// What became of a revision; kept beside Helm's record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RevisionNote {
    /// The revision.
    pub revision: u32,
    /// `install`, `upgrade` …
    pub operation: String,
    /// Each job that it started.
    pub jobs: Vec<StartedJob>,
    /// Why it failed, all lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What was not ready then.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_ready: Vec<NotReady>,
    /// The last log lines and events of what failed; its pods may be gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub last_words: Vec<String>,
    /// When it began, RFC 3339.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub started: String,
    /// Seconds from the first step to the last.
    pub seconds: f64,
    /// The cluster's user who ran it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What it was made from.
    #[serde(skip_serializing_if = "Origin::is_empty")]
    pub from: Origin,
}

/// Something that was not ready when a wait ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NotReady {
    /// `Deployment/web`.
    pub object: String,
    /// Why.
    pub reason: String,
}

/// A job as a revision started it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct StartedJob {
    /// The workload.
    pub workload: String,
    /// The job's id.
    pub job_id: String,
    /// What it was restored from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restored_from: Option<String>,
    /// Seconds during which no job ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub downtime: Option<f64>,
}

/// What a revision was made from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Origin {
    /// The digest of the chart's files, the same for a folder and the archive of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chart_digest: Option<String>,
    /// The digest of the saved plan that was applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The git revision that the pipeline works on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git: Option<String>,
    /// The pipeline's run, as a link where it gives one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

/// Variables in which pipelines give the git revision: GitHub, GitLab, Argo CD, Azure, Bitbucket,
/// CircleCI, Jenkins, Drone, Buildkite, Travis, Google.
const GIT: [&str; 11] = [
    "GITHUB_SHA",
    "CI_COMMIT_SHA",
    "ARGOCD_APP_REVISION",
    "BUILD_SOURCEVERSION",
    "BITBUCKET_COMMIT",
    "CIRCLE_SHA1",
    "GIT_COMMIT",
    "DRONE_COMMIT_SHA",
    "BUILDKITE_COMMIT",
    "TRAVIS_COMMIT",
    "COMMIT_SHA",
];

/// Variables that link to the run.
const RUN: [&str; 5] = [
    "CI_JOB_URL",
    "BUILD_URL",
    "CIRCLE_BUILD_URL",
    "BUILDKITE_BUILD_URL",
    "DRONE_BUILD_LINK",
];

impl Origin {
    /// What the variables of a pipeline say.
    pub fn of_environment(get: impl Fn(&str) -> Option<String>) -> Origin {
        // Kept and printed: what is no plain word is not taken.
        let plain = |name: &str| {
            get(name).filter(|v| {
                !v.is_empty() && v.len() <= 300 && v.chars().all(|c| c.is_ascii_graphic())
            })
        };
        let github = || {
            let server = plain("GITHUB_SERVER_URL")?;
            let repository = plain("GITHUB_REPOSITORY")?;
            let run = plain("GITHUB_RUN_ID")?;
            Some(format!("{server}/{repository}/actions/runs/{run}"))
        };
        Origin {
            git: GIT.iter().find_map(|name| plain(name)),
            run: github().or_else(|| RUN.iter().find_map(|name| plain(name))),
            ..Origin::default()
        }
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Origin::default()
    }
}

/// A run of an operation, as far as its revision's note tells of it.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// What is done.
    pub operation: Operation,
    /// The cluster's user.
    pub by: Option<String>,
    begun: Instant,
    started: String,
    from: Origin,
}

impl Run {
    /// Begins now.
    pub(crate) fn begin(operation: Operation, from: Origin) -> Run {
        Run {
            operation,
            by: None,
            begun: Instant::now(),
            started: super::now(),
            from,
        }
    }

    /// The note of a revision that it made, as it ends now.
    pub(crate) fn note(&self, revision: u32) -> RevisionNote {
        RevisionNote {
            revision,
            operation: self.operation.word().to_owned(),
            started: self.started.clone(),
            seconds: self.begun.elapsed().as_secs_f64(),
            by: self.by.clone(),
            from: self.from.clone(),
            ..RevisionNote::default()
        }
    }
}

/// The values of a manifest's Secrets, long enough to be told from other words; the longest first, for
/// one may be a part of another.
pub(crate) fn secret_values(objects: &[Value]) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    for object in objects
        .iter()
        .filter(|o| o.get("kind").and_then(Value::as_str) == Some("Secret"))
    {
        let texts = |field: &str| {
            let map = object.get(field).and_then(Value::as_object);
            map.into_iter()
                .flat_map(|m| m.values())
                .filter_map(Value::as_str)
        };
        values.extend(texts("stringData").map(str::to_owned));
        values.extend(texts("data").filter_map(|text| {
            let bytes = BASE64.decode(text.trim()).ok()?;
            String::from_utf8(bytes).ok()
        }));
    }
    let mut lines: Vec<String> = values
        .iter()
        .flat_map(|v| v.lines())
        .map(|l| l.trim().to_owned())
        .filter(|l| l.chars().count() >= SECRET)
        .collect();
    lines.sort_by_key(|l| std::cmp::Reverse(l.len()));
    lines.dedup();
    lines
}

impl RevisionNote {
    /// Takes in why a wait ended: what was not ready, and the last words, without the values in
    /// `secrets`.
    pub fn take_failure(&mut self, error: &WaitError, secrets: &[String]) {
        let (not_ready, details) = match error {
            WaitError::TimedOut {
                not_ready, details, ..
            } => (not_ready.clone(), details),
            WaitError::Unhealthy {
                object,
                reason,
                details,
            } => (vec![(object.clone(), reason.clone())], details),
            WaitError::NotGone { .. } | WaitError::Cluster(_) => return,
        };
        self.not_ready = not_ready
            .into_iter()
            .take(MAX_LINES)
            .map(|(object, reason)| NotReady {
                object: object.to_string(),
                reason: masked(&reason, secrets),
            })
            .collect();
        self.last_words = details
            .iter()
            .take(MAX_LINES)
            .map(|line| masked(line, secrets))
            .collect();
    }
}

/// A line with the values of known secrets masked, and cut to a bearable length.
pub fn masked(line: &str, secrets: &[String]) -> String {
    let mut line = line.to_owned();
    for secret in secrets {
        if line.contains(secret.as_str()) {
            line = line.replace(secret.as_str(), "(masked)");
        }
    }
    if let Some((at, _)) = line.char_indices().nth(MAX_LINE) {
        line.truncate(at);
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ObjectRef;

    #[test]
    fn pipelines_say_where_a_revision_comes_from() {
        let of = |pairs: &[(&str, &str)]| {
            Origin::of_environment(|name| {
                let found = pairs.iter().find(|(n, _)| *n == name);
                found.map(|(_, v)| (*v).to_owned())
            })
        };
        assert!(of(&[]).is_empty());
        let github = of(&[
            ("GITHUB_SHA", "abc"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "o/r"),
            ("GITHUB_RUN_ID", "7"),
        ]);
        assert_eq!(github.git.as_deref(), Some("abc"));
        assert_eq!(
            github.run.as_deref(),
            Some("https://github.com/o/r/actions/runs/7")
        );
        let gitlab = of(&[("CI_COMMIT_SHA", "def"), ("CI_JOB_URL", "https://x/1")]);
        assert_eq!(gitlab.git.as_deref(), Some("def"));
        assert_eq!(gitlab.run.as_deref(), Some("https://x/1"));
        assert!(of(&[("GITHUB_SHA", "two words\n")]).is_empty());
    }

    #[test]
    fn secrets_are_known_by_line() {
        let secret = serde_json::json!({"kind": "Secret",
            "data": {"a": "aHVudGVyMjI=", "b": "eHg=", "c": "not base64!"},
            "stringData": {"d": "first line\nsecond line"}});
        let other = serde_json::json!({"kind": "ConfigMap", "data": {"a": "plain text"}});
        assert_eq!(
            secret_values(&[secret, other]),
            ["second line", "first line", "hunter22"]
        );
    }

    #[test]
    fn last_words_are_bounded_and_masked() {
        let mut note = RevisionNote::default();
        let error = WaitError::Unhealthy {
            object: ObjectRef::new("apps/v1", "Deployment", Some("n"), "web"),
            reason: "the password hunter22 is wrong".into(),
            details: (0..9999)
                .map(|n| format!("{n} hunter22 {}", "ü".repeat(5000)))
                .collect(),
        };
        note.take_failure(&error, &["hunter22".to_owned()]);
        assert_eq!(note.not_ready[0].object, "Deployment/web");
        assert_eq!(note.not_ready[0].reason, "the password (masked) is wrong");
        assert_eq!(note.last_words.len(), MAX_LINES);
        let json = serde_json::to_string(&note).unwrap();
        assert!(!json.contains("hunter22"));
        assert!(json.len() < 2 << 20);
    }
}
