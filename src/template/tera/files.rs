//! The chart's own files in templates: `files_get`, `files_glob`, `files_lines`, `files_as_config`,
//! `files_as_secrets`.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::tera::{Error, Kwargs, State, TeraResult, Value as Tera};
use base64::Engine as _;

use super::{Registry, value};
use crate::chart::Chart;
use crate::template::suggest::did_you_mean;
use crate::yaml::{self, Value};

type Files = BTreeMap<String, Vec<u8>>;

/// Signs the functions in for one chart: all its files but templates, values and Chart.yaml.
pub(super) fn register(registry: &mut Registry<'_>, chart: &Chart) {
    let files: Files = chart
        .files
        .iter()
        .chain(&chart.crds)
        .map(|f| (f.name.clone(), f.data.clone()))
        .collect();
    let files = Arc::new(files);

    let own = Arc::clone(&files);
    registry.function("files_get", move |kwargs: Kwargs, _: &State| {
        get(&own, &kwargs).map(Tera::from)
    });
    let own = Arc::clone(&files);
    registry.function("files_lines", move |kwargs: Kwargs, _: &State| {
        let text = get(&own, &kwargs)?;
        Ok(Tera::from(text.lines().map(Tera::from).collect::<Vec<_>>()))
    });
    let own = Arc::clone(&files);
    registry.function("files_glob", move |kwargs: Kwargs, _: &State| {
        let mut map = yaml::Map::new();
        for (name, data) in glob(&own, &kwargs)? {
            map.insert(name.clone(), Value::String(text(name, data)?));
        }
        Ok(value::to_tera(&Value::Object(map)))
    });
    let own = Arc::clone(&files);
    registry.function("files_as_config", move |kwargs: Kwargs, _: &State| {
        as_data(&own, &kwargs, text)
    });
    registry.function("files_as_secrets", move |kwargs: Kwargs, _: &State| {
        as_data(&files, &kwargs, |_, data| {
            Ok(base64::engine::general_purpose::STANDARD.encode(data))
        })
    });
}

fn get(files: &Files, kwargs: &Kwargs) -> TeraResult<String> {
    let path = kwargs.must_get::<&str>("path")?;
    match files.get(path) {
        Some(data) => text(path, data),
        None => Err(Error::message(format!(
            "the chart has no file {path:?}{}",
            did_you_mean(path, files.keys().map(String::as_str))
        ))),
    }
}

fn text(name: &str, data: &[u8]) -> TeraResult<String> {
    String::from_utf8(data.to_vec()).map_err(|_| {
        Error::message(format!(
            "the chart's file {name:?} is not UTF-8; use files_as_secrets"
        ))
    })
}

/// The `data` of a ConfigMap or a Secret: a YAML map from base names to contents.
fn as_data(
    files: &Files,
    kwargs: &Kwargs,
    encode: impl Fn(&str, &[u8]) -> TeraResult<String>,
) -> TeraResult<Tera> {
    let mut map = yaml::Map::new();
    for (name, data) in glob(files, kwargs)? {
        let base = name.rsplit('/').next().unwrap_or(name);
        if map
            .insert(base.to_owned(), Value::String(encode(name, data)?))
            .is_some()
        {
            return Err(Error::message(format!(
                "two of the chart's files are called {base:?}"
            )));
        }
    }
    if map.is_empty() {
        return Ok(Tera::from(""));
    }
    yaml::to_yaml(&Value::Object(map))
        .map(Tera::from)
        .map_err(Error::message)
}

fn glob<'a>(files: &'a Files, kwargs: &Kwargs) -> TeraResult<Vec<(&'a String, &'a Vec<u8>)>> {
    let pattern = kwargs.must_get::<&str>("pattern")?;
    let regex = glob_regex(pattern)
        .ok_or_else(|| Error::message(format!("{pattern:?} is not a glob pattern")))?;
    Ok(files
        .iter()
        .filter(|(name, _)| regex.is_match(name))
        .collect())
}

/// `*` and `?` within a folder, `**` across folders, `{a,b}`, `[a-z]`, `[!a-z]`, `\` escapes.
fn glob_regex(pattern: &str) -> Option<regex::Regex> {
    let mut regex = String::from("^(?s:");
    let mut chars = pattern.chars().peekable();
    let mut depth = 0u32;
    while let Some(c) = chars.next() {
        match c {
            '*' => {
                if chars.next_if_eq(&'*').is_some() {
                    regex.push_str(".*");
                } else {
                    regex.push_str("[^/]*");
                }
            }
            '?' => regex.push_str("[^/]"),
            '{' => {
                depth += 1;
                regex.push_str("(?:");
            }
            '}' if depth > 0 => {
                depth -= 1;
                regex.push(')');
            }
            ',' if depth > 0 => regex.push('|'),
            '[' => {
                regex.push('[');
                if chars.next_if(|c| matches!(c, '!' | '^')).is_some() {
                    regex.push('^');
                }
                loop {
                    match chars.next()? {
                        ']' => break,
                        '-' => regex.push('-'),
                        c => regex.push_str(&regex::escape(&c.to_string())),
                    }
                }
                regex.push(']');
            }
            '\\' => regex.push_str(&regex::escape(&chars.next()?.to_string())),
            c => regex.push_str(&regex::escape(&c.to_string())),
        }
    }
    regex.push_str(")$");
    regex::RegexBuilder::new(&regex)
        .size_limit(1 << 20)
        .build()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (pattern, name, fits) in [
            ("*.md", "README.md", true),
            ("*.md", "docs/a.md", false),
            ("**.md", "docs/a.md", true),
            ("config/**", "config/a/b.xml", true),
            (
                "config/{log4j,logback}*.{xml,properties}",
                "config/log4j-cli.properties",
                true,
            ),
            ("config/[!a]?", "config/bc", true),
            ("config/[!a]?", "config/ac", false),
            ("a.b", "axb", false),
        ] {
            assert_eq!(
                glob_regex(pattern).unwrap().is_match(name),
                fits,
                "{pattern} {name}"
            );
        }
        assert!(glob_regex("[a").is_none());
    }
}
