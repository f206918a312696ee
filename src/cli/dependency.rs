//! `nutkin dependency`: the charts that a chart is made of.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use super::Context;
use super::chart_flags::{self, AccessFlags, VerifyFlags};
use super::downloads::Downloads;
use super::error::{CommandError, Kind};
use super::output::{Format, columns};
use super::search::cut;
use super::when::now;
use crate::chart::{self, Keyring};
use crate::registry::dependency::{self, Options, Outcome};
use crate::registry::resolve::{Fetched, Fetcher};
use crate::registry::{self, Access};

/// List, choose and fetch the charts that a chart is made of
///
/// Chart.yaml names them under `dependencies`, by name, version (a constraint) and repository: an address
/// (https://…, oci://…), a folder (file://…), the name of a repository that was added (@name), or nothing
/// for a chart that is in charts/ by itself.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    #[command(visible_alias = "ls")]
    List(List),
    #[command(visible_alias = "up")]
    Update(Update),
    Build(Build),
}

/// List the dependencies and whether charts/ has them
#[derive(Debug, clap::Args)]
struct List {
    /// The chart's folder or archive
    #[arg(default_value = ".", value_name = "CHART")]
    chart: PathBuf,
    /// The longest text in a column of the table; 0: no limit
    #[arg(long, value_name = "N", default_value_t = 80)]
    max_col_width: usize,
    /// The shape of the output
    #[arg(short = 'o', long, value_enum, default_value_t, value_name = "SHAPE")]
    output: Format,
}

/// Fetch the newest versions that fit Chart.yaml into charts/, and lock them
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nutkin dependency update ./orders\n  nutkin dependency update ./orders --skip-refresh"
)]
struct Update {
    #[command(flatten)]
    flags: Flags,
}

/// Fetch the versions of Chart.lock into charts/
///
/// Fails where the lock doesn't belong to Chart.yaml. Without a lock it does what update does.
#[derive(Debug, clap::Args)]
struct Build {
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, clap::Args)]
struct Flags {
    /// The chart's folder
    #[arg(default_value = ".", value_name = "CHART")]
    chart: PathBuf,
    /// Take the cached indexes of repositories as they are
    #[arg(long)]
    skip_refresh: bool,
    #[command(flatten)]
    access: AccessFlags,
    #[command(flatten)]
    verify: VerifyFlags,
}

/// A dependency as it is listed.
#[derive(Serialize)]
struct Row {
    name: String,
    version: String,
    repository: String,
    status: &'static str,
}

impl Args {
    /// Runs the command below.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        match self.command {
            Command::List(list) => list.run(cx)?,
            Command::Update(update) => update.flags.run(false, cx)?,
            Command::Build(build) => build.flags.run(true, cx)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    fn run(self, cx: &Context) -> Result<(), CommandError> {
        let standing = dependency::status(&self.chart)?;
        let rows: Vec<Row> = standing
            .wanted
            .iter()
            .map(|(d, status)| Row {
                name: d.name.clone(),
                version: d.version.clone(),
                repository: d.repository.clone(),
                status: status.as_str(),
            })
            .collect();
        if rows.is_empty() && self.output == Format::Table {
            cx.output
                .note(&format!("{} has no dependencies", self.chart.display()));
        } else {
            cx.output.formatted(self.output, &rows, || {
                let rows: Vec<Vec<String>> = rows
                    .iter()
                    .map(|r| {
                        [&r.name, &r.version, &r.repository, r.status]
                            .map(|text| cut(text, self.max_col_width))
                            .to_vec()
                    })
                    .collect();
                columns(&["NAME", "VERSION", "REPOSITORY", "STATUS"], &rows)
            })?;
        }
        for note in standing.notes {
            cx.output.note(&format!("Warning: {note}"));
        }
        Ok(())
    }
}

impl Flags {
    fn run(self, build: bool, cx: &Context) -> Result<(), CommandError> {
        let access = self.access.access();
        let outcome = run(
            &self.chart,
            &access,
            &self.verify,
            Task {
                build,
                skip_refresh: self.skip_refresh,
            },
            cx,
        )?;
        if outcome == Outcome::default() {
            cx.output
                .note(&format!("{} has nothing to fetch", self.chart.display()));
        }
        tell(&outcome, cx);
        Ok(())
    }
}

/// What is to be done with a chart's dependencies.
#[derive(Debug, Clone, Copy)]
struct Task {
    /// By the lock, not by Chart.yaml.
    build: bool,
    skip_refresh: bool,
}

/// Brings the dependencies of a folder up to date, for commands with `--dependency-update`.
///
/// # Errors
/// When one can't be had.
pub fn update_folder(
    folder: &Path,
    access: &Access,
    verify: &VerifyFlags,
    cx: &Context,
) -> Result<(), CommandError> {
    let task = Task {
        build: false,
        skip_refresh: false,
    };
    tell(&run(folder, access, verify, task, cx)?, cx);
    Ok(())
}

fn run(
    folder: &Path,
    access: &Access,
    verify: &VerifyFlags,
    task: Task,
    cx: &Context,
) -> Result<Outcome, CommandError> {
    if folder.is_file() {
        return Err(CommandError::new(
            Kind::Usage,
            format_args!(
                "{} is an archive: dependencies are fetched into a chart's folder",
                folder.display()
            ),
        ));
    }
    let keyring = verify.keyring()?;
    let check = |fetched: &Fetched| check(fetched, keyring.as_ref());
    let places = cx.global.places.places();
    let downloads = Downloads::new(cx.output);
    let fetcher = Fetcher {
        places: &places,
        access,
        report: &downloads,
    };
    let options = Options {
        skip_refresh: task.skip_refresh,
        verify: keyring.is_some().then_some(&check),
        mtime: mtime(),
    };
    let now = now();
    let outcome = cx.block_on(async {
        let outcome = if task.build {
            dependency::build(folder, &fetcher, options, &now).await
        } else {
            dependency::update(folder, &fetcher, options, &now).await
        };
        Ok(outcome?)
    });
    downloads.end();
    outcome
}

fn check(fetched: &Fetched, keyring: Option<&Keyring>) -> Result<(), registry::Error> {
    match keyring {
        Some(keyring) => chart_flags::verify(fetched, keyring)
            .map(|_| ())
            .map_err(registry::Error::Provenance),
        None => Ok(()),
    }
}

/// The time of files in archives that are packed from folders: as `package` does it.
fn mtime() -> u64 {
    std::env::var("SOURCE_DATE_EPOCH")
        .ok()
        .and_then(|t| t.parse().ok())
        .unwrap_or(chart::DEFAULT_MTIME)
}

fn tell(outcome: &Outcome, cx: &Context) {
    for (archive, source) in &outcome.saved {
        cx.output.note(&format!("{archive}  from {source}"));
    }
    for archive in &outcome.removed {
        cx.output.note(&format!("{archive}  removed"));
    }
    if let Some(lock) = &outcome.lock {
        cx.output.note(&format!("{}  written", lock.display()));
    }
}
