//! What changes in an object, for people: noise removed, secrets masked, as a unified diff.

use sha2::{Digest, Sha256};
use similar::TextDiff;

use crate::yaml::{Map, Value, emit};

/// What stands in the place of a secret value. The number tells apart different values of one diff.
fn mask(value: &Value, salt: &[u8]) -> Value {
    let text = match value {
        Value::String(s) => s.clone(),
        other => other.to_string(),
    };
    let mut hash = Sha256::new();
    hash.update(salt);
    hash.update(text.as_bytes());
    let digest = hash.finalize();
    let short: String = digest.iter().take(3).map(|b| format!("{b:02x}")).collect();
    Value::String(format!("(masked #{short})"))
}

/// A salt for one diff: marks can be compared within it, and give nothing away outside.
fn salt() -> Vec<u8> {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let random = RandomState::new().build_hasher().finish();
    random.to_le_bytes().to_vec()
}

fn is_secret(object: &Value) -> bool {
    object.get("kind").and_then(Value::as_str) == Some("Secret")
        && object.get("apiVersion").and_then(Value::as_str) == Some("v1")
}

fn mask_secret(object: &mut Value, salt: &[u8]) {
    if !is_secret(object) {
        return;
    }
    // What kubectl remembers of a Secret holds its values too.
    if let Some(annotations) = object
        .pointer_mut("/metadata/annotations")
        .and_then(Value::as_object_mut)
    {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
    for field in ["data", "stringData"] {
        if let Some(data) = object.get_mut(field).and_then(Value::as_object_mut) {
            for value in data.values_mut() {
                *value = mask(value, salt);
            }
        }
    }
}

/// The object with the values of a Secret masked; other kinds are unchanged.
pub fn masked(object: &Value) -> Value {
    let mut object = object.clone();
    mask_secret(&mut object, &salt());
    object
}

/// The object without what the server and its controllers write: status, managedFields, versions,
/// times, uid; and without maps that are empty then.
pub fn without_noise(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(map) = object.as_object_mut() {
        map.remove("status");
        if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) {
            for field in [
                "managedFields",
                "resourceVersion",
                "generation",
                "uid",
                "creationTimestamp",
                "selfLink",
            ] {
                metadata.remove(field);
            }
            if let Some(annotations) = metadata
                .get_mut("annotations")
                .and_then(Value::as_object_mut)
            {
                annotations.remove("deployment.kubernetes.io/revision");
                annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
            }
            for field in ["annotations", "labels"] {
                if metadata
                    .get(field)
                    .and_then(Value::as_object)
                    .is_some_and(Map::is_empty)
                {
                    metadata.remove(field);
                }
            }
        }
    }
    object
}

/// Whether two objects differ in more than noise.
pub fn differs(before: &Value, after: &Value) -> bool {
    without_noise(before) != without_noise(after)
}

/// The difference of two objects as a unified diff of their YAML with three lines of context; empty
/// when they don't differ. `None` stands for no object.
pub fn unified(before: Option<&Value>, after: Option<&Value>) -> String {
    let salt = salt();
    let text = |object: Option<&Value>| {
        object.map_or(String::new(), |object| {
            let mut object = without_noise(object);
            mask_secret(&mut object, &salt);
            emit(&object)
        })
    };
    let (before, after) = (text(before), text(after));
    if before == after {
        return String::new();
    }
    let diff = TextDiff::from_lines(before.as_str(), after.as_str());
    diff.unified_diff().context_radius(3).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn noise_is_no_difference() {
        let before = json!({"kind": "ConfigMap", "metadata": {"name": "a", "resourceVersion": "1",
            "uid": "u", "managedFields": [], "annotations": {}}, "data": {"k": "v"}});
        let after = json!({"kind": "ConfigMap", "metadata": {"name": "a", "resourceVersion": "2",
            "generation": 3}, "data": {"k": "v"}, "status": {"x": 1}});
        assert!(!differs(&before, &after));
        assert_eq!(unified(Some(&before), Some(&after)), "");
    }

    #[test]
    fn a_change_shows_with_its_context() {
        let before = json!({"data": {"a": "1", "b": "2"}});
        let after = json!({"data": {"a": "1", "b": "3"}});
        insta::assert_snapshot!(unified(Some(&before), Some(&after)), @r#"
        @@ -1,3 +1,3 @@
         data:
           a: "1"
        -  b: "2"
        +  b: "3"
        "#);
        assert!(unified(None, Some(&after)).contains("+data:"));
    }

    #[test]
    fn no_value_of_a_secret_is_shown() {
        let of = |value: &str| {
            json!({"apiVersion": "v1", "kind": "Secret", "data": {"same": "c2FtZQ==", "key": value},
                "stringData": {"plain": "open-sesame"},
                "metadata": {"annotations": {
                    "kubectl.kubernetes.io/last-applied-configuration": "open-sesame"}}})
        };
        let text = unified(Some(&of("b2xk")), Some(&of("bmV3")));
        for secret in ["c2FtZQ", "b2xk", "bmV3", "open-sesame"] {
            assert!(!text.contains(secret), "{text}");
        }
        // That it changed is shown.
        assert!(
            text.contains("-  key:") && text.contains("+  key:"),
            "{text}"
        );
        assert!(!text.contains("-  same:"), "{text}");
        assert!(!masked(&of("b2xk")).to_string().contains("open-sesame"));
    }
}
