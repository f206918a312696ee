//! What becomes of an older revision's values in an upgrade.

use super::coalesce::{Nulls, merge_tables};
use super::{Error, UserValues, coalesce};
use crate::chart::Chart;
use crate::yaml::{Map, Value};

/// `--reset-values`, `--reuse-values`, `--reset-then-reuse-values`; the first that is set counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reuse {
    /// None of the flags: the old values are taken where nothing is set now.
    #[default]
    Unset,
    /// Only what is set now, over the new chart's defaults.
    Reset,
    /// What is set now over the old values over the old chart's defaults.
    Reuse,
    /// What is set now over the old values, over the new chart's defaults.
    ResetThenReuse,
}

/// What an older revision was rendered with.
#[derive(Debug, Clone, Copy)]
pub struct Older<'o> {
    /// The values that its user set; the record's `config`.
    pub config: &'o Value,
    /// Its chart as recorded: with values, without the charts below.
    pub chart: &'o Chart,
    /// What origins name for its values, for instance `revision 3`.
    pub name: &'o str,
}

/// Works out the user's values of an upgrade, as Helm 4.3.1 does. With [`Reuse::Reuse`] the new chart's
/// defaults are replaced by the old ones: new defaults of the chart are not seen.
///
/// # Errors
/// As [`coalesce()`], for the old chart's values.
pub fn reuse_values(
    how: Reuse,
    older: Older<'_>,
    new: UserValues,
    chart: &mut Chart,
) -> Result<UserValues, Error> {
    let is_empty = |value: &Value| value.as_object().is_none_or(Map::is_empty);
    match how {
        Reuse::Reset => Ok(new),
        Reuse::Unset if is_empty(&new.value) && !is_empty(older.config) => {
            Ok(UserValues::from_value(older.name, older.config.clone()))
        }
        Reuse::Unset => Ok(new),
        Reuse::Reuse => {
            let (old, _) = coalesce(older.chart, older.config.clone())?;
            chart.values = old;
            chart.values_text = None;
            Ok(over(new, older))
        }
        Reuse::ResetThenReuse => Ok(over(new, older)),
    }
}

/// The new values over the old ones; a null deletes an old value.
fn over(new: UserValues, older: Older<'_>) -> UserValues {
    let UserValues {
        value,
        layers,
        warnings,
        secrets,
    } = new;
    let mut merged = match value {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    let below = UserValues::from_value(older.name, older.config.clone());
    if let Value::Object(old) = below.value {
        merge_tables(&mut merged, old, "", Nulls::Drop, &mut Vec::new());
    }
    UserValues {
        value: Value::Object(merged),
        layers: below.layers.into_iter().chain(layers).collect(),
        warnings,
        secrets,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn chart(values: Value) -> Chart {
        Chart {
            values,
            ..Chart::default()
        }
    }

    /// What the upgrade is rendered with.
    fn upgrade(how: Reuse, new: Value) -> Value {
        let config = json!({"a": 1, "keep": {"x": 1, "y": 2}});
        let old = chart(json!({"a": 0, "old": true}));
        let older = Older {
            config: &config,
            chart: &old,
            name: "revision 1",
        };
        let mut chart = chart(json!({"a": 9, "fresh": true}));
        let new = UserValues::from_value("new", new);
        let user = reuse_values(how, older, new, &mut chart).unwrap();
        coalesce(&chart, user.value).unwrap().0
    }

    #[test]
    fn each_flag_takes_what_helm_takes() {
        let set = json!({"keep": {"y": 5}});
        let keep = |a: i32, x: Option<i32>| match x {
            Some(x) => json!({"a": a, "keep": {"x": x, "y": 5}}),
            None => json!({"a": a, "keep": {"y": 5}}),
        };
        let with = |mut value: Value, key: &str| {
            value[key] = json!(true);
            value
        };
        assert_eq!(
            upgrade(Reuse::Reset, set.clone()),
            with(keep(9, None), "fresh")
        );
        assert_eq!(
            upgrade(Reuse::Unset, set.clone()),
            with(keep(9, None), "fresh")
        );
        assert_eq!(
            upgrade(Reuse::Reuse, set.clone()),
            with(keep(1, Some(1)), "old")
        );
        assert_eq!(
            upgrade(Reuse::ResetThenReuse, set),
            with(keep(1, Some(1)), "fresh")
        );
        let old = json!({"a": 1, "keep": {"x": 1, "y": 2}, "fresh": true});
        assert_eq!(upgrade(Reuse::Unset, json!({})), old);
        assert_eq!(
            upgrade(Reuse::Reset, json!({})),
            json!({"a": 9, "fresh": true})
        );
        // A null deletes what an older revision set, and the default comes back.
        assert_eq!(
            upgrade(Reuse::ResetThenReuse, json!({"keep": null})),
            json!({"a": 1, "fresh": true})
        );
    }
}
