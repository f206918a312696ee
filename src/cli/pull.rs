//! `nutkin pull`: a chart from a repository, a registry or an address.

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use super::Context;
use super::chart_flags::{ChartFlags, make_folder};
use super::error::{CommandError, Kind};
use crate::chart;
use crate::registry::resolve::Provenance;

/// Fetch a packaged chart, and unpack it if wanted
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nutkin pull flink/flink-application --version ^1.2\n  \
nutkin pull oci://registry.example.com/charts/orders --version 1.4.0 --untar\n  \
nutkin pull oci://registry.example.com/charts/orders@sha256:…\n  \
nutkin pull orders --repo https://charts.example.com -d dist --prov"
)]
pub struct Args {
    /// The charts: REPOSITORY/CHART, oci://…, an address, or a name with --repo
    #[arg(required = true, value_name = "CHART")]
    charts: Vec<String>,
    /// The folder to write to
    #[arg(short = 'd', long, default_value = ".", value_name = "FOLDER")]
    destination: PathBuf,
    /// Unpack the archive and don't keep it
    #[arg(long)]
    untar: bool,
    /// The folder to unpack into (default: the destination)
    #[arg(long, value_name = "FOLDER", requires = "untar")]
    untardir: Option<PathBuf>,
    /// Fetch the provenance file too, without checking it
    #[arg(long)]
    prov: bool,
    #[command(flatten)]
    from: ChartFlags,
}

impl Args {
    /// Fetches each.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        for chart in &self.charts {
            self.pull(chart, cx)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn pull(&self, reference: &str, cx: &Context) -> Result<(), CommandError> {
        let wish = if self.prov {
            Provenance::IfThere
        } else {
            Provenance::No
        };
        let (fetched, verified) = self.from.fetch(reference, wish, cx)?;
        if let Some(verified) = verified {
            cx.output.note(verified.to_string().trim_end());
        }
        if self.prov && fetched.provenance.is_none() {
            cx.output.note(&format!(
                "Warning: {} has no provenance file",
                fetched.source
            ));
        }
        let written = if self.untar {
            let below = self.untardir.clone().unwrap_or_default();
            let folder = self.destination.join(below);
            let (name, files) = chart::unpack_archive(&fetched.source, &fetched.archive)?;
            unpack(&folder.join(name), &files)?
        } else {
            make_folder(&self.destination)?;
            let path = self.destination.join(file_name(&fetched.file_name)?);
            write(&path, &fetched.archive)?;
            if let Some(provenance) = &fetched.provenance {
                write(&chart::provenance::provenance_path(&path), provenance)?;
            }
            path
        };
        cx.output.note(&format!("Pulled: {}", fetched.source));
        cx.output.note(&format!("Digest: {}", fetched.digest));
        cx.output.note(&format!("Written: {}", written.display()));
        Ok(())
    }
}

/// A server's name for an archive, as long as it is a plain one.
fn file_name(name: &str) -> Result<&str, CommandError> {
    let mut parts = Path::new(name).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(_)), None) if !name.starts_with('.') => Ok(name),
        _ => Err(CommandError::new(
            Kind::Invalid,
            format_args!("the server calls the archive {name:?}, which is no file's name"),
        )),
    }
}

/// Writes a chart's files below a folder that isn't there yet. They are put beside it first, so that there is
/// either all or nothing.
fn unpack(folder: &Path, files: &[chart::File]) -> Result<PathBuf, CommandError> {
    if folder.exists() {
        return Err(CommandError::new(
            Kind::Taken,
            format_args!("{} is there already", folder.display()),
        )
        .hint("remove it, or name another folder with --untardir"));
    }
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.with_file_name(format!(".{name}-{}", std::process::id()));
    let result = unpack_into(&beside, files)
        .and_then(|()| fs::rename(&beside, folder).map_err(|e| failed(folder, &e)));
    if result.is_err() {
        let _ = fs::remove_dir_all(&beside);
    }
    result.map(|()| folder.to_owned())
}

fn unpack_into(folder: &Path, files: &[chart::File]) -> Result<(), CommandError> {
    for file in files {
        let path = folder.join(&file.name);
        make_folder(path.parent().unwrap_or(folder))?;
        write(&path, &file.data)?;
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), CommandError> {
    fs::write(path, bytes).map_err(|e| failed(path, &e))
}

fn failed(path: &Path, e: &std::io::Error) -> CommandError {
    CommandError::new(
        Kind::Failed,
        format_args!("cannot write {}: {e}", path.display()),
    )
}
