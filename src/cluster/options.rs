//! From kubeconfig files, flags and the pod's own files to a client configuration.

use std::path::PathBuf;

use kube::config::{
    AuthInfo, Cluster, Config, Context, KubeConfigOptions, Kubeconfig, NamedAuthInfo, NamedCluster,
    NamedContext,
};

use super::connect::proxy_of_environment;
use super::error::{Error, Result};
use super::rate::Rate;

/// What the flags and `HELM_KUBE*` variables say about the connection; empty means: as the kubeconfig says.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// A kubeconfig file instead of those in `$KUBECONFIG` or `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// The context instead of the current one.
    pub context: Option<String>,
    /// The namespace instead of the context's.
    pub namespace: Option<String>,
    /// A user to act as.
    pub as_user: Option<String>,
    /// Groups to act as.
    pub as_groups: Vec<String>,
    /// A bearer token instead of the context's credentials.
    pub token: Option<String>,
    /// The API server's address.
    pub server: Option<String>,
    /// A file with the certificate authority of the API server.
    pub ca_file: Option<PathBuf>,
    /// The name to check the server's certificate against.
    pub tls_server_name: Option<String>,
    /// Whether the server's certificate goes unchecked.
    pub insecure: bool,
    /// How fast requests may follow each other; none is no limit.
    pub rate: Option<Rate>,
}

impl Options {
    /// The client configuration: kubeconfig first, then in-cluster, as Helm and kubectl have it.
    /// With it goes the kubeconfig's name for the user.
    pub(super) async fn config(&self) -> Result<(Config, Option<String>)> {
        let mut user = self.as_user.clone();
        let mut names_proxy = false;
        let mut config = match self.kubeconfig()? {
            Some(mut kubeconfig) => {
                self.overlay(&mut kubeconfig)?;
                names_proxy = self.names_proxy(&kubeconfig);
                user = user.or_else(|| self.user_of(&kubeconfig));
                let options = KubeConfigOptions {
                    context: self.context.clone(),
                    ..KubeConfigOptions::default()
                };
                Config::from_custom_kubeconfig(kubeconfig, &options)
                    .await
                    .map_err(configure)?
            }
            None if std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() => {
                let mut config = Config::incluster().map_err(configure)?;
                if let Some(user) = &self.as_user {
                    config.auth_info.impersonate = Some(user.clone());
                }
                if !self.as_groups.is_empty() {
                    config.auth_info.impersonate_groups = Some(self.as_groups.clone());
                }
                config
            }
            None => {
                return Err(Error::Configure(
                    "no kubeconfig file ($KUBECONFIG, ~/.kube/config) and not inside a cluster"
                        .into(),
                ));
            }
        };
        if let Some(namespace) = &self.namespace {
            config.default_namespace.clone_from(namespace);
        }
        if !names_proxy {
            config.proxy_url = proxy_of_environment(&config.cluster_url);
        }
        // Retries are ours: they know which requests may be sent twice.
        config.default_retry = false;
        Ok((config, user))
    }

    fn context_of<'a>(&'a self, kubeconfig: &'a Kubeconfig) -> Option<&'a Context> {
        let name = self
            .context
            .as_ref()
            .or(kubeconfig.current_context.as_ref())?;
        let named = kubeconfig.contexts.iter().find(|c| c.name == *name)?;
        named.context.as_ref()
    }

    fn user_of(&self, kubeconfig: &Kubeconfig) -> Option<String> {
        self.context_of(kubeconfig)?.user.clone()
    }

    /// Whether the kubeconfig says by which proxy its cluster is reached.
    fn names_proxy(&self, kubeconfig: &Kubeconfig) -> bool {
        let Some(context) = self.context_of(kubeconfig) else {
            return false;
        };
        let mut clusters = kubeconfig.clusters.iter();
        let named = clusters.find(|c| c.name == context.cluster);
        named
            .and_then(|named| named.cluster.as_ref()?.proxy_url.as_ref())
            .is_some_and(|url| !url.is_empty())
    }

    /// The namespace of the flags or of the kubeconfig's context, without a look at the cluster; `default` where
    /// nothing names one, or the kubeconfig can't be read.
    pub fn release_namespace(&self) -> String {
        let given = self.namespace.clone().filter(|n| !n.is_empty());
        given
            .or_else(|| {
                let kubeconfig = self.kubeconfig().ok()??;
                let name = self.context.clone().or(kubeconfig.current_context)?;
                let named = kubeconfig.contexts.into_iter().find(|c| c.name == name)?;
                named.context?.namespace
            })
            .filter(|n| !n.is_empty())
            .unwrap_or_else(|| "default".to_owned())
    }

    /// The merged kubeconfig files; `None` where there is none and no flag stands in for one.
    fn kubeconfig(&self) -> Result<Option<Kubeconfig>> {
        if let Some(path) = &self.kubeconfig {
            return Kubeconfig::read_from(path).map(Some).map_err(configure);
        }
        let list: Vec<PathBuf> = match std::env::var_os("KUBECONFIG") {
            Some(value) if !value.is_empty() => std::env::split_paths(&value)
                .filter(|p| !p.as_os_str().is_empty())
                .collect(),
            _ => std::env::home_dir()
                .map(|home| home.join(".kube").join("config"))
                .into_iter()
                .collect(),
        };
        let mut merged: Option<Kubeconfig> = None;
        // client-go passes over files of the list that don't exist.
        for path in list.iter().filter(|p| p.exists()) {
            let next = Kubeconfig::read_from(path).map_err(configure)?;
            merged = Some(match merged {
                Some(so_far) => so_far.merge(next).map_err(configure)?,
                None => next,
            });
        }
        if merged.is_none() && self.server.is_some() {
            merged = Some(Kubeconfig::default());
        }
        Ok(merged)
    }

    /// Puts the flags over the cluster and the user of the chosen context.
    fn overlay(&self, kubeconfig: &mut Kubeconfig) -> Result<()> {
        let context_name = match self.context.clone().or(kubeconfig.current_context.clone()) {
            Some(name) if !name.is_empty() => name,
            _ if self.server.is_some() => {
                let name = "flags".to_owned();
                kubeconfig.current_context = Some(name.clone());
                kubeconfig.contexts.push(NamedContext {
                    name: name.clone(),
                    context: Some(Context {
                        cluster: name.clone(),
                        user: Some(name.clone()),
                        ..Context::default()
                    }),
                    ..NamedContext::default()
                });
                name
            }
            _ => {
                return Err(Error::Configure(
                    "the kubeconfig has no current context; name one with --kube-context".into(),
                ));
            }
        };
        let Some(context) = kubeconfig
            .contexts
            .iter()
            .find(|c| c.name == context_name)
            .and_then(|c| c.context.clone())
        else {
            let known: Vec<&str> = kubeconfig
                .contexts
                .iter()
                .map(|c| c.name.as_str())
                .collect();
            return Err(Error::Configure(format!(
                "the kubeconfig has no context {context_name:?} (it has: {})",
                known.join(", ")
            )));
        };
        self.overlay_cluster(kubeconfig, &context.cluster);
        if let Some(user) = &context.user {
            self.overlay_user(kubeconfig, user);
        }
        Ok(())
    }

    fn overlay_cluster(&self, kubeconfig: &mut Kubeconfig, name: &str) {
        if self.server.is_none()
            && self.ca_file.is_none()
            && self.tls_server_name.is_none()
            && !self.insecure
        {
            return;
        }
        if !kubeconfig.clusters.iter().any(|c| c.name == name) {
            kubeconfig.clusters.push(NamedCluster {
                name: name.to_owned(),
                cluster: Some(Cluster::default()),
                ..NamedCluster::default()
            });
        }
        for named in kubeconfig.clusters.iter_mut().filter(|c| c.name == name) {
            let cluster = named.cluster.get_or_insert_with(Cluster::default);
            if let Some(server) = &self.server {
                cluster.server = Some(server.clone());
            }
            if let Some(ca) = &self.ca_file {
                cluster.certificate_authority = Some(ca.display().to_string());
                cluster.certificate_authority_data = None;
            }
            if let Some(name) = &self.tls_server_name {
                cluster.tls_server_name = Some(name.clone());
            }
            if self.insecure {
                cluster.insecure_skip_tls_verify = Some(true);
                cluster.certificate_authority = None;
                cluster.certificate_authority_data = None;
            }
        }
    }

    fn overlay_user(&self, kubeconfig: &mut Kubeconfig, name: &str) {
        if self.token.is_none() && self.as_user.is_none() && self.as_groups.is_empty() {
            return;
        }
        if !kubeconfig.auth_infos.iter().any(|u| u.name == name) {
            kubeconfig.auth_infos.push(NamedAuthInfo {
                name: name.to_owned(),
                auth_info: Some(AuthInfo::default()),
                ..NamedAuthInfo::default()
            });
        }
        for named in kubeconfig.auth_infos.iter_mut().filter(|u| u.name == name) {
            let user = named.auth_info.get_or_insert_with(AuthInfo::default);
            if let Some(token) = &self.token {
                *user = AuthInfo {
                    token: Some(token.clone().into()),
                    impersonate: user.impersonate.take(),
                    impersonate_groups: user.impersonate_groups.take(),
                    ..AuthInfo::default()
                };
            }
            if let Some(as_user) = &self.as_user {
                user.impersonate = Some(as_user.clone());
            }
            if !self.as_groups.is_empty() {
                user.impersonate_groups = Some(self.as_groups.clone());
            }
        }
    }
}

fn configure(error: impl std::error::Error) -> Error {
    Error::Configure(super::client::chain(&error))
}
