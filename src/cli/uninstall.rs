//! `nutkin uninstall`: a last savepoint, then the release goes.

use std::process::ExitCode;

use super::progress::Progress;
use super::release_flags::{ObjectFlags, StateFlags, options, session};
use super::{Context, error::CommandError};
use crate::action::Error;

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
    /// Keep the records of the revisions, marked uninstalled
    #[arg(long)]
    keep_history: bool,
    /// Succeed where there is no such release
    #[arg(long)]
    ignore_not_found: bool,
    #[command(flatten)]
    state: StateFlags,
    #[command(flatten)]
    objects: ObjectFlags,
}

impl Args {
    /// Uninstalls.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let dry_run = self.objects.is_dry_run();
        for name in &self.names {
            let options = options(&self.state, &self.objects, false);
            let progress = Progress::new(cx.output);
            let ended = cx.block_on(async {
                let mut session = session(cx, name, options, &progress, !dry_run).await?;
                if !dry_run {
                    session.lock().await?;
                }
                let ended = session.uninstall(self.keep_history, dry_run).await;
                session.unlock().await;
                Ok(ended)
            });
            progress.end();
            match ended? {
                Ok(ended) => {
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
                    cx.output.data(&format!("release \"{name}\" {word}\n"))?;
                }
                Err(Error::NotFound(_)) if self.ignore_not_found => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
