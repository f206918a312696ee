//! Chart.yaml, as Helm's `pkg/chart/v2` defines it.

use serde::{Deserialize, Serialize};

use super::{Error, fields};
use crate::template::funcs::semver::Version;
use crate::yaml::{self, Map, Value};

/// The content of Chart.yaml. Field names are Helm's; empty fields are left out when written.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    /// The chart's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The project's home page.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub home: String,
    /// Where the source is.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_default"
    )]
    pub sources: Vec<String>,
    /// The chart's own version, SemVer 2.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// One sentence.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Search words.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_default"
    )]
    pub keywords: Vec<String>,
    /// Who keeps it.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_default"
    )]
    pub maintainers: Vec<Maintainer>,
    /// A picture's address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub icon: String,
    /// `v1` or `v2`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// A condition, only in requirements of old charts.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub condition: String,
    /// Tags, likewise.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tags: String,
    /// The version of what is deployed; any string.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub app_version: String,
    /// Whether the chart is kept up no more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deprecated: bool,
    /// Free notes.
    #[serde(
        skip_serializing_if = "std::collections::BTreeMap::is_empty",
        deserialize_with = "null_default"
    )]
    pub annotations: std::collections::BTreeMap<String, String>,
    /// A constraint on the cluster's version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kube_version: String,
    /// The charts this one is made of.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_default"
    )]
    pub dependencies: Vec<Dependency>,
    /// `application` (the default, also when empty) or `library`.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
}

/// Somebody who keeps a chart.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Maintainer {
    /// The name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The mail address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// A page.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
}

/// A chart that another one wants.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Dependency {
    /// The chart's name.
    pub name: String,
    /// A version constraint (Masterminds' grammar).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// A repository's address, `alias:NAME`, `@NAME`, `oci://…`, `file://…` or empty.
    pub repository: String,
    /// Values paths, comma separated; the first boolean found decides.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub condition: String,
    /// Names that switch it on or off under `tags`.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_default"
    )]
    pub tags: Vec<String>,
    /// Whether it is switched on; worked out, not written by hand.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub enabled: bool,
    /// Values of the child that the parent takes: strings or `{child, parent}` maps.
    #[serde(
        rename = "import-values",
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_default"
    )]
    pub import_values: Vec<Value>,
    /// Another name under which the chart stands.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub alias: String,
}

/// Reads an explicit null as the default: `keywords:` with nothing behind it is common.
fn null_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

impl Dependency {
    /// Puts the keys of its free values in byte order, as Go writes maps.
    pub fn sort(&mut self) {
        fn sort(value: &mut Value) {
            match value {
                Value::Object(map) => {
                    map.sort_keys();
                    map.values_mut().for_each(sort);
                }
                Value::Array(items) => items.iter_mut().for_each(sort),
                _ => {}
            }
        }
        self.import_values.iter_mut().for_each(sort);
    }

    /// The name under which the chart stands: the alias, where there is one.
    pub fn key(&self) -> &str {
        if self.alias.is_empty() {
            &self.name
        } else {
            &self.alias
        }
    }
}

/// Reads Chart.yaml's text, and over it requirements.yaml's; each comes with its name for messages.
pub(super) fn read(
    chart_yaml: (&str, &str),
    requirements: Option<(&str, &str)>,
) -> Result<Metadata, Error> {
    let mut fields = fields_of(chart_yaml)?;
    // Helm 2 knew charts without apiVersion.
    let version = fields
        .entry("apiVersion")
        .or_insert(Value::String(String::new()));
    if version.as_str() == Some("") {
        *version = Value::String("v1".to_owned());
    }
    let mut value = Value::Object(fields);
    convert(chart_yaml, &value)?;
    if let Some(requirements) = requirements {
        let above = Value::Object(fields_of(requirements)?);
        convert(requirements, &above)?;
        fields::read_over(&mut value, above);
    }
    convert(chart_yaml, &value)
}

/// The fields of a file's text.
fn fields_of((file, text): (&str, &str)) -> Result<Map, Error> {
    let invalid = |line, message| Error::Invalid {
        file: file.to_owned(),
        line,
        message,
    };
    match yaml::parse_with_floats(text).map_err(|e| invalid(Some(e.line), e.to_string()))? {
        Value::Object(map) => Ok(fields::read(map, fields::METADATA)),
        Value::Null => Ok(Map::new()),
        _ => Err(invalid(None, "must be a map".to_owned())),
    }
}

/// From fields to the typed content; a type error is put on the line of its key.
fn convert((file, text): (&str, &str), value: &Value) -> Result<Metadata, Error> {
    let invalid = |key: &str, message: String| Error::Invalid {
        file: file.to_owned(),
        line: line_of(text, key),
        message,
    };
    // Key by key, so that the message can say which one it is.
    for (key, one) in value.as_object().into_iter().flatten() {
        let single = Value::Object([(key.clone(), one.clone())].into_iter().collect());
        if let Err(e) = serde_json::from_value::<Metadata>(single) {
            return Err(invalid(key, format!("{key}: {e}")));
        }
    }
    Metadata::deserialize(value).map_err(|e| invalid("", e.to_string()))
}

/// The line on which a top-level key stands.
fn line_of(text: &str, key: &str) -> Option<usize> {
    if key.is_empty() {
        return None;
    }
    text.lines()
        .position(|line| {
            let (start, rest) = line.split_at_checked(key.len()).unwrap_or_default();
            start.eq_ignore_ascii_case(key) && rest.trim_start().starts_with(':')
        })
        .map(|at| at + 1)
}

/// The version of an index's entry, as text; empty where there is none.
pub fn index_version(entry: &Value) -> String {
    let version = entry.get("version").cloned().unwrap_or_default();
    match fields::text(version) {
        Value::String(text) => text,
        _ => String::new(),
    }
}

/// Reads and checks an entry of a repository's index, which [`yaml::parse_with_floats`] has read. Two dependencies of one name are let through, as
/// Helm does: some servers drop their aliases. `place` is for messages.
///
/// # Errors
/// When it isn't what Chart.yaml must be.
pub fn index_metadata(place: &str, entry: Map) -> Result<Metadata, Error> {
    let invalid = |message: String| Error::Invalid {
        file: place.to_owned(),
        line: None,
        message,
    };
    let fields = Value::Object(fields::read(entry, fields::METADATA));
    let mut metadata: Metadata =
        serde_json::from_value(fields).map_err(|e| invalid(e.to_string()))?;
    if metadata.api_version.is_empty() {
        metadata.api_version = "v1".to_owned();
    }
    validate_all(place, "", &mut metadata, false)?;
    Ok(metadata)
}

/// Checks what Helm's `Metadata.Validate` checks, and cleans the strings as it does.
pub(super) fn validate(file: &str, text: &str, metadata: &mut Metadata) -> Result<(), Error> {
    validate_all(file, text, metadata, true)
}

fn validate_all(
    file: &str,
    text: &str,
    metadata: &mut Metadata,
    unique: bool,
) -> Result<(), Error> {
    let fail = |key: &str, message: String| {
        Err(Error::Invalid {
            file: file.to_owned(),
            line: line_of(text, key),
            message,
        })
    };
    for field in [
        &mut metadata.name,
        &mut metadata.description,
        &mut metadata.home,
        &mut metadata.icon,
        &mut metadata.condition,
        &mut metadata.tags,
        &mut metadata.app_version,
        &mut metadata.kube_version,
    ] {
        sanitize(field);
    }
    metadata
        .sources
        .iter_mut()
        .chain(&mut metadata.keywords)
        .for_each(sanitize);
    for maintainer in &mut metadata.maintainers {
        sanitize(&mut maintainer.name);
        sanitize(&mut maintainer.email);
        sanitize(&mut maintainer.url);
    }
    if metadata.name.is_empty() {
        return fail("name", "name is required".to_owned());
    }
    if matches!(metadata.name.as_str(), "." | "..") || metadata.name.contains('/') {
        return fail("name", format!("name {:?} is not allowed", metadata.name));
    }
    if metadata.version.is_empty() {
        return fail("version", "version is required".to_owned());
    }
    if Version::parse(&metadata.version).is_err() {
        return fail(
            "version",
            format!("version {:?} is not a semantic version", metadata.version),
        );
    }
    if !matches!(metadata.kind.as_str(), "" | "application" | "library") {
        return fail(
            "type",
            format!("type {:?} must be application or library", metadata.kind),
        );
    }
    let mut seen = std::collections::BTreeSet::new();
    for dependency in &mut metadata.dependencies {
        sanitize(&mut dependency.name);
        sanitize(&mut dependency.version);
        sanitize(&mut dependency.repository);
        sanitize(&mut dependency.condition);
        dependency.tags.iter_mut().for_each(sanitize);
        let alias_ok = dependency
            .alias
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
        if !alias_ok {
            return fail(
                "dependencies",
                format!(
                    "dependency {:?} has disallowed characters in the alias",
                    dependency.name
                ),
            );
        }
        if !seen.insert(dependency.key().to_owned()) && unique {
            return fail(
                "dependencies",
                format!(
                    "more than one dependency with name or alias {:?}",
                    dependency.key()
                ),
            );
        }
    }
    Ok(())
}

/// White space becomes a blank, what cannot be printed goes.
fn sanitize(text: &mut String) {
    if text
        .chars()
        .any(|c| c.is_control() || (c.is_whitespace() && c != ' '))
    {
        *text = text
            .chars()
            .filter_map(|c| {
                if c.is_whitespace() {
                    Some(' ')
                } else {
                    (!c.is_control()).then_some(c)
                }
            })
            .collect();
    }
}
