//! What a chart is in a registry: a manifest that names a configuration and layers, as Helm lays it out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::chart::{Dependency, Metadata};
use crate::registry::Error;
use crate::registry::cache::sha256;
use crate::yaml;

/// The configuration: Chart.yaml as JSON.
pub(super) const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
/// The archive.
pub(super) const CHART: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
/// The archive, as Helm 3.0 to 3.6 called it.
pub(super) const OLD_CHART: &str = "application/tar+gzip";
/// The provenance file.
pub(super) const PROVENANCE: &str = "application/vnd.cncf.helm.chart.provenance.v1.prov";
/// A manifest.
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// A list of manifests.
pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A part of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    #[serde(default)]
    pub(super) media_type: String,
    pub(super) digest: String,
    pub(super) size: u64,
}

impl Descriptor {
    pub(super) fn of(media_type: &str, bytes: &[u8]) -> Self {
        Descriptor {
            media_type: media_type.to_owned(),
            digest: format!("sha256:{}", sha256(bytes)),
            size: bytes.len() as u64,
        }
    }
}

/// A manifest, or a list of them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    #[serde(default)]
    pub(super) config: Option<Descriptor>,
    #[serde(default)]
    pub(super) layers: Vec<Descriptor>,
    #[serde(default)]
    pub(super) manifests: Vec<Descriptor>,
}

impl Manifest {
    /// The layer of one of the media types.
    pub(super) fn layer(&self, media_types: &[&str]) -> Option<&Descriptor> {
        self.layers
            .iter()
            .find(|l| media_types.contains(&l.media_type.as_str()))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    schema_version: u32,
    config: &'a Descriptor,
    layers: &'a [Descriptor],
    annotations: BTreeMap<String, String>,
}

/// A chart as it is pushed: the parts and the manifest, byte for byte as Helm makes them.
#[derive(Debug)]
pub(super) struct Artifact {
    pub(super) manifest: Vec<u8>,
    /// Configuration and layers, each with its bytes.
    pub(super) blobs: Vec<(Descriptor, Vec<u8>)>,
}

/// Makes the artifact of a chart. `created` is the time of the archive's file, as RFC 3339.
pub(super) fn artifact(
    metadata: &Metadata,
    archive: Vec<u8>,
    provenance: Option<Vec<u8>>,
    created: &str,
) -> Result<Artifact, Error> {
    let mut sorted = metadata.clone();
    sorted.dependencies.iter_mut().for_each(Dependency::sort);
    let config = json(&sorted)?.into_bytes();
    let config = (Descriptor::of(CONFIG, &config), config);
    let mut layers = vec![(Descriptor::of(CHART, &archive), archive)];
    layers.extend(provenance.map(|bytes| (Descriptor::of(PROVENANCE, &bytes), bytes)));
    layers.sort_by(|(a, _), (b, _)| a.digest.cmp(&b.digest));
    let descriptors: Vec<Descriptor> = layers.iter().map(|(d, _)| d.clone()).collect();
    let manifest = json(&Written {
        schema_version: 2,
        config: &config.0,
        layers: &descriptors,
        annotations: annotations(metadata, created),
    })?;
    let mut blobs = layers;
    blobs.push(config);
    Ok(Artifact {
        manifest: manifest.into_bytes(),
        blobs,
    })
}

/// The annotations that Helm makes of Chart.yaml; the chart's own come over them, but for name and version.
fn annotations(metadata: &Metadata, created: &str) -> BTreeMap<String, String> {
    let key = |name: &str| format!("org.opencontainers.image.{name}");
    let mut all = BTreeMap::new();
    let mut set = |name: &str, value: &str| {
        if !value.trim().is_empty() {
            all.insert(key(name), value.to_owned());
        }
    };
    set("description", &metadata.description);
    set("title", &metadata.name);
    set("version", &metadata.version);
    set("url", &metadata.home);
    set("created", created);
    set(
        "source",
        metadata.sources.first().map_or("", String::as_str),
    );
    let authors: Vec<String> = metadata
        .maintainers
        .iter()
        .map(|m| {
            if m.email.is_empty() {
                m.name.clone()
            } else {
                format!("{} ({})", m.name, m.email)
            }
        })
        .collect();
    set("authors", &authors.join(", "));
    let own = metadata
        .annotations
        .iter()
        .filter(|(k, _)| **k != key("title") && **k != key("version"));
    all.extend(own.map(|(k, v)| (k.clone(), v.clone())));
    all
}

fn json(value: &impl Serialize) -> Result<String, Error> {
    yaml::go_struct_json(value).map_err(|e| Error::invalid("the manifest", e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Maintainer;
    use crate::yaml::Value;

    #[test]
    fn as_helm_makes_it() {
        let metadata = Metadata {
            name: "x".to_owned(),
            version: "1.0.0".to_owned(),
            api_version: "v2".to_owned(),
            description: "a & b".to_owned(),
            maintainers: vec![Maintainer {
                name: "A".to_owned(),
                email: "a@b".to_owned(),
                url: String::new(),
            }],
            annotations: [("org.opencontainers.image.title", "other"), ("k", "v")]
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .into(),
            ..Metadata::default()
        };
        let made = artifact(&metadata, b"x".to_vec(), None, "2026-01-02T03:04:05Z").unwrap();
        let config = String::from_utf8(made.blobs[1].1.clone()).unwrap();
        assert_eq!(
            config,
            "{\"name\":\"x\",\"version\":\"1.0.0\",\"description\":\"a \\u0026 b\",\"maintainers\":[{\"name\":\"A\",\
             \"email\":\"a@b\"}],\"apiVersion\":\"v2\",\"annotations\":{\"k\":\"v\",\
             \"org.opencontainers.image.title\":\"other\"}}"
        );
        let manifest: Value = serde_json::from_slice(&made.manifest).unwrap();
        let annotations = serde_json::to_string(&manifest["annotations"]).unwrap();
        assert_eq!(
            annotations,
            "{\"k\":\"v\",\"org.opencontainers.image.authors\":\"A (a@b)\",\"org.opencontainers.image.created\":\
             \"2026-01-02T03:04:05Z\",\"org.opencontainers.image.description\":\"a & b\",\
             \"org.opencontainers.image.title\":\"x\",\"org.opencontainers.image.version\":\"1.0.0\"}"
        );
    }
}
