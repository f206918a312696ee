//! `nutkin history`: the revisions of a release.

use std::collections::BTreeMap;
use std::process::ExitCode;

use serde::Serialize;

use super::error::CommandError;
use super::output::{Format, columns};
use super::progress::Progress;
use super::release_flags::session;
use super::{Context, when};
use crate::action::Options;
use crate::action::live_jobs::{JobLine, job_lines};
use crate::action::note::{Origin, RevisionNote};
use crate::release::{Release, Status, Stored, Time};

/// Show the revisions of a release
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nutkin history orders\n  nutkin history orders --max 3 -o json"
)]
pub struct Args {
    /// The release
    name: String,
    /// At most this many, the newest
    #[arg(long, default_value_t = 256, value_name = "N")]
    max: usize,
    /// Add a column with the revision that was rolled back to
    #[arg(long)]
    show_rollback_revision: bool,
    /// The output format
    #[arg(short = 'o', long, value_enum, default_value_t)]
    output: Format,
}

/// A revision in Helm's JSON shape.
#[derive(Serialize)]
struct Element {
    revision: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<Time>,
    status: &'static str,
    chart: String,
    app_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rollback_revision: Option<u32>,
    description: String,
    /// Only of revisions that nutkin made.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    more: Option<More>,
}

/// What Helm's record has no room for.
#[derive(Serialize)]
struct More {
    /// The cluster's user.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Origin::is_empty")]
    from: Origin,
    /// How long the operation took.
    seconds: f64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    jobs: Vec<JobLine>,
}

impl Element {
    fn new(release: &Release, more: Option<More>) -> Self {
        let info = &release.info;
        Element {
            revision: release.version,
            updated: info.last_deployed.clone(),
            status: info.status.as_str(),
            chart: release.chart.full_name(),
            app_version: release.chart.metadata.app_version.clone(),
            rollback_revision: (info.rollback_revision > 0).then_some(info.rollback_revision),
            description: info.description.clone(),
            more,
        }
    }

    fn jobs(&self) -> &[JobLine] {
        self.more.as_ref().map_or(&[], |m| &m.jobs)
    }
}

impl Args {
    /// Shows them.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let progress = Progress::silent(cx.output);
        let elements = cx.block_on(async {
            let session = session(cx, &self.name, Options::default(), &progress, false).await?;
            let (_, store) = cx.store().await?;
            let (history, notes, ledger) = tokio::join!(
                store.history(&self.name),
                session.revision_notes(),
                session.ledger(),
            );
            let (history, ledger) = (history?, ledger?);
            let mut notes: BTreeMap<u32, RevisionNote> =
                notes?.into_iter().map(|n| (n.revision, n)).collect();
            let deployed = |s: &&Stored| s.release.info.status == Status::Deployed;
            let current = history.iter().rfind(deployed);
            let started = |n: &RevisionNote| !n.jobs.is_empty();
            let live = match current {
                Some(current) if notes.values().any(started) => {
                    session.job_states(&current.release.manifest).await
                }
                _ => BTreeMap::new(),
            };
            let skip = history.len().saturating_sub(self.max);
            let elements = history.iter().skip(skip).map(|stored| {
                let note = notes.remove(&stored.release.version);
                let more = note.map(|note| More {
                    jobs: job_lines(&note, &live, &ledger),
                    by: note.by,
                    from: note.from,
                    seconds: note.seconds,
                });
                Element::new(&stored.release, more)
            });
            Ok(elements.collect::<Vec<Element>>())
        })?;
        let with_jobs = elements.iter().any(|e| !e.jobs().is_empty());
        cx.output.formatted(self.output, &elements, || {
            let mut headers = vec!["REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION"];
            if self.show_rollback_revision {
                headers.push("ROLLBACK");
            }
            headers.push("DESCRIPTION");
            if with_jobs {
                headers.extend(["JOB", "SAVEPOINT"]);
            }
            let rows: Vec<Vec<String>> = elements
                .iter()
                .map(|e| {
                    let mut row = vec![
                        e.revision.to_string(),
                        when::ansic(e.updated.as_ref()),
                        e.status.to_owned(),
                        e.chart.clone(),
                        e.app_version.clone(),
                    ];
                    if self.show_rollback_revision {
                        row.push(e.rollback_revision.map_or(String::new(), |r| r.to_string()));
                    }
                    row.push(e.description.clone());
                    if with_jobs {
                        let joined = |each: fn(&JobLine) -> &str| {
                            let all: Vec<&str> = e.jobs().iter().map(each).collect();
                            all.join(", ")
                        };
                        row.push(joined(|j| &j.state));
                        row.push(joined(|j| j.savepoint.as_deref().unwrap_or("-")));
                    }
                    row
                })
                .collect();
            columns(&headers, &rows)
        })?;
        Ok(ExitCode::SUCCESS)
    }
}
