//! Scalars: what their text, style and tag make of them, and the traps in them.

use base64::Engine as _;
use granit_parser::{ScalarStyle, Span, Tag};

use super::{Composed, Composer, KeyKind, Result, WholeFloats};
use crate::yaml::error::{Cause, Trap};
use crate::yaml::scalar::{self, Scalar};
use crate::yaml::{Node, Value, number};

impl<'a> Composer<'a> {
    pub(super) fn scalar(
        &mut self,
        text: std::borrow::Cow<'a, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: Span,
        is_key: bool,
        anchor: usize,
    ) -> Result<Composed<'a>> {
        let plain = style == ScalarStyle::Plain;
        let tag_name = tag.map(|t| format!("{}{}", t.handle(), t.suffix()));
        let read = match tag_name.as_deref() {
            None if plain => scalar::resolve(&text),
            None => Scalar::Text,
            Some(name) => match name.strip_prefix("tag:yaml.org,2002:") {
                Some("str") => Scalar::Text,
                Some("binary") => return self.binary(&text, span),
                Some(wanted @ ("bool" | "int" | "float" | "null" | "timestamp")) => {
                    self.tagged(&text, wanted, span)?
                }
                Some("merge") if text == "<<" => Scalar::Merge,
                _ => Scalar::Text,
            },
        };
        if plain && tag.is_none() {
            self.traps(&text, read, span);
        }
        let mut bytes = None;
        let (value, key) = match read {
            Scalar::Null => (Value::Null, KeyKind::Invalid("null")),
            Scalar::Bool(b) => (
                Value::Bool(b),
                KeyKind::Name(if b { "true" } else { "false" }.into()),
            ),
            Scalar::Int(i) => (Value::from(i), KeyKind::Name(i.to_string().into())),
            Scalar::Uint(u) => (
                Value::from(u),
                KeyKind::Invalid("whole number above an int64"),
            ),
            // sigs.k8s.io/yaml writes such a key as a float32.
            Scalar::Float(f) if f.is_finite() => {
                let value = match self.whole_floats {
                    WholeFloats::Integers => number::from_json_of_float(f),
                    WholeFloats::Stay => Value::from(f),
                };
                (value, KeyKind::Name(number::key(f).into()))
            }
            // JSON has no such number, but a key becomes a string first.
            Scalar::Float(f) if is_key => {
                let name = number::key(f);
                (Value::from(name.as_str()), KeyKind::Name(name.into()))
            }
            Scalar::Float(_) => return self.fail(span, Cause::NotFinite(text.into_owned())),
            Scalar::Merge => (Value::from("<<"), KeyKind::Merge),
            // Of a key only the name is asked for, unless it is repeated elsewhere.
            Scalar::Timestamp | Scalar::Text if is_key && anchor == 0 => {
                bytes = Some(text.len());
                (Value::Null, KeyKind::Name(text))
            }
            Scalar::Timestamp | Scalar::Text => (Value::from(text.as_ref()), KeyKind::Name(text)),
        };
        Ok(Composed {
            bytes: bytes.unwrap_or_else(|| value.as_str().map_or(0, str::len)),
            spanned: self.place(span, Node::Scalar(value)),
            size: 1,
            height: 0,
            key,
        })
    }

    fn binary(&mut self, text: &str, span: Span) -> Result<Composed<'a>> {
        // Go's decoder skips line breaks.
        let joined: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
        let Ok(bytes) = base64::engine::general_purpose::STANDARD.decode(joined) else {
            return self.fail(span, Cause::Binary);
        };
        let decoded = replace_invalid(&bytes);
        Ok(Composed {
            spanned: self.place(span, Node::Scalar(Value::from(decoded.as_str()))),
            size: 1,
            bytes: decoded.len(),
            height: 0,
            key: KeyKind::Name(decoded.into()),
        })
    }

    /// A scalar with one of the tags that go-yaml checks.
    fn tagged(&self, text: &str, wanted: &str, span: Span) -> Result<Scalar> {
        let read = scalar::resolve(text);
        let found = match read {
            Scalar::Null => "null",
            Scalar::Bool(_) => "bool",
            Scalar::Int(_) | Scalar::Uint(_) => "int",
            Scalar::Float(_) => "float",
            Scalar::Timestamp => "timestamp",
            Scalar::Merge => "merge",
            Scalar::Text => "str",
        };
        match (read, wanted) {
            _ if found == wanted => Ok(read),
            (Scalar::Int(i), "float") => Ok(Scalar::Float(i as f64)),
            _ => {
                let short = match found {
                    "null" => "!!null",
                    "bool" => "!!bool",
                    "int" => "!!int",
                    "float" => "!!float",
                    "timestamp" => "!!timestamp",
                    "merge" => "!!merge",
                    _ => "!!str",
                };
                self.fail(
                    span,
                    Cause::Tag {
                        found: short,
                        text: text.to_owned(),
                        wanted: format!("!!{wanted}"),
                    },
                )
            }
        }
    }

    /// Notes what an author may have meant otherwise.
    fn traps(&mut self, text: &str, read: Scalar, span: Span) {
        let written = || text.to_owned();
        let trap = match read {
            Scalar::Bool(read)
                if !text.eq_ignore_ascii_case(if read { "true" } else { "false" }) =>
            {
                Trap::BooleanValue {
                    text: written(),
                    read,
                }
            }
            Scalar::Int(i) if text.contains('_') => Trap::Underscore {
                text: written(),
                read: i.to_string(),
            },
            Scalar::Float(f) if text.contains('_') => Trap::Underscore {
                text: written(),
                read: number::format_g(f),
            },
            Scalar::Int(i) if has_leading_zero(text) => Trap::Octal {
                text: written(),
                read: i.to_string(),
            },
            Scalar::Float(f) if has_leading_zero(text) && !text.contains('.') => Trap::Octal {
                text: written(),
                read: number::format_g(f),
            },
            Scalar::Int(i) if i.unsigned_abs() > 1 << 53 => Trap::LargeInteger {
                text: written(),
                read: number::format_g(i as f64),
            },
            Scalar::Uint(u) => Trap::LargeInteger {
                text: written(),
                read: number::format_g(u as f64),
            },
            Scalar::Text if scalar::is_base60(text) => Trap::Base60 { text: written() },
            _ => return,
        };
        self.warn(span, trap);
    }
}

/// Bytes as Go's JSON has them: U+FFFD for each byte that is not UTF-8.
fn replace_invalid(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '\u{fffd}'));
    }
    text
}

/// Whether a number is written with a zero in front, such as 010 or -08.
fn has_leading_zero(text: &str) -> bool {
    let digits = text.trim_start_matches(['+', '-']).as_bytes();
    matches!(digits, [b'0', d, ..] if d.is_ascii_digit())
}
