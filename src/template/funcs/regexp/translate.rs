//! From Go's syntax of expressions to that of the `regex` crate.
//!
//! The two differ where a translation could go unnoticed: `\d`, `\s`, `\w` and `\b` are ASCII in
//! Go, a `{` that begins no count is literal, `[` in a class is literal, repetitions don't stack.

use super::Error;
use super::class;

/// Go's bound on a count in braces.
const MAX_REPEAT: u32 = 1000;
/// Go's bound on nesting.
const MAX_DEPTH: usize = 1000;

/// Translates an expression; the names of its groups come with it.
pub(super) fn translate(expression: &str) -> Result<(String, Vec<String>), Error> {
    let mut translator = Translator {
        whole: expression,
        rest: expression,
        out: String::with_capacity(expression.len() + 16),
        names: Vec::new(),
        open: Vec::new(),
        repeatable: false,
        repeat: None,
    };
    while !translator.rest.is_empty() {
        translator.step()?;
    }
    if !translator.open.is_empty() {
        return Err(Error::new("missing closing )", expression));
    }
    Ok((translator.out, translator.names))
}

struct Translator<'e> {
    whole: &'e str,
    rest: &'e str,
    out: String,
    names: Vec<String>,
    open: Vec<()>,
    /// Whether something stands before that can be repeated.
    repeatable: bool,
    /// The text from the last repetition on, if it was the last thing.
    repeat: Option<&'e str>,
}

impl<'e> Translator<'e> {
    fn step(&mut self) -> Result<(), Error> {
        let last_repeat = self.repeat.take();
        let Some(c) = self.rest.chars().next() else {
            return Ok(());
        };
        match c {
            '(' => return self.group(),
            ')' => {
                if self.open.pop().is_none() {
                    return Err(Error::new("unexpected )", self.whole));
                }
                self.emit(")", 1);
                self.repeatable = true;
            }
            '|' => {
                self.emit("|", 1);
                self.repeatable = false;
            }
            '*' | '+' | '?' => return self.repetition(last_repeat, 1),
            '{' => match count(self.rest) {
                None => self.literal('{'),
                Some((low, high, length)) => {
                    let text = self.rest.get(..length).unwrap_or(self.rest);
                    let too_many = |n: Option<u32>| n.is_none_or(|n| n > MAX_REPEAT);
                    if too_many(low) || high.is_some_and(|high| too_many(high) || high < low) {
                        return Err(Error::new("invalid repeat count", text));
                    }
                    return self.repetition(last_repeat, length);
                }
            },
            '[' => {
                let (class, length) = class::bracketed(self.rest)?;
                self.emit(&class, length);
                self.repeatable = true;
            }
            '\\' => return self.escape(),
            '.' | '^' | '$' => {
                let text = self.rest.get(..1).unwrap_or_default();
                self.emit(text, 1);
                self.repeatable = true;
            }
            c => self.literal(c),
        }
        Ok(())
    }

    fn emit(&mut self, text: &str, length: usize) {
        self.out.push_str(text);
        self.rest = self.rest.get(length..).unwrap_or_default();
    }

    fn literal(&mut self, c: char) {
        push_literal(&mut self.out, c);
        self.rest = self.rest.get(c.len_utf8()..).unwrap_or_default();
        self.repeatable = true;
    }

    fn repetition(&mut self, last: Option<&'e str>, length: usize) -> Result<(), Error> {
        let start = self.rest;
        let lazy = start
            .get(length..)
            .is_some_and(|after| after.starts_with('?'));
        let length = length + usize::from(lazy);
        let text = start.get(..length).unwrap_or(start);
        if !self.repeatable {
            return Err(Error::new("missing argument to repetition operator", text));
        }
        if let Some(last) = last {
            let both = last
                .get(..last.len() - start.len() + length)
                .unwrap_or(last);
            return Err(Error::new("invalid nested repetition operator", both));
        }
        self.emit(text, length);
        self.repeat = Some(start);
        Ok(())
    }

    fn group(&mut self) -> Result<(), Error> {
        if self.open.len() >= MAX_DEPTH {
            return Err(Error::new("expression nests too deeply", self.whole));
        }
        let start = self.rest;
        let Some(after) = start.strip_prefix("(?") else {
            self.names.push(String::new());
            self.open.push(());
            self.emit("(", 1);
            self.repeatable = false;
            return Ok(());
        };
        if let Some(name) = after.strip_prefix("P<").or_else(|| after.strip_prefix('<')) {
            return self.named_group(name);
        }
        let (mut negative, mut any) = (false, false);
        for (at, c) in after.char_indices() {
            let end = start.len() - after.len() + at + c.len_utf8();
            let text = start.get(..end).unwrap_or(start);
            match c {
                'i' | 'm' | 's' | 'U' => any = true,
                '-' if !negative => (negative, any) = (true, false),
                ':' | ')' if !negative || any => {
                    self.emit(text, end);
                    if c == ':' {
                        self.open.push(());
                        self.repeatable = false;
                    }
                    return Ok(());
                }
                _ => return Err(Error::new("invalid or unsupported Perl syntax", text)),
            }
        }
        Err(Error::new("missing closing )", start))
    }

    fn named_group(&mut self, after: &'e str) -> Result<(), Error> {
        let start = self.rest;
        let Some((name, _)) = after.split_once('>') else {
            return Err(Error::new("invalid named capture", start));
        };
        let length = start.len() - after.len() + name.len() + 1;
        let text = start.get(..length).unwrap_or(start);
        let valid = name.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric());
        if name.is_empty() || !valid {
            return Err(Error::new("invalid named capture", text));
        }
        if self.names.iter().any(|n| n == name) {
            return Err(Error::new("duplicate capture group name", name));
        }
        self.names.push(name.to_owned());
        self.open.push(());
        self.emit("(", length);
        self.repeatable = false;
        Ok(())
    }

    fn escape(&mut self) -> Result<(), Error> {
        let after = self.rest.get(1..).unwrap_or_default();
        match after.chars().next() {
            Some('Q') => {
                let text = after.get(1..).unwrap_or_default();
                let (quoted, length) = match text.split_once("\\E") {
                    Some((quoted, _)) => (quoted, quoted.len() + 4),
                    None => (text, text.len() + 2),
                };
                for c in quoted.chars() {
                    push_literal(&mut self.out, c);
                    self.repeatable = true;
                }
                self.emit("", length);
            }
            // an end of a quotation that never began is ignored
            Some('E') => self.emit("", 2),
            Some('A') => self.assertion("\\A"),
            Some('z') => self.assertion("\\z"),
            Some('b') => self.assertion("(?-u:\\b)"),
            // an ASCII \B could match inside a character; the crate allows it for bytes only
            Some('B') => self.assertion("\\B"),
            Some('C') => return Err(Error::new("invalid escape sequence", "\\C")),
            _ => {
                let (class, length) = match class::shorthand(self.rest)? {
                    Some((class, length)) => (format!("[{class}]"), length),
                    None => {
                        let (c, length) = class::escaped(self.rest)?;
                        let mut literal = String::new();
                        push_literal(&mut literal, c);
                        (literal, length)
                    }
                };
                self.emit(&class, length);
                self.repeatable = true;
            }
        }
        Ok(())
    }

    fn assertion(&mut self, text: &str) {
        self.emit(text, 2);
        self.repeatable = true;
    }
}

/// A character that means itself.
pub(super) fn push_literal(out: &mut String, c: char) {
    if c.is_alphanumeric() {
        out.push(c);
    } else {
        out.push_str(&format!("\\x{{{:x}}}", u32::from(c)));
    }
}

/// A count in braces: low, high if there is a comma (its number if there is one), and the length.
/// A number that is too large to hold is `None`.
type Count = (Option<u32>, Option<Option<u32>>, usize);

fn count(text: &str) -> Option<Count> {
    let (inner, _) = text.strip_prefix('{')?.split_once('}')?;
    let (low, high) = inner
        .split_once(',')
        .map_or((inner, None), |(l, h)| (l, Some(h)));
    let digits = |text: &str| {
        let plain = text.bytes().all(|b| b.is_ascii_digit());
        // no leading zeros, as in Go
        plain && !text.is_empty() && (text.len() == 1 || !text.starts_with('0'))
    };
    if !digits(low) || !high.is_none_or(|high| high.is_empty() || digits(high)) {
        return None;
    }
    let high = high
        .filter(|high| !high.is_empty())
        .map(|high| high.parse().ok());
    Some((low.parse().ok(), high, inner.len() + 2))
}
