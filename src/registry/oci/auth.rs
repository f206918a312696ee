//! How a registry wants to know who asks: its challenge, and the tokens of its token server.

use std::time::Duration;

use reqwest::Method;
use reqwest::Url;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use serde::Deserialize;

use crate::registry::Error;
use crate::registry::credentials::Credential;
use crate::registry::http::{self, Http, Request, same_origin, shown};

const MAX_TOKEN: u64 = 1024 * 1024;
/// A helper or a token server that takes longer is broken.
pub(in crate::registry) const HELPER_TIMEOUT: Duration = Duration::from_secs(60);

/// What a registry asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User name and password with each request.
    Basic,
    /// A token, to be had from a token server.
    Bearer {
        realm: String,
        service: String,
        scope: String,
    },
}

impl Challenge {
    /// Reads the headers `WWW-Authenticate`; a token is preferred.
    pub(super) fn parse<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut basic = None;
        for header in headers {
            let lower = header.to_ascii_lowercase();
            if let Some(at) = lower.find("bearer ") {
                let parameters = parameters(header.get(at + 7..).unwrap_or_default());
                let get = |name: &str| {
                    let found = parameters.iter().find(|(k, _)| k == name);
                    found.map(|(_, v)| v.clone()).unwrap_or_default()
                };
                return Some(Challenge::Bearer {
                    realm: get("realm"),
                    service: get("service"),
                    scope: get("scope"),
                });
            }
            if lower.trim_start().starts_with("basic") {
                basic = Some(Challenge::Basic);
            }
        }
        basic
    }
}

/// `name="value"` or `name=value`, commas between them.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut list = Vec::new();
    let mut rest = text;
    while list.len() < 16 {
        rest = rest.trim_start_matches([' ', ',', '\t']);
        let Some((name, after)) = rest.split_once('=') else {
            break;
        };
        let name = name.trim().to_ascii_lowercase();
        if name.contains([' ', '"']) {
            break;
        }
        let value;
        (value, rest) = match after.strip_prefix('"') {
            Some(quoted) => quoted_value(quoted),
            None => {
                let end = after.find([',', ' ']).unwrap_or(after.len());
                let (value, rest) = after.split_at_checked(end).unwrap_or((after, ""));
                (value.to_owned(), rest)
            }
        };
        list.push((name, value));
    }
    list
}

fn quoted_value(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, text.get(at + 1..).unwrap_or_default()),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    (value, "")
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: String,
    #[serde(default)]
    access_token: String,
}

/// The header that answers a challenge for one of `scopes`; `None` where nothing is known that could.
pub(super) async fn answer(
    http: &Http,
    base: &Url,
    challenge: &Challenge,
    credential: Option<&Credential>,
    scope: Option<&str>,
) -> Result<Option<HeaderValue>, Error> {
    let (realm, service, asked) = match challenge {
        Challenge::Basic => {
            return Ok(credential.and_then(|c| http::basic(&c.username, &c.password)));
        }
        Challenge::Bearer {
            realm,
            service,
            scope,
        } => (realm, service, scope),
    };
    let mut url = base
        .join(realm)
        .ok()
        .filter(|u| matches!(u.scheme(), "http" | "https"))
        .ok_or_else(|| Error::invalid(shown(base), "names no token server"))?;
    // A token server may be another host, but what goes over TLS to one doesn't go without to the other.
    if base.scheme() == "https" && url.scheme() != "https" && credential.is_some() {
        return Err(Error::invalid(
            shown(base),
            format!(
                "wants the credentials at {}, which is not HTTPS",
                shown(&url)
            ),
        ));
    }
    let mut scopes: Vec<&str> = scope.into_iter().collect();
    if !asked.is_empty() && !scopes.contains(&asked.as_str()) {
        scopes.push(asked);
    }
    let request = match credential {
        Some(credential) if !credential.identity_token.is_empty() => {
            let mut form = vec![
                ("grant_type", "refresh_token"),
                ("service", service.as_str()),
                ("client_id", "nutkin"),
                ("refresh_token", credential.identity_token.as_str()),
            ];
            let all = scopes.join(" ");
            form.push(("scope", &all));
            let mut request = Request::new(Method::POST, url.clone())
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
            request.body = Some(encoded(&form).into_bytes());
            request
        }
        _ => {
            let mut query: Vec<(&str, &str)> = Vec::new();
            if !service.is_empty() {
                query.push(("service", service));
            }
            query.extend(scopes.iter().map(|s| ("scope", *s)));
            url.query_pairs_mut().extend_pairs(query);
            let mut request = Request::new(Method::GET, url.clone());
            request.authorization = credential
                .and_then(|c| http::basic(&c.username, &c.password))
                .map(|value| (url.clone(), value));
            request
        }
    };
    debug_assert!(same_origin(&request.url, &url));
    let request = request.header(ACCEPT, "application/json");
    let answer = http.get(&request, MAX_TOKEN, &|_, _| {}).await?;
    let token: Token = serde_json::from_slice(&answer.body)
        .map_err(|_| Error::invalid(shown(&url), "gives no token"))?;
    let token = if token.token.is_empty() {
        token.access_token
    } else {
        token.token
    };
    http::secret(&format!("Bearer {token}"))
        .filter(|_| !token.is_empty())
        .map(Some)
        .ok_or_else(|| Error::invalid(shown(&url), "gives no token"))
}

/// A form's fields.
fn encoded(fields: &[(&str, &str)]) -> String {
    let mut url = Url::parse("http://form/").ok();
    if let Some(url) = &mut url {
        url.query_pairs_mut().extend_pairs(fields);
    }
    url.and_then(|u| u.query().map(str::to_owned))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges() {
        let parse = |headers: &[&str]| Challenge::parse(headers.iter().copied());
        assert_eq!(parse(&["Basic realm=\"x\""]), Some(Challenge::Basic));
        assert_eq!(parse(&["Negotiate"]), None);
        let bearer = |realm: &str, service: &str, scope: &str| {
            Some(Challenge::Bearer {
                realm: realm.to_owned(),
                service: service.to_owned(),
                scope: scope.to_owned(),
            })
        };
        assert_eq!(
            parse(&[
                "Basic realm=x",
                "bearer realm=\"https://a/token\",service=\"a,b\",scope=\"repository:x:pull,push\""
            ]),
            bearer("https://a/token", "a,b", "repository:x:pull,push")
        );
        assert_eq!(
            parse(&["Bearer realm=https://a, service=\"q\\\"r\""]),
            bearer("https://a", "q\"r", "")
        );
        assert_eq!(parse(&["Bearer realm=\"open"]), bearer("open", "", ""));
        assert_eq!(encoded(&[("a", "b c&d")]), "a=b+c%26d");
    }
}
