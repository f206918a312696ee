//! What an apply would do to an object: dry runs, with what they alone don't tell.
//!
//! A dry run can't be made after a migration that isn't made either, so fields that would leave
//! with it are taken out by hand. And an immutable field is refused as any other error is; whether
//! a new object could be made is what tells them apart (not the message, which differs by kind).

use super::client::Client;
use super::data::holds_data;
use super::error::{Cause, Error, Result};
use super::migrate::{client_side_fields, client_side_managers, other_fields};
use super::object::ObjectRef;
use super::rw::Apply;
use crate::yaml::Value;

/// The outcome of a dry run.
#[derive(Debug, Clone, PartialEq)]
pub enum DryRun {
    /// The object as it would be afterwards.
    After(Value),
    /// Fields that can't be changed would change: the object would have to be deleted and made anew.
    Recreate {
        /// The fields.
        causes: Vec<Cause>,
        /// The object as it would be when made anew.
        after: Value,
    },
}

/// How a dry run is made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trial<'a> {
    /// Whether fields of other managers are taken.
    pub force: bool,
    /// Managers whose fields count as the release's own.
    pub take_over: &'a [String],
    /// Whether the object may be made anew though it holds data: it was named. Else an immutable
    /// change of it stays an error.
    pub remakes_data: bool,
}

impl Client {
    /// Tries an apply on the server, to which nothing happens. `live` is the object as it is now.
    ///
    /// # Errors
    /// Those of [`Client::apply`]; [`Error::Conflict`] doesn't count fields that belong to the
    /// release's own client-side entries, for a migration makes them ours.
    pub async fn dry_run(
        &self,
        wanted: &Value,
        live: Option<&Value>,
        force: bool,
    ) -> Result<DryRun> {
        let trial = Trial {
            force,
            ..Trial::default()
        };
        self.dry_run_as(wanted, live, trial).await
    }

    /// As [`Client::dry_run`], in any way.
    ///
    /// # Errors
    /// As there.
    pub async fn dry_run_as(
        &self,
        wanted: &Value,
        live: Option<&Value>,
        trial: Trial<'_>,
    ) -> Result<DryRun> {
        let Trial {
            force, take_over, ..
        } = trial;
        let how = Apply {
            dry_run: true,
            force,
        };
        let ours = live.and_then(|live| client_side_fields(live, take_over));
        let own = live
            .map(|live| client_side_managers(live, take_over))
            .unwrap_or_default();
        let result = match self.apply(wanted, how).await {
            Err(Error::Conflict { fields, .. })
                if ours.is_some()
                    && fields
                        .iter()
                        .all(|f| own.iter().any(|m| f.manager.starts_with(&format!("{m:?}")))) =>
            {
                self.apply(wanted, Apply { force: true, ..how }).await
            }
            other => other,
        };
        match (result, live) {
            (Ok(mut after), live) => {
                if let (Some(ours), Some(live)) = (ours, live) {
                    leave(
                        &ours,
                        &other_fields(live, take_over),
                        Some(wanted),
                        &mut after,
                    );
                }
                Ok(DryRun::After(after))
            }
            (Err(error @ Error::Invalid { .. }), Some(live))
                if names_fields(&error) && (trial.remakes_data || !holds_data(live)) =>
            {
                self.probe(wanted, error).await
            }
            (Err(error), _) => Err(error),
        }
    }

    /// Tries to make an object on the server, to which nothing happens, under another name: one of
    /// that name may be there.
    ///
    /// # Errors
    /// Those of [`Client::create`].
    pub async fn dry_run_new(&self, wanted: &Value) -> Result<Value> {
        let mut probe = wanted.clone();
        if let Some(metadata) = probe.get_mut("metadata").and_then(Value::as_object_mut) {
            // Short enough for kinds whose names are labels.
            let name = metadata.get("name").and_then(Value::as_str);
            let stem: String = name.unwrap_or_default().chars().take(40).collect();
            let name = format!("{}-nutkin-probe", stem.trim_end_matches(['-', '.']));
            metadata.insert("name".into(), name.into());
            metadata.remove("uid");
            metadata.remove("resourceVersion");
        }
        self.create(&probe, true).await
    }

    /// Whether an object that can't be changed so could be made so under another name.
    async fn probe(&self, wanted: &Value, error: Error) -> Result<DryRun> {
        let object = ObjectRef::of(wanted)?;
        match (self.dry_run_new(wanted).await, error) {
            (Ok(mut after), Error::Invalid { causes, .. }) => {
                if let Some(metadata) = after.get_mut("metadata").and_then(Value::as_object_mut) {
                    metadata.insert("name".into(), object.name.into());
                }
                Ok(DryRun::Recreate { causes, after })
            }
            (_, error) => Err(error),
        }
    }
}

/// Whether the server says which fields are wrong. A policy's or webhook's refusal names none: it is no
/// reason to delete the object, though a new one might be let through.
fn names_fields(error: &Error) -> bool {
    match error {
        Error::Invalid { causes, .. } => {
            !causes.is_empty() && causes.iter().all(|c| !c.field.is_empty())
        }
        _ => false,
    }
}

/// Takes out of `after` what only `ours` holds and `wanted` lacks: what leaves when `ours` has become
/// the applied entry.
fn leave(ours: &Value, others: &[&Value], wanted: Option<&Value>, after: &mut Value) {
    let Some(fields) = ours.as_object() else {
        return;
    };
    for (key, below) in fields {
        let also: Vec<&Value> = others.iter().filter_map(|o| o.get(key)).collect();
        let is_leaf = below.as_object().is_none_or(|m| m.keys().all(|k| k == "."));
        if let Some(name) = key.strip_prefix("f:") {
            let wanted_below = wanted.and_then(|w| w.get(name));
            let Some(map) = after.as_object_mut() else {
                continue;
            };
            if let Some(value) = map.get_mut(name) {
                if !is_leaf {
                    leave(below, &also, wanted_below, value);
                }
                let empty = value.as_object().is_some_and(serde_json::Map::is_empty)
                    || value.as_array().is_some_and(Vec::is_empty);
                if wanted_below.is_none() && also.is_empty() && (is_leaf || empty) {
                    map.remove(name);
                }
            }
        } else if let Some(items) = after.as_array_mut() {
            let matches = |item: &Value| is_item(key, item);
            let wanted_below = wanted
                .and_then(Value::as_array)
                .and_then(|list| list.iter().find(|i| matches(i)));
            if wanted_below.is_none() && also.is_empty() {
                items.retain(|i| !matches(i));
            } else if let Some(item) = items.iter_mut().find(|i| matches(i)) {
                leave(below, &also, wanted_below, item);
            }
        }
    }
}

/// Whether a list's item is the one that a key of fieldsV1 names: `k:{"name":"c"}` by its key
/// fields, `v:"text"` by its value.
pub(super) fn is_item(key: &str, item: &Value) -> bool {
    let parse = |text: &str| serde_json::from_str::<Value>(text).ok();
    if let Some(Value::Object(fields)) = key.strip_prefix("k:").and_then(parse) {
        fields
            .iter()
            .all(|(name, value)| item.get(name) == Some(value))
    } else if let Some(value) = key.strip_prefix("v:").and_then(parse) {
        *item == value
    } else {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_only_the_old_entry_holds_leaves() {
        let ours = json!({
            "f:data": {".": {}, "f:stay": {}, "f:leave": {}, "f:shared": {}},
            "f:metadata": {"f:labels": {".": {}, "f:gone": {}}},
            "f:spec": {"f:containers": {
                "k:{\"name\":\"a\"}": {".": {}, "f:name": {}, "f:image": {}, "f:tty": {}},
                "k:{\"name\":\"b\"}": {".": {}, "f:name": {}},
            }, "f:finalizers": {"v:\"x\"": {}, "v:\"y\"": {}}},
        });
        let others = json!({"f:data": {"f:shared": {}}});
        let wanted = json!({
            "data": {"stay": "1"},
            "metadata": {"name": "n"},
            "spec": {"containers": [{"name": "a", "image": "i"}], "finalizers": ["x"]},
        });
        let mut after = json!({
            "data": {"stay": "1", "leave": "2", "shared": "3", "theirs": "4"},
            "metadata": {"name": "n", "labels": {"gone": "x"}},
            "spec": {
                "containers": [
                    {"name": "a", "image": "i", "tty": true, "default": 1},
                    {"name": "b"},
                ],
                "finalizers": ["x", "y"],
            },
        });
        leave(&ours, &[&others], Some(&wanted), &mut after);
        assert_eq!(
            after,
            json!({
                "data": {"stay": "1", "shared": "3", "theirs": "4"},
                "metadata": {"name": "n"},
                "spec": {
                    "containers": [{"name": "a", "image": "i", "default": 1}],
                    "finalizers": ["x"],
                },
            })
        );
    }
}
