//! Regular expressions in Go's syntax (RE2), matched by the `regex` crate, with Go's ways of
//! finding, replacing and splitting.

mod class;
#[cfg(test)]
mod tests;
mod translate;

use std::borrow::Cow;

/// An expression that Go refuses, in Go's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {code}: `{fragment}`")]
pub struct Error {
    code: &'static str,
    fragment: String,
}

impl Error {
    fn new(code: &'static str, fragment: impl Into<String>) -> Error {
        Error {
            code,
            fragment: fragment.into(),
        }
    }
}

/// A compiled expression.
#[derive(Debug, Clone)]
pub struct Regexp {
    regex: regex::Regex,
    /// The names of the groups from the first on; empty for those without.
    names: Vec<String>,
    empty: bool,
}

/// How much memory a compiled expression may take.
const SIZE_LIMIT: usize = 4 << 20;

impl Regexp {
    /// Compiles an expression.
    ///
    /// # Errors
    /// When Go refuses it, or when it is too large to match in bounded memory.
    pub fn new(expression: &str) -> Result<Regexp, Error> {
        let (translated, names) = translate::translate(expression)?;
        let regex = regex::RegexBuilder::new(&translated)
            .size_limit(SIZE_LIMIT)
            .dfa_size_limit(SIZE_LIMIT)
            .build()
            .map_err(|err| match err {
                regex::Error::CompiledTooBig(_) => Error::new("expression too large", expression),
                _ => Error::new("invalid character class range", expression),
            })?;
        Ok(Regexp {
            regex,
            names,
            empty: expression.is_empty(),
        })
    }

    /// Whether the text contains a match.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// The leftmost match.
    pub fn find<'t>(&self, text: &'t str) -> Option<&'t str> {
        self.regex.find(text).map(|m| m.as_str())
    }

    /// The first `limit` matches, all if it is negative.
    pub fn find_all<'t>(&self, text: &'t str, limit: i64) -> Vec<&'t str> {
        self.regex
            .find_iter(text)
            .take(bound(limit))
            .map(|m| m.as_str())
            .collect()
    }

    /// Replaces all matches by a template in which `$1`, `$name` and `${name}` stand for groups.
    pub fn replace_all<'t>(&self, text: &'t str, template: &str) -> Cow<'t, str> {
        self.regex
            .replace_all(text, |groups: &regex::Captures<'_>| {
                self.expand(template, groups)
            })
    }

    /// Replaces all matches by a text.
    pub fn replace_all_literal<'t>(&self, text: &'t str, by: &str) -> Cow<'t, str> {
        self.regex.replace_all(text, regex::NoExpand(by))
    }

    /// The pieces between matches, at most `limit` of them if that is positive, none if it is zero.
    pub fn split<'t>(&self, text: &'t str, limit: i64) -> Vec<&'t str> {
        if limit == 0 {
            return Vec::new();
        }
        if !self.empty && text.is_empty() {
            return vec![""];
        }
        let (mut pieces, mut start, mut end) = (Vec::new(), 0, 0);
        for found in self.regex.find_iter(text).take(bound(limit)) {
            if limit > 0 && pieces.len() + 1 == bound(limit) {
                break;
            }
            end = found.start();
            if found.end() != 0 {
                pieces.push(text.get(start..end).unwrap_or_default());
            }
            start = found.end();
        }
        if end != text.len() {
            pieces.push(text.get(start..).unwrap_or_default());
        }
        pieces
    }

    fn expand(&self, template: &str, groups: &regex::Captures<'_>) -> String {
        let mut out = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            rest = after;
            if let Some(after) = after.strip_prefix('$') {
                out.push('$');
                rest = after;
            } else if let Some((name, after)) = group_name(after) {
                out.push_str(self.group(name, groups));
                rest = after;
            } else {
                out.push('$');
            }
        }
        out + rest
    }

    fn group<'t>(&self, name: &str, groups: &regex::Captures<'t>) -> &'t str {
        let numeric = name.bytes().all(|b| b.is_ascii_digit());
        let canonical = name.len() == 1 || !name.starts_with('0');
        if numeric && canonical && name.len() <= 8 {
            let index = name.parse().ok().and_then(|n: usize| groups.get(n));
            return index.map_or("", |m| m.as_str());
        }
        let named = self.names.iter().enumerate().filter(|(_, n)| *n == name);
        let mut matched = named.filter_map(|(i, _)| groups.get(i + 1));
        matched.next().map_or("", |m| m.as_str())
    }
}

fn bound(limit: i64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// The name after a `$`, with or without braces, and what follows it.
fn group_name(text: &str) -> Option<(&str, &str)> {
    let (braced, text) = text
        .strip_prefix('{')
        .map_or((false, text), |text| (true, text));
    let end = text
        .find(|c: char| !(c == '_' || c.is_alphanumeric()))
        .unwrap_or(text.len());
    let (name, after) = text.split_at_checked(end)?;
    let after = if braced {
        after.strip_prefix('}')?
    } else {
        after
    };
    (!name.is_empty()).then_some((name, after))
}

/// The text with all characters escaped that mean something in an expression.
pub fn quote_meta(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
