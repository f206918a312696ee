//! What the server serves: kinds, versions, and Helm's capabilities, in three requests at most.

use std::collections::BTreeSet;

use http::Method;
use kube::client::APIGroupDiscoveryList;

use super::client::{Client, Request, Target};
use super::error::Result;
use super::kinds::Resource;
use crate::render::Capabilities;
use crate::yaml::Value;

/// Asks for the aggregated form, which Kubernetes serves since 1.26 (stable since 1.30).
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";

/// The kinds that a server serves.
#[derive(Debug, Clone, Default)]
pub struct Discovery {
    resources: Vec<Resource>,
    /// `group/version` strings in the server's order of preference, also those without resources.
    versions: Vec<String>,
    /// `group/version/Kind` of what subresources answer with (`v1/PodExecOptions`, `apps/v1/Scale`): to Helm
    /// they are served too, under the version of their resource.
    subresource_kinds: BTreeSet<String>,
}

impl Discovery {
    /// Asks the server.
    pub(super) async fn ask(client: &Client) -> Result<Self> {
        let request = |path: &str| {
            Request::new(
                Method::GET,
                path.to_owned(),
                "discover",
                Target::Other("the served kinds".into()),
            )
            .accept(AGGREGATED)
        };
        let (core, groups) = (request("/api"), request("/apis"));
        let (core, groups): (Result<APIGroupDiscoveryList>, Result<APIGroupDiscoveryList>) =
            tokio::join!(client.send(&core), client.send(&groups));
        let mut discovery = Discovery::default();
        discovery.add(core?);
        discovery.add(groups?);
        Ok(discovery)
    }

    fn add(&mut self, list: APIGroupDiscoveryList) {
        for group in list.items {
            let name = group.metadata.and_then(|m| m.name).unwrap_or_default();
            for version in group.versions {
                let Some(version_name) = version.version else {
                    continue;
                };
                let full = if name.is_empty() {
                    version_name.clone()
                } else {
                    format!("{name}/{version_name}")
                };
                self.versions.push(full.clone());
                for resource in version.resources {
                    let kinds = resource.subresources.iter();
                    let kinds = kinds.filter_map(|s| s.response_kind.as_ref()?.kind.as_ref());
                    self.subresource_kinds
                        .extend(kinds.map(|kind| format!("{full}/{kind}")));
                    let response = resource.response_kind;
                    let kind = response.as_ref().and_then(|k| k.kind.clone());
                    let (Some(plural), Some(kind)) = (resource.resource, kind) else {
                        continue;
                    };
                    self.resources.push(Resource {
                        group: name.clone(),
                        version: version_name.clone(),
                        kind,
                        plural,
                        namespaced: resource.scope.as_deref() == Some("Namespaced"),
                    });
                }
            }
        }
    }

    /// How a kind is served, if it is.
    pub fn find(&self, group: &str, version: &str, kind: &str) -> Option<Resource> {
        self.resources
            .iter()
            .find(|r| r.group == group && r.version == version && r.kind == kind)
            .cloned()
    }

    /// Whether a `group/version` is served.
    pub fn has_version(&self, api_version: &str) -> bool {
        self.versions.iter().any(|v| v == api_version)
    }

    /// All served kinds.
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// `group/version` and `group/version/Kind` strings, as Helm's `.Capabilities.APIVersions` has them.
    pub fn api_versions(&self) -> Vec<String> {
        let mut all = self.versions.clone();
        for r in &self.resources {
            let version = if r.group.is_empty() {
                r.version.clone()
            } else {
                format!("{}/{}", r.group, r.version)
            };
            all.push(format!("{version}/{}", r.kind));
        }
        let kinds = self.subresource_kinds.iter();
        let more: Vec<String> = kinds.filter(|kind| !all.contains(kind)).cloned().collect();
        all.extend(more);
        all
    }
}

impl Client {
    /// The server's version, for instance `v1.37.1`; asked for once.
    pub async fn version(&self) -> Result<String> {
        let version = self.inner.version.get_or_try_init(|| self.ask_version());
        version.await.cloned()
    }

    /// Begins to ask for what [`Client::capabilities`] will need, beside what is done until then.
    pub fn ask_ahead(&self) {
        let client = self.clone();
        tokio::spawn(async move {
            // Whoever needs the answer sees the error too.
            let _ = client.capabilities().await;
        });
    }

    async fn ask_version(&self) -> Result<String> {
        let request = Request::new(
            Method::GET,
            "/version".into(),
            "get",
            Target::Other("the server's version".into()),
        );
        let answer: Value = self.send(&request).await?;
        Ok(answer
            .get("gitVersion")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned())
    }

    /// What templates may know of the cluster.
    pub async fn capabilities(&self) -> Result<Capabilities> {
        let (version, discovery) = tokio::join!(self.version(), self.discovery());
        Ok(Capabilities {
            kube_version: version?,
            api_versions: discovery?.api_versions(),
        })
    }
}
