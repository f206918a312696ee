//! Which version of a chart is wanted.

use std::fmt;

use super::Error;
use crate::template::funcs::semver::{Constraint, Version};

/// A version or a constraint on versions, in Masterminds' grammar.
#[derive(Debug, Clone)]
pub struct Wanted {
    text: Option<String>,
    constraint: Constraint,
}

impl Wanted {
    /// What `--version` and `--devel` ask for: the newest release where both say nothing, with `devel`
    /// prereleases too.
    ///
    /// # Errors
    /// When the text is no constraint.
    pub fn new(version: &str, devel: bool) -> Result<Self, Error> {
        let version = version.trim();
        let text = match (version, devel) {
            ("", false) => None,
            ("", true) => Some(">0.0.0-0"),
            (text, _) => Some(text),
        };
        let constraint = Constraint::parse(text.unwrap_or("*"))
            .map_err(|e| Error::Usage(format!("version {version:?}: {e}")))?;
        Ok(Wanted {
            text: text.map(str::to_owned),
            constraint,
        })
    }

    /// As it was asked for; `None` for the newest release.
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// Whether a version is among those wanted.
    pub fn fits(&self, version: &Version) -> bool {
        self.constraint.matches(version)
    }

    /// The one version that is asked for; `None` for a constraint.
    pub fn exact(&self) -> Option<Version> {
        Version::parse(self.text()?).ok()
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(text) => write!(f, "that fits {text:?}"),
            None => write!(f, "that is a release (--devel allows prereleases)"),
        }
    }
}
