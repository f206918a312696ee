//! Who we are to the cluster, and what we may do there.

use http::Method;
use serde_json::json;

use super::client::{Client, Request, Target};
use super::error::Result;
use crate::yaml::Value;

impl Client {
    /// The user that the cluster takes us for; where it doesn't say (SelfSubjectReview is served
    /// since Kubernetes 1.28), the kubeconfig's name for the user.
    pub async fn user(&self) -> Option<String> {
        let request = Request::new(
            Method::POST,
            "/apis/authentication.k8s.io/v1/selfsubjectreviews".into(),
            "ask",
            Target::Other("who we are".into()),
        )
        .json(&json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}));
        let answer: Value = self.send(&request).await.unwrap_or_default();
        answer
            .pointer("/status/userInfo/username")
            .and_then(Value::as_str)
            .filter(|user| !user.is_empty())
            .map(str::to_owned)
            .or_else(|| self.kubeconfig_user().map(str::to_owned))
    }

    /// Whether we may do this to all objects of a resource in a namespace, or, without one, in all.
    ///
    /// # Errors
    /// Those of the request.
    pub async fn may(
        &self,
        verb: &str,
        group: &str,
        resource: &str,
        namespace: Option<&str>,
    ) -> Result<bool> {
        let request = Request::new(
            Method::POST,
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews".into(),
            "ask",
            Target::Other(format!("whether we may {verb} {resource}")),
        )
        .json(&json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {
                "verb": verb, "group": group, "resource": resource, "namespace": namespace,
            }},
        }));
        let answer: Value = self.send(&request).await?;
        Ok(answer.pointer("/status/allowed").and_then(Value::as_bool) == Some(true))
    }
}
