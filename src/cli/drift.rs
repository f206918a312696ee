//! `nutkin drift`: how the live objects differ from the record, and bringing them back.

use std::process::ExitCode;

use super::conceal::conceal;
use super::plan_flags::ShowFlags;
use super::plan_text::Parts;
use super::progress::Progress;
use super::release_flags::{ObjectFlags, StateFlags, options, session};
use super::render_flags::RevisionFlags;
use super::shown::show_outcome;
use super::{Context, error::CommandError};
use crate::action::drift::Drift;

/// Compare the live objects of a release with what its deployed revision's record says
///
/// Fields that a controller holds don't count: an autoscaler's replicas, what an operator writes. What
/// people added or changed, and objects that are missing, do. With --fix they are brought back, as a new
/// revision; a job that must be restarted for it keeps its state, as in an upgrade.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nutkin drift orders
  nutkin drift orders --detailed-exitcode -o json
  nutkin drift orders --fix
  nutkin drift orders --ignore-manager image-bot")]
pub struct Args {
    /// The release's name
    name: String,
    /// Bring back what has drifted
    #[arg(long)]
    fix: bool,
    /// Leave the fields of this field manager alone, as a controller's. May be repeated
    #[arg(long, value_name = "NAME")]
    ignore_manager: Vec<String>,
    #[command(flatten)]
    show: ShowFlags,
    #[command(flatten)]
    state: StateFlags,
    #[command(flatten)]
    objects: ObjectFlags,
}

impl Args {
    /// Compares, and brings back.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let fixes = self.fix && !self.objects.is_dry_run();
        let options = options(&self.state, &self.objects, false);
        let progress = Progress::new(cx.output, self.show.format());
        let look = self.show.look(false);
        let ended = cx.block_on(async {
            let mut session = session(cx, &self.name, options, &progress, fixes).await?;
            let drift = session.drift(&self.ignore_manager, look).await?;
            if !fixes || !drift.drifted {
                return Ok((drift, None));
            }
            self.print(cx, &drift)?;
            session.lock().await?;
            let fixed = session.fix_drift(&self.ignore_manager).await;
            session.unlock().await;
            Ok((drift, Some(fixed?)))
        });
        progress.end();
        let (drift, fixed) = ended?;
        match fixed {
            Some(mut outcome) => {
                conceal(&cx.output, &mut outcome.release);
                let flags = RevisionFlags::default();
                show_outcome(cx, &outcome, self.show.format(), &flags, false)
            }
            None => {
                self.print(cx, &drift)?;
                Ok(self.show.code(drift.drifted))
            }
        }
    }

    fn print(&self, cx: &Context, drift: &Drift) -> Result<(), CommandError> {
        if self.fix && self.show.is_for_programs() {
            // The outcome is what a program asks for.
            return Ok(());
        }
        let parts = Parts {
            diffs: true,
            all: false,
            unchanged: false,
        };
        if self.show.is_for_programs() {
            return cx.output.value(drift, self.show.format());
        }
        for left in &drift.left {
            cx.output.note(&format!(
                "not counted: {} of {} is held by {}",
                left.field, left.object, left.manager
            ));
        }
        self.show.show(cx, &drift.plan, parts)?;
        for job in drift.plan.jobs.iter().filter(|j| !j.reasons.is_empty()) {
            cx.output.note(&format!(
                "--fix: the job of {} is {}: {}",
                job.workload,
                job.change.words(),
                job.reasons.join("; ")
            ));
        }
        if !drift.drifted {
            cx.output.data(&format!(
                "Release {:?} is as revision {} says\n",
                self.name, drift.revision
            ))?;
        }
        Ok(())
    }
}
