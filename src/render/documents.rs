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

/// What a render gathers from the outputs of its templates.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub documents: Vec<Document>,
    pub hooks: Vec<Hook>,
    /// What was left out, and why.
    pub warnings: Vec<String>,
}

impl Found {
    /// Adds what another template made.
    pub(super) fn append(&mut self, mut other: Found) {
        self.documents.append(&mut other.documents);
        self.hooks.append(&mut other.hooks);
        self.warnings.append(&mut other.warnings);
    }
}

/// The documents and hooks of one template's output, in its order.
///
/// Native templates must make whole objects and known hooks. Of others all is taken that Helm takes: it
/// looks at the types of a few fields only, and passes over hooks of events that it doesn't know (the
/// `crd-install` of old charts).
pub(super) fn read(source: &str, output: &str, found: &mut Found) -> Result<(), Error> {
    let native = source.ends_with(".tera");
    for document in pieces(source, output)? {
        let Some(events) = annotation(&document.object, HOOK) else {
            found.documents.push(document);
            continue;
        };
        match hook(&events, document) {
            Ok(hook) => found.hooks.push(hook),
            Err(error) if native => return Err(error),
            Err(error) => found
                .warnings
                .push(format!("{error}; Helm leaves it out, and so it is here")),
        }
    }
    Ok(())
}

/// The documents of one template's output, hooks among them.
pub(super) fn pieces(source: &str, output: &str) -> Result<Vec<Document>, Error> {
    let mut found = Vec::new();
    for (first_line, text) in split(output) {
        let document = Document {
            source: source.to_owned(),
            text: text.to_owned(),
            object: parse(source, first_line, output, text)?,
        };
        if source.ends_with(".tera") {
            document
                .check()
                .map_err(|reason| fault(source, first_line, output, &reason))?;
        }
        found.push(document);
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

/// Reads a document as far as Helm does: a map whose apiVersion, kind, name and annotations are texts, where
/// they are there. Comments alone are null: no object, but Helm's manifest has them.
fn parse(source: &str, first_line: usize, output: &str, text: &str) -> Result<Value, Error> {
    let object = yaml::parse(text).map_err(|e| {
        let line = first_line + e.line.saturating_sub(1);
        Error::Yaml {
            file: source.to_owned(),
            line,
            cause: e.cause.to_string(),
            excerpt: excerpt(output, line, 2, 2),
        }
    })?;
    let fail = |reason: &str| Err(fault(source, first_line, output, reason));
    // A single value is read as a text where a text is wanted: `name: 5`.
    let is_text = |value: Option<&Value>| value.is_none_or(|v| !v.is_array() && !v.is_object());
    let map = match &object {
        Value::Null => return Ok(object),
        Value::Object(map) => map,
        _ => return fail("is not a map"),
    };
    for key in ["apiVersion", "kind"] {
        if !is_text(map.get(key)) {
            return fail(&format!("has no text as its {key}"));
        }
    }
    let metadata = match map.get("metadata") {
        None | Some(Value::Null) => return Ok(object),
        Some(Value::Object(metadata)) => metadata,
        Some(_) => return fail("has metadata that is no map"),
    };
    if !is_text(metadata.get("name")) {
        return fail("has no text as its metadata.name");
    }
    match metadata.get("annotations") {
        None | Some(Value::Null) => {}
        Some(Value::Object(all)) => {
            if let Some((name, _)) = all.iter().find(|(_, value)| !is_text(Some(value))) {
                return fail(&format!("has no text as its annotation {name}"));
            }
        }
        Some(_) => return fail("has annotations that are no map"),
    }
    Ok(object)
}

fn fault(source: &str, first_line: usize, output: &str, reason: &str) -> Error {
    Error::Object {
        file: source.to_owned(),
        line: first_line,
        reason: reason.to_owned(),
        excerpt: excerpt(output, first_line, 0, 3),
    }
}

impl Document {
    /// Whether it is an object that a cluster can be given, or none at all (comments).
    ///
    /// # Errors
    /// What it lacks, as a predicate: `has no kind`.
    pub fn check(&self) -> Result<(), String> {
        let text_of =
            |value: Option<&Value>| value.and_then(Value::as_str).is_some_and(|s| !s.is_empty());
        let map = match &self.object {
            Value::Null => return Ok(()),
            Value::Object(map) => map,
            _ => return Err("is not a map".to_owned()),
        };
        for key in ["apiVersion", "kind"] {
            if !text_of(map.get(key)) {
                return Err(format!("has no {key}"));
            }
        }
        let is_list =
            self.kind().ends_with("List") && map.get("items").is_some_and(Value::is_array);
        let metadata = map.get("metadata");
        let named = text_of(metadata.and_then(|m| m.get("name")))
            || text_of(metadata.and_then(|m| m.get("generateName")));
        if named || is_list {
            return Ok(());
        }
        // `name: on` is a boolean in YAML 1.1.
        Err(match metadata.and_then(|m| m.get("name")) {
            Some(Value::Bool(_) | Value::Number(_)) => {
                "has a metadata.name that is no text: quote it"
            }
            _ => "has no metadata.name",
        }
        .to_owned())
    }
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

/// An annotation's text; a number or a boolean is read as one, as Helm does.
fn annotation(object: &Value, name: &str) -> Option<String> {
    match object.get("metadata")?.get("annotations")?.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Null => Some(String::new()),
        other => Some(other.to_string()),
    }
}

fn list(object: &Value, name: &str) -> Vec<String> {
    let text = annotation(object, name).unwrap_or_default();
    text.split(',')
        .map(|p| p.trim().to_lowercase())
        .filter(|p| !p.is_empty())
        .collect()
}

fn hook(events: &str, document: Document) -> Result<Hook, Error> {
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
        weight: weight.and_then(|w| w.parse().ok()).unwrap_or(0),
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

    fn of_helm(output: &str) -> Result<Found, Error> {
        let mut found = Found::default();
        read("c/templates/a.yaml", output, &mut found)?;
        Ok(found)
    }

    #[test]
    fn what_helm_takes_is_taken_and_checked_later() {
        let output =
            "a: 1\n---\nkind: 5\nmetadata: {name: on, annotations: {x: 2}}\n---\n# nothing\n";
        let documents = of_helm(output).unwrap().documents;
        let faults: Vec<_> = documents.iter().map(|d| d.check().err()).collect();
        assert_eq!(
            faults,
            [
                Some("has no apiVersion".to_owned()),
                Some("has no apiVersion".to_owned()),
                None
            ]
        );
        for bad in [
            "- a\n",
            "text\n",
            "kind: {a: b}\n",
            "metadata: x\n",
            "metadata: {annotations: {a: []}}\n",
        ] {
            assert!(of_helm(bad).is_err(), "{bad}");
        }
        let mut native = Found::default();
        assert!(read("c/templates/a.yaml.tera", "a: 1\n", &mut native).is_err());
    }

    #[test]
    fn hooks_of_unknown_events_are_left_out_as_helm_does() {
        let hook = |event: &str| {
            format!(
                "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  annotations:\n    helm.sh/hook: {event}\n    helm.sh/hook-weight: 5\n"
            )
        };
        let found = of_helm(&hook("crd-install")).unwrap();
        assert!(found.hooks.is_empty() && found.documents.is_empty());
        assert!(
            found.warnings[0].contains("crd-install"),
            "{:?}",
            found.warnings
        );
        let found = of_helm(&hook("pre-install")).unwrap();
        assert_eq!(found.hooks[0].weight, 5);
    }

    #[test]
    fn lines_of_errors_count_from_the_start_of_the_output() {
        let output = "apiVersion: v1\nkind: A\nmetadata: {name: x}\n---\napiVersion: v1\nkind: [\n";
        let error = read("c/templates/a.yaml", output, &mut Found::default()).unwrap_err();
        let Error::Yaml { line, excerpt, .. } = error else {
            panic!("{error}")
        };
        assert!(line >= 6, "{line}");
        assert!(excerpt.contains("    6 | kind: ["), "{excerpt}");
    }
}
