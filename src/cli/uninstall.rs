//! `nutkin uninstall`: a last savepoint, then the release goes.

use std::process::ExitCode;

use serde::Serialize;

use super::output::Format;
use super::progress::Progress;
use super::release_flags::{ObjectFlags, StateFlags, options, session};
use super::{Context, error::CommandError};
use crate::action::uninstall::Uninstalled;
use crate::action::{Error, Options};
use crate::cluster::Propagation;

/// Uninstall a release: take a last savepoint of its job, then delete its objects
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nutkin uninstall orders
  nutkin uninstall orders --from-checkpoint latest      for a job that can't give a savepoint
  nutkin uninstall orders --cascade foreground --wait   until all its objects are gone
  nutkin uninstall orders --fresh                       without a savepoint: its state is given up")]
pub struct Args {
    /// The releases' names
    #[arg(required = true)]
    names: Vec<String>,
    /// Succeed where there is no such release
    #[arg(long)]
    ignore_not_found: bool,
    #[command(flatten)]
    how: How,
    /// The shape of the result; with json the progress on stderr is one JSON object a line too
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// How a release ends; `plan uninstall` takes the same.
#[derive(Debug, clap::Args)]
pub struct How {
    /// What becomes of what its objects own, such as the pods of a Deployment
    #[arg(long, value_enum, value_name = "MODE", default_value_t)]
    cascade: Cascade,
    /// Keep the records of the revisions, marked uninstalled
    #[arg(long)]
    pub(super) keep_history: bool,
    #[command(flatten)]
    state: StateFlags,
    #[command(flatten)]
    objects: ObjectFlags,
}

/// What becomes of dependents, in kubectl's and Helm's words.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Cascade {
    /// They go after their owner
    #[default]
    Background,
    /// They stay
    Orphan,
    /// They go before their owner
    Foreground,
}

impl From<Cascade> for Propagation {
    fn from(cascade: Cascade) -> Self {
        match cascade {
            Cascade::Background => Propagation::Background,
            Cascade::Orphan => Propagation::Orphan,
            Cascade::Foreground => Propagation::Foreground,
        }
    }
}

/// What is told of an uninstalled release.
#[derive(Serialize)]
struct Ended {
    name: String,
    savepoints: Vec<LastSavepoint>,
    kept: Vec<String>,
}

#[derive(Serialize)]
struct LastSavepoint {
    workload: String,
    path: String,
}

impl How {
    /// How.
    pub(super) fn options(&self) -> Options {
        Options {
            propagation: self.cascade.into(),
            ..options(&self.state, &self.objects, false)
        }
    }
}

impl Args {
    /// Uninstalls.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let dry_run = self.how.objects.is_dry_run();
        for name in &self.names {
            let progress = Progress::new(cx.output, self.output);
            let ended = cx.block_on(async {
                let mut session =
                    session(cx, name, self.how.options(), &progress, !dry_run).await?;
                if !dry_run {
                    session.lock().await?;
                }
                let ended = session.uninstall(self.how.keep_history, dry_run).await;
                session.unlock().await;
                Ok(ended)
            });
            progress.end();
            match ended? {
                Ok(ended) if self.output != Format::Table => {
                    let savepoints = ended.savepoints.into_iter();
                    let ended = Ended {
                        name: name.clone(),
                        savepoints: savepoints
                            .map(|(workload, path)| LastSavepoint { workload, path })
                            .collect(),
                        kept: ended.kept.into_iter().map(|k| k.object).collect(),
                    };
                    cx.output.value(&ended, self.output)?;
                }
                Ok(ended) => {
                    show_end(cx, name, &ended, dry_run)?;
                }
                Err(Error::NotFound(_)) if self.ignore_not_found => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Shows how an uninstall ended.
pub(super) fn show_end(
    cx: &Context,
    name: &str,
    ended: &Uninstalled,
    dry_run: bool,
) -> Result<(), CommandError> {
    if dry_run {
        for line in &ended.summary {
            cx.output.note(line);
        }
    }
    // A dry run's lines tell of them already.
    for kept in ended.kept.iter().filter(|_| !dry_run) {
        cx.output
            .note(&format!("kept: {}: {}", kept.object, kept.reason));
    }
    for (workload, path) in &ended.savepoints {
        cx.output
            .data(&format!("savepoint of {workload}: {path}\n"))?;
    }
    let word = if dry_run {
        "would be uninstalled"
    } else {
        "uninstalled"
    };
    cx.output.data(&format!("release \"{name}\" {word}\n"))
}
