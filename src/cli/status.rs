//! `nutkin status`: a revision and the objects it has in the cluster.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::json;

use super::error::{CommandError, Kind};
use super::get::{Revision, computed, given, hooks};
use super::output::{Format, columns};
use super::progress::Progress;
use super::release_flags::session;
use super::{Context, when};
use crate::action::note::RevisionNote;
use crate::action::{
    self, Options,
    records::{journal_of, unfinished},
};
use crate::cluster::{Client, Lists, ObjectRef, Rules, object_refs, readiness};
use crate::plan::hidden::without_secrets;
use crate::release::{Own, Release, Status};
use crate::yaml::{Map, Value, emit};

/// Show a release: its state, its objects, its notes
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nutkin status orders\n  nutkin status orders --revision 2 -o json\n  nutkin status orders --why"
)]
pub struct Args {
    #[command(flatten)]
    of: Revision,
    /// Show why a revision failed: the error, what was not ready, and the last log lines and events of
    /// its pods (default: the newest that failed)
    #[arg(long)]
    why: bool,
    /// The output format
    #[arg(short = 'o', long, value_enum, default_value_t)]
    output: Format,
}

impl Args {
    /// Shows it.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        if self.why {
            return self.why(cx);
        }
        let progress = Progress::silent(cx.output);
        let (release, objects, journal, note) = cx.block_on(async {
            let (client, store) = cx.store().await?;
            let session = session(cx, &self.of.name, Options::default(), &progress, false).await?;
            let stored = self.of.read(&store).await?;
            let begun = unfinished(&stored);
            let mut release = stored.release;
            self.of.conceal(cx, &mut release);
            let own = Own::new(client.clone(), &release.namespace);
            let (objects, journal, note) = tokio::join!(
                objects(&client, &release),
                journal_of(&own, &release.name),
                session.revision_note(release.version)
            );
            let journal = journal.map_err(action::Error::from)?.or(begun);
            Ok((release, objects?, journal, note?))
        })?;
        let mut table = describe(&release, Show::Status, Some(&objects))?;
        if let Some(note) = &note {
            // After Helm's own lines on the revision.
            let at = table
                .find("RESOURCES:\n")
                .or_else(|| table.find("TEST SUITE"));
            table.insert_str(at.unwrap_or(table.len()), &made(note));
        }
        let whole = with_resources(&release, &objects)?;
        cx.output.formatted(self.output, &whole, || table)?;
        if let Some(journal) = journal {
            for line in journal.describe() {
                cx.output.note(&line);
            }
            cx.output.note(&format!(
                "The next changing command goes on from there; nutkin upgrade {0} --resume finishes it, \
                 nutkin upgrade {0} --abandon goes back",
                release.name
            ));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Shows why a revision failed.
    fn why(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let progress = Progress::silent(cx.output);
        let note = cx.block_on(async {
            let (_, store) = cx.store().await?;
            let session = session(cx, &self.of.name, Options::default(), &progress, false).await?;
            let revision = match self.of.revision {
                0 => {
                    let all = store.revisions(&self.of.name).await?;
                    let failed = all.iter().rfind(|r| r.status == Status::Failed);
                    match failed {
                        Some(revision) => revision.version,
                        // A failed install may have been taken back, its record with it.
                        None => {
                            let notes = session.revision_notes().await?;
                            let failed = notes.into_iter().filter(|n| n.error.is_some());
                            failed.map(|n| n.revision).max().unwrap_or(0)
                        }
                    }
                }
                revision => store.get(&self.of.name, revision).await?.release.version,
            };
            Ok(session.revision_note(revision).await?)
        })?;
        let Some(note) = note else {
            let name = &self.of.name;
            return Err(CommandError::new(
                Kind::NotFound,
                format_args!("nothing is known of a failed revision of release {name:?}"),
            )
            .hint(format_args!("nutkin history {name} shows its revisions")));
        };
        cx.output
            .formatted(self.output, &note, || explained(&note))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Who made a revision, and from what.
fn made(note: &RevisionNote) -> String {
    let mut text = String::new();
    let by = note.by.as_deref().unwrap_or("?");
    let _ = writeln!(
        text,
        "MADE: {} by {by} in {:.1} s",
        note.operation, note.seconds
    );
    let from = &note.from;
    let parts = [
        ("chart", &from.chart_digest),
        ("plan", &from.plan),
        ("git", &from.git),
        ("run", &from.run),
    ];
    let known: Vec<String> = parts
        .iter()
        .filter_map(|(what, value)| value.as_ref().map(|v| format!("{what} {v}")))
        .collect();
    if !known.is_empty() {
        let _ = writeln!(text, "FROM: {}", known.join(", "));
    }
    for job in &note.jobs {
        let from = job.restored_from.as_deref().unwrap_or("no state");
        let _ = writeln!(
            text,
            "JOB: {} of {}, started from {from}",
            job.job_id, job.workload
        );
    }
    text
}

/// Why a revision failed.
fn explained(note: &RevisionNote) -> String {
    let mut text = format!(
        "REVISION: {}\nSTARTED: {}\n{}",
        note.revision,
        note.started,
        made(note)
    );
    match &note.error {
        Some(error) => {
            let _ = writeln!(text, "ERROR: {error}");
        }
        None => text.push_str("ERROR: none, the revision did not fail\n"),
    }
    if !note.not_ready.is_empty() {
        text.push_str("NOT READY:\n");
        for one in &note.not_ready {
            let _ = writeln!(text, "  {}: {}", one.object, one.reason);
        }
    }
    if !note.last_words.is_empty() {
        text.push_str("LAST LOG LINES AND EVENTS:\n");
        for line in &note.last_words {
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}

/// An object of the manifest, and what of it is in the cluster.
pub type Found = (ObjectRef, Option<Value>);

/// The objects of a release's manifest as they are in the cluster.
pub async fn objects(client: &Client, release: &Release) -> Result<Vec<Found>, CommandError> {
    let wanted = object_refs(&release.manifest, &release.namespace);
    let found = client.find_all(&wanted, Lists::default()).await?;
    Ok(wanted.into_iter().zip(found).collect())
}

/// The record in Helm's JSON shape: without the chart, with the live objects by version and kind.
/// The values of Secrets are masked.
fn with_resources(release: &Release, objects: &[Found]) -> Result<Value, CommandError> {
    let mut whole =
        serde_json::to_value(release).map_err(|e| CommandError::new(Kind::Internal, e))?;
    if let Some(map) = whole.as_object_mut() {
        map.remove("chart");
    }
    let mut resources = Map::new();
    for (object, live) in objects {
        let Some(live) = live else { continue };
        let key = format!("{}/{}", object.version, object.kind);
        if let Some(list) = resources
            .entry(key)
            .or_insert_with(|| json!([]))
            .as_array_mut()
        {
            list.push(without_secrets(live));
        }
    }
    if !resources.is_empty() {
        whole["info"]["resources"] = Value::Object(resources);
    }
    Ok(whole)
}

/// How much is told of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// State, objects, notes.
    Status,
    /// Chart, values, hooks and manifest too.
    All,
}

/// A release in words.
pub fn describe(
    release: &Release,
    show: Show,
    objects: Option<&[Found]>,
) -> Result<String, CommandError> {
    let mut text = String::new();
    let info = &release.info;
    let _ = writeln!(text, "NAME: {}", release.name);
    if info.last_deployed.is_some() {
        let _ = writeln!(
            text,
            "LAST DEPLOYED: {}",
            when::ansic(info.last_deployed.as_ref())
        );
    }
    let _ = writeln!(text, "NAMESPACE: {}", release.namespace);
    let _ = writeln!(text, "STATUS: {}", info.status);
    let _ = writeln!(text, "REVISION: {}", release.version);
    if show == Show::All {
        let chart = &release.chart.metadata;
        let _ = writeln!(text, "CHART: {}", chart.name);
        let _ = writeln!(text, "VERSION: {}", chart.version);
        let _ = writeln!(text, "APP_VERSION: {}", chart.app_version);
    }
    let _ = writeln!(text, "DESCRIPTION: {}", info.description);
    if let Some(objects) = objects.filter(|o| !o.is_empty()) {
        let rows: Vec<Vec<String>> = objects.iter().map(row).collect();
        let _ = writeln!(
            text,
            "RESOURCES:\n{}",
            columns(&["RESOURCE", "STATE", "INFO"], &rows)
        );
    }
    tests(release, &mut text);
    if show == Show::All {
        let _ = writeln!(text, "USER-SUPPLIED VALUES:\n{}", emit(&given(release)));
        let _ = writeln!(text, "COMPUTED VALUES:\n{}", emit(&computed(release)?));
        let _ = writeln!(
            text,
            "HOOKS:\n{}MANIFEST:\n{}",
            hooks(release),
            release.manifest
        );
    }
    if !info.notes.is_empty() {
        let _ = writeln!(text, "NOTES:\n{}", info.notes.trim());
    }
    Ok(text)
}

fn row((object, live): &Found) -> Vec<String> {
    let (state, info) = match live {
        None => ("MISSING", String::new()),
        Some(live) => {
            let state = readiness(
                live,
                Rules {
                    jobs: true,
                    legacy: false,
                },
            );
            let word = match &state {
                crate::cluster::State::Ready(_) => "READY",
                crate::cluster::State::Waiting(_) => "WAITING",
                crate::cluster::State::Unhealthy(_) => "UNHEALTHY",
                crate::cluster::State::Failed(_) => "FAILED",
            };
            (word, state.reason().to_owned())
        }
    };
    vec![object.to_string(), state.to_owned(), info]
}

/// The runs of the release's test hooks.
fn tests(release: &Release, text: &mut String) {
    let mut any = false;
    for hook in &release.hooks {
        if !hook.events.iter().any(|e| e == "test") {
            continue;
        }
        any = true;
        let run = &hook.last_run;
        if run.started_at.is_some() {
            let _ = writeln!(
                text,
                "TEST SUITE:     {}\nLast Started:   {}\nLast Completed: {}\nPhase:          {}",
                hook.name,
                when::ansic(run.started_at.as_ref()),
                when::ansic(run.completed_at.as_ref()),
                run.phase
            );
        }
    }
    if !any {
        text.push_str("TEST SUITE: None\n");
    }
}
