//! Rules about values and their schema.

use super::usage::{self, Usage};
use super::{Findings, Input, Level, Rule};
use crate::chart::Chart;
use crate::values::{Place, SchemaError, Violation, validate};
use crate::yaml::{self, Node, Spanned, Value};

const FILE: &str = "values.yaml";
const SCHEMA: &str = "values.schema.json";

pub(super) const TRAP: Rule = Rule {
    id: "values/yaml-trap",
    level: Level::Warning,
    about: "YAML 1.1 reads a value otherwise than it looks: y, no, on, 010, 1_000, 1:30, twice the same key.",
    fix: "quote it, or write what it is read as",
};
pub(super) const NO_SCHEMA: Rule = Rule {
    id: "schema/missing",
    level: Level::Warning,
    about: "The chart has values and no values.schema.json, so a misspelt value is ignored.",
    fix: "add values.schema.json with additionalProperties: false",
};
pub(super) const BAD_SCHEMA: Rule = Rule {
    id: "schema/invalid",
    level: Level::Error,
    about: "values.schema.json is no JSON schema.",
    fix: "correct the schema",
};
pub(super) const AGAINST_SCHEMA: Rule = Rule {
    id: "values/against-schema",
    level: Level::Error,
    about: "The chart's values break its own schema.",
    fix: "correct the value or the schema",
};
pub(super) const GAP: Rule = Rule {
    id: "schema/gap",
    level: Level::Warning,
    about: "A value of values.yaml is not in the schema.",
    fix: "add the property to values.schema.json",
};
pub(super) const UNUSED_SCHEMA: Rule = Rule {
    id: "schema/unused",
    level: Level::Warning,
    about: "The schema has a property that is neither in values.yaml nor used by a template.",
    fix: "remove the property, or use it",
};
pub(super) const UNUSED: Rule = Rule {
    id: "values/unused",
    level: Level::Warning,
    about: "No template uses a value of values.yaml.",
    fix: "remove the value, or use it",
};
pub(super) const UNDECLARED: Rule = Rule {
    id: "values/undeclared",
    level: Level::Warning,
    about: "A template uses a value that is neither in values.yaml nor in the schema.",
    fix: "add the value with its default to values.yaml",
};
pub(super) const UNDOCUMENTED: Rule = Rule {
    id: "values/undocumented",
    level: Level::Note,
    about: "A value has neither a comment in values.yaml nor a description in the schema.",
    fix: "write a comment above it",
};

pub(super) fn check(input: &Input<'_>, findings: &mut Findings) {
    let text = input.chart.values_text.as_deref().unwrap_or_default();
    for warning in crate::values::file_warnings(FILE, text) {
        findings.add(
            &TRAP,
            FILE,
            Some(warning.warning.line),
            warning.warning.to_string(),
        );
    }
    let schema = schema(input, findings);
    let usage = usage::scan(input.chart);
    let Ok(document) = yaml::parse_spanned(text) else {
        return;
    };
    let mut leaves = Vec::new();
    collect(&document.root, &mut Vec::new(), &mut leaves);
    let own = |path: &[String]| !is_foreign(input, path);
    for leaf in leaves.iter().filter(|l| own(&l.path)) {
        let dotted = leaf.path.join(".");
        if !input.chart.is_library() && !usage.covers(&leaf.path) {
            findings.add(
                &UNUSED,
                FILE,
                Some(leaf.line),
                format!("no template uses {dotted}"),
            );
        }
        if let Some(schema) = &schema
            && !declares(schema, schema, &leaf.path, 0)
        {
            findings.add(
                &GAP,
                FILE,
                Some(leaf.line),
                format!("{dotted} is not in the schema"),
            );
        }
    }
    undocumented(input, text, &document.root, schema.as_ref(), findings);
    undeclared(input, &usage, schema.as_ref(), findings);
    if let Some(schema) = &schema {
        let mut properties = Vec::new();
        properties_of(schema, &mut Vec::new(), &mut properties);
        for path in properties.into_iter().filter(|p| own(p)) {
            let in_values = lookup(&input.chart.values, &path).is_some();
            if !in_values && !usage.covers(&path) {
                let line = input
                    .chart
                    .schema
                    .as_ref()
                    .and_then(|s| line_of_key(s, path.last()));
                let message = format!("nothing uses {}", path.join("."));
                findings.add(&UNUSED_SCHEMA, SCHEMA, line, message);
            }
        }
    }
}

/// Values of charts below and of all charts are not this chart's own.
fn is_foreign(input: &Input<'_>, path: &[String]) -> bool {
    let Some(first) = path.first() else {
        return true;
    };
    first == "global"
        || first == "tags"
        || input.chart.dependencies.iter().any(|c| c.name() == first)
        || input
            .chart
            .metadata
            .dependencies
            .iter()
            .any(|d| d.key() == first)
}

struct Leaf {
    path: Vec<String>,
    line: usize,
}

/// The ends of the tree: scalars, lists and empty maps, each with the line of its key.
fn collect(node: &Spanned, path: &mut Vec<String>, leaves: &mut Vec<Leaf>) {
    let Node::Map(map) = &node.node else { return };
    for (key, entry) in map {
        path.push(key.clone());
        match &entry.value.node {
            Node::Map(inner) if !inner.is_empty() => collect(&entry.value, path, leaves),
            _ => leaves.push(Leaf {
                path: path.clone(),
                line: entry.line,
            }),
        }
        path.pop();
    }
}

/// Reads the schema, and holds the merged values against it and those of the charts below.
fn schema(input: &Input<'_>, findings: &mut Findings) -> Option<Value> {
    let schema = match &input.chart.schema {
        Some(bytes) => match serde_json::from_slice(bytes) {
            Ok(schema) => Some(schema),
            Err(e) => {
                findings.add(&BAD_SCHEMA, SCHEMA, Some(e.line()), e.to_string());
                return None;
            }
        },
        None => {
            let values = input.chart.values.as_object();
            if values.is_some_and(|map| !map.is_empty()) {
                findings.add(&NO_SCHEMA, SCHEMA, None, "there is no values.schema.json");
            }
            None
        }
    };
    match validate(input.chart, input.values) {
        Ok(()) => {}
        Err(SchemaError::Schema { chart, cause }) => {
            let own = input.chart.name();
            let file = match chart.strip_prefix(own).and_then(|c| c.strip_prefix('/')) {
                Some(below) => format!("charts/{}/{SCHEMA}", below.replace('/', "/charts/")),
                None => SCHEMA.to_owned(),
            };
            findings.add(&BAD_SCHEMA, &file, None, cause);
        }
        Err(SchemaError::Violations(list)) => {
            for violation in &list {
                against(input.chart, violation, findings);
            }
        }
    }
    schema
}

/// What a value violates, at its line where it is one of the chart's own.
fn against(chart: &Chart, violation: &Violation, findings: &mut Findings) {
    let mut message = violation.message.clone();
    if !violation.path.is_empty() {
        message = format!("{}: {message}", violation.path.join("."));
    }
    if let Some(about) = &violation.description {
        message = format!("{message} ({about})");
    }
    let line = match &violation.origin {
        Some(Place::File { file, line, .. }) if *file == format!("{}/{FILE}", chart.name()) => {
            Some(*line).filter(|line| *line > 0)
        }
        Some(place) => {
            message = format!("{message}, set by {place}");
            None
        }
        None => None,
    };
    findings.add(&AGAINST_SCHEMA, FILE, line, message);
}

/// Whether a schema says anything of a path. A place that takes any property declares what is below.
fn declares(root: &Value, schema: &Value, path: &[String], depth: usize) -> bool {
    // A circle of references declares nothing.
    if depth > 64 {
        return false;
    }
    let schema = resolve(root, schema, depth);
    let Some((first, rest)) = path.split_first() else {
        return true;
    };
    if schema.as_bool() == Some(true) {
        return true;
    }
    let below = |s: &Value| declares(root, s, rest, depth + 1);
    if schema
        .get("properties")
        .and_then(|p| p.get(first))
        .is_some_and(below)
    {
        return true;
    }
    if schema.get("patternProperties").is_some() {
        return true;
    }
    if schema
        .get("additionalProperties")
        .is_some_and(|a| a.is_object() || a.as_bool() == Some(true))
    {
        return true;
    }
    // An object without properties of its own takes what it gets.
    let open = schema.get("properties").is_none() && schema.get("additionalProperties").is_none();
    let parts = ["allOf", "anyOf", "oneOf"]
        .iter()
        .filter_map(|k| schema.get(*k)?.as_array());
    let mut combined = parts.flatten().peekable();
    if combined.peek().is_none() {
        return open && depth > 0;
    }
    combined.any(|s| declares(root, s, path, depth + 1))
}

/// Follows `$ref` within the schema.
fn resolve<'a>(root: &'a Value, schema: &'a Value, depth: usize) -> &'a Value {
    let target = schema
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|r| r.strip_prefix('#'));
    match target.and_then(|pointer| root.pointer(pointer)) {
        Some(found) if depth < 64 => resolve(root, found, depth + 1),
        _ => schema,
    }
}

/// The paths of all properties that are written out.
fn properties_of(schema: &Value, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    for (key, inner) in properties {
        path.push(key.clone());
        if inner.get("properties").is_some() {
            properties_of(inner, path, found);
        } else {
            found.push(path.clone());
        }
        path.pop();
    }
}

fn lookup<'a>(values: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(values, |at, key| at.get(key))
}

/// Uses of what is declared nowhere. Below a value that is empty, a list or free, nothing is said.
fn undeclared(input: &Input<'_>, usage: &Usage, schema: Option<&Value>, findings: &mut Findings) {
    for (path, place) in &usage.paths {
        if is_foreign(input, path) || place.file == "Chart.yaml" {
            continue;
        }
        let mut at = &input.chart.values;
        for (depth, key) in path.iter().enumerate() {
            let Some(map) = at.as_object().filter(|m| depth == 0 || !m.is_empty()) else {
                break;
            };
            match map.get(key) {
                Some(next) => at = next,
                None => {
                    if !schema.is_some_and(|s| declares(s, s, path, 0)) {
                        let message =
                            format!("{} is used here and declared nowhere", path.join("."));
                        findings.add(&UNDECLARED, &place.file, Some(place.line), message);
                    }
                    break;
                }
            }
        }
    }
}

/// Top-level values without a comment: in the line, or above the key or its first child.
fn undocumented(
    input: &Input<'_>,
    text: &str,
    root: &Spanned,
    schema: Option<&Value>,
    findings: &mut Findings,
) {
    let lines: Vec<&str> = text.lines().collect();
    let comment = |line: usize| {
        lines
            .get(line)
            .is_some_and(|l| l.trim_start().starts_with('#'))
    };
    let Node::Map(map) = &root.node else { return };
    for (key, entry) in map {
        if is_foreign(input, std::slice::from_ref(key)) {
            continue;
        }
        let at = entry.line.saturating_sub(1);
        let own = lines.get(at).is_some_and(|l| l.contains(" #"));
        let above = at > 0 && comment(at - 1);
        let described = schema
            .and_then(|s| s.get("properties")?.get(key)?.get("description"))
            .is_some();
        if !(own || above || comment(at + 1) || described) {
            findings.add(
                &UNDOCUMENTED,
                FILE,
                Some(entry.line),
                format!("{key} has no comment"),
            );
        }
    }
}

fn line_of_key(schema: &[u8], key: Option<&String>) -> Option<usize> {
    let quoted = format!("\"{}\"", key?);
    let text = String::from_utf8_lossy(schema);
    text.lines()
        .position(|l| l.trim_start().starts_with(&quoted))
        .map(|at| at + 1)
}
