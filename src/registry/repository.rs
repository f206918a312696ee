//! The server of a chart repository: its index and its archives.

use reqwest::header::ACCEPT;
use reqwest::{Method, Url};

use super::http::{self, Http, Request, parse, shown};
use super::index::MAX_INDEX;
use super::{Access, Error, Index, Places, Report, files};
use crate::chart;

/// The largest provenance file.
pub(super) const MAX_PROVENANCE: u64 = 4 * 1024 * 1024;

/// A repository's server as it is reached: credentials belong to its own host alone, unless
/// [`Access::pass_credentials`] says otherwise.
#[derive(Debug)]
pub struct Server {
    http: Http,
    home: Url,
    authorization: Option<reqwest::header::HeaderValue>,
}

impl Server {
    /// The server of the repository at an address, or of a single chart's address.
    ///
    /// # Errors
    /// When the address is none, or a certificate cannot be read.
    pub fn new(address: &str, access: &Access) -> Result<Self, Error> {
        let home = parse(address)?;
        let authorization = access.basic().or_else(|| of_address(&home));
        Ok(Server {
            http: Http::new(access)?,
            home,
            authorization,
        })
    }

    /// Fetches a file of at most `limit` bytes. `what` names it where its progress is shown.
    ///
    /// # Errors
    /// When the server can't be reached, answers with an error, or the file is too large.
    pub async fn get(
        &self,
        url: &Url,
        limit: u64,
        what: &str,
        report: &dyn Report,
    ) -> Result<Vec<u8>, Error> {
        let mut request = Request::new(Method::GET, url.clone())
            .header(ACCEPT, "application/gzip, application/octet-stream, */*");
        request.authorization = self
            .authorization
            .clone()
            .map(|value| (self.home.clone(), value));
        let progress = |done, total| report.progress(what, done, total);
        let answer = self.http.get(&request, limit, &progress).await?;
        let size = answer.body.len() as u64;
        report.progress(what, size, Some(size));
        Ok(answer.body)
    }

    /// Fetches the repository's index.
    ///
    /// # Errors
    /// Those of [`Server::get`], and when it is no index.
    pub async fn index(&self, what: &str, report: &dyn Report) -> Result<(Index, String), Error> {
        let url = chart_address(&self.home, "index.yaml")?;
        let bytes = self.get(&url, MAX_INDEX, what, report).await?;
        let text = String::from_utf8(bytes)
            .map_err(|_| Error::invalid(shown(&url), "is not UTF-8, so it is no index"))?;
        let index = Index::new(&shown(&url), text.clone())?;
        Ok((index, text))
    }

    /// Fetches an archive.
    ///
    /// # Errors
    /// Those of [`Server::get`].
    pub async fn archive(&self, url: &Url, report: &dyn Report) -> Result<Vec<u8>, Error> {
        self.get(url, chart::MAX_TOTAL, &file_name(url), report)
            .await
    }

    /// Fetches an archive's provenance file.
    ///
    /// # Errors
    /// Those of [`Server::get`].
    pub async fn provenance(&self, url: &Url, report: &dyn Report) -> Result<Vec<u8>, Error> {
        let mut url = url.clone();
        let path = format!("{}.prov", url.path());
        url.set_path(&path);
        self.get(&url, MAX_PROVENANCE, &file_name(&url), report)
            .await
    }

    /// Its address.
    pub fn address(&self) -> &Url {
        &self.home
    }
}

/// The credentials that an address itself holds.
fn of_address(url: &Url) -> Option<reqwest::header::HeaderValue> {
    let decode = |text: &str| percent_decode(text).unwrap_or_else(|| text.to_owned());
    let password = url.password()?;
    http::basic(&decode(url.username()), &decode(password))
}

fn percent_decode(text: &str) -> Option<String> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        if b == b'%' {
            let digits = [bytes.next()?, bytes.next()?];
            let digits = std::str::from_utf8(&digits).ok()?;
            out.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            out.push(b);
        }
    }
    String::from_utf8(out).ok()
}

/// The last part of an address's path.
pub(super) fn file_name(url: &Url) -> String {
    let last = url.path_segments().and_then(|mut s| s.next_back());
    let last = last.filter(|l| !l.is_empty()).unwrap_or("chart");
    percent_decode(last).unwrap_or_else(|| last.to_owned())
}

/// An address that an index names: whole, or relative to the repository, whose query it keeps.
///
/// # Errors
/// When it is no address of HTTP.
pub fn chart_address(repository: &Url, address: &str) -> Result<Url, Error> {
    if let Ok(url) = Url::parse(address) {
        return parse(url.as_str());
    }
    let mut base = repository.clone();
    let path = format!("{}/", base.path().trim_end_matches('/'));
    base.set_path(&path);
    let mut url = base
        .join(address)
        .map_err(|e| Error::invalid(shown(repository), format!("{address:?}: {e}")))?;
    url.set_query(base.query());
    parse(url.as_str())
}

/// Fetches the index of a repository and keeps it where Helm looks for it, under `name`.
///
/// # Errors
/// Those of [`Server::index`], and of writing the files.
pub async fn download_index(
    name: &str,
    address: &str,
    access: &Access,
    places: &Places,
    report: &dyn Report,
) -> Result<Index, Error> {
    let server = Server::new(address, access)?;
    let (index, text) = server.index(name, report).await?;
    let names: String = index.names().map(|name| format!("{name}\n")).collect();
    files::write(&places.chart_names(name), names.as_bytes(), false)?;
    files::write(&places.index(name), text.as_bytes(), false)?;
    Ok(index)
}

/// Removes the kept index of a repository; one that isn't there is fine.
///
/// # Errors
/// When a file can't be removed.
pub fn forget_index(name: &str, places: &Places) -> Result<(), Error> {
    files::remove(&places.chart_names(name))?;
    files::remove(&places.index(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_charts() {
        for (base, address, want) in [
            ("http://a/r", "x-1.tgz", "http://a/r/x-1.tgz"),
            ("http://a/r/", "x-1.tgz", "http://a/r/x-1.tgz"),
            ("http://a/r?t=1", "x-1.tgz", "http://a/r/x-1.tgz?t=1"),
            ("http://a/r", "/c/x-1.tgz", "http://a/c/x-1.tgz"),
            ("http://a/r", "https://b/x-1.tgz", "https://b/x-1.tgz"),
            ("http://a/r", "//b/x.tgz", "http://b/x.tgz"),
        ] {
            let url = chart_address(&Url::parse(base).unwrap(), address).unwrap();
            assert_eq!(url.as_str(), want);
        }
        let base = Url::parse("http://a").unwrap();
        for address in ["file:///etc/passwd", "oci://a/b", "http://"] {
            assert!(chart_address(&base, address).is_err(), "{address}");
        }
    }

    #[test]
    fn credentials_in_an_address() {
        let header = of_address(&Url::parse("http://u:p%40q@a/").unwrap()).unwrap();
        assert_eq!(Some(header), http::basic("u", "p@q"));
        assert_eq!(of_address(&Url::parse("http://u@a/").unwrap()), None);
    }
}
