//! Flags for the places of Helm's files: repositories, credentials, caches.

use std::path::PathBuf;

use crate::registry::Places;

/// Where Helm's files are, instead of where the environment says.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Helm's files")]
pub struct PlaceFlags {
    /// The repositories that were added (default: $HELM_REPOSITORY_CONFIG)
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    repository_config: Option<PathBuf>,
    /// Their cached indexes (default: $HELM_REPOSITORY_CACHE)
    #[arg(long, global = true, hide_short_help = true, value_name = "FOLDER")]
    repository_cache: Option<PathBuf>,
    /// The credentials for registries (default: $HELM_REGISTRY_CONFIG)
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    registry_config: Option<PathBuf>,
    /// Downloaded charts (default: $HELM_CONTENT_CACHE)
    #[arg(long, global = true, hide_short_help = true, value_name = "FOLDER")]
    content_cache: Option<PathBuf>,
}

impl PlaceFlags {
    /// The places, by the flags first and then by the environment.
    pub fn places(&self) -> Places {
        let environment = Places::from_env();
        let place = |flag: &Option<PathBuf>, otherwise: PathBuf| flag.clone().unwrap_or(otherwise);
        Places {
            repository_config: place(&self.repository_config, environment.repository_config),
            repository_cache: place(&self.repository_cache, environment.repository_cache),
            registry_config: place(&self.registry_config, environment.registry_config),
            content_cache: place(&self.content_cache, environment.content_cache),
            docker_config: environment.docker_config,
        }
    }
}
