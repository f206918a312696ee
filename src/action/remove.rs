//! Deleting objects in the reverse of their order: resources before the operator that must finalise them.

use std::collections::HashSet;

use futures::{StreamExt, TryStreamExt, stream};

use super::prepare::{ObjectPlan, Planned};
use super::{Error, Session};
use crate::cluster::{self, Delete, ObjectRef, PARALLEL, Propagation, ownership, prune};
use crate::plan::objects::Change as ObjectAction;
use crate::plan::order::{Item, removal};

/// How often a deletion is tried again when the object changed in between.
const TRIES: u32 = 10;

/// How objects are deleted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Removal {
    /// What becomes of their dependents.
    pub propagation: Propagation,
    /// Whether all must be gone in the end, not only those that others wait for.
    pub wait: bool,
}

impl Session<'_> {
    /// Deletes what left the manifest, but nothing that was just applied under another group.
    pub(super) async fn prune(
        &self,
        planned: &Planned,
        applied: &HashSet<String>,
    ) -> Result<(), Error> {
        let leaving: Vec<&ObjectPlan> = leaving(&planned.objects)
            .into_iter()
            .filter(|o| {
                let uid = o.live.as_ref().and_then(cluster::uid);
                uid.is_none_or(|uid| !applied.contains(uid))
            })
            .collect();
        for plan in &leaving {
            self.step(format!(
                "deleting {}, which left the manifest",
                plan.reference
            ));
        }
        self.remove_all(&leaving, Removal::default()).await
    }

    /// Deletes objects wave by wave.
    ///
    /// # Errors
    /// Those of the requests; [`Error::Failed`] with what isn't gone in time where it must be.
    pub(crate) async fn remove_all(
        &self,
        objects: &[&ObjectPlan],
        how: Removal,
    ) -> Result<(), Error> {
        let items: Vec<Item<'_>> = objects
            .iter()
            .filter_map(|o| Some((&o.reference, o.live.as_ref()?)))
            .collect();
        let waves = removal(&items);
        let last = waves.len().saturating_sub(1);
        let mut deleted: Vec<(ObjectRef, Option<String>)> = Vec::new();
        for (nth, (wave, awaited)) in waves.iter().enumerate() {
            let of_wave: Vec<(usize, Option<String>)> = stream::iter(wave.iter().filter_map(|i| {
                let (reference, live) = items.get(*i)?;
                Some(async move {
                    let gone = self.delete_ours(reference, live, how.propagation).await?;
                    Ok::<_, Error>(gone.map(|uid| (*i, uid)))
                })
            }))
            .buffer_unordered(PARALLEL)
            .try_collect::<Vec<_>>()
            .await?
            .into_iter()
            .flatten()
            .collect();
            for (index, uid) in of_wave {
                let Some((reference, _)) = items.get(index) else {
                    continue;
                };
                if awaited.contains(&index) && nth < last {
                    self.await_gone(reference, uid.as_deref()).await?;
                } else {
                    deleted.push(((*reference).clone(), uid));
                }
            }
        }
        if how.wait {
            for (reference, uid) in deleted {
                self.await_gone(&reference, uid.as_deref()).await?;
            }
        }
        Ok(())
    }

    /// Deletes an object if it still is the release's own, as it is now. `None` where nothing was
    /// deleted, else its uid.
    pub(super) async fn delete_ours(
        &self,
        reference: &ObjectRef,
        planned: &crate::yaml::Value,
        propagation: Propagation,
    ) -> Result<Option<Option<String>>, Error> {
        let mut live = planned.clone();
        for _ in 0..TRIES {
            if cluster::uid(&live) != cluster::uid(planned) {
                self.note(format!("{reference} was made anew by another, and stays"));
                return Ok(None);
            }
            if let cluster::Owner::Release { name, namespace } = ownership::owner(&live)
                && (name != self.release || namespace != self.namespace)
            {
                self.note(format!(
                    "{reference} belongs to release {namespace}/{name} by now, and stays"
                ));
                return Ok(None);
            }
            if prune::is_kept(&live) {
                self.note(format!("{reference} is to be kept by now, and stays"));
                return Ok(None);
            }
            let uid = cluster::uid(&live).map(str::to_owned);
            let how = Delete {
                uid: uid.clone(),
                // What was read is what is deleted: another release may take it meanwhile.
                resource_version: cluster::resource_version(&live).map(str::to_owned),
                propagation,
                ..Delete::default()
            };
            match self.client.delete(reference, &how).await {
                Ok(_) => return Ok(Some(uid)),
                Err(cluster::Error::Stale { .. }) => {}
                Err(e) => return Err(e.into()),
            }
            match self.client.find(reference).await? {
                Some(again) => live = again,
                None => return Ok(None),
            }
        }
        Err(Error::Failed(format!(
            "{reference} is changed again and again by another, and could not be deleted"
        )))
    }

    async fn await_gone(&self, reference: &ObjectRef, uid: Option<&str>) -> Result<(), Error> {
        self.waiting(reference.to_string(), "to be gone");
        let gone = self
            .client
            .wait_gone(reference, uid, self.options.timeout)
            .await;
        let Err(error) = gone else { return Ok(()) };
        let live = self.client.find(reference).await?;
        let finalizers: Vec<&str> = live
            .as_ref()
            .map(|l| crate::flink::manifest::list(l, &["metadata", "finalizers"]))
            .into_iter()
            .flatten()
            .filter_map(crate::yaml::Value::as_str)
            .collect();
        Err(Error::Failed(if finalizers.is_empty() {
            error.to_string()
        } else {
            format!(
                "{error}: its finalizers are still to be worked off ({}); is their controller up?",
                finalizers.join(", ")
            )
        }))
    }
}

/// The objects that a plan deletes.
pub(crate) fn leaving(objects: &[ObjectPlan]) -> Vec<&ObjectPlan> {
    objects
        .iter()
        .filter(|o| o.action == ObjectAction::Delete && o.live.is_some())
        .collect()
}
