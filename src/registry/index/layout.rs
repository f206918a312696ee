//! Where the charts of an index stand in its text, found without parsing it: an index of 20 MB is read
//! by each command that names a chart.

use std::ops::Range;

/// A chart's name and its versions, as they stand in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) items: Vec<Item>,
}

/// One version of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// Its text, from the start of its first line to the end of its last: a list with one entry.
    pub(super) range: Range<usize>,
    /// The version, where it is written so plainly that no parser can read it otherwise.
    pub(super) version: Option<String>,
}

/// Where a line is in the text, and what stands on it.
struct Line<'a> {
    start: usize,
    indent: usize,
    text: &'a str,
}

/// Finds the charts of an index that is written as `helm repo index` and other tools write it: in block
/// style, a key on a line. `None` where it is written otherwise; then it has to be parsed.
pub(super) fn find(text: &str, max_charts: usize, max_items: usize) -> Option<Vec<Section>> {
    let mut lines = Lines { text, at: 0 };
    // The key, and what belongs to other keys before it.
    let mut under_a_key = false;
    loop {
        let line = lines.next()??;
        if line.indent == 0 && line.text == "---" && line.start == 0 {
            continue;
        }
        if line.indent > 0 || line.text.starts_with("- ") {
            if !under_a_key {
                return None;
            }
            continue;
        }
        under_a_key = true;
        let (key, value) = key_of(line.text)?;
        if key == "entries" {
            match value {
                "" => break,
                "{}" | "null" | "~" => return Some(Vec::new()),
                _ => return None,
            }
        }
    }
    let mut sections: Vec<Section> = Vec::new();
    let mut items = 0;
    let mut chart_indent = None;
    let mut item_indent = None;
    let mut field_indent = None;
    let mut end = text.len();
    while let Some(line) = lines.next() {
        let line = line?;
        if line.indent == 0 {
            // What follows the entries; two of them are for the parser, which takes the last.
            match key_of(line.text) {
                Some((key, _)) if key != "entries" && !line.text.starts_with('-') => {}
                _ => return None,
            }
            end = line.start;
            break;
        }
        let chart_indent = *chart_indent.get_or_insert(line.indent);
        let is_item = line.text == "-" || line.text.starts_with("- ");
        if line.indent == chart_indent && !is_item {
            close(&mut sections, line.start);
            let (key, value) = key_of(line.text)?;
            if !matches!(value, "" | "[]" | "null" | "~") || sections.len() == max_charts {
                return None;
            }
            sections.push(Section {
                name: key.to_owned(),
                items: Vec::new(),
            });
            item_indent = None;
            continue;
        }
        if line.indent < chart_indent {
            return None;
        }
        let section = sections.last_mut()?;
        let item_indent = *item_indent.get_or_insert(line.indent);
        if line.indent < item_indent || (line.indent == item_indent && !is_item) {
            return None;
        }
        if line.indent == item_indent {
            if let Some(last) = section.items.last_mut() {
                last.range.end = line.start;
            }
            items += 1;
            if items > max_items {
                return None;
            }
            section.items.push(Item {
                range: line.start..line.start,
                version: None,
            });
            let inner = line.text.get(1..)?.trim_start();
            field_indent = (!inner.is_empty()).then(|| line.indent + line.text.len() - inner.len());
            version(inner, section.items.last_mut()?);
            continue;
        }
        let item = section.items.last_mut()?;
        if line.indent == *field_indent.get_or_insert(line.indent) {
            version(line.text, item);
        }
    }
    close(&mut sections, end);
    // Lines after the entries are other keys, and what belongs to them.
    while let Some(line) = lines.next() {
        let line = line?;
        if line.indent == 0 && !line.text.starts_with("- ") {
            let (key, _) = key_of(line.text)?;
            if key == "entries" {
                return None;
            }
        }
    }
    Some(sections)
}

/// Ends the last version of the last chart.
fn close(sections: &mut [Section], end: usize) {
    if let Some(item) = sections.last_mut().and_then(|s| s.items.last_mut()) {
        item.range.end = end;
    }
}

/// Takes the version from a line, if it is the version's.
fn version(line: &str, item: &mut Item) {
    let Some(value) = line.strip_prefix("version:") else {
        return;
    };
    if !value.starts_with(' ') {
        return;
    }
    let value = value.trim();
    let quoted = ['"', '\'']
        .iter()
        .find_map(|q| value.strip_prefix(*q)?.strip_suffix(*q));
    let text = quoted.unwrap_or(value);
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+'));
    // With two points it can be neither a number nor anything else but text.
    let is_text = quoted.is_some() || text.bytes().filter(|b| *b == b'.').count() >= 2;
    item.version = (plain && is_text && !text.is_empty()).then(|| text.to_owned());
}

/// The key of a line `key: value` in block style, and the value.
fn key_of(line: &str) -> Option<(&str, &str)> {
    let quote = line.chars().next().filter(|c| matches!(c, '"' | '\''));
    let (key, rest) = match quote {
        Some(quote) => {
            let (key, rest) = line.get(1..)?.split_once(quote)?;
            if key.contains('\\') || rest.starts_with(quote) {
                return None;
            }
            (key, rest.strip_prefix(':')?)
        }
        None => {
            let at = line
                .match_indices(':')
                .map(|(at, _)| at)
                .find(|at| matches!(line.as_bytes().get(at + 1), None | Some(b' ')))?;
            let (key, rest) = line.split_at_checked(at)?;
            (key, rest.get(1..)?)
        }
    };
    let odd = [
        '&', '*', '!', '?', '{', '[', '|', '>', '%', '@', '`', '#', ',',
    ];
    if key.is_empty() || (quote.is_none() && (key.starts_with(odd) || key == "<<")) {
        return None;
    }
    // Without quotes `1.0`, `true` and `null` are no text.
    if quote.is_none() && !key.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let value = rest.split(" #").next().unwrap_or_default().trim();
    Some((key, if value.starts_with('#') { "" } else { value }))
}

/// Whether a value is an anchor or an alias, which reach beyond a chart's part of the text.
fn names_another(value: &str) -> bool {
    value.starts_with(['&', '*'])
}

struct Lines<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lines<'a> {
    /// The next line that is neither empty nor a comment. `Some(None)` where a line is written in a way
    /// that has to be parsed.
    #[allow(clippy::option_option, reason = "the end, a line, and what is no line")]
    fn next(&mut self) -> Option<Option<Line<'a>>> {
        loop {
            let rest = self.text.get(self.at..).filter(|r| !r.is_empty())?;
            let start = self.at;
            let length = rest.find('\n').map_or(rest.len(), |n| n + 1);
            self.at += length;
            let line = rest.get(..length).unwrap_or_default().trim_end();
            let text = line.trim_start_matches(' ');
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let indent = line.len() - text.len();
            let value = text.split_once(": ").map_or(text, |(_, value)| value);
            let odd = text.starts_with('\t')
                || names_another(value)
                || text.strip_prefix("- ").is_some_and(names_another)
                || (indent == 0
                    && (line.starts_with("--- ")
                        || (line == "---" && start > 0)
                        || line.starts_with("...")
                        || line.starts_with(['%', '{', '['])));
            return Some((!odd).then_some(Line {
                start,
                indent,
                text,
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Option<Vec<(String, Vec<Option<String>>)>> {
        let sections = find(text, 100, 100)?;
        let versions = |s: &Section| s.items.iter().map(|i| i.version.clone()).collect();
        Some(
            sections
                .iter()
                .map(|s| (s.name.clone(), versions(s)))
                .collect(),
        )
    }

    #[test]
    fn what_helm_writes() {
        let text = "apiVersion: v1\nentries:\n  a:\n  - apiVersion: v2\n    dependencies:\n    - name: x\n      \
            version: 9.9.9\n    description: |\n      version: 8.8.8\n\n      # no comment\n    version: 1.2.3\n  - version: \
            \"1.2\"\n  b: []\n  \"c\":\n  - version: 1.10\ngenerated: \"2026\"\n";
        let some = |text: &str| Some(text.to_owned());
        let want = vec![
            ("a".to_owned(), vec![some("1.2.3"), some("1.2")]),
            ("b".to_owned(), vec![]),
            ("c".to_owned(), vec![None]),
        ];
        assert_eq!(names(text), Some(want));
        let sections = find(text, 100, 100).unwrap();
        let second = &sections[0].items[1];
        assert_eq!(&text[second.range.clone()], "  - version: \"1.2\"\n");
        let last = &sections[2].items[0];
        assert_eq!(&text[last.range.clone()], "  - version: 1.10\n");
    }

    #[test]
    fn other_indents() {
        let text = "---\nentries:\n    a:\n        -   version: 1.0.0\n            name: a\n        -\n            \
            version: 2.0.0\n";
        let some = |text: &str| Some(text.to_owned());
        let want = vec![("a".to_owned(), vec![some("1.0.0"), some("2.0.0")])];
        assert_eq!(names(text), Some(want));
        assert_eq!(names("entries: {}\n"), Some(vec![]));
    }

    #[test]
    fn what_is_written_otherwise_is_left_to_the_parser() {
        for text in [
            "",
            "apiVersion: v1\n",
            "entries: {a: [{version: 1.0.0}]}\n",
            "{\"entries\": {}}\n",
            "entries:\n\ta:\n",
            "entries: &x\n  a:\n  - version: 1.0.0\n",
            "entries:\n  <<: *x\n",
            "entries:\n  a: *x\n",
            "entries:\n  a:\n  - version: 1.0.0\n    name: &n a\n",
            "entries:\n  a:\n  - &x\n    version: 1.0.0\n",
            "entries:\n  a:\n  - version: 1.0.0\n b:\n",
            "entries:\n  1.0:\n  - version: 1.0.0\n",
            "entries:\n  a:\n  - version: 1.0.0\n---\nx: y\n",
            "entries:\n  a:\n  - version: 1.0.0\nentries:\n",
            "entries:\n- a\n",
        ] {
            assert_eq!(names(text), None, "{text}");
        }
        assert_eq!(find("entries:\n  a:\n  b:\n", 1, 1), None);
    }
}
