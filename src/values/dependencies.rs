//! Which subcharts take part, under which names, and what their parents import from them.

use serde_json::json;

use super::coalesce::{self, Nulls};
use super::{Error, coalesce as coalesced};
use crate::chart::{Chart, Dependency};
use crate::template::funcs::semver::{Constraint, Version};
use crate::yaml::{Map, Value};

/// Carries out what Chart.yaml says of a chart's dependencies, as Helm 4.3.1's `ProcessDependencies`
/// does with the user's values: gives aliases, drops what tags and conditions switch off, and imports
/// values into parents (below what the parents set). Returns what was odd, a line each.
///
/// # Errors
/// As [`coalesced()`].
pub fn process_dependencies(chart: &mut Chart, user: &Value) -> Result<Vec<String>, Error> {
    let mut notes = Vec::new();
    switch(chart, user, "", &mut notes)?;
    import(chart, &mut notes)?;
    Ok(notes)
}

/// Gives aliases and drops what is switched off. `values` are those of the outermost chart, below which
/// `path` leads to this one; tags are global.
fn switch(
    chart: &mut Chart,
    values: &Value,
    path: &str,
    notes: &mut Vec<String>,
) -> Result<(), Error> {
    if chart.metadata.dependencies.is_empty() {
        return Ok(());
    }
    rename(chart);
    // Helm coalesces a subchart's values into those of the outermost chart here; it only looks at tags
    // and conditions in them.
    let (all, _) = coalesced(chart, values.clone())?;
    for dependency in &mut chart.metadata.dependencies {
        let tagged = by_tags(dependency, all.get("tags"), notes);
        let condition = by_condition(dependency, &all, path, notes);
        dependency.enabled = condition.unwrap_or(tagged);
    }
    let off: Vec<String> = chart
        .metadata
        .dependencies
        .iter()
        .filter(|d| !d.enabled)
        .map(|d| d.name.clone())
        .collect();
    chart
        .dependencies
        .retain(|c| !off.contains(&c.metadata.name));
    chart
        .metadata
        .dependencies
        .retain(|d| !off.contains(&d.name));
    for sub in &mut chart.dependencies {
        let below = format!("{path}{}.", sub.metadata.name);
        switch(sub, &all, &below, notes)?;
    }
    Ok(())
}

/// Puts the subcharts into the order of Chart.yaml, those it doesn't name first, and gives aliases. A
/// subchart stands as often as dependencies name it.
fn rename(chart: &mut Chart) {
    let dependencies = &mut chart.metadata.dependencies;
    let matches = |sub: &Chart, wanted: &Dependency| {
        sub.metadata.name == wanted.name && in_range(&wanted.version, &sub.metadata.version)
    };
    let (named, mut kept): (Vec<Chart>, Vec<Chart>) = std::mem::take(&mut chart.dependencies)
        .into_iter()
        .partition(|sub| dependencies.iter().any(|wanted| matches(sub, wanted)));
    for wanted in dependencies.iter_mut() {
        if let Some(sub) = named.iter().find(|sub| matches(sub, wanted)) {
            let mut sub = sub.clone();
            if !wanted.alias.is_empty() {
                sub.metadata.name.clone_from(&wanted.alias);
            }
            kept.push(sub);
        }
        if !wanted.alias.is_empty() {
            wanted.name.clone_from(&wanted.alias);
        }
    }
    chart.dependencies = kept;
}

/// Whether a version satisfies a constraint; what cannot be read never does.
fn in_range(constraint: &str, version: &str) -> bool {
    match (Constraint::parse(constraint), Version::parse(version)) {
        (Ok(constraint), Ok(version)) => constraint.matches(&version),
        _ => false,
    }
}

/// On, unless at least one of its tags is false and none true.
fn by_tags(dependency: &Dependency, tags: Option<&Value>, notes: &mut Vec<String>) -> bool {
    let (mut any_true, mut any_false) = (false, false);
    for tag in &dependency.tags {
        match tags.and_then(|tags| tags.as_object()?.get(tag)) {
            Some(Value::Bool(true)) => any_true = true,
            Some(Value::Bool(false)) => any_false = true,
            Some(_) => notes.push(format!(
                "tags.{tag}, which switches {}, is not a boolean; it is ignored",
                dependency.name
            )),
            None => {}
        }
    }
    any_true || !any_false
}

/// What the first of its conditions' paths that holds a boolean says.
fn by_condition(
    dependency: &Dependency,
    values: &Value,
    path: &str,
    notes: &mut Vec<String>,
) -> Option<bool> {
    for condition in dependency.condition.trim().split(',') {
        if condition.is_empty() {
            continue;
        }
        let full = format!("{path}{condition}");
        match at(values, &full) {
            Some(Value::Bool(on)) => return Some(*on),
            None | Some(Value::Object(_)) => {}
            Some(_) => notes.push(format!(
                "{full}, which switches {}, is not a boolean; it is ignored",
                dependency.name
            )),
        }
    }
    None
}

/// The value at a dotted path.
fn at<'v>(values: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.')
        .try_fold(values, |value, key| value.as_object()?.get(key))
}

/// Imports values from subcharts into their parents, innermost first.
fn import(chart: &mut Chart, notes: &mut Vec<String>) -> Result<(), Error> {
    for sub in &mut chart.dependencies {
        import(sub, notes)?;
    }
    if chart.metadata.dependencies.is_empty() {
        return Ok(());
    }
    let own = coalesce::coalesce_chart(chart, Map::new(), Nulls::Keep, &mut Vec::new())?;
    let own = Value::Object(own);
    let mut imported = Map::new();
    for dependency in &mut chart.metadata.dependencies {
        let mut written = Vec::new();
        for wish in &dependency.import_values {
            let (child, parent) = match wish {
                Value::String(name) => (format!("exports.{name}"), ".".to_owned()),
                Value::Object(map) => (text_of(map.get("child")), text_of(map.get("parent"))),
                _ => continue,
            };
            match at(&own, &format!("{}.{child}", dependency.name)) {
                Some(Value::Object(table)) => {
                    let below = nest(&parent, table.clone());
                    coalesce::merge_tables(&mut imported, below, "", Nulls::Keep, notes);
                }
                _ => notes.push(format!(
                    "import-values of {}: {child} is not a map there; it is skipped",
                    dependency.name
                )),
            }
            written.push(json!({"child": child, "parent": parent}));
        }
        dependency.import_values = written;
    }
    let mut own = match own {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    coalesce::merge_tables(&mut own, imported, "", Nulls::Keep, notes);
    chart.values = Value::Object(own);
    Ok(())
}

/// As Go prints what stands in the place of a string.
fn text_of(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "<nil>".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// The map below a dotted path; `.` is the top.
fn nest(path: &str, map: Map) -> Map {
    if path == "." {
        return map;
    }
    path.rsplit('.').fold(map, |inner, key| {
        Map::from_iter([(key.to_owned(), Value::Object(inner))])
    })
}
