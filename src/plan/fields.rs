//! The fields in which two objects differ, each with its path.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::yaml::Value;

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A key of a map.
    Key(String),
    /// An item of a list that is known by its name.
    Named(String),
    /// An item of a list by its place.
    Index(usize),
}

/// Where a field stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Path(pub Vec<Step>);

/// `spec.template.spec.containers[main].image`; keys with dots are quoted.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if key.contains(['.', '[', '"']) || key.is_empty() => {
                    write!(f, "[{key:?}]")?;
                }
                Step::Key(key) if i == 0 => write!(f, "{key}")?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Named(name) => write!(f, "[{name}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Where.
    pub path: Path,
    /// What stood there; `None` where there was nothing.
    pub before: Option<Value>,
    /// What will stand there; `None` where there will be nothing.
    pub after: Option<Value>,
}

/// The fields in which `after` differs from `before`, as deep as they can be told apart: items of lists
/// whose items all have a name are compared by name, others by place where the lists are of one length.
pub fn differences(before: &Value, after: &Value) -> Vec<Field> {
    let mut found = Vec::new();
    walk(&mut Path::default(), Some(before), Some(after), &mut found);
    found
}

fn walk(path: &mut Path, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Field>) {
    if before == after {
        return;
    }
    let mut below = |step: Step, before, after, found: &mut Vec<Field>| {
        path.0.push(step);
        walk(path, before, after, found);
        path.0.pop();
    };
    match (before, after) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let added = b.keys().filter(|k| !a.contains_key(*k));
            for key in a.keys().chain(added) {
                below(Step::Key(key.clone()), a.get(key), b.get(key), found);
            }
            return;
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            if let (Some(names_a), Some(names_b)) = (names(a), names(b)) {
                let added = names_b.iter().filter(|n| !names_a.contains(n));
                for name in names_a.iter().chain(added) {
                    below(
                        Step::Named((*name).to_owned()),
                        item(a, &names_a, name),
                        item(b, &names_b, name),
                        found,
                    );
                }
                return;
            }
            if a.len() == b.len() {
                for (index, (a, b)) in a.iter().zip(b).enumerate() {
                    below(Step::Index(index), Some(a), Some(b), found);
                }
                return;
            }
        }
        _ => {}
    }
    found.push(Field {
        path: path.clone(),
        before: before.cloned(),
        after: after.cloned(),
    });
}

/// The names of a list's items, where all have one of their own.
fn names(list: &[Value]) -> Option<Vec<&str>> {
    let names: Vec<&str> = list
        .iter()
        .map(|item| item.get("name").and_then(Value::as_str))
        .collect::<Option<_>>()?;
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    (sorted.len() == names.len()).then_some(names)
}

/// The item of a name.
fn item<'v>(list: &'v [Value], names: &[&str], name: &str) -> Option<&'v Value> {
    list.get(names.iter().position(|n| *n == name)?)
}

/// The value at a path.
pub fn at<'v>(value: &'v Value, path: &Path) -> Option<&'v Value> {
    path.0.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get(key.as_str()),
        Step::Index(index) => value.get(index),
        Step::Named(name) => value
            .as_array()?
            .iter()
            .find(|item| item.get("name").and_then(Value::as_str) == Some(name)),
    })
}

/// A digest of a change, by which a plan is known again: of the fields that differ, with what they
/// were and will be. What the server fills in itself (`wanted` doesn't name it, and nothing stood
/// there before: an address, a port) may differ from dry run to dry run and counts by its path alone.
pub fn digest(differences: &[Field], wanted: Option<&Value>) -> String {
    let mut hash = Sha256::new();
    for field in differences {
        let filled_in = field.before.is_none()
            && wanted.is_some_and(|wanted| at(wanted, &field.path).is_none());
        let text = |value: &Option<Value>| value.as_ref().map(Value::to_string).unwrap_or_default();
        for part in [
            field.path.to_string(),
            text(&field.before),
            if filled_in {
                "(the server's)".to_owned()
            } else {
                text(&field.after)
            },
        ] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_are_found_by_key_name_and_place() {
        let before = json!({"a": 1, "gone": {"x": 1}, "list": [1, 2], "named": [
            {"name": "x", "v": 1}, {"name": "y", "v": 2}], "short": [1], "a.b": 1});
        let after = json!({"a": 2, "new": true, "list": [1, 3], "named": [
            {"name": "y", "v": 2}, {"name": "x", "v": 9}, {"name": "z"}], "short": [1, 2], "a.b": 2});
        let found: Vec<(String, Option<Value>, Option<Value>)> = differences(&before, &after)
            .into_iter()
            .map(|f| (f.path.to_string(), f.before, f.after))
            .collect();
        assert_eq!(
            found,
            [
                ("a".into(), Some(json!(1)), Some(json!(2))),
                ("gone".into(), Some(json!({"x": 1})), None),
                ("list[1]".into(), Some(json!(2)), Some(json!(3))),
                ("named[x].v".into(), Some(json!(1)), Some(json!(9))),
                ("named[z]".into(), None, Some(json!({"name": "z"}))),
                ("short".into(), Some(json!([1])), Some(json!([1, 2]))),
                ("[\"a.b\"]".into(), Some(json!(1)), Some(json!(2))),
                ("new".into(), None, Some(json!(true))),
            ]
        );
        for field in differences(&before, &after) {
            assert_eq!(at(&before, &field.path), field.before.as_ref());
            assert_eq!(at(&after, &field.path), field.after.as_ref());
        }
        assert_eq!(differences(&before, &before), []);
    }

    #[test]
    fn what_the_server_fills_in_does_not_change_the_digest() {
        let before = json!({"spec": {"type": "ClusterIP"}});
        let wanted = json!({"spec": {"type": "NodePort"}});
        let after = |port: u32, kind: &str| json!({"spec": {"type": kind, "nodePort": port}});
        let of = |after: &Value| digest(&differences(&before, after), Some(&wanted));
        assert_eq!(of(&after(1, "NodePort")), of(&after(2, "NodePort")));
        assert_ne!(of(&after(1, "NodePort")), of(&after(1, "LoadBalancer")));
        // Named by the manifest, it counts.
        let named = json!({"spec": {"type": "NodePort", "nodePort": 1}});
        let of = |after: &Value| digest(&differences(&before, after), Some(&named));
        assert_ne!(of(&after(1, "NodePort")), of(&after(2, "NodePort")));
    }
}
