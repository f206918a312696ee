//! JSONPath templates as kubectl has them (client-go's `util/jsonpath`): `{.image.tag}`,
//! `{range .jobs[*]}{.name}{"\n"}{end}`, `{.jobs[?(@.name=="a")].class}`.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::yaml::{Value, format_g, go_json};

/// How deep actions may be nested in filters and unions.
const MAX_DEPTH: usize = 64;

/// Why a template can't be read or finds nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is no template.
    #[error("at character {at}: {message}")]
    Syntax {
        /// Where, from 1.
        at: usize,
        /// What is wrong.
        message: String,
    },
    /// What it asks for isn't in the data.
    #[error("{0}")]
    Missing(String),
}

/// A template, parsed.
#[derive(Debug)]
pub struct Template(Vec<Part>);

#[derive(Debug)]
enum Part {
    Text(String),
    Path(Vec<Step>),
    /// The parts once for each value of the path.
    Range(Vec<Step>, Vec<Part>),
}

#[derive(Debug)]
enum Step {
    /// A value of its own, whatever was found before.
    Value(Value),
    Field(String),
    Slice {
        from: Option<i64>,
        to: Option<i64>,
        step: Option<i64>,
    },
    /// One element; counted from the end where negative.
    Index(i64),
    Wildcard,
    Recursive,
    Union(Vec<Vec<Step>>),
    Exists(Vec<Step>),
    Compare(Vec<Step>, Operator, Vec<Step>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// [`Error::Syntax`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut parser = Parser {
            text: text.chars().collect(),
            at: 0,
            depth: 0,
        };
        let (parts, ended) = parser.parts()?;
        if ended {
            return Err(parser.fail("there is an end, and no range before it"));
        }
        Ok(Template(parts))
    }

    /// The text that it makes of data.
    ///
    /// # Errors
    /// [`Error::Missing`].
    pub fn render(&self, data: &Value) -> Result<String, Error> {
        let mut out = String::new();
        write(&self.0, data, &mut out)?;
        Ok(out)
    }
}

fn write(parts: &[Part], data: &Value, out: &mut String) -> Result<(), Error> {
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Path(steps) => {
                let found = walk(vec![Cow::Borrowed(data)], steps)?;
                let texts: Vec<String> = found.iter().map(|value| printed(value)).collect();
                out.push_str(&texts.join(" "));
            }
            Part::Range(steps, inner) => {
                for value in walk(vec![Cow::Borrowed(data)], steps)? {
                    write(inner, &value, out)?;
                }
            }
        }
    }
    Ok(())
}

/// A value as kubectl prints it: as Go's fmt does; lists and maps as JSON.
fn printed(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(n) => n.as_f64().map_or_else(|| n.to_string(), format_g),
        Value::Bool(b) => b.to_string(),
        Value::Array(_) | Value::Object(_) => go_json(value),
    }
}

type Found<'v> = Vec<Cow<'v, Value>>;

fn walk<'v>(mut values: Found<'v>, steps: &[Step]) -> Result<Found<'v>, Error> {
    for step in steps {
        values = next(values, step)?;
    }
    Ok(values)
}

/// What one step makes of all values so far.
fn next<'v>(values: Found<'v>, step: &Step) -> Result<Found<'v>, Error> {
    let mut found = Vec::new();
    match step {
        Step::Value(value) => found.push(Cow::Owned(value.clone())),
        Step::Field(name) => {
            let any = !values.is_empty();
            for value in values {
                found.extend(inner(value, |v| v.get(name).into_iter().collect()));
            }
            if any && found.is_empty() {
                return Err(Error::Missing(format!("{name} is not found")));
            }
        }
        Step::Index(at) => {
            for value in values.into_iter().filter(|v| !v.is_null()) {
                let len = list(&value)?.len();
                let place = usize::try_from(if *at < 0 { at + len as i64 } else { *at });
                let place = place.ok().filter(|place| *place < len).ok_or_else(|| {
                    Error::Missing(format!("index {at} is not in a list of {len}"))
                })?;
                found.extend(inner(value, |v| v.get(place).into_iter().collect()));
            }
        }
        Step::Slice { from, to, step } => {
            for value in values.into_iter().filter(|v| !v.is_null()) {
                let places = places(*from, *to, *step, list(&value)?.len())?;
                found.extend(inner(value, |v| {
                    places.iter().filter_map(|at| v.get(*at)).collect()
                }));
            }
        }
        Step::Wildcard => {
            for value in values {
                found.extend(inner(value, children));
            }
        }
        Step::Recursive => {
            for value in values {
                found.extend(inner(value, |v| {
                    let mut all = Vec::new();
                    descend(v, &mut all);
                    all
                }));
            }
        }
        Step::Union(paths) => {
            for path in paths {
                found.extend(walk(values.clone(), path)?);
            }
        }
        Step::Exists(path) => {
            for value in values {
                list(&value)?;
                found.extend(chosen(value, |item| {
                    Ok(walk(vec![Cow::Borrowed(item)], path).is_ok_and(|f| !f.is_empty()))
                })?);
            }
        }
        Step::Compare(left, operator, right) => {
            for value in values {
                list(&value)?;
                found.extend(chosen(value, |item| {
                    let one = |path| -> Result<Option<Value>, Error> {
                        let mut found = walk(vec![Cow::Borrowed(item)], path)?;
                        match found.len() {
                            0 | 1 => Ok(found.pop().map(Cow::into_owned)),
                            _ => Err(Error::Missing(
                                "a filter compares one value with one".to_owned(),
                            )),
                        }
                    };
                    Ok(match (one(left)?, one(right)?) {
                        (Some(left), Some(right)) => compare(&left, *operator, &right),
                        _ => false,
                    })
                })?);
            }
        }
    }
    Ok(found)
}

/// Parts of a value: borrowed where it is.
fn inner<'v>(value: Cow<'v, Value>, of: impl FnOnce(&Value) -> Vec<&Value>) -> Found<'v> {
    match value {
        Cow::Borrowed(value) => of(value).into_iter().map(Cow::Borrowed).collect(),
        Cow::Owned(value) => of(&value).into_iter().cloned().map(Cow::Owned).collect(),
    }
}

/// The items of a list that a test lets through.
fn chosen<'v>(
    value: Cow<'v, Value>,
    mut test: impl FnMut(&Value) -> Result<bool, Error>,
) -> Result<Found<'v>, Error> {
    let mut failed = None;
    let found = inner(value, |v| {
        let mut kept = Vec::new();
        for item in v.as_array().into_iter().flatten() {
            match test(item) {
                Ok(true) => kept.push(item),
                Ok(false) => {}
                Err(e) => {
                    failed = Some(e);
                    break;
                }
            }
        }
        kept
    });
    failed.map_or(Ok(found), Err)
}

fn list(value: &Value) -> Result<&Vec<Value>, Error> {
    value
        .as_array()
        .ok_or_else(|| Error::Missing(format!("{} is not a list", shorten(&printed(value)))))
}

fn shorten(text: &str) -> String {
    let start: String = text.chars().take(40).collect();
    if start.len() < text.len() {
        format!("{start}…")
    } else {
        start
    }
}

/// The values in a list or map, of a map in the order of their keys.
fn children(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            entries.into_iter().map(|(_, value)| value).collect()
        }
        _ => Vec::new(),
    }
}

/// The value and all lists and maps below it that hold something.
fn descend<'v>(value: &'v Value, all: &mut Vec<&'v Value>) {
    let below = children(value);
    if !below.is_empty() {
        all.push(value);
        for child in below {
            descend(child, all);
        }
    }
}

/// Which places of a list a slice takes.
fn places(
    from: Option<i64>,
    to: Option<i64>,
    step: Option<i64>,
    len: usize,
) -> Result<Vec<usize>, Error> {
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    let counted = |at: i64| if at < 0 { at.saturating_add(len) } else { at };
    let (from, to) = (from.map_or(0, counted), to.map_or(len, counted));
    if from == to {
        return Ok(Vec::new());
    }
    if from < 0 || from >= len || to < 0 || to > len || from > to {
        return Err(Error::Missing(format!(
            "a slice from {from} to {to} is not in a list of {len}"
        )));
    }
    let step = usize::try_from(step.unwrap_or(1)).unwrap_or(0);
    if step == 0 {
        return Err(Error::Missing("a slice's step must be above 0".to_owned()));
    }
    let whole = usize::try_from(from).unwrap_or(0)..usize::try_from(to).unwrap_or(0);
    Ok(whole.step_by(step).collect())
}

/// Values of one kind compare; of different kinds they are never equal.
fn compare(left: &Value, operator: Operator, right: &Value) -> bool {
    let order = match (left, right) {
        (Value::Number(a), Value::Number(b)) => a
            .as_f64()
            .zip(b.as_f64())
            .and_then(|(a, b)| a.partial_cmp(&b)),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (a, b) if a == b => Some(Ordering::Equal),
        _ => None,
    };
    match operator {
        Operator::Equal => order == Some(Ordering::Equal),
        Operator::NotEqual => order != Some(Ordering::Equal),
        Operator::Less => order == Some(Ordering::Less),
        Operator::LessEqual => order.is_some_and(Ordering::is_le),
        Operator::Greater => order == Some(Ordering::Greater),
        Operator::GreaterEqual => order.is_some_and(Ordering::is_ge),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn render(template: &str) -> Result<String, Error> {
        let data = json!({
            "name": "orders", "port": 8081.0, "big": 1e6, "on": true, "nothing": null,
            "jobs": [{"name": "a", "n": 1.0}, {"name": "b", "n": 2.0, "x": {"y": "z"}}, {"name": "c", "n": 3.0}],
            "a.b": {"c": "dotted"}, "list": ["p", "q", "r", "s"],
        });
        Template::parse(template)?.render(&data)
    }

    #[test]
    fn paths_find_values() {
        let cases = [
            ("{.name}", "orders"),
            ("n={.name} p={.port}", "n=orders p=8081"),
            ("{.big} {.on} {.nothing}", "1e+06 true null"),
            ("{$.jobs[1].x}", "{\"y\":\"z\"}"),
            ("{.jobs[*].name}", "a b c"),
            ("{.jobs[-1].name}", "c"),
            ("{.list[1:3]}", "q r"),
            ("{.list[::2]}", "p r"),
            ("{.list[0,2]}", "p r"),
            ("{['name','port']}", "orders 8081"),
            ("{.a\\.b.c}", "dotted"),
            ("{['a\\.b'].c}", "dotted"),
            ("{.jobs[?(@.name==\"b\")].n}", "2"),
            ("{.jobs[?(@.n>=2)].name}", "b c"),
            ("{.jobs[?(@.x)].name}", "b"),
            ("{..y}", "z"),
            (
                "{range .jobs[*]}{.name}:{.n}{\"\\n\"}{end}.",
                "a:1\nb:2\nc:3\n.",
            ),
            ("{range .list[1:1]}x{end}y", "y"),
        ];
        for (template, want) in cases {
            assert_eq!(render(template).as_deref(), Ok(want), "{template}");
        }
    }

    #[test]
    fn mistakes_are_told() {
        for bad in [
            "{",
            "{.a",
            "{end}",
            "{x}",
            "{.jobs[}",
            "{.jobs[x]}",
            "{\"a}",
            "{.jobs[?(@.n==1]}",
            "{....a}",
            "{.jobs[?(@.n=1)]}",
            "{#}",
            "{.list[1:2:3:4]}",
        ] {
            assert!(
                matches!(render(bad), Err(Error::Syntax { .. })),
                "{bad}: {:?}",
                render(bad)
            );
        }
        for missing in [
            "{.x}",
            "{.name.x}",
            "{.list[9]}",
            "{.name[0]}",
            "{.list[3:1]}",
            "{.list[::0]}",
        ] {
            assert!(
                matches!(render(missing), Err(Error::Missing(_))),
                "{missing}: {:?}",
                render(missing)
            );
        }
        let deep = "{range .list}".repeat(10_000);
        assert!(render(&deep).is_err());
    }
}
