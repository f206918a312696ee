//! `nutkin install`: a chart becomes a release.

use std::path::Path;
use std::process::ExitCode;

use super::kube::release_name;
use super::output::Format;
use super::progress::Progress;
use super::release_flags::{CrdFlags, ObjectFlags, StateFlags, options, session, source};
use super::render_flags::{NameFlags, RenderFlags, RevisionFlags};
use super::shown::show_outcome;
use super::values_flags::ValueFlags;
use super::{Context, error::CommandError};
use crate::action::{Options, Outcome, offline};

/// Install a chart as a new release
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nutkin install orders charts/flink-application -f values/prod.yaml -n flink --create-namespace
  nutkin install -g ./orders-1.2.0.tgz --dry-run=client                what would be made, without a cluster
  nutkin install orders charts/flink-application --restore latest      over the ledger of an earlier release
  nutkin install orders charts/flink-application --restore-from s3://bucket/savepoints/savepoint-1a2b")]
pub struct Args {
    /// The release's name and the chart, a folder or a .tgz archive; or the chart alone, with a name made for it
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
    /// Make the namespace if it isn't there
    #[arg(long)]
    create_namespace: bool,
    #[command(flatten)]
    state: StateFlags,
    #[command(flatten)]
    objects: ObjectFlags,
    #[command(flatten)]
    crds: CrdFlags,
    /// The shape of the result
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

impl Args {
    /// Installs.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let dry_run = self.objects.is_dry_run();
        self.revision.check(dry_run)?;
        let (name, chart) = self.naming.resolve(&self.name_and_chart, None)?;
        release_name(&name)?;
        let source = source(cx, Path::new(&chart), &self.values, &self.rendering)?;
        let options = Options {
            labels: self.revision.labels(),
            crds: self.crds.mode(),
            ..options(&self.state, &self.objects, self.create_namespace)
        };
        if self.objects.is_client_only() {
            let namespace = cx.global.namespace.as_deref().unwrap_or("default");
            let mut release = offline(&source, &name, namespace, options.crds)?;
            release.info.description = options.description.unwrap_or_default();
            let outcome = Outcome {
                release,
                jobs: Vec::new(),
                summary: Vec::new(),
                unchanged: false,
            };
            return show_outcome(cx, &outcome, self.output, &self.revision, true);
        }
        let progress = Progress::new(cx.output);
        let outcome = cx.block_on(async {
            let mut session = session(cx, &name, options, &progress, !dry_run).await?;
            if !dry_run {
                session.ensure_namespace().await?;
                session.lock().await?;
            }
            let outcome = session.install(&source, dry_run).await;
            session.unlock().await;
            Ok(outcome?)
        });
        progress.end();
        show_outcome(cx, &outcome?, self.output, &self.revision, dry_run)
    }
}
