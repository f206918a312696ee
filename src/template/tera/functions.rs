//! Functions of templates that need more than their arguments: `fail`, `capabilities_has`, `lookup`,
//! `lookup_or_generate`, and random bytes and the clock where they are allowed.

use std::sync::Arc;

use ::tera::{Error, Kwargs, State, TeraResult, Value as Tera};
use base64::Engine as _;

use super::{Registry, value};
use crate::render::{Capabilities, Lookup};
use crate::yaml::{Map, Value};

/// What the functions share.
pub(super) struct Shared {
    pub(super) capabilities: Capabilities,
    pub(super) namespace: String,
    pub(super) lookup: Option<Arc<Lookup>>,
    pub(super) allow_random: bool,
}

/// Signs the functions in.
pub(super) fn register(registry: &mut Registry<'_>, shared: Arc<Shared>) {
    registry.function("fail", |kwargs: Kwargs, _: &State| {
        Err(Error::message(kwargs.must_get::<&str>("message")?))
    });
    registry.function("coalesce", |kwargs: Kwargs, _: &State| {
        let candidates = kwargs.must_get::<&[Tera]>("values")?;
        let found = candidates.iter().find(|v| v.is_truthy());
        found
            .cloned()
            .ok_or_else(|| Error::message("none of the values is set"))
    });
    let own = Arc::clone(&shared);
    registry.function("capabilities_has", move |kwargs: Kwargs, _: &State| {
        Ok(Tera::from(
            own.capabilities.has(kwargs.must_get::<&str>("api")?),
        ))
    });
    let own = Arc::clone(&shared);
    registry.function("lookup", move |kwargs: Kwargs, _: &State| {
        let name = kwargs.get::<&str>("name")?.unwrap_or_default();
        // A list without a namespace is over all; an object without one is the release's.
        let namespace = kwargs.get::<&str>("namespace")?;
        let namespace = namespace.unwrap_or(if name.is_empty() { "" } else { &own.namespace });
        let api_version = kwargs.must_get::<&str>("api_version")?;
        let found = own.find(
            api_version,
            kwargs.must_get::<&str>("kind")?,
            namespace,
            name,
        )?;
        Ok(value::to_tera(
            &found.unwrap_or_else(|| Value::Object(Map::new())),
        ))
    });
    let own = Arc::clone(&shared);
    registry.function("lookup_or_generate", move |kwargs: Kwargs, _: &State| {
        own.lookup_or_generate(&kwargs).map(Tera::from)
    });
    let own = Arc::clone(&shared);
    registry.function("random_alphanumeric", move |kwargs: Kwargs, _: &State| {
        own.random_allowed("random_alphanumeric")?;
        alphanumeric(length(&kwargs)?).map(Tera::from)
    });
    registry.function("now", move |_: Kwargs, _: &State| {
        shared.random_allowed("now")?;
        Ok(Tera::from(jiff::Timestamp::now().to_string()))
    });
}

impl Shared {
    fn find(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> TeraResult<Option<Value>> {
        match &self.lookup {
            Some(lookup) => lookup(api_version, kind, namespace, name).map_err(|e| {
                Error::message(format!("cannot look up {kind} {namespace}/{name}: {e}"))
            }),
            None => Ok(None),
        }
    }

    /// One key of a live Secret, or a new random text where it isn't there yet.
    fn lookup_or_generate(&self, kwargs: &Kwargs) -> TeraResult<String> {
        let name = kwargs.must_get::<&str>("name")?;
        let key = kwargs.must_get::<&str>("key")?;
        let namespace = kwargs.get::<&str>("namespace")?.unwrap_or(&self.namespace);
        let length = length(kwargs)?;
        let live = self.find("v1", "Secret", namespace, name)?;
        let data = live
            .as_ref()
            .and_then(|s| s.get("data"))
            .and_then(|d| d.get(key));
        if let Some(encoded) = data.and_then(Value::as_str) {
            let bytes = base64::engine::general_purpose::STANDARD
                .decode(encoded)
                .ok();
            return bytes
                .and_then(|b| String::from_utf8(b).ok())
                .ok_or_else(|| {
                    Error::message(format!(
                        "the key {key:?} of Secret {namespace}/{name} is not text"
                    ))
                });
        }
        // Without a cluster nobody knows whether the secret exists; a guess would replace it.
        if self.lookup.is_none() && !self.allow_random {
            return Err(Error::message(format!(
                "lookup_or_generate(name={name:?}) needs a cluster to read the Secret from, or --allow-random"
            )));
        }
        alphanumeric(length)
    }

    fn random_allowed(&self, function: &str) -> TeraResult<()> {
        if self.allow_random {
            return Ok(());
        }
        Err(Error::message(format!(
            "{function}() makes another result on every render; allow it with --allow-random"
        )))
    }
}

fn length(kwargs: &Kwargs) -> TeraResult<usize> {
    let length = kwargs.get::<usize>("length")?.unwrap_or(32);
    if (1..=4096).contains(&length) {
        return Ok(length);
    }
    Err(Error::message("length must be between 1 and 4096"))
}

/// Letters and digits from the system's random source, each equally likely.
fn alphanumeric(length: usize) -> TeraResult<String> {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let random = rustls::crypto::ring::default_provider().secure_random;
    let mut text = String::with_capacity(length);
    let mut buffer = [0u8; 64];
    while text.len() < length {
        random
            .fill(&mut buffer)
            .map_err(|_| Error::message("the system gives no random bytes"))?;
        // 248 is the largest multiple of 62 in a byte; what is above would favour some letters.
        let fair = buffer.iter().filter(|b| **b < 248);
        for letter in fair.filter_map(|b| ALPHABET.get(usize::from(*b) % 62)) {
            if text.len() < length {
                text.push(char::from(*letter));
            }
        }
    }
    Ok(text)
}
