//! Roles and their bindings among the plain objects: what the API server checks of them (Kubernetes 1.37,
//! `pkg/apis/rbac/validation` and `pkg/registry/rbac`), and the rights that spare its comparing them with
//! what their writer may do.

use super::{is_label_name, is_subdomain};
use crate::yaml::{Map, Value};

/// The API group of roles.
pub const GROUP: &str = "rbac.authorization.k8s.io";

/// A right on [`GROUP`]: who has it may write what else only he may write who holds all that it grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Right {
    /// The verb.
    pub verb: &'static str,
    /// The resource.
    pub resource: &'static str,
}

/// The right that a forecast of an object depends on; `None` for what is neither a Role nor a RoleBinding.
pub fn right(object: &Value) -> Option<Right> {
    let right = |verb, resource| Some(Right { verb, resource });
    let is_ours = object
        .get("apiVersion")
        .and_then(Value::as_str)
        .is_some_and(|v| v.split_once('/').is_some_and(|(group, _)| group == GROUP));
    match object.get("kind").and_then(Value::as_str) {
        Some("Role") if is_ours => right("escalate", "roles"),
        Some("RoleBinding") if is_ours => {
            let kind = object.pointer("/roleRef/kind").and_then(Value::as_str);
            match kind {
                Some("ClusterRole") => right("bind", "clusterroles"),
                _ => right("bind", "roles"),
            }
        }
        _ => None,
    }
}

/// A Role that the server takes.
pub(super) fn rules_are_fine(role: &Map) -> bool {
    let texts = |rule: &Map, field: &str| match rule.get(field) {
        None => Some(0),
        Some(Value::Array(all)) if all.iter().all(Value::is_string) => Some(all.len()),
        Some(_) => None,
    };
    let fine = |rule: &Value| {
        let Some(rule) = rule.as_object() else {
            return false;
        };
        let fields = ["apiGroups", "resources", "verbs"];
        fields.iter().all(|f| texts(rule, f).is_some_and(|n| n > 0))
            && texts(rule, "resourceNames").is_some()
            && rule
                .keys()
                .all(|k| k == "resourceNames" || fields.contains(&k.as_str()))
    };
    match role.get("rules") {
        None => true,
        Some(Value::Array(rules)) => rules.iter().all(fine),
        Some(_) => false,
    }
}

/// A RoleBinding that the server takes.
pub(super) fn binding_is_fine(binding: &Map) -> bool {
    let Some(role) = binding.get("roleRef").and_then(Value::as_object) else {
        return false;
    };
    let referred = text(role, "apiGroup") == Some(GROUP)
        && matches!(text(role, "kind"), Some("Role" | "ClusterRole"))
        && text(role, "name").is_some_and(is_subdomain)
        && role.len() == 3;
    let fine = |subject: &Value| {
        let Some(subject) = subject.as_object() else {
            return false;
        };
        let is = |field: &str, fits: &dyn Fn(&str) -> bool| match subject.get(field) {
            None => true,
            Some(value) => value.as_str().is_some_and(fits),
        };
        let known = |fields: &[&str]| subject.keys().all(|k| fields.contains(&k.as_str()));
        let name = text(subject, "name").unwrap_or_default();
        match text(subject, "kind") {
            Some("ServiceAccount") => {
                is_subdomain(name)
                    && is("namespace", &is_label_name)
                    && is("apiGroup", &str::is_empty)
                    && known(&["kind", "name", "namespace", "apiGroup"])
            }
            Some("User" | "Group") => {
                !name.is_empty()
                    && is("apiGroup", &|group| group == GROUP)
                    && known(&["kind", "name", "apiGroup"])
            }
            _ => false,
        }
    };
    referred
        && match binding.get("subjects") {
            None => true,
            Some(Value::Array(subjects)) => subjects.iter().all(fine),
            Some(_) => false,
        }
}

fn text<'m>(map: &'m Map, field: &str) -> Option<&'m str> {
    map.get(field).and_then(Value::as_str)
}
