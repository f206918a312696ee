//! Making the index of a folder of chart archives.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{ChartVersion, Index, MAX_INDEX};
use crate::chart;
use crate::registry::{Error, files};
use crate::template::funcs::semver::Version;
use crate::yaml;

/// An index that is made: all charts and versions, in Helm's format.
#[derive(Debug, Default, Serialize)]
pub struct IndexFile {
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    generated: String,
    entries: BTreeMap<String, Vec<ChartVersion>>,
}

/// An archive of a folder that is no chart, and why.
pub type Skipped = (PathBuf, chart::Error);

/// Makes the index of the archives in a folder and in the folders right below it, as Helm does. `url`
/// stands before each archive's place; `now` is an RFC 3339 time. Archives that are no charts are left
/// out, and named.
///
/// # Errors
/// When the folder or an archive cannot be read.
pub fn index_folder(
    folder: &Path,
    url: &str,
    now: &str,
) -> Result<(IndexFile, Vec<Skipped>), Error> {
    let mut index = IndexFile {
        api_version: "v1",
        generated: now.to_owned(),
        entries: BTreeMap::new(),
    };
    let mut skipped = Vec::new();
    for (below, path) in archives(folder)? {
        let Some(bytes) = files::read(&path, chart::MAX_TOTAL)? else {
            continue;
        };
        let metadata = match chart::load_archive(&path.display().to_string(), &bytes) {
            Ok(loaded) => loaded.metadata,
            Err(e) => {
                skipped.push((path, e));
                continue;
            }
        };
        let version = ChartVersion {
            urls: vec![address(url, &below)],
            created: now.to_owned(),
            digest: hex(&Sha256::digest(&bytes)),
            removed: false,
            metadata,
        };
        let name = version.metadata.name.clone();
        index.entries.entry(name).or_default().push(version);
    }
    index.sort();
    Ok((index, skipped))
}

/// Bytes in hex digits.
pub(in crate::registry) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The archives below a folder, each with its place relative to it.
fn archives(folder: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let list = |folder: &Path| -> Result<Vec<(String, PathBuf)>, Error> {
        let failed = |source| Error::Read {
            path: folder.to_owned(),
            source,
        };
        let mut list = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if let Ok(name) = entry.file_name().into_string() {
                list.push((name, entry.path()));
            }
        }
        list.sort();
        Ok(list)
    };
    let is_archive = |path: &Path| path.extension().is_some_and(|e| e == "tgz") && path.is_file();
    let (mut own, mut below) = (Vec::new(), Vec::new());
    for (name, path) in list(folder)? {
        if is_archive(&path) {
            own.push((name, path));
        } else if path.is_dir() {
            let inner = list(&path)?.into_iter().filter(|(_, p)| is_archive(p));
            below.extend(inner.map(|(inner, path)| (format!("{name}/{inner}"), path)));
        }
    }
    own.append(&mut below);
    Ok(own)
}

/// The place of an archive below the repository's address.
fn address(base: &str, below: &str) -> String {
    if base.is_empty() {
        return below.to_owned();
    }
    match reqwest::Url::parse(base) {
        Ok(mut url) => {
            let path = format!("{}/{below}", url.path().trim_end_matches('/'));
            url.set_path(&path);
            url.to_string()
        }
        Err(_) => format!("{}/{below}", base.trim_end_matches('/')),
    }
}

impl IndexFile {
    /// An index without charts.
    pub fn empty(now: &str) -> Self {
        IndexFile {
            api_version: "v1",
            generated: now.to_owned(),
            entries: BTreeMap::new(),
        }
    }

    /// Adds the charts of an older index, but for the versions that this one has.
    pub fn merge(&mut self, older: &Index) {
        for name in older.names() {
            for version in older.versions(name) {
                let own = self
                    .entries
                    .entry(version.metadata.name.clone())
                    .or_default();
                if !own
                    .iter()
                    .any(|o| o.metadata.version == version.metadata.version)
                {
                    own.push(version);
                }
            }
        }
        self.sort();
    }

    /// The newest first.
    fn sort(&mut self) {
        self.entries.retain(|_, versions| !versions.is_empty());
        for versions in self.entries.values_mut() {
            versions.sort_by_cached_key(|v| {
                std::cmp::Reverse(Version::parse(&v.metadata.version).ok())
            });
        }
    }

    /// How many charts and versions it has.
    pub fn counts(&self) -> (usize, usize) {
        let versions = self.entries.values().map(Vec::len).sum();
        (self.entries.len(), versions)
    }

    /// Writes it, as YAML or as JSON.
    ///
    /// # Errors
    /// When it would be larger than what is read, or the file cannot be written.
    pub fn write(&self, path: &Path, json: bool) -> Result<(), Error> {
        let place = path.display().to_string();
        let failed = |e| Error::invalid(&place, e);
        let text = if json {
            let text = serde_json::to_string_pretty(self).map_err(failed)?;
            // Go's encoder escapes them; outside of strings JSON has none.
            text.replace('&', "\\u0026")
                .replace('<', "\\u003c")
                .replace('>', "\\u003e")
        } else {
            yaml::emit(&serde_json::to_value(self).map_err(failed)?)
        };
        if text.len() as u64 > MAX_INDEX {
            return Err(Error::too_large(place, MAX_INDEX));
        }
        files::write(path, text.as_bytes(), false)
    }
}
