//! `nutkin create`: a new chart.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::error::{CommandError, Kind};
use super::{Context, helm_env};
use crate::chart::{self, Language};

/// Make a new chart: a Flink application cluster
///
/// Its state survives upgrades: checkpoints, savepoints and high availability are set up.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  nutkin create orders && nutkin template orders ./orders")]
pub struct Args {
    /// The chart's folder; its last part is the chart's name
    #[arg(value_name = "NAME")]
    path: PathBuf,
    /// Write the templates in Helm's language instead of Tera
    #[arg(long)]
    gotmpl: bool,
    /// Make it of this chart of your own: a name in $HELM_DATA_HOME/starters, or a path from the root on.
    /// `<CHARTNAME>` in its templates and values becomes the name
    #[arg(short = 'p', long, value_name = "STARTER", conflicts_with = "gotmpl")]
    starter: Option<PathBuf>,
}

impl Args {
    /// Writes the files. A folder that holds something is left alone.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let name = self
            .path
            .file_name()
            .and_then(|n| n.to_str())
            .unwrap_or_default();
        let language = if self.gotmpl {
            Language::GoTemplate
        } else {
            Language::Tera
        };
        let files = match &self.starter {
            // What is a path from the root on stays one.
            Some(starter) => {
                chart::from_starter(name, &helm_env::data_home().join("starters").join(starter))?
            }
            None => chart::create(name, language)?,
        };
        if fs::read_dir(&self.path).is_ok_and(|mut entries| entries.next().is_some())
            || self.path.is_file()
        {
            return Err(CommandError::new(
                Kind::Taken,
                format_args!("{} exists already and is not empty", self.path.display()),
            ));
        }
        for file in files {
            write(&self.path.join(&file.name), &file.data)?;
        }
        cx.output
            .data(&format!("Created {}\n", self.path.display()))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn write(path: &Path, data: &[u8]) -> Result<(), CommandError> {
    let failed = |source| chart::Error::Write {
        path: path.display().to_string(),
        source,
    };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    fs::write(path, data).map_err(failed)?;
    Ok(())
}
