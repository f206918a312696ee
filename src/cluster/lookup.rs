//! `lookup` of templates, asked of the cluster while a render waits for the answer.

use std::sync::Arc;

use serde_json::json;
use tokio::runtime::Handle;

use super::client::Client;
use super::error::{Error, Result};
use super::object::ObjectRef;
use super::rw::Query;
use crate::render::Lookup;
use crate::yaml::Value;

impl Client {
    /// What a render asks for objects. It may be called from any thread; the runtime that this is called on must
    /// go on meanwhile.
    pub fn lookup(&self) -> Arc<Lookup> {
        let client = self.clone();
        let runtime = Handle::current();
        Arc::new(move |api_version, kind, namespace, name| {
            let answer = client.look(api_version, kind, namespace, name);
            // A thread that belongs to a runtime may not wait on it, and the render's may be one.
            std::thread::scope(|scope| {
                scope
                    .spawn(|| runtime.block_on(answer))
                    .join()
                    .unwrap_or_else(|_| Err(Error::Malformed("the lookup ended".into())))
            })
            .map_err(|e| e.to_string())
        })
    }

    /// One object, or a list where the name is empty; over all namespaces where that is empty, as in Helm.
    async fn look(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>> {
        let namespaced = match self.resource(api_version, kind).await {
            Ok(resource) => resource.namespaced,
            // to Helm a kind that isn't served is nothing, a version that isn't is an error
            Err(Error::NoKind { .. }) if self.discovery().await?.has_version(api_version) => {
                return Ok(None);
            }
            Err(e) => return Err(e),
        };
        let namespace = Some(namespace).filter(|n| namespaced && !n.is_empty());
        if name.is_empty() {
            let items = self
                .list(api_version, kind, namespace, &Query::default())
                .await;
            let items = match items {
                Err(e) if e.is_absent() => return Ok(None),
                items => items?,
            };
            return Ok(Some(json!({
                "apiVersion": api_version,
                "kind": format!("{kind}List"),
                "metadata": {},
                "items": items,
            })));
        }
        if namespaced && namespace.is_none() {
            return Ok(None);
        }
        let reference = ObjectRef::new(api_version, kind, namespace, name);
        self.find(&reference).await
    }
}
