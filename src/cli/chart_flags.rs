//! The flags that say where a chart comes from, shared by every command that takes one, and the way from
//! what a user calls a chart to the loaded chart.

use std::path::{Path, PathBuf};

use super::downloads::Downloads;
use super::error::{CommandError, Kind};
use super::{Context, dependency};
use crate::chart::{self, Chart, Keyring, provenance};
use crate::registry::resolve::{Asked, Fetched, Fetcher, Provenance, local};
use crate::registry::{self, Access, Wanted};

/// How a server is reached, and as whom.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Repositories and registries")]
pub struct AccessFlags {
    /// The user of the repository or registry
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// The user's password
    #[arg(long, value_name = "PASSWORD")]
    pub password: Option<String>,
    /// Trust these certificate authorities (PEM) instead of the machine's
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// The client's certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "key_file")]
    pub cert_file: Option<PathBuf>,
    /// The key of the client's certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "cert_file")]
    pub key_file: Option<PathBuf>,
    /// Don't check the server's certificate
    #[arg(long)]
    pub insecure_skip_tls_verify: bool,
    /// Reach registries by HTTP, without TLS
    #[arg(long)]
    pub plain_http: bool,
}

impl AccessFlags {
    /// As the registry module takes it.
    pub fn access(&self) -> Access {
        Access {
            username: self.username.clone().unwrap_or_default(),
            password: self.password.clone().unwrap_or_default(),
            ca_file: self.ca_file.clone(),
            cert_file: self.cert_file.clone(),
            key_file: self.key_file.clone(),
            insecure_skip_tls_verify: self.insecure_skip_tls_verify,
            plain_http: self.plain_http,
            ..Access::default()
        }
    }
}

/// Whether archives must be signed.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Repositories and registries")]
pub struct VerifyFlags {
    /// Check the archive against its provenance file, before anything else
    #[arg(long)]
    pub verify: bool,
    /// The file of public keys, binary or armoured (default: pubring.gpg in $GNUPGHOME or ~/.gnupg)
    #[arg(long, value_name = "FILE")]
    pub keyring: Option<PathBuf>,
}

impl VerifyFlags {
    /// The keys, where archives must be signed.
    pub fn keyring(&self) -> Result<Option<Keyring>, CommandError> {
        if !self.verify {
            return Ok(None);
        }
        let path = self
            .keyring
            .clone()
            .unwrap_or_else(provenance::default_keyring);
        Ok(Some(Keyring::read(&path)?))
    }
}

/// Checks an archive that was fetched.
///
/// # Errors
/// When it isn't signed by a key of the ring.
pub fn verify(
    fetched: &Fetched,
    keyring: &Keyring,
) -> Result<provenance::Verified, provenance::Error> {
    let unsigned = || provenance::Error::Unsigned {
        file: fetched.file_name.clone(),
        provenance: format!("{}.prov", fetched.source),
    };
    let signature = fetched.provenance.as_deref().ok_or_else(unsigned)?;
    provenance::verify(&fetched.file_name, &fetched.archive, signature, keyring)
}

/// Where a chart comes from, and in which version.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Repositories and registries")]
pub struct ChartFlags {
    /// The version, or a constraint on it such as ^1.2 (default: the newest release)
    #[arg(long, value_name = "VERSION")]
    pub version: Option<String>,
    /// Take prereleases too
    #[arg(long)]
    pub devel: bool,
    /// The address of the repository that has the chart
    #[arg(long, value_name = "URL")]
    pub repo: Option<String>,
    /// Give the credentials to other hosts too, when the chart lies there
    #[arg(long)]
    pub pass_credentials: bool,
    /// How servers are reached.
    #[command(flatten)]
    pub access: AccessFlags,
    /// Whether archives must be signed.
    #[command(flatten)]
    pub verify: VerifyFlags,
}

/// A chart, and where it was.
#[derive(Debug)]
pub struct Loaded {
    /// The chart.
    pub chart: Chart,
    /// Its folder; `None` for an archive.
    pub folder: Option<PathBuf>,
}

impl ChartFlags {
    /// Which version is wanted.
    pub fn wanted(&self) -> Result<Wanted, CommandError> {
        let version = self.version.as_deref().unwrap_or_default();
        Ok(Wanted::new(version, self.devel)?)
    }

    /// How servers are reached.
    pub fn access(&self) -> Access {
        Access {
            pass_credentials: self.pass_credentials,
            ..self.access.access()
        }
    }

    /// Fetches a chart that isn't of this machine, and checks its signature where that is asked for.
    pub fn fetch(
        &self,
        reference: &str,
        provenance: Provenance,
        cx: &Context,
    ) -> Result<(Fetched, Option<provenance::Verified>), CommandError> {
        let keyring = self.verify.keyring()?;
        let asked = Asked {
            reference: reference.to_owned(),
            wanted: self.wanted()?,
            repository: self.repo.clone(),
            provenance: if keyring.is_some() {
                Provenance::Needed
            } else {
                provenance
            },
        };
        let places = cx.global.places.places();
        let access = self.access();
        let downloads = Downloads::new(cx.output);
        let fetcher = Fetcher {
            places: &places,
            access: &access,
            report: &downloads,
        };
        let fetched = cx.block_on(async { Ok(fetcher.fetch(&asked).await?) });
        downloads.end();
        let fetched = fetched?;
        let verified = keyring.map(|k| verify(&fetched, &k)).transpose()?;
        Ok((fetched, verified))
    }

    /// The chart that a user names: a folder, an archive, `repo/name`, a name with --repo, an address or
    /// `oci://…`.
    ///
    /// # Errors
    /// When there is no such chart, it can't be fetched, isn't signed though it must be, or isn't valid.
    pub fn load(&self, reference: &str, cx: &Context) -> Result<Loaded, CommandError> {
        if let Some(path) = local(reference, self.repo.as_deref())? {
            if let Some(keyring) = self.verify.keyring()? {
                if path.is_dir() {
                    return Err(CommandError::new(
                        Kind::Usage,
                        format_args!("{reference} is a folder; --verify takes archives"),
                    ));
                }
                provenance::verify_file(&path, &keyring)?;
            }
            return Ok(Loaded {
                chart: chart::load(&path)?,
                folder: path.is_dir().then_some(path),
            });
        }
        let (fetched, _) = self.fetch(reference, Provenance::No, cx)?;
        Ok(Loaded {
            chart: chart::load_archive(&fetched.source, &fetched.archive)?,
            folder: None,
        })
    }

    /// The same for commands that render: all charts that this one wants must be there. With `update` those
    /// that are missing are fetched into the chart's folder.
    ///
    /// # Errors
    /// Those of [`ChartFlags::load`], and where a wanted chart is missing.
    pub fn load_whole(
        &self,
        reference: &str,
        update: bool,
        cx: &Context,
    ) -> Result<Loaded, CommandError> {
        let loaded = self.load(reference, cx)?;
        let missing = loaded.chart.missing_dependencies();
        if missing.is_empty() {
            return Ok(loaded);
        }
        let missing = missing.join(", ");
        match &loaded.folder {
            Some(folder) if update => {
                dependency::update_folder(folder, &self.access(), &self.verify, cx)?;
                Ok(Loaded {
                    chart: chart::load(folder)?,
                    folder: loaded.folder,
                })
            }
            folder => {
                let error = CommandError::new(
                    Kind::Invalid,
                    format_args!(
                        "{reference}: Chart.yaml wants charts that are not in charts/: {missing}"
                    ),
                );
                Err(match folder {
                    Some(folder) => error.hint(format_args!(
                        "nutkin dependency build {}, or --dependency-update",
                        folder.display()
                    )),
                    None => error,
                })
            }
        }
    }
}

impl From<registry::Error> for CommandError {
    fn from(e: registry::Error) -> Self {
        use registry::Error as E;
        let kind = match &e {
            E::Chart(_) | E::Provenance(_) => Kind::Invalid,
            E::Usage(_) => Kind::Usage,
            E::NotFound { .. } => Kind::NotFound,
            E::Invalid { .. } | E::TooLarge { .. } | E::Digest { .. } => Kind::Invalid,
            E::Unreachable { .. } => Kind::Unreachable,
            E::Status { status, .. } => match status.as_u16() {
                401 | 403 => Kind::Forbidden,
                404 | 410 => Kind::NotFound,
                _ => Kind::Unreachable,
            },
            _ => Kind::Failed,
        };
        match e {
            E::Chart(e) => e.into(),
            E::Provenance(e) => e.into(),
            E::NotFound {
                message,
                hint: Some(hint),
            } => CommandError::new(kind, message).hint(hint),
            E::Status { status, .. } if status.as_u16() == 401 => CommandError::new(kind, e)
                .hint("log in: nutkin registry login HOST, or --username and --password"),
            E::Unreachable { ref cause, .. } if cause.contains("CertificateRequired") => {
                CommandError::new(kind, e).hint(
                    "the server wants a certificate of the client: --cert-file and --key-file",
                )
            }
            E::Unreachable { ref cause, .. } if cause.contains("UnknownIssuer") => {
                CommandError::new(kind, e)
                    .hint("the server's certificate is of an authority that isn't known: --ca-file")
            }
            e => CommandError::new(kind, e),
        }
    }
}

/// A folder that may not be there yet.
pub fn make_folder(path: &Path) -> Result<(), CommandError> {
    std::fs::create_dir_all(path).map_err(|e| {
        CommandError::new(
            Kind::Failed,
            format_args!("cannot make the folder {}: {e}", path.display()),
        )
    })
}
