//! JSONPath as far as conditions need it: kubectl's form (`{.status.phase}`) and RFC 9535's (`$.status.phase`).
//!
//! Fields (`.name`, `['a.b']`), indexes from either end, wildcards, and filters that compare one
//! field with a literal: `[?(@.type=="Ready")]`.

use crate::yaml::Value;

/// A path that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Field(String),
    /// A part of a JSON pointer.
    Pointed(String),
    Index(i64),
    All,
    /// Items whose field at this path equals the literal, or doesn't.
    Where {
        field: Vec<String>,
        equal: bool,
        literal: String,
    },
}

/// How long a path may be: an annotation of a chart is not trusted.
const MAX: usize = 1024;

impl Path {
    /// Reads a path; braces around it and the `$` before it may be left out.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str) -> Result<Path, String> {
        if text.len() > MAX {
            return Err(format!("longer than {MAX} bytes"));
        }
        let text = text.trim();
        let inner = match text.strip_prefix('{') {
            Some(rest) => rest
                .strip_suffix('}')
                .ok_or_else(|| "the closing brace is missing".to_owned())?
                .trim(),
            None => text,
        };
        let mut rest = inner.strip_prefix('$').unwrap_or(inner);
        let mut steps = Vec::new();
        while !rest.is_empty() {
            // `.[0]` is kubectl's way to write `[0]`.
            let bracketed = rest.strip_prefix(".[").or_else(|| rest.strip_prefix('['));
            let (step, after) = if let Some(after) = bracketed {
                bracket(after)?
            } else {
                let after = rest.strip_prefix('.').unwrap_or(rest);
                let end = after.find(['.', '[']).unwrap_or(after.len());
                let (name, after) = after.split_at(end);
                match name {
                    "" => return Err(format!("a field's name is missing before {after:?}")),
                    "*" => (Step::All, after),
                    name => (Step::Field(name.to_owned()), after),
                }
            };
            steps.push(step);
            rest = after;
        }
        if steps.is_empty() {
            return Err("it names nothing".to_owned());
        }
        Ok(Path(steps))
    }

    /// The status of a condition of the object, `.status.conditions[?(@.type==NAME)].status`.
    ///
    /// # Errors
    /// When the name is empty or too long.
    pub fn condition(name: &str) -> Result<Path, String> {
        if name.is_empty() || name.len() > MAX {
            return Err("the condition's name is missing".to_owned());
        }
        let field = |name: &str| Step::Field(name.to_owned());
        Ok(Path(vec![
            field("status"),
            field("conditions"),
            Step::Where {
                field: vec!["type".to_owned()],
                equal: true,
                literal: name.to_owned(),
            },
            field("status"),
        ]))
    }

    /// A JSON pointer (RFC 6901); a number is an index as well as a name.
    ///
    /// # Errors
    /// When it is too long or names nothing.
    pub fn pointer(text: &str) -> Result<Path, String> {
        let steps: Vec<Step> = text
            .split('/')
            .skip(1)
            .map(|name| Step::Pointed(name.replace("~1", "/").replace("~0", "~")))
            .collect();
        if steps.is_empty() || text.len() > MAX {
            return Err("it names nothing, or too much".to_owned());
        }
        Ok(Path(steps))
    }

    /// All values that the path leads to.
    pub fn find<'a>(&self, root: &'a Value) -> Vec<&'a Value> {
        let mut found = vec![root];
        for step in &self.0 {
            found = found.into_iter().flat_map(|v| step.apply(v)).collect();
        }
        found
    }
}

/// What stands in brackets, and what comes after them.
fn bracket(text: &str) -> Result<(Step, &str), String> {
    let unclosed = || "a closing bracket is missing".to_owned();
    if let Some(filter) = text.strip_prefix("?(") {
        let end = filter.find(")]").ok_or_else(unclosed)?;
        let (inside, after) = filter.split_at(end);
        return Ok((condition(inside)?, after.get(2..).unwrap_or_default()));
    }
    for quote in ['\'', '"'] {
        if let Some(quoted) = text.strip_prefix(quote) {
            let end = quoted
                .find(&format!("{quote}]"))
                .ok_or_else(|| "a closing quote or bracket is missing".to_owned())?;
            let (name, after) = quoted.split_at(end);
            let step = Step::Field(name.to_owned());
            return Ok((step, after.get(2..).unwrap_or_default()));
        }
    }
    let (inside, after) = text.split_once(']').ok_or_else(unclosed)?;
    let step = match inside.trim() {
        "*" => Step::All,
        number => Step::Index(
            number
                .parse()
                .map_err(|_| format!("[{number}] is no index; a name is quoted: ['{number}']"))?,
        ),
    };
    Ok((step, after))
}

/// `@.a.b == "literal"`.
fn condition(text: &str) -> Result<Step, String> {
    let (left, equal, right) = if let Some((l, r)) = text.split_once("==") {
        (l, true, r)
    } else if let Some((l, r)) = text.split_once("!=") {
        (l, false, r)
    } else {
        return Err(format!(
            "the filter {text:?} compares with neither == nor !="
        ));
    };
    let field = left
        .trim()
        .strip_prefix("@.")
        .ok_or_else(|| format!("the filter {text:?} does not begin with @."))?;
    let right = right.trim();
    let literal = ['"', '\'']
        .iter()
        .find_map(|q| right.strip_prefix(*q)?.strip_suffix(*q))
        .unwrap_or(right);
    Ok(Step::Where {
        field: field.split('.').map(str::to_owned).collect(),
        equal,
        literal: literal.to_owned(),
    })
}

impl Step {
    fn apply<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        match (self, value) {
            (Step::Field(name), Value::Object(map)) => map.get(name).into_iter().collect(),
            (Step::Pointed(name), Value::Object(map)) => map.get(name).into_iter().collect(),
            (Step::Pointed(name), Value::Array(items)) => {
                let at = name.parse().ok().and_then(|at: usize| items.get(at));
                at.into_iter().collect()
            }
            (Step::Index(n), Value::Array(items)) => {
                let at = if *n < 0 {
                    items.len().checked_sub(n.unsigned_abs() as usize)
                } else {
                    usize::try_from(*n).ok()
                };
                at.and_then(|at| items.get(at)).into_iter().collect()
            }
            (Step::All, Value::Array(items)) => items.iter().collect(),
            (Step::All, Value::Object(map)) => map.values().collect(),
            (
                Step::Where {
                    field,
                    equal,
                    literal,
                },
                Value::Array(items),
            ) => items
                .iter()
                .filter(|item| {
                    let have = field.iter().try_fold(*item, |v, name| v.get(name));
                    have.is_some_and(|v| text_of(v) == *literal) == *equal
                })
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// A value as the text that conditions compare with.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::String(s) => s.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_lead_where_kubectls_do() {
        let object = json!({
            "metadata": {"annotations": {"a.b/c": "x"}},
            "spec": {"n": 3},
            "status": {
                "phase": "Running",
                "list": [1, 2, 3],
                "conditions": [
                    {"type": "Ready", "status": "True"},
                    {"type": "Other", "status": "False", "deep": {"x": 1}},
                ],
            },
        });
        for (path, want) in [
            ("{.status.phase}", json!(["Running"])),
            ("$.status.phase", json!(["Running"])),
            ("status.phase", json!(["Running"])),
            (".metadata.annotations['a.b/c']", json!(["x"])),
            ("{.metadata.annotations[\"a.b/c\"]}", json!(["x"])),
            (".status.list[0]", json!([1])),
            (".status.list[-1]", json!([3])),
            (".status.list[-4]", json!([])),
            (".status.list[*]", json!([1, 2, 3])),
            (".status.list.[1]", json!([2])),
            (
                "{.status.conditions[?(@.type==\"Ready\")].status}",
                json!(["True"]),
            ),
            (
                ".status.conditions[?(@.type=='Ready')].status",
                json!(["True"]),
            ),
            (
                ".status.conditions[?(@.type != 'Ready')].status",
                json!(["False"]),
            ),
            (".status.conditions[?(@.deep.x==1)].type", json!(["Other"])),
            (".status.conditions[*].type", json!(["Ready", "Other"])),
            (".status.none.more", json!([])),
            (".spec.*", json!([3])),
        ] {
            let got: Vec<Value> = Path::parse(path)
                .unwrap_or_else(|e| panic!("{path}: {e}"))
                .find(&object)
                .into_iter()
                .cloned()
                .collect();
            assert_eq!(Value::Array(got), want, "{path}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused_with_words() {
        for (path, words) in [
            ("", "names nothing"),
            ("{.a", "brace"),
            (".a[", "bracket"),
            (".a[b]", "no index"),
            (".a['b]", "quote"),
            (".a..b", "name is missing"),
            (".a[?(@.b)]", "neither"),
            (".a[?(b==1)]", "@."),
            (".a[?(@.b==1]", "bracket"),
        ] {
            let error = Path::parse(path).expect_err(path);
            assert!(error.contains(words), "{path}: {error}");
        }
        assert!(Path::parse(&".a".repeat(MAX)).is_err());
    }
}
