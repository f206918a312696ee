//! The flags that say which cluster, and how the cluster's and the store's errors look to the user.

use std::path::PathBuf;

use clap::builder::FalseyValueParser;

use super::Context;
use super::error::{CommandError, Kind};
use crate::cluster::{self, Client, Options, Rate};
use crate::release::{LockError, NameError, OwnError, Store, StoreError, validate_name};

/// Flags that name the cluster and who talks to it: Helm's names, and kubectl's beside them.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Cluster")]
pub struct KubeFlags {
    /// The kubeconfig file (default: $KUBECONFIG, then ~/.kube/config, then in-cluster)
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig file to use
    #[arg(
        long,
        global = true,
        visible_alias = "context",
        env = "HELM_KUBECONTEXT",
        value_name = "NAME"
    )]
    pub kube_context: Option<String>,
    /// Act as this user
    #[arg(
        long,
        global = true,
        visible_alias = "as",
        env = "HELM_KUBEASUSER",
        value_name = "USER"
    )]
    pub kube_as_user: Option<String>,
    /// Act as this group. May be repeated
    #[arg(
        long,
        global = true,
        visible_alias = "as-group",
        env = "HELM_KUBEASGROUPS",
        value_name = "GROUP",
        value_delimiter = ','
    )]
    pub kube_as_group: Vec<String>,
    /// The bearer token to use instead of the context's credentials
    #[arg(
        long,
        global = true,
        env = "HELM_KUBETOKEN",
        hide_env_values = true,
        value_name = "TOKEN"
    )]
    pub kube_token: Option<String>,
    /// The API server's address
    #[arg(long, global = true, env = "HELM_KUBEAPISERVER", value_name = "URL")]
    pub kube_apiserver: Option<String>,
    /// The certificate authority of the API server
    #[arg(long, global = true, env = "HELM_KUBECAFILE", value_name = "FILE")]
    pub kube_ca_file: Option<PathBuf>,
    /// The name to check the API server's certificate against
    #[arg(
        long,
        global = true,
        env = "HELM_KUBETLS_SERVER_NAME",
        value_name = "NAME"
    )]
    pub kube_tls_server_name: Option<String>,
    /// Don't check the API server's certificate
    #[arg(long, global = true, env = "HELM_KUBEINSECURE_SKIP_TLS_VERIFY", value_parser = FalseyValueParser::new())]
    pub kube_insecure_skip_tls_verify: bool,
    /// How many requests a second the API server gets, beyond a first burst (default: 0, no limit)
    #[arg(
        long,
        global = true,
        env = "HELM_QPS",
        value_name = "N",
        default_value_t = 0.0,
        hide_default_value = true
    )]
    pub qps: f64,
    /// How many requests may go at once before --qps counts (default: 100)
    #[arg(
        long,
        global = true,
        env = "HELM_BURST_LIMIT",
        value_name = "N",
        default_value_t = 100,
        hide_default_value = true
    )]
    pub burst_limit: u32,
}

impl Context {
    /// What the flags say about the cluster.
    fn cluster_options(&self) -> Options {
        let kube = &self.global.kube;
        let given = |text: &Option<String>| text.clone().filter(|t| !t.is_empty());
        Options {
            kubeconfig: kube.kubeconfig.clone(),
            context: given(&kube.kube_context),
            namespace: given(&self.global.namespace),
            as_user: given(&kube.kube_as_user),
            as_groups: kube
                .kube_as_group
                .iter()
                .filter(|g| !g.is_empty())
                .cloned()
                .collect(),
            token: given(&kube.kube_token),
            server: given(&kube.kube_apiserver),
            ca_file: kube
                .kube_ca_file
                .clone()
                .filter(|p| !p.as_os_str().is_empty()),
            tls_server_name: given(&kube.kube_tls_server_name),
            insecure: kube.kube_insecure_skip_tls_verify,
            rate: Rate::new(kube.qps, kube.burst_limit),
        }
    }

    /// The namespace of the flags or of the kubeconfig's context, else `default`; nothing is connected.
    pub fn release_namespace(&self) -> String {
        self.cluster_options().release_namespace()
    }

    /// A client for the cluster of the flags; no request is sent yet.
    pub async fn connect(&self) -> Result<Client, CommandError> {
        Ok(Client::connect(&self.cluster_options()).await?)
    }

    /// Refuses a `HELM_DRIVER` whose releases nutkin doesn't see.
    pub fn check_driver(&self) -> Result<(), CommandError> {
        check_driver(std::env::var("HELM_DRIVER").ok().as_deref())
    }

    /// The releases of the namespace of the flags or of the context.
    pub async fn store(&self) -> Result<(Client, Store), CommandError> {
        self.check_driver()?;
        let client = self.connect().await?;
        let store = Store::new(client.clone(), client.namespace());
        Ok((client, store))
    }
}

/// Refuses storage other than Secrets. Helm's drivers `configmap`, `sql` and `memory` have no lock
/// beside them that nutkin could hold, and the first shows manifests to whoever reads ConfigMaps.
fn check_driver(driver: Option<&str>) -> Result<(), CommandError> {
    match driver.unwrap_or_default() {
        "" | "secret" | "secrets" => Ok(()),
        other => Err(CommandError::new(
            Kind::Usage,
            format_args!(
                "HELM_DRIVER is {other:?}: nutkin keeps releases in Secrets only, where their state \
                 and their lock live beside them"
            ),
        )
        .hint("unset HELM_DRIVER, or set it to \"secret\"")),
    }
}

impl From<cluster::Error> for CommandError {
    fn from(error: cluster::Error) -> Self {
        use cluster::Error as E;
        let kind = match &error {
            E::Configure(_) | E::Unreachable { .. } => Kind::Unreachable,
            E::Unauthorized { .. } | E::Forbidden { .. } => Kind::Forbidden,
            E::NotFound { .. } | E::NoNamespace { .. } => Kind::NotFound,
            E::NoKind { .. } | E::Invalid { .. } | E::Malformed(_) => Kind::Invalid,
            E::Exists { .. } | E::Conflict { .. } | E::Taken { .. } => Kind::Taken,
            E::Server { status, .. } if *status == 429 || *status >= 502 => Kind::Unreachable,
            E::Stale { .. } | E::Expired { .. } | E::Server { .. } | E::Answer { .. } => {
                Kind::Failed
            }
        };
        let text = CommandError::new(kind, &error);
        match &error {
            E::Configure(_) => text.hint("set KUBECONFIG, --kubeconfig or --kube-context"),
            E::Unreachable { .. } => text.hint(
                "check that the cluster runs and that the kubeconfig names it (kubectl cluster-info)",
            ),
            E::Unauthorized { .. } => text.hint("log in again, or choose another --kube-context"),
            E::Forbidden { action, .. } => {
                text.hint(format_args!("ask for the right to {action} (kubectl auth can-i)"))
            }
            E::NoNamespace { .. } => text.hint("--create-namespace, or another --namespace"),
            E::NoKind { .. } => text.hint("install the CRD first, or put it into the chart's crds/"),
            E::Conflict { .. } => {
                text.hint("--force-conflicts takes the fields over from their other manager")
            }
            E::Taken { .. } => text.hint("--take-ownership moves the object into this release"),
            E::Invalid { causes, .. } => causes.iter().fold(text, |text, cause| {
                if cause.field.is_empty() {
                    text
                } else {
                    text.hint(format_args!("correct {}: {}", cause.field, cause.message))
                }
            }),
            _ => text,
        }
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        use StoreError as E;
        let kind = match error {
            E::Cluster(error) => return error.into(),
            E::NoRelease { .. } | E::NoRevision { .. } | E::NoneDeployed { .. } => Kind::NotFound,
            E::Exists { .. } | E::Stale { .. } => Kind::Locked,
            E::Unreadable { .. } => Kind::Failed,
            E::TooLarge { .. } => Kind::Invalid,
            E::SystemLabel(_) => Kind::Usage,
        };
        let text = CommandError::new(kind, &error);
        match error {
            E::NoRelease { .. } => text.hint("nutkin list -A shows the releases of all namespaces"),
            E::NoRevision { name, .. } => text.hint(format_args!("nutkin history {name}")),
            E::Exists { .. } | E::Stale { .. } => {
                text.hint("wait for the other operation to end, then run the command again")
            }
            _ => text,
        }
    }
}

impl From<OwnError> for CommandError {
    fn from(error: OwnError) -> Self {
        match error {
            OwnError::Cluster(error) => error.into(),
            OwnError::Exists { .. } | OwnError::Stale { .. } => {
                CommandError::new(Kind::Locked, error)
            }
            OwnError::TooLarge { .. } => CommandError::new(Kind::Invalid, error),
            OwnError::Unreadable { .. } | OwnError::Id(_) => CommandError::new(Kind::Failed, error),
        }
    }
}

impl From<LockError> for CommandError {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Cluster { source, release } => {
                let mut error = CommandError::from(source);
                error.message = format!("cannot lock release {release:?}: {}", error.message);
                error
            }
            LockError::Held { .. } => CommandError::new(Kind::Locked, error)
                .hint("wait for it, or give --lock-timeout more time"),
            LockError::Lost { .. } => CommandError::new(Kind::Failed, error)
                .hint("run the command again: it sees what was done and goes on from there"),
        }
    }
}

impl From<NameError> for CommandError {
    fn from(error: NameError) -> Self {
        CommandError::new(Kind::Usage, error)
    }
}

/// A release name from the command line.
pub fn release_name(name: &str) -> Result<String, NameError> {
    validate_name(name).map(|()| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_secret_driver_is_taken() {
        for fine in [None, Some(""), Some("secret"), Some("secrets")] {
            assert!(check_driver(fine).is_ok(), "{fine:?}");
        }
        for other in ["configmap", "memory", "sql", "Secret"] {
            let error = check_driver(Some(other)).unwrap_err();
            assert_eq!(error.kind, Kind::Usage);
            assert!(error.message.contains(other), "{error}");
        }
    }
}
