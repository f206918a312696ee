//! What schemas say of single values besides whether they are valid: secrets, merge keys, descriptions.

use std::collections::BTreeSet;

use crate::chart::Chart;
use crate::yaml::Value;

/// What stands in the place of a hidden value.
pub const MASK: &str = "(hidden)";

/// How many references are followed one after another; more are a circle.
const MAX_STEPS: usize = 64;

/// The paths of the values that schemas mark with `x-nutkin-secret: true`, and of those that came
/// encrypted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Secrets(BTreeSet<Vec<String>>);

impl Secrets {
    /// Whether the value at a path is a secret, holds one or is part of one.
    pub fn touch(&self, path: &[String]) -> bool {
        self.0
            .iter()
            .any(|secret| secret.starts_with(path) || path.starts_with(secret))
    }

    /// Whether the value at a path is a secret or part of one.
    pub fn hide(&self, path: &[String]) -> bool {
        self.0.iter().any(|secret| path.starts_with(secret))
    }

    /// Adds the path of a secret.
    pub fn add(&mut self, path: Vec<String>) {
        self.0.insert(path);
    }

    /// Calls `visit` for each secret that is among the values.
    pub fn each(&self, values: &Value, visit: &mut dyn FnMut(&Value)) {
        for path in &self.0 {
            if let Some(value) = at(values, path) {
                visit(value);
            }
        }
    }

    /// Replaces the secrets in a tree that stands at a path.
    pub fn mask_below(&self, path: &[String], value: &mut Value) {
        let below = self.0.iter().filter_map(|p| p.strip_prefix(path));
        Secrets(below.map(<[String]>::to_vec).collect()).mask(value);
    }

    /// Replaces the secrets in a tree, from the outermost chart on.
    pub fn mask(&self, value: &mut Value) {
        for path in &self.0 {
            let found = path
                .iter()
                .try_fold(&mut *value, |value, key| step_mut(value, key));
            if let Some(found) = found.filter(|found| !found.is_null()) {
                *found = Value::from(MASK);
            }
        }
    }
}

/// Finds the secrets among a chart's values, those of the charts below included.
pub fn secrets(chart: &Chart, values: &Value) -> Secrets {
    let mut found = Secrets::default();
    collect(chart, values, &mut Vec::new(), &mut found);
    found
}

fn collect(chart: &Chart, values: &Value, path: &mut Vec<String>, found: &mut Secrets) {
    if let Some(schema) = schema_of(chart) {
        let mut visit = |at: &[String], schema: &Value| {
            if schema.get("x-nutkin-secret") == Some(&Value::Bool(true)) {
                let mut full = [path.as_slice(), at].concat();
                found.0.insert(full.clone());
                // The same global stands in the charts above and below.
                if at.first().is_some_and(|key| key == "global") {
                    full.drain(..path.len());
                    for depth in 0..path.len() {
                        found.0.insert([&path[..depth], &full[..]].concat());
                    }
                }
            }
        };
        walk(&schema, &schema, values, &mut Vec::new(), 0, &mut visit);
    }
    for sub in &chart.dependencies {
        if let Some(below) = values.get(sub.name()) {
            path.push(sub.name().to_owned());
            collect(sub, below, path, found);
            path.pop();
        }
    }
}

/// Replaces what a schema marks as secret in a chart's own values.
pub fn mask(value: &mut Value, schema: &Value) {
    let mut found = Secrets::default();
    let mut visit = |at: &[String], schema: &Value| {
        if schema.get("x-nutkin-secret") == Some(&Value::Bool(true)) {
            found.0.insert(at.to_vec());
        }
    };
    walk(schema, schema, value, &mut Vec::new(), 0, &mut visit);
    found.mask(value);
}

/// A chart's schema, where it can be read.
pub(super) fn schema_of(chart: &Chart) -> Option<Value> {
    serde_json::from_slice(chart.schema.as_deref()?).ok()
}

/// The description that a schema has for the value at a path, or for the nearest above it that is no
/// map of many.
pub(super) fn description(schema: &Value, path: &[String]) -> Option<String> {
    let mut found = None;
    // A value of the path's shape leads the walk there.
    let shape = path.iter().rev().fold(Value::Null, |inner, key| {
        Value::Object([(key.clone(), inner)].into_iter().collect())
    });
    let mut visit = |at: &[String], schema: &Value| {
        if at == path && found.is_none() {
            let text = schema.get("description").and_then(Value::as_str);
            found = text.map(str::to_owned);
        }
    };
    walk(schema, schema, &shape, &mut Vec::new(), 0, &mut visit);
    found
}

/// Visits every value for which a schema has something to say, with each schema that may hold for it;
/// alternatives and conditions all count.
pub(super) fn walk(
    root: &Value,
    schema: &Value,
    value: &Value,
    path: &mut Vec<String>,
    steps: usize,
    visit: &mut dyn FnMut(&[String], &Value),
) {
    if steps > MAX_STEPS || !schema.is_object() {
        return;
    }
    visit(path, schema);
    if let Some(target) = schema.get("$ref").and_then(Value::as_str)
        && let Some(target) = target.strip_prefix('#').and_then(|p| root.pointer(p))
    {
        walk(root, target, value, path, steps + 1, visit);
    }
    for keyword in ["allOf", "anyOf", "oneOf"] {
        for part in schema
            .get(keyword)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            walk(root, part, value, path, steps + 1, visit);
        }
    }
    for keyword in ["if", "then", "else"] {
        if let Some(part) = schema.get(keyword) {
            walk(root, part, value, path, steps + 1, visit);
        }
    }
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), value))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(i, v)| (i.to_string(), v))
            .collect(),
        _ => return,
    };
    for (key, child) in children {
        let known = schema.get("properties").and_then(|p| p.get(&key));
        let items = || {
            let index = key.parse::<usize>().ok()?;
            let at = |list: &Value| list.as_array().and_then(|list| list.get(index)).cloned();
            let tuple = ["prefixItems", "items"]
                .into_iter()
                .find_map(|k| at(schema.get(k)?));
            tuple.or_else(|| schema.get("items").filter(|i| i.is_object()).cloned())
        };
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        let matching = patterns.into_iter().flatten().filter(|(pattern, _)| {
            regex::Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(&key))
        });
        let mut below: Vec<Value> = known.into_iter().cloned().collect();
        below.extend(matching.map(|(_, schema)| schema.clone()));
        if below.is_empty() {
            below.extend(
                schema
                    .get("additionalProperties")
                    .filter(|s| s.is_object())
                    .cloned(),
            );
        }
        below.extend(items());
        path.push(key);
        for schema in below {
            walk(root, &schema, child, path, 0, visit);
        }
        path.pop();
    }
}

/// The value at a path.
pub(super) fn at<'v>(value: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, key| match value {
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        _ => value.get(key.as_str()),
    })
}

fn step_mut<'v>(value: &'v mut Value, key: &str) -> Option<&'v mut Value> {
    match value {
        Value::Array(items) => items.get_mut(key.parse::<usize>().ok()?),
        _ => value.get_mut(key),
    }
}
