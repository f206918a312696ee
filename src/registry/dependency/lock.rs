//! Chart.lock and requirements.lock: which versions were chosen, bound to what was asked for.

use serde::{Deserialize, Serialize};

use crate::chart::Dependency;
use crate::registry::Error;
use crate::registry::cache::sha256;
use crate::yaml::{self, Value};

/// A lock's content, in Helm's shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lock {
    /// When it was made, as RFC 3339.
    #[serde(default)]
    pub generated: String,
    /// Of the dependencies in Chart.yaml and of those chosen.
    #[serde(default)]
    pub digest: String,
    /// The chosen versions.
    #[serde(default)]
    pub dependencies: Vec<Dependency>,
}

impl Lock {
    /// A lock from a chart's parsed file.
    ///
    /// # Errors
    /// When it isn't what a lock must be.
    pub fn of(value: &Value, place: &str) -> Result<Self, Error> {
        serde_json::from_value(value.clone())
            .map_err(|e| Error::invalid(place, format!("is no lock: {e}")))
    }

    /// Its file's text.
    ///
    /// # Errors
    /// Never in practice.
    pub fn text(&self) -> Result<String, Error> {
        let value = serde_json::to_value(self).map_err(|e| Error::invalid("the lock", e))?;
        Ok(yaml::emit(&value))
    }
}

/// Helm's digest of what was asked for and what was chosen, `sha256:` before it.
///
/// # Errors
/// Never in practice.
pub fn digest(asked: &[Dependency], chosen: &[Dependency]) -> Result<String, Error> {
    of_json(&[sorted(asked), sorted(chosen)])
}

/// Helm 2's digest, of what was asked for alone; it stands in old `requirements.lock` files.
///
/// # Errors
/// Never in practice.
pub fn old_digest(asked: &[Dependency]) -> Result<String, Error> {
    #[derive(Serialize)]
    struct Requirements {
        dependencies: Vec<Dependency>,
    }
    of_json(&Requirements {
        dependencies: sorted(asked),
    })
}

fn sorted(list: &[Dependency]) -> Vec<Dependency> {
    let mut list = list.to_vec();
    list.iter_mut().for_each(Dependency::sort);
    list
}

fn of_json(value: &impl Serialize) -> Result<String, Error> {
    let text = yaml::go_struct_json(value).map_err(|e| Error::invalid("the lock", e))?;
    Ok(format!("sha256:{}", sha256(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_digest_is_made_of() {
        let dependency = |version: &str| Dependency {
            name: "a".to_owned(),
            version: version.to_owned(),
            repository: "https://x".to_owned(),
            ..Dependency::default()
        };
        let text = "[[{\"name\":\"a\",\"version\":\"\\u003e=1.0.0\",\"repository\":\"https://x\"}],\
            [{\"name\":\"a\",\"version\":\"1.2.0\",\"repository\":\"https://x\"}]]";
        assert_eq!(
            digest(&[dependency(">=1.0.0")], &[dependency("1.2.0")]).unwrap(),
            format!("sha256:{}", sha256(text.as_bytes()))
        );
    }
}
