//! TOML as BurntSushi's encoder writes it, and TOML into values.

use crate::yaml::{Map, Value, format_g};

/// What TOML has no form for, in the encoder's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// null in a list.
    #[error("toml: cannot encode array with nil element")]
    NullInList,
    /// A list of tables where only a table can be.
    #[error("toml: top-level values must be Go maps or structs")]
    NoKey,
}

/// Writes a table as TOML: keys sorted, plain values before tables, two spaces for each level. Any other value is
/// written as it would stand behind a key.
///
/// # Errors
/// When a list holds null, or when the value is a list of tables.
pub fn encode(value: &Value) -> Result<String, Error> {
    let mut out = String::new();
    match value {
        Value::Object(map) => table_body(&mut out, &[], map)?,
        Value::Null => {}
        Value::Array(items) if is_table_list(items)? => return Err(Error::NoKey),
        // the encoder writes the value alone, without a line end
        other => inline(&mut out, other)?,
    }
    Ok(out)
}

/// Whether the encoder gives the value a header of its own.
fn is_table(value: &Value) -> Result<bool, Error> {
    match value {
        Value::Object(_) => Ok(true),
        Value::Array(items) => is_table_list(items),
        _ => Ok(false),
    }
}

fn is_table_list(items: &[Value]) -> Result<bool, Error> {
    if items.iter().any(Value::is_null) {
        return Err(Error::NullInList);
    }
    for item in items {
        // inner lists are looked at as well: null in them is an error
        is_table(item)?;
    }
    Ok(!items.is_empty() && items.iter().all(Value::is_object))
}

/// Entries sorted by key, those with headers last, null left out.
type Sorted<'v> = Vec<(&'v String, &'v Value)>;

fn sorted(map: &Map) -> Result<(Sorted<'_>, Sorted<'_>), Error> {
    let (mut plain, mut tables) = (Vec::new(), Vec::new());
    for (key, value) in map {
        if is_table(value)? {
            tables.push((key, value));
        } else {
            plain.push((key, value));
        }
    }
    plain.sort_unstable_by_key(|(key, _)| *key);
    tables.sort_unstable_by_key(|(key, _)| *key);
    Ok((plain, tables))
}

fn table_body(out: &mut String, path: &[&str], map: &Map) -> Result<(), Error> {
    let (plain, tables) = sorted(map)?;
    let pad = "  ".repeat(path.len());
    for (key, value) in plain {
        if !value.is_null() {
            out.push_str(&format!("{pad}{} = ", quoted_key(key)));
            inline(out, value)?;
            out.push('\n');
        }
    }
    for (key, value) in tables {
        let path = [path, &[key.as_str()]].concat();
        let pad = "  ".repeat(path.len() - 1);
        let name = path
            .iter()
            .map(|key| quoted_key(key))
            .collect::<Vec<_>>()
            .join(".");
        match value {
            Value::Array(items) => {
                for item in items.iter().filter_map(Value::as_object) {
                    separate(out);
                    out.push_str(&format!("{pad}[[{name}]]\n"));
                    table_body(out, &path, item)?;
                }
            }
            Value::Object(map) => {
                if path.len() == 1 {
                    separate(out);
                }
                out.push_str(&format!("{pad}[{name}]\n"));
                table_body(out, &path, map)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn separate(out: &mut String) {
    if !out.is_empty() {
        out.push('\n');
    }
}

fn inline(out: &mut String, value: &Value) -> Result<(), Error> {
    match value {
        Value::Null => {}
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) => match n.as_f64().filter(|_| n.is_f64()) {
            Some(float) => {
                let text = format_g(float);
                out.push_str(&text);
                if !text.contains(['e', '.']) {
                    out.push_str(".0");
                }
            }
            None => out.push_str(&n.to_string()),
        },
        Value::String(text) => out.push_str(&quoted(text)),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                inline(out, item)?;
            }
            out.push(']');
        }
        Value::Object(map) => {
            let (plain, tables) = sorted(map)?;
            out.push('{');
            let last = plain.len() + tables.len();
            for (i, (key, value)) in plain.into_iter().chain(tables).enumerate() {
                if value.is_null() {
                    continue;
                }
                out.push_str(&format!("{} = ", quoted_key(key)));
                inline(out, value)?;
                if i + 1 < last {
                    out.push_str(", ");
                }
            }
            out.push('}');
        }
    }
    Ok(())
}

fn quoted_key(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(bare) {
        key.to_owned()
    } else {
        quoted(key)
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' | '\u{7f}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Reads TOML; dates and times become strings.
///
/// # Errors
/// The parser's own words with line and column (Go's are others).
pub fn decode(text: &str) -> Result<Value, String> {
    let table: toml::Table = text
        .parse()
        .map_err(|err: toml::de::Error| err.to_string().trim_end().to_owned())?;
    Ok(from_toml(toml::Value::Table(table)))
}

fn from_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(n) => Value::from(n),
        toml::Value::Float(f) => Value::from(f),
        toml::Value::Boolean(b) => Value::Bool(b),
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(items) => Value::Array(items.into_iter().map(from_toml).collect()),
        toml::Value::Table(map) => Value::Object(
            map.into_iter()
                .map(|(key, value)| (key, from_toml(value)))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tables_come_last() {
        let value = json!({"b": {"y": 1, "x": {"z": [1, 2.5]}}, "a b": "q\"", "l": [{"k": 1.0}]});
        let text =
            "\"a b\" = \"q\\\"\"\n\n[b]\n  y = 1\n  [b.x]\n    z = [1, 2.5]\n\n[[l]]\n  k = 1.0\n";
        assert_eq!(encode(&value).unwrap(), text);
        assert_eq!(decode(text).unwrap(), value);
        assert_eq!(encode(&json!({"a": [null]})), Err(Error::NullInList));
    }
}
