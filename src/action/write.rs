//! Writing one object as the holder of the lock: a holder that was paused and wakes up late writes over
//! nothing that another has written meanwhile.

use super::{Error, Session};
use crate::cluster::{self, Apply, ObjectRef, resource_version, uid};
use crate::yaml::Value;

/// How often an object that controllers write to at the same time is tried again. Each time its version has
/// moved on; a conflict without that is a race within the server, and the client's own affair.
const TRIES: u32 = 10;

impl Session<'_> {
    /// Applies an object over the one that was read: only as long as the lock is held, and only over
    /// that very version, which the request carries. Where another has written to the object since (a
    /// controller its status, mostly) the lock is renewed first, which fails for a holder whose time
    /// is over.
    ///
    /// # Errors
    /// Those of the lock; [`cluster::Error::Stale`] for an object that was deleted or made anew since.
    pub(crate) async fn apply_over(
        &self,
        wanted: &Value,
        live: Option<&Value>,
        how: Apply,
    ) -> Result<Value, Error> {
        self.lock_is_fresh().await?;
        let Some(live) = live else {
            return Ok(self.client.apply(wanted, how).await?);
        };
        let mut wanted = wanted.clone();
        let mut version = resource_version(live).map(str::to_owned);
        for _ in 0..TRIES {
            if let Some(metadata) = wanted.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.insert("uid".into(), uid(live).into());
                metadata.insert("resourceVersion".into(), version.clone().into());
            }
            match self.client.apply(&wanted, how).await {
                Err(cluster::Error::Stale { .. }) => {}
                result => return Ok(result?),
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
