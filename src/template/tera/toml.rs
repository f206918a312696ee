//! TOML as Go's encoder (BurntSushi/toml, which Helm's toToml uses) lays it out: keys of a table first,
//! then its tables, sorted, nested ones indented.

use crate::yaml::{Map, Value};

/// Writes a map as TOML.
///
/// # Errors
/// For anything but a map, for null, and for a list with maps inside a list.
pub(super) fn to_toml(value: &Value) -> Result<String, String> {
    let Value::Object(map) = value else {
        return Err("only a map can be written as TOML".to_owned());
    };
    let mut out = String::new();
    table(map, &[], &mut out)?;
    Ok(out)
}

fn is_table(value: &Value) -> bool {
    match value {
        Value::Object(_) => true,
        Value::Array(items) => !items.is_empty() && items.iter().all(Value::is_object),
        _ => false,
    }
}

fn table(map: &Map, path: &[&str], out: &mut String) -> Result<(), String> {
    let mut keys: Vec<&String> = map.keys().collect();
    keys.sort();
    let indent = "  ".repeat(path.len());
    for key in &keys {
        match map.get(*key) {
            Some(Value::Null) | None => {}
            Some(item) if is_table(item) => {}
            Some(item) => {
                let text = inline(item)?;
                out.push_str(&format!("{indent}{} = {text}\n", quoted_key(key)));
            }
        }
    }
    for key in &keys {
        let path: Vec<&str> = path.iter().copied().chain([key.as_str()]).collect();
        let name = path
            .iter()
            .map(|p| quoted_key(p))
            .collect::<Vec<_>>()
            .join(".");
        let mut section = |open: &str, close: &str, inner: &Map| {
            if !out.is_empty() && path.len() == 1 {
                out.push('\n');
            }
            out.push_str(&format!("{indent}{open}{name}{close}\n"));
            table(inner, &path, out)
        };
        match map.get(*key) {
            Some(Value::Object(inner)) => section("[", "]", inner)?,
            Some(item @ Value::Array(items)) if is_table(item) => {
                for inner in items.iter().filter_map(Value::as_object) {
                    section("[[", "]]", inner)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn inline(value: &Value) -> Result<String, String> {
    match value {
        Value::Null => Err("TOML has no null".to_owned()),
        Value::Bool(b) => Ok(b.to_string()),
        Value::Number(n) => Ok(n.to_string()),
        Value::String(s) => Ok(quoted(s)),
        Value::Array(items) => {
            let items = items.iter().map(inline).collect::<Result<Vec<_>, _>>()?;
            Ok(format!("[{}]", items.join(", ")))
        }
        Value::Object(map) => {
            let entries = map
                .iter()
                .map(|(key, item)| Ok(format!("{} = {}", quoted_key(key), inline(item)?)))
                .collect::<Result<Vec<_>, String>>()?;
            Ok(format!("{{{}}}", entries.join(", ")))
        }
    }
}

fn quoted_key(key: &str) -> String {
    let bare = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if bare { key.to_owned() } else { quoted(key) }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_before_tables() {
        let value = json!({"z": {"b": 1, "a": {"x": true}}, "list": [1, 2], "name": "a\"b", "t": [{"k": 1}, {"k": 2}]});
        assert_eq!(
            to_toml(&value).unwrap(),
            "list = [1, 2]\nname = \"a\\\"b\"\n\n[[t]]\n  k = 1\n\n[[t]]\n  k = 2\n\n[z]\n  b = 1\n  [z.a]\n    x = true\n"
        );
        assert!(to_toml(&json!([1])).is_err());
        assert!(to_toml(&json!({"a": [null]})).is_err());
    }
}
