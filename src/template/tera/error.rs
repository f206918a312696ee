//! Tera's errors as ours: every place on the way, and what was perhaps meant.

use std::collections::BTreeMap;

use ::tera::value::Key;
use ::tera::{Context, ErrorKind};

use crate::template::suggest::nearest;
use crate::template::{Error, Place};

/// The names that exist besides Tera's own, for suggestions.
#[derive(Debug, Default)]
pub struct Names {
    /// Our filters.
    pub filters: Vec<&'static str>,
    /// Our functions.
    pub functions: Vec<&'static str>,
}

const TERA_FILTERS: [&str; 37] = [
    "safe",
    "default",
    "upper",
    "lower",
    "wordcount",
    "escape",
    "escape_html",
    "escape_xml",
    "newlines_to_br",
    "pluralize",
    "trim",
    "trim_start",
    "trim_end",
    "replace",
    "capitalize",
    "title",
    "truncate",
    "indent",
    "str",
    "int",
    "float",
    "length",
    "reverse",
    "split",
    "abs",
    "round",
    "first",
    "last",
    "nth",
    "join",
    "sort",
    "unique",
    "get",
    "values",
    "keys",
    "pairs",
    "group_by",
];
const TERA_TESTS: [&str; 17] = [
    "string",
    "number",
    "map",
    "bool",
    "array",
    "integer",
    "float",
    "none",
    "iterable",
    "defined",
    "undefined",
    "odd",
    "even",
    "divisible_by",
    "starting_with",
    "ending_with",
    "containing",
];
const TERA_FUNCTIONS: [&str; 3] = ["range", "throw", "super"];
const OBJECTS: [&str; 5] = ["values", "release", "chart", "capabilities", "template"];

/// Makes our error of Tera's. `file` is the template that was rendered; `sources` are the texts of
/// all of them by name; `context` is what they see.
pub(super) fn translate(
    file: &str,
    error: &::tera::Error,
    sources: &BTreeMap<String, String>,
    names: &Names,
    context: &Context,
) -> Error {
    let text = error.to_string();
    let (message, mut places) = match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => {
            let span = report.span();
            let width = if span.end_line == span.start_line {
                span.end_col.saturating_sub(span.start_col)
            } else {
                1
            };
            let first = place(
                sources,
                report.filename(),
                span.start_line,
                span.start_col + 1,
                width,
            );
            (report.message().to_owned(), vec![first])
        }
        ErrorKind::Io(_) => ("the output is larger than 64 MiB".to_owned(), Vec::new()),
        _ => match first_report(&text) {
            Some((message, name, line, column)) => {
                let width = backticked(message).map_or(1, |n| n.chars().count());
                (
                    message.to_owned(),
                    vec![place(sources, name, line, column, width)],
                )
            }
            None => (text.clone(), Vec::new()),
        },
    };
    for note in text
        .lines()
        .filter_map(|l| l.strip_prefix("note: called from "))
    {
        if let Some((name, line, column)) = location(note) {
            places.push(place(sources, name, line, column, 1));
        }
    }
    // Tera lists all that exists behind these; the hints say it shorter.
    let message = message
        .split(" Available fields:")
        .next()
        .and_then(|m| m.split(" Available variables:").next())
        .unwrap_or_default()
        .trim_end_matches('.')
        .to_owned();
    let unset = message.starts_with("Field ")
        || message.starts_with("Variable ")
        || message.contains("`undefined`")
        || message.contains("that is undefined")
        || message.contains("the value is undefined")
        || message.contains("an undefined value");
    if unset
        && let Some(first) = places.first_mut()
        && let Some(path) = widen(first)
    {
        let hints = undefined(&path, context);
        let message = format!("`{path}` is not defined");
        return Error {
            file: file.to_owned(),
            places,
            message,
            hints,
        };
    }
    let hints = unknown(&message, sources, names);
    Error {
        file: file.to_owned(),
        places,
        message,
        hints,
    }
}

/// The dotted path that a place lies in, or, where it is a filter, that the filter is applied to; the
/// place is made to cover it.
fn widen(place: &mut Place) -> Option<String> {
    let line: Vec<char> = place.source_line.chars().collect();
    let of_path = |c: &&char| c.is_alphanumeric() || matches!(c, '_' | '.' | '?');
    let mut at = place.column.saturating_sub(1).min(line.len());
    let before: String = line.iter().take(at).collect();
    if let Some(input) = before.trim_end().strip_suffix('|') {
        at = input.trim_end().chars().count();
    }
    let back = line.iter().take(at).rev().take_while(of_path).count();
    let start = at - back;
    let path: String = line.iter().skip(start).take_while(of_path).collect();
    let path = path.trim_end_matches(['.', '?']).to_owned();
    let is_call = line.get(start + path.chars().count()) == Some(&'(');
    if is_call || !path.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return None;
    }
    place.column = start + 1;
    place.width = path.chars().count();
    Some(path.replace('?', ""))
}

/// What to try where a path leads nowhere: the nearest name at the place where it ends.
fn undefined(path: &str, context: &Context) -> Vec<String> {
    let mut hints = Vec::new();
    let mut parts = path.split('.');
    let root = parts.next().unwrap_or_default();
    let Some(mut at) = context.get(root) else {
        let lower = root.to_lowercase();
        let object = OBJECTS.into_iter().find(|o| *o == lower);
        if let Some(found) = object.or_else(|| nearest(root, OBJECTS)) {
            hints.push(format!("did you mean `{found}`?"));
        } else {
            hints.push(format!(
                "there are {}, what a component takes, and what is set",
                OBJECTS.join(", ")
            ));
        }
        return hints;
    };
    let mut walked = root.to_owned();
    for part in parts {
        let Some(map) = at.as_map() else { break };
        match map.get(&Key::from(part.to_owned())) {
            Some(next) => {
                at = next;
                walked = format!("{walked}.{part}");
            }
            None => {
                let keys: Vec<&str> = map.keys().filter_map(Key::as_str).collect();
                if let Some(found) = nearest(part, keys.iter().copied()) {
                    hints.push(format!("did you mean `{walked}.{found}`?"));
                } else if !keys.is_empty() {
                    let more = if keys.len() > 12 { ", …" } else { "" };
                    let shown: Vec<&str> = keys.into_iter().take(12).collect();
                    hints.push(format!("{walked} has: {}{more}", shown.join(", ")));
                }
                break;
            }
        }
    }
    if let Some(path) = path.strip_prefix("values.") {
        hints.push(format!(
            "set {path} in values.yaml, with -f or with --set {path}=…, or give it a default: | default(value=…)"
        ));
    }
    hints
}

fn place(
    sources: &BTreeMap<String, String>,
    file: &str,
    line: usize,
    column: usize,
    width: usize,
) -> Place {
    let source_line = sources
        .get(file)
        .and_then(|text| text.lines().nth(line.saturating_sub(1)))
        .unwrap_or_default()
        .to_owned();
    Place {
        file: file.to_owned(),
        line,
        column,
        width,
        source_line,
    }
}

/// The first of the reports that Tera joins into one text when it checks names.
fn first_report(text: &str) -> Option<(&str, &str, usize, usize)> {
    let mut lines = text.lines();
    let message = lines.next()?.strip_prefix("error: ")?;
    let (name, line, column) = location(lines.next()?.trim_start().strip_prefix("--> ")?)?;
    Some((message, name, line, column))
}

/// `file:line:column`.
fn location(text: &str) -> Option<(&str, usize, usize)> {
    let mut parts = text.rsplitn(3, ':');
    let column = parts.next()?.trim().parse().ok()?;
    let line = parts.next()?.parse().ok()?;
    Some((parts.next()?, line, column))
}

fn backticked(message: &str) -> Option<&str> {
    message.split('`').nth(1)
}

/// What to try where a filter, function, test or component doesn't exist.
fn unknown(message: &str, sources: &BTreeMap<String, String>, names: &Names) -> Vec<String> {
    let mut hints = Vec::new();
    let name = backticked(message).unwrap_or_default();
    let both = |tera: &'static [&'static str], ours: &[&'static str]| -> Vec<&'static str> {
        tera.iter().copied().chain(ours.iter().copied()).collect()
    };
    let found = if message.starts_with("Unknown filter") {
        if names.functions.contains(&name) {
            hints.push(format!("`{name}` is a function: {{{{ {name}(…) }}}}"));
        }
        nearest(name, both(&TERA_FILTERS, &names.filters))
    } else if message.starts_with("Unknown function") {
        if names.filters.contains(&name) || TERA_FILTERS.contains(&name) {
            hints.push(format!("`{name}` is a filter: {{{{ value | {name} }}}}"));
        }
        nearest(name, both(&TERA_FUNCTIONS, &names.functions))
    } else if message.starts_with("Unknown test") {
        nearest(name, TERA_TESTS)
    } else if message.starts_with("Unknown component") {
        nearest(name, components(sources))
    } else if message.starts_with("Unknown template") {
        let bases = sources.keys().filter_map(|s| s.split("/templates/").nth(1));
        nearest(name, bases)
    } else {
        None
    };
    hints.extend(found.map(|found| format!("did you mean `{found}`?")));
    hints
}

/// The names of the components in all templates.
fn components(sources: &BTreeMap<String, String>) -> Vec<&str> {
    let mut found = Vec::new();
    for text in sources.values() {
        for part in text.split("component ").skip(1) {
            let end = part
                .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.')))
                .unwrap_or(part.len());
            if let Some(name) = part.get(..end).filter(|n| !n.is_empty()) {
                found.push(name);
            }
        }
    }
    found
}
