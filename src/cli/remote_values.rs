//! Values files that `-f` names by an address: fetched only when that is allowed, within bounds.

use super::downloads::Downloads;
use super::error::{CommandError, Kind};
use super::output::Output;
use crate::registry::{Access, Server};

/// Whether `-f` names an address.
pub fn is_address(name: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| {
        let start = name.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

/// The address as messages show it: without what may be a secret, user, password and query.
pub fn shown(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let rest = rest.get(..end).unwrap_or(rest);
    let (host, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let host = host.rsplit('@').next().unwrap_or(host);
    format!("{scheme}://{host}{path}")
}

/// Fetches a values file of at most `limit` bytes.
///
/// # Errors
/// When it isn't allowed, the server can't be reached, or the file is too large.
pub fn fetch(
    address: &str,
    allowed: bool,
    limit: u64,
    output: &Output,
) -> Result<Vec<u8>, CommandError> {
    let name = shown(address);
    if !allowed {
        return Err(CommandError::new(
            Kind::Usage,
            format_args!("{name}: values files are not fetched unless that is allowed"),
        )
        .hint("--allow-remote-values, or fetch it yourself and give the file"));
    }
    let internal = |what: &dyn std::fmt::Display| CommandError::new(Kind::Internal, what);
    let server = Server::new(address, &Access::default())?;
    let downloads = Downloads::new(*output);
    // A thread of its own: the caller may be within a runtime already.
    let fetched = std::thread::scope(|scope| {
        let work = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|e| internal(&format_args!("cannot start the runtime: {e}")))?;
            let file = server.get(server.address(), limit, &name, &downloads);
            Ok(runtime.block_on(file)?)
        });
        let broken = |_| Err(internal(&"the download broke off"));
        work.join().unwrap_or_else(broken)
    });
    downloads.end();
    fetched
}

#[cfg(test)]
mod tests {
    use super::{is_address, shown};

    #[test]
    fn addresses_are_shown_without_secrets() {
        for (address, want) in [
            ("https://u:p@h:8/a/b.yaml?token=x#y", "https://h:8/a/b.yaml"),
            ("http://h", "http://h"),
            ("https://a@b@h/c@d", "https://h/c@d"),
        ] {
            assert!(is_address(address));
            assert_eq!(shown(address), want);
        }
        for name in ["values.yaml", "-", "http:/x", "ftp://x", "é"] {
            assert!(!is_address(name), "{name}");
        }
    }
}
