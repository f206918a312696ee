//! Values: what the user sets over what charts set by default, each with its origin.

pub mod age;
mod coalesce;
mod dependencies;
mod load;
mod merge_keys;
mod origins;
mod redact;
mod reuse;
mod schema;
mod sops;
mod sops_leaves;
mod sources;
mod strvals;
mod walk;

pub use age::{Identities, OpenError};
pub use coalesce::coalesce;
pub use dependencies::process_dependencies;
pub use merge_keys::MergeKeys;
pub use origins::{History, Origin, Origins, Place, dotted, same};
pub use redact::Redactor;
pub use reuse::{Older, Reuse, reuse_values};
pub use schema::{Error as SchemaError, Violation, validate};
pub use sources::{
    Numbers, Sealed, SetFile, Sources, UserValues, ValuesFile, file_text, merge_user,
    merge_user_by, set_file_paths,
};
pub use strvals::Error as SetError;
pub use walk::{MASK, Secrets, mask, secrets};

use crate::chart::Chart;
use crate::yaml::{self, Value};

/// Why values cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A values file is not YAML.
    #[error("{file}: {cause}")]
    ParseFile {
        /// The file.
        file: String,
        /// What is wrong with it.
        cause: Box<yaml::Error>,
    },
    /// A values file holds something else than a map.
    #[error("{file}:{line}: values must be a map, this is a {found}")]
    NotMap {
        /// The file.
        file: String,
        /// The line.
        line: usize,
        /// What it holds.
        found: &'static str,
    },
    /// A values file is no text.
    #[error("{file}:{line}: not UTF-8")]
    NotText {
        /// The file.
        file: String,
        /// The line.
        line: usize,
    },
    /// An encrypted values file can't be opened.
    #[error("{file}: {cause}")]
    Sealed {
        /// The file.
        file: String,
        /// Why; no secret is in it.
        cause: String,
    },
    /// Something stands behind the three dashes between documents.
    #[error("{file}:{line}: invalid YAML document separator: {found}")]
    Separator {
        /// The file.
        file: String,
        /// The line.
        line: usize,
        /// What stands there.
        found: String,
    },
    /// A flag cannot be read. Its text is not shown: it may hold a secret.
    #[error("failed parsing {flag} data: {cause}")]
    Flag {
        /// For instance `--set`.
        flag: &'static str,
        /// What is wrong with it.
        cause: SetError,
    },
    /// Something else than a map stands under a subchart's name.
    #[error("type mismatch on {path}: a subchart's values must be a map, this is a {found}")]
    Subchart {
        /// The path.
        path: String,
        /// What stands there.
        found: &'static str,
    },
}

/// A warning of a values file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The file.
    pub file: String,
    /// What it is, with the line.
    pub warning: yaml::Warning,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}", self.file, self.warning)
    }
}

/// The values a chart is rendered with, and where each came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Values {
    /// The values.
    pub value: Value,
    /// Where they came from.
    pub origins: Origins,
    /// Which of them are secret.
    pub secrets: Secrets,
    /// What was skipped on the way, a line each.
    pub notes: Vec<String>,
}

/// Reads a values file, a chart's or the user's, as Helm 4 does: documents merged, an empty file an
/// empty map. `file` stands in errors.
///
/// # Errors
/// With the line of what cannot be read.
pub fn parse_file(file: &str, text: &str) -> Result<Value, Error> {
    Ok(load::values_file(file, text, &mut Vec::new())?.into_value())
}

/// What a values file's YAML reads otherwise than its author may have meant; nothing where it cannot be
/// read at all.
pub fn file_warnings(file: &str, text: &str) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let _ = load::values_file(file, text, &mut warnings);
    warnings
}

/// Works out the final values: processes the chart's dependencies (the chart is left so), and coalesces
/// the user's values over the defaults.
///
/// The numbers are of the kind the user's values were merged with; for [`Numbers::Helm`] the chart's
/// defaults become float64 here.
///
/// # Errors
/// As [`coalesce()`].
pub fn resolve(chart: &mut Chart, user: &UserValues, numbers: Numbers) -> Result<Values, Error> {
    numbers.of_chart(chart);
    let mut notes = process_dependencies(chart, &user.value)?;
    let keys = MergeKeys::of(chart);
    let mut set = user.value.clone();
    if !keys.is_empty() {
        let (defaults, _) = coalesce(chart, Value::Null)?;
        keys.under_defaults(&mut set, Some(&defaults), &mut Vec::new());
    }
    let (value, skipped) = coalesce(chart, set)?;
    notes.extend(skipped);
    let mut origins = Origins::default();
    if !keys.is_empty() {
        origins.root = value.clone();
        origins.keys = keys;
    }
    origins.add_chart(chart, &mut Vec::new(), &chart.metadata.name);
    origins.layers.extend(user.layers.iter().cloned());
    let mut secrets = secrets(chart, &value);
    origins.add_sealed(&user.secrets, &mut secrets);
    Ok(Values {
        value,
        origins,
        secrets,
        notes,
    })
}

/// What of a chart's and a user's values must not be shown; nothing where they cannot be merged.
pub fn redactor(chart: &Chart, user: &UserValues) -> Redactor {
    match resolve(&mut chart.clone(), user, Numbers::Exact) {
        Ok(values) => Redactor::of(&values.secrets, &values.value),
        Err(_) => Redactor::default(),
    }
}

impl Numbers {
    /// Reads the numbers of a chart's defaults, and of the charts below, this way.
    pub fn of_chart(self, chart: &mut Chart) {
        chart.values = self.of_file(std::mem::take(&mut chart.values));
        for sub in &mut chart.dependencies {
            self.of_chart(sub);
        }
    }
}

impl Origins {
    /// Adds what came encrypted to the secrets: a global is one in the charts below too, and a list with
    /// merged items is secret as a whole.
    fn add_sealed(&self, paths: &[Vec<String>], secrets: &mut Secrets) {
        for path in paths {
            let is_index = |key: &String| key.bytes().all(|b| b.is_ascii_digit());
            let end = if self.keys.is_empty() {
                path.len()
            } else {
                path.iter().position(is_index).unwrap_or(path.len())
            };
            let path = path.get(..end).unwrap_or(path);
            secrets.add(path.to_vec());
            if path.first().is_some_and(|key| key == "global") {
                for chart in &self.charts {
                    secrets.add([chart.as_slice(), path].concat());
                }
            }
            for (parent, child) in &self.imports {
                if let Some(below) = path.strip_prefix(child.as_slice()) {
                    secrets.add([parent.as_slice(), below].concat());
                }
            }
        }
    }

    /// Adds the defaults of a chart above those of the charts below it.
    fn add_chart(&mut self, chart: &Chart, prefix: &mut Vec<String>, folder: &str) {
        for sub in &chart.dependencies {
            prefix.push(sub.metadata.name.clone());
            let folder = format!("{folder}/charts/{}", sub.metadata.name);
            self.add_chart(sub, prefix, &folder);
            self.charts.push(prefix.clone());
            prefix.pop();
        }
        for dependency in &chart.metadata.dependencies {
            for wish in &dependency.import_values {
                let path = |key: &str| {
                    let text = wish.get(key).and_then(Value::as_str).unwrap_or("");
                    text.split('.')
                        .filter(|part| !part.is_empty())
                        .map(str::to_owned)
                        .collect()
                };
                let (parent, child): (Vec<String>, Vec<String>) = (path("parent"), path("child"));
                let below = std::slice::from_ref(&dependency.name);
                self.imports.push((
                    [prefix.as_slice(), &parent].concat(),
                    [prefix.as_slice(), below, &child].concat(),
                ));
            }
        }
        let file = format!("{folder}/values.yaml");
        if let Some(text) = &chart.values_text {
            self.layers.push(load::Layer {
                source: load::Source::File(file),
                prefix: prefix.clone(),
                root: load::Root::unread(text),
            });
        }
    }
}
