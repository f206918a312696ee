//! The scalars of a file of SOPS in their order, with their places in the text, and what go-yaml v3 takes
//! the unquoted ones for: SOPS' MAC is made of that.

use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle};

/// A scalar that is no key.
pub(super) struct Leaf {
    /// The keys above it; indexes of lists are not among them.
    pub(super) keys: Vec<String>,
    /// The keys and indexes above it.
    pub(super) path: Vec<String>,
    /// Its text, unquoted.
    pub(super) text: String,
    /// Whether it stood without quotes.
    pub(super) is_plain: bool,
    /// Its place in the text, in bytes, with its quotes.
    pub(super) span: Range<usize>,
    /// Its line, from 1.
    pub(super) line: usize,
}

enum Frame {
    /// The index of the next item.
    List(usize),
    /// The key that waits for its value.
    Map(Option<String>),
}

/// All scalars of all documents; keys are left out.
///
/// # Errors
/// With the line of what SOPS doesn't write: anchors, keys that are not text.
pub(super) fn leaves(text: &str) -> Result<Vec<Leaf>, (usize, String)> {
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: crate::yaml::MAX_DEPTH,
        block_nesting_limit: crate::yaml::MAX_DEPTH,
    };
    // Marks count characters.
    let mut offsets: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    offsets.push(text.len());
    let byte = |chars: usize| offsets.get(chars).copied().unwrap_or(text.len());
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut open: Vec<Frame> = Vec::new();
    let mut found = Vec::new();
    while let Some(next) = parser.next_event() {
        let (event, span) = next.map_err(|e| (e.marker().line(), e.info().to_string()))?;
        let line = span.start.line();
        match event {
            Event::Alias(_) => return Err((line, "anchors are not supported here".to_owned())),
            Event::Scalar(scalar, style, ..) => {
                if let Some(Frame::Map(key @ None)) = open.last_mut() {
                    *key = Some(scalar.into_owned());
                    continue;
                }
                let (keys, path) = place(&open);
                found.push(Leaf {
                    keys,
                    path,
                    text: scalar.into_owned(),
                    is_plain: style == ScalarStyle::Plain,
                    span: byte(span.start.index())..byte(span.end.index()),
                    line,
                });
                advance(&mut open);
            }
            Event::SequenceStart(..) | Event::MappingStart(..)
                if matches!(open.last(), Some(Frame::Map(None))) =>
            {
                return Err((line, "a key must be text".to_owned()));
            }
            Event::SequenceStart(..) => open.push(Frame::List(0)),
            Event::MappingStart(..) => open.push(Frame::Map(None)),
            Event::SequenceEnd | Event::MappingEnd => {
                open.pop();
                advance(&mut open);
            }
            _ => {}
        }
    }
    Ok(found)
}

/// Notes that a value is complete.
fn advance(open: &mut [Frame]) {
    match open.last_mut() {
        Some(Frame::List(index)) => *index += 1,
        Some(Frame::Map(key)) => *key = None,
        None => {}
    }
}

fn place(open: &[Frame]) -> (Vec<String>, Vec<String>) {
    let (mut keys, mut path) = (Vec::new(), Vec::new());
    for frame in open {
        match frame {
            Frame::List(index) => path.push(index.to_string()),
            Frame::Map(Some(key)) => {
                keys.push(key.clone());
                path.push(key.clone());
            }
            Frame::Map(None) => {}
        }
    }
    (keys, path)
}

/// What go-yaml v3 takes an unquoted scalar for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Plain {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// RFC 3339.
    Time(String),
    Text,
}

/// Resolves an unquoted scalar (go-yaml v3, `resolve.go`): YAML 1.2's core schema, with 1.1's numbers.
pub(super) fn plain(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Plain::Null,
        "true" | "True" | "TRUE" => return Plain::Bool(true),
        "false" | "False" | "FALSE" => return Plain::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Plain::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Plain::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Plain::Float(f64::NEG_INFINITY),
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return Plain::Text;
    }
    if let Some(time) = time(text) {
        return Plain::Time(time);
    }
    let digits = text.replace('_', "");
    if let Some(number) = integer(&digits) {
        return Plain::Int(number);
    }
    let is_float = regex::Regex::new(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")
        .is_ok_and(|pattern| pattern.is_match(&digits));
    match digits.parse::<f64>() {
        Ok(number) if is_float => Plain::Float(number),
        _ => Plain::Text,
    }
}

/// Go's `ParseInt(text, 0, 64)`, and `0o` besides.
fn integer(text: &str) -> Option<i64> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = rest.to_ascii_lowercase();
    let (digits, radix) = if let Some(digits) = lower.strip_prefix("0x") {
        (digits, 16)
    } else if let Some(digits) = lower.strip_prefix("0b") {
        (digits, 2)
    } else if let Some(digits) = lower.strip_prefix("0o") {
        (digits, 8)
    } else if let Some(digits) = lower.strip_prefix('0').filter(|d| !d.is_empty()) {
        (digits, 8)
    } else {
        (lower.as_str(), 10)
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let number = i128::from_str_radix(digits, radix).ok()?;
    i64::try_from(if negative { -number } else { number }).ok()
}

/// The time that a text is: a date, or a date and a time of day.
fn time(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let year = bytes.get(..4)?.iter().all(u8::is_ascii_digit);
    if !year || bytes.get(4) != Some(&b'-') {
        return None;
    }
    if let Ok(date) = text.parse::<jiff::civil::Date>()
        && text.len() <= 10
    {
        return Some(format!("{date}T00:00:00Z"));
    }
    let day: jiff::civil::Date = text.get(..10)?.parse().ok()?;
    let rest = text.get(10..)?;
    let clock = rest.strip_prefix(['T', 't', ' '])?;
    let zone_at = clock.find(['Z', '+', '-']);
    let (clock, zone) = match zone_at {
        Some(at) => clock.split_at(at),
        None if rest.starts_with(' ') => (clock, "Z"),
        None => return None,
    };
    let clock = clock.trim_end();
    clock.parse::<jiff::civil::Time>().ok()?;
    let clock = match clock.split_once('.') {
        Some((seconds, part)) => match part.trim_end_matches('0') {
            "" => seconds.to_owned(),
            part => format!("{seconds}.{part}"),
        },
        None => clock.to_owned(),
    };
    Some(format!("{day}T{clock}{zone}"))
}

#[cfg(test)]
mod tests {
    use super::{Plain, plain};

    #[test]
    fn unquoted_scalars_are_what_go_yaml_takes_them_for() {
        let time = |text: &str| Plain::Time(text.to_owned());
        let cases = [
            ("yes", Plain::Text),
            ("on", Plain::Text),
            ("True", Plain::Bool(true)),
            ("~", Plain::Null),
            ("010", Plain::Int(8)),
            ("0o10", Plain::Int(8)),
            ("0x1F", Plain::Int(31)),
            ("-0b11", Plain::Int(-3)),
            ("1_000", Plain::Int(1000)),
            ("08", Plain::Float(8.0)),
            ("1e3", Plain::Float(1000.0)),
            ("1.", Plain::Float(1.0)),
            (".5", Plain::Float(0.5)),
            ("1:30", Plain::Text),
            ("1.2.3", Plain::Text),
            ("-", Plain::Text),
            ("2001-12-14", time("2001-12-14T00:00:00Z")),
            ("2001-12-14T21:59:43.10Z", time("2001-12-14T21:59:43.1Z")),
            ("2001-12-14 21:59:43", time("2001-12-14T21:59:43Z")),
            ("2001-12-x", Plain::Text),
        ];
        for (text, want) in cases {
            assert_eq!(plain(text), want, "{text}");
        }
    }
}
