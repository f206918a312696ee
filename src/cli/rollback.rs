//! `nutkin rollback`: an older revision again, with the newest state.

use std::process::ExitCode;

use super::output::Format;
use super::progress::Progress;
use super::release_flags::{ObjectFlags, StateFlags, options, session};
use super::{Context, error::CommandError};
use crate::action::Options;

/// Roll a release back to an older revision, with the newest state of its job
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nutkin rollback orders          to the revision before
  nutkin rollback orders 3        to revision 3
  nutkin rollback orders 3 --dry-run")]
pub struct Args {
    #[command(flatten)]
    what: What,
    /// The shape of the result; with json the progress on stderr is one JSON object a line too
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// What is to be rolled back, and how; `plan rollback` takes the same.
#[derive(Debug, clap::Args)]
pub struct What {
    /// The release's name
    pub(super) name: String,
    /// The revision; 0 or nothing is the one before
    #[arg(default_value_t = 0)]
    pub(super) revision: u32,
    /// Delete again what a failed change made, unless a job was stopped or started for it
    #[arg(long)]
    cleanup_on_fail: bool,
    #[command(flatten)]
    state: StateFlags,
    #[command(flatten)]
    objects: ObjectFlags,
}

impl What {
    /// How.
    pub(super) fn options(&self) -> Options {
        Options {
            cleanup_on_fail: self.cleanup_on_fail,
            ..options(&self.state, &self.objects, false)
        }
    }
}

impl Args {
    /// Rolls back.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let what = self.what;
        let dry_run = what.objects.is_dry_run();
        let progress = Progress::new(cx.output, self.output);
        let outcome = cx.block_on(async {
            let mut session = session(cx, &what.name, what.options(), &progress, !dry_run).await?;
            if !dry_run {
                session.lock().await?;
            }
            let outcome = session.rollback(what.revision, dry_run).await;
            session.unlock().await;
            Ok(outcome?)
        });
        progress.end();
        let outcome = outcome?;
        if self.output != Format::Table {
            cx.output.value(&outcome.release, self.output)?;
            return Ok(ExitCode::SUCCESS);
        }
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
