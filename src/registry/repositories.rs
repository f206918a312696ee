//! The repositories that were added: `repositories.yaml`, in Helm's format.

use serde::{Deserialize, Deserializer, Serialize};

use super::{Access, Error, Places, files};
use crate::yaml::{self, Value};

/// More than any list of repositories needs.
const MAX_FILE: u64 = 8 * 1024 * 1024;

/// A repository as it was added.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Repository {
    /// The local name.
    #[serde(deserialize_with = "text")]
    pub name: String,
    /// The address; `index.yaml` lies below it.
    #[serde(deserialize_with = "text")]
    pub url: String,
    /// For basic authentication; empty: none.
    #[serde(deserialize_with = "text")]
    pub username: String,
    /// For basic authentication.
    #[serde(deserialize_with = "text")]
    pub password: String,
    /// The client's certificate; empty: none.
    #[serde(rename = "certFile", deserialize_with = "text")]
    pub cert_file: String,
    /// The client's key.
    #[serde(rename = "keyFile", deserialize_with = "text")]
    pub key_file: String,
    /// Whom to trust; empty: whom the machine trusts.
    #[serde(rename = "caFile", deserialize_with = "text")]
    pub ca_file: String,
    /// Whether the server's certificate is not checked.
    pub insecure_skip_tls_verify: bool,
    /// Whether other hosts get the credentials too.
    pub pass_credentials_all: bool,
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repository")
            .field("name", &self.name)
            .field("url", &super::http::shown_text(&self.url))
            .finish_non_exhaustive()
    }
}

impl Repository {
    /// How its server is reached.
    pub fn access(&self) -> Access {
        let path = |text: &str| (!text.is_empty()).then(|| text.into());
        Access {
            username: self.username.clone(),
            password: self.password.clone(),
            ca_file: path(&self.ca_file),
            cert_file: path(&self.cert_file),
            key_file: path(&self.key_file),
            insecure_skip_tls_verify: self.insecure_skip_tls_verify,
            pass_credentials: self.pass_credentials_all,
            ..Access::default()
        }
    }
}

/// The file: its repositories in the order they were added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Repositories {
    #[serde(rename = "apiVersion", deserialize_with = "text")]
    api_version: String,
    #[serde(deserialize_with = "text")]
    generated: String,
    #[serde(deserialize_with = "list")]
    repositories: Vec<Repository>,
}

impl Default for Repositories {
    /// What Helm writes for a file that wasn't there.
    fn default() -> Self {
        Repositories {
            api_version: String::new(),
            generated: "0001-01-01T00:00:00Z".to_owned(),
            repositories: Vec::new(),
        }
    }
}

/// A scalar as text, as Helm reads `password: 1234`; null is empty.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text),
        scalar @ (Value::Bool(_) | Value::Number(_)) => Ok(scalar.to_string()),
        _ => Err(serde::de::Error::custom("must be text")),
    }
}

/// A list; null is empty, and so are null entries left out.
fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Repository>, D::Error> {
    let list = Option::<Vec<Option<Repository>>>::deserialize(deserializer)?;
    Ok(list.unwrap_or_default().into_iter().flatten().collect())
}

impl Repositories {
    /// Reads the file; a file that isn't there has no repositories.
    ///
    /// # Errors
    /// When it cannot be read, or isn't what it must be.
    pub fn load(places: &Places) -> Result<Self, Error> {
        let path = &places.repository_config;
        let Some(text) = files::read_text(path, MAX_FILE)? else {
            return Ok(Repositories::default());
        };
        let shown = path.display().to_string();
        // The message must not quote a line: it may hold a password.
        let value = yaml::parse(&text)
            .map_err(|e| Error::invalid(format!("{shown}:{}", e.line), "cannot be read as YAML"))?;
        if value.is_null() {
            return Ok(Repositories::default());
        }
        serde_json::from_value(value)
            .map_err(|_| Error::invalid(shown, "is not a list of repositories"))
    }

    /// Changes the file while no other process of nutkin or Helm does. Nothing is written where the
    /// change fails, or leaves all as it was.
    ///
    /// # Errors
    /// Those of reading, writing and of the change.
    pub fn change<T>(
        places: &Places,
        change: impl FnOnce(&mut Repositories) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let _lock = files::Lock::take(&places.repository_lock())?;
        let before = Repositories::load(places)?;
        let mut after = before.clone();
        let result = change(&mut after)?;
        if after != before {
            let path = &places.repository_config;
            let value = serde_json::to_value(&after)
                .map_err(|e| Error::invalid(path.display().to_string(), e))?;
            files::write(path, yaml::emit(&value).as_bytes(), true)?;
        }
        Ok(result)
    }

    /// All, in the order they were added.
    pub fn all(&self) -> &[Repository] {
        &self.repositories
    }

    /// One by its name.
    pub fn get(&self, name: &str) -> Option<&Repository> {
        self.repositories.iter().find(|r| r.name == name)
    }

    /// One by its address; a slash at the end plays no part.
    pub fn by_url(&self, url: &str) -> Option<&Repository> {
        self.repositories.iter().find(|r| same_url(&r.url, url))
    }

    /// Adds one, or replaces that of the same name.
    pub fn set(&mut self, repository: Repository) {
        match self
            .repositories
            .iter_mut()
            .find(|r| r.name == repository.name)
        {
            Some(old) => *old = repository,
            None => self.repositories.push(repository),
        }
    }

    /// Removes one by its name; whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.repositories.len();
        self.repositories.retain(|r| r.name != name);
        self.repositories.len() < before
    }
}

/// Whether two addresses are one repository's: the path cleaned, the rest as it is written.
pub fn same_url(a: &str, b: &str) -> bool {
    match (reqwest::Url::parse(a), reqwest::Url::parse(b)) {
        (Ok(mut a), Ok(mut b)) => {
            for url in [&mut a, &mut b] {
                let path = url.path().trim_end_matches('/').to_owned();
                url.set_path(&path);
            }
            a == b
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_without_the_last_slash() {
        for (a, b, same) in [
            ("https://a.example", "https://a.example/", true),
            ("https://a.example/x//", "https://A.example/x", true),
            ("https://a.example/x", "https://a.example/y", false),
            ("https://a.example", "http://a.example", false),
            ("not an address", "not an address", true),
        ] {
            assert_eq!(same_url(a, b), same, "{a} {b}");
        }
    }

    #[test]
    fn files_of_others_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("repositories.yaml");
        let places = Places {
            repository_config: config.clone(),
            ..Places::from_env()
        };
        assert_eq!(Repositories::load(&places).unwrap().all(), []);
        std::fs::write(
            &config,
            "apiVersion: v1\nrepositories:\n- name: a\n  url: http://a\n  password: 1234\n- null\n",
        )
        .unwrap();
        let read = Repositories::load(&places).unwrap();
        assert_eq!(read.all().len(), 1);
        assert_eq!(read.get("a").unwrap().password, "1234");
        std::fs::write(&config, "repositories:\n- name: a\n  password: [s3cret]\n").unwrap();
        let error = Repositories::load(&places).unwrap_err().to_string();
        assert!(!error.contains("s3cret"), "{error}");
    }

    #[test]
    fn what_is_written_is_the_users_alone() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places {
            repository_config: folder.path().join("sub/repositories.yaml"),
            ..Places::from_env()
        };
        Repositories::change(&places, |all| {
            all.set(Repository {
                name: "a".to_owned(),
                ..Repository::default()
            });
            Ok(())
        })
        .unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let meta = std::fs::metadata(&places.repository_config).unwrap();
            assert_eq!(meta.permissions().mode() & 0o777, 0o600);
        }
        let removed = Repositories::change(&places, |all| Ok(all.remove("a"))).unwrap();
        assert!(removed);
    }
}
