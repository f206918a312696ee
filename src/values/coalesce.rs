//! Values under values: what the user set over the chart's defaults, as Helm 4.3.1 coalesces them.

use super::Error;
use crate::chart::Chart;
use crate::yaml::{Map, Value};

/// Whether nulls stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nulls {
    /// A user's null deletes what the chart sets, and the chart's own nulls are dropped.
    Drop,
    /// They are kept for a later coalescing (Helm's `MergeValues`).
    Keep,
}

/// The values a chart and its subcharts are rendered with: the user's over the defaults of the chart
/// over those of its subcharts, globals handed down. Maps merge, all else replaces. The chart is
/// [`super::process_dependencies`]' outcome. Returns the values and what was skipped, a line each.
///
/// # Errors
/// When something else than a map stands under a subchart's name.
pub fn coalesce(chart: &Chart, user: Value) -> Result<(Value, Vec<String>), Error> {
    let mut notes = Vec::new();
    let map = match user {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    let map = coalesce_chart(chart, map, Nulls::Drop, &mut notes)?;
    Ok((Value::Object(map), notes))
}

/// Coalesces a chart's values and those of the charts below it.
pub(super) fn coalesce_chart(
    chart: &Chart,
    values: Map,
    nulls: Nulls,
    notes: &mut Vec<String>,
) -> Result<Map, Error> {
    let mut values = descend(chart, values, "", nulls, notes)?;
    spread_globals(chart, &mut values);
    Ok(values)
}

fn descend(
    chart: &Chart,
    mut values: Map,
    prefix: &str,
    nulls: Nulls,
    notes: &mut Vec<String>,
) -> Result<Map, Error> {
    let path = join(prefix, &chart.metadata.name);
    own_values(chart, &mut values, &path, nulls, notes);
    for sub in &chart.dependencies {
        let name = &sub.metadata.name;
        let mut below = match values.get_mut(name) {
            None => Map::new(),
            Some(Value::Object(map)) => std::mem::take(map),
            Some(other) => {
                return Err(Error::Subchart {
                    path: join(&path, name),
                    found: super::strvals::kind_name(other),
                });
            }
        };
        let shared = hand_down_globals(&mut below, &values, &path, notes);
        let below = descend(sub, below, &path, nulls, notes)?;
        share_globals(&mut values, &below, &shared);
        values.insert(name.clone(), Value::Object(below));
    }
    Ok(values)
}

/// Puts a chart's own defaults below the values set from above.
fn own_values(chart: &Chart, values: &mut Map, path: &str, nulls: Nulls, notes: &mut Vec<String>) {
    let Value::Object(defaults) = &chart.values else {
        return;
    };
    for (key, default) in defaults {
        match (values.get_mut(key), default) {
            (Some(Value::Null), _) if nulls == Nulls::Drop => {
                values.shift_remove(key);
            }
            (Some(Value::Object(set)), Value::Object(default)) => {
                let is_subchart = chart.dependencies.iter().any(|d| d.metadata.name == *key);
                // The subchart's own coalescing wants its nulls.
                let nulls = if is_subchart { Nulls::Keep } else { nulls };
                let mut default = default.clone();
                if nulls == Nulls::Drop {
                    drop_nulls(&mut default);
                }
                merge_tables(set, default, &join(path, key), nulls, notes);
            }
            (Some(Value::Object(_)), Value::Null) => {}
            (Some(Value::Object(_)), _) => notes.push(format!(
                "{}.{key}: the chart's default is not a map, the value set is one; the default is skipped",
                path
            )),
            (Some(_), _) => {}
            (None, Value::Null) if nulls == Nulls::Drop => {}
            (None, default) => {
                let mut default = default.clone();
                if nulls == Nulls::Drop
                    && let Value::Object(map) = &mut default
                {
                    drop_nulls(map);
                }
                values.insert(key.clone(), default);
            }
        }
    }
}

/// Helm's `CoalesceTables` and `MergeTables`: puts `source` below `set`, which wins.
pub(super) fn merge_tables(
    set: &mut Map,
    source: Map,
    path: &str,
    nulls: Nulls,
    notes: &mut Vec<String>,
) {
    for (key, below) in source {
        match (set.get_mut(&key), below) {
            // The user deletes a default; where there is none his null stays.
            (Some(Value::Null), below) if nulls == Nulls::Drop && !below.is_null() => {
                set.shift_remove(&key);
            }
            (None, below) => {
                set.insert(key, below);
            }
            (Some(Value::Null), _) => {}
            (Some(Value::Object(set)), Value::Object(below)) => {
                merge_tables(set, below, &join(path, &key), nulls, notes);
            }
            (Some(_), Value::Object(_)) => notes.push(format!(
                "{}: a map cannot be overwritten by something else; what was set stands",
                join(path, &key)
            )),
            (Some(Value::Object(_)), below) if !below.is_null() => notes.push(format!(
                "{}: what was set is a map; the default, which is not, is skipped",
                join(path, &key)
            )),
            _ => {}
        }
    }
}

/// Merges the globals of a chart into those of its subchart; the chart's win. Returns the globals that
/// are maps in both now.
fn hand_down_globals(
    below: &mut Map,
    above: &Map,
    path: &str,
    notes: &mut Vec<String>,
) -> Vec<String> {
    let mut shared = Vec::new();
    if below
        .get("global")
        .is_some_and(|global| !global.is_object())
    {
        notes.push(format!(
            "{path}: globals are skipped, for global is not a map below"
        ));
        return shared;
    }
    let empty = Map::new();
    let handed = match above.get("global") {
        None => &empty,
        Some(Value::Object(map)) => map,
        Some(_) => {
            notes.push(format!(
                "{path}: globals are skipped, for global is not a map"
            ));
            return shared;
        }
    };
    let globals = below
        .entry("global")
        .or_insert_with(|| Value::Object(Map::new()));
    let Value::Object(globals) = globals else {
        return shared;
    };
    for (key, value) in handed {
        match (value, globals.get_mut(key)) {
            (Value::Object(map), Some(Value::Object(own))) => {
                let mut merged = map.clone();
                let own = std::mem::take(own);
                merge_tables(&mut merged, own, &join(path, key), Nulls::Keep, notes);
                globals.insert(key.clone(), Value::Object(merged));
                shared.push(key.clone());
            }
            (Value::Object(_), Some(_)) => {
                notes.push(format!(
                    "{path}: the global {key} is a map here and none below; skipped"
                ));
            }
            (Value::Object(_), None) => {
                globals.insert(key.clone(), value.clone());
                shared.push(key.clone());
            }
            (_, Some(Value::Object(_))) => {
                notes.push(format!(
                    "{path}: the global {key} is a map below and none here; skipped"
                ));
            }
            (value, _) => {
                globals.insert(key.clone(), value.clone());
            }
        }
    }
    shared
}

/// Takes over what a subchart made of the globals that it shares with the chart above. Helm copies a
/// global map, but not the maps in it: what the subchart adds to those, the charts above and beside it
/// see too. Charts are written against that, so it is the same here.
fn share_globals(above: &mut Map, below: &Map, shared: &[String]) {
    let (Some(Value::Object(above)), Some(Value::Object(below))) =
        (above.get_mut("global"), below.get("global"))
    else {
        return;
    };
    for key in shared {
        let (Some(Value::Object(above)), Some(Value::Object(below))) =
            (above.get_mut(key), below.get(key))
        else {
            continue;
        };
        for (key, inner) in above.iter_mut().filter(|(_, inner)| inner.is_object()) {
            if let Some(made) = below.get(key) {
                *inner = made.clone();
            }
        }
    }
}

/// Gives the charts below what their siblings made of the maps that they share, as above.
fn spread_globals(chart: &Chart, values: &mut Map) {
    let globals = values.get("global").cloned();
    for sub in &chart.dependencies {
        let Some(Value::Object(below)) = values.get_mut(sub.name()) else {
            continue;
        };
        if let (Some(Value::Object(above)), Some(Value::Object(own))) =
            (&globals, below.get_mut("global"))
        {
            for (key, own) in own.iter_mut() {
                let (Some(Value::Object(above)), Value::Object(own)) = (above.get(key), own) else {
                    continue;
                };
                for (key, inner) in above.iter().filter(|(_, inner)| inner.is_object()) {
                    own.insert(key.clone(), inner.clone());
                }
            }
        }
        spread_globals(sub, below);
    }
}

/// Removes the entries that are null, at all depths of maps.
pub(super) fn drop_nulls(map: &mut Map) {
    map.retain(|_, value| !value.is_null());
    for value in map.values_mut() {
        if let Value::Object(inner) = value {
            drop_nulls(inner);
        }
    }
}

fn join(prefix: &str, key: &str) -> String {
    if prefix.is_empty() {
        key.to_owned()
    } else {
        format!("{prefix}.{key}")
    }
}
