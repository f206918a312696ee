//! URLs as Go's `net/url` takes them apart and puts them together.

/// Why a text is no URL, in Go's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("parse {}: {reason}", super::duration::quote(url))]
pub struct Error {
    url: String,
    reason: String,
}

/// The parts of a URL, unescaped where Go has them so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Url {
    /// In lower case.
    pub scheme: String,
    /// What follows the scheme where no slash does.
    pub opaque: String,
    /// User and perhaps a password.
    pub user: Option<(String, Option<String>)>,
    /// Host and port.
    pub host: String,
    /// Unescaped.
    pub path: String,
    /// As it is written.
    pub query: String,
    /// Unescaped.
    pub fragment: String,
}

/// Which part of a URL is escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Path,
    Host,
    Zone,
    User,
    Fragment,
}

/// Whether a byte stands for itself in a part.
fn plain(byte: u8, place: Place) -> bool {
    if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
        return true;
    }
    match place {
        Place::Host | Place::Zone => b"!$&'()*+,;=:[]<>\"".contains(&byte),
        Place::Path => b"$&+,/:;=@".contains(&byte),
        Place::User => b"$&+,;=".contains(&byte),
        Place::Fragment => b"$&+,/:;=?@!()*".contains(&byte),
    }
}

fn escape(text: &str, place: Place) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if plain(byte, place) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn unescape(text: &str, place: Place) -> Result<String, String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at).copied() {
        if byte != b'%' {
            let host = matches!(place, Place::Host | Place::Zone);
            if host && byte < 0x80 && !plain(byte, place) {
                let shown = super::duration::quote(&char::from(byte).to_string());
                return Err(format!("invalid character {shown} in host name"));
            }
            out.push(byte);
            at += 1;
            continue;
        }
        let hex = text
            .get(at + 1..at + 3)
            .filter(|h| h.bytes().all(|b| b.is_ascii_hexdigit()));
        let value = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let bad = || {
            let end = (at + 3).min(bytes.len());
            let shown = String::from_utf8_lossy(bytes.get(at..end).unwrap_or_default());
            format!("invalid URL escape {}", super::duration::quote(&shown))
        };
        let value = value.ok_or_else(bad)?;
        let percent = value == b'%';
        let allowed = match place {
            Place::Host => value >= 0x80 || percent,
            Place::Zone => percent || value == b' ' || plain(value, Place::Host),
            _ => true,
        };
        if !allowed {
            return Err(bad());
        }
        out.push(value);
        at += 3;
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

impl Url {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// In Go's words.
    pub fn parse(text: &str) -> Result<Url, Error> {
        let (before, fragment) = text.split_once('#').unwrap_or((text, ""));
        let mut url = Url::parse_reference(before).map_err(|reason| Error {
            url: before.to_owned(),
            reason,
        })?;
        url.fragment = unescape(fragment, Place::Fragment).map_err(|reason| Error {
            url: text.to_owned(),
            reason,
        })?;
        Ok(url)
    }

    fn parse_reference(text: &str) -> Result<Url, String> {
        if text.bytes().any(|b| b < 0x20 || b == 0x7f) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        let mut url = Url::default();
        if text == "*" {
            url.path = "*".to_owned();
            return Ok(url);
        }
        let (scheme, mut rest) = scheme(text)?;
        url.scheme = scheme.to_ascii_lowercase();
        if rest.ends_with('?') && rest.matches('?').count() == 1 {
            rest = rest.trim_end_matches('?');
        } else if let Some((before, query)) = rest.split_once('?') {
            url.query = query.to_owned();
            rest = before;
        }
        if !rest.starts_with('/') {
            if !url.scheme.is_empty() {
                url.opaque = rest.to_owned();
                return Ok(url);
            }
            if rest
                .split('/')
                .next()
                .is_some_and(|first| first.contains(':'))
            {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        let authority = rest.strip_prefix("//");
        let authority = authority.filter(|a| !url.scheme.is_empty() || !a.starts_with('/'));
        if let Some(authority) = authority {
            let end = authority.find('/').unwrap_or(authority.len());
            let (authority, path) = authority.split_at_checked(end).unwrap_or((authority, ""));
            rest = path;
            url.authority(authority)?;
        }
        url.path = unescape(rest, Place::Path)?;
        Ok(url)
    }

    fn authority(&mut self, text: &str) -> Result<(), String> {
        let (user, host) = text
            .rsplit_once('@')
            .map_or((None, text), |(u, h)| (Some(u), h));
        self.host = host_and_port(&self.scheme, host)?;
        if let Some(user) = user {
            let valid = |b: u8| b.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&b);
            if !user.bytes().all(valid) {
                return Err("net/url: invalid userinfo".to_owned());
            }
            let (name, password) = match user.split_once(':') {
                Some((name, password)) => (name, Some(unescape(password, Place::User))),
                None => (user, None),
            };
            self.user = Some((unescape(name, Place::User)?, password.transpose()?));
        }
        Ok(())
    }

    /// The host without the port and without brackets.
    pub fn hostname(&self) -> &str {
        let colon = self.host.rfind(':');
        let colon = colon.filter(|at| self.host.get(*at..).is_some_and(valid_port));
        let host = colon
            .and_then(|at| self.host.get(..at))
            .unwrap_or(&self.host);
        host.strip_prefix('[')
            .and_then(|h| h.strip_suffix(']'))
            .unwrap_or(host)
    }

    /// User and password as they stand in a URL; empty without a user.
    pub fn userinfo(&self) -> String {
        match &self.user {
            None => String::new(),
            Some((name, None)) => escape(name, Place::User),
            Some((name, Some(password))) => {
                format!(
                    "{}:{}",
                    escape(name, Place::User),
                    escape(password, Place::User)
                )
            }
        }
    }
}

/// The URL as Go's `URL.String` writes it from its parts.
impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = String::new();
        if !self.scheme.is_empty() {
            out.push_str(&self.scheme);
            out.push(':');
        }
        if self.opaque.is_empty() {
            let bare = self.host.is_empty() && self.user.is_none();
            let wanted = !self.scheme.is_empty() || !bare;
            if wanted {
                if !bare || !self.path.is_empty() {
                    out.push_str("//");
                }
                if self.user.is_some() {
                    out.push_str(&self.userinfo());
                    out.push('@');
                }
                out.push_str(&escape(&self.host, Place::Host));
            }
            let path = match self.path.as_str() {
                "*" => "*".to_owned(),
                path => escape(path, Place::Path),
            };
            if !path.is_empty() && !path.starts_with('/') && !self.host.is_empty() {
                out.push('/');
            }
            if out.is_empty() && path.split('/').next().is_some_and(|s| s.contains(':')) {
                out.push_str("./");
            }
            out.push_str(&path);
        } else {
            out.push_str(&self.opaque);
        }
        if !self.query.is_empty() {
            out.push('?');
            out.push_str(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push('#');
            out.push_str(&escape(&self.fragment, Place::Fragment));
        }
        f.write_str(&out)
    }
}

fn scheme(text: &str) -> Result<(&str, &str), String> {
    for (at, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            ':' => return Ok(text.split_once(':').unwrap_or(("", text))),
            _ => break,
        }
    }
    Ok(("", text))
}

fn valid_port(port: &str) -> bool {
    match port.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|b| b.is_ascii_digit()),
        None => port.is_empty(),
    }
}

fn host_and_port(scheme: &str, host: &str) -> Result<String, String> {
    let bad_port = |port: &str| format!("invalid port {} after host", super::duration::quote(port));
    match host.rfind('[') {
        Some(0) => {
            let close = host.rfind(']').ok_or("missing ']' in host")?;
            let name = host.get(1..close).unwrap_or_default();
            let port = host.get(close + 1..).unwrap_or_default();
            if !valid_port(port) {
                return Err(bad_port(port));
            }
            let name = match name.find("%25").and_then(|at| name.split_at_checked(at)) {
                Some((name, zone)) => unescape(name, Place::Host)? + &unescape(zone, Place::Zone)?,
                None => unescape(name, Place::Host)?,
            };
            let address = name.split('%').next().unwrap_or_default();
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                let shown = super::duration::quote(&name);
                return Err(format!(
                    "invalid host: ParseAddr({shown}): unable to parse IP"
                ));
            }
            return Ok(format!("[{name}]{port}"));
        }
        Some(_) => return Err("invalid IP-literal".to_owned()),
        None => {}
    }
    // several colons are let through where databases list their hosts so
    let strict = matches!(scheme, "http" | "https");
    let colon = if strict {
        host.find(':')
    } else {
        host.rfind(':')
    };
    if let Some(port) = colon
        .and_then(|at| host.get(at..))
        .filter(|port| !valid_port(port))
    {
        return Err(bad_port(port));
    }
    unescape(host, Place::Host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apart_and_together() {
        let text = "http://bob:secret%20x@example.com:8080/a%20b/c?x=1#fr%20ag";
        let url = Url::parse(text).unwrap();
        assert_eq!(url.hostname(), "example.com");
        assert_eq!(url.path, "/a b/c");
        assert_eq!(url.userinfo(), "bob:secret%20x");
        assert_eq!(url.to_string(), text);
        assert_eq!(
            Url::parse("http://a b/").unwrap_err().to_string(),
            "parse \"http://a b/\": invalid character \" \" in host name"
        );
        assert_eq!(Url::parse("mailto:a@b").unwrap().opaque, "a@b");
    }
}
