//! JSONPath templates as kubectl has them (client-go's `util/jsonpath`): `{.image.tag}`,
//! `{range .jobs[*]}{.name}{"\n"}{end}`, `{.jobs[?(@.name=="a")].class}`.

mod parse;

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::yaml::{Value, format_g, go_json};

/// Why a template can't be read or finds nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is no template.
    #[error("at character {at}: {message}")]
    Syntax {
        /// Where, from 1.
        at: usize,
        /// What is wrong.
        message: String,
    },
    /// What it asks for isn't in the data.
    #[error("{0}")]
    Missing(String),
}

/// A template, parsed.
#[derive(Debug)]
pub struct Template(Vec<Part>);

#[derive(Debug)]
enum Part {
    Text(String),
    Path(Vec<Step>),
    /// The parts once for each value of the path.
    Range(Vec<Step>, Vec<Part>),
}

#[derive(Debug)]
enum Step {
    /// A value of its own, whatever was found before.
    Value(Value),
    Field(String),
    Slice {
        from: Option<i64>,
        to: Option<i64>,
        step: Option<i64>,
    },
    /// One element; counted from the end where negative.
    Index(i64),
    Wildcard,
    Recursive,
    Union(Vec<Vec<Step>>),
    Exists(Vec<Step>),
    Compare(Vec<Step>, Operator, Vec<Step>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// [`Error::Syntax`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        parse::template(text).map(Template)
    }

    /// The text that it makes of data.
    ///
    /// # Errors
    /// [`Error::Missing`].
    pub fn render(&self, data: &Value) -> Result<String, Error> {
        let mut out = String::new();
        write(&self.0, data, &mut out)?;
        Ok(out)
    }
}

fn write(parts: &[Part], data: &Value, out: &mut String) -> Result<(), Error> {
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Path(steps) => {
                let found = walk(vec![Cow::Borrowed(data)], steps)?;
                let texts: Vec<String> = found.iter().map(|value| printed(value)).collect();
                out.push_str(&texts.join(" "));
            }
            Part::Range(steps, inner) => {
                for value in walk(vec![Cow::Borrowed(data)], steps)? {
                    write(inner, &value, out)?;
                }
            }
        }
    }
    Ok(())
}

/// A value as kubectl prints it: as Go's fmt does; lists and maps as JSON.
fn printed(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(n) => n.as_f64().map_or_else(|| n.to_string(), format_g),
        Value::Bool(b) => b.to_string(),
        Value::Array(_) | Value::Object(_) => go_json(value),
    }
}

type Found<'v> = Vec<Cow<'v, Value>>;

fn walk<'v>(mut values: Found<'v>, steps: &[Step]) -> Result<Found<'v>, Error> {
    for step in steps {
        values = next(values, step)?;
    }
    Ok(values)
}

/// What one step makes of all values so far.
fn next<'v>(values: Found<'v>, step: &Step) -> Result<Found<'v>, Error> {
    let mut found = Vec::new();
    match step {
        Step::Value(value) => found.push(Cow::Owned(value.clone())),
        Step::Field(name) => {
            let any = !values.is_empty();
            for value in values {
                found.extend(inner(value, |v| v.get(name).into_iter().collect()));
            }
            if any && found.is_empty() {
                return Err(Error::Missing(format!("{name} is not found")));
            }
        }
        Step::Index(at) => {
            for value in values.into_iter().filter(|v| !v.is_null()) {
                let len = list(&value)?.len();
                let place = usize::try_from(if *at < 0 { at + len as i64 } else { *at });
                let place = place.ok().filter(|place| *place < len).ok_or_else(|| {
                    Error::Missing(format!("index {at} is not in a list of {len}"))
                })?;
                found.extend(inner(value, |v| v.get(place).into_iter().collect()));
            }
        }
        Step::Slice { from, to, step } => {
            for value in values.into_iter().filter(|v| !v.is_null()) {
                let places = places(*from, *to, *step, list(&value)?.len())?;
                found.extend(inner(value, |v| {
                    places.iter().filter_map(|at| v.get(*at)).collect()
                }));
            }
        }
        Step::Wildcard => {
            for value in values {
                found.extend(inner(value, children));
            }
        }
        Step::Recursive => {
            for value in values {
                found.extend(inner(value, |v| {
                    let mut all = Vec::new();
                    descend(v, &mut all);
                    all
                }));
            }
        }
        Step::Union(paths) => {
            for path in paths {
                found.extend(walk(values.clone(), path)?);
            }
        }
        Step::Exists(path) => {
            for value in values {
                list(&value)?;
                found.extend(chosen(value, |item| {
                    Ok(walk(vec![Cow::Borrowed(item)], path).is_ok_and(|f| !f.is_empty()))
                })?);
            }
        }
        Step::Compare(left, operator, right) => {
            for value in values {
                list(&value)?;
                found.extend(chosen(value, |item| {
                    let one = |path| -> Result<Option<Value>, Error> {
                        let mut found = walk(vec![Cow::Borrowed(item)], path)?;
                        match found.len() {
                            0 | 1 => Ok(found.pop().map(Cow::into_owned)),
                            _ => Err(Error::Missing(
                                "a filter compares one value with one".to_owned(),
                            )),
                        }
                    };
                    Ok(match (one(left)?, one(right)?) {
                        (Some(left), Some(right)) => compare(&left, *operator, &right),
                        _ => false,
                    })
                })?);
            }
        }
    }
    Ok(found)
}

/// Parts of a value: borrowed where it is.
fn inner<'v>(value: Cow<'v, Value>, of: impl FnOnce(&Value) -> Vec<&Value>) -> Found<'v> {
    match value {
        Cow::Borrowed(value) => of(value).into_iter().map(Cow::Borrowed).collect(),
        Cow::Owned(value) => of(&value).into_iter().cloned().map(Cow::Owned).collect(),
    }
}

/// The items of a list that a test lets through.
fn chosen<'v>(
    value: Cow<'v, Value>,
    mut test: impl FnMut(&Value) -> Result<bool, Error>,
) -> Result<Found<'v>, Error> {
    let mut failed = None;
    let found = inner(value, |v| {
        let mut kept = Vec::new();
        for item in v.as_array().into_iter().flatten() {
            match test(item) {
                Ok(true) => kept.push(item),
                Ok(false) => {}
                Err(e) => {
                    failed = Some(e);
                    break;
                }
            }
        }
        kept
    });
    failed.map_or(Ok(found), Err)
}

fn list(value: &Value) -> Result<&Vec<Value>, Error> {
    value
        .as_array()
        .ok_or_else(|| Error::Missing(format!("{} is not a list", shorten(&printed(value)))))
}

fn shorten(text: &str) -> String {
    let start: String = text.chars().take(40).collect();
    if start.len() < text.len() {
        format!("{start}…")
    } else {
        start
    }
}

/// The values in a list or map, of a map in the order of their keys.
fn children(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            entries.into_iter().map(|(_, value)| value).collect()
        }
        _ => Vec::new(),
    }
}

/// The value and all lists and maps below it that hold something.
fn descend<'v>(value: &'v Value, all: &mut Vec<&'v Value>) {
    let below = children(value);
    if !below.is_empty() {
        all.push(value);
        for child in below {
            descend(child, all);
        }
    }
}

/// Which places of a list a slice takes.
fn places(
    from: Option<i64>,
    to: Option<i64>,
    step: Option<i64>,
    len: usize,
) -> Result<Vec<usize>, Error> {
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    let counted = |at: i64| if at < 0 { at.saturating_add(len) } else { at };
    let (from, to) = (from.map_or(0, counted), to.map_or(len, counted));
    if from == to {
        return Ok(Vec::new());
    }
    if from < 0 || from >= len || to < 0 || to > len || from > to {
        return Err(Error::Missing(format!(
            "a slice from {from} to {to} is not in a list of {len}"
        )));
    }
    let step = usize::try_from(step.unwrap_or(1)).unwrap_or(0);
    if step == 0 {
        return Err(Error::Missing("a slice's step must be above 0".to_owned()));
    }
    let whole = usize::try_from(from).unwrap_or(0)..usize::try_from(to).unwrap_or(0);
    Ok(whole.step_by(step).collect())
}

/// Values of one kind compare; of different kinds they are never equal.
fn compare(left: &Value, operator: Operator, right: &Value) -> bool {
    let order = match (left, right) {
        (Value::Number(a), Value::Number(b)) => a
            .as_f64()
            .zip(b.as_f64())
            .and_then(|(a, b)| a.partial_cmp(&b)),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (a, b) if a == b => Some(Ordering::Equal),
        _ => None,
    };
    match operator {
        Operator::Equal => order == Some(Ordering::Equal),
        Operator::NotEqual => order != Some(Ordering::Equal),
        Operator::Less => order == Some(Ordering::Less),
        Operator::LessEqual => order.is_some_and(Ordering::is_le),
        Operator::Greater => order == Some(Ordering::Greater),
        Operator::GreaterEqual => order.is_some_and(Ordering::is_ge),
    }
}

#[cfg(test)]
mod tests;
