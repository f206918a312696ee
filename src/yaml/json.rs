//! JSON as Go's encoding/json writes it, which charts hash and embed.

use super::{Value, number};

/// The value as Go's `json.Marshal` writes it: keys in byte order, `<`, `>`, `&`, U+2028 and U+2029
/// escaped, floats without a point where they are whole.
pub fn go_json(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

/// JSON as Go's `json.Marshal` writes a struct: fields in their order, and what HTML would misread escaped.
/// Maps of free values within it come in the order they have.
///
/// # Errors
/// When the value can't be written as JSON.
pub fn go_struct_json(value: &impl serde::Serialize) -> Result<String, serde_json::Error> {
    // Outside of strings JSON has none of these characters.
    Ok(serde_json::to_string(value)?
        .replace('&', "\\u0026")
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029"))
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) => match n.as_f64().filter(|_| n.is_f64()) {
            Some(f) => out.push_str(&number::format_json(f)),
            None => out.push_str(&n.to_string()),
        },
        Value::String(s) => write_string(s, out),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            out.push('{');
            for (i, (key, item)) in entries.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_string(key, out);
                out.push(':');
                write(item, out);
            }
            out.push('}');
        }
    }
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\0'..='\u{1f}' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn escapes_and_sorts_as_go() {
        let value =
            json!({"b": "<a&b>\u{2028}\u{7f}\u{1}\u{8}", "a": [1.0, 1e21, 1e-7, null, true]});
        assert_eq!(
            go_json(&value),
            "{\"a\":[1,1e+21,1e-7,null,true],\"b\":\"\\u003ca\\u0026b\\u003e\\u2028\u{7f}\\u0001\\b\"}"
        );
    }
}
