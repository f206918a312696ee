//! `nutkin env`: Helm's variables, with the values that nutkin goes by.

use std::process::ExitCode;

use serde_json::json;

use super::error::{CommandError, Kind};
use super::output::Format;
use super::{Context, helm_env};
use crate::yaml::Map;

/// Print the variables that nutkin goes by, Helm's own, with their values
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nutkin env
  nutkin env HELM_PLUGINS")]
pub struct Args {
    /// Print only this variable's value
    #[arg(value_name = "VARIABLE")]
    variable: Option<String>,
    /// The output format
    #[arg(short = 'o', long, value_enum, default_value_t)]
    output: Format,
}

impl Args {
    /// Prints them.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let all = variables(cx);
        if let Some(name) = &self.variable {
            let Some((_, value)) = all.iter().find(|(known, _)| known == name) else {
                let names: Vec<&str> = all.iter().map(|(known, _)| *known).collect();
                return Err(
                    CommandError::new(Kind::Usage, format_args!("no variable {name}"))
                        .hint(format_args!("one of: {}", names.join(", "))),
                );
            };
            cx.output.data(&format!("{value}\n"))?;
            return Ok(ExitCode::SUCCESS);
        }
        let map: Map = all
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        cx.output.formatted(self.output, &map, || {
            all.iter()
                .map(|(name, value)| format!("{name}={value:?}\n"))
                .collect()
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The variables in the order of their names. A token is not shown.
fn variables(cx: &Context) -> Vec<(&'static str, String)> {
    let kube = &cx.global.kube;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let shown = |path: std::path::PathBuf| path.display().to_string();
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let below = |name: &str, otherwise: std::path::PathBuf| {
        set(name).unwrap_or_else(|| otherwise.display().to_string())
    };
    let (cache, config, data) = (
        helm_env::cache_home(),
        helm_env::config_home(),
        helm_env::data_home(),
    );
    let places = cx.global.places.places();
    let token = text(&kube.kube_token);
    vec![
        ("HELM_BIN", std::env::args().next().unwrap_or_default()),
        ("HELM_BURST_LIMIT", kube.burst_limit.to_string()),
        ("HELM_CACHE_HOME", shown(cache)),
        ("HELM_CONFIG_HOME", shown(config)),
        ("HELM_DATA_HOME", shown(data.clone())),
        ("HELM_DEBUG", cx.global.debug.to_string()),
        ("HELM_KUBEAPISERVER", text(&kube.kube_apiserver)),
        ("HELM_KUBEASGROUPS", kube.kube_as_group.join(",")),
        ("HELM_KUBEASUSER", text(&kube.kube_as_user)),
        (
            "HELM_KUBECAFILE",
            kube.kube_ca_file.clone().map(shown).unwrap_or_default(),
        ),
        ("HELM_KUBECONTEXT", text(&kube.kube_context)),
        (
            "HELM_KUBEINSECURE_SKIP_TLS_VERIFY",
            kube.kube_insecure_skip_tls_verify.to_string(),
        ),
        ("HELM_KUBETLS_SERVER_NAME", text(&kube.kube_tls_server_name)),
        (
            "HELM_KUBETOKEN",
            if token.is_empty() {
                token
            } else {
                "(hidden)".to_owned()
            },
        ),
        (
            "HELM_MAX_HISTORY",
            set("HELM_MAX_HISTORY").unwrap_or_else(|| "10".to_owned()),
        ),
        ("HELM_NAMESPACE", cx.release_namespace()),
        ("HELM_PLUGINS", below("HELM_PLUGINS", data.join("plugins"))),
        ("HELM_QPS", format!("{:.2}", kube.qps)),
        ("HELM_REGISTRY_CONFIG", shown(places.registry_config)),
        ("HELM_REPOSITORY_CACHE", shown(places.repository_cache)),
        ("HELM_REPOSITORY_CONFIG", shown(places.repository_config)),
    ]
}
