//! Writing one object as the holder of the lock: a holder that was paused and wakes up late writes over
//! nothing that another has written meanwhile.

use serde::Deserialize;

use super::{Error, Session};
use crate::cluster::{self, Apply, ObjectRef, resource_version, uid};
use crate::yaml::Value;

/// How often an object that controllers write to at the same time is tried again. Each time its version has
/// moved on; a conflict without that is a race within the server, and the client's own affair.
const TRIES: u32 = 10;

/// What is read of an object that was applied: of hundreds the whole answers take longer to read than the
/// objects to send.
#[derive(Deserialize)]
struct Applied {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    uid: Option<String>,
}

impl Session<'_> {
    /// Applies an object over the one that was read, and gives its uid: only as long as the lock is
    /// held, and only over that very version, which the request carries. Where another has written to
    /// the object since (a controller its status, mostly) the lock is renewed first, which fails for a
    /// holder whose time is over.
    ///
    /// # Errors
    /// Those of the lock; [`cluster::Error::Stale`] for an object that was deleted or made anew since.
    pub(crate) async fn apply_over(
        &self,
        wanted: &Value,
        live: Option<&Value>,
        how: Apply,
    ) -> Result<Option<String>, Error> {
        self.lock_is_fresh().await?;
        let Some(live) = live else {
            let made: Applied = self.client.apply_as(wanted.clone(), how).await?;
            return Ok(made.metadata.uid);
        };
        let mut version = resource_version(live).map(str::to_owned);
        for _ in 0..TRIES {
            let mut wanted = wanted.clone();
            if let Some(metadata) = wanted.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.insert("uid".into(), uid(live).into());
                metadata.insert("resourceVersion".into(), version.into());
            }
            match self.client.apply_as::<Applied>(wanted, how).await {
                Err(cluster::Error::Stale { .. }) => {}
                made => return Ok(made?.metadata.uid),
            }
            self.check_lock().await?;
            let reference = ObjectRef::of(live)?;
            match self.client.find(&reference).await? {
                Some(now) if uid(&now) == uid(live) => {
                    version = resource_version(&now).map(str::to_owned);
                }
                _ => {
                    return Err(Error::Failed(format!(
                        "{reference} was deleted by another since it was looked at; run the command again"
                    )));
                }
            }
        }
        Err(Error::Failed(format!(
            "{} is written to by others again and again; see who: kubectl get --show-managed-fields",
            ObjectRef::of(live)?
        )))
    }
}
