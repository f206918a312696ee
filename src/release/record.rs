//! Helm's release record, field for field (`pkg/release/v1` and `pkg/chart/v2` of Helm 4).

use std::collections::BTreeMap;
use std::fmt;

use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::chart::Metadata;
use crate::yaml::{Map, Value};

/// The state of a revision, in Helm's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Status {
    /// Helm's `unknown`, and any word that Helm doesn't have.
    #[default]
    Unknown,
    /// In the cluster, and the newest that is.
    Deployed,
    /// Uninstalled, its history kept.
    Uninstalled,
    /// Replaced by a later revision.
    Superseded,
    /// Its operation failed.
    Failed,
    /// An uninstall is going on, or was broken off.
    Uninstalling,
    /// An install is going on, or was broken off.
    PendingInstall,
    /// An upgrade is going on, or was broken off.
    PendingUpgrade,
    /// A rollback is going on, or was broken off.
    PendingRollback,
}

impl Status {
    /// Helm's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Unknown => "unknown",
            Status::Deployed => "deployed",
            Status::Uninstalled => "uninstalled",
            Status::Superseded => "superseded",
            Status::Failed => "failed",
            Status::Uninstalling => "uninstalling",
            Status::PendingInstall => "pending-install",
            Status::PendingUpgrade => "pending-upgrade",
            Status::PendingRollback => "pending-rollback",
        }
    }

    /// The status of Helm's word; [`Status::Unknown`] for any other.
    pub fn parse(word: &str) -> Self {
        [
            Status::Deployed,
            Status::Uninstalled,
            Status::Superseded,
            Status::Failed,
            Status::Uninstalling,
            Status::PendingInstall,
            Status::PendingUpgrade,
            Status::PendingRollback,
        ]
        .into_iter()
        .find(|s| s.as_str() == word)
        .unwrap_or(Status::Unknown)
    }

    /// Whether an operation is going on or was broken off (Helm's `IsPending`; uninstalling is not).
    pub fn is_pending(self) -> bool {
        matches!(
            self,
            Status::PendingInstall | Status::PendingUpgrade | Status::PendingRollback
        )
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
        Ok(Status::parse(&word))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One revision of a release. Unknown fields of a record are kept in `extra`, here and in the parts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Release {
    /// The release's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Times, status, notes.
    #[serde(deserialize_with = "null_default")]
    pub info: Info,
    /// The chart it was made of.
    #[serde(deserialize_with = "null_default")]
    pub chart: Chart,
    /// The values that the user gave.
    #[serde(
        skip_serializing_if = "Map::is_empty",
        deserialize_with = "null_default"
    )]
    pub config: Map,
    /// The manifest as applied: documents joined by `---`, each with its `# Source:` line.
    #[serde(
        skip_serializing_if = "String::is_empty",
        deserialize_with = "null_default"
    )]
    pub manifest: String,
    /// The hooks.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_default"
    )]
    pub hooks: Vec<Hook>,
    /// The revision, from 1.
    pub version: u32,
    /// The namespace.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// `ssa` or `csa`; empty in records of Helm 3, which means `csa`.
    #[serde(
        skip_serializing_if = "String::is_empty",
        deserialize_with = "null_default"
    )]
    pub apply_method: String,
    /// What other versions wrote.
    #[serde(flatten)]
    pub extra: Map,
    /// The user's labels; they are the Secret's, not the record's.
    #[serde(skip)]
    pub labels: BTreeMap<String, String>,
}

/// The apply method that new records carry.
pub const SERVER_SIDE: &str = "ssa";
/// Client-side apply, Helm 3's way.
pub const CLIENT_SIDE: &str = "csa";

/// What is known about a revision.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Info {
    /// When the release's first revision was deployed.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "time")]
    pub first_deployed: Option<Time>,
    /// When this revision was deployed.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "time")]
    pub last_deployed: Option<Time>,
    /// When it was uninstalled.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "time")]
    pub deleted: Option<Time>,
    /// A line for people.
    #[serde(
        skip_serializing_if = "String::is_empty",
        deserialize_with = "null_default"
    )]
    pub description: String,
    /// The state.
    pub status: Status,
    /// The revision this one was rolled back to.
    #[serde(skip_serializing_if = "is_zero", deserialize_with = "null_default")]
    pub rollback_revision: u32,
    /// NOTES.txt as rendered.
    #[serde(
        skip_serializing_if = "String::is_empty",
        deserialize_with = "null_default"
    )]
    pub notes: String,
    /// What other versions wrote.
    #[serde(flatten)]
    pub extra: Map,
}

/// A chart as a record keeps it; subcharts are not kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Chart {
    /// Chart.yaml.
    #[serde(deserialize_with = "null_default")]
    pub metadata: Metadata,
    /// Chart.lock.
    pub lock: Value,
    /// The templates.
    #[serde(deserialize_with = "null_default")]
    pub templates: Vec<File>,
    /// The chart's default values.
    pub values: Value,
    /// values.schema.json.
    #[serde(with = "base64_option")]
    pub schema: Option<Vec<u8>>,
    /// All other files, those below `crds/` among them.
    #[serde(deserialize_with = "null_default")]
    pub files: Vec<File>,
    /// What other versions wrote: `schemamodtime`, `modtime`.
    #[serde(flatten)]
    pub extra: Map,
}

/// A file of a record's chart.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct File {
    /// The path below the chart's root.
    pub name: String,
    /// The content.
    #[serde(with = "base64_bytes")]
    pub data: Vec<u8>,
    /// What other versions wrote: `modtime`.
    #[serde(flatten)]
    pub extra: Map,
}

/// A hook as a record keeps it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hook {
    /// The object's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The object's kind.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The template it came from.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The document.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub manifest: String,
    /// Events in Helm's words.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_default"
    )]
    pub events: Vec<String>,
    /// How it went when it ran last.
    #[serde(deserialize_with = "null_default")]
    pub last_run: HookRun,
    /// Lower weights run first.
    #[serde(skip_serializing_if = "is_zero_i32", deserialize_with = "null_default")]
    pub weight: i32,
    /// `before-hook-creation`, `hook-succeeded`, `hook-failed`.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_default"
    )]
    pub delete_policies: Vec<String>,
    /// `hook-succeeded`, `hook-failed`.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_default"
    )]
    pub output_log_policies: Vec<String>,
    /// What other versions wrote.
    #[serde(flatten)]
    pub extra: Map,
}

/// One run of a hook.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HookRun {
    /// Its start.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "time")]
    pub started_at: Option<Time>,
    /// Its end.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "time")]
    pub completed_at: Option<Time>,
    /// `Unknown`, `Running`, `Succeeded`, `Failed`; empty when it never ran.
    #[serde(deserialize_with = "null_default")]
    pub phase: String,
}

/// A time as it stands in a record: RFC 3339, kept as written so that it is written back unchanged
/// (Go prints the writer's offset and nine or fewer digits).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub String);

impl Time {
    /// Now, in UTC, with nanoseconds.
    pub fn now() -> Self {
        Time(jiff::Timestamp::now().to_string())
    }

    /// The instant; `None` when the text is no RFC 3339 time.
    pub fn timestamp(&self) -> Option<jiff::Timestamp> {
        self.0.parse().ok()
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

fn is_zero_i32(n: &i32) -> bool {
    *n == 0
}

fn null_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Helm 3 wrote `""` and Go's zero time for times that aren't.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Time>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text
        .filter(|t| !t.is_empty() && !t.starts_with("0001-01-01T00:00:00"))
        .map(Time))
}

mod base64_bytes {
    use base64::Engine as _;

    use super::{BASE64, Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(data: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        BASE64.encode(data).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
        BASE64.decode(text).map_err(serde::de::Error::custom)
    }
}

mod base64_option {
    use base64::Engine as _;

    use super::{BASE64, Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(data: &Option<Vec<u8>>, s: S) -> Result<S::Ok, S::Error> {
        data.as_ref().map(|d| BASE64.encode(d)).serialize(s)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Vec<u8>>, D::Error> {
        match Option::<String>::deserialize(d)? {
            None => Ok(None),
            Some(text) if text.is_empty() => Ok(None),
            Some(text) => BASE64
                .decode(text)
                .map(Some)
                .map_err(serde::de::Error::custom),
        }
    }
}

impl Chart {
    /// `name-version`, Helm's way to write a chart.
    pub fn full_name(&self) -> String {
        // Helm prints MISSING for a record without a chart.
        if self.metadata.name.is_empty() {
            "MISSING".to_owned()
        } else {
            format!("{}-{}", self.metadata.name, self.metadata.version)
        }
    }
}

impl From<&crate::chart::Chart> for Chart {
    /// A chart as Helm keeps it: files below `crds/` are files, subcharts are dropped.
    fn from(chart: &crate::chart::Chart) -> Self {
        let file = |f: &crate::chart::File| File {
            name: f.name.clone(),
            data: f.data.clone(),
            extra: Map::new(),
        };
        Chart {
            metadata: chart.metadata.clone(),
            lock: chart.lock.clone().unwrap_or(Value::Null),
            templates: chart.templates.iter().map(file).collect(),
            values: chart.values.clone(),
            schema: chart.schema.clone(),
            files: chart.files.iter().chain(&chart.crds).map(file).collect(),
            extra: Map::new(),
        }
    }
}

impl From<&crate::render::Hook> for Hook {
    fn from(hook: &crate::render::Hook) -> Self {
        let text = |pointer: &str| {
            hook.document
                .object
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        Hook {
            name: text("/metadata/name"),
            kind: text("/kind"),
            path: hook.document.source.clone(),
            manifest: hook.document.text.clone(),
            events: hook.events.clone(),
            last_run: HookRun::default(),
            weight: hook.weight,
            delete_policies: hook.delete_policies.clone(),
            output_log_policies: hook.output_log_policies.clone(),
            extra: Map::new(),
        }
    }
}
