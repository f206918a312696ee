//! Where Helm keeps its repositories, credentials and caches: nutkin uses the same files.

use std::env;
use std::path::{Path, PathBuf};

/// The files and folders of a user, as Helm 4 finds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// `repositories.yaml`: the repositories that were added.
    pub repository_config: PathBuf,
    /// The folder of the repositories' cached indexes.
    pub repository_cache: PathBuf,
    /// Docker's configuration format, with the credentials of `registry login`.
    pub registry_config: PathBuf,
    /// The folder of downloaded charts, by their digest.
    pub content_cache: PathBuf,
    /// Docker's own configuration, read where `registry_config` has no credentials.
    pub docker_config: Option<PathBuf>,
}

impl Places {
    /// The places by the process's environment: `HELM_REPOSITORY_CONFIG`, `HELM_REPOSITORY_CACHE`,
    /// `HELM_REGISTRY_CONFIG` and `HELM_CONTENT_CACHE` first, then `HELM_CONFIG_HOME` and
    /// `HELM_CACHE_HOME`, then XDG's folders, then the platform's own.
    pub fn from_env() -> Self {
        Self::new(|name| env::var_os(name).map(PathBuf::from))
    }

    fn new(var: impl Fn(&str) -> Option<PathBuf>) -> Self {
        let set = |name: &str| var(name).filter(|p| !p.as_os_str().is_empty());
        let home = set("HOME").unwrap_or_default();
        let mac = cfg!(target_os = "macos");
        let base = |helm: &str, xdg: &str, default: &str, mac_default: &str| {
            set(helm).unwrap_or_else(|| {
                let own = home.join(if mac { mac_default } else { default });
                set(xdg).unwrap_or(own).join("helm")
            })
        };
        let config = base(
            "HELM_CONFIG_HOME",
            "XDG_CONFIG_HOME",
            ".config",
            "Library/Preferences",
        );
        let cache = base(
            "HELM_CACHE_HOME",
            "XDG_CACHE_HOME",
            ".cache",
            "Library/Caches",
        );
        let docker = set("DOCKER_CONFIG").or_else(|| set("HOME").map(|h| h.join(".docker")));
        let place = |name: &str, default: PathBuf| set(name).unwrap_or(default);
        Places {
            repository_config: place("HELM_REPOSITORY_CONFIG", config.join("repositories.yaml")),
            repository_cache: place("HELM_REPOSITORY_CACHE", cache.join("repository")),
            registry_config: place("HELM_REGISTRY_CONFIG", config.join("registry/config.json")),
            content_cache: place("HELM_CONTENT_CACHE", cache.join("content")),
            docker_config: docker.map(|d| d.join("config.json")),
        }
    }

    /// The cached index of a repository.
    pub fn index(&self, repository: &str) -> PathBuf {
        self.repository_cache
            .join(format!("{repository}-index.yaml"))
    }

    /// The cached names of a repository's charts, a line each; Helm's completion reads it.
    pub fn chart_names(&self, repository: &str) -> PathBuf {
        self.repository_cache
            .join(format!("{repository}-charts.txt"))
    }

    /// The file whose lock says that somebody changes `repositories.yaml`.
    pub fn repository_lock(&self) -> PathBuf {
        lock_of(&self.repository_config)
    }
}

/// The lock beside a file: its extension replaced, as Helm does.
pub(super) fn lock_of(path: &Path) -> PathBuf {
    path.with_extension("lock")
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn the_nearest_variable_counts() {
        let places = |vars: &[(&str, &str)]| {
            let vars: HashMap<_, _> = vars.iter().copied().collect();
            Places::new(|name| vars.get(name).map(PathBuf::from))
        };
        let own = places(&[("HOME", "/home/u"), ("HELM_CONFIG_HOME", "/c")]);
        assert_eq!(own.repository_config, Path::new("/c/repositories.yaml"));
        assert_eq!(own.registry_config, Path::new("/c/registry/config.json"));
        if !cfg!(target_os = "macos") {
            let cache = Path::new("/home/u/.cache/helm/repository");
            assert_eq!(own.repository_cache, cache);
        }
        let xdg = places(&[("HOME", "/home/u"), ("XDG_CACHE_HOME", "/x")]);
        assert_eq!(xdg.content_cache, Path::new("/x/helm/content"));
        let direct = places(&[("HELM_CACHE_HOME", "/c"), ("HELM_REPOSITORY_CACHE", "/r")]);
        assert_eq!(direct.index("a"), Path::new("/r/a-index.yaml"));
        assert_eq!(direct.docker_config, None);
    }
}
