//! What a revision wants on the cluster: its objects with the restore tokens in, and its workloads.

use super::Error;
use crate::flink::inject;
use crate::flink::manifest;
use crate::flink::workload::{self, Workload};
use crate::plan::crds::{self, Mode};
use crate::render::Rendered;
use crate::yaml::{self, Value};

/// The objects of a revision, in Helm's install order.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// Each object as it is applied.
    pub objects: Vec<Value>,
    /// The text that Helm's record keeps: the same objects.
    pub manifest: String,
    /// The Flink clusters among them.
    pub workloads: Vec<Workload>,
    /// The CRDs in the crds/ of its charts; no part of the manifest.
    pub crds: Vec<Value>,
    /// What is done with those.
    pub crd_mode: Mode,
}

impl Target {
    /// The target of a render: the tokens are put into the Flink clusters' arguments.
    pub fn of_render(rendered: &Rendered, namespace: &str) -> Result<Target, Error> {
        let documents = rendered
            .documents
            .iter()
            .filter(|d| !d.object.is_null())
            .map(|d| (d.source.clone(), d.text.clone(), d.object.clone()))
            .collect();
        Target::build(documents, namespace)
    }

    /// The target of a revision's recorded manifest, whoever recorded it.
    pub fn of_manifest(text: &str, namespace: &str) -> Result<Target, Error> {
        let mut documents = Vec::new();
        for document in yaml::split_documents(text) {
            let object = yaml::parse(document)
                .map_err(|e| Error::Invalid(format!("the recorded manifest can't be read: {e}")))?;
            if object.is_null() {
                continue;
            }
            let source = document
                .lines()
                .find_map(|line| line.strip_prefix("# Source: "))
                .unwrap_or_default()
                .to_owned();
            let body: Vec<&str> = document
                .lines()
                .skip_while(|l| l.is_empty() || l.starts_with("# Source: "))
                .collect();
            documents.push((source, body.join("\n"), object));
        }
        Target::build(documents, namespace)
    }

    fn build(documents: Vec<(String, String, Value)>, namespace: &str) -> Result<Target, Error> {
        let rendered: Vec<Value> = documents
            .iter()
            .map(|(_, _, object)| object.clone())
            .collect();
        let workloads = workload::recognise(&rendered, namespace);
        let mut objects = rendered.clone();
        for workload in &workloads {
            inject::inject(&mut objects, workload, namespace)
                .map_err(|e| Error::Invalid(e.to_string()))?;
        }
        let mut manifest = String::new();
        for (((source, text, _), before), after) in documents.iter().zip(&rendered).zip(&objects) {
            let text = if before == after {
                text.clone()
            } else {
                yaml::emit(after)
            };
            manifest.push_str(&format!("---\n# Source: {source}\n{}\n", text.trim_end()));
        }
        Ok(Target {
            objects,
            manifest,
            workloads,
            crds: Vec::new(),
            crd_mode: Mode::default(),
        })
    }

    /// Whether the charts' CRDs, or CRDs in the manifest, bring a kind; and then whether its objects
    /// live in namespaces.
    pub fn brings(&self, api_version: &str, kind: &str) -> Option<bool> {
        let own = self
            .objects
            .iter()
            .filter(|o| manifest::kind(o) == "CustomResourceDefinition");
        self.crds
            .iter()
            .chain(own)
            .flat_map(crds::served)
            .find(|(v, k, ..)| v == api_version && k == kind)
            .map(|(.., namespaced)| namespaced)
    }

    /// All CRDs that come with it: those of the charts, and those in the manifest.
    pub fn all_crds(&self) -> Vec<Value> {
        let own = self
            .objects
            .iter()
            .filter(|o| manifest::kind(o) == "CustomResourceDefinition");
        self.crds.iter().chain(own).cloned().collect()
    }

    /// The object of a kind and name.
    pub fn find(&self, kind: &str, name: &str, namespace: &str) -> Option<&Value> {
        manifest::find(&self.objects, kind, namespace, name, namespace)
    }

    /// The workload of a name.
    pub fn workload(&self, name: &str) -> Option<&Workload> {
        self.workloads.iter().find(|w| w.name == name)
    }
}
