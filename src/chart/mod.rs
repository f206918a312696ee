//! Charts: Chart.yaml, loading, archives, dependencies, packaging and provenance.

mod archive;
mod create;
mod digest;
mod error;
mod fields;
mod ignore;
mod keyring;
mod load;
mod metadata;
mod package;
mod pathmatch;
pub mod provenance;

pub use archive::{MAX_DEPTH, MAX_ENTRIES, MAX_TOTAL};
pub use create::{Language, create, from_starter};
pub use error::Error;
pub use keyring::Keyring;
pub use load::{load, load_alone, load_archive, unpack_archive};
pub use metadata::{Dependency, Maintainer, Metadata, index_metadata, index_version};
pub use package::{DEFAULT_MTIME, chart_yaml, pack, package, package_name};
pub use pathmatch::{BadPattern, path_match};

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
    /// Chart.yaml, and over it requirements.yaml, of old charts.
    pub metadata: Metadata,
    /// The content of values.yaml, parsed; an empty map where there is none.
    pub values: Value,
    /// values.yaml as it was written (positions for origins come from it); `None` where there is none.
    pub values_text: Option<String>,
    /// values.schema.json as it was written.
    pub schema: Option<Vec<u8>>,
    /// What Helm knows of Chart.lock or requirements.lock.
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

impl Chart {
    /// The name in Chart.yaml.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// Whether the chart only lends components and named templates.
    pub fn is_library(&self) -> bool {
        self.metadata.kind == "library"
    }

    /// The names of the charts that Chart.yaml wants and `charts/` doesn't have.
    pub fn missing_dependencies(&self) -> Vec<&str> {
        self.metadata
            .dependencies
            .iter()
            .filter(|wanted| !self.dependencies.iter().any(|c| c.name() == wanted.name))
            .map(|wanted| wanted.name.as_str())
            .collect()
    }

    /// The files below `crds/` that hold manifests, of this chart and all below it, each with its
    /// full path (`chart/charts/child/crds/x.yaml`); never rendered.
    pub fn crd_files(&self) -> Vec<(String, &File)> {
        let mut found = Vec::new();
        self.collect_crds(self.name(), &mut found);
        found
    }

    fn collect_crds<'a>(&'a self, path: &str, found: &mut Vec<(String, &'a File)>) {
        for file in &self.crds {
            let name = file.name.to_ascii_lowercase();
            if [".yaml", ".yml", ".json"].iter().any(|e| name.ends_with(e)) {
                found.push((format!("{path}/{}", file.name), file));
            }
        }
        for child in &self.dependencies {
            child.collect_crds(&format!("{path}/charts/{}", child.name()), found);
        }
    }
}

#[cfg(test)]
mod tests;
