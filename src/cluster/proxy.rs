//! HTTP to what runs in the cluster: through the API server's proxy, or by a direct URL.

use std::fmt;
use std::time::Duration;

use http::{Method, StatusCode};
use http_body_util::{BodyExt, Limited};

use super::client::{Client, JSON, Request, Target, chain, encode};
use super::error::{Error, Result};
use crate::yaml::Value;

/// The largest proxied answer that is read.
const MAX_ANSWER: usize = 64 << 20;

/// Where an HTTP server is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// A Service, through the API server.
    Service {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// A port's name or number; `https:` before the Service's name is written by `tls`.
        port: String,
        /// Whether the server behind it speaks TLS.
        tls: bool,
    },
    /// A pod, through the API server.
    Pod {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// A port's number.
        port: u16,
    },
    /// A URL that can be reached directly, without a trailing slash.
    Url(String),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Service {
                namespace,
                name,
                port,
                ..
            } => write!(f, "Service/{name}:{port} in {namespace}"),
            Endpoint::Pod {
                namespace,
                name,
                port,
            } => write!(f, "Pod/{name}:{port} in {namespace}"),
            Endpoint::Url(url) => f.write_str(url),
        }
    }
}

impl Endpoint {
    /// The API server's path to the proxied server; `None` for a direct URL.
    fn proxy_path(&self) -> Option<String> {
        match self {
            Endpoint::Service {
                namespace,
                name,
                port,
                tls,
            } => Some(format!(
                "/api/v1/namespaces/{}/services/{}{}:{}/proxy",
                encode(namespace),
                if *tls { "https:" } else { "" },
                encode(name),
                encode(port)
            )),
            Endpoint::Pod {
                namespace,
                name,
                port,
            } => Some(format!(
                "/api/v1/namespaces/{}/pods/{}:{port}/proxy",
                encode(namespace),
                encode(name)
            )),
            Endpoint::Url(_) => None,
        }
    }
}

impl Client {
    /// Sends one HTTP request to a server in the cluster and returns its answer, whatever its
    /// status. `path` starts with `/` and may hold a query. Nothing is retried: whether a request
    /// may be sent twice only the caller knows.
    ///
    /// # Errors
    /// [`Error::Unreachable`] when no answer came in time; [`Error::Forbidden`],
    /// [`Error::NotFound`], [`Error::Server`] when the API server itself refuses (403, no such
    /// Service, no ready endpoint).
    pub async fn proxy(
        &self,
        endpoint: &Endpoint,
        method: Method,
        path: &str,
        body: Option<&Value>,
        timeout: Duration,
    ) -> Result<(StatusCode, Vec<u8>)> {
        let unreachable = |cause: String| Error::Unreachable {
            server: endpoint.to_string(),
            cause,
        };
        let answer = async {
            match endpoint.proxy_path() {
                Some(prefix) => {
                    self.proxy_api(endpoint, method, &format!("{prefix}{path}"), body)
                        .await
                }
                None => direct(endpoint, method, path, body).await,
            }
        };
        tokio::time::timeout(timeout, answer)
            .await
            .map_err(|_| unreachable(format!("no answer within {timeout:?}")))?
    }

    async fn proxy_api(
        &self,
        endpoint: &Endpoint,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Vec<u8>)> {
        let unreachable = |cause: String| Error::Unreachable {
            server: endpoint.to_string(),
            cause,
        };
        let mut request = Request::new(
            method,
            path.to_owned(),
            "reach",
            Target::Other(endpoint.to_string()),
        );
        if let Some(body) = body {
            request = request.body(JSON, body.to_string().into_bytes());
        }
        let built = request
            .build()
            .map_err(|e| Error::Malformed(e.to_string()))?;
        let response = self
            .kube
            .send(built)
            .await
            .map_err(|e| unreachable(chain(&e)))?;
        let status = response.status();
        let bytes = Limited::new(response.into_body(), MAX_ANSWER)
            .collect()
            .await
            .map_err(|e| unreachable(chain(e.as_ref())))?
            .to_bytes()
            .to_vec();
        if !status.is_success() && is_status(&bytes) {
            return Err(self.classify(&request, status, &bytes).0);
        }
        Ok((status, bytes))
    }
}

/// Whether an answer is the API server's own: a `Status` object.
fn is_status(bytes: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Head {
        kind: String,
        #[serde(rename = "apiVersion")]
        api_version: String,
    }
    serde_json::from_slice::<Head>(bytes).is_ok_and(|h| h.kind == "Status" && h.api_version == "v1")
}

async fn direct(
    endpoint: &Endpoint,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<(StatusCode, Vec<u8>)> {
    let unreachable = |e: reqwest::Error| Error::Unreachable {
        server: endpoint.to_string(),
        cause: chain(&e.without_url()),
    };
    let client = reqwest::Client::builder().build().map_err(unreachable)?;
    let mut request = client.request(method, format!("{endpoint}{path}"));
    if let Some(body) = body {
        request = request.json(body);
    }
    let mut response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if bytes.len() + chunk.len() > MAX_ANSWER {
            return Err(Error::Answer {
                action: format!("reach {endpoint}"),
                cause: format!("more than {} MiB", MAX_ANSWER >> 20),
            });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok((status, bytes))
}
