//! What an object's own annotations say of its readiness.

use super::State;
use crate::cluster::jsonpath::{Path, text_of};
use crate::cluster::object::annotation;
use crate::yaml::Value;

/// Says when an object is ready, instead of what nutkin knows of its kind: `ignore`; a condition that
/// is true (`condition=Ready`), or has a status (`condition=Stalled=False`); or a JSONPath or JSON
/// pointer with the value that it must have (`{.status.phase}=Running`), or without one: it must be
/// there and not empty.
pub const READY_ANNOTATION: &str = "nutkin.dev/ready";

/// Says when an object has failed for good, in the same words as [`READY_ANNOTATION`].
pub const FAILED_ANNOTATION: &str = "nutkin.dev/failed";

/// What the object's own annotations say; `None` where it has none.
pub(super) fn state(object: &Value) -> Option<State> {
    let read = |key: &str, rule: &str| {
        Rule::parse(rule).map_err(|e| State::Failed(format!("the annotation {key}: {rule:?}: {e}")))
    };
    if let Some(rule) = annotation(object, FAILED_ANNOTATION) {
        match read(FAILED_ANNOTATION, rule) {
            Ok(rule) if rule.holds(object) => return Some(State::Failed(rule.found(object))),
            Ok(_) => {}
            Err(failed) => return Some(failed),
        }
    }
    let rule = annotation(object, READY_ANNOTATION)?;
    if rule == "ignore" {
        return Some(State::Ready(String::new()));
    }
    Some(match read(READY_ANNOTATION, rule) {
        Ok(rule) if rule.holds(object) => State::Ready(rule.found(object)),
        Ok(rule) => State::Waiting(rule.found(object)),
        Err(failed) => failed,
    })
}

/// A rule of an annotation.
struct Rule {
    text: String,
    path: Path,
    want: Option<String>,
}

impl Rule {
    fn parse(rule: &str) -> Result<Rule, String> {
        let rule = rule.trim();
        if let Some(condition) = rule.strip_prefix("condition=") {
            let (name, want) = condition.split_once('=').unwrap_or((condition, "True"));
            return Ok(Rule {
                text: format!("condition {name}"),
                path: Path::condition(name)?,
                want: Some(want.to_owned()),
            });
        }
        // A filter has an equals sign of its own: the rule's comes after the last bracket or brace.
        let tail = rule.rfind([']', '}']).unwrap_or(0);
        let (path, want) = match rule.get(tail..).and_then(|t| t.find('=')) {
            Some(at) => {
                let (path, want) = rule.split_at(tail + at);
                (
                    path,
                    Some(want.trim_start_matches('=').trim().trim_matches('"')),
                )
            }
            None => (rule, None),
        };
        Ok(Rule {
            text: path.trim().to_owned(),
            path: if path.starts_with('/') {
                Path::pointer(path)?
            } else {
                Path::parse(path)?
            },
            want: want.map(str::to_owned),
        })
    }

    fn holds(&self, object: &Value) -> bool {
        let found = self.path.find(object);
        !found.is_empty()
            && found.iter().all(|v| match &self.want {
                Some(want) => text_of(v) == *want,
                None => !matches!(text_of(v).as_str(), "" | "[]" | "{}"),
            })
    }

    /// What is there, and what is wanted.
    fn found(&self, object: &Value) -> String {
        let found: Vec<String> = self.path.find(object).into_iter().map(text_of).collect();
        let have = match found.as_slice() {
            [] => "is not there".to_owned(),
            values => format!("is {:?}", values.join(", ")),
        };
        let want = match &self.want {
            _ if self.holds(object) => String::new(),
            Some(want) => format!(", wanted {want:?}"),
            None => ", wanted a value".to_owned(),
        };
        format!("{} {have}{want}", self.text)
    }
}
