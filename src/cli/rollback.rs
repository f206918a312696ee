//! `nutkin rollback`: an older revision again, with the newest state.

use std::process::ExitCode;

use super::progress::Progress;
use super::release_flags::{ObjectFlags, StateFlags, options, session};
use super::{Context, error::CommandError};

/// Roll a release back to an older revision, with the newest state of its job
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nutkin rollback orders          to the revision before
  nutkin rollback orders 3        to revision 3
  nutkin rollback orders 3 --dry-run")]
pub struct Args {
    /// The release's name
    name: String,
    /// The revision; 0 or nothing is the one before
    #[arg(default_value_t = 0)]
    revision: u32,
    #[command(flatten)]
    state: StateFlags,
    #[command(flatten)]
    objects: ObjectFlags,
}

impl Args {
    /// Rolls back.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let dry_run = self.objects.is_dry_run();
        let options = options(&self.state, &self.objects, false);
        let progress = Progress::new(cx.output);
        let outcome = cx.block_on(async {
            let mut session = session(cx, &self.name, options, &progress, !dry_run).await?;
            if !dry_run {
                session.lock().await?;
            }
            let outcome = session.rollback(self.revision, dry_run).await;
            session.unlock().await;
            Ok(outcome?)
        });
        progress.end();
        let outcome = outcome?;
        for line in &outcome.summary {
            cx.output.note(line);
        }
        if dry_run {
            cx.output.data(&format!(
                "Would roll back to {}\n",
                outcome.release.info.rollback_revision
            ))?;
        } else {
            cx.output.data(&format!(
                "Rolled back to {} as revision {}\n",
                outcome.release.info.rollback_revision, outcome.release.version
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
