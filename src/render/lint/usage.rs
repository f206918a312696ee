//! Which values a chart's templates use.

use std::collections::BTreeMap;

use crate::chart::Chart;

/// A use of a path below `values`, at its first place.
pub(super) struct Use {
    pub(super) file: String,
    pub(super) line: usize,
}

/// The paths that templates use, each with its first place; `everything` where one hands all values
/// on, so that nothing can be said of single ones.
#[derive(Default)]
pub(super) struct Usage {
    pub(super) paths: BTreeMap<Vec<String>, Use>,
    pub(super) everything: bool,
}

impl Usage {
    /// Whether a value is used: itself, something within it, or something that it lies in.
    pub(super) fn covers(&self, path: &[String]) -> bool {
        self.everything
            || self
                .paths
                .keys()
                .any(|used| used.starts_with(path) || path.starts_with(used))
    }
}

/// Scans the templates of a chart. Tera's `values.a.b` and Helm's `.Values.a.b` are seen, and what
/// `dig` and conditions of dependencies name.
pub(super) fn scan(chart: &Chart) -> Usage {
    let mut usage = Usage::default();
    for file in &chart.templates {
        let text = String::from_utf8_lossy(&file.data);
        let word = if file.name.ends_with(".tera") {
            "values"
        } else {
            ".Values"
        };
        for (index, line) in text.lines().enumerate() {
            scan_line(line, word, &file.name, index + 1, &mut usage);
        }
    }
    for dependency in &chart.metadata.dependencies {
        for path in dependency
            .condition
            .split(',')
            .map(str::trim)
            .filter(|p| !p.is_empty())
        {
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            usage.paths.entry(path).or_insert(Use {
                file: "Chart.yaml".to_owned(),
                line: 1,
            });
        }
    }
    usage
}

fn scan_line(line: &str, word: &str, file: &str, number: usize, usage: &mut Usage) {
    let mut rest = line;
    let mut before = ' ';
    while let Some(at) = rest.find(word) {
        let (head, tail) = rest.split_at(at);
        before = head.chars().next_back().unwrap_or(before);
        let tail = tail.get(word.len()..).unwrap_or_default();
        // `@values` takes the values into a component; `myvalues` and `values_of` are other names.
        let other = before.is_alphanumeric() || matches!(before, '_' | '.' | '@' | '"' | '/');
        let longer = tail.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        if !longer && (!other || word == ".Values") {
            let (path, len) = read_path(tail);
            if !path.is_empty() {
                let place = Use {
                    file: file.to_owned(),
                    line: number,
                };
                usage.paths.entry(path).or_insert(place);
            } else if is_whole(tail, word) {
                usage.everything = true;
            }
            rest = tail.get(len..).unwrap_or_default();
        } else {
            rest = tail;
        }
        before = word.chars().next_back().unwrap_or(' ');
    }
}

/// Whether the bare word stands for all values in an expression: not in prose or a file's name.
fn is_whole(tail: &str, word: &str) -> bool {
    let tail = tail.trim_start();
    if word == ".Values" {
        return !tail.starts_with('.');
    }
    tail.starts_with('|')
        || tail.starts_with("}}")
        || tail.starts_with('[')
        || tail.starts_with('}')
}

/// `.a.b?.c["d"]` up to the first thing that is no constant key, and its length.
fn read_path(text: &str) -> (Vec<String>, usize) {
    let mut path = Vec::new();
    let mut rest = text;
    loop {
        let after = rest.strip_prefix("?.").or_else(|| rest.strip_prefix('.'));
        if let Some(after) = after {
            let end = after
                .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'))
                .unwrap_or(after.len());
            // In Tera a minus is an operator, in Go it can't be in a name either.
            let end = after.find('-').map_or(end, |dash| dash.min(end));
            let Some((name, next)) = after.split_at_checked(end).filter(|(n, _)| !n.is_empty())
            else {
                break;
            };
            path.push(name.to_owned());
            rest = next;
        } else if let Some(after) = rest.strip_prefix("[\"") {
            let Some((name, next)) = after.split_once("\"]") else {
                break;
            };
            path.push(name.to_owned());
            rest = next;
        } else {
            break;
        }
    }
    (path, text.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str, word: &str) -> Vec<String> {
        let mut usage = Usage::default();
        scan_line(text, word, "f", 1, &mut usage);
        let mut found: Vec<String> = usage.paths.keys().map(|p| p.join("/")).collect();
        if usage.everything {
            found.push("*".to_owned());
        }
        found
    }

    #[test]
    fn paths_in_both_languages() {
        let none: [&str; 0] = [];
        assert_eq!(
            paths("{{ values.a.b | quote }} {% if values?.c %}", "values"),
            ["a/b", "c"]
        );
        assert_eq!(
            paths("{{ values.a[\"x.y\"].z - values.n-1 }}", "values"),
            ["a/x.y/z", "n"]
        );
        assert_eq!(
            paths("{% component x(@values, a) %} see values.yaml", "values"),
            ["yaml"]
        );
        assert_eq!(paths("{{ values | to_yaml }}", "values"), ["*"]);
        assert_eq!(paths("# the values of it, my.values.x", "values"), none);
        assert_eq!(
            paths("{{ $top.Values.a.b }}{{ .Values }}", ".Values"),
            ["a/b", "*"]
        );
    }
}
