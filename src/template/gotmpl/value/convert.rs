//! From YAML values to template values and back, by way of what `encoding/json` does.

use std::rc::Rc;

use base64::Engine as _;
use serde_json::Number;

use super::super::func::FuncError;
use super::{List, Map, MapKind, Val};
use crate::yaml::Value;

/// How deep values may nest when they are printed or marshalled; a map can be made to hold itself.
pub const MAX_DEPTH: usize = 10_000;
/// How large a marshalled value may be, in bytes: a map that holds another twice, and so on, is small
/// until it is written out.
const MAX_MARSHALLED: usize = 256 << 20;

/// Why a value can't be marshalled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MarshalError {
    /// Go's text of it.
    Go(String),
    /// It is larger than 256 MiB when it is written out: a bound of ours.
    TooLarge,
}

impl From<String> for MarshalError {
    fn from(text: String) -> Self {
        MarshalError::Go(text)
    }
}

impl From<MarshalError> for FuncError {
    /// Functions that swallow what Go can't marshal don't swallow the bound.
    fn from(error: MarshalError) -> Self {
        match error {
            MarshalError::Go(text) => FuncError::Message(text),
            MarshalError::TooLarge => {
                FuncError::Limit("a marshalled value is too large".to_owned())
            }
        }
    }
}

impl Val {
    /// A template's view of a YAML value: integers are `int64`, floats `float64`, lists
    /// `[]interface {}`, maps `map[string]interface {}`.
    pub fn from_yaml(value: &Value) -> Val {
        match value {
            Value::Null => Val::Nil,
            Value::Bool(b) => Val::Bool(*b),
            Value::Number(n) => match n.as_i64() {
                Some(n) => Val::Int64(n),
                None => Val::Float(n.as_f64().unwrap_or(0.0)),
            },
            Value::String(s) => Val::Str(s.as_str().into()),
            Value::Array(items) => Val::list(items.iter().map(Val::from_yaml).collect()),
            Value::Object(map) => Val::Map(Map::from_yaml(MapKind::Any, map)),
        }
    }

    /// The value as `encoding/json` would marshal it: bytes become base64, nil slices and maps
    /// null, structs objects. A float stays a float even when it is whole.
    ///
    /// # Errors
    /// Go's text for what JSON has no form for (NaN, infinities, complex numbers), and for
    /// values nested deeper than [`MAX_DEPTH`]; [`MarshalError::TooLarge`].
    pub fn to_yaml(&self) -> Result<Value, MarshalError> {
        let mut left = MAX_MARSHALLED;
        to_yaml(self, 0, &mut left)
    }
}

impl Map {
    /// A map of its own with the entries of a YAML map.
    pub fn from_yaml(kind: MapKind, map: &crate::yaml::Map) -> Map {
        Map::new(
            kind,
            map.iter()
                .map(|(k, v)| (Rc::<str>::from(k.as_str()), Val::from_yaml(v))),
        )
    }
}

fn to_yaml(value: &Val, depth: usize, left: &mut usize) -> Result<Value, MarshalError> {
    let go = |text: &str| Err(MarshalError::Go(text.to_owned()));
    if depth > MAX_DEPTH {
        return go("json: unsupported value: encountered a cycle");
    }
    let size = match value {
        Val::Str(s) => s.len(),
        Val::Bytes(b) => b.len(),
        _ => 0,
    };
    *left = left
        .checked_sub(size_of::<Value>() + size)
        .ok_or(MarshalError::TooLarge)?;
    Ok(match value {
        Val::Nil => Value::Null,
        Val::Bool(b) => Value::Bool(*b),
        Val::Int(n) | Val::Int64(n) | Val::Named(_, n) => Value::Number((*n).into()),
        Val::Uint8(n) => Value::Number((*n).into()),
        Val::Uint64(n) => Value::Number((*n).into()),
        Val::Float(f) => match Number::from_f64(*f) {
            Some(n) => Value::Number(n),
            None if f.is_nan() => return go("json: unsupported value: NaN"),
            None if *f > 0.0 => return go("json: unsupported value: +Inf"),
            None => return go("json: unsupported value: -Inf"),
        },
        Val::Complex(..) => return go("json: unsupported type: complex128"),
        Val::Str(s) => Value::String(s.to_str().into_owned()),
        Val::Bytes(b) => Value::String(base64::engine::general_purpose::STANDARD.encode(b)),
        Val::List(list) if list.is_nil() => Value::Null,
        Val::List(list) => Value::Array(items_to_yaml(list, depth, left)?),
        Val::Map(map) if map.is_nil() => Value::Null,
        Val::Map(map) => {
            let mut out = crate::yaml::Map::new();
            for (key, value) in map.entries() {
                out.insert(key.to_string(), to_yaml(&value, depth + 1, left)?);
            }
            Value::Object(out)
        }
        Val::Object(object) => object.json()?,
    })
}

fn items_to_yaml(list: &List, depth: usize, left: &mut usize) -> Result<Vec<Value>, MarshalError> {
    list.items()
        .iter()
        .map(|item| to_yaml(item, depth + 1, left))
        .collect()
}
