//! What of a live object is drift: sorted by who changed it, before the server is asked.
//!
//! The differences themselves come from a dry run of the recorded object, so defaults and notations of
//! the server never count. Here is decided which fields are left to others, and whose are taken back.

use super::fields::{self, Path, Step};
use super::steps::Conflict;
use crate::cluster::managers::{At, Manager, held, holders, managers};
use crate::yaml::Value;

/// A recorded object, sorted.
#[derive(Debug, Clone, PartialEq)]
pub struct Sorted {
    /// The object to apply again: without the fields that are left to controllers.
    pub wanted: Value,
    /// The fields that are left to controllers, and whose they are.
    pub left: Vec<Conflict>,
    /// The managers whose changes are drift.
    pub changed_by: Vec<String>,
}

/// Sorts the differences of a recorded object from the live one. `ignored` are further managers that count
/// as controllers.
pub fn sort(recorded: &Value, live: &Value, ignored: &[String]) -> Sorted {
    let is_controller =
        |m: &Manager<'_>| m.is_controller() || ignored.iter().any(|name| name == m.name);
    let mut sorted = Sorted {
        wanted: recorded.clone(),
        left: Vec::new(),
        changed_by: Vec::new(),
    };
    for field in fields::differences(recorded, live) {
        if field.before.is_none() {
            continue;
        }
        let Some(path) = resolve(live, &field.path) else {
            continue;
        };
        let all = holders(live, &path);
        if all.iter().any(Manager::is_release) {
            continue;
        }
        match all.iter().find(|m| is_controller(m)) {
            Some(controller) => {
                remove(&mut sorted.wanted, &field.path);
                sorted.left.push(Conflict {
                    field: field.path.to_string(),
                    manager: controller.name.to_owned(),
                });
            }
            None => all.iter().for_each(|m| sorted.changed_by(m.name)),
        }
    }
    // What others added, the release never had.
    let others = managers(live)
        .into_iter()
        .filter(|m| !m.is_release() && !is_controller(m) && m.subresource.is_empty());
    for manager in others {
        let adds = held(live, &manager)
            .iter()
            .any(|path| !is_the_servers(path) && !has(recorded, live, path) && !shared(live, path));
        if adds {
            sorted.changed_by(manager.name);
        }
    }
    sorted
}

impl Sorted {
    fn changed_by(&mut self, name: &str) {
        if !self.changed_by.iter().any(|n| n == name) {
            self.changed_by.push(name.to_owned());
        }
    }
}

/// Whether more than one manager holds a field.
fn shared(live: &Value, path: &[At<'_>]) -> bool {
    holders(live, path).len() > 1
}

/// Fields that say nothing of what is wanted.
fn is_the_servers(path: &[At<'_>]) -> bool {
    matches!(
        path,
        [At::Key("status"), ..]
            | [
                At::Key("metadata"),
                At::Key("finalizers" | "ownerReferences"),
                ..
            ]
            | [
                At::Key("metadata"),
                At::Key("annotations"),
                At::Key(
                    "kubectl.kubernetes.io/last-applied-configuration"
                        | "deployment.kubernetes.io/revision"
                ),
                ..
            ]
    )
}

/// Whether the recorded object has what stands at a path of the live one.
fn has(recorded: &Value, live: &Value, path: &[At<'_>]) -> bool {
    let (mut ours, mut theirs) = (recorded, live);
    for at in path {
        let next = match at {
            At::Key(key) => ours.get(*key).zip(theirs.get(*key)),
            At::Item(index) => theirs.get(*index).and_then(|item| {
                let list = ours.as_array()?;
                let name = item.get("name");
                let same = |other: &&Value| match name {
                    Some(name) => other.get("name") == Some(name),
                    None => *other == item,
                };
                let found = list.iter().find(same).or_else(|| list.get(*index))?;
                Some((found, item))
            }),
        };
        let Some(next) = next else { return false };
        (ours, theirs) = next;
    }
    true
}

/// A path's steps into the live object; `None` where it leads nowhere there.
fn resolve<'p>(live: &Value, path: &'p Path) -> Option<Vec<At<'p>>> {
    let mut value = live;
    let mut steps = Vec::new();
    for step in &path.0 {
        let at = match step {
            Step::Key(key) => At::Key(key),
            Step::Index(index) => At::Item(*index),
            Step::Named(name) => At::Item(
                value
                    .as_array()?
                    .iter()
                    .position(|i| i.get("name").and_then(Value::as_str) == Some(name))?,
            ),
        };
        value = match at {
            At::Key(key) => value.get(key)?,
            At::Item(index) => value.get(index)?,
        };
        steps.push(at);
    }
    Some(steps)
}

/// Takes out what stands at a path.
fn remove(value: &mut Value, path: &Path) {
    let Some((last, parents)) = path.0.split_last() else {
        return;
    };
    let mut at = value;
    for step in parents {
        let next = match step {
            Step::Key(key) => at.get_mut(key.as_str()),
            Step::Index(index) => at.get_mut(*index),
            Step::Named(name) => at.as_array_mut().and_then(|list| {
                list.iter_mut()
                    .find(|i| i.get("name").and_then(Value::as_str) == Some(name))
            }),
        };
        let Some(next) = next else { return };
        at = next;
    }
    if let (Step::Key(key), Some(map)) = (last, at.as_object_mut()) {
        map.shift_remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn live(replicas: u32, image: &str, entries: Value) -> Value {
        json!({"kind": "Deployment", "metadata": {"name": "d", "labels": {"a": "1"}, "managedFields": entries},
            "spec": {"replicas": replicas, "template": {"spec": {"containers": [{"name": "c", "image": image}]}}}})
    }

    fn entry(manager: &str, operation: &str, subresource: &str, fields: Value) -> Value {
        json!({"manager": manager, "operation": operation, "subresource": subresource, "fieldsV1": fields})
    }

    #[test]
    fn each_kind_of_change_is_sorted() {
        let image = json!({"f:spec": {"f:template": {"f:spec": {"f:containers": {
            "k:{\"name\":\"c\"}": {"f:image": {}}}}}}});
        let replicas = json!({"f:spec": {"f:replicas": {}}});
        let label = json!({"f:metadata": {"f:labels": {"f:a": {}}}});
        let recorded = json!({"kind": "Deployment", "metadata": {"name": "d"},
            "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "c", "image": "i:1"}]}}}});
        let table = [
            // An autoscaler's replicas are left to it.
            (
                live(
                    5,
                    "i:1",
                    json!([entry(
                        "kube-controller-manager",
                        "Update",
                        "scale",
                        replicas.clone()
                    )]),
                ),
                vec!["spec.replicas"],
                vec![],
            ),
            // Somebody's replicas are not.
            (
                live(
                    5,
                    "i:1",
                    json!([entry("kubectl", "Update", "scale", replicas.clone())]),
                ),
                vec![],
                vec!["kubectl"],
            ),
            (
                live(
                    1,
                    "i:2",
                    json!([entry("kubectl-edit", "Update", "", image.clone())]),
                ),
                vec![],
                vec!["kubectl-edit"],
            ),
            // An operator's.
            (
                live(
                    1,
                    "i:2",
                    json!([entry("my-operator", "Update", "", image.clone())]),
                ),
                vec!["spec.template.spec.containers[c].image"],
                vec![],
            ),
            // Named by the user as one that may.
            (
                live(
                    1,
                    "i:2",
                    json!([entry("image-bot", "Update", "", image.clone())]),
                ),
                vec!["spec.template.spec.containers[c].image"],
                vec![],
            ),
            // A label that was added.
            (
                live(
                    1,
                    "i:1",
                    json!([entry("kubectl-label", "Update", "", label.clone())]),
                ),
                vec![],
                vec!["kubectl-label"],
            ),
            // Added by a controller.
            (
                live(1, "i:1", json!([entry("my-operator", "Update", "", label)])),
                vec![],
                vec![],
            ),
            // Another notation of what the release itself holds.
            (
                live(
                    1,
                    "docker.io/i:1",
                    json!([entry("helm", "Apply", "", image)]),
                ),
                vec![],
                vec![],
            ),
        ];
        for (live, left, changed_by) in table {
            let sorted = sort(&recorded, &live, &["image-bot".to_owned()]);
            let fields: Vec<&str> = sorted.left.iter().map(|c| c.field.as_str()).collect();
            assert_eq!(fields, left, "{live}");
            assert_eq!(sorted.changed_by, changed_by, "{live}");
            assert_eq!(sorted.wanted == recorded, left.is_empty(), "{live}");
        }
    }
}
