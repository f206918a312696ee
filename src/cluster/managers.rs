//! Who holds a field of a live object, by its managedFields; and which of them are controllers.

use super::probe::is_item;
use crate::yaml::Value;

/// One entry of managedFields.
#[derive(Debug, Clone, Copy)]
pub struct Manager<'a> {
    /// Its name.
    pub name: &'a str,
    /// `Apply` or `Update`.
    pub operation: &'a str,
    /// The subresource that it wrote to; empty for the object itself.
    pub subresource: &'a str,
    fields: &'a Value,
}

/// Controllers whose names say nothing of what they are.
const CONTROLLERS: [&str; 13] = [
    "kube-scheduler",
    "kubelet",
    "cluster-autoscaler",
    "vpa-recommender",
    "vpa-updater",
    "keda",
    "cainjector",
    "cert-manager-cainjector",
    "istiod",
    "linkerd",
    // The Flink operator writes through fabric8's client, whose default name is okhttp's.
    "okhttp",
    "fabric8-kubernetes-client",
    "flink-kubernetes-operator",
];
/// How the names of controllers end or begin.
const ENDINGS: [&str; 7] = [
    "-controller",
    "-controller-manager",
    "-operator",
    "-autoscaler",
    "-webhook",
    "-injector",
    "-provisioner",
];

impl<'a> Manager<'a> {
    /// Whether it is a controller, which changes fields by its own rules: by its name, or for it wrote
    /// to a subresource (an autoscaler to `scale`) and is no tool of people.
    pub fn is_controller(&self) -> bool {
        let name = self.name;
        let by_name = CONTROLLERS.contains(&name) || ENDINGS.iter().any(|e| name.ends_with(e));
        by_name || (!self.subresource.is_empty() && !is_tool(name))
    }

    /// Whether it is the release itself: Helm or nutkin.
    pub fn is_release(&self) -> bool {
        matches!(self.name, "helm" | "Helm")
    }

    /// Whether it holds the field at these steps of `live`; each is a key, or an index of a list.
    fn holds(&self, live: &Value, path: &[At]) -> bool {
        let (mut fields, mut value) = (self.fields, live);
        for at in path {
            // What is held as a whole is held with all below it.
            if fields.as_object().is_none_or(serde_json::Map::is_empty) {
                return true;
            }
            let next = match at {
                At::Key(key) => {
                    let Some(next) = value.get(*key) else {
                        return false;
                    };
                    value = next;
                    fields.get(format!("f:{key}"))
                }
                At::Item(index) => {
                    let Some(item) = value.get(*index) else {
                        return false;
                    };
                    value = item;
                    fields
                        .as_object()
                        .and_then(|map| map.iter().find(|(k, _)| is_item(k, item)).map(|(_, v)| v))
                }
            };
            let Some(next) = next else { return false };
            fields = next;
        }
        true
    }
}

/// A step into a live object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At<'a> {
    /// A key of a map.
    Key(&'a str),
    /// An item of a list.
    Item(usize),
}

/// Whether people change objects with it.
fn is_tool(name: &str) -> bool {
    ["kubectl", "helm", "Helm", "nutkin", "k9s", "lens"]
        .iter()
        .any(|tool| name.to_lowercase().starts_with(tool))
}

/// The entries of an object's managedFields.
pub fn managers(live: &Value) -> Vec<Manager<'_>> {
    let entries = live
        .pointer("/metadata/managedFields")
        .and_then(Value::as_array);
    entries
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let text = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default();
            Some(Manager {
                name: text("manager"),
                operation: text("operation"),
                subresource: text("subresource"),
                fields: entry.get("fieldsV1")?,
            })
        })
        .collect()
}

/// Who holds the field at a path of the live object.
pub fn holders<'a>(live: &'a Value, path: &[At<'_>]) -> Vec<Manager<'a>> {
    managers(live)
        .into_iter()
        .filter(|m| m.holds(live, path))
        .collect()
}

/// The paths that a manager holds and that are there, down to leaves and to what it holds as a whole.
pub fn held<'a>(live: &'a Value, manager: &Manager<'a>) -> Vec<Vec<At<'a>>> {
    let mut found = Vec::new();
    collect(manager.fields, live, &mut Vec::new(), &mut found);
    found
}

fn collect<'a>(
    fields: &'a Value,
    value: &'a Value,
    path: &mut Vec<At<'a>>,
    found: &mut Vec<Vec<At<'a>>>,
) {
    let Some(map) = fields.as_object() else {
        return;
    };
    let below: Vec<(&String, &Value)> = map.iter().filter(|(key, _)| *key != ".").collect();
    if below.is_empty() {
        found.push(path.clone());
        return;
    }
    for (key, fields) in below {
        let next = if let Some(name) = key.strip_prefix("f:") {
            value
                .as_object()
                .and_then(|map| map.get_key_value(name))
                .map(|(name, value)| (At::Key(name.as_str()), value))
        } else {
            value.as_array().and_then(|list| {
                let index = list.iter().position(|item| is_item(key, item))?;
                Some((At::Item(index), list.get(index)?))
            })
        };
        if let Some((at, value)) = next {
            path.push(at);
            collect(fields, value, path, found);
            path.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn live() -> Value {
        json!({
            "metadata": {"labels": {"a": "1", "b": "2"}, "managedFields": [
                {"manager": "helm", "operation": "Apply", "fieldsV1": {
                    "f:metadata": {"f:labels": {"f:a": {}}},
                    "f:spec": {"f:containers": {"k:{\"name\":\"c\"}": {".": {}, "f:image": {}}}}}},
                {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {
                    "f:metadata": {"f:labels": {"f:b": {}, "f:gone": {}}}}},
                {"manager": "kube-controller-manager", "operation": "Update", "subresource": "scale",
                 "fieldsV1": {"f:spec": {"f:replicas": {}}}}]},
            "spec": {"replicas": 3, "containers": [{"name": "c", "image": "i"}]},
        })
    }

    #[test]
    fn each_field_has_its_holders() {
        let live = live();
        let of = |path: &[At<'_>]| -> Vec<String> {
            holders(&live, path)
                .iter()
                .map(|m| m.name.to_owned())
                .collect()
        };
        use At::{Item, Key};
        assert_eq!(of(&[Key("metadata"), Key("labels"), Key("a")]), ["helm"]);
        assert_eq!(
            of(&[Key("metadata"), Key("labels"), Key("b")]),
            ["kubectl-edit"]
        );
        assert_eq!(
            of(&[Key("spec"), Key("replicas")]),
            ["kube-controller-manager"]
        );
        assert_eq!(
            of(&[Key("spec"), Key("containers"), Item(0), Key("image")]),
            ["helm"]
        );
        assert!(of(&[Key("spec"), Key("none")]).is_empty());
        let all = managers(&live);
        assert_eq!(
            held(&live, &all[1]),
            [vec![Key("metadata"), Key("labels"), Key("b")]]
        );
    }

    #[test]
    fn controllers_are_told_from_people() {
        let of = |name, subresource| Manager {
            name,
            operation: "Update",
            subresource,
            fields: &Value::Null,
        };
        for (name, subresource, controller) in [
            ("kube-controller-manager", "scale", true),
            ("kube-controller-manager", "", true),
            ("something", "scale", true),
            ("kubectl", "scale", false),
            ("kubectl-edit", "", false),
            ("k9s", "", false),
            ("something", "", false),
            ("flink-kubernetes-operator", "", true),
            ("cert-manager-cainjector", "", true),
            ("cainjector", "", true),
            ("my-operator", "", true),
        ] {
            assert_eq!(of(name, subresource).is_controller(), controller, "{name}");
        }
    }
}
