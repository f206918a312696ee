//! What templates are told of a cluster that nobody asked: Helm's own defaults.

use crate::template::funcs::semver::Version;

/// The Kubernetes version that Helm 4.3.1 assumes without a cluster.
pub const DEFAULT_KUBE_VERSION: &str = "v1.37.0";

/// What a template may know of the cluster: Helm's `.Capabilities`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// The server's version with a leading `v`, for instance `v1.37.2`.
    pub kube_version: String,
    /// `group/version` and `group/version/Kind` strings.
    pub api_versions: Vec<String>,
}

impl Default for Capabilities {
    /// Without a cluster: the version and the APIs that Helm 4.3.1 has built in.
    fn default() -> Self {
        Capabilities {
            kube_version: DEFAULT_KUBE_VERSION.to_owned(),
            api_versions: DEFAULT_API_VERSIONS.iter().map(|&v| v.to_owned()).collect(),
        }
    }
}

impl Capabilities {
    /// The defaults with another version: `--kube-version`; a missing `v` is added.
    ///
    /// # Errors
    /// The text, when it is no version.
    pub fn with_kube_version(mut self, version: &str) -> Result<Self, String> {
        let plain = version.strip_prefix('v').unwrap_or(version);
        Version::parse(plain).map_err(|e| e.to_string())?;
        self.kube_version = format!("v{plain}");
        Ok(self)
    }

    /// Whether an API is there.
    pub fn has(&self, api: &str) -> bool {
        self.api_versions.iter().any(|v| v == api)
    }

    /// The first two numbers of the version, as text, as Helm gives them.
    pub fn major_minor(&self) -> (String, String) {
        Version::parse(&self.kube_version).map_or_else(
            |_| (String::new(), String::new()),
            |v| (v.major.to_string(), v.minor.to_string()),
        )
    }
}

/// `scheme.Scheme.PrioritizedVersionsAllGroups()` of the client-go in Helm 4.3.1, as
/// `helm template` shows it.
const DEFAULT_API_VERSIONS: [&str; 57] = [
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "lifecycle.k8s.io/v1alpha1",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];
