//! The lock of a release: a Lease, renewed; its expiry is judged by renewals seen, not by clocks.
//!
//! Renewals name the Lease's uid, so that a late one makes no new Lease. A create has no such name: one
//! whose answer was lost, that was sent again, and that the server carries out only after the lock was
//! given back, leaves a Lease that nobody renews. It holds nobody longer than a dead holder's does, and
//! goes with the next operation.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use super::holder;
use crate::cluster::{self, Client, Delete, ObjectRef, annotation, resource_version, uid};
use crate::yaml::Value;

/// How long a holder may go without a renewal before others may take the lock.
pub const LEASE: Duration = Duration::from_secs(15);
/// How often a holder renews.
const RENEW: Duration = Duration::from_secs(5);
/// How often a waiter looks.
const LOOK: Duration = Duration::from_millis(500);
/// Where the Lease says which process holds it, so that a waiter on the same machine sees its end.
const PROCESS: &str = "nutkin.dev/process";

/// What can go wrong with the lock.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// Somebody else holds it and went on renewing it.
    #[error(
        "release {release:?} is locked by {holder} since {since}: another operation is going on"
    )]
    Held {
        /// The release.
        release: String,
        /// Who: user, host and process.
        holder: String,
        /// Since when, by the holder's clock.
        since: String,
    },
    /// We held it, and somebody else took it, or it couldn't be renewed in time.
    #[error("the lock of release {release:?} was lost: {cause}")]
    Lost {
        /// The release.
        release: String,
        /// How.
        cause: String,
    },
    /// A request failed.
    #[error("cannot lock release {release:?}: {source}")]
    Cluster {
        /// The release.
        release: String,
        /// The failure.
        source: cluster::Error,
    },
}

/// The result of anything here.
pub type Result<T> = std::result::Result<T, LockError>;

/// A held lock. Dropping it without [`Lock::release`] leaves the Lease to expire.
#[derive(Debug)]
pub struct Lock {
    held: Arc<Held>,
    lost: watch::Receiver<Option<String>>,
    renewing: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
struct Held {
    client: Client,
    release: String,
    namespace: String,
    identity: String,
    /// The Lease as last written by us, and when.
    lease: Mutex<(Value, Instant)>,
    lost: watch::Sender<Option<String>>,
}

/// The Lease's name.
pub fn lease_name(release: &str) -> String {
    format!("nutkin.{release}")
}

fn lease_ref(namespace: &str, release: &str) -> ObjectRef {
    ObjectRef::new(
        "coordination.k8s.io/v1",
        "Lease",
        Some(namespace),
        &lease_name(release),
    )
}

fn now() -> String {
    // MicroTime: six digits.
    format!("{:.6}", jiff::Timestamp::now())
}

fn text<'a>(lease: &'a Value, field: &str) -> &'a str {
    lease
        .get("spec")
        .and_then(|s| s.get(field))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn duration(lease: &Value) -> Duration {
    lease
        .pointer("/spec/leaseDurationSeconds")
        .and_then(Value::as_u64)
        .map_or(LEASE, |s| Duration::from_secs(s.clamp(1, 3600)))
}

fn lease(namespace: &str, release: &str, identity: &str, before: Option<&Value>) -> Value {
    let now = now();
    let transitions = before
        .and_then(|l| l.pointer("/spec/leaseTransitions")?.as_u64())
        .map_or(0, |n| n + 1);
    let mut lease = json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": lease_name(release),
            "namespace": namespace,
            "labels": { "nutkin.dev/release": release },
            "annotations": { PROCESS: holder::process() },
        },
        "spec": {
            "holderIdentity": identity,
            "leaseDurationSeconds": LEASE.as_secs(),
            "acquireTime": now,
            "renewTime": now,
            "leaseTransitions": transitions,
        },
    });
    if let Some(before) = before {
        lease["metadata"]["resourceVersion"] = resource_version(before).unwrap_or_default().into();
        // Without it the server would create a Lease that has vanished (they may be created by an
        // update), for a late request of a process that has given it back.
        lease["metadata"]["uid"] = uid(before).unwrap_or_default().into();
    }
    lease
}

/// What a waiter decides on seeing a Lease.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    /// Nobody holds it.
    Free,
    /// Its holder renewed it since the last look, or its time is not up.
    Held,
    /// Its holder is gone: no renewal for its whole duration, or its process has ended here.
    Expired,
}

/// Judges a Lease: `unchanged` is how long we have seen this very version of it.
fn judge(lease: &Value, unchanged: Duration, process_ended: bool) -> Seen {
    if text(lease, "holderIdentity").is_empty() {
        Seen::Free
    } else if process_ended || unchanged > duration(lease) {
        Seen::Expired
    } else {
        Seen::Held
    }
}

impl Lock {
    /// Takes the lock, waiting up to `timeout` for another holder to release it or to be seen dead.
    /// `on_wait` is called once with who holds it and since when, if there is need to wait.
    ///
    /// # Errors
    /// [`LockError::Held`] when the time is up, [`LockError::Cluster`].
    pub async fn acquire(
        client: &Client,
        namespace: &str,
        release: &str,
        timeout: Duration,
        mut on_wait: impl FnMut(&str, &str),
    ) -> Result<Lock> {
        let object = lease_ref(namespace, release);
        let identity = holder::identity();
        let failed = |source| LockError::Cluster {
            release: release.to_owned(),
            source,
        };
        let start = Instant::now();
        let mut seen: Option<(String, Instant)> = None;
        // Mostly nobody holds it, and then there is no Lease: the first try creates it unseen.
        let mut unseen = true;
        loop {
            let current = if std::mem::take(&mut unseen) {
                None
            } else {
                client.find(&object).await.map_err(failed)?
            };
            let attempt = match &current {
                None => {
                    let wanted = lease(namespace, release, &identity, None);
                    Some(client.create(&wanted, false).await)
                }
                Some(current) => {
                    let version = resource_version(current).unwrap_or_default();
                    let since = match &seen {
                        Some((v, since)) if v == version => *since,
                        _ => {
                            let now = Instant::now();
                            seen = Some((version.to_owned(), now));
                            now
                        }
                    };
                    let ended = annotation(current, PROCESS).is_some_and(holder::has_ended);
                    match judge(current, since.elapsed(), ended) {
                        Seen::Free | Seen::Expired => {
                            let wanted = lease(namespace, release, &identity, Some(current));
                            Some(client.replace(&wanted).await)
                        }
                        Seen::Held => None,
                    }
                }
            };
            match attempt {
                Some(Ok(made)) => {
                    return Ok(Self::hold(client, namespace, release, identity, made));
                }
                // Another waiter was faster: look again.
                Some(Err(
                    cluster::Error::Exists { .. }
                    | cluster::Error::Stale { .. }
                    | cluster::Error::NotFound { .. },
                )) => {}
                Some(Err(e)) => return Err(failed(e)),
                None => {
                    let current = current.unwrap_or_default();
                    let holder = text(&current, "holderIdentity");
                    let since = text(&current, "acquireTime");
                    if start.elapsed() >= timeout {
                        return Err(LockError::Held {
                            release: release.to_owned(),
                            holder: holder.to_owned(),
                            since: since.to_owned(),
                        });
                    }
                    on_wait(holder, since);
                    tokio::time::sleep(LOOK.min(timeout.saturating_sub(start.elapsed()))).await;
                }
            }
        }
    }

    fn hold(
        client: &Client,
        namespace: &str,
        release: &str,
        identity: String,
        made: Value,
    ) -> Lock {
        let (sender, lost) = watch::channel(None);
        let held = Arc::new(Held {
            client: client.clone(),
            release: release.to_owned(),
            namespace: namespace.to_owned(),
            identity,
            lease: Mutex::new((made, Instant::now())),
            lost: sender,
        });
        let renewing = tokio::spawn({
            let held = Arc::clone(&held);
            async move {
                loop {
                    tokio::time::sleep(RENEW).await;
                    if held.renew().await.is_err() && held.lost.borrow().is_some() {
                        return;
                    }
                }
            }
        });
        Lock {
            held,
            lost,
            renewing,
        }
    }

    /// Makes sure, by a renewal that the server has accepted, that the lock is still ours. To be
    /// called right before each step that can't be undone.
    ///
    /// # Errors
    /// [`LockError::Lost`]; [`LockError::Cluster`] when the server can't be asked.
    pub async fn check(&self) -> Result<()> {
        self.held.renew().await
    }

    /// Whether its last renewal is so new that nobody can have taken it since.
    pub async fn is_fresh(&self) -> bool {
        self.held.lost.borrow().is_none()
            && self.held.lease.lock().await.1.elapsed() < LEASE - RENEW
    }

    /// Ends when the lock is lost, with the cause.
    pub async fn lost(&self) -> LockError {
        let mut lost = self.lost.clone();
        let cause = match lost.wait_for(Option::is_some).await {
            Ok(cause) => cause.clone().unwrap_or_default(),
            Err(_) => "its renewal ended".to_owned(),
        };
        LockError::Lost {
            release: self.held.release.clone(),
            cause,
        }
    }

    /// Who we are in the Lease.
    pub fn identity(&self) -> &str {
        &self.held.identity
    }

    /// Gives the lock back: the Lease is deleted, if it is still ours.
    ///
    /// # Errors
    /// [`LockError::Cluster`]; a lock that was lost meanwhile is no error.
    pub async fn release(self) -> Result<()> {
        self.renewing.abort();
        let failed = |source| LockError::Cluster {
            release: self.held.release.clone(),
            source,
        };
        let client = &self.held.client;
        let object = lease_ref(&self.held.namespace, &self.held.release);
        let mut lease = self.held.lease.lock().await.0.clone();
        for _ in 0..5 {
            let how = Delete {
                uid: uid(&lease).map(str::to_owned),
                resource_version: resource_version(&lease).map(str::to_owned),
                ..Delete::default()
            };
            match client.delete(&object, &how).await {
                Ok(_) => return Ok(()),
                Err(cluster::Error::Stale { .. }) => {}
                Err(source) => return Err(failed(source)),
            }
            // A renewal may have got through without our seeing it.
            match client.find(&object).await.map_err(failed)? {
                Some(found) if text(&found, "holderIdentity") == self.held.identity => {
                    lease = found;
                }
                _ => return Ok(()),
            }
        }
        // It expires.
        Ok(())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

impl Held {
    fn lose(&self, cause: String) -> LockError {
        self.lost.send_replace(Some(cause.clone()));
        LockError::Lost {
            release: self.release.clone(),
            cause,
        }
    }

    /// Renews the Lease. A failure to reach the server loses the lock only when its time is up.
    async fn renew(&self) -> Result<()> {
        if let Some(cause) = self.lost.borrow().clone() {
            return Err(LockError::Lost {
                release: self.release.clone(),
                cause,
            });
        }
        let mut lease = self.lease.lock().await;
        let mut wanted = lease.0.clone();
        wanted["spec"]["renewTime"] = now().into();
        if let Some(metadata) = wanted.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
        }
        let begun = Instant::now();
        match self.client.replace(&wanted).await {
            Ok(made) => {
                *lease = (made, begun);
                Ok(())
            }
            Err(cluster::Error::Stale { .. } | cluster::Error::NotFound { .. }) => {
                let object = lease_ref(&self.namespace, &self.release);
                match self.client.find(&object).await {
                    // Somebody wrote a label or an annotation: still ours.
                    Ok(Some(found))
                        if text(&found, "holderIdentity") == self.identity
                            && uid(&found) == uid(&lease.0) =>
                    {
                        *lease = (found, begun);
                        Ok(())
                    }
                    Ok(Some(found)) => Err(self.lose(format!(
                        "{} took it at {}",
                        text(&found, "holderIdentity"),
                        text(&found, "acquireTime")
                    ))),
                    Ok(None) => Err(self.lose("its Lease was deleted".to_owned())),
                    Err(source) => Err(self.unreachable(lease.1, source)),
                }
            }
            Err(source) => Err(self.unreachable(lease.1, source)),
        }
    }

    fn unreachable(&self, renewed: Instant, source: cluster::Error) -> LockError {
        if renewed.elapsed() > LEASE {
            self.lose(format!("it could not be renewed for {LEASE:?}: {source}"))
        } else {
            LockError::Cluster {
                release: self.release.clone(),
                source,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_judged_by_renewals_seen() {
        let of = |holder: &str, seconds: u64| {
            json!({"spec": {"holderIdentity": holder, "leaseDurationSeconds": seconds,
                            "renewTime": "2001-01-01T00:00:00.000000Z"}})
        };
        let second = Duration::from_secs(1);
        // An old renewTime says nothing: the holder's clock may be wrong.
        assert_eq!(judge(&of("a", 15), second, false), Seen::Held);
        assert_eq!(judge(&of("a", 15), 15 * second, false), Seen::Held);
        assert_eq!(judge(&of("a", 15), 16 * second, false), Seen::Expired);
        assert_eq!(judge(&of("a", 60), 16 * second, false), Seen::Held);
        assert_eq!(judge(&of("a", 15), second, true), Seen::Expired);
        assert_eq!(judge(&of("", 15), second, false), Seen::Free);
        assert_eq!(judge(&json!({}), second, false), Seen::Free);
    }
}
