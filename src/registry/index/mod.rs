//! A repository's index: which charts it has, in which versions, and where they lie.

mod layout;
mod make;

use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Error, Wanted, files};
use crate::chart::{self, Metadata};
use crate::template::funcs::semver::Version;
use crate::yaml::{self, Value};

pub(super) use make::hex;
pub use make::{IndexFile, index_folder};

/// The largest index that is read.
pub const MAX_INDEX: u64 = 128 * 1024 * 1024;
/// How many charts an index may have.
pub const MAX_CHARTS: usize = 100_000;
/// How many versions an index may have in all.
pub const MAX_VERSIONS: usize = 1_000_000;
/// The largest index that isn't written in block style, so that it has to be parsed whole. Parsed, an index
/// takes many times its size in memory.
const MAX_PARSED: usize = 64 * 1024 * 1024;

/// A version of a chart in an index.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChartVersion {
    /// What its Chart.yaml says.
    #[serde(flatten)]
    pub metadata: Metadata,
    /// Where the archive lies, relative to the repository or whole.
    #[serde(deserialize_with = "null_default")]
    pub urls: Vec<String>,
    /// When it was put into the index, as RFC 3339.
    pub created: String,
    /// Whether it was removed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
    /// The archive's SHA-256, in hex digits, with or without `sha256:` before it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub digest: String,
}

fn null_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

impl ChartVersion {
    /// The archive's SHA-256 in lower-case hex digits; `None` where the index doesn't say.
    pub fn sha256(&self) -> Option<String> {
        let digits = self
            .digest
            .split_once(':')
            .map_or(self.digest.as_str(), |(_, d)| d);
        (!digits.is_empty()).then(|| digits.to_ascii_lowercase())
    }
}

/// An index, parsed as far as somebody asks.
#[derive(Debug)]
pub struct Index {
    /// The file or address, for messages.
    place: String,
    text: String,
    charts: Vec<Chart>,
    by_name: HashMap<String, usize>,
}

#[derive(Debug)]
struct Chart {
    name: String,
    versions: Vec<Listed>,
}

/// A version as the index has it, which may be no version at all.
#[derive(Debug)]
struct Listed {
    /// As it is written; empty where there is none.
    version: String,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// A part of the text.
    Text(std::ops::Range<usize>),
    /// Already parsed.
    Value(Value),
}

impl Index {
    /// Reads the cached index of a repository; `None` where there is none.
    ///
    /// # Errors
    /// When it can't be read, is too large or is no index.
    pub fn read(path: &Path) -> Result<Option<Self>, Error> {
        let Some(text) = files::read_text(path, MAX_INDEX)? else {
            return Ok(None);
        };
        Index::new(&path.display().to_string(), text).map(Some)
    }

    /// An index from its text; `place` is for messages.
    ///
    /// # Errors
    /// When it is too large or is no index.
    pub fn new(place: &str, text: String) -> Result<Self, Error> {
        if text.len() as u64 > MAX_INDEX {
            return Err(Error::too_large(place, MAX_INDEX));
        }
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        };
        let charts = match layout::find(&text, MAX_CHARTS, MAX_VERSIONS) {
            Some(sections) if has_api_version(&text) => listed(&text, sections),
            _ => parsed(place, &text)?,
        };
        let mut index = Index {
            place: place.to_owned(),
            text,
            charts: Vec::new(),
            by_name: HashMap::new(),
        };
        index.set(charts);
        Ok(index)
    }

    fn set(&mut self, charts: Vec<Chart>) {
        self.by_name = charts
            .iter()
            .enumerate()
            .map(|(at, chart)| (chart.name.clone(), at))
            .collect();
        self.charts = charts;
    }

    /// The names of its charts, in its own order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.charts.iter().map(|c| c.name.as_str())
    }

    /// Whether it has a chart.
    pub fn has(&self, chart: &str) -> bool {
        self.by_name.contains_key(chart)
    }

    /// A chart's versions, the newest first, as far as they are valid. Nothing where there is no such chart.
    pub fn versions(&self, chart: &str) -> impl Iterator<Item = ChartVersion> {
        self.newest_first(chart)
            .into_iter()
            .filter_map(|listed| self.valid(listed))
    }

    /// A version as it is parsed, if it is valid and is what a glance at it said.
    fn valid(&self, listed: &Listed) -> Option<ChartVersion> {
        read_version(&self.place, &self.text, &listed.content)
            .filter(|read| read.metadata.version == listed.version)
    }

    /// A chart's versions that fit, the newest first; only these are parsed.
    pub fn fitting(
        &self,
        chart: &str,
        fits: impl Fn(&Version) -> bool,
    ) -> impl Iterator<Item = ChartVersion> {
        self.newest_first(chart)
            .into_iter()
            .filter(move |l| Version::parse(&l.version).is_ok_and(|v| fits(&v)))
            .filter_map(|listed| self.valid(listed))
    }

    /// A chart's versions as they are written, the newest first; what is no version comes last.
    pub fn version_texts(&self, chart: &str) -> impl Iterator<Item = &str> {
        self.newest_first(chart)
            .into_iter()
            .map(|l| l.version.as_str())
    }

    /// The text of a chart's version, as it stands in the index; `None` where the index was parsed whole.
    pub(super) fn written(&self, chart: &str) -> Vec<(&str, Option<&str>)> {
        self.newest_first(chart)
            .into_iter()
            .map(|listed| {
                let text = match &listed.content {
                    Content::Text(range) => self.text.get(range.clone()),
                    Content::Value(_) => None,
                };
                (listed.version.as_str(), text)
            })
            .collect()
    }

    /// One of a chart's versions, by its place in [`Index::version_texts`]; `None` where it isn't valid.
    pub(super) fn nth(&self, chart: &str, at: usize) -> Option<ChartVersion> {
        self.valid(self.newest_first(chart).get(at)?)
    }

    /// The version of a chart that is wanted: the one of that very name, or the newest that fits.
    ///
    /// # Errors
    /// When there is no such chart or version.
    pub fn get(&self, chart: &str, wanted: &Wanted) -> Result<ChartVersion, Error> {
        if !self.has(chart) {
            let near = crate::template::suggest::nearest(chart, self.names());
            return Err(Error::NotFound {
                message: format!("there is no chart {chart:?} in {}", self.place),
                hint: near.map(|n| format!("did you mean {n:?}?")),
            });
        }
        let listed = self.newest_first(chart);
        let exact = listed
            .iter()
            .filter(|l| wanted.text() == Some(l.version.as_str()));
        let fitting = listed
            .iter()
            .filter(|l| Version::parse(&l.version).is_ok_and(|v| wanted.fits(&v)));
        exact
            .chain(fitting)
            .find_map(|l| self.valid(l))
            .ok_or_else(|| self.no_version(chart, wanted, &listed))
    }

    fn no_version(&self, chart: &str, wanted: &Wanted, listed: &[&Listed]) -> Error {
        let some: Vec<&str> = listed
            .iter()
            .map(|l| l.version.as_str())
            .filter(|v| !v.is_empty())
            .take(5)
            .collect();
        Error::NotFound {
            message: format!(
                "there is no version of chart {chart:?} {wanted} in {}",
                self.place
            ),
            hint: (!some.is_empty()).then(|| format!("one of the newest: {}", some.join(", "))),
        }
    }

    /// A chart's versions, the newest first; what is no version comes last.
    fn newest_first(&self, chart: &str) -> Vec<&Listed> {
        let Some(chart) = self.by_name.get(chart).and_then(|at| self.charts.get(*at)) else {
            return Vec::new();
        };
        let mut list: Vec<(Option<Version>, &Listed)> = chart
            .versions
            .iter()
            .map(|l| (Version::parse(&l.version).ok(), l))
            .collect();
        list.sort_by(|(a, _), (b, _)| b.cmp(a));
        list.into_iter().map(|(_, l)| l).collect()
    }
}

/// Whether the index says which format it has, which Helm asks of it.
fn has_api_version(text: &str) -> bool {
    text.starts_with("apiVersion:") || text.contains("\napiVersion:")
}

/// The charts of an index in block style. Where a version isn't plain to see, its entry is parsed.
fn listed(text: &str, sections: Vec<layout::Section>) -> Vec<Chart> {
    let listed = |item: layout::Item| {
        let content = Content::Text(item.range);
        let version = item.version.unwrap_or_else(|| match value(text, &content) {
            Some(value) => chart::index_version(&value),
            None => String::new(),
        });
        Listed { version, content }
    };
    sections
        .into_iter()
        .map(|section| Chart {
            name: section.name,
            versions: section.items.into_iter().map(listed).collect(),
        })
        .collect()
}

/// The charts of an index in any other style, JSON among them.
fn parsed(place: &str, text: &str) -> Result<Vec<Chart>, Error> {
    if text.trim().is_empty() {
        return Err(Error::invalid(place, "is an empty index"));
    }
    if text.len() > MAX_PARSED {
        return Err(Error::too_large(
            format!("{place}, which is not written in block style,"),
            MAX_PARSED as u64,
        ));
    }
    let root = match serde_json::from_str::<Value>(text) {
        Ok(root) => root,
        Err(_) => yaml::parse_with_floats(text)
            .map_err(|e| Error::invalid(format!("{place}:{}", e.line), e.to_string()))?,
    };
    let Value::Object(mut root) = root else {
        return Err(Error::invalid(place, "is no index of charts"));
    };
    let api_version = root.get("apiVersion").and_then(Value::as_str);
    if api_version.is_none_or(str::is_empty) {
        return Err(Error::invalid(
            place,
            "is no index of charts: it has no apiVersion",
        ));
    }
    let entries = match root.remove("entries") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Object(entries)) => entries,
        Some(_) => return Err(Error::invalid(place, "entries must be a map")),
    };
    if entries.len() > MAX_CHARTS {
        return Err(Error::TooLarge {
            what: place.to_owned(),
            limit: format!("{MAX_CHARTS} charts"),
        });
    }
    let mut left = MAX_VERSIONS;
    let mut charts = Vec::new();
    for (name, versions) in entries {
        let versions = match versions {
            Value::Null => Vec::new(),
            Value::Array(versions) => versions,
            _ => {
                return Err(Error::invalid(
                    place,
                    format!("entries.{name} must be a list"),
                ));
            }
        };
        left = left
            .checked_sub(versions.len())
            .ok_or_else(|| Error::TooLarge {
                what: place.to_owned(),
                limit: format!("{MAX_VERSIONS} versions"),
            })?;
        charts.push(Chart {
            name,
            versions: versions
                .into_iter()
                .map(|value| Listed {
                    version: chart::index_version(&value),
                    content: Content::Value(value),
                })
                .collect(),
        });
    }
    Ok(charts)
}

fn value(text: &str, content: &Content) -> Option<Value> {
    match content {
        Content::Value(value) => Some(value.clone()),
        Content::Text(range) => match yaml::parse_with_floats(text.get(range.clone())?) {
            Ok(Value::Array(items)) => items.into_iter().next(),
            _ => None,
        },
    }
}

/// Reads an entry; `None` where it isn't valid: Helm passes over such ones, too.
fn read_version(place: &str, text: &str, content: &Content) -> Option<ChartVersion> {
    let Value::Object(mut map) = value(text, content)? else {
        return None;
    };
    let mut take = |key: &str| map.remove(key).unwrap_or(Value::Null);
    let (urls, created, removed, digest) = (
        take("urls"),
        take("created"),
        take("removed"),
        take("digest"),
    );
    let urls = match urls {
        Value::Array(urls) => urls
            .into_iter()
            .filter_map(|u| u.as_str().map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    };
    let metadata = chart::index_metadata(place, map).ok()?;
    Some(ChartVersion {
        metadata,
        urls,
        created: created.as_str().unwrap_or_default().to_owned(),
        removed: removed.as_bool().unwrap_or_default(),
        digest: digest.as_str().unwrap_or_default().to_owned(),
    })
}

#[cfg(test)]
mod tests;
