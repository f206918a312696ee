//! The grammar of `--set` and its siblings, as Helm 4.3.1's `pkg/strvals` reads it.

use super::Numbers;
use crate::yaml::{Map, Value};

/// The largest index of a list; Helm's limit.
const MAX_INDEX: usize = 65536;

/// How many dots a key may have; Helm's limit.
const MAX_DOTS: usize = 30;

/// How many indexes may follow one another, as in `a[0][0]`. Helm has no limit, but no stack of ours
/// grows without end.
const MAX_INDEXES: usize = 256;

/// How many nulls the indexes of one flag may put before items: a few bytes must not cost gigabytes.
const MAX_PADDING: usize = 1_000_000;

/// What the part behind the equals sign is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `--set`: booleans, null and integers are told from strings.
    Typed,
    /// `--set-string`.
    String,
    /// `--set-json`.
    Json,
    /// `--set-file`: the name of the file that holds the value.
    File,
    /// `--set-literal`: all that follows the first equals sign.
    Literal,
}

/// Why a text is no assignment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text ended; at the start of a key that is no error, and Helm ignores it in other places too.
    #[error("the text ends too early")]
    End,
    /// A key without an equals sign.
    #[error("key {0:?} has no value")]
    NoValue(String),
    /// A key that is followed by a comma.
    #[error("key {0:?} has no value (cannot end with ,)")]
    Comma(String),
    /// A dot without a key behind it.
    #[error("key map {0:?} has no value")]
    EmptyMap(String),
    /// More than 30 dots.
    #[error("value name nested level is greater than maximum supported nested level of {MAX_DOTS}")]
    TooDeep,
    /// More than 256 indexes in a row.
    #[error("more than {MAX_INDEXES} indexes in a row")]
    TooManyIndexes,
    /// Something else than a number in brackets.
    #[error("error parsing index: {0:?} is not a number")]
    Index(String),
    /// A number below zero in brackets.
    #[error("negative {0} index not allowed")]
    Negative(i64),
    /// An index above 65536.
    #[error("index of {0} is greater than maximum supported index of {MAX_INDEX}")]
    LargeIndex(usize),
    /// Indexes that make lists of more than a million nulls in all.
    #[error("the indexes leave more than {MAX_PADDING} items empty")]
    TooManyNulls,
    /// Something between an index and what may follow it.
    #[error("unexpected data at end of array index: {0:?}")]
    AfterIndex(String),
    /// `{a,b` without its end.
    #[error("list must terminate with '}}'")]
    OpenList,
    /// A path goes through a value that has no parts.
    #[error("unable to parse key: {key} holds a {found}, not a {wanted}")]
    Type {
        /// The key.
        key: String,
        /// What is there.
        found: &'static str,
        /// What the path needs.
        wanted: &'static str,
    },
    /// The value is not JSON.
    #[error("not JSON: {0}")]
    Json(String),
    /// A file cannot be read.
    #[error("{0}")]
    File(String),
}

/// Reads the files that `--set-file` names.
pub(super) type Reader<'r> = dyn FnMut(&str) -> Result<String, String> + 'r;

/// Reads assignments and carries them out on a map.
pub(super) fn parse_into(
    text: &str,
    kind: Kind,
    numbers: Numbers,
    map: &mut Map,
    read: &mut Reader<'_>,
) -> Result<(), Error> {
    let mut parser = Parser {
        rest: text,
        kind,
        numbers,
        read,
        padded: 0,
    };
    loop {
        match parser.key(map, 0) {
            Ok(()) => {}
            Err(Error::End) => return Ok(()),
            Err(e) => return Err(e),
        }
    }
}

struct Parser<'t, 'r, 'f> {
    rest: &'t str,
    kind: Kind,
    /// How the numbers of JSON are read.
    numbers: Numbers,
    read: &'r mut Reader<'f>,
    /// How many nulls were put before items so far.
    padded: usize,
}

/// What ended a piece of text: one of the characters looked for, or the text's end.
type Stop = Option<char>;

impl Parser<'_, '_, '_> {
    /// One assignment, with the keys below a dot in their turn.
    fn key(&mut self, map: &mut Map, dots: usize) -> Result<(), Error> {
        let stops: &[char] = match self.kind {
            Kind::Literal => &['=', '[', '.'],
            _ => &['=', '[', ',', '.'],
        };
        let (key, stop) = self.until(stops);
        match stop {
            None if key.is_empty() => Err(Error::End),
            None => Err(Error::NoValue(key)),
            Some('[') => {
                let index = self.index()?;
                let mut list = match map.get_mut(&key) {
                    None => Vec::new(),
                    Some(Value::Array(list)) => std::mem::take(list),
                    Some(other) => return Err(type_error(key, other, "list")),
                };
                let outcome = self.item(&mut list, index, dots, 0);
                set(map, key, Value::Array(list));
                outcome
            }
            Some('=') => match self.value() {
                Ok(value) => {
                    set(map, key, value);
                    Ok(())
                }
                Err(Error::End) => {
                    set(map, key, Value::from(""));
                    Err(Error::End)
                }
                Err(e) => Err(e),
            },
            Some(',') => Err(Error::Comma(key)),
            Some(_) => {
                if dots >= MAX_DOTS {
                    return Err(Error::TooDeep);
                }
                let mut inner = match map.get_mut(&key) {
                    None => Map::new(),
                    Some(Value::Object(inner)) => std::mem::take(inner),
                    Some(other) => return Err(type_error(key, other, "map")),
                };
                let outcome = self.key(&mut inner, dots + 1);
                if outcome.is_ok() && inner.is_empty() {
                    return Err(Error::EmptyMap(key));
                }
                if !inner.is_empty() {
                    set(map, key, Value::Object(inner));
                }
                outcome
            }
        }
    }

    /// What follows an index: a value, a further index or a key.
    fn item(
        &mut self,
        list: &mut Vec<Value>,
        index: usize,
        dots: usize,
        indexes: usize,
    ) -> Result<(), Error> {
        let (between, stop) = self.until(&['[', '.', '=']);
        if !between.is_empty() {
            return Err(Error::AfterIndex(between));
        }
        match stop {
            None => Err(Error::End),
            Some('=') => {
                let value = match self.value() {
                    Err(Error::End) => Value::from(""),
                    value => value?,
                };
                self.set_index(list, index, value)
            }
            Some('[') => {
                if indexes >= MAX_INDEXES {
                    return Err(Error::TooManyIndexes);
                }
                let next = self.index()?;
                let mut inner = match list.get_mut(index) {
                    None | Some(Value::Null) => Vec::new(),
                    Some(Value::Array(inner)) => std::mem::take(inner),
                    Some(other) => return Err(type_error(format!("[{index}]"), other, "list")),
                };
                let outcome = self.item(&mut inner, next, dots, indexes + 1);
                // An assignment that ends early leaves what was there.
                if outcome.is_ok() || index < list.len() {
                    self.set_index(list, index, Value::Array(inner))?;
                }
                outcome
            }
            Some(_) => {
                let mut inner = match list.get_mut(index) {
                    Some(Value::Object(inner)) => std::mem::take(inner),
                    _ => Map::new(),
                };
                let outcome = self.key(&mut inner, dots);
                if outcome.is_ok() || index < list.len() {
                    self.set_index(list, index, Value::Object(inner))?;
                }
                outcome
            }
        }
    }

    /// Sets an item of a list, which grows by nulls where it is too short.
    fn set_index(
        &mut self,
        list: &mut Vec<Value>,
        index: usize,
        value: Value,
    ) -> Result<(), Error> {
        if index > MAX_INDEX {
            return Err(Error::LargeIndex(index));
        }
        if list.len() <= index {
            self.padded += index - list.len();
            if self.padded > MAX_PADDING {
                return Err(Error::TooManyNulls);
            }
            list.resize(index + 1, Value::Null);
        }
        if let Some(item) = list.get_mut(index) {
            *item = value;
        }
        Ok(())
    }

    /// The number in brackets, the opening one being read already.
    fn index(&mut self) -> Result<usize, Error> {
        let (text, stop) = self.until(&[']']);
        if stop.is_none() {
            return Err(Error::End);
        }
        let Ok(index) = text.parse::<i64>() else {
            return Err(Error::Index(text));
        };
        usize::try_from(index).map_err(|_| Error::Negative(index))
    }

    /// The value behind an equals sign, with the comma that ends it.
    fn value(&mut self) -> Result<Value, Error> {
        match self.kind {
            Kind::Json => return self.json(),
            Kind::Literal => {
                let text = std::mem::take(&mut self.rest);
                return Ok(Value::from(text));
            }
            _ => {}
        }
        if self.rest.is_empty() {
            return Err(Error::End);
        }
        let Some(list) = self.rest.strip_prefix('{') else {
            let (text, _) = self.until(&[',']);
            return self.scalar(text);
        };
        self.rest = list;
        let mut items = Vec::new();
        loop {
            let (text, stop) = self.until(&[',', '}']);
            match stop {
                None => return Err(Error::OpenList),
                Some(',') => items.push(self.scalar(text)?),
                Some(_) => {
                    self.rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
                    items.push(self.scalar(text)?);
                    return Ok(Value::Array(items));
                }
            }
        }
    }

    fn scalar(&mut self, text: String) -> Result<Value, Error> {
        match self.kind {
            Kind::Typed => Ok(typed(text)),
            Kind::File => (self.read)(&text).map(Value::from).map_err(Error::File),
            Kind::String | Kind::Json | Kind::Literal => Ok(Value::from(text)),
        }
    }

    fn json(&mut self) -> Result<Value, Error> {
        if self.skip_blank() {
            return Ok(Value::Null);
        }
        let end = json_end(self.rest).map_err(Error::Json)?;
        let (text, rest) = self.rest.split_at(end);
        let value = serde_json::from_str(text).map_err(|e| Error::Json(e.to_string()))?;
        self.rest = rest;
        self.skip_blank();
        Ok(self.numbers.of_file(value))
    }

    /// Skips white space and one comma. Whether there is nothing else.
    fn skip_blank(&mut self) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(',') {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => self.rest.is_empty(),
        }
    }

    /// The text up to one of the characters, which is taken too. A backslash takes the next character
    /// as it is, except in literals.
    fn until(&mut self, stops: &[char]) -> (String, Stop) {
        let mut text = String::new();
        let mut chars = self.rest.chars();
        while let Some(c) = chars.next() {
            if stops.contains(&c) {
                self.rest = chars.as_str();
                return (text, Some(c));
            }
            if c == '\\' && self.kind != Kind::Literal {
                text.extend(chars.next());
            } else {
                text.push(c);
            }
        }
        self.rest = "";
        (text, None)
    }
}

/// An empty key sets nothing.
fn set(map: &mut Map, key: String, value: Value) {
    if !key.is_empty() {
        map.insert(key, value);
    }
}

/// Helm's reading of a word: a number with a leading zero, a fraction or too many digits is a string.
fn typed(text: String) -> Value {
    if text.eq_ignore_ascii_case("true") {
        return Value::Bool(true);
    }
    if text.eq_ignore_ascii_case("false") {
        return Value::Bool(false);
    }
    if text.eq_ignore_ascii_case("null") {
        return Value::Null;
    }
    if text == "0" {
        return Value::from(0);
    }
    match text.parse::<i64>() {
        Ok(number) if !text.starts_with('0') => Value::from(number),
        _ => Value::from(text),
    }
}

/// Where the JSON value at the start of a text ends. What follows a number or a word may touch it.
fn json_end(text: &str) -> Result<usize, String> {
    let word = ["true", "false", "null"]
        .into_iter()
        .find(|word| text.starts_with(word));
    if let Some(word) = word {
        return Ok(word.len());
    }
    if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
        return Ok(number_end(text.as_bytes()));
    }
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<serde::de::IgnoredAny>();
    match stream.next() {
        Some(Ok(_)) => Ok(stream.byte_offset()),
        Some(Err(e)) => Err(e.to_string()),
        None => Err("there is no value".to_owned()),
    }
}

fn number_end(text: &[u8]) -> usize {
    let digits = |from: usize| {
        text.iter()
            .skip(from)
            .take_while(|b| b.is_ascii_digit())
            .count()
    };
    let mut end = usize::from(text.first() == Some(&b'-'));
    end += if text.get(end) == Some(&b'0') {
        1
    } else {
        digits(end)
    };
    if text.get(end) == Some(&b'.') {
        end += 1 + digits(end + 1);
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        end += 1 + usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        end += digits(end);
    }
    end
}

fn type_error(key: String, found: &Value, wanted: &'static str) -> Error {
    Error::Type {
        key,
        found: kind_name(found),
        wanted,
    }
}

/// What a value is, in a word.
pub(super) fn kind_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "map",
    }
}
