//! Rules about what a chart renders.

use super::{Findings, Input, Level, Rule};
use crate::render::Rendered;
use crate::template::funcs::semver::Version;

pub(super) const RENDER: Rule = Rule {
    id: "template/error",
    level: Level::Error,
    about: "The chart doesn't render with these values.",
    fix: "correct the template or the values",
};
pub(super) const DEPRECATED_API: Rule = Rule {
    id: "object/deprecated-api",
    level: Level::Warning,
    about: "An object's apiVersion is deprecated in the version of Kubernetes it is meant for.",
    fix: "use the apiVersion that takes its place",
};
pub(super) const REMOVED_API: Rule = Rule {
    id: "object/removed-api",
    level: Level::Error,
    about: "An object's apiVersion is not served by the version of Kubernetes it is meant for.",
    fix: "use the apiVersion that took its place",
};

/// An apiVersion that Kubernetes gave up: group and version, kinds (none: all of them), the minor
/// versions of Kubernetes 1 that deprecated it and that no longer serve it (none: served still), and what
/// took its place.
type GivenUp = (
    &'static str,
    &'static [&'static str],
    u64,
    Option<u64>,
    &'static str,
);

/// Kubernetes' deprecation guide, up to 1.37.
#[rustfmt::skip]
const GIVEN_UP: [GivenUp; 29] = [
    ("extensions/v1beta1", &["Deployment", "DaemonSet", "ReplicaSet"], 9, Some(16), "apps/v1"),
    ("extensions/v1beta1", &["NetworkPolicy", "Ingress"], 14, Some(22), "networking.k8s.io/v1"),
    ("extensions/v1beta1", &["PodSecurityPolicy"], 11, Some(16), "Pod Security Admission"),
    ("apps/v1beta1", &[], 9, Some(16), "apps/v1"),
    ("apps/v1beta2", &[], 9, Some(16), "apps/v1"),
    ("networking.k8s.io/v1beta1", &["Ingress", "IngressClass"], 19, Some(22), "networking.k8s.io/v1"),
    ("rbac.authorization.k8s.io/v1beta1", &[], 17, Some(22), "rbac.authorization.k8s.io/v1"),
    ("rbac.authorization.k8s.io/v1alpha1", &[], 17, Some(22), "rbac.authorization.k8s.io/v1"),
    ("apiextensions.k8s.io/v1beta1", &[], 16, Some(22), "apiextensions.k8s.io/v1"),
    ("apiregistration.k8s.io/v1beta1", &[], 19, Some(22), "apiregistration.k8s.io/v1"),
    ("admissionregistration.k8s.io/v1beta1", &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"], 16, Some(22), "admissionregistration.k8s.io/v1"),
    ("certificates.k8s.io/v1beta1", &["CertificateSigningRequest"], 19, Some(22), "certificates.k8s.io/v1"),
    ("coordination.k8s.io/v1beta1", &["Lease"], 19, Some(22), "coordination.k8s.io/v1"),
    ("scheduling.k8s.io/v1beta1", &["PriorityClass"], 14, Some(22), "scheduling.k8s.io/v1"),
    ("storage.k8s.io/v1beta1", &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"], 19, Some(22), "storage.k8s.io/v1"),
    ("storage.k8s.io/v1beta1", &["CSIStorageCapacity"], 24, Some(27), "storage.k8s.io/v1"),
    ("batch/v1beta1", &["CronJob"], 21, Some(25), "batch/v1"),
    ("discovery.k8s.io/v1beta1", &["EndpointSlice"], 21, Some(25), "discovery.k8s.io/v1"),
    ("events.k8s.io/v1beta1", &["Event"], 19, Some(25), "events.k8s.io/v1"),
    ("policy/v1beta1", &["PodDisruptionBudget"], 21, Some(25), "policy/v1"),
    ("policy/v1beta1", &["PodSecurityPolicy"], 21, Some(25), "Pod Security Admission"),
    ("node.k8s.io/v1beta1", &["RuntimeClass"], 22, Some(25), "node.k8s.io/v1"),
    ("autoscaling/v2beta1", &["HorizontalPodAutoscaler"], 23, Some(25), "autoscaling/v2"),
    ("autoscaling/v2beta2", &["HorizontalPodAutoscaler"], 23, Some(26), "autoscaling/v2"),
    ("flowcontrol.apiserver.k8s.io/v1beta3", &[], 29, Some(32), "flowcontrol.apiserver.k8s.io/v1"),
    ("flowcontrol.apiserver.k8s.io/v1beta1", &[], 23, Some(26), "flowcontrol.apiserver.k8s.io/v1"),
    ("flowcontrol.apiserver.k8s.io/v1beta2", &[], 26, Some(29), "flowcontrol.apiserver.k8s.io/v1"),
    ("v1", &["ComponentStatus"], 19, None, "the health endpoints of each component"),
    ("v1", &["Endpoints"], 33, None, "EndpointSlice of discovery.k8s.io/v1"),
];

pub(super) fn check(input: &Input<'_>, rendered: Option<&Rendered>, findings: &mut Findings) {
    let Some(rendered) = rendered else { return };
    let target = &input.capabilities.kube_version;
    let Ok(version) = Version::parse(target) else {
        return;
    };
    let prefix = format!("{}/", input.chart.name());
    let documents = rendered
        .documents
        .iter()
        .chain(rendered.hooks.iter().map(|h| &h.document));
    for document in documents {
        let found = GIVEN_UP.iter().find(|(api, kinds, deprecated, _, _)| {
            *api == document.api_version()
                && (kinds.is_empty() || kinds.contains(&document.kind()))
                && (version.major, version.minor) >= (1, *deprecated)
        });
        if let Some((api, _, deprecated, removed, instead)) = found {
            let file = document
                .source
                .strip_prefix(&prefix)
                .unwrap_or(&document.source);
            let template = input.chart.templates.iter().find(|t| t.name == file);
            let line = template.and_then(|t| {
                let text = String::from_utf8_lossy(&t.data);
                text.lines().position(|l| l.contains(api)).map(|at| at + 1)
            });
            let what = format!("{} {} has {api}", document.kind(), document.name());
            let gone = removed.filter(|minor| (version.major, version.minor) >= (1, *minor));
            let (rule, message) = match gone {
                Some(minor) => (
                    &REMOVED_API,
                    format!(
                        "{what}, which Kubernetes stopped serving in 1.{minor} (the chart is checked for {target}); now it is {instead}"
                    ),
                ),
                None => (
                    &DEPRECATED_API,
                    format!(
                        "{what}, deprecated since Kubernetes 1.{deprecated} (the chart is checked for {target}); use {instead}"
                    ),
                ),
            };
            findings.add(rule, file, line, message);
        }
    }
}
