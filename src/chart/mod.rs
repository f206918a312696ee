//! Charts: Chart.yaml, loading, archives, dependencies, packaging and provenance.

mod metadata;

pub use metadata::{Dependency, Maintainer, Metadata};

use crate::yaml::Value;

/// A file of a chart, its name relative to the chart's root, with `/` between folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The path below the chart's root, for instance `templates/jobmanager.yaml.tera`.
    pub name: String,
    /// The bytes as they are in the folder or the archive.
    pub data: Vec<u8>,
}

/// A chart as loaded: nothing rendered, nothing merged.
#[derive(Debug, Clone, Default)]
pub struct Chart {
    /// Chart.yaml (for apiVersion v1 with requirements.yaml's dependencies moved in).
    pub metadata: Metadata,
    /// The content of values.yaml, parsed; an empty map where there is none.
    pub values: Value,
    /// values.yaml as it was written (positions for origins come from it); `None` where there is none.
    pub values_text: Option<String>,
    /// values.schema.json as it was written.
    pub schema: Option<Vec<u8>>,
    /// Chart.lock or requirements.lock, parsed.
    pub lock: Option<Value>,
    /// Files below `templates/`.
    pub templates: Vec<File>,
    /// Files below `crds/`.
    pub crds: Vec<File>,
    /// All other files that .helmignore lets through, README and licence among them.
    pub files: Vec<File>,
    /// The charts below `charts/`.
    pub dependencies: Vec<Chart>,
}
