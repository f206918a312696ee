//! JSON, YAML and TOML.

use super::Answer;
use super::args::{Args, not_nil};
use crate::template::funcs::{json, toml};
use crate::template::gotmpl::func::{Call, Func, Ty};
use crate::template::gotmpl::value::{Elem, List, Map, MapKind, MarshalError, Val};
use crate::yaml::{self, Value};

const ANY: &[Ty] = &[Ty::Any];
const TEXT: &[Ty] = &[Ty::Str];
const A_MAP: &str = "map[string]interface {}";
const A_LIST: &str = "[]interface {}";

pub(super) static FUNCTIONS: &[Func] = &[
    Func::new("toJson", ANY, |_, args| or_empty(compact(args))),
    Func::new("mustToJson", ANY, |_, args| Ok(compact(args)?.into())),
    Func::new("toPrettyJson", ANY, |_, args| {
        or_empty(compact(args).map(|text| json::indent(&text)))
    }),
    Func::new("mustToPrettyJson", ANY, |_, args| {
        Ok(json::indent(&compact(args)?).into())
    }),
    Func::new("toRawJson", ANY, RAW),
    Func::new("mustToRawJson", ANY, RAW),
    Func::new("mustFromJson", TEXT, |_, args| {
        let value = json::parse(&Args(args).text(0)).map_err(|err| err.to_string())?;
        Ok(Val::from_yaml(&value))
    }),
    Func::new("fromJson", TEXT, |_, args| {
        let value = json::parse(&Args(args).text(0)).map_err(|err| err.to_string());
        Ok(as_map(value.and_then(|value| typed(value, A_MAP))))
    }),
    Func::new("fromJsonArray", TEXT, |_, args| {
        let value = json::parse(&Args(args).text(0)).map_err(|err| err.to_string());
        Ok(as_list(value.and_then(|value| typed(value, A_LIST))))
    }),
    Func::new("toYaml", ANY, |_, args| or_empty(yaml_of(args))),
    Func::new("mustToYaml", ANY, |_, args| Ok(yaml_of(args)?.into())),
    Func::new("toYamlPretty", ANY, |_, args| {
        or_empty(numbers_of(args).map(|value| yaml::emit_pretty(&value)))
    }),
    Func::new("fromYaml", TEXT, |_, args| {
        Ok(as_map(from_yaml(args, A_MAP)))
    }),
    Func::new("fromYamlArray", TEXT, |_, args| {
        Ok(as_list(from_yaml(args, A_LIST)))
    }),
    Func::new("toToml", ANY, |_, args| {
        not_nil(args)?;
        match toml_of(args) {
            Err(MarshalError::Go(err)) => Ok(err.into()),
            other => Ok(other?.into()),
        }
    }),
    Func::new("mustToToml", ANY, |_, args| {
        not_nil(args)?;
        Ok(toml_of(args)?.into())
    }),
    Func::new("fromToml", TEXT, |_, args| {
        Ok(as_map(toml::decode(&Args(args).text(0))))
    }),
];

const RAW: Call = |_, args| Ok(json::without_html_escapes(&compact(args)?).into());

fn value_of(args: &[Val]) -> Result<Value, MarshalError> {
    Args(args).any(0).to_yaml()
}

/// The value for encoders that don't go by way of JSON: bytes are a list of numbers to them.
fn numbers_of(args: &[Val]) -> Result<Value, MarshalError> {
    match Args(args).any(0) {
        Val::Bytes(bytes) => Ok(Value::from(bytes.to_vec())),
        _ => value_of(args),
    }
}

fn compact(args: &[Val]) -> Result<String, MarshalError> {
    Ok(yaml::go_json(&value_of(args)?))
}

fn yaml_of(args: &[Val]) -> Result<String, MarshalError> {
    let value = value_of(args).map_err(|err| match err {
        MarshalError::Go(err) => format!("error marshaling into JSON: {err}").into(),
        MarshalError::TooLarge => err,
    })?;
    yaml::to_yaml(&value).map_err(|err| err.to_string().into())
}

fn toml_of(args: &[Val]) -> Result<String, MarshalError> {
    toml::encode(&numbers_of(args)?).map_err(|err| err.to_string().into())
}

/// Helm swallows errors of what it writes.
fn or_empty(text: Result<String, MarshalError>) -> Answer {
    match text {
        Err(MarshalError::Go(_)) => Ok("".into()),
        other => Ok(other?.into()),
    }
}

/// A value of the type that a text was to have; null is Go's nil of it.
fn typed(value: Value, wanted: &str) -> Result<Value, String> {
    let fits = match &value {
        Value::Null => true,
        Value::Object(_) => wanted == A_MAP,
        Value::Array(_) => wanted == A_LIST,
        _ => false,
    };
    if fits {
        return Ok(value);
    }
    let kind = json::kind(&value);
    Err(format!(
        "json: cannot unmarshal {kind} into Go value of type {wanted}"
    ))
}

fn from_yaml(args: &[Val], wanted: &str) -> Result<Value, String> {
    let text = Args(args).text(0);
    let mut value = yaml::parse(&text).map_err(|err| {
        format!(
            "error converting YAML to JSON: yaml: line {}: {}",
            err.line, err.cause
        )
    })?;
    yaml::helm_numbers(&mut value);
    typed(value, wanted)
        .map_err(|err| format!("error unmarshaling JSON: while decoding JSON: {err}"))
}

/// Helm puts the error into the map that should have come.
fn as_map(value: Result<Value, String>) -> Val {
    match value {
        Ok(Value::Null) => Val::Map(Map::nil(MapKind::Any)),
        Ok(value) => Val::from_yaml(&value),
        Err(err) => Val::map([("Error", Val::from(err))]),
    }
}

fn as_list(value: Result<Value, String>) -> Val {
    match value {
        Ok(Value::Null) => Val::List(List::nil(Elem::Any)),
        Ok(value) => Val::from_yaml(&value),
        Err(err) => Val::list(vec![err.into()]),
    }
}
