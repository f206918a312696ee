//! Ways into a manifest's objects that recognition and injection share.

use crate::yaml::Value;

/// The kinds whose pods come from `spec.template`.
pub const POD_OWNERS: [&str; 4] = ["Deployment", "StatefulSet", "DaemonSet", "Job"];

/// The text at a path of keys, empty where there is none.
pub fn text<'a>(object: &'a Value, path: &[&str]) -> &'a str {
    at(object, path).and_then(Value::as_str).unwrap_or_default()
}

/// The value at a path of keys.
pub fn at<'a>(object: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(object, |value, key| value.get(key))
}

/// The list at a path of keys, empty where there is none.
pub fn list<'a>(object: &'a Value, path: &[&str]) -> &'a [Value] {
    at(object, path)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The object's kind.
pub fn kind(object: &Value) -> &str {
    text(object, &["kind"])
}

/// The object's name.
pub fn name(object: &Value) -> &str {
    text(object, &["metadata", "name"])
}

/// The object's namespace, or the release's where it names none.
pub fn namespace<'a>(object: &'a Value, default: &'a str) -> &'a str {
    Some(text(object, &["metadata", "namespace"]))
        .filter(|n| !n.is_empty())
        .unwrap_or(default)
}

/// An annotation's value.
pub fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    at(object, &["metadata", "annotations", key]).and_then(Value::as_str)
}

/// The pod template of an object that makes pods.
pub fn pod_template(object: &Value) -> Option<&Value> {
    POD_OWNERS
        .contains(&kind(object))
        .then(|| at(object, &["spec", "template"]))
        .flatten()
}

/// The containers of a pod template (not the init containers).
pub fn containers(template: &Value) -> &[Value] {
    list(template, &["spec", "containers"])
}

/// A container's `command`, then its `args`, as text.
pub fn argv(container: &Value) -> Vec<String> {
    ["command", "args"]
        .iter()
        .flat_map(|key| list(container, &[key]))
        .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
        .collect()
}

/// Finds an object by kind, namespace and name.
pub fn find<'a>(
    objects: &'a [Value],
    kind_wanted: &str,
    namespace_wanted: &str,
    name_wanted: &str,
    default_namespace: &str,
) -> Option<&'a Value> {
    objects.iter().find(|o| {
        kind(o) == kind_wanted
            && name(o) == name_wanted
            && namespace(o, default_namespace) == namespace_wanted
    })
}

/// The names of the ConfigMaps and Secrets that a pod template uses: by volume, env and envFrom.
///
/// Each is `("ConfigMap" | "Secret", name)`; sorted, without repetition.
pub fn references(template: &Value) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut add = |kind: &'static str, name: &str| {
        if !name.is_empty() {
            found.push((kind, name.to_owned()));
        }
    };
    for volume in list(template, &["spec", "volumes"]) {
        add("ConfigMap", text(volume, &["configMap", "name"]));
        add("Secret", text(volume, &["secret", "secretName"]));
        for source in list(volume, &["projected", "sources"]) {
            add("ConfigMap", text(source, &["configMap", "name"]));
            add("Secret", text(source, &["secret", "name"]));
        }
    }
    for key in ["containers", "initContainers"] {
        for container in list(template, &["spec", key]) {
            for source in list(container, &["envFrom"]) {
                add("ConfigMap", text(source, &["configMapRef", "name"]));
                add("Secret", text(source, &["secretRef", "name"]));
            }
            for env in list(container, &["env"]) {
                add(
                    "ConfigMap",
                    text(env, &["valueFrom", "configMapKeyRef", "name"]),
                );
                add("Secret", text(env, &["valueFrom", "secretKeyRef", "name"]));
            }
        }
    }
    found.sort();
    found.dedup();
    found
}
