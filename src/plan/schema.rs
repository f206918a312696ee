//! Objects whose CRD isn't on the cluster yet, checked against the schema that the CRD brings.
//!
//! A CRD's `openAPIV3Schema` is JSON Schema with a few words of Kubernetes' own, which are put into
//! JSON Schema's here. Rules in CEL, and whether unknown fields are dropped, only the server tells.

use serde_json::json;

use crate::flink::manifest;
use crate::yaml::{Map, Value};

/// The deepest schema that is read.
const MAX_DEPTH: usize = 64;
/// The most faults that are told.
const MAX_FAULTS: usize = 10;

/// Checks an object against the schema that one of the CRDs has for its version.
///
/// # Errors
/// What is wrong with it, a line each; also that no CRD has such a version.
pub fn check(crds: &[Value], object: &Value) -> Result<(), Vec<String>> {
    let (group, version) =
        crate::cluster::split_api_version(manifest::text(object, &["apiVersion"]));
    let kind = manifest::kind(object);
    let of_kind = crds.iter().find(|crd| {
        manifest::text(crd, &["spec", "group"]) == group
            && manifest::text(crd, &["spec", "names", "kind"]) == kind
    });
    let Some(crd) = of_kind else {
        return Err(vec![format!(
            "no CRD that comes with it brings the kind {kind}"
        )]);
    };
    let versions = manifest::list(crd, &["spec", "versions"]);
    let served = |v: &&Value| {
        manifest::text(v, &["name"]) == version && v.get("served") != Some(&Value::Bool(false))
    };
    let Some(found) = versions.iter().find(served) else {
        let names: Vec<&str> = versions
            .iter()
            .map(|v| manifest::text(v, &["name"]))
            .collect();
        return Err(vec![format!(
            "its CRD serves {kind} in {}, not in {version}",
            names.join(", ")
        )]);
    };
    let Some(schema) = manifest::at(found, &["schema", "openAPIV3Schema"]) else {
        return Ok(());
    };
    let mut schema = json_schema(schema, 0);
    // The server itself checks what every object has.
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for own in ["apiVersion", "kind", "metadata"] {
            properties.shift_remove(own);
        }
    }
    let validator = jsonschema::validator_for(&schema)
        .map_err(|e| vec![format!("the schema of its CRD can't be used: {e}")])?;
    let faults: Vec<String> = validator
        .iter_errors(object)
        .take(MAX_FAULTS)
        .map(|e| {
            let path = e.instance_path().to_string();
            let at = path.trim_start_matches('/').replace('/', ".");
            format!("{at}: {}", e.masked())
        })
        .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

/// A CRD's schema in JSON Schema's words.
fn json_schema(schema: &Value, depth: usize) -> Value {
    let Some(map) = schema.as_object().filter(|_| depth < MAX_DEPTH) else {
        return if schema.is_boolean() {
            schema.clone()
        } else {
            json!({})
        };
    };
    let mut out = Map::new();
    let is_on = |key: &str| map.get(key) == Some(&Value::Bool(true));
    for (key, value) in map {
        let put = match key.as_str() {
            "properties" | "patternProperties" | "definitions" => Value::Object(
                value
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(k, v)| (k.clone(), json_schema(v, depth + 1)))
                    .collect(),
            ),
            "items" | "not" => json_schema(value, depth + 1),
            "additionalProperties" => json_schema(value, depth + 1),
            "allOf" | "anyOf" | "oneOf" => Value::Array(
                value
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|v| json_schema(v, depth + 1))
                    .collect(),
            ),
            // The server fills defaults in before it looks what is missing.
            "required" => {
                let has_default = |name: &Value| {
                    name.as_str().is_some_and(|name| {
                        map.get("properties")
                            .and_then(|p| p.get(name)?.get("default"))
                            .is_some()
                    })
                };
                Value::Array(
                    value
                        .as_array()
                        .into_iter()
                        .flatten()
                        .filter(|name| !has_default(name))
                        .cloned()
                        .collect(),
                )
            }
            "type" if is_on("x-kubernetes-int-or-string") => json!(["integer", "string"]),
            "type" if is_on("nullable") => json!([value, "null"]),
            "enum" if is_on("nullable") => {
                let mut all = value.as_array().cloned().unwrap_or_default();
                all.push(Value::Null);
                Value::Array(all)
            }
            "exclusiveMinimum" | "exclusiveMaximum" if value.is_boolean() => continue,
            // A pattern is in Go's notation, which may not be JSON Schema's.
            "pattern" if regex::Regex::new(value.as_str().unwrap_or_default()).is_err() => continue,
            key if key.starts_with("x-kubernetes-")
                || key == "nullable"
                || key == "default"
                || key == "format" =>
            {
                continue;
            }
            _ => value.clone(),
        };
        out.insert(key.clone(), put);
    }
    Value::Object(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crd() -> Value {
        json!({"kind": "CustomResourceDefinition", "spec": {"group": "example.org",
            "names": {"kind": "Thing"}, "versions": [
                {"name": "v1", "served": true, "schema": {"openAPIV3Schema": {
                    "type": "object", "required": ["spec"], "properties": {
                        "metadata": {"type": "object"},
                        "spec": {"type": "object", "required": ["size", "mode"], "properties": {
                            "size": {"type": "integer", "minimum": 1},
                            "mode": {"type": "string", "enum": ["a", "b"], "default": "a"},
                            "port": {"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]},
                            "note": {"type": "string", "nullable": true},
                            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                            "tags": {"type": "array", "items": {"type": "string", "maxLength": 3}},
                        }}}}}},
                {"name": "v0", "served": false}]}})
    }

    #[test]
    fn objects_are_checked_as_the_server_will() {
        let of = |version: &str, spec: Value| {
            let object = json!({"apiVersion": format!("example.org/{version}"), "kind": "Thing",
                "metadata": {"name": "a"}, "spec": spec});
            check(&[crd()], &object)
                .err()
                .unwrap_or_default()
                .join("; ")
        };
        for spec in [
            json!({"size": 1}),
            json!({"size": 1, "note": null, "port": "http", "free": {"x": {"y": 1}}}),
            json!({"size": 2, "mode": "b", "port": 80, "tags": ["abc"]}),
        ] {
            assert_eq!(of("v1", spec.clone()), "", "{spec}");
        }
        for (version, spec, word) in [
            ("v1", json!({}), "size"),
            ("v1", json!({"size": 0}), "spec.size"),
            ("v1", json!({"size": "1"}), "spec.size"),
            ("v1", json!({"size": 1, "mode": "c"}), "spec.mode"),
            ("v1", json!({"size": 1, "tags": ["abcd"]}), "spec.tags.0"),
            ("v0", json!({"size": 1}), "not in v0"),
            ("v9", json!({"size": 1}), "not in v9"),
        ] {
            let said = of(version, spec.clone());
            assert!(said.contains(word), "{spec}: {said}");
        }
        let other =
            json!({"apiVersion": "example.org/v1", "kind": "Other", "metadata": {"name": "a"}});
        assert!(check(&[crd()], &other).is_err());
    }

    #[test]
    fn a_hostile_schema_ends() {
        let mut schema = json!({"type": "string"});
        for _ in 0..3 * MAX_DEPTH {
            schema = json!({"properties": {"a": schema}});
        }
        assert!(json_schema(&schema, 0).is_object());
    }
}
