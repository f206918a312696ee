//! The error of a render: Helm's text, and the line of source that it is about.

use super::error::{ExecError, ParseError, Place};

/// Why charts could not be rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderError {
    /// The template that was being read or executed, for instance `app/templates/deployment.yaml`.
    pub template: String,
    /// What Helm 4.3.1 says.
    pub helm: String,
    /// Where it happened, innermost first; the last is in the template itself.
    pub places: Vec<Place>,
    /// Whether a bound of ours was passed, rather than a rule of the language broken.
    pub limit: bool,
}

impl std::error::Error for RenderError {}

impl std::fmt::Display for RenderError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.helm)?;
        let Some(place) = self.places.first() else {
            return Ok(());
        };
        let number = place.line.to_string();
        let margin = " ".repeat(number.len());
        let source: String = place.source.chars().take(MAX_SHOWN).collect();
        write!(f, "\n{margin} --> {}\n{number} | {source}", place.template)?;
        // tabs keep their width in the line of the mark
        let before = place.source.get(..place.column).unwrap_or("");
        if before.chars().count() < MAX_SHOWN && place.column < place.source.len() {
            let blank = |c: char| if c == '\t' { '\t' } else { ' ' };
            let indent: String = before.chars().map(blank).collect();
            write!(f, "\n{margin} | {indent}^")?;
        }
        Ok(())
    }
}

/// The longest part of a line of source that is shown.
const MAX_SHOWN: usize = 200;

impl RenderError {
    /// The thread of the render ended without an answer.
    pub(super) fn bug() -> RenderError {
        RenderError {
            template: String::new(),
            helm: "the template engine crashed; this is a bug of nutkin".to_string(),
            places: Vec::new(),
            limit: false,
        }
    }

    /// A template made something else than text, which no YAML is.
    pub(super) fn not_utf8(template: &str) -> RenderError {
        RenderError {
            template: template.to_string(),
            helm: format!(
                "YAML parse error on {template}: error converting YAML to JSON: \
                 yaml: invalid leading UTF-8 octet"
            ),
            places: Vec::new(),
            limit: false,
        }
    }

    /// A template that can't be parsed.
    pub(super) fn parse(error: &ParseError, text: &str) -> RenderError {
        let whole = error.to_string();
        let tokens: Vec<&str> = whole.split(": ").collect();
        let location = tokens.get(1).copied().unwrap_or_default();
        let message = tokens.last().copied().unwrap_or_default();
        let line = text.lines().nth(error.line.saturating_sub(1));
        let place = Place {
            template: error.template.clone(),
            line: error.line,
            // Go knows only the line
            column: usize::MAX,
            source: line.unwrap_or_default().to_string(),
        };
        RenderError {
            template: error.template.clone(),
            helm: format!("parse error at ({location}): {message}"),
            places: vec![place],
            limit: false,
        }
    }

    /// A template that failed while it was executed.
    pub(super) fn exec(template: &str, error: ExecError) -> RenderError {
        let helm = if error.limit {
            error.text.clone()
        } else {
            helm_text(&error)
        };
        RenderError {
            template: template.to_string(),
            helm,
            places: error.places,
            limit: error.limit,
        }
    }
}

/// What stands around the message of `required` and `fail` on its way through Go's errors.
pub(super) fn marked(message: &str) -> String {
    format!("{MARK_START}{message}{MARK_END}")
}

const MARK_START: &str = "HELM_ERR_START";
const MARK_END: &str = "HELM_ERR_END";

/// Helm's `reformatExecErrorMsg`: a message of `required` or `fail` alone; else each place of
/// the chain on lines of its own, if all of the chain are errors of templates; else Go's text.
fn helm_text(error: &ExecError) -> String {
    let mut tokens = error.text.splitn(3, ": ");
    let (_, location, rest) = (tokens.next(), tokens.next(), tokens.next());
    if let (Some(location), Some(rest)) = (location, rest)
        && let Some((_, marked)) = rest.split_once(MARK_START)
        && let Some((message, _)) = marked.rsplit_once(MARK_END)
    {
        return format!("execution error at ({location}): {message}");
    }
    let outermost = Part::parse(&error.text);
    let mut parts: Vec<&Part> = Vec::new();
    for part in std::iter::once(&outermost).chain(&error.causes) {
        let Some(part) = part else {
            return error.text.clone();
        };
        if parts.last() != Some(&part) {
            parts.push(part);
        }
    }
    let lines: String = parts.iter().map(|part| part.lines()).collect();
    lines.trim().to_string()
}

/// An error of Go's templates, taken apart by its text as Helm does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    location: String,
    function: String,
    message: String,
}

impl Part {
    /// What Helm reads from an error's text.
    pub(super) fn parse(text: &str) -> Option<Part> {
        let rest = text.strip_prefix("template: ")?;
        if rest.starts_with("no template ") {
            return Some(Part {
                location: String::new(),
                function: String::new(),
                message: text.to_string(),
            });
        }
        let until_next = |message: &str| match message.split_once(" template:") {
            Some((first, _)) => first.to_string(),
            None => message.to_string(),
        };
        if let Some((location, after)) = rest.split_once(": executing ") {
            let executing = after
                .strip_prefix('"')
                .and_then(|after| after.split_once('"'));
            let parsed = executing.and_then(|(function, after)| {
                let (node, message) = after.strip_prefix(" at <")?.split_once(">: ")?;
                Some(Part {
                    location: location.to_string(),
                    function: format!("executing \"{function}\" at <{node}>:"),
                    message: until_next(message),
                })
            });
            if parsed.is_some() {
                return parsed;
            }
        }
        let (location, message) = rest.rsplit_once(": ")?;
        Some(Part {
            location: location.to_string(),
            function: String::new(),
            message: until_next(message),
        })
    }

    fn lines(&self) -> String {
        let mut out = String::new();
        if !self.location.is_empty() {
            out.push_str(&format!("{}\n  ", self.location));
        }
        if !self.function.is_empty() {
            out.push_str(&format!("{}\n    ", self.function));
        }
        if !self.message.is_empty() {
            out.push_str(&format!("{}\n", self.message));
        }
        out
    }
}
