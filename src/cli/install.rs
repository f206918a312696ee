//! `nutkin install`: a chart becomes a release.

use std::process::ExitCode;

use super::chart_flags::ChartFlags;
use super::kube::release_name;
use super::output::Format;
use super::progress::Progress;
use super::release_flags::{CrdFlags, ObjectFlags, StateFlags, options, session, source};
use super::render_flags::{NameFlags, RenderFlags, RevisionFlags};
use super::shown::show_outcome;
use super::values_flags::ValueFlags;
use super::{Context, error::CommandError};
use crate::action::{Options, Outcome, Source, offline};

/// Install a chart as a new release
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nutkin install orders charts/flink-application -f values/prod.yaml -n flink --create-namespace
  nutkin install -g ./orders-1.2.0.tgz --dry-run=client                what would be made, without a cluster
  nutkin install orders charts/flink-application --restore latest      over the ledger of an earlier release
  nutkin install orders charts/flink-application --restore-from s3://bucket/savepoints/savepoint-1a2b")]
pub struct Args {
    #[command(flatten)]
    what: What,
    /// The shape of the result
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// What is to be installed, and how; `plan install` takes the same.
#[derive(Debug, clap::Args)]
pub struct What {
    /// The release's name and the chart: a folder, an archive, REPOSITORY/CHART, oci://…, an
    /// address, or a name with --repo; or the chart alone, with a name made for it
    #[arg(required = true, num_args = 1..=2, value_names = ["NAME", "CHART"])]
    name_and_chart: Vec<String>,
    #[command(flatten)]
    naming: NameFlags,
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
    /// Make the namespace if it isn't there
    #[arg(long)]
    create_namespace: bool,
    /// Use the name again of a release that was uninstalled with its history kept, or that failed
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    state: StateFlags,
    #[command(flatten)]
    objects: ObjectFlags,
    #[command(flatten)]
    crds: CrdFlags,
}

impl What {
    /// The release's name, and the chart with its values.
    pub(super) fn named(&self, cx: &Context) -> Result<(String, Source), CommandError> {
        let (name, chart) = self.naming.resolve(&self.name_and_chart, None)?;
        release_name(&name)?;
        let loaded = self.from.load_whole(&chart, self.dependency_update, cx)?;
        let source = source(cx, loaded, &self.values, &self.rendering)?;
        Ok((name, source))
    }

    /// How.
    pub(super) fn options(&self) -> Options {
        Options {
            labels: self.revision.labels(),
            crds: self.crds.mode(),
            replace: self.replace,
            ..options(&self.state, &self.objects, self.create_namespace)
        }
    }
}

impl Args {
    /// Installs.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let what = self.what;
        let dry_run = what.objects.is_dry_run();
        what.revision.check(dry_run)?;
        let (name, source) = what.named(cx)?;
        let options = what.options();
        if what.objects.is_client_only() {
            let namespace = cx.release_namespace();
            let mut release = offline(&source, &name, &namespace, options.crds)?;
            release.info.description = options.description.unwrap_or_default();
            let outcome = Outcome {
                release,
                jobs: Vec::new(),
                summary: Vec::new(),
                unchanged: false,
            };
            return show_outcome(cx, &outcome, self.output, &what.revision, true);
        }
        let progress = Progress::new(cx.output, self.output);
        let outcome = cx.block_on(async {
            let mut session = session(cx, &name, options, &progress, !dry_run).await?;
            session.client.ask_ahead();
            if !dry_run {
                session.ensure_namespace().await?;
                session.lock().await?;
            }
            let outcome = session.install(&source, dry_run).await;
            session.unlock().await;
            Ok(outcome?)
        });
        progress.end();
        show_outcome(cx, &outcome?, self.output, &what.revision, dry_run)
    }
}
