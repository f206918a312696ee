//! values.schema.json: validation of all charts' values, each violation at the line that caused it.

use std::collections::BTreeMap;
use std::fmt;

use jsonschema::{Retrieve, Uri};
use serde_json::json;

use super::Values;
use super::origins::{Place, dotted};
use super::walk::{self, Secrets};
use crate::chart::Chart;
use crate::yaml::Value;

/// A value that a schema doesn't allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The chart whose schema it is, with the charts above: `parent/child`.
    pub chart: String,
    /// Where the value stands, from the outermost chart; empty for the whole.
    pub path: Vec<String>,
    /// What is wrong with it; secret values are not shown.
    pub message: String,
    /// What the schema says the value is for.
    pub description: Option<String>,
    /// What set it, where one source did.
    pub origin: Option<Place>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.origin, self.path.is_empty()) {
            (Some(place), false) => write!(f, "{}, set by {place}: ", dotted(&self.path))?,
            (None, false) => write!(f, "{}: ", dotted(&self.path))?,
            _ => {}
        }
        write!(f, "{}", self.message)?;
        if let Some(description) = &self.description {
            write!(f, "\n    {}", description.trim().replace('\n', "\n    "))?;
        }
        Ok(())
    }
}

/// Why values are not valid, or cannot be validated.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A schema is no JSON, or no schema.
    #[error("{chart}/values.schema.json: {cause}")]
    Schema {
        /// The chart.
        chart: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The values violate schemas; all violations at once.
    #[error("values don't meet the specifications of the schema(s) in the following chart(s):{}", listed(.0))]
    Violations(Vec<Violation>),
}

fn listed(violations: &[Violation]) -> String {
    let mut text = String::new();
    let mut chart = None;
    for violation in violations {
        if chart != Some(&violation.chart) {
            text.push_str(&format!("\n{}:", violation.chart));
            chart = Some(&violation.chart);
        }
        text.push_str(&format!("\n- {violation}"));
    }
    text
}

/// Validates the coalesced values of a chart and of the charts below it against their schemas.
///
/// The draft is what `$schema` says, else 2020-12. `$ref` reaches the files of the chart, and nothing
/// else: no network. A `urn:` that is not known allows everything, as in Helm 4.3.1.
///
/// # Errors
/// All violations, or a schema that cannot be used.
pub fn validate(chart: &Chart, values: &Values) -> Result<(), Error> {
    let mut violations = Vec::new();
    let mut whole = values.value.clone();
    whole_numbers(&mut whole);
    validate_chart(
        chart,
        &whole,
        &mut Vec::new(),
        chart.name(),
        &values.secrets,
        &mut violations,
    )?;
    for violation in &mut violations {
        let at = walk::at(&values.value, &violation.path);
        violation.origin = at.and_then(|value| values.origins.place_of(&violation.path, value));
    }
    if violations.is_empty() {
        Ok(())
    } else {
        Err(Error::Violations(violations))
    }
}

/// Makes integers of floats that are whole: Helm reads the numbers of files as floats, and to its validator
/// 15000.0 is an integer in every draft.
fn whole_numbers(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Object(map) => map.values_mut().for_each(whole_numbers),
        Value::Number(number) if number.is_f64() => {
            let float = number
                .as_f64()
                .filter(|f| f.fract() == 0.0 && f.abs() < 9e15);
            if let Some(float) = float {
                *value = Value::from(float as i64);
            }
        }
        _ => {}
    }
}

fn validate_chart(
    chart: &Chart,
    values: &Value,
    path: &mut Vec<String>,
    name: &str,
    secrets: &Secrets,
    violations: &mut Vec<Violation>,
) -> Result<(), Error> {
    if let Some(bytes) = &chart.schema {
        let failed = |cause: String| Error::Schema {
            chart: name.to_owned(),
            cause,
        };
        let schema: Value = serde_json::from_slice(bytes).map_err(|e| failed(e.to_string()))?;
        let validator = jsonschema::options()
            .with_base_uri(BASE)
            .with_retriever(ChartFiles::of(chart))
            .build(&schema)
            .map_err(|e| failed(e.to_string()))?;
        let first = violations.len();
        for error in validator.iter_errors(values) {
            let below: Vec<String> = pointer(error.instance_path().as_str());
            let mut full = path.clone();
            full.extend(below.iter().cloned());
            let message = if secrets.touch(&full) {
                error.masked_with("(hidden)").to_string()
            } else {
                error.to_string()
            };
            violations.push(Violation {
                chart: name.to_owned(),
                description: walk::description(&schema, &below),
                path: full,
                message,
                origin: None,
            });
        }
        if let Some(own) = violations.get_mut(first..) {
            own.sort_by(|a, b| a.path.cmp(&b.path));
        }
    }
    for sub in &chart.dependencies {
        let sub_name = sub.name();
        let Some(below) = values.get(sub_name).filter(|v| !v.is_null()) else {
            continue;
        };
        path.push(sub_name.to_owned());
        let shown = format!("{name}/{sub_name}");
        validate_chart(sub, below, path, &shown, secrets, violations)?;
        path.pop();
    }
    Ok(())
}

/// The parts of a JSON pointer.
fn pointer(text: &str) -> Vec<String> {
    let parts = text.split('/').skip(1);
    parts
        .map(|part| part.replace("~1", "/").replace("~0", "~"))
        .collect()
}

/// Where a chart's files lie for its schema's references.
const BASE: &str = "chart:///values.schema.json";

/// Finds what a schema refers to among the chart's files.
struct ChartFiles(BTreeMap<String, Vec<u8>>);

impl ChartFiles {
    fn of(chart: &Chart) -> Self {
        let json = chart
            .files
            .iter()
            .filter(|file| file.name.ends_with(".json"));
        ChartFiles(
            json.map(|file| (file.name.clone(), file.data.clone()))
                .collect(),
        )
    }
}

impl Retrieve for ChartFiles {
    fn retrieve(
        &self,
        uri: &Uri<String>,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        if uri.scheme().as_str() == "urn" {
            return Ok(json!(true));
        }
        let name = uri.path().as_str().trim_start_matches('/');
        if uri.scheme().as_str() != "chart" {
            return Err(format!(
                "{uri} is outside the chart; a schema may only refer to files of its chart"
            )
            .into());
        }
        match self.0.get(name) {
            Some(bytes) => Ok(serde_json::from_slice(bytes)?),
            None => Err(format!("there is no file {name} in the chart").into()),
        }
    }
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
