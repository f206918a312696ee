//! Where each dependency comes from, and which version of it is chosen.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use futures::StreamExt as _;

use super::in_registry;
use crate::chart::{self, Dependency};
use crate::registry::cache::sha256;
use crate::registry::http::shown_text;
use crate::registry::oci::{Reference, Registry};
use crate::registry::repository::download_index;
use crate::registry::resolve::Fetcher;
use crate::registry::{Access, Error, Index, Repositories, Wanted};
use crate::template::funcs::semver::{Constraint, Version};

/// Where a dependency comes from.
#[derive(Debug)]
pub(super) enum Origin<'a> {
    /// It is in `charts/`.
    Charts,
    /// A folder of this machine.
    Folder(&'a Path),
    /// An OCI registry.
    Registry,
    /// A chart repository.
    Repository {
        /// The name of its cached index.
        key: &'a str,
        url: &'a str,
        access: &'a Access,
    },
}

/// A chart repository that is needed.
#[derive(Debug)]
struct Needed {
    key: String,
    url: String,
    access: Access,
}

/// All the places that a chart's dependencies come from.
pub(super) struct Sources {
    folders: BTreeMap<String, PathBuf>,
    repositories: Vec<Needed>,
    indexes: Mutex<HashMap<String, Arc<Index>>>,
    registries: Mutex<HashMap<String, Arc<Registry>>>,
}

impl Sources {
    /// Finds them; an alias (`@name`, `alias:name`) becomes the repository's address in the dependency, as
    /// in Helm.
    pub(super) fn new(
        folder: &Path,
        dependencies: &mut [Dependency],
        fetcher: &Fetcher<'_>,
    ) -> Result<Self, Error> {
        let known = Repositories::load(fetcher.places)?;
        let mut sources = Sources {
            folders: BTreeMap::new(),
            repositories: Vec::new(),
            indexes: Mutex::default(),
            registries: Mutex::default(),
        };
        let mut missing: Vec<String> = Vec::new();
        for dependency in dependencies {
            let address = dependency.repository.clone();
            if address.is_empty() || in_registry(dependency) {
                continue;
            }
            if let Some(path) = address.strip_prefix("file://") {
                let path = folder.join(path);
                if !path.exists() {
                    return Err(Error::NotFound {
                        message: format!(
                            "dependency {:?}: there is no folder {}",
                            dependency.name,
                            path.display()
                        ),
                        hint: None,
                    });
                }
                sources.folders.insert(address, path);
                continue;
            }
            let alias = address
                .strip_prefix('@')
                .or_else(|| address.strip_prefix("alias:"));
            let repository = match alias {
                Some(name) => known.get(name),
                None => known.by_url(&address),
            };
            let needed = match repository {
                Some(repository) => {
                    if alias.is_some() {
                        dependency.repository.clone_from(&repository.url);
                    }
                    Needed {
                        key: repository.name.clone(),
                        url: repository.url.clone(),
                        access: fetcher.access_over(&repository.access()),
                    }
                }
                None if alias.is_none() && address.contains("://") => Needed {
                    // The name under which Helm keeps the index of a repository that nobody added.
                    key: format!("helm-manager-{}", sha256(address.as_bytes())),
                    url: address.clone(),
                    access: fetcher.access.clone(),
                },
                None => {
                    missing.push(address);
                    continue;
                }
            };
            if !sources.repositories.iter().any(|n| n.key == needed.key) {
                sources.repositories.push(needed);
            }
        }
        if missing.is_empty() {
            return Ok(sources);
        }
        let shown: Vec<String> = missing.iter().map(|m| shown_text(m)).collect();
        Err(Error::not_found(
            format!("there is no repository {}", shown.join(", ")),
            "repositories are addresses (https://…, oci://…, file://…) or names with @ before them: add them with nutkin repo add NAME URL",
        ))
    }

    /// Fetches the indexes that are needed, all at once. Where a server can't be reached and an index is
    /// kept, that one is taken, with a warning.
    pub(super) async fn refresh(&self, fetcher: &Fetcher<'_>, skip: bool) -> Result<(), Error> {
        if skip {
            return Ok(());
        }
        let one = |needed: &Needed| {
            let (key, url, access) = (
                needed.key.clone(),
                needed.url.clone(),
                needed.access.clone(),
            );
            async move {
                let result =
                    download_index(&key, &url, &access, fetcher.places, fetcher.report).await;
                (key, url, result)
            }
        };
        let results: Vec<_> = futures::stream::iter(self.repositories.iter().map(one))
            .buffered(super::PARALLEL)
            .collect()
            .await;
        for (key, url, result) in results {
            match result {
                Ok(index) => self.keep(&key, index),
                Err(e) if fetcher.places.index(&key).exists() => fetcher.report.note(&format!(
                    "Warning: the index of {} could not be refreshed, the kept one is taken: {e}",
                    shown_text(&url)
                )),
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn keep(&self, key: &str, index: Index) {
        if let Ok(mut indexes) = self.indexes.lock() {
            indexes.insert(key.to_owned(), Arc::new(index));
        }
    }

    /// The index of a repository.
    pub(super) fn index(&self, key: &str, fetcher: &Fetcher<'_>) -> Result<Arc<Index>, Error> {
        let known = |key: &str| self.indexes.lock().ok()?.get(key).cloned();
        if let Some(index) = known(key) {
            return Ok(index);
        }
        let index = Index::read(&fetcher.places.index(key))?.ok_or_else(|| {
            Error::not_found(
                format!("there is no cached index of repository {key:?}"),
                "run it without --skip-refresh",
            )
        })?;
        self.keep(key, index);
        known(key).ok_or_else(|| Error::Usage(key.to_owned()))
    }

    /// The registry at a host; one for all dependencies, so that it is asked for a token once.
    pub(super) fn registry(
        &self,
        host: &str,
        fetcher: &Fetcher<'_>,
    ) -> Result<Arc<Registry>, Error> {
        let known = self
            .registries
            .lock()
            .ok()
            .and_then(|r| r.get(host).cloned());
        if let Some(registry) = known {
            return Ok(registry);
        }
        let registry = Arc::new(Registry::new(host, fetcher.access)?);
        if let Ok(mut registries) = self.registries.lock() {
            registries.insert(host.to_owned(), Arc::clone(&registry));
        }
        Ok(registry)
    }

    /// Where a dependency comes from.
    pub(super) fn origin(&self, dependency: &Dependency) -> Result<Origin<'_>, Error> {
        let address = dependency.repository.as_str();
        if address.is_empty() {
            return Ok(Origin::Charts);
        }
        if in_registry(dependency) {
            return Ok(Origin::Registry);
        }
        if let Some(path) = self.folders.get(address) {
            return Ok(Origin::Folder(path));
        }
        let hash = format!("helm-manager-{}", sha256(address.as_bytes()));
        self.repositories
            .iter()
            .find(|n| n.key == hash || crate::registry::same_url(&n.url, address))
            .map(|n| Origin::Repository {
                key: &n.key,
                url: &n.url,
                access: &n.access,
            })
            .ok_or_else(|| Error::NotFound {
                message: format!("there is no repository {}", shown_text(address)),
                hint: None,
            })
    }

    /// Chooses the newest version of each that fits.
    pub(super) async fn choose(
        &self,
        asked: &[Dependency],
        fetcher: &Fetcher<'_>,
    ) -> Result<Vec<Dependency>, Error> {
        let mut chosen = Vec::new();
        let mut missing = Vec::new();
        for dependency in asked {
            match self.version(dependency, fetcher).await? {
                Some(version) => chosen.push(Dependency {
                    name: dependency.name.clone(),
                    repository: dependency.repository.clone(),
                    version,
                    ..Dependency::default()
                }),
                None => missing.push(format!(
                    "{} {:?} of {}",
                    dependency.name,
                    dependency.version,
                    shown_text(&dependency.repository)
                )),
            }
        }
        if missing.is_empty() {
            return Ok(chosen);
        }
        Err(Error::not_found(
            format!("no version fits: {}", missing.join(", ")),
            "look with nutkin search repo NAME --versions, or change the constraint in Chart.yaml",
        ))
    }

    async fn version(
        &self,
        dependency: &Dependency,
        fetcher: &Fetcher<'_>,
    ) -> Result<Option<String>, Error> {
        let constraint = Constraint::parse(&dependency.version).map_err(|e| {
            Error::Usage(format!(
                "dependency {:?} has an invalid version: {e}",
                dependency.name
            ))
        })?;
        let fits = |v: &str| Version::parse(v).is_ok_and(|v| constraint.matches(&v));
        match self.origin(dependency)? {
            // The lock keeps the constraint of what has no other version to choose.
            Origin::Charts => Ok(Some(dependency.version.clone())),
            Origin::Folder(path) => {
                let version = chart::load_alone(path)?.metadata.version;
                Ok(fits(&version).then_some(version))
            }
            Origin::Registry => {
                if Version::parse(&dependency.version).is_ok() {
                    return Ok(Some(dependency.version.clone()));
                }
                let reference = format!("{}/{}", dependency.repository, dependency.name);
                let reference = Reference::parse(&reference)?;
                let registry = self.registry(&reference.registry, fetcher)?;
                let versions = registry
                    .versions(&reference.repository, fetcher.places)
                    .await?;
                let found = versions.iter().find(|v| constraint.matches(v));
                Ok(found.map(ToString::to_string))
            }
            Origin::Repository { key, .. } => {
                let index = self.index(key, fetcher)?;
                if !index.has(&dependency.name) {
                    let wanted = Wanted::new("", true)?;
                    return Err(index
                        .get(&dependency.name, &wanted)
                        .err()
                        .unwrap_or_else(|| Error::Usage(dependency.name.clone())));
                }
                let found = index
                    .fitting(&dependency.name, |v| constraint.matches(v))
                    .find(|v| !v.urls.is_empty());
                Ok(found.map(|v| v.metadata.version))
            }
        }
    }
}
