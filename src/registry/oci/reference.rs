//! `oci://registry/repository:tag@digest`.

use std::fmt;

use reqwest::Url;

use crate::registry::Error;
use crate::registry::cache::is_sha256;

/// The scheme of charts in registries.
pub const SCHEME: &str = "oci://";

/// Whether a chart's reference names a registry.
pub fn is_oci(text: &str) -> bool {
    text.starts_with(SCHEME)
}

/// A place in a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Host, and port where there is one.
    pub registry: String,
    /// The path below the registry; its last part is the chart's name.
    pub repository: String,
    /// The version, as a tag: `_` stands for `+`.
    pub tag: Option<String>,
    /// `sha256:` and 64 hex digits.
    pub digest: Option<String>,
}

impl Reference {
    /// Reads a reference, with or without `oci://`. A `+` in the tag becomes `_`, as in Helm.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bad = |reason: &str| {
            Error::Usage(format!(
                "{text:?} is no reference of a registry: {reason}; write oci://HOST/PATH/CHART[:VERSION]"
            ))
        };
        let rest = text.strip_prefix(SCHEME).unwrap_or(text);
        let (rest, digest) = match rest.rsplit_once('@') {
            Some((rest, digest)) => (rest, Some(digest.to_owned())),
            None => (rest, None),
        };
        if let Some(digest) = &digest
            && !digest.strip_prefix("sha256:").is_some_and(is_sha256)
        {
            return Err(bad("the digest must be sha256: and 64 hex digits"));
        }
        let (registry, path) = rest
            .split_once('/')
            .ok_or_else(|| bad("there is no path behind the host"))?;
        let (repository, tag) = match path.rsplit_once(':') {
            Some((path, tag)) => (path, Some(tag_of(tag))),
            None => (path, None),
        };
        host(registry).map_err(|reason| bad(&reason))?;
        if repository.is_empty() || !repository.split('/').all(is_part) || repository.len() > 255 {
            return Err(bad(
                "the path may have lower-case letters, digits and single . _ - between them",
            ));
        }
        if let Some(tag) = &tag
            && !is_tag(tag)
        {
            return Err(bad("the version is no tag"));
        }
        Ok(Reference {
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            tag,
            digest,
        })
    }

    /// The same place with another version.
    pub fn with_version(&self, version: &str) -> Self {
        Reference {
            tag: Some(tag_of(version)),
            ..self.clone()
        }
    }

    /// The chart's name: the last part of the path.
    pub fn chart(&self) -> &str {
        self.repository
            .rsplit('/')
            .next()
            .unwrap_or(&self.repository)
    }

    /// The version that the tag stands for.
    pub fn version(&self) -> Option<String> {
        self.tag.as_ref().map(|tag| version_of(tag))
    }

    /// What the registry calls the manifest: the digest, or the tag.
    pub(super) fn name(&self) -> &str {
        self.digest
            .as_deref()
            .or(self.tag.as_deref())
            .unwrap_or("latest")
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// The tag of a version; a tag has no `+`.
pub fn tag_of(version: &str) -> String {
    version.replace('+', "_")
}

/// The version of a tag.
pub fn version_of(tag: &str) -> String {
    tag.replace('_', "+")
}

fn is_tag(text: &str) -> bool {
    let first = text.bytes().next();
    text.len() <= 128
        && first.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_')
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

/// A part of a repository's path: words of lower-case letters and digits, between them `.`, `_`, `__` or
/// any number of `-`.
fn is_part(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let ends = text.bytes().next().is_some_and(word) && text.bytes().next_back().is_some_and(word);
    let separators = text
        .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        .all(|s| matches!(s, "" | "." | "_" | "__") || s.bytes().all(|b| b == b'-'));
    ends && separators
}

/// Checks the host and port of a registry, and gives the address of its API's host: `docker.io` has
/// another name there.
pub(super) fn host(registry: &str) -> Result<String, String> {
    let bad = || format!("{registry:?} is no host");
    let plain = registry
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']'));
    let parsed = Url::parse(&format!("http://{registry}/")).map_err(|_| bad())?;
    if !plain || registry.is_empty() || !parsed.has_host() {
        return Err(bad());
    }
    Ok(match registry {
        "docker.io" => "registry-1.docker.io".to_owned(),
        other => other.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for (text, want) in [
            (
                "oci://localhost:5000/charts/x",
                ("localhost:5000", "charts/x", None, None),
            ),
            (
                "oci://a.example/x:1.2.3+b.1",
                ("a.example", "x", Some("1.2.3_b.1"), None),
            ),
            (
                "a.example:5000/x_y--z:1.0.0",
                ("a.example:5000", "x_y--z", Some("1.0.0"), None),
            ),
            (
                &format!("oci://a/x:1.0.0@{digest}"),
                ("a", "x", Some("1.0.0"), Some(digest.as_str())),
            ),
            ("oci://[::1]:5000/x", ("[::1]:5000", "x", None, None)),
        ] {
            let got = Reference::parse(text).unwrap();
            let parts = (
                got.registry.as_str(),
                got.repository.as_str(),
                got.tag.as_deref(),
                got.digest.as_deref(),
            );
            assert_eq!(parts, want, "{text}");
        }
        for text in [
            "oci://",
            "oci://host",
            "oci://host/",
            "oci://user:pw@host/x",
            "oci://host/X",
            "oci://host/a//b",
            "oci://host/a..b",
            "oci://host/../x",
            "oci://host/x:",
            "oci://host/x:a b",
            "oci://host/x@sha256:abc",
            "oci://ho st/x",
            "oci://host/x?y=z",
        ] {
            assert!(Reference::parse(text).is_err(), "{text}");
        }
        let reference = Reference::parse("oci://h/a/x:1.0.0_b").unwrap();
        assert_eq!(reference.version().as_deref(), Some("1.0.0+b"));
        assert_eq!(reference.chart(), "x");
        assert_eq!(reference.to_string(), "h/a/x:1.0.0_b");
    }
}
