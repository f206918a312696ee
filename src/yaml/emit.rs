//! YAML as Go writes it: go-yaml v2 (toYaml) and v3 (toYamlPretty), byte for byte, for charts hash it.

use super::order::{self, Order};
use super::scalar::{self, Scalar};
use super::{Map, Value, number};

/// A value that Go cannot write as YAML; in a template its toYaml then yields nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EmitError {
    /// sigs.k8s.io/yaml goes by way of JSON text and reads that as YAML, which forbids the character.
    #[error("the character {0:?} is not allowed in YAML")]
    Character(char),
    /// For the same reason a key may have at most 1024 characters as JSON, in one line.
    #[error("a key of more than 1024 characters, or with U+0085, cannot be written")]
    Key,
}

/// The value as Helm's `toYaml` gives it, without a line break at the end.
///
/// # Errors
/// Where Go fails; Helm's `toYaml` is empty then and `mustToYaml` fails.
pub fn to_yaml(value: &Value) -> Result<String, EmitError> {
    check(value)?;
    let mut text = emit(value);
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}

/// The value as `sigs.k8s.io/yaml` marshals it, a line break at the end: keys in go-yaml's order,
/// lists not indented below their key, lines folded after column 80 at spaces. What Go cannot write
/// ([`EmitError`]) is escaped, so this never fails.
pub fn emit(value: &Value) -> String {
    let mut emitter = Emitter::new(Order::V2);
    emitter.document(value);
    emitter.out
}

/// The value as Helm's `toYamlPretty` gives it, without a line break at the end: lists indented
/// below their key, lines never folded, floats as `1e+06`.
pub fn emit_pretty(value: &Value) -> String {
    let mut emitter = Emitter::new(Order::V3);
    emitter.document(value);
    if emitter.out.ends_with('\n') {
        emitter.out.pop();
    }
    emitter.out
}

/// How many characters a key may have as JSON.
const MAX_KEY: usize = 1024;

fn check(value: &Value) -> Result<(), EmitError> {
    match value {
        Value::String(s) => check_text(s),
        Value::Array(items) => items.iter().try_for_each(check),
        Value::Object(map) => map.iter().try_for_each(|(key, item)| {
            check_text(key)?;
            // Quotes and escapes count; a byte becomes six at most.
            let may_be_long = key.len() * 6 + 2 > MAX_KEY;
            let too_long = || super::go_json(&Value::from(key.as_str())).chars().count() > MAX_KEY;
            if may_be_long && too_long() || key.contains('\u{85}') {
                return Err(EmitError::Key);
            }
            check(item)
        }),
        _ => Ok(()),
    }
}

fn check_text(text: &str) -> Result<(), EmitError> {
    if text.bytes().all(|b| b < 0x7f) {
        return Ok(());
    }
    let forbidden =
        |c: &char| matches!(c, '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}');
    match text.chars().find(forbidden) {
        Some(c) => Err(EmitError::Character(c)),
        None => Ok(()),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

/// Where a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Item,
    /// A key on the line of its colon.
    Key,
    /// A key after `? `.
    LongKey,
    Value,
}

/// What a string allows, found by looking at all its characters.
struct Analysis {
    multiline: bool,
    plain: bool,
    single: bool,
    block: bool,
}

struct Emitter {
    out: String,
    order: Order,
    /// In characters, from 0.
    column: usize,
    indent: Option<usize>,
    whitespace: bool,
    /// Whether only indentation and indicators have been written in the line.
    indention: bool,
}

const BEST_INDENT: usize = 2;
const BEST_WIDTH: usize = 80;

impl Emitter {
    fn new(order: Order) -> Self {
        Emitter {
            out: String::new(),
            order,
            column: 0,
            indent: None,
            whitespace: true,
            indention: true,
        }
    }

    fn document(&mut self, value: &Value) {
        self.node(value, Place::Root);
        self.write_indent();
    }

    fn node(&mut self, value: &Value, place: Place) {
        match value {
            Value::Null => self.plain_scalar("null"),
            Value::Bool(b) => self.plain_scalar(if *b { "true" } else { "false" }),
            Value::Number(n) => {
                let text = self.number(n);
                self.plain_scalar(&text);
            }
            Value::String(s) => self.string(s, place),
            Value::Array(items) if items.is_empty() => self.indicator("[]", true, false, false),
            Value::Array(items) => self.list(items, place),
            Value::Object(map) if map.is_empty() => self.indicator("{}", true, false, false),
            Value::Object(map) => self.map(map),
        }
    }

    fn number(&self, n: &serde_json::Number) -> String {
        let Some(f) = n.as_f64().filter(|_| n.is_f64()) else {
            return n.to_string();
        };
        if self.order == Order::V3 {
            return number::format_g(f);
        }
        // By way of JSON, where a whole float is an integer again.
        match number::from_json_of_float(f) {
            Value::Number(n) if !n.is_f64() => n.to_string(),
            _ if f == 0.0 => "0".to_owned(),
            _ => number::format_g(f),
        }
    }

    fn list(&mut self, items: &[Value], place: Place) {
        let outer = self.indent;
        let indentless = self.order == Order::V2 && place == Place::Value && !self.indention;
        self.increase_indent(false, indentless);
        for item in items {
            self.write_indent();
            self.indicator("-", true, false, true);
            self.node(item, Place::Item);
        }
        self.indent = outer;
    }

    fn map(&mut self, map: &Map) {
        let outer = self.indent;
        self.increase_indent(false, false);
        let entries = map.iter().map(|(k, v)| (k.as_str(), v)).collect();
        for (key, value) in order::sort(entries, self.order) {
            self.write_indent();
            let simple = !key.chars().any(is_break) && key.len() <= 128;
            if simple {
                self.string(key, Place::Key);
                self.indicator(":", false, false, false);
            } else {
                self.indicator("?", true, false, true);
                self.string(key, Place::LongKey);
                self.write_indent();
                self.indicator(":", true, false, true);
            }
            self.node(value, Place::Value);
        }
        self.indent = outer;
    }

    fn string(&mut self, text: &str, place: Place) {
        if is_name(text) && self.reads_as_text(text) {
            return self.plain_scalar(text);
        }
        let folded;
        let text = if self.order == Order::V2 && text.contains('\u{85}') {
            folded = fold_next_lines(text);
            folded.as_str()
        } else {
            text
        };
        let analysis = analyze(text, self.order);
        let style = self.style(text, &analysis, place);
        let outer = self.indent;
        self.increase_indent(true, false);
        let may_fold = place != Place::Key && self.order == Order::V2;
        match style {
            Style::Plain => self.write_plain(text, may_fold),
            Style::Single => self.write_single(text, may_fold),
            Style::Double => self.write_double(text, may_fold),
            Style::Literal => self.write_literal(text),
        }
        self.indent = outer;
    }

    fn style(&self, text: &str, analysis: &Analysis, place: Place) -> Style {
        let mut style = if text.contains('\n') {
            Style::Literal
        } else if self.reads_as_text(text) {
            Style::Plain
        } else {
            Style::Double
        };
        if place == Place::Key && analysis.multiline {
            style = Style::Double;
        }
        if style == Style::Plain && !analysis.plain {
            style = Style::Single;
        }
        if style == Style::Single && !analysis.single {
            style = Style::Double;
        }
        if style == Style::Literal && (!analysis.block || place == Place::Key) {
            style = Style::Double;
        }
        style
    }

    /// Whether the text, unquoted, is read as the same string.
    fn reads_as_text(&self, text: &str) -> bool {
        // Version 3 reads old booleans as strings, but quotes them all the same.
        // A key `<<` is written plain by both, and would be read back as a merge.
        matches!(scalar::resolve(text), Scalar::Text | Scalar::Merge) && !scalar::is_base60(text)
    }

    fn plain_scalar(&mut self, text: &str) {
        if !self.whitespace {
            self.put(' ');
        }
        self.out.push_str(text);
        self.column += text.chars().count();
        self.whitespace = false;
        self.indention = false;
    }

    fn write_plain(&mut self, text: &str, may_fold: bool) {
        if !self.whitespace {
            self.put(' ');
        }
        self.write_words(text, may_fold, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn write_single(&mut self, text: &str, may_fold: bool) {
        self.indicator("'", true, false, false);
        self.write_words(text, may_fold, true);
        self.indicator("'", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    /// The text of a plain or single-quoted scalar.
    fn write_words(&mut self, text: &str, may_fold: bool, quoted: bool) {
        let (mut spaces, mut breaks) = (false, false);
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let next = chars.peek().map(|(_, c)| *c);
            if c == ' ' {
                let inner = !quoted || (at > 0 && next.is_some());
                if may_fold && !spaces && self.column > BEST_WIDTH && inner && next != Some(' ') {
                    self.write_indent();
                } else {
                    self.put(c);
                }
                spaces = true;
            } else if is_break(c) {
                if !breaks && c == '\n' {
                    self.put_break();
                }
                self.write_break(c);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                if quoted && c == '\'' {
                    self.put('\'');
                }
                self.put(c);
                self.indention = false;
                spaces = false;
                breaks = false;
            }
        }
    }

    fn write_double(&mut self, text: &str, may_fold: bool) {
        self.indicator("\"", true, false, false);
        // A slip of go-yaml that stays: a byte-order mark at the start has all characters escaped.
        let escape_all = text.starts_with('\u{feff}');
        let mut spaces = false;
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let next = chars.peek().map(|(_, c)| *c);
            if escape_all || !is_printable(c) || is_break(c) || c == '"' || c == '\\' {
                self.write_escape(c);
                spaces = false;
            } else if c == ' ' {
                if may_fold && !spaces && self.column > BEST_WIDTH && at > 0 && next.is_some() {
                    self.write_indent();
                    if next == Some(' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(c);
                }
                spaces = true;
            } else {
                self.put(c);
                spaces = false;
            }
        }
        self.indicator("\"", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn write_escape(&mut self, c: char) {
        let short = match c {
            '\0' => "0",
            '\u{7}' => "a",
            '\u{8}' => "b",
            '\t' => "t",
            '\n' => "n",
            '\u{b}' => "v",
            '\u{c}' => "f",
            '\r' => "r",
            '\u{1b}' => "e",
            '"' => "\"",
            '\\' => "\\",
            '\u{85}' => "N",
            '\u{a0}' => "_",
            '\u{2028}' => "L",
            '\u{2029}' => "P",
            _ => "",
        };
        let code = u32::from(c);
        let escape = match code {
            _ if !short.is_empty() => short.to_owned(),
            0..=0xff => format!("x{code:02X}"),
            0x100..=0xffff => format!("u{code:04X}"),
            _ => format!("U{code:08X}"),
        };
        self.put('\\');
        escape.chars().for_each(|c| self.put(c));
    }

    fn write_literal(&mut self, text: &str) {
        self.indicator("|", true, false, false);
        if text.starts_with(|c| c == ' ' || is_break(c)) {
            self.indicator("2", false, false, false);
        }
        let mut back = text.chars().rev();
        let chomp = match (back.next().is_some_and(is_break), back.next()) {
            (false, _) => "-",
            (true, None) => "+",
            (true, Some(c)) if is_break(c) => "+",
            _ => "",
        };
        if !chomp.is_empty() {
            self.indicator(chomp, false, false, false);
        }
        self.put_break();
        self.indention = true;
        self.whitespace = true;
        let mut breaks = true;
        for c in text.chars() {
            if is_break(c) {
                self.write_break(c);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                self.put(c);
                self.indention = false;
                breaks = false;
            }
        }
    }

    fn increase_indent(&mut self, flow: bool, indentless: bool) {
        self.indent = match self.indent {
            None if flow => Some(BEST_INDENT),
            None => Some(0),
            Some(indent) if indentless => Some(indent),
            Some(indent) => Some(indent + BEST_INDENT),
        };
    }

    fn write_indent(&mut self) {
        let indent = self.indent.unwrap_or(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.indention = true;
    }

    fn indicator(&mut self, text: &str, need_space: bool, is_space: bool, is_indention: bool) {
        if need_space && !self.whitespace {
            self.put(' ');
        }
        text.chars().for_each(|c| self.put(c));
        self.whitespace = is_space;
        self.indention = self.indention && is_indention;
    }

    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    fn put_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
        if self.order == Order::V3 {
            self.indention = true;
        }
    }

    fn write_break(&mut self, c: char) {
        self.out.push(c);
        self.column = 0;
        if self.order == Order::V3 {
            self.indention = true;
        }
    }
}

fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether a text is nothing but letters, digits and what joins them: most keys and many values are, and nothing
/// has to be found out about where they may be folded or must be quoted.
fn is_name(text: &str) -> bool {
    text.bytes()
        .next()
        .is_some_and(|b| b.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/'))
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// What go-yaml writes as it is; nothing beyond the basic plane is.
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
        && c != '\u{feff}'
}

fn analyze(text: &str, order: Order) -> Analysis {
    let indicator_start = text.starts_with("---") || text.starts_with("...");
    let (mut block_indicators, mut special, mut tabs) = (indicator_start, false, false);
    let (mut edge_blank, mut trailing_space) = (false, false);
    let (mut break_space, mut space_break, mut line_breaks) = (false, false, false);
    let (mut previous_space, mut previous_break) = (false, false);
    let mut preceded_by_space = true;
    let mut chars = text.chars().peekable();
    let mut first = true;
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        let followed_by_space = next.is_none_or(is_blank);
        block_indicators |= match c {
            '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%'
            | '@' | '`'
                if first =>
            {
                true
            }
            '?' | '-' if first => followed_by_space,
            ':' => followed_by_space,
            '#' => preceded_by_space,
            _ => false,
        };
        if c == '\t' && order == Order::V3 {
            tabs = true;
        } else if !is_printable(c) {
            special = true;
        }
        if c == ' ' {
            edge_blank |= first || next.is_none();
            trailing_space |= next.is_none();
            break_space |= previous_break;
            (previous_space, previous_break) = (true, false);
        } else if is_break(c) {
            line_breaks = true;
            edge_blank |= first || next.is_none();
            space_break |= previous_space;
            (previous_space, previous_break) = (false, true);
        } else {
            (previous_space, previous_break) = (false, false);
        }
        preceded_by_space = is_blank(c) || is_break(c) || c == '\0';
        first = false;
    }
    let unfit = space_break || special;
    Analysis {
        multiline: line_breaks,
        plain: !(edge_blank || break_space || unfit || tabs || line_breaks || block_indicators),
        single: !(break_space || unfit || tabs),
        block: !(text.is_empty() || trailing_space || unfit),
    }
}

/// What becomes of U+0085 in Go's detour over JSON text: YAML takes it for a line break within the
/// quoted string, and folds it as such, the spaces around it included.
fn fold_next_lines(text: &str) -> String {
    let pieces: Vec<&str> = text.split('\u{85}').collect();
    let last = pieces.len() - 1;
    let mut folded = String::with_capacity(text.len());
    let mut breaks = 0;
    for (i, piece) in pieces.into_iter().enumerate() {
        let piece = if i > 0 {
            piece.trim_start_matches(' ')
        } else {
            piece
        };
        let piece = if i < last {
            piece.trim_end_matches(' ')
        } else {
            piece
        };
        if i == last || !piece.is_empty() {
            match breaks {
                0 => {}
                1 => folded.push(' '),
                more => folded.extend(std::iter::repeat_n('\n', more - 1)),
            }
            breaks = 0;
        }
        folded.push_str(piece);
        breaks += 1;
    }
    folded
}
