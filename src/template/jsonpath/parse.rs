//! From a JSONPath template's text to its parts.

use super::{Error, Operator, Part, Step};
use crate::yaml::Value;

/// How deep actions may be nested in filters and unions.
const MAX_DEPTH: usize = 64;

/// The parts of a template.
///
/// # Errors
/// [`Error::Syntax`].
pub(super) fn template(text: &str) -> Result<Vec<Part>, Error> {
    let mut parser = Parser {
        text: text.chars().collect(),
        at: 0,
        depth: 0,
    };
    let (parts, ended) = parser.parts()?;
    if ended {
        return Err(parser.fail("there is an end, and no range before it"));
    }
    Ok(parts)
}

struct Parser {
    text: Vec<char>,
    at: usize,
    depth: usize,
}

/// What stands in braces.
enum Action {
    Path(Vec<Step>),
    Range(Vec<Step>),
    End,
}

impl Parser {
    fn fail(&self, message: impl Into<String>) -> Error {
        Error::Syntax {
            at: self.at + 1,
            message: message.into(),
        }
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, text: &str) -> bool {
        let fits = text
            .chars()
            .enumerate()
            .all(|(i, c)| self.text.get(self.at + i) == Some(&c));
        if fits {
            self.at += text.chars().count();
        }
        fits
    }

    /// The characters up to one that ends them.
    fn until(&mut self, ends: impl Fn(char) -> bool) -> String {
        let start = self.at;
        while self.peek().is_some_and(|c| !ends(c)) {
            self.at += 1;
        }
        self.text[start..self.at].iter().collect()
    }

    /// The parts up to an `end` or the end of the text; whether it was an `end`.
    fn parts(&mut self) -> Result<(Vec<Part>, bool), Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.fail("ranges are nested too deep"));
        }
        let mut parts = Vec::new();
        let mut ended = false;
        while self.peek().is_some() {
            let text = self.until(|c| c == '{');
            if !text.is_empty() {
                parts.push(Part::Text(text));
            }
            if !self.take("{") {
                break;
            }
            match self.action()? {
                Action::Path(steps) => parts.push(Part::Path(steps)),
                Action::Range(steps) => {
                    let (inner, _) = self.parts()?;
                    parts.push(Part::Range(steps, inner));
                }
                Action::End => {
                    ended = true;
                    break;
                }
            }
        }
        self.depth -= 1;
        Ok((parts, ended))
    }

    /// What stands behind an opening brace, and the closing one.
    fn action(&mut self) -> Result<Action, Error> {
        self.until(|c| c != ' ');
        let start = self.at;
        let word = self.until(|c| !c.is_alphanumeric());
        let action = match word.as_str() {
            "range" => Action::Range(self.steps(true)?),
            "end" => match self.steps(true)?.is_empty() {
                true => Action::End,
                false => return Err(self.fail("an end stands alone")),
            },
            _ => {
                self.at = start;
                Action::Path(self.steps(true)?)
            }
        };
        Ok(action)
    }

    /// The steps of a path, up to a closing brace where it stands in braces.
    fn steps(&mut self, in_braces: bool) -> Result<Vec<Step>, Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.fail("filters are nested too deep"));
        }
        let mut steps = Vec::new();
        loop {
            let Some(c) = self.peek() else {
                if in_braces {
                    return Err(self.fail("a brace is not closed"));
                }
                break;
            };
            match c {
                '}' if in_braces => {
                    self.at += 1;
                    break;
                }
                ' ' | '@' | '$' => self.at += 1,
                '[' => steps.extend(self.brackets()?),
                '"' | '\'' => {
                    let text = self.quoted(c)?;
                    steps.push(Step::Value(Value::String(text)));
                }
                '.' if self.take("..") => {
                    if matches!(steps.last(), Some(Step::Recursive)) {
                        return Err(self.fail("one .. follows another"));
                    }
                    steps.push(Step::Recursive);
                    if self.peek().is_some_and(|c| c == '_' || c.is_alphanumeric()) {
                        steps.push(self.field());
                    }
                }
                '.' => {
                    self.at += 1;
                    // A dot alone is the value itself.
                    if self.peek().is_some_and(|c| !ends_name(c)) {
                        steps.push(self.field());
                    }
                }
                '+' | '-' | '0'..='9' => steps.push(self.number()?),
                c if c == '_' || c.is_alphanumeric() => {
                    let word = self.until(ends_name);
                    match word.as_str() {
                        "true" => steps.push(Step::Value(Value::Bool(true))),
                        "false" => steps.push(Step::Value(Value::Bool(false))),
                        _ => {
                            return Err(self
                                .fail(format!("{word} is no keyword; a field begins with a dot")));
                        }
                    }
                }
                c => return Err(self.fail(format!("{c:?} is not expected"))),
            }
        }
        self.depth -= 1;
        Ok(steps)
    }

    fn field(&mut self) -> Step {
        let mut name = String::new();
        while let Some(c) = self.peek() {
            if c == '\\' {
                self.at += 1;
                name.extend(self.peek());
            } else if ends_name(c) {
                break;
            } else {
                name.push(c);
            }
            self.at += 1;
        }
        if name == "*" {
            Step::Wildcard
        } else {
            Step::Field(name)
        }
    }

    fn number(&mut self) -> Result<Step, Error> {
        let start = self.at;
        self.at += 1;
        self.until(|c| c != '.' && !c.is_ascii_digit());
        let text: String = self.text[start..self.at].iter().collect();
        let number = text.parse::<f64>().ok().map(Value::from);
        match number {
            Some(number) => Ok(Step::Value(number)),
            None => Err(self.fail(format!("{text} is no number"))),
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, Error> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let Some(c) = self.peek().filter(|c| *c != '\n') else {
                return Err(self.fail("a quote is not closed"));
            };
            self.at += 1;
            match c {
                c if c == quote => return Ok(text),
                '\\' => {
                    let escaped = self.peek();
                    self.at += 1;
                    text.push(match escaped {
                        Some('n') => '\n',
                        Some('t') => '\t',
                        Some('r') => '\r',
                        Some(c @ ('\\' | '"' | '\'')) => c,
                        _ => return Err(self.fail("this escape is not known")),
                    });
                }
                c => text.push(c),
            }
        }
    }

    /// An index, a slice, keys, several of them, or a filter.
    fn brackets(&mut self) -> Result<Vec<Step>, Error> {
        if self.take("[?(") {
            return Ok(vec![self.filter()?]);
        }
        self.at += 1;
        let inner = self.until(|c| matches!(c, ']' | '\n'));
        if !self.take("]") {
            return Err(self.fail("a bracket is not closed"));
        }
        let parts: Vec<&str> = inner.split(',').map(str::trim).collect();
        if let [one] = parts.as_slice() {
            return self.bracketed(one);
        }
        let paths: Result<Vec<Vec<Step>>, Error> =
            parts.into_iter().map(|part| self.bracketed(part)).collect();
        Ok(vec![Step::Union(paths?)])
    }

    fn bracketed(&self, text: &str) -> Result<Vec<Step>, Error> {
        if text == "*" {
            return Ok(vec![Step::Slice {
                from: None,
                to: None,
                step: None,
            }]);
        }
        let key = text.strip_prefix('\'').and_then(|t| t.strip_suffix('\''));
        if let Some(key) = key {
            // As if it were written with a dot.
            return self.nested(&format!(".{key}"));
        }
        let number = |text: &str| match text {
            "" => Ok(None),
            text => text.parse::<i64>().map(Some).map_err(|_| {
                self.fail(format!("[{text}] is neither a number nor a key in quotes"))
            }),
        };
        let mut parts = text.split(':');
        let from = number(parts.next().unwrap_or_default())?;
        let Some(to) = parts.next() else {
            return match from {
                Some(at) => Ok(vec![Step::Index(at)]),
                None => Err(self.fail("[] holds nothing")),
            };
        };
        let (to, step) = (number(to)?, number(parts.next().unwrap_or_default())?);
        if parts.next().is_some() {
            return Err(self.fail(format!("[{text}] has too many colons")));
        }
        Ok(vec![Step::Slice { from, to, step }])
    }

    /// The steps of a text within this one.
    fn nested(&self, text: &str) -> Result<Vec<Step>, Error> {
        let mut parser = Parser {
            text: text.chars().collect(),
            at: 0,
            depth: self.depth + 1,
        };
        parser.steps(false).map_err(|e| match e {
            Error::Syntax { message, .. } => self.fail(message),
            other => other,
        })
    }

    /// What stands behind `[?(`, up to its `)]`.
    fn filter(&mut self) -> Result<Step, Error> {
        let mut text = String::new();
        let mut quote = None;
        loop {
            let Some(c) = self.peek().filter(|c| *c != '\n') else {
                return Err(self.fail("a filter is not closed"));
            };
            self.at += 1;
            match quote {
                None if c == ')' => break,
                None if matches!(c, '"' | '\'') => quote = Some(c),
                Some(open) if c == open && !text.ends_with('\\') => quote = None,
                _ => {}
            }
            text.push(c);
        }
        if !self.take("]") {
            return Err(self.fail("a filter ends with )]"));
        }
        let operators = [
            ("==", Operator::Equal),
            ("!=", Operator::NotEqual),
            ("<=", Operator::LessEqual),
            (">=", Operator::GreaterEqual),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        let Some(at) = text.find(['=', '!', '<', '>']) else {
            return Ok(Step::Exists(self.nested(&text)?));
        };
        let (left, rest) = text.split_at(at);
        let known = operators
            .iter()
            .find_map(|(sign, operator)| Some((operator, rest.strip_prefix(sign)?)));
        let Some((operator, right)) = known else {
            return Err(self.fail(format!("{rest} begins with no operator that is known")));
        };
        Ok(Step::Compare(
            self.nested(left)?,
            *operator,
            self.nested(right)?,
        ))
    }
}

/// Whether a character ends the name of a field.
fn ends_name(c: char) -> bool {
    c.is_whitespace() || matches!(c, '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}')
}
