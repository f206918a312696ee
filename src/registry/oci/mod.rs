//! Charts in OCI registries, as Helm keeps them there.

mod auth;
mod manifest;
mod reference;

use std::collections::HashMap;
use std::sync::Mutex;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue, LINK, LOCATION, WWW_AUTHENTICATE};
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;

use super::cache::{Content, sha256};
use super::credentials::{self, Credential};
use super::http::{Answer, Http, Request, parse, same_origin};
use super::repository::MAX_PROVENANCE;
use super::{Access, Error, Places, Report, Wanted};
use crate::chart::{self, Metadata};
use crate::template::funcs::semver::Version;
use auth::Challenge;
use manifest::{Descriptor, Manifest};

pub(super) use auth::HELPER_TIMEOUT;
pub use reference::{Reference, SCHEME, is_oci, tag_of, version_of};

const MAX_MANIFEST: u64 = 4 * 1024 * 1024;
const MAX_TAGS: usize = 100_000;
const MAX_PAGES: usize = 200;

/// A chart that was pulled.
#[derive(Debug)]
pub struct Pulled {
    /// Where it came from; with the tag that a constraint chose.
    pub reference: Reference,
    /// The manifest's digest.
    pub digest: String,
    /// The archive.
    pub archive: Vec<u8>,
    /// The provenance file, where there is one and it was asked for.
    pub provenance: Option<Vec<u8>>,
}

/// A chart that was pushed.
#[derive(Debug)]
pub struct Pushed {
    /// Where it is now.
    pub reference: Reference,
    /// The manifest's digest.
    pub digest: String,
}

/// A registry as it is reached: who asks is found where the registry wants to know.
#[derive(Debug)]
pub struct Registry {
    http: Http,
    base: Url,
    host: String,
    own: Option<Credential>,
    /// What the registry accepted, by what it was asked for.
    known: Mutex<HashMap<String, HeaderValue>>,
}

impl Registry {
    /// The registry at a host. Credentials in `access` come before those that were kept.
    ///
    /// # Errors
    /// When the host is none, or a certificate cannot be read.
    pub fn new(host: &str, access: &Access) -> Result<Self, Error> {
        let api = reference::host(host).map_err(Error::Usage)?;
        let scheme = if access.plain_http { "http" } else { "https" };
        let own = !access.password.is_empty();
        Ok(Registry {
            http: Http::new(&Access {
                pass_credentials: false,
                ..access.clone()
            })?,
            base: parse(&format!("{scheme}://{api}/"))?,
            host: host.to_owned(),
            own: own.then(|| Credential {
                username: access.username.clone(),
                password: access.password.clone(),
                identity_token: String::new(),
            }),
            known: Mutex::default(),
        })
    }

    /// Asks whether the registry takes the credentials.
    ///
    /// # Errors
    /// When it doesn't, or can't be reached.
    pub async fn check(&self, credential: &Credential) -> Result<(), Error> {
        let request = Request::new(Method::GET, self.url("/v2/")?);
        let answer = self.http.send(&request, MAX_MANIFEST, &|_, _| {}).await?;
        let answer = match challenge(&answer) {
            Some(challenge) => {
                let header =
                    auth::answer(&self.http, &self.base, &challenge, Some(credential), None)
                        .await?;
                let mut request = request;
                request.authorization = header.map(|h| (self.base.clone(), h));
                self.http.send(&request, MAX_MANIFEST, &|_, _| {}).await?
            }
            None => answer,
        };
        answer.ok().map(|_| ())
    }

    fn url(&self, path: &str) -> Result<Url, Error> {
        self.base
            .join(path)
            .map_err(|e| Error::invalid(self.host.as_str(), e))
    }

    /// Sends a request, with what the registry wants to know of who asks.
    async fn call(
        &self,
        mut request: Request,
        places: &Places,
        scope: &str,
        limit: u64,
        progress: &(dyn Fn(u64, Option<u64>) + Send + Sync),
    ) -> Result<Answer, Error> {
        let known = self.known.lock().ok().and_then(|k| k.get(scope).cloned());
        request.authorization = known.map(|h| (self.base.clone(), h));
        let answer = self.http.send(&request, limit, progress).await?;
        let Some(challenge) = challenge(&answer) else {
            return Ok(answer);
        };
        let credential = match &self.own {
            Some(own) => Some(own.clone()),
            None => credentials::find(places, &self.host).await?,
        };
        let header = auth::answer(
            &self.http,
            &self.base,
            &challenge,
            credential.as_ref(),
            Some(scope),
        )
        .await?;
        let Some(header) = header else {
            return Ok(answer);
        };
        if let Ok(mut known) = self.known.lock() {
            known.insert(scope.to_owned(), header.clone());
        }
        request.authorization = Some((self.base.clone(), header));
        self.http.send(&request, limit, progress).await
    }

    /// The versions that a repository's tags stand for, the newest first. Tags that are no versions are
    /// passed over.
    ///
    /// # Errors
    /// When there is no such repository, or the registry can't be reached.
    pub async fn versions(&self, repository: &str, places: &Places) -> Result<Vec<Version>, Error> {
        #[derive(Deserialize)]
        struct Tags {
            #[serde(default)]
            tags: Option<Vec<String>>,
        }
        let scope = pull_scope(repository);
        let mut url = self.url(&format!("/v2/{repository}/tags/list"))?;
        let mut versions = Vec::new();
        for _ in 0..MAX_PAGES {
            let request = Request::new(Method::GET, url.clone());
            let answer = self
                .call(request, places, &scope, MAX_MANIFEST, &|_, _| {})
                .await?
                .ok()?;
            let tags: Tags = serde_json::from_slice(&answer.body)
                .map_err(|_| Error::invalid(self.host.as_str(), "gives no list of tags"))?;
            versions.extend(
                tags.tags
                    .into_iter()
                    .flatten()
                    .filter_map(|tag| Version::parse(&version_of(&tag)).ok())
                    .filter(Version::is_strict),
            );
            if versions.len() > MAX_TAGS {
                return Err(Error::TooLarge {
                    what: format!("{}/{repository}", self.host),
                    limit: format!("{MAX_TAGS} tags"),
                });
            }
            match next_page(&answer, &url) {
                Some(next) if same_origin(&next, &self.base) => url = next,
                _ => break,
            }
        }
        versions.sort_by(|a, b| b.cmp(a));
        Ok(versions)
    }

    /// The reference with the tag of the version that is wanted. One with a tag or digest of its own stays.
    ///
    /// # Errors
    /// When the reference's tag is another one than wanted, or there is no version that fits.
    pub async fn choose(
        &self,
        reference: &Reference,
        wanted: &Wanted,
        places: &Places,
    ) -> Result<Reference, Error> {
        let text = wanted.text();
        if let (Some(tag), Some(text)) = (&reference.tag, text)
            && *tag != tag_of(text)
            && text != ">0.0.0-0"
        {
            return Err(Error::Usage(format!(
                "{reference} names a version of its own, which is not {text}"
            )));
        }
        if reference.tag.is_some() || (reference.digest.is_some() && text.is_none()) {
            return Ok(reference.clone());
        }
        if let Some(exact) = wanted.exact() {
            return Ok(reference.with_version(exact.original()));
        }
        let versions = self.versions(&reference.repository, places).await?;
        let found = versions.iter().find(|v| wanted.fits(v));
        let Some(found) = found else {
            let some: Vec<String> = versions.iter().take(5).map(ToString::to_string).collect();
            return Err(Error::NotFound {
                message: format!("there is no version of {reference} {wanted}"),
                hint: (!some.is_empty()).then(|| format!("one of the newest: {}", some.join(", "))),
            });
        };
        Ok(reference.with_version(&found.to_string()))
    }

    /// Pulls a chart. An archive that is kept already is not fetched again.
    ///
    /// # Errors
    /// When it isn't there, is no chart, is too large, or has another digest than was promised.
    pub async fn pull(
        &self,
        reference: &Reference,
        wanted: &Wanted,
        with_provenance: bool,
        places: &Places,
        report: &dyn Report,
    ) -> Result<Pulled, Error> {
        let reference = self.choose(reference, wanted, places).await?;
        let (manifest, digest) = self.manifest(&reference, places).await?;
        let what = reference.to_string();
        let is_chart = manifest
            .config
            .as_ref()
            .is_some_and(|c| c.media_type == manifest::CONFIG);
        let layer = manifest.layer(&[manifest::CHART, manifest::OLD_CHART]);
        let Some(layer) = layer.filter(|_| is_chart) else {
            return Err(Error::invalid(what, "is in the registry, but is no chart"));
        };
        let archive = self
            .blob(
                &reference,
                layer,
                chart::MAX_TOTAL,
                Content::Chart,
                places,
                report,
            )
            .await?;
        let mut provenance = None;
        if with_provenance && let Some(layer) = manifest.layer(&[manifest::PROVENANCE]) {
            let bytes = self
                .blob(
                    &reference,
                    layer,
                    MAX_PROVENANCE,
                    Content::Provenance,
                    places,
                    report,
                )
                .await?;
            provenance = Some(bytes);
        }
        Ok(Pulled {
            reference,
            digest,
            archive,
            provenance,
        })
    }

    /// The manifest of a chart, and its digest. Of a list of manifests the first that is a chart's.
    async fn manifest(
        &self,
        reference: &Reference,
        places: &Places,
    ) -> Result<(Manifest, String), Error> {
        let mut name = reference.name().to_owned();
        let mut digest = reference.digest.clone();
        // A list of lists is no chart.
        for _ in 0..2 {
            let url = self.url(&format!("/v2/{}/manifests/{name}", reference.repository))?;
            let accept = format!("{}, {}", manifest::MANIFEST, manifest::INDEX);
            let request = Request::new(Method::GET, url).header(ACCEPT, &accept);
            let scope = pull_scope(&reference.repository);
            let answer = self
                .call(request, places, &scope, MAX_MANIFEST, &|_, _| {})
                .await?;
            if answer.status == StatusCode::NOT_FOUND {
                return Err(self.missing(reference, places).await);
            }
            let answer = answer.ok()?;
            let found = format!("sha256:{}", sha256(&answer.body));
            let promised = digest.as_deref().or(answer.header("docker-content-digest"));
            if let Some(promised) = promised.filter(|p| p.starts_with("sha256:") && *p != found) {
                return Err(Error::Digest {
                    what: reference.to_string(),
                    wanted: promised.to_owned(),
                    found,
                });
            }
            let read: Manifest = serde_json::from_slice(&answer.body)
                .map_err(|_| Error::invalid(reference.to_string(), "has no readable manifest"))?;
            match read.manifests.first() {
                Some(first) if read.config.is_none() => {
                    name.clone_from(&first.digest);
                    digest = Some(first.digest.clone());
                }
                _ => return Ok((read, found)),
            }
        }
        Err(Error::invalid(
            reference.to_string(),
            "is in the registry, but is no chart",
        ))
    }

    /// Why a manifest isn't there, with the versions that are.
    async fn missing(&self, reference: &Reference, places: &Places) -> Error {
        let versions = self
            .versions(&reference.repository, places)
            .await
            .unwrap_or_default();
        let some: Vec<String> = versions.iter().take(5).map(ToString::to_string).collect();
        Error::NotFound {
            message: format!("{reference} is not in the registry"),
            hint: (!some.is_empty()).then(|| format!("one of the newest: {}", some.join(", "))),
        }
    }

    async fn blob(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
        limit: u64,
        content: Content,
        places: &Places,
        report: &dyn Report,
    ) -> Result<Vec<u8>, Error> {
        let what = format!("{reference} ({})", descriptor.media_type);
        let digest = descriptor
            .digest
            .strip_prefix("sha256:")
            .filter(|d| super::cache::is_sha256(d))
            .ok_or_else(|| Error::invalid(what.as_str(), "has a digest that is no SHA-256"))?;
        if descriptor.size > limit {
            return Err(Error::too_large(what, limit));
        }
        if content == Content::Chart
            && let Some(kept) = places.kept(digest, content, limit)
        {
            return Ok(kept);
        }
        let path = format!("/v2/{}/blobs/{}", reference.repository, descriptor.digest);
        let request = Request::new(Method::GET, self.url(&path)?);
        let shown = reference.to_string();
        let progress = |done, total: Option<u64>| {
            report.progress(&shown, done, total.or(Some(descriptor.size)));
        };
        let scope = pull_scope(&reference.repository);
        let answer = self
            .call(request, places, &scope, descriptor.size, &progress)
            .await?
            .ok()?;
        let size = answer.body.len() as u64;
        report.progress(&shown, size, Some(size));
        let found = sha256(&answer.body);
        if found != digest {
            return Err(Error::Digest {
                what,
                wanted: descriptor.digest.clone(),
                found: format!("sha256:{found}"),
            });
        }
        if content == Content::Chart {
            places.keep(digest, content, &answer.body)?;
        }
        Ok(answer.body)
    }

    /// Pushes a chart's archive, and its provenance file where there is one, below a path of the registry.
    /// `created` is the time of the archive's file, as RFC 3339.
    ///
    /// # Errors
    /// When the registry refuses it or can't be reached.
    #[allow(
        clippy::too_many_arguments,
        reason = "what is pushed, whereto, and who watches"
    )]
    pub async fn push(
        &self,
        path: &str,
        metadata: &Metadata,
        archive: Vec<u8>,
        provenance: Option<Vec<u8>>,
        created: &str,
        places: &Places,
        report: &dyn Report,
    ) -> Result<Pushed, Error> {
        let repository = match path.trim_matches('/') {
            "" => metadata.name.clone(),
            path => format!("{path}/{}", metadata.name),
        };
        let reference = Reference::parse(&format!("{}/{repository}", self.host))?
            .with_version(&metadata.version);
        let made = manifest::artifact(metadata, archive, provenance, created)?;
        for (descriptor, bytes) in made.blobs {
            self.upload(&reference, &descriptor, bytes, places, report)
                .await?;
        }
        let url = self.url(&format!("/v2/{repository}/manifests/{}", reference.name()))?;
        let mut request = Request::new(Method::PUT, url).header(CONTENT_TYPE, manifest::MANIFEST);
        let digest = format!("sha256:{}", sha256(&made.manifest));
        request.body = Some(made.manifest);
        let scope = push_scope(&repository);
        self.call(request, places, &scope, MAX_MANIFEST, &|_, _| {})
            .await?
            .ok()?;
        Ok(Pushed { reference, digest })
    }

    async fn upload(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
        bytes: Vec<u8>,
        places: &Places,
        report: &dyn Report,
    ) -> Result<(), Error> {
        let scope = push_scope(&reference.repository);
        let blobs = format!("/v2/{}/blobs/", reference.repository);
        let there = Request::new(
            Method::HEAD,
            self.url(&format!("{blobs}{}", descriptor.digest))?,
        );
        let answer = self
            .call(there, places, &scope, u64::MAX, &|_, _| {})
            .await?;
        if answer.status.is_success() {
            return Ok(());
        }
        let begin = Request::new(Method::POST, self.url(&format!("{blobs}uploads/"))?)
            .header(reqwest::header::CONTENT_LENGTH, "0");
        let answer = self
            .call(begin, places, &scope, MAX_MANIFEST, &|_, _| {})
            .await?
            .ok()?;
        let location = answer
            .header(LOCATION.as_str())
            .and_then(|l| answer.url.join(l).ok());
        let Some(mut location) = location else {
            return Err(Error::invalid(
                self.host.as_str(),
                "does not say where to upload to",
            ));
        };
        location
            .query_pairs_mut()
            .append_pair("digest", &descriptor.digest);
        let size = bytes.len() as u64;
        let mut request =
            Request::new(Method::PUT, location).header(CONTENT_TYPE, "application/octet-stream");
        request.body = Some(bytes);
        self.call(request, places, &scope, MAX_MANIFEST, &|_, _| {})
            .await?
            .ok()?;
        report.progress(&reference.to_string(), size, Some(size));
        Ok(())
    }
}

fn pull_scope(repository: &str) -> String {
    format!("repository:{repository}:pull")
}

fn push_scope(repository: &str) -> String {
    format!("repository:{repository}:pull,push")
}

/// What a registry that refuses wants to know.
fn challenge(answer: &Answer) -> Option<Challenge> {
    if answer.status != StatusCode::UNAUTHORIZED {
        return None;
    }
    let headers = answer.headers.get_all(WWW_AUTHENTICATE).iter();
    Challenge::parse(headers.filter_map(|h| h.to_str().ok()))
}

/// The address of the next page of a list.
fn next_page(answer: &Answer, at: &Url) -> Option<Url> {
    let link = answer.header(LINK.as_str())?;
    let (target, rest) = link.trim().strip_prefix('<')?.split_once('>')?;
    rest.contains("next").then(|| at.join(target).ok())?
}
