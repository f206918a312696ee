//! The way to the API server: one HTTP/2 connection where it speaks that, through a proxy where one is named.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::client::{Body, ConfigExt};
use tokio::time::Instant;
use tower::{Service, ServiceBuilder};

use super::client::chain;
use super::error::{Error, Result};

/// After how much silence a connection is asked whether it still lives, as client-go does.
const PING_AFTER: Duration = Duration::from_secs(30);
/// How long the answer to that may take, as in client-go.
const PING_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a new connection of HTTP/2 may take to become one that requests can go over.
const SETTLE: Duration = Duration::from_secs(1);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Makes a client. No connection is opened yet.
pub(super) fn client(config: kube::Config) -> Result<kube::Client> {
    let mut direct = HttpConnector::new();
    direct.enforce_http(false);
    direct.set_nodelay(true);
    direct.set_connect_timeout(config.connect_timeout);
    let Some(url) = config.proxy_url.clone() else {
        return over(direct, &config);
    };
    // The matcher takes the credentials out of the address.
    let text = url.to_string();
    let all = Matcher::builder().http(text.clone()).https(text).build();
    let Some(proxy) = all.intercept(&config.cluster_url) else {
        return Err(not_a_proxy(&url));
    };
    match proxy.uri().scheme_str() {
        Some("http") => over(tunnel(&proxy, direct), &config),
        Some("socks5" | "socks5h") => over(socks(&proxy, direct), &config),
        _ => Err(not_a_proxy(proxy.uri())),
    }
}

fn not_a_proxy(url: &Uri) -> Error {
    let address = url.host().unwrap_or("without a host");
    Error::Configure(format!(
        "the proxy {address} can't be used: only http://, socks5:// and socks5h:// are known (proxy-url of the kubeconfig, else HTTPS_PROXY; NO_PROXY names what needs none)"
    ))
}

fn tunnel(proxy: &Intercept, direct: HttpConnector) -> Tunnel<HttpConnector> {
    let tunnel = Tunnel::new(proxy.uri().clone(), direct);
    match proxy.basic_auth() {
        Some(auth) => tunnel.with_auth(auth.clone()),
        None => tunnel,
    }
}

fn socks(proxy: &Intercept, direct: HttpConnector) -> SocksV5<HttpConnector> {
    let here = proxy.uri().scheme_str() == Some("socks5");
    let socks = SocksV5::new(proxy.uri().clone(), direct).local_dns(here);
    match proxy.raw_auth() {
        Some((user, password)) => socks.with_auth(user.to_owned(), password.to_owned()),
        None => socks,
    }
}

/// The proxy that the environment names for a server, as client-go reads it: `HTTPS_PROXY`, for a server
/// without TLS `HTTP_PROXY`, either also in lower case; none for what `NO_PROXY` names and for this machine.
pub(super) fn proxy_of_environment(server: &Uri) -> Option<Uri> {
    proxy_for(server, |name| {
        std::env::var(name)
            .ok()
            .or_else(|| std::env::var(name.to_lowercase()).ok())
            .unwrap_or_default()
    })
}

fn proxy_for(server: &Uri, variable: impl Fn(&str) -> String) -> Option<Uri> {
    let host = server.host()?.trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    let (name, by_scheme) = match server.scheme_str() {
        Some("https") => ("HTTPS_PROXY", variable("HTTPS_PROXY")),
        _ => ("HTTP_PROXY", variable("HTTP_PROXY")),
    };
    if is_here || by_scheme.is_empty() {
        return None;
    }
    let text = if by_scheme.contains("://") {
        by_scheme
    } else {
        format!("http://{by_scheme}")
    };
    let asked = Matcher::builder()
        .http(text.clone())
        .https(text.clone())
        .no(variable("NO_PROXY"))
        .build();
    asked.intercept(server)?;
    let parsed = text.parse();
    if parsed.is_err() {
        tracing::debug!("{name} is no address");
    }
    parsed.ok()
}

/// A client over connections of one kind.
fn over<C>(connector: C, config: &kube::Config) -> Result<kube::Client>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: Connection + hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
    C::Future: Send + 'static,
    C::Error: Into<BoxError>,
{
    let configure = |e: kube::Error| Error::Configure(chain(&e));
    let tls = config.rustls_client_config().map_err(configure)?;
    let mut builder = hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http();
    if let Some(name) = &config.tls_server_name {
        let name = rustls::pki_types::ServerName::try_from(name.clone())
            .map_err(|e| Error::Configure(format!("the TLS server name {name:?}: {e}")))?;
        let resolver = hyper_rustls::FixedServerNameResolver::new(name);
        builder = builder.with_server_name_resolver(resolver);
    }
    let connector = InTurn {
        inner: builder.enable_all_versions().wrap_connector(connector),
        turn: Arc::default(),
        shared: Arc::default(),
    };
    let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .http2_keep_alive_interval(PING_AFTER)
        .http2_keep_alive_timeout(PING_TIMEOUT)
        .build::<_, Body>(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer().map_err(configure)?)
        .layer(config.extra_headers_layer().map_err(configure)?)
        .map_err(BoxError::from)
        .service(client);
    Ok(kube::Client::new(service, config.default_namespace.clone()))
}

/// Opens connections one after another: which version of HTTP a server speaks shows with the first one,
/// and over HTTP/2 that one serves all requests. Without this, requests that start together would each
/// open their own, and all but one be thrown away.
#[derive(Clone)]
struct InTurn<C> {
    inner: C,
    turn: Arc<tokio::sync::Mutex<()>>,
    /// When a connection of HTTP/2 was made last.
    shared: Arc<Mutex<Option<Instant>>>,
}

impl<C> Service<Uri> for InTurn<C>
where
    C: Service<Uri> + Clone + Send + 'static,
    C::Response: Connection + Send,
    C::Future: Send,
    C::Error: Into<BoxError>,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<std::result::Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        let queued = Instant::now();
        let rest = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, rest);
        let (turn, shared) = (Arc::clone(&self.turn), Arc::clone(&self.shared));
        Box::pin(async move {
            let held = turn.lock().await;
            let made = *shared.lock().unwrap_or_else(PoisonError::into_inner);
            if made.is_some_and(|made| made > queued) {
                // The request goes over that one and leaves this behind.
                drop(held);
                tokio::time::sleep(SETTLE).await;
                return Err("the connection was lost before it was used".into());
            }
            let connection = ready.call(server).await.map_err(Into::into)?;
            if connection.connected().is_negotiated_h2() {
                *shared.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
            }
            Ok(connection)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_proxy_the_environment_names() {
        let proxy = "http://proxy.example.com:3128/";
        for (server, variables, expected) in [
            (
                "https://k8s.example.com:6443",
                vec![("HTTPS_PROXY", proxy)],
                Some(proxy),
            ),
            (
                "https://k8s.example.com:6443",
                vec![("HTTP_PROXY", proxy)],
                None,
            ),
            (
                "http://k8s.example.com",
                vec![("HTTP_PROXY", proxy)],
                Some(proxy),
            ),
            // A proxy without a scheme.
            (
                "https://10.1.2.3:6443",
                vec![("HTTPS_PROXY", "proxy.example.com:3128")],
                Some(proxy),
            ),
            (
                "https://10.1.2.3:6443",
                vec![("HTTPS_PROXY", proxy), ("NO_PROXY", "10.0.0.0/8")],
                None,
            ),
            (
                "https://k8s.example.com:6443",
                vec![
                    ("HTTPS_PROXY", proxy),
                    ("NO_PROXY", "localhost,.example.com"),
                ],
                None,
            ),
            (
                "https://k8s.example.com:6443",
                vec![("HTTPS_PROXY", proxy), ("NO_PROXY", "*")],
                None,
            ),
            ("https://127.0.0.1:6443", vec![("HTTPS_PROXY", proxy)], None),
            ("https://[::1]:6443", vec![("HTTPS_PROXY", proxy)], None),
            ("https://localhost:6443", vec![("HTTPS_PROXY", proxy)], None),
            (
                "https://k8s.example.com",
                vec![("HTTPS_PROXY", "socks5://user:word@proxy:1080")],
                Some("socks5://user:word@proxy:1080/"),
            ),
        ] {
            let variable = |name: &str| {
                let found = variables.iter().find(|(n, _)| *n == name);
                found.map_or_else(String::new, |(_, value)| (*value).to_owned())
            };
            let found = proxy_for(&Uri::from_static(server), variable);
            let expected = expected.map(Uri::from_static);
            assert_eq!(found, expected, "{server} {variables:?}");
        }
    }
}
