//! `nutkin package`: a chart's folder into an archive.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::chart_flags::{AccessFlags, VerifyFlags};
use super::error::{CommandError, Kind};
use super::{Context, dependency, prompt};
use crate::chart::{self, Keyring, provenance};
use crate::template::funcs::semver::Version;

/// Pack a chart's folder into an archive
///
/// The same chart gives the same bytes. Files get the time of $SOURCE_DATE_EPOCH, or 1980-01-01.
///
/// With --sign, a provenance file is written beside the archive (NAME-VERSION.tgz.prov), which
/// `nutkin verify` and `helm verify` check.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nutkin package ./orders -d dist --version 1.2.0 --app-version 2.3.0
  nutkin package ./orders ./payments
  nutkin package ./orders --sign --key 'Release Team' --keyring secring.gpg --passphrase-file pass.txt")]
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
    /// Sign the archive with an OpenPGP key
    #[arg(long, requires = "key")]
    sign: bool,
    /// The key's user id, a part of it, or its fingerprint
    #[arg(long, value_name = "NAME")]
    key: Option<String>,
    /// The file of secret keys, binary or armoured (default: pubring.gpg in $GNUPGHOME or ~/.gnupg)
    #[arg(long, value_name = "FILE")]
    keyring: Option<PathBuf>,
    /// A file whose first line is the key's passphrase; `-` is standard input
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<String>,
    /// Fetch the charts that Chart.yaml wants first
    #[arg(short = 'u', long)]
    dependency_update: bool,
    #[command(flatten)]
    access: AccessFlags,
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
        let mut signer = self.signer()?;
        for folder in &self.charts {
            if self.dependency_update {
                dependency::update_folder(
                    folder,
                    &self.access.access(),
                    &VerifyFlags::default(),
                    cx,
                )?;
            }
            let path = self.package(folder, signer.as_mut())?;
            cx.output.data(&format!(
                "Successfully packaged chart and saved it to: {}\n",
                path.display()
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// What signs; the passphrase is read once for all charts, and asked for where it is needed.
    fn signer(&self) -> Result<Option<Signer>, CommandError> {
        let Some(key) = self.key.clone().filter(|_| self.sign) else {
            return Ok(None);
        };
        let path = self.keyring.clone();
        let passphrase = match &self.passphrase_file {
            Some(file) => Some(prompt::first_line(file)?),
            None => None,
        };
        Ok(Some(Signer {
            keyring: Keyring::read(&path.unwrap_or_else(provenance::default_keyring))?,
            key,
            passphrase,
        }))
    }

    fn package(&self, folder: &Path, signer: Option<&mut Signer>) -> Result<PathBuf, CommandError> {
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
        let name = chart::package_name(&loaded);
        let path = destination.join(&name);
        // Signed before anything is written: an archive without its signature is no result.
        let signed = match signer {
            Some(signer) => Some(signer.sign(&name, &bytes, &chart::chart_yaml(&loaded)?)?),
            None => None,
        };
        fs::write(&path, bytes).map_err(|e| failed(&path, e))?;
        if let Some(text) = signed {
            let beside = provenance::provenance_path(&path);
            fs::write(&beside, text).map_err(|e| failed(&beside, e))?;
        }
        Ok(path)
    }
}

/// The key that signs, and its passphrase once it is known.
struct Signer {
    keyring: Keyring,
    key: String,
    passphrase: Option<String>,
}

impl Signer {
    fn sign(
        &mut self,
        name: &str,
        package: &[u8],
        chart_yaml: &str,
    ) -> Result<String, CommandError> {
        let known = &mut self.passphrase;
        let mut asked = None;
        let signed = provenance::sign(name, package, chart_yaml, &self.keyring, &self.key, |id| {
            if let Some(passphrase) = known {
                return Ok(passphrase.clone());
            }
            let question = format!("Passphrase of the key {id:?}");
            match prompt::ask(&question, "--passphrase-file") {
                Ok(passphrase) => {
                    *known = Some(passphrase.clone());
                    Ok(passphrase)
                }
                Err(e) => {
                    let cause = e.message.clone();
                    asked = Some(e);
                    Err(cause)
                }
            }
        });
        match asked {
            Some(e) => Err(e),
            None => Ok(signed?),
        }
    }
}
