//! From what a user calls a chart to the chart: `repo/name`, an address, a name with `--repo`, `oci://…`.
//! Folders and archives of the machine need no network and come first.

use std::path::{Path, PathBuf};

use reqwest::Url;

use super::cache::{Content, sha256};
use super::http::{parse, same_origin, shown};
use super::oci::{Reference, Registry, is_oci};
use super::repository::{MAX_PROVENANCE, Server, chart_address, download_index, file_name};
use super::{Access, ChartVersion, Error, Index, Places, Report, Repositories, Wanted};
use crate::chart;

/// A chart that is asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What the user calls it.
    pub reference: String,
    /// In which version.
    pub wanted: Wanted,
    /// The address of the repository, of which `reference` is a chart's name then.
    pub repository: Option<String>,
    /// Whether the provenance file is wanted too.
    pub provenance: Provenance,
}

/// Whether a provenance file is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Provenance {
    /// Not at all.
    #[default]
    No,
    /// Where there is one.
    IfThere,
    /// It must be there.
    Needed,
}

/// An archive that was fetched.
#[derive(Debug)]
pub struct Fetched {
    /// The archive's name, `name-version.tgz`, as its provenance file calls it.
    pub file_name: String,
    /// The archive.
    pub archive: Vec<u8>,
    /// The provenance file.
    pub provenance: Option<Vec<u8>>,
    /// Where it came from, for messages.
    pub source: String,
    /// The digest of a registry's manifest, or of the archive.
    pub digest: String,
}

/// The folder or archive of this machine that a reference names; `None` where it names something remote.
///
/// # Errors
/// When it can only be a path, and there is nothing.
pub fn local(reference: &str, repository: Option<&str>) -> Result<Option<PathBuf>, Error> {
    let path = Path::new(reference);
    if repository.is_some() {
        return Ok(None);
    }
    if path.exists() {
        return Ok(Some(path.to_owned()));
    }
    let remote = is_oci(reference) || reference.contains("://");
    let name_of_two = reference.contains('/') && !reference.starts_with(['.', '/', '~']);
    if remote || name_of_two {
        return Ok(None);
    }
    Err(Error::Chart(chart::Error::NotFound {
        path: path.to_owned(),
    }))
}

/// How charts are fetched: with which files, as whom, and who watches.
#[derive(Clone, Copy)]
pub struct Fetcher<'a> {
    /// Repositories, credentials and caches.
    pub places: &'a Places,
    /// What the command line says of certificates and credentials.
    pub access: &'a Access,
    /// Whoever shows what goes on.
    pub report: &'a dyn Report,
}

impl Fetcher<'_> {
    /// Fetches a chart that is not of this machine.
    ///
    /// # Errors
    /// When it isn't there, the server can't be reached, or its digest is another than was promised.
    pub async fn fetch(&self, asked: &Asked) -> Result<Fetched, Error> {
        let reference = asked.reference.trim();
        if let Some(repository) = &asked.repository {
            if is_oci(repository) {
                return Err(Error::Usage(format!(
                    "--repo takes the address of a chart repository; a registry's chart is called {}/{reference}",
                    repository.trim_end_matches('/')
                )));
            }
            let server = Server::new(repository, self.access)?;
            let (index, _) = server.index("index", self.report).await?;
            let version = index.get(reference, &asked.wanted)?;
            return self
                .by_index(&server, &version, reference, asked.provenance)
                .await;
        }
        if is_oci(reference) {
            return self.by_registry(reference, asked).await;
        }
        if reference.contains("://") {
            return self.by_address(reference, asked.provenance).await;
        }
        let (name, chart) = reference.split_once('/').ok_or_else(|| {
            Error::Chart(chart::Error::NotFound {
                path: reference.into(),
            })
        })?;
        let repositories = Repositories::load(self.places)?;
        let repository = repositories.get(name).ok_or_else(|| {
            let known = repositories.all().iter().map(|r| r.name.as_str());
            let near = crate::template::suggest::nearest(name, known);
            Error::not_found(
                format!("there is neither a file {reference} nor a repository {name:?}"),
                near.map_or_else(
                    || format!("nutkin repo add {name} URL"),
                    |n| format!("{n}/{chart}"),
                ),
            )
        })?;
        let access = self.access_over(&repository.access());
        let index = match Index::read(&self.places.index(name))? {
            Some(index) => index,
            None => {
                download_index(name, &repository.url, &access, self.places, self.report).await?
            }
        };
        let version = index.get(chart, &asked.wanted).map_err(|e| match e {
            Error::NotFound { message, hint } => {
                let update = format!("nutkin repo update {name}, if it is new");
                Error::not_found(
                    message,
                    hint.map_or(update.clone(), |h| format!("{h}; {update}")),
                )
            }
            other => other,
        })?;
        let server = Server::new(&repository.url, &access)?;
        self.by_index(&server, &version, chart, asked.provenance)
            .await
    }

    /// What the command line says, over what a repository was added with.
    pub(super) fn access_over(&self, repository: &Access) -> Access {
        let own = self.access;
        let credentials = if own.username.is_empty() && own.password.is_empty() {
            repository
        } else {
            own
        };
        let (cert_file, key_file) = if own.cert_file.is_some() || own.key_file.is_some() {
            (own.cert_file.clone(), own.key_file.clone())
        } else {
            (repository.cert_file.clone(), repository.key_file.clone())
        };
        Access {
            username: credentials.username.clone(),
            password: credentials.password.clone(),
            ca_file: own.ca_file.clone().or_else(|| repository.ca_file.clone()),
            cert_file,
            key_file,
            insecure_skip_tls_verify: own.insecure_skip_tls_verify
                || repository.insecure_skip_tls_verify,
            pass_credentials: own.pass_credentials || repository.pass_credentials,
            plain_http: own.plain_http,
            timeout: own.timeout,
        }
    }

    /// Fetches a version that an index names; one that is kept already only where the index promises no
    /// digest.
    pub(super) async fn by_index(
        &self,
        server: &Server,
        version: &ChartVersion,
        chart: &str,
        provenance: Provenance,
    ) -> Result<Fetched, Error> {
        let Some(address) = version.urls.first() else {
            return Err(Error::invalid(
                shown(server.address()),
                format!(
                    "has no address for chart {chart:?} {}",
                    version.metadata.version
                ),
            ));
        };
        if is_oci(address) {
            let asked = Asked {
                reference: address.clone(),
                wanted: Wanted::new("", false)?,
                repository: None,
                provenance,
            };
            return self.by_registry(address, &asked).await;
        }
        let url = chart_address(server.address(), address)?;
        let promised = version.sha256();
        let kept = promised
            .as_deref()
            .and_then(|d| self.places.kept(d, Content::Chart, chart::MAX_TOTAL));
        let archive = match kept {
            Some(archive) => archive,
            None => server.archive(&url, self.report).await?,
        };
        let found = sha256(&archive);
        if let Some(promised) = promised.filter(|p| *p != found) {
            return Err(Error::Digest {
                what: shown(&url),
                wanted: promised,
                found,
            });
        }
        self.finish(server, url, archive, found, provenance).await
    }

    /// Fetches the chart at an address: with the credentials of the repository that it lies below, if one
    /// was added.
    async fn by_address(&self, address: &str, provenance: Provenance) -> Result<Fetched, Error> {
        let url = parse(address)?;
        let repositories = Repositories::load(self.places)?;
        let owner = repositories.all().iter().find(|r| {
            parse(&r.url).is_ok_and(|home| {
                let folder = format!("{}/", home.path().trim_end_matches('/'));
                same_origin(&home, &url) && url.path().starts_with(&folder)
            })
        });
        let access = owner.map_or_else(
            || self.access.clone(),
            |owner| self.access_over(&owner.access()),
        );
        let server = Server::new(address, &access)?;
        let archive = server.archive(&url, self.report).await?;
        let digest = sha256(&archive);
        self.finish(&server, url, archive, digest, provenance).await
    }

    async fn finish(
        &self,
        server: &Server,
        url: Url,
        archive: Vec<u8>,
        digest: String,
        provenance: Provenance,
    ) -> Result<Fetched, Error> {
        self.places.keep(&digest, Content::Chart, &archive)?;
        let provenance = match provenance {
            Provenance::No => None,
            wish => {
                let kept = self
                    .places
                    .kept(&digest, Content::Provenance, MAX_PROVENANCE);
                match kept {
                    Some(kept) => Some(kept),
                    None => match server.provenance(&url, self.report).await {
                        Ok(bytes) => {
                            self.places.keep(&digest, Content::Provenance, &bytes)?;
                            Some(bytes)
                        }
                        Err(e) if wish == Provenance::IfThere && e.is_missing() => None,
                        Err(e) => return Err(e),
                    },
                }
            }
        };
        Ok(Fetched {
            file_name: file_name(&url),
            archive,
            provenance,
            source: shown(&url),
            digest: format!("sha256:{digest}"),
        })
    }

    async fn by_registry(&self, reference: &str, asked: &Asked) -> Result<Fetched, Error> {
        let reference = Reference::parse(reference)?;
        let registry = Registry::new(&reference.registry, self.access)?;
        self.by_registry_of(&registry, &reference, asked).await
    }

    pub(super) async fn by_registry_of(
        &self,
        registry: &Registry,
        reference: &Reference,
        asked: &Asked,
    ) -> Result<Fetched, Error> {
        let wish = asked.provenance != Provenance::No;
        let pulled = registry
            .pull(reference, &asked.wanted, wish, self.places, self.report)
            .await?;
        if asked.provenance == Provenance::Needed && pulled.provenance.is_none() {
            return Err(Error::NotFound {
                message: format!("{} has no provenance file", pulled.reference),
                hint: None,
            });
        }
        let version = pulled.reference.version();
        Ok(Fetched {
            file_name: match version {
                Some(version) => format!("{}-{version}.tgz", pulled.reference.chart()),
                None => format!("{}.tgz", pulled.reference.chart()),
            },
            archive: pulled.archive,
            provenance: pulled.provenance,
            source: pulled.reference.to_string(),
            digest: pulled.digest,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_this_machine() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display().to_string();
        assert_eq!(
            local(&path, None).unwrap(),
            Some(folder.path().to_path_buf())
        );
        assert_eq!(local(&path, Some("https://a")).unwrap(), None);
        for remote in ["stable/x", "oci://a/b", "https://a/b.tgz"] {
            assert_eq!(local(remote, None).unwrap(), None, "{remote}");
        }
        for missing in ["x", "./x/y", "/x/y", "../x"] {
            assert!(local(missing, None).is_err(), "{missing}");
        }
    }
}
