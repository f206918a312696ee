//! `nutkin package`: a chart's folder into an archive.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::Context;
use super::error::{CommandError, Kind};
use crate::chart;
use crate::template::funcs::semver::Version;

/// Pack a chart's folder into an archive
///
/// The same chart gives the same bytes. Files get the time of $SOURCE_DATE_EPOCH, or 1980-01-01.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The chart's folder; may be repeated
    #[arg(required = true, value_name = "CHART")]
    charts: Vec<PathBuf>,
    /// The folder to write to
    #[arg(short = 'd', long, default_value = ".", value_name = "FOLDER")]
    destination: PathBuf,
    /// Set the chart's version
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// Set the version of what the chart deploys
    #[arg(long, value_name = "VERSION")]
    app_version: Option<String>,
    /// The time of the files, in unix seconds
    #[arg(long, env = "SOURCE_DATE_EPOCH", hide = true)]
    source_date_epoch: Option<u64>,
}

impl Args {
    /// Packs each chart and prints where it went, as Helm does.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        if let Some(version) = &self.version {
            Version::parse(version)
                .map_err(|e| CommandError::new(Kind::Usage, format_args!("--version: {e}")))?;
        }
        for folder in &self.charts {
            let path = self.package(folder)?;
            cx.output.data(&format!(
                "Successfully packaged chart and saved it to: {}\n",
                path.display()
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn package(&self, folder: &Path) -> Result<PathBuf, CommandError> {
        let mut loaded = chart::load(folder)?;
        if let Some(version) = &self.version {
            loaded.metadata.version.clone_from(version);
        }
        if let Some(version) = &self.app_version {
            loaded.metadata.app_version.clone_from(version);
        }
        let mtime = self.source_date_epoch.unwrap_or(chart::DEFAULT_MTIME);
        let bytes = chart::package(&loaded, mtime)?;
        let failed = |path: &Path, source| chart::Error::Write {
            path: path.display().to_string(),
            source,
        };
        fs::create_dir_all(&self.destination).map_err(|e| failed(&self.destination, e))?;
        let destination = self
            .destination
            .canonicalize()
            .map_err(|e| failed(&self.destination, e))?;
        let path = destination.join(chart::package_name(&loaded));
        fs::write(&path, bytes).map_err(|e| failed(&path, e))?;
        Ok(path)
    }
}
