//! `nutkin uninstall`: a last savepoint, then the release goes.

use std::process::ExitCode;

use super::progress::Progress;
use super::release_flags::{ObjectFlags, StateFlags, options, session};
use super::{Context, error::CommandError};
use crate::action::uninstall::Uninstalled;
use crate::action::{Error, Options};

/// Uninstall a release: take a last savepoint of its job, then delete its objects
#[derive(Debug, clap::Args)]
#[command(visible_aliases = ["del", "delete", "un"], after_help = "Examples:
  nutkin uninstall orders
  nutkin uninstall orders --from-checkpoint latest      for a job that can't give a savepoint
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
}

/// How a release ends; `plan uninstall` takes the same.
#[derive(Debug, clap::Args)]
pub struct How {
    /// Keep the records of the revisions, marked uninstalled
    #[arg(long)]
    pub(super) keep_history: bool,
    #[command(flatten)]
    state: StateFlags,
    #[command(flatten)]
    objects: ObjectFlags,
}

impl How {
    /// How.
    pub(super) fn options(&self) -> Options {
        options(&self.state, &self.objects, false)
    }
}

impl Args {
    /// Uninstalls.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let dry_run = self.how.objects.is_dry_run();
        for name in &self.names {
            let progress = Progress::new(cx.output);
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
    for kept in &ended.kept {
        cx.output.note(&format!("kept: {kept}"));
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
