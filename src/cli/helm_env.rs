//! Helm's folders and variables, so that what is set up for helm is found.

use std::env;
use std::path::PathBuf;

/// A variable that is set and not empty.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// One of Helm's homes: its own variable, else the XDG one's `helm`, else below the user's folder.
fn home(own: &str, xdg: &str, fallback: &str) -> PathBuf {
    if let Some(path) = variable(own) {
        return path.into();
    }
    let base = variable(xdg).map(PathBuf::from);
    base.unwrap_or_else(|| PathBuf::from(variable("HOME").unwrap_or_default()).join(fallback))
        .join("helm")
}

/// Where Helm keeps what can be fetched again.
pub fn cache_home() -> PathBuf {
    home("HELM_CACHE_HOME", "XDG_CACHE_HOME", ".cache")
}

/// Where Helm keeps its configuration.
pub fn config_home() -> PathBuf {
    home("HELM_CONFIG_HOME", "XDG_CONFIG_HOME", ".config")
}

/// Where Helm keeps its data, plugins among it.
pub fn data_home() -> PathBuf {
    home("HELM_DATA_HOME", "XDG_DATA_HOME", ".local/share")
}

/// The folders of Helm's plugins.
pub fn plugin_folders() -> Vec<PathBuf> {
    match env::var_os("HELM_PLUGINS").filter(|value| !value.is_empty()) {
        Some(value) => env::split_paths(&value).collect(),
        None => vec![data_home().join("plugins")],
    }
}
