//! From a chart, values and capabilities to documents, hooks and notes.

use crate::yaml::Value;

/// What a template may know of the release: Helm's `.Release`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseOptions {
    /// The release's name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The revision that this render makes, from 1.
    pub revision: u32,
    /// Whether this is an upgrade or a rollback; otherwise an install.
    pub is_upgrade: bool,
}

/// What a template may know of the cluster: Helm's `.Capabilities`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// The server's version, for instance `v1.37.2`.
    pub kube_version: String,
    /// `group/version` and `group/version/Kind` strings.
    pub api_versions: Vec<String>,
}

/// A document of a manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The template it came from, for instance `flink-application/templates/jobmanager.yaml.tera`.
    pub source: String,
    /// The text as rendered, without the separator.
    pub text: String,
    /// The parsed object: a map with apiVersion, kind and metadata.name.
    pub object: Value,
}

/// A document with the annotation `helm.sh/hook`.
#[derive(Debug, Clone, PartialEq)]
pub struct Hook {
    /// The document itself.
    pub document: Document,
    /// Events, in Helm's words: `pre-install`, `post-upgrade`, `test` …
    pub events: Vec<String>,
    /// Lower weights run first.
    pub weight: i32,
    /// `before-hook-creation`, `hook-succeeded`, `hook-failed`.
    pub delete_policies: Vec<String>,
    /// `hook-succeeded`, `hook-failed`: when the hook's log is shown.
    pub output_log_policies: Vec<String>,
}

/// The outcome of a render.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rendered {
    /// The objects in Helm's install order.
    pub documents: Vec<Document>,
    /// The hooks, sorted by weight, then name.
    pub hooks: Vec<Hook>,
    /// NOTES.txt of the root chart; empty where there is none.
    pub notes: String,
}
