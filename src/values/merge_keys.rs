//! Lists whose items are merged by a key, where a chart's schema says so with `x-nutkin-merge-key: NAME`.
//!
//! Helm replaces lists whole. In a list with a merge key an item is merged over the one with the same
//! key, new ones are appended, a null in an item deletes an entry of it, and an item with
//! `$patch: delete` (Kubernetes' word for it) deletes the one with its key.

use super::walk;
use crate::chart::Chart;
use crate::yaml::{Map, Value};

/// How deep in a schema merge keys are looked for, and how many of its parts are looked at: a schema may
/// refer to itself.
const MAX_DEPTH: usize = 24;
const MAX_PARTS: usize = 20_000;

/// The lists with merge keys, of a chart and the charts below it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MergeKeys(Vec<(Vec<Step>, String)>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Item,
}

impl MergeKeys {
    /// Looks for the keys in the schemas, under the names and the aliases of subcharts.
    pub fn of(chart: &Chart) -> Self {
        let mut found = MergeKeys::default();
        found.add(chart, &mut Vec::new());
        found
    }

    fn add(&mut self, chart: &Chart, path: &mut Vec<Step>) {
        if let Some(schema) = walk::schema_of(chart) {
            let mut parts = 0;
            self.find(&schema, &schema, path, &mut parts);
        }
        for sub in &chart.dependencies {
            let dependencies = chart.metadata.dependencies.iter();
            let aliases = dependencies.filter(|d| d.name == sub.name() && !d.alias.is_empty());
            let names: Vec<&str> = aliases
                .map(|d| d.alias.as_str())
                .chain([sub.name()])
                .collect();
            for name in names {
                path.push(Step::Key(name.to_owned()));
                self.add(sub, path);
                path.pop();
            }
        }
    }

    fn find(&mut self, root: &Value, schema: &Value, path: &mut Vec<Step>, parts: &mut usize) {
        *parts += 1;
        if path.len() > MAX_DEPTH || *parts > MAX_PARTS {
            return;
        }
        if let Some(key) = schema.get("x-nutkin-merge-key").and_then(Value::as_str) {
            self.0.push((path.clone(), key.to_owned()));
        }
        let target = schema.get("$ref").and_then(Value::as_str);
        if let Some(target) = target.and_then(|t| root.pointer(t.strip_prefix('#')?)) {
            self.find(root, target, path, parts);
        }
        for keyword in ["allOf", "anyOf", "oneOf"] {
            let list = schema.get(keyword).and_then(Value::as_array);
            for part in list.into_iter().flatten() {
                self.find(root, part, path, parts);
            }
        }
        let properties = schema.get("properties").and_then(Value::as_object);
        for (key, part) in properties.into_iter().flatten() {
            path.push(Step::Key(key.clone()));
            self.find(root, part, path, parts);
            path.pop();
        }
        if let Some(items) = schema.get("items").filter(|items| items.is_object()) {
            path.push(Step::Item);
            self.find(root, items, path, parts);
            path.pop();
        }
    }

    /// Whether no list has a merge key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key of the list at a path.
    pub(super) fn at(&self, path: &[String]) -> Option<&str> {
        let fits = |steps: &[Step]| {
            steps.len() == path.len()
                && steps.iter().zip(path).all(|(step, part)| match step {
                    Step::Key(key) => key == part,
                    Step::Item => true,
                })
        };
        let found = self.0.iter().find(|(steps, _)| fits(steps))?;
        Some(&found.1)
    }

    /// Helm's `MergeMaps`: maps merge, all else is replaced, null included; lists with a merge key merge.
    pub(super) fn merge_maps(&self, into: &mut Map, from: Map, path: &mut Vec<String>) {
        for (key, value) in from {
            path.push(key.clone());
            match (into.get_mut(&key), value) {
                (Some(Value::Object(old)), Value::Object(new)) => self.merge_maps(old, new, path),
                (Some(Value::Array(old)), Value::Array(new)) if self.at(path).is_some() => {
                    self.merge_lists(old, new, path);
                }
                (_, value) => {
                    into.insert(key, value);
                }
            }
            path.pop();
        }
    }

    /// Merges the items of a later list over those of an earlier one.
    fn merge_lists(&self, old: &mut Vec<Value>, new: Vec<Value>, path: &mut Vec<String>) {
        let Some(key) = self.at(path) else {
            *old = new;
            return;
        };
        for item in new {
            let name = item.get(key);
            let same = name.and_then(|name| old.iter_mut().find(|o| o.get(key) == Some(name)));
            match (same, item) {
                (Some(Value::Object(old)), Value::Object(new)) if !deletes(&new) => {
                    path.push("0".to_owned());
                    self.merge_maps(old, new, path);
                    path.pop();
                }
                (Some(old), item) => *old = item,
                (None, item) => old.push(item),
            }
        }
    }

    /// Puts a chart's defaults below the user's lists, and carries out what deletes.
    pub(super) fn under_defaults(
        &self,
        user: &mut Value,
        defaults: Option<&Value>,
        path: &mut Vec<String>,
    ) {
        match user {
            Value::Object(map) => {
                for (key, value) in map.iter_mut() {
                    path.push(key.clone());
                    self.under_defaults(value, defaults.and_then(|d| d.get(key)), path);
                    path.pop();
                }
            }
            Value::Array(items) if self.at(path).is_some() => {
                let mut merged = match defaults {
                    Some(Value::Array(defaults)) => defaults.clone(),
                    _ => Vec::new(),
                };
                self.merge_lists(&mut merged, std::mem::take(items), path);
                merged.retain(|item| !item.as_object().is_some_and(deletes));
                for item in &mut merged {
                    if let Value::Object(item) = item {
                        super::coalesce::drop_nulls(item);
                    }
                }
                *items = merged;
            }
            _ => {}
        }
    }

    /// A path with the items of such lists named by their key instead of their place, for looking them up
    /// in the sources.
    pub(super) fn named(&self, root: &Value, path: &[String]) -> Vec<String> {
        let mut named = Vec::with_capacity(path.len());
        let mut at = Some(root);
        for (i, part) in path.iter().enumerate() {
            let key = path.get(..i).and_then(|before| self.at(before));
            let item = at.and_then(|list| list.as_array()?.get(part.parse::<usize>().ok()?));
            match key.and_then(|key| Some((key, item?.get(key)?))) {
                Some((key, name)) => named.push(ByKey { key, name }.to_step()),
                None => named.push(part.clone()),
            }
            at = item.or_else(|| at.and_then(|map| map.get(part.as_str())));
        }
        named
    }
}

/// An item of a list by its key.
pub(super) struct ByKey<'k> {
    key: &'k str,
    name: &'k Value,
}

impl ByKey<'_> {
    /// As a step of a path; no key of YAML begins with this character.
    fn to_step(&self) -> String {
        format!("\u{1}{}\u{1}{}", self.key, self.name)
    }

    /// The key and its value, as JSON, of such a step.
    pub(super) fn parse(step: &str) -> Option<(&str, &str)> {
        step.strip_prefix('\u{1}')?.split_once('\u{1}')
    }
}

fn deletes(item: &Map) -> bool {
    item.get("$patch").and_then(Value::as_str) == Some("delete")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::values::{Numbers, Sources, ValuesFile, merge_user_by, resolve};

    #[test]
    fn items_are_merged_by_their_key() {
        let schema = json!({"properties": {"env": {"x-nutkin-merge-key": "name"}, "other": {}}});
        let defaults =
            "env:\n- name: A\n  value: 1\n  more: x\n- name: B\n  value: 2\nother: [1]\n";
        let mut chart = Chart {
            values: crate::yaml::parse(defaults).unwrap(),
            values_text: Some(defaults.to_owned()),
            schema: Some(schema.to_string().into_bytes()),
            ..Chart::default()
        };
        chart.metadata.name = "app".to_owned();
        let file = |name: &str, text: &str| ValuesFile {
            name: name.to_owned(),
            text: text.to_owned(),
            ..ValuesFile::default()
        };
        let sources = Sources {
            files: vec![
                file(
                    "one.yaml",
                    "env:\n- {name: C, value: 3}\n- name: A\n  value: 7\nother: [2]\n",
                ),
                file(
                    "two.yaml",
                    "env: [{name: B, $patch: delete}, {name: C, value: 4}, {name: A, more: null}]\n",
                ),
            ],
            ..Sources::default()
        };
        let keys = MergeKeys::of(&chart);
        let user = merge_user_by(&sources, Numbers::Exact, &keys).unwrap();
        let values = resolve(&mut chart, &user, Numbers::Exact).unwrap();
        assert_eq!(
            values.value,
            json!({"env": [{"name": "A", "value": 7}, {"name": "C", "value": 4}], "other": [2]})
        );
        let path = ["env", "0", "value"].map(str::to_owned);
        let history = values.origins.get(&path, &json!(7)).unwrap();
        assert_eq!(history.set_by.place.to_string(), "one.yaml:4");
        assert_eq!(history.replaced[0].place.to_string(), "app/values.yaml:3");
        let path = ["env", "1", "value"].map(str::to_owned);
        let history = values.origins.get(&path, &json!(4)).unwrap();
        assert_eq!(history.set_by.place.to_string(), "two.yaml:1");
    }
}
