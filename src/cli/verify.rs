//! `nutkin verify`: whether a package is what its signed provenance file says.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::Context;
use super::error::{CommandError, Kind};
use super::output::Format;
use crate::chart::{Keyring, provenance};

/// Check that a package was signed, and not changed since
///
/// Reads the provenance file beside the package (PACKAGE.prov), as Helm and nutkin make them.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nutkin verify orders-1.2.0.tgz\n  nutkin verify orders-1.2.0.tgz --keyring team.pub.asc"
)]
pub struct Args {
    /// The package; may be repeated
    #[arg(required = true, value_name = "PACKAGE")]
    packages: Vec<PathBuf>,
    /// The file of public keys, binary or armoured (default: pubring.gpg in $GNUPGHOME or ~/.gnupg)
    #[arg(long, value_name = "FILE")]
    keyring: Option<PathBuf>,
    /// The shape of the output
    #[arg(short = 'o', long, value_enum, default_value_t, value_name = "SHAPE")]
    output: Format,
}

impl Args {
    /// Verifies each package; prints what Helm prints.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let path = self.keyring.unwrap_or_else(provenance::default_keyring);
        for package in &self.packages {
            check_kind(package)?;
        }
        let keyring = Keyring::read(&path)?;
        let mut found = Vec::new();
        for package in &self.packages {
            found.push(provenance::verify_file(package, &keyring)?);
        }
        cx.output.formatted(self.output, &found, || {
            found.iter().map(ToString::to_string).collect()
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

fn check_kind(package: &Path) -> Result<(), CommandError> {
    if package.is_dir() {
        return Err(CommandError::new(
            Kind::Usage,
            format_args!(
                "{} is a folder; only packages are signed",
                package.display()
            ),
        )
        .hint("nutkin package --sign"));
    }
    if !package.exists() {
        return Err(CommandError::new(
            Kind::NotFound,
            format_args!("{} not found", package.display()),
        ));
    }
    Ok(())
}

impl From<provenance::Error> for CommandError {
    fn from(e: provenance::Error) -> Self {
        use provenance::Error as E;
        let kind = match &e {
            E::Keyring { missing: true, .. } | E::NoKey { .. } | E::Unsigned { .. } => {
                Kind::NotFound
            }
            E::Read { .. } | E::Sign { .. } => Kind::Failed,
            _ => Kind::Invalid,
        };
        let hint = match &e {
            E::Keyring { missing: true, .. } => Some(
                "gpg --export >pubring.gpg (to verify) or gpg --export-secret-keys >secring.gpg (to sign), and name the file with --keyring",
            ),
            E::Unsigned { .. } => Some("nutkin package --sign makes it"),
            _ => None,
        };
        let error = CommandError::new(kind, e);
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}
