//! The charts that a chart is made of: choosing versions, fetching them into `charts/`, the lock.

mod choose;
mod lock;
mod status;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use futures::{StreamExt as _, TryStreamExt as _};

use super::oci::{Reference, is_oci};
use super::repository::Server;
use super::resolve::{Fetched, Fetcher, Provenance};
use super::{Error, Wanted, files};
use crate::chart::{self, Chart, Dependency};
use crate::template::funcs::semver::{Constraint, Version};
use choose::{Origin, Sources};

pub use lock::{Lock, digest, old_digest};
pub use status::{Standing, Status, status};

/// How many archives are fetched at once.
const PARALLEL: usize = 4;

/// Looks at an archive with its provenance file, before anything is written.
pub type Verify<'a> = &'a (dyn Fn(&Fetched) -> Result<(), Error> + Sync);

/// How dependencies are brought up to date.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// Take the cached indexes as they are.
    pub skip_refresh: bool,
    /// Fetch the provenance files too, and look at them.
    pub verify: Option<Verify<'a>>,
    /// The time of files in archives that are packed from folders, in unix seconds.
    pub mtime: u64,
}

/// What was done.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The archives that are in `charts/` now, and where they came from.
    pub saved: Vec<(String, String)>,
    /// The archives that were removed.
    pub removed: Vec<String>,
    /// The lock that was written; `None` where it was right already.
    pub lock: Option<PathBuf>,
}

/// An archive that shall be in `charts/`.
struct Archive {
    file_name: String,
    bytes: Vec<u8>,
    source: String,
}

/// Chooses the newest versions that fit what Chart.yaml wants, fetches them into `charts/` and writes the
/// lock. Nothing is changed before all of them are there; old archives go last.
///
/// # Errors
/// When a repository or chart isn't there, nothing fits, or a file can't be written.
pub async fn update(
    folder: &Path,
    fetcher: &Fetcher<'_>,
    options: Options<'_>,
    now: &str,
) -> Result<Outcome, Error> {
    let chart = chart::load_alone(folder)?;
    let mut asked = chart.metadata.dependencies.clone();
    if asked.is_empty() {
        return Ok(Outcome::default());
    }
    let sources = Sources::new(folder, &mut asked, fetcher)?;
    sources.refresh(fetcher, options.skip_refresh).await?;
    let chosen = sources.choose(&asked, fetcher).await?;
    let archives = fetch(folder, &chosen, &sources, fetcher, options).await?;
    let digest = lock::digest(&asked, &chosen)?;
    let is_v1 = chart.metadata.api_version == "v1";
    let old = chart.lock.as_ref().and_then(|l| Lock::of(l, "").ok());
    let mut lock = None;
    if old.is_none_or(|old| old.digest != digest) {
        let text = Lock {
            generated: now.to_owned(),
            digest,
            dependencies: chosen.clone(),
        }
        .text()?;
        lock = Some((lock_path(folder, is_v1)?, text));
    }
    put(folder, &chosen, archives, lock)
}

/// Fetches the versions that the lock names into `charts/`; without a lock the same as [`update`].
///
/// # Errors
/// When the lock doesn't belong to what Chart.yaml wants, and those of [`update`].
pub async fn build(
    folder: &Path,
    fetcher: &Fetcher<'_>,
    options: Options<'_>,
    now: &str,
) -> Result<Outcome, Error> {
    let chart = chart::load_alone(folder)?;
    let Some(value) = &chart.lock else {
        return update(folder, fetcher, options, now).await;
    };
    let is_v1 = chart.metadata.api_version == "v1";
    let file = if is_v1 {
        "requirements.lock"
    } else {
        "Chart.lock"
    };
    let place = folder.join(file).display().to_string();
    let lock = Lock::of(value, &place)?;
    let mut asked = chart.metadata.dependencies.clone();
    let old = lock::old_digest(&asked)?;
    let _ = Sources::new(folder, &mut asked, fetcher)?;
    let fits =
        lock::digest(&asked, &lock.dependencies)? == lock.digest || (is_v1 && old == lock.digest);
    if !fits {
        return Err(Error::invalid(
            place,
            format!(
                "does not belong to the dependencies of {}; make it anew with: nutkin dependency update {}",
                if is_v1 {
                    "requirements.yaml"
                } else {
                    "Chart.yaml"
                },
                folder.display()
            ),
        ));
    }
    let mut chosen = lock.dependencies;
    let sources = Sources::new(folder, &mut chosen, fetcher)?;
    sources.refresh(fetcher, options.skip_refresh).await?;
    let archives = fetch(folder, &chosen, &sources, fetcher, options).await?;
    put(folder, &chosen, archives, None)
}

/// The lock's file; a link is refused, for it may lead anywhere.
fn lock_path(folder: &Path, is_v1: bool) -> Result<PathBuf, Error> {
    let name = if is_v1 {
        "requirements.lock"
    } else {
        "Chart.lock"
    };
    let path = folder.join(name);
    if path.is_symlink() {
        return Err(Error::invalid(
            path.display().to_string(),
            "is a link; the lock is written to plain files only",
        ));
    }
    Ok(path)
}

/// Fetches what was chosen, several at once. What is in `charts/` by itself is only looked at.
async fn fetch(
    folder: &Path,
    chosen: &[Dependency],
    sources: &Sources,
    fetcher: &Fetcher<'_>,
    options: Options<'_>,
) -> Result<Vec<Archive>, Error> {
    let mut seen = BTreeSet::new();
    let unique: Vec<&Dependency> = chosen
        .iter()
        .filter(|d| seen.insert((&d.name, &d.version, &d.repository)))
        .collect();
    let one = |dependency: &Dependency| {
        let dependency = dependency.clone();
        async move { fetch_one(folder, &dependency, sources, fetcher, options).await }
    };
    let fetched: Vec<Option<Archive>> = futures::stream::iter(unique.into_iter().map(one))
        .buffered(PARALLEL)
        .try_collect()
        .await?;
    let mut by_name: BTreeMap<String, Archive> = BTreeMap::new();
    for archive in fetched.into_iter().flatten() {
        by_name.insert(archive.file_name.clone(), archive);
    }
    Ok(by_name.into_values().collect())
}

async fn fetch_one(
    folder: &Path,
    dependency: &Dependency,
    sources: &Sources,
    fetcher: &Fetcher<'_>,
    options: Options<'_>,
) -> Result<Option<Archive>, Error> {
    let origin = sources.origin(dependency)?;
    let provenance = if options.verify.is_some() {
        Provenance::Needed
    } else {
        Provenance::No
    };
    let wanted = Wanted::new(&dependency.version, false)?;
    let fetched = match origin {
        Origin::Charts => {
            let path = folder.join("charts").join(&dependency.name);
            check(dependency, &chart::load(&path)?)?;
            return Ok(None);
        }
        Origin::Folder(path) => {
            let chart = chart::load(path)?;
            check(dependency, &chart)?;
            return Ok(Some(Archive {
                file_name: chart::package_name(&chart),
                bytes: chart::pack(&chart, options.mtime)?,
                source: dependency.repository.clone(),
            }));
        }
        Origin::Registry => {
            let reference = format!("{}/{}", dependency.repository, dependency.name);
            let reference = Reference::parse(&reference)?;
            let registry = sources.registry(&reference.registry, fetcher)?;
            let asked = super::resolve::Asked {
                reference: String::new(),
                wanted,
                repository: None,
                provenance,
            };
            fetcher
                .by_registry_of(&registry, &reference, &asked)
                .await?
        }
        Origin::Repository { key, url, access } => {
            let index = sources.index(key, fetcher)?;
            let version = index.get(&dependency.name, &wanted)?;
            let server = Server::new(url, access)?;
            fetcher
                .by_index(&server, &version, &dependency.name, provenance)
                .await?
        }
    };
    if let Some(verify) = options.verify {
        verify(&fetched)?;
    }
    let chart = chart::load_archive(&fetched.source, &fetched.archive)?;
    if chart.name() != dependency.name {
        return Err(Error::invalid(
            fetched.source,
            format!(
                "holds the chart {:?}, not {:?}",
                chart.name(),
                dependency.name
            ),
        ));
    }
    // A chart's own name is safe as a file's; an address's last part need not be.
    Ok(Some(Archive {
        file_name: plain_name(&fetched.file_name).unwrap_or_else(|| chart::package_name(&chart)),
        bytes: fetched.archive,
        source: fetched.source,
    }))
}

/// A file's name that is nothing else, and that loaders look at.
fn plain_name(name: &str) -> Option<String> {
    let plain = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'+'));
    (plain && name.ends_with(".tgz") && !name.starts_with(['.', '_'])).then(|| name.to_owned())
}

/// Whether a chart of this machine is of a version that is wanted.
fn check(dependency: &Dependency, chart: &Chart) -> Result<(), Error> {
    let constraint = Constraint::parse(&dependency.version)
        .map_err(|e| Error::Usage(format!("dependency {:?}: {e}", dependency.name)))?;
    let version = Version::parse(&chart.metadata.version)
        .map_err(|e| Error::Usage(format!("dependency {:?}: {e}", dependency.name)))?;
    if constraint.matches(&version) {
        return Ok(());
    }
    Err(Error::NotFound {
        message: format!(
            "dependency {:?} is there in version {}, which does not fit {:?}",
            dependency.name, version, dependency.version
        ),
        hint: None,
    })
}

/// Puts archives into `charts/`, then the lock, then removes the archives that are no longer wanted.
fn put(
    folder: &Path,
    chosen: &[Dependency],
    archives: Vec<Archive>,
    lock: Option<(PathBuf, String)>,
) -> Result<Outcome, Error> {
    let charts = folder.join("charts");
    if charts.exists() && !charts.is_dir() {
        return Err(Error::invalid(charts.display().to_string(), "is no folder"));
    }
    let before = status::entries(&charts)?;
    let mut outcome = Outcome::default();
    for archive in archives {
        let path = charts.join(&archive.file_name);
        // A new time for the same bytes would make builds think that something changed.
        let same = files::read(&path, chart::MAX_TOTAL)
            .ok()
            .flatten()
            .is_some_and(|old| old == archive.bytes);
        if !same {
            files::write(&path, &archive.bytes, false)?;
        }
        outcome.saved.push((archive.file_name, archive.source));
    }
    if let Some((path, text)) = lock {
        files::write(&path, text.as_bytes(), false)?;
        outcome.lock = Some(path);
    }
    let own = |name: &str| {
        chosen
            .iter()
            .any(|d| d.repository.is_empty() && d.name == name)
    };
    for path in before {
        let name = path
            .file_name()
            .and_then(|n| n.to_str())
            .unwrap_or_default();
        if !status::is_archive(&path) || path.is_dir() {
            continue;
        }
        if outcome.saved.iter().any(|(saved, _)| saved == name) {
            continue;
        }
        // What is no chart was put there by somebody who knows why.
        let Ok(chart) = chart::load(&path) else {
            continue;
        };
        if own(chart.name()) {
            continue;
        }
        files::remove(&path)?;
        outcome.removed.push(name.to_owned());
    }
    Ok(outcome)
}

/// Whether a dependency's repository is a registry.
fn in_registry(dependency: &Dependency) -> bool {
    is_oci(&dependency.repository)
}
