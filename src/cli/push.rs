//! `nutkin push`: a packaged chart into a registry.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::Context;
use super::chart_flags::AccessFlags;
use super::downloads::Downloads;
use super::error::{CommandError, Kind};
use crate::chart;
use crate::registry::oci::{Registry, SCHEME};

/// Push a packaged chart into a registry
///
/// The chart's name is added to the address, its version becomes the tag, with _ for +. A provenance file
/// beside the archive is pushed with it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nutkin push orders-1.4.0.tgz oci://registry.example.com/charts"
)]
pub struct Args {
    /// The archive
    #[arg(value_name = "ARCHIVE")]
    archive: PathBuf,
    /// The registry, and the path in it
    #[arg(value_name = "oci://HOST/PATH")]
    remote: String,
    #[command(flatten)]
    access: AccessFlags,
}

impl Args {
    /// Pushes it.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let rest = self.remote.strip_prefix(SCHEME).ok_or_else(|| {
            CommandError::new(
                Kind::Usage,
                format_args!("{}: charts are pushed to oci://HOST/PATH", self.remote),
            )
        })?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if self.archive.is_dir() {
            return Err(CommandError::new(
                Kind::Usage,
                format_args!("{} is a folder", self.archive.display()),
            )
            .hint(format_args!(
                "nutkin package {}, and push the archive",
                self.archive.display()
            )));
        }
        let loaded = chart::load(&self.archive)?;
        let archive = read(&self.archive)?;
        let beside = chart::provenance::provenance_path(&self.archive);
        let provenance = beside.exists().then(|| read(&beside)).transpose()?;
        let created = modified(&self.archive)?;
        let places = cx.global.places.places();
        let registry = Registry::new(host, &self.access.access())?;
        let downloads = Downloads::new(cx.output);
        let pushed = cx.block_on(async {
            Ok(registry
                .push(
                    path,
                    &loaded.metadata,
                    archive,
                    provenance,
                    &created,
                    &places,
                    &downloads,
                )
                .await?)
        });
        downloads.end();
        let pushed = pushed?;
        cx.output.note(&format!("Pushed: {}", pushed.reference));
        cx.output.note(&format!("Digest: {}", pushed.digest));
        if loaded.metadata.version.contains('+') {
            cx.output
                .note("A tag can't hold a +, so the version's + is a _ in it; pull turns it back.");
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn failed(path: &Path, e: &std::io::Error) -> CommandError {
    CommandError::new(
        Kind::Failed,
        format_args!("cannot read {}: {e}", path.display()),
    )
}

fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    fs::read(path).map_err(|e| failed(path, &e))
}

/// When the archive was written, as Helm puts it into the manifest.
fn modified(path: &Path) -> Result<String, CommandError> {
    let time = fs::metadata(path)
        .and_then(|m| m.modified())
        .map_err(|e| failed(path, &e))?;
    let time = jiff::Timestamp::try_from(time)
        .map_err(|e| CommandError::new(Kind::Failed, e))?
        .to_zoned(jiff::tz::TimeZone::system());
    let text = time.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
    Ok(match text.strip_suffix("+00:00") {
        Some(utc) => format!("{utc}Z"),
        None => text,
    })
}
