//! Texts that must not be shown: secret values, wherever they turn up in an output.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;

use super::walk::{MASK, Secrets};
use crate::yaml::Value;

/// A text shorter than this is not searched for: it would turn up everywhere.
const SHORTEST: usize = 4;
/// A text shorter than this counts only where no letter or digit stands beside it.
const WORD: usize = 12;

/// Finds secret values in texts: as they are, as JSON and YAML quote them, line by line, and in base64,
/// even as a part of something larger.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Redactor {
    /// The longest first, and whether each counts as a word alone.
    needles: Vec<(String, bool)>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} texts", self.needles.len())
    }
}

impl Redactor {
    /// The secrets among values.
    pub fn of(secrets: &Secrets, values: &Value) -> Self {
        let mut redactor = Redactor::default();
        secrets.each(values, &mut |value| redactor.add(value));
        redactor.sort();
        redactor
    }

    /// Texts that are secret.
    pub fn of_texts(texts: &[String]) -> Self {
        let mut redactor = Redactor::default();
        texts.iter().for_each(|text| redactor.text(text));
        redactor.sort();
        redactor
    }

    fn sort(&mut self) {
        self.needles.sort_by(|a, b| {
            let length = b.0.len().cmp(&a.0.len());
            length.then_with(|| a.cmp(b))
        });
        self.needles.dedup();
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.needles.is_empty()
    }

    /// Looks for another's texts too.
    pub fn extend(&mut self, other: Redactor) {
        self.needles.extend(other.needles);
        self.sort();
    }

    fn add(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.text(text),
            // Small numbers are ports and counts.
            Value::Number(number) => {
                let text = number.to_string();
                if text.len() >= 6 {
                    self.needles.push((text, true));
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.add(item)),
            Value::Object(map) => map.values().for_each(|item| self.add(item)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn text(&mut self, text: &str) {
        let trimmed = text.trim();
        if trimmed.len() < SHORTEST {
            return;
        }
        let is_word = trimmed.len() < WORD;
        let json = |text: &str| {
            let quoted = Value::from(text).to_string();
            quoted
                .get(1..quoted.len() - 1)
                .unwrap_or_default()
                .to_owned()
        };
        let yaml = trimmed.replace('\'', "''");
        // A quoted text may be quoted again, as a part of JSON.
        let mut forms = vec![
            trimmed.to_owned(),
            json(trimmed),
            json(&json(trimmed)),
            yaml,
        ];
        let lines = trimmed.lines().map(str::trim);
        forms.extend(lines.filter(|l| l.len() >= 8).map(str::to_owned));
        for form in forms {
            self.needles.push((form, is_word));
        }
        for part in encoded(text) {
            self.needles.push((part, false));
        }
    }

    /// The text with [`MASK`] in the place of each secret.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut text = Cow::Borrowed(text);
        for (needle, is_word) in &self.needles {
            if let Some(hidden) = replaced(&text, needle, *is_word) {
                text = Cow::Owned(hidden);
            }
        }
        text
    }

    /// The same for all texts of a value; its keys stay.
    pub fn redact_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(hidden) = self.redact(text) {
                    *text = hidden;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.redact_value(item)),
            Value::Object(map) => map.values_mut().for_each(|item| self.redact_value(item)),
            _ => {}
        }
    }
}

/// What of a text is in any base64 that holds it: it may begin at any of three places in a group.
fn encoded(text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for shift in 0..3_usize {
        let mut bytes = vec![0; shift];
        bytes.extend(text.as_bytes());
        let whole = bytes.len() / 3 * 3;
        let Some(groups) = bytes.get(..whole) else {
            continue;
        };
        let code = BASE64.encode(groups);
        // The first group holds what stood before, too.
        let part = code
            .get(if shift == 0 { 0 } else { 4 }..)
            .unwrap_or_default();
        if part.len() >= 6 {
            parts.push(part.to_owned());
        }
    }
    let whole = BASE64.encode(text);
    if whole.len() >= 6 {
        parts.push(whole);
    }
    parts
}

/// The text without a needle; none where it isn't in it.
fn replaced(text: &str, needle: &str, is_word: bool) -> Option<String> {
    let mut found = None::<String>;
    let (mut done, mut at) = (0, 0);
    while let Some(offset) = text.get(at..)?.find(needle) {
        let start = at + offset;
        let end = start + needle.len();
        let beside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let before = text.get(..start).and_then(|t| t.chars().next_back());
        let after = text.get(end..).and_then(|t| t.chars().next());
        if is_word && (beside(before) || beside(after)) {
            at = end;
            continue;
        }
        let hidden = found.get_or_insert_default();
        hidden.push_str(text.get(done..start)?);
        hidden.push_str(MASK);
        (done, at) = (end, end);
    }
    let mut hidden = found?;
    hidden.push_str(text.get(done..)?);
    Some(hidden)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::json;

    fn redactor(secret: &str) -> Redactor {
        let mut secrets = Secrets::default();
        secrets.add(vec!["s".to_owned()]);
        Redactor::of(&secrets, &json!({ "s": secret, "open": "visible" }))
    }

    #[test]
    fn secrets_are_found_in_every_form() {
        let secret = "p@ss\"wörd'7";
        let redactor = redactor(secret);
        for text in [
            format!("a: {secret}"),
            json!({ "a": secret }).to_string(),
            format!("a: '{}'", secret.replace('\'', "''")),
            format!("data: {}", STANDARD.encode(secret)),
            format!("data: {}", STANDARD.encode(format!("x{secret}y"))),
            format!("data: {}", STANDARD.encode(format!("xx{secret}yy"))),
            format!("data: {}", STANDARD.encode(format!("xxx\n{secret}\n"))),
            format!("jdbc://u:{secret}@db"),
        ] {
            let hidden = redactor.redact(&text);
            assert!(hidden.contains(MASK), "{text}: {hidden}");
            assert!(!hidden.contains(secret), "{hidden}");
        }
        assert_eq!(redactor.redact("open: visible"), "open: visible");
    }

    #[test]
    fn short_secrets_hide_words_alone() {
        let redactor = redactor("flink");
        assert_eq!(redactor.redact("a: flink"), "a: (hidden)");
        assert_eq!(redactor.redact("flinkish, myflink"), "flinkish, myflink");
        assert_eq!(
            redactor.redact("u:flink@db flink"),
            "u:(hidden)@db (hidden)"
        );
        assert!(self::redactor("abc").is_empty());
    }

    #[test]
    fn each_line_of_a_secret_is_one() {
        let key = "-----BEGIN KEY-----\nAAAAB3NzaC1yc2E\nBBBBB3NzaC1yc2E\n-----END KEY-----\n";
        let hidden = redactor(key)
            .redact("k: |\n  -----BEGIN KEY-----\n  AAAAB3NzaC1yc2E\n  BBBBB3NzaC1yc2E\n")
            .into_owned();
        assert!(!hidden.contains("3NzaC"), "{hidden}");
    }
}
