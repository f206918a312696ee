//! Credentials of registries: Docker's configuration file and credential helpers, in Helm's place first.

use std::path::Path;
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::io::AsyncWriteExt as _;

use super::oci::HELPER_TIMEOUT;
use super::places::lock_of;
use super::{Error, Places, files};

const MAX_CONFIG: u64 = 8 * 1024 * 1024;
/// What a helper calls the user when the secret is an identity token.
const TOKEN_USER: &str = "<token>";

/// Who asks a registry.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credential {
    /// The user.
    pub username: String,
    /// The password, or an access token that takes its place.
    pub password: String,
    /// A token to get others with, instead of user and password; empty: none.
    pub identity_token: String,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").finish_non_exhaustive()
    }
}

/// Finds the credentials for a registry: in the file of `registry login`, then in Docker's.
///
/// # Errors
/// When a file is there and can't be read, or a helper fails otherwise than by having none.
pub async fn find(places: &Places, registry: &str) -> Result<Option<Credential>, Error> {
    let mut paths = vec![places.registry_config.as_path()];
    paths.extend(places.docker_config.as_deref());
    for path in paths {
        let config = Config::load(path)?;
        if let Some(found) = config.find(registry).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Keeps credentials, in the file of `registry login` or with the helper that it names. Says where.
///
/// # Errors
/// When the file can't be changed, or the helper fails.
pub async fn store(
    places: &Places,
    registry: &str,
    credential: &Credential,
) -> Result<String, Error> {
    let path = &places.registry_config;
    let _lock = files::Lock::take(&lock_of(path))?;
    let mut config = Config::load(path)?;
    if let Some(helper) = config.helper_to_store(registry) {
        let message = Stored {
            server: key(registry),
            username: credential.username.clone(),
            secret: credential.password.clone(),
        };
        let text =
            serde_json::to_string(&message).map_err(|e| Error::invalid("the credentials", e))?;
        run(&helper, "store", &text).await?;
        return Ok(format!("docker-credential-{helper}"));
    }
    let pair = format!("{}:{}", credential.username, credential.password);
    let mut entry = Map::new();
    entry.insert("auth".to_owned(), STANDARD.encode(pair).into());
    config.auths.insert(key(registry), Value::Object(entry));
    config.save(path)?;
    Ok(path.display().to_string())
}

/// Forgets the credentials of `registry login`; whether there were any in the file.
///
/// # Errors
/// When the file can't be changed, or the helper fails.
pub async fn erase(places: &Places, registry: &str) -> Result<bool, Error> {
    let path = &places.registry_config;
    let _lock = files::Lock::take(&lock_of(path))?;
    let mut config = Config::load(path)?;
    if let Some(helper) = config.helper(registry) {
        run(&helper, "erase", &key(registry)).await?;
        return Ok(true);
    }
    let gone = config.auths.shift_remove(&key(registry)).is_some();
    if gone {
        config.save(path)?;
    }
    Ok(gone)
}

/// What the configuration calls a registry; Docker Hub has a name of its own.
fn key(registry: &str) -> String {
    match registry {
        "docker.io" | "registry-1.docker.io" => "https://index.docker.io/v1/".to_owned(),
        other => other.to_owned(),
    }
}

/// Docker's configuration file; what it holds besides credentials stays as it is.
struct Config {
    /// All of it; `auths` is empty here while it is in the field of that name.
    root: Map<String, Value>,
    auths: Map<String, Value>,
}

/// What a helper reads and writes.
#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(rename = "ServerURL", default)]
    server: String,
    #[serde(rename = "Username", default)]
    username: String,
    #[serde(rename = "Secret", default)]
    secret: String,
}

impl Config {
    fn load(path: &Path) -> Result<Self, Error> {
        let bytes = files::read(path, MAX_CONFIG)?.unwrap_or_default();
        let mut root = if bytes.iter().all(u8::is_ascii_whitespace) {
            Map::new()
        } else {
            // The message must not quote the file: it holds passwords.
            match serde_json::from_slice(&bytes) {
                Ok(Value::Object(root)) => root,
                _ => {
                    return Err(Error::invalid(
                        path.display().to_string(),
                        "is no Docker configuration (JSON)",
                    ));
                }
            }
        };
        let auths = match root.get_mut("auths") {
            Some(Value::Object(auths)) => std::mem::take(auths),
            _ => Map::new(),
        };
        Ok(Config { root, auths })
    }

    fn save(mut self, path: &Path) -> Result<(), Error> {
        self.root
            .insert("auths".to_owned(), Value::Object(self.auths));
        let mut text = Vec::new();
        let indent = serde_json::ser::PrettyFormatter::with_indent(b"\t");
        let mut writer = serde_json::Serializer::with_formatter(&mut text, indent);
        self.root
            .serialize(&mut writer)
            .map_err(|e| Error::invalid(path.display().to_string(), e))?;
        files::write(path, &text, true)
    }

    /// The helper that the file names for a registry.
    fn helper(&self, registry: &str) -> Option<String> {
        let own = self
            .root
            .get("credHelpers")
            .and_then(|h| h.get(key(registry)).or_else(|| h.get(registry)));
        let name = own.or_else(|| self.root.get("credsStore"))?.as_str()?;
        (!name.is_empty()).then(|| name.to_owned())
    }

    /// The helper to store with: that of the file; for a file without any credentials the platform's own,
    /// where it is installed, as Helm does.
    fn helper_to_store(&self, registry: &str) -> Option<String> {
        let helpers = self.root.get("credHelpers").and_then(Value::as_object);
        let configured = self.root.get("credsStore").is_some()
            || !self.auths.is_empty()
            || helpers.is_some_and(|h| !h.is_empty());
        self.helper(registry).or_else(|| {
            let own = if cfg!(target_os = "macos") {
                "osxkeychain"
            } else if in_path("pass") {
                "pass"
            } else {
                "secretservice"
            };
            (!configured && in_path(&format!("docker-credential-{own}"))).then(|| own.to_owned())
        })
    }

    async fn find(&self, registry: &str) -> Result<Option<Credential>, Error> {
        if let Some(helper) = self.helper(registry) {
            return get(&helper, registry).await;
        }
        let key = key(registry);
        let entry = self.auths.get(&key).or_else(|| {
            let mut all = self.auths.iter();
            all.find(|(k, _)| host_of(k) == key).map(|(_, v)| v)
        });
        let text = |name: &str| {
            let value = entry.and_then(|e| e.get(name));
            value.and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let mut credential = Credential {
            username: text("username"),
            password: text("password"),
            identity_token: text("identitytoken"),
        };
        let pair = STANDARD.decode(text("auth")).ok();
        let pair = pair.and_then(|p| String::from_utf8(p).ok());
        if let Some((username, password)) = pair.as_deref().and_then(|p| p.split_once(':')) {
            username.clone_into(&mut credential.username);
            // Docker pads it with zeros.
            password
                .trim_end_matches('\0')
                .clone_into(&mut credential.password);
        }
        Ok((credential != Credential::default()).then_some(credential))
    }
}

/// The host of a key such as `https://host/v1/`.
fn host_of(key: &str) -> &str {
    let rest = key
        .strip_prefix("https://")
        .or_else(|| key.strip_prefix("http://"))
        .unwrap_or(key);
    rest.split('/').next().unwrap_or(rest)
}

fn in_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    })
}

/// Asks a helper for the credentials of a registry.
async fn get(helper: &str, registry: &str) -> Result<Option<Credential>, Error> {
    let answer = match run(helper, "get", &key(registry)).await {
        Ok(answer) => answer,
        Err(Error::Helper { message, .. }) if message.contains("credentials not found") => {
            return Ok(None);
        }
        Err(e) => return Err(e),
    };
    let stored: Stored = serde_json::from_str(&answer).map_err(|_| Error::Helper {
        program: format!("docker-credential-{helper}"),
        message: "does not answer as a credential helper".to_owned(),
    })?;
    if stored.secret.is_empty() {
        return Ok(None);
    }
    Ok(Some(if stored.username == TOKEN_USER {
        Credential {
            identity_token: stored.secret,
            ..Credential::default()
        }
    } else {
        Credential {
            username: stored.username,
            password: stored.secret,
            identity_token: String::new(),
        }
    }))
}

/// Runs a helper. Its input may hold a secret and is in no message; its output is only where it fails.
async fn run(helper: &str, action: &str, input: &str) -> Result<String, Error> {
    let program = format!("docker-credential-{helper}");
    let failed = |message: String| Error::Helper {
        program: program.clone(),
        message,
    };
    let plain = helper
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if !plain {
        return Err(failed("is no name of a credential helper".to_owned()));
    }
    let mut child = tokio::process::Command::new(&program)
        .arg(action)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| failed(format!("cannot be run: {e}")))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that doesn't read has its reasons, and says them.
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    let output = tokio::time::timeout(HELPER_TIMEOUT, child.wait_with_output())
        .await
        .map_err(|_| {
            failed(format!(
                "does not end within {} s",
                HELPER_TIMEOUT.as_secs()
            ))
        })?
        .map_err(|e| failed(e.to_string()))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    // Helpers complain on stdout.
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let said = if stdout.trim().is_empty() {
        stderr
    } else {
        stdout
    };
    let line: String = said
        .trim()
        .chars()
        .filter(|c| !c.is_control())
        .take(300)
        .collect();
    Err(failed(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_keys() {
        for (key, host) in [
            ("https://a.example/v1/", "a.example"),
            ("a.example:5000", "a.example:5000"),
            ("http://a.example", "a.example"),
        ] {
            assert_eq!(host_of(key), host);
        }
    }

    #[tokio::test]
    async fn what_docker_wrote_is_read_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places {
            registry_config: folder.path().join("helm/config.json"),
            docker_config: Some(folder.path().join("docker.json")),
            ..Places::from_env()
        };
        let docker = "{\"auths\":{\"https://a.example/v2/\":{\"auth\":\"dTpwOnE=\"},\
            \"b.example\":{\"identitytoken\":\"t\"}},\"HttpHeaders\":{\"x\":\"y\"}}";
        std::fs::write(folder.path().join("docker.json"), docker).unwrap();
        let found = find(&places, "a.example").await.unwrap().unwrap();
        assert_eq!(
            (found.username.as_str(), found.password.as_str()),
            ("u", "p:q")
        );
        let found = find(&places, "b.example").await.unwrap().unwrap();
        assert_eq!(found.identity_token, "t");
        assert_eq!(find(&places, "c.example").await.unwrap(), None);

        std::fs::create_dir_all(folder.path().join("helm")).unwrap();
        std::fs::write(
            &places.registry_config,
            "{\"auths\":{},\"detachKeys\":\"x\"}",
        )
        .unwrap();
        let own = Credential {
            username: "me".to_owned(),
            password: "s3cret".to_owned(),
            ..Credential::default()
        };
        store(&places, "a.example", &own).await.unwrap();
        assert_eq!(find(&places, "a.example").await.unwrap(), Some(own));
        let text = std::fs::read_to_string(&places.registry_config).unwrap();
        assert!(text.contains("detachKeys"), "{text}");
        assert!(erase(&places, "a.example").await.unwrap());
        assert!(!erase(&places, "a.example").await.unwrap());
        let found = find(&places, "a.example").await.unwrap().unwrap();
        assert_eq!(found.username, "u");
    }

    #[tokio::test]
    async fn helpers_are_plain_names() {
        let error = run("../evil", "get", "x").await.unwrap_err();
        assert!(error.to_string().contains("no name"), "{error}");
    }
}
