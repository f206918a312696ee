//! What to delete: the objects of old manifests that the new one lacks. Pure; deleting is the caller's.

use std::collections::HashSet;

use super::kinds::install_rank;
use super::object::{ObjectRef, annotation};
use crate::yaml::Value;

/// The annotation that keeps an object when its release lets go of it.
pub const POLICY: &str = "helm.sh/resource-policy";

/// Whether the object says that it is to be kept.
pub fn is_kept(object: &Value) -> bool {
    annotation(object, POLICY).is_some_and(|p| p.trim().eq_ignore_ascii_case("keep"))
}

/// The references that stand in any of the old manifests and not in the new one, each once, in the
/// order in which they should go. Compared without the version: two versions of a group are one
/// object. References should carry their namespaces ([`super::Client::locate`]).
///
/// Manifests of all revisions since the last deployed one belong in `old`, so that what a failed
/// revision made does not leak.
pub fn to_prune(old: &[Vec<ObjectRef>], new: &[ObjectRef]) -> Vec<ObjectRef> {
    let mut seen: HashSet<_> = new.iter().map(ObjectRef::key).collect();
    let mut gone: Vec<ObjectRef> = old
        .iter()
        .flatten()
        .filter(|object| seen.insert(object.key()))
        .cloned()
        .collect();
    gone.sort_by_key(|object| uninstall_rank(&object.kind, &object.group));
    gone
}

/// The place of a kind when objects are deleted: the true reverse of the install order, so that
/// resources go before the operator that must finalise them. Webhooks go first of all, or they
/// would refuse the deletions when their server is gone.
pub fn uninstall_rank(kind: &str, group: &str) -> usize {
    const LAST: usize = usize::MAX;
    match kind {
        "ValidatingWebhookConfiguration" => 0,
        "MutatingWebhookConfiguration" => 1,
        "CustomResourceDefinition" if group == "apiextensions.k8s.io" => LAST - 1000,
        "Namespace" if group.is_empty() => LAST,
        _ => 1000 - install_rank(kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(api_version: &str, kind: &str, name: &str) -> ObjectRef {
        ObjectRef::new(api_version, kind, Some("ns"), name)
    }

    #[test]
    fn what_left_every_manifest_goes_once_in_reverse_order() {
        let old = vec![
            vec![
                object("v1", "ConfigMap", "kept"),
                object("v1", "ConfigMap", "left"),
                object("apps/v1", "Deployment", "operator"),
                object("flink.apache.org/v1beta1", "FlinkDeployment", "job"),
            ],
            // A failed revision's.
            vec![
                object("v1", "ConfigMap", "left"),
                object("v1", "Service", "leaked"),
            ],
        ];
        let new = vec![object("v1", "ConfigMap", "kept")];
        let names: Vec<String> = to_prune(&old, &new)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            names,
            [
                "FlinkDeployment/job",
                "Deployment/operator",
                "Service/leaked",
                "ConfigMap/left"
            ]
        );
    }

    #[test]
    fn another_version_is_the_same_object() {
        let old = vec![vec![object(
            "autoscaling/v1",
            "HorizontalPodAutoscaler",
            "a",
        )]];
        let new = vec![object("autoscaling/v2", "HorizontalPodAutoscaler", "a")];
        assert!(to_prune(&old, &new).is_empty());
        // Another namespace is another object.
        let mut moved = new;
        moved[0].namespace = Some("other".into());
        assert_eq!(to_prune(&old, &moved).len(), 1);
    }
}
