//! From a template's output to documents and hooks.

use super::order::install_key;
use super::{Document, Error, Hook};
use crate::template::suggest::did_you_mean;
use crate::yaml::{self, Value};

/// The annotation that makes a hook of a document.
const HOOK: &str = "helm.sh/hook";
const HOOK_WEIGHT: &str = "helm.sh/hook-weight";
const HOOK_DELETE_POLICY: &str = "helm.sh/hook-delete-policy";
const HOOK_LOG_POLICY: &str = "helm.sh/hook-output-log-policy";

/// The events that a hook may name; `test-success` is the old name of `test`.
const EVENTS: [&str; 10] = [
    "pre-install",
    "post-install",
    "pre-delete",
    "post-delete",
    "pre-upgrade",
    "post-upgrade",
    "pre-rollback",
    "post-rollback",
    "test",
    "test-success",
];

/// The documents and hooks of one template's output, in its order.
pub(super) fn read(
    source: &str,
    output: &str,
    documents: &mut Vec<Document>,
    hooks: &mut Vec<Hook>,
) -> Result<(), Error> {
    for document in pieces(source, output)? {
        match annotation(&document.object, HOOK) {
            Some(events) => hooks.push(hook(events.to_owned(), document)?),
            None => documents.push(document),
        }
    }
    Ok(())
}

/// The documents of one template's output, hooks among them.
pub(super) fn pieces(source: &str, output: &str) -> Result<Vec<Document>, Error> {
    let mut found = Vec::new();
    for (first_line, text) in split(output) {
        let object = parse(source, first_line, output, text)?;
        found.push(Document {
            source: source.to_owned(),
            text: text.to_owned(),
            // A document of comments alone is no object, but Helm's manifest has it.
            object: object.unwrap_or_default(),
        });
    }
    Ok(found)
}

/// Splits at `---` at the start of a line, as Helm 4.3.1 does (`(?m)^---[ \t]*`): text may follow the
/// separator in its line. Each piece comes with its first line, from 1, and ends as it was written.
fn split(text: &str) -> Vec<(usize, &str)> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if let Some(rest) = line.strip_prefix("---") {
            pieces.push((start, at));
            start = at + line.len() - rest.trim_start_matches([' ', '\t']).len();
        }
        at += line.len();
    }
    pieces.push((start, at));
    let mut found = Vec::new();
    for (start, end) in pieces {
        let piece = text.get(start..end).unwrap_or_default();
        let trimmed = piece.trim_start();
        if !trimmed.is_empty() {
            let begins = end - trimmed.len();
            let line = text.get(..begins).unwrap_or_default().matches('\n').count() + 1;
            found.push((line, trimmed));
        }
    }
    found
}

fn parse(
    source: &str,
    first_line: usize,
    output: &str,
    text: &str,
) -> Result<Option<Value>, Error> {
    let object = yaml::parse(text).map_err(|e| {
        let line = first_line + e.line.saturating_sub(1);
        Error::Yaml {
            file: source.to_owned(),
            line,
            cause: e.cause.to_string(),
            excerpt: excerpt(output, line, 2, 2),
        }
    })?;
    let fail = |reason: &str| {
        Err(Error::Object {
            file: source.to_owned(),
            line: first_line,
            reason: reason.to_owned(),
            excerpt: excerpt(output, first_line, 0, 3),
        })
    };
    let map = match &object {
        Value::Null => return Ok(None),
        Value::Object(map) => map,
        _ => return fail("is not a map"),
    };
    let text_of =
        |value: Option<&Value>| value.and_then(Value::as_str).is_some_and(|s| !s.is_empty());
    if !text_of(map.get("apiVersion")) {
        return fail("has no apiVersion");
    }
    if !text_of(map.get("kind")) {
        return fail("has no kind");
    }
    let is_list = map
        .get("kind")
        .and_then(Value::as_str)
        .is_some_and(|k| k.ends_with("List"))
        && map.get("items").is_some_and(Value::is_array);
    let metadata = map.get("metadata");
    let named = text_of(metadata.and_then(|m| m.get("name")))
        || text_of(metadata.and_then(|m| m.get("generateName")));
    if !named && !is_list {
        // `name: on` is a boolean in YAML 1.1.
        return match metadata.and_then(|m| m.get("name")) {
            Some(Value::Bool(_) | Value::Number(_)) => {
                fail("has a metadata.name that is no text: quote it")
            }
            _ => fail("has no metadata.name"),
        };
    }
    Ok(Some(object))
}

/// Lines of an output around one, with their numbers.
fn excerpt(output: &str, line: usize, before: usize, after: usize) -> String {
    let first = line.saturating_sub(before).max(1);
    output
        .lines()
        .enumerate()
        .skip(first - 1)
        .take(line + after + 1 - first)
        .map(|(at, text)| {
            let number = at + 1;
            let mark = if number == line { '>' } else { ' ' };
            let shown: String = text.chars().take(160).collect();
            format!("{mark}{number:>5} | {shown}")
        })
        .collect::<Vec<_>>()
        .join("\n")
}

fn annotation<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object
        .get("metadata")?
        .get("annotations")?
        .get(name)?
        .as_str()
}

fn list(object: &Value, name: &str) -> Vec<String> {
    let text = annotation(object, name).unwrap_or_default();
    text.split(',')
        .map(|p| p.trim().to_lowercase())
        .filter(|p| !p.is_empty())
        .collect()
}

fn hook(events: String, document: Document) -> Result<Hook, Error> {
    let mut known = Vec::new();
    for event in events.split(',') {
        let event = event.trim().to_lowercase();
        if !EVENTS.contains(&event.as_str()) {
            return Err(Error::Hook {
                file: document.source.clone(),
                kind: document.kind().to_owned(),
                name: document.name().to_owned(),
                hint: did_you_mean(&event, EVENTS.iter().copied()),
                event,
            });
        }
        known.push(if event == "test-success" {
            "test".to_owned()
        } else {
            event
        });
    }
    let weight = annotation(&document.object, HOOK_WEIGHT);
    Ok(Hook {
        events: known,
        weight: weight.and_then(|w| w.trim().parse().ok()).unwrap_or(0),
        delete_policies: list(&document.object, HOOK_DELETE_POLICY),
        output_log_policies: list(&document.object, HOOK_LOG_POLICY),
        document,
    })
}

/// Sorts documents as Helm installs them; equal kinds stay in the order of their templates.
pub(super) fn sort_documents(documents: &mut [Document]) {
    documents.sort_by(|a, b| install_key(a.kind()).cmp(&install_key(b.kind())));
}

/// Sorts hooks by kind, as Helm records and prints them.
pub(super) fn sort_hooks(hooks: &mut [Hook]) {
    hooks.sort_by(|a, b| install_key(a.document.kind()).cmp(&install_key(b.document.kind())));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitting_follows_helm() {
        let text = "\n---\n# one\na: 1\n---  \n\n--- b: 2\n---c: 3\nd: |\n  ---\n  x\n";
        assert_eq!(
            split(text),
            [
                (3, "# one\na: 1\n"),
                (7, "b: 2\n"),
                (8, "c: 3\nd: |\n  ---\n  x\n")
            ]
        );
    }

    #[test]
    fn lines_of_errors_count_from_the_start_of_the_output() {
        let output = "apiVersion: v1\nkind: A\nmetadata: {name: x}\n---\napiVersion: v1\nkind: [\n";
        let error = read("c/templates/a.yaml", output, &mut vec![], &mut vec![]).unwrap_err();
        let Error::Yaml { line, excerpt, .. } = error else {
            panic!("{error}")
        };
        assert!(line >= 6, "{line}");
        assert!(excerpt.contains("    6 | kind: ["), "{excerpt}");
    }
}
