//! What a cluster has of its own that may change or refuse objects when they are written.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};

use super::client::Client;
use super::error::{Error, Result};
use super::rw::Query;
use crate::yaml::Value;

const GROUP: &str = "admissionregistration.k8s.io";

impl Client {
    /// All webhook configurations and admission policies of the cluster; `None` where it can't be told
    /// which there are: they may not be read, or its distribution is known for admission of its own.
    ///
    /// # Errors
    /// Those of the requests.
    pub async fn admission_rules(&self) -> Result<Option<Vec<Value>>> {
        let discovery = self.discovery().await?;
        let resources = discovery.resources();
        // OpenShift's API server has plugins that no object tells of.
        if resources.iter().any(|r| r.group.ends_with("openshift.io")) {
            return Ok(None);
        }
        let mut seen = BTreeSet::new();
        let kinds: Vec<(String, String)> = resources
            .iter()
            // A binding alone does nothing.
            .filter(|r| r.group == GROUP && !r.kind.ends_with("Binding"))
            .filter(|r| seen.insert(r.kind.clone()))
            .map(|r| (format!("{GROUP}/{}", r.version), r.kind.clone()))
            .collect();
        let lists = stream::iter(kinds.iter().map(|(version, kind)| async move {
            self.list(version, kind, None, &Query::default()).await
        }))
        .buffered(kinds.len().max(1))
        .try_collect::<Vec<_>>()
        .await;
        match lists {
            Ok(lists) => Ok(Some(lists.into_iter().flatten().collect())),
            Err(Error::Forbidden { .. }) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Whether any of these namespaces has a quota, or that can't be told.
    ///
    /// # Errors
    /// Those of the requests.
    pub async fn may_have_quota(&self, namespaces: &BTreeSet<String>) -> Result<bool> {
        let query = Query {
            metadata_only: true,
            ..Query::default()
        };
        for namespace in namespaces {
            match self
                .list("v1", "ResourceQuota", Some(namespace), &query)
                .await
            {
                Ok(quotas) if quotas.is_empty() => {}
                Ok(_) | Err(Error::Forbidden { .. }) => return Ok(true),
                Err(e) => return Err(e),
            }
        }
        Ok(false)
    }
}
