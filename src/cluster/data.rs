//! Which objects hold data, or take some along when they are deleted: they stay unless they are named
//! (design, decision 10).

use super::object::{ObjectRef, split_api_version};
use crate::yaml::Value;

/// Whether an object holds data, or its deletion takes data along.
pub fn holds_data(object: &Value) -> bool {
    let text = |field: &str| {
        object
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (group, _) = split_api_version(text("apiVersion"));
    match (group, text("kind")) {
        ("", "PersistentVolumeClaim" | "PersistentVolume" | "Namespace")
        | ("apiextensions.k8s.io", "CustomResourceDefinition")
        // Flink's operator: a job and its high-availability data end with its FlinkDeployment, and a
        // FlinkStateSnapshot may take its savepoint along (spec.savepoint.disposeOnDelete).
        | ("flink.apache.org", _) => true,
        ("apps", "StatefulSet") => takes_its_claims(object),
        _ => false,
    }
}

/// Whether the claims that a StatefulSet made go with it (Kubernetes 1.27 and later).
fn takes_its_claims(set: &Value) -> bool {
    let when_deleted = set.pointer("/spec/persistentVolumeClaimRetentionPolicy/whenDeleted");
    let claims = set.pointer("/spec/volumeClaimTemplates");
    when_deleted.and_then(Value::as_str) == Some("Delete")
        && claims
            .and_then(Value::as_array)
            .is_some_and(|c| !c.is_empty())
}

/// Whether one of these names, each `KIND/NAME` as plans write them, is the object's.
pub fn is_named(names: &[String], object: &ObjectRef) -> bool {
    names.iter().any(|name| {
        name.split_once('/').is_some_and(|(kind, name)| {
            kind.eq_ignore_ascii_case(&object.kind) && name == object.name
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_holds_data() {
        for (api_version, kind, holds) in [
            ("v1", "PersistentVolumeClaim", true),
            ("v1", "PersistentVolume", true),
            ("v1", "Namespace", true),
            ("apiextensions.k8s.io/v1", "CustomResourceDefinition", true),
            ("flink.apache.org/v1beta1", "FlinkDeployment", true),
            ("flink.apache.org/v1beta1", "FlinkSessionJob", true),
            ("flink.apache.org/v1beta1", "FlinkStateSnapshot", true),
            ("flink.apache.org/v1beta1", "FlinkBlueGreenDeployment", true),
            // Another's kind of the same name.
            ("example.com/v1", "Namespace", false),
            ("v1", "ConfigMap", false),
            ("apps/v1", "Deployment", false),
            ("apps/v1", "StatefulSet", false),
        ] {
            let object = json!({"apiVersion": api_version, "kind": kind});
            assert_eq!(holds_data(&object), holds, "{object}");
        }
        assert!(!holds_data(&json!(null)));
    }

    #[test]
    fn a_set_that_takes_its_claims_along() {
        let set = |policy: &str, claims: Value| {
            json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "spec": {
                "persistentVolumeClaimRetentionPolicy": {"whenDeleted": policy},
                "volumeClaimTemplates": claims}})
        };
        assert!(holds_data(&set("Delete", json!([{}]))));
        assert!(!holds_data(&set("Retain", json!([{}]))));
        assert!(!holds_data(&set("Delete", json!([]))));
    }

    #[test]
    fn named_as_plans_write_it() {
        let object = ObjectRef::new("v1", "PersistentVolumeClaim", Some("ns"), "a");
        for (name, is) in [
            ("PersistentVolumeClaim/a", true),
            ("persistentvolumeclaim/a", true),
            ("PersistentVolumeClaim/b", false),
            ("PersistentVolume/a", false),
            ("a", false),
        ] {
            assert_eq!(is_named(&[name.to_owned()], &object), is, "{name}");
        }
        assert!(!is_named(&[], &object));
    }
}
