//! Whether the charts that Chart.yaml wants are in `charts/`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::chart::{self, Dependency};
use crate::registry::Error;
use crate::template::funcs::semver::{Constraint, Version};

/// How a wanted chart stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// An archive of a version that fits.
    Ok,
    /// A folder with a version that fits.
    Unpacked,
    /// Not there.
    Missing,
    /// Several archives.
    TooManyMatches,
    /// An archive that can't be loaded.
    Corrupt,
    /// An archive that holds another chart.
    Misnamed,
    /// A version that doesn't fit.
    WrongVersion,
    /// A version or constraint that is none.
    InvalidVersion,
}

impl Status {
    /// As Helm prints it.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Unpacked => "unpacked",
            Status::Missing => "missing",
            Status::TooManyMatches => "too many matches",
            Status::Corrupt => "corrupt",
            Status::Misnamed => "misnamed",
            Status::WrongVersion => "wrong version",
            Status::InvalidVersion => "invalid version",
        }
    }
}

/// What stands in `charts/`, against what Chart.yaml wants.
#[derive(Debug)]
pub struct Standing {
    /// Each wanted chart.
    pub wanted: Vec<(Dependency, Status)>,
    /// What is in `charts/` and nobody asked for, and why it is told.
    pub notes: Vec<String>,
}

/// Compares a chart's folder or archive with what its Chart.yaml wants.
///
/// # Errors
/// When the chart can't be read.
pub fn status(path: &Path) -> Result<Standing, Error> {
    if !path.is_dir() {
        let whole = chart::load(path)?;
        let wanted = whole
            .metadata
            .dependencies
            .iter()
            .map(|d| (d.clone(), unpacked(d, &whole.dependencies)))
            .collect();
        return Ok(Standing {
            wanted,
            notes: Vec::new(),
        });
    }
    let alone = chart::load_alone(path)?;
    let entries = entries(&path.join("charts"))?;
    let mut loaded: Vec<chart::Chart> = Vec::new();
    let mut notes = Vec::new();
    for entry in &entries {
        match chart::load(entry) {
            Ok(chart) => {
                let known = alone
                    .metadata
                    .dependencies
                    .iter()
                    .any(|d| d.name == chart.name());
                if !known {
                    notes.push(format!("{} is not in Chart.yaml", entry.display()));
                }
                loaded.push(chart);
            }
            Err(e) => notes.push(format!("{} is no chart: {e}", entry.display())),
        }
    }
    let wanted = alone
        .metadata
        .dependencies
        .iter()
        .map(|d| (d.clone(), standing(d, &entries, &loaded)))
        .collect();
    Ok(Standing { wanted, notes })
}

/// The folders and archives of `charts/`.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| Error::Read {
        path: folder.to_owned(),
        source,
    };
    let read = match fs::read_dir(folder) {
        Ok(read) => read,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(failed(e)),
    };
    let mut entries = Vec::new();
    for entry in read {
        let path = entry.map_err(failed)?.path();
        let hidden = path
            .file_name()
            .and_then(|n| n.to_str())
            .is_none_or(|n| n.starts_with(['.', '_']));
        if !hidden && (path.is_dir() || is_archive(&path)) {
            entries.push(path);
        }
    }
    entries.sort();
    Ok(entries)
}

pub(super) fn is_archive(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "tgz")
}

fn standing(wanted: &Dependency, entries: &[PathBuf], loaded: &[chart::Chart]) -> Status {
    let prefix = format!("{}-", wanted.name);
    let mut archives: Vec<(&PathBuf, String)> = entries
        .iter()
        .filter(|p| is_archive(p))
        .filter_map(|p| {
            let stem = p.file_stem()?.to_str()?;
            Some((p, stem.strip_prefix(&prefix)?.to_owned()))
        })
        .collect();
    if archives.len() > 1 {
        // Others may be charts whose names begin alike.
        archives.retain(|(_, version)| Version::parse(version).is_ok_and(|v| v.is_strict()));
        if archives.len() > 1 {
            return Status::TooManyMatches;
        }
    }
    match archives.first() {
        Some((archive, _)) => match chart::load(archive) {
            Err(_) => Status::Corrupt,
            Ok(chart) if chart.name() != wanted.name => Status::Misnamed,
            Ok(chart) => match fits(wanted, &chart.metadata.version) {
                Status::Unpacked => Status::Ok,
                other => other,
            },
        },
        None => unpacked(wanted, loaded),
    }
}

/// Of several of one name the last counts, as in Helm.
fn unpacked(wanted: &Dependency, charts: &[chart::Chart]) -> Status {
    match charts.iter().rfind(|c| c.name() == wanted.name) {
        None => Status::Missing,
        Some(chart) => fits(wanted, &chart.metadata.version),
    }
}

fn fits(wanted: &Dependency, version: &str) -> Status {
    if wanted.version == version {
        return Status::Unpacked;
    }
    match (Constraint::parse(&wanted.version), Version::parse(version)) {
        (Ok(constraint), Ok(version)) if constraint.matches(&version) => Status::Unpacked,
        (Ok(_), Ok(_)) => Status::WrongVersion,
        _ => Status::InvalidVersion,
    }
}
