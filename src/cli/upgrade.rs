//! `nutkin upgrade`: a new revision of a release, with the state of its jobs.

use std::process::ExitCode;

use super::chart_flags::ChartFlags;
use super::output::Format;
use super::progress::Progress;
use super::release_flags::{CrdFlags, ObjectFlags, StateFlags, options, session, source};
use super::render_flags::{RenderFlags, RevisionFlags};
use super::shown::show_outcome;
use super::values_flags::ValueFlags;
use super::{Context, error::CommandError, error::Kind};
use crate::action::resume::Choice;
use crate::action::{Options, Request, Source};
use crate::values::Reuse;

/// Upgrade a release: stop its job with a savepoint, apply, and see it run again from there
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nutkin upgrade orders charts/flink-application -f values/prod.yaml --set image.tag=2.0.0
  nutkin upgrade orders charts/flink-application --dry-run                     what would happen, and why
  nutkin upgrade orders charts/flink-application --from-checkpoint latest      for a job that can't give a savepoint
  nutkin upgrade orders --resume                                               finish what was broken off")]
pub struct Args {
    #[command(flatten)]
    what: What,
    /// Finish the operation that was broken off, as it was meant; without a chart
    #[arg(long, conflicts_with_all = ["chart", "abandon"])]
    resume: bool,
    /// Give the operation up that was broken off: back to the deployed revision, with the newest state
    #[arg(long, conflicts_with = "chart")]
    abandon: bool,
    /// The shape of the result
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// What is to be upgraded, and how; `plan upgrade` takes the same.
#[derive(Debug, clap::Args)]
pub struct What {
    /// The release's name
    pub(super) name: String,
    /// The chart: a folder, an archive, REPOSITORY/CHART, oci://…, an address, or a name with --repo
    chart: Option<String>,
    #[command(flatten)]
    values: ValueFlags,
    #[command(flatten)]
    rendering: RenderFlags,
    #[command(flatten)]
    revision: RevisionFlags,
    #[command(flatten)]
    from: ChartFlags,
    /// Fetch the charts that Chart.yaml wants and charts/ doesn't have
    #[arg(long)]
    dependency_update: bool,
    /// Install the release if there is none
    #[arg(short, long)]
    pub(super) install: bool,
    /// Make the namespace if it isn't there (with --install)
    #[arg(long)]
    create_namespace: bool,
    /// Take the old revision's values and its chart's defaults, under what is set now
    #[arg(long, conflicts_with_all = ["reset_values", "reset_then_reuse_values"])]
    reuse_values: bool,
    /// Take only what is set now, over the new chart's defaults
    #[arg(long, conflicts_with = "reset_then_reuse_values")]
    reset_values: bool,
    /// Take the old revision's values under what is set now, over the new chart's defaults
    #[arg(long)]
    reset_then_reuse_values: bool,
    /// Make a new revision even if nothing changes
    #[arg(long)]
    force_revision: bool,
    /// Delete again what a failed change made, unless a job was stopped or started for it
    #[arg(long)]
    cleanup_on_fail: bool,
    #[command(flatten)]
    state: StateFlags,
    #[command(flatten)]
    objects: ObjectFlags,
    #[command(flatten)]
    crds: CrdFlags,
}

impl What {
    /// The chart with its values.
    fn source(&self, cx: &Context) -> Result<Source, CommandError> {
        let Some(chart) = &self.chart else {
            return Err(CommandError::new(Kind::Usage, "the chart is missing"));
        };
        let loaded = self.from.load_whole(chart, self.dependency_update, cx)?;
        source(cx, loaded, &self.values, &self.rendering)
    }

    /// What becomes of the old values.
    fn reuse(&self) -> Reuse {
        match (
            self.reuse_values,
            self.reset_values,
            self.reset_then_reuse_values,
        ) {
            (true, ..) => Reuse::Reuse,
            (_, true, _) => Reuse::Reset,
            (.., true) => Reuse::ResetThenReuse,
            _ => Reuse::Unset,
        }
    }

    /// What is asked for.
    pub(super) fn request(&self, cx: &Context) -> Result<Request, CommandError> {
        Ok(Request::Upgrade {
            source: Box::new(self.source(cx)?),
            reuse: self.reuse(),
            install_missing: self.install,
        })
    }

    /// How.
    pub(super) fn options(&self) -> Options {
        Options {
            labels: self.revision.labels(),
            crds: self.crds.mode(),
            cleanup_on_fail: self.cleanup_on_fail,
            force_revision: self.force_revision,
            ..options(
                &self.state,
                &self.objects,
                self.create_namespace && self.install,
            )
        }
    }
}

impl Args {
    /// Upgrades.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let what = self.what;
        what.revision.check(what.objects.is_dry_run())?;
        let choice = match (self.resume, self.abandon) {
            (true, _) => Some(Choice::Resume),
            (_, true) => Some(Choice::Abandon),
            _ => None,
        };
        let source = match choice {
            Some(_) => None,
            None => Some(what.source(cx)?),
        };
        let dry_run = what.objects.is_dry_run();
        let progress = Progress::new(cx.output, self.output);
        let outcome = cx.block_on(async {
            let mut session = session(cx, &what.name, what.options(), &progress, !dry_run).await?;
            session.client.ask_ahead();
            if !dry_run {
                session.ensure_namespace().await?;
                session.lock().await?;
            }
            let outcome = match (&source, choice) {
                (Some(source), _) => {
                    let reuse = what.reuse();
                    session.upgrade(source, reuse, what.install, dry_run).await
                }
                (None, choice) => {
                    let choice = choice.unwrap_or(Choice::Resume);
                    session.settle(choice, dry_run).await
                }
            };
            session.unlock().await;
            Ok(outcome?)
        });
        progress.end();
        show_outcome(cx, &outcome?, self.output, &what.revision, dry_run)
    }
}
