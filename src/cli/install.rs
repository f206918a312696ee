//! `nutkin install`: a chart becomes a release.

use std::path::PathBuf;
use std::process::ExitCode;

use super::output::Format;
use super::progress::Progress;
use super::release_flags::{CrdFlags, ObjectFlags, StateFlags, options, session, source};
use super::shown::show_outcome;
use super::values_flags::ValueFlags;
use super::{Context, error::CommandError};

/// Install a chart as a new release
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nutkin install orders charts/flink-application -f values/prod.yaml -n flink --create-namespace
  nutkin install orders charts/flink-application --restore latest      over the ledger of an earlier release
  nutkin install orders charts/flink-application --restore-from s3://bucket/savepoints/savepoint-1a2b")]
pub struct Args {
    /// The release's name
    name: String,
    /// The chart: a folder or a .tgz archive
    chart: PathBuf,
    #[command(flatten)]
    values: ValueFlags,
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
        let source = source(cx, &self.chart, &self.values)?;
        let dry_run = self.objects.is_dry_run();
        let mut options = options(&self.state, &self.objects, self.create_namespace);
        options.crds = self.crds.mode();
        let progress = Progress::new(cx.output);
        let outcome = cx.block_on(async {
            let mut session = session(cx, &self.name, options, &progress, !dry_run).await?;
            if !dry_run {
                session.ensure_namespace().await?;
                session.lock().await?;
            }
            let outcome = session.install(&source, dry_run).await;
            session.unlock().await;
            Ok(outcome?)
        });
        progress.end();
        show_outcome(cx, &outcome?, self.output, dry_run)
    }
}
