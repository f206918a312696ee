//! Applying the objects of a plan: in waves, each when what it needs is ready, independent ones at once.

use std::collections::{BTreeSet, HashSet};
use std::time::Instant;

use futures::{StreamExt, TryStreamExt, stream};

use super::prepare::{JobAction, ObjectPlan, Planned};
use super::{Error, Event, Session};
use crate::cluster::{self, Apply, Delete, ObjectRef, PARALLEL, Progress, Query, Wait, WaitError};
use crate::flink::manifest::{at, list};
use crate::plan::crds::served;
use crate::plan::objects::Change as ObjectAction;
use crate::plan::order::{self, Item, Named, Need};
use crate::yaml::Value;

/// Between two looks at what no watch tells.
const LOOK: std::time::Duration = std::time::Duration::from_millis(500);

impl Session<'_> {
    /// The waves in which a plan's objects are applied: indexes of its objects.
    ///
    /// # Errors
    /// [`Error::Invalid`] where annotations make no order.
    pub(crate) fn waves(&self, objects: &[ObjectPlan]) -> Result<Vec<order::Wave>, Error> {
        let (indexes, items): (Vec<usize>, Vec<Item<'_>>) = objects
            .iter()
            .enumerate()
            .filter_map(|(i, o)| Some((i, (&o.reference, o.wanted.as_ref()?))))
            .unzip();
        let back = |item: usize| indexes.get(item).copied();
        let binds_freely = |item: usize| {
            let plan = back(item).and_then(|index| objects.get(index));
            plan.is_some_and(|plan| plan.binds_freely)
        };
        let waves =
            order::waves(&items, &binds_freely).map_err(|e| Error::Invalid(e.to_string()))?;
        let needs = |all: BTreeSet<Need>| -> BTreeSet<Need> {
            all.into_iter()
                .filter_map(|need| match need {
                    Need::Item(item) => back(item).map(Need::Item),
                    other => Some(other),
                })
                .collect()
        };
        Ok(waves
            .into_iter()
            .map(|wave| order::Wave {
                items: wave.items.into_iter().filter_map(back).collect(),
                after: needs(wave.after),
                needs: needs(wave.needs),
            })
            .collect())
    }

    /// Applies the objects that change. Gives the uids of all that the manifest has.
    pub(super) async fn apply_all(
        &self,
        planned: &Planned,
        stopped: bool,
    ) -> Result<HashSet<String>, Error> {
        let changes = |o: &&ObjectPlan| {
            o.wanted.is_some()
                && (!matches!(o.action, ObjectAction::Nothing)
                    || self.is_restarted(planned, &o.reference))
        };
        let objects = &planned.objects;
        self.step(format!(
            "applying {} of {} objects",
            objects.iter().filter(changes).count(),
            objects.iter().filter(|o| o.wanted.is_some()).count()
        ));
        let mut uids: HashSet<String> = objects
            .iter()
            .filter(|o| o.wanted.is_some())
            .filter_map(|o| cluster::uid(o.live.as_ref()?).map(str::to_owned))
            .collect();
        let mut after = BTreeSet::new();
        for wave in self.waves(objects)? {
            after.extend(wave.after);
            let mut going: Vec<&ObjectPlan> = wave
                .items
                .iter()
                .filter_map(|i| objects.get(*i))
                .filter(changes)
                .collect();
            if going.is_empty() {
                continue;
            }
            // What takes the server longest goes first, beside the rest: each Service is given an
            // address, which is written before it.
            going.sort_by_key(|o| o.reference.kind != "Service");
            let mut needs = std::mem::take(&mut after);
            needs.extend(wave.needs);
            self.await_needs(planned, &needs, stopped).await?;
            let applied: Vec<Option<String>> =
                stream::iter(going.iter().map(|o| self.apply_one(planned, o, stopped)))
                    .buffer_unordered(PARALLEL)
                    .try_collect()
                    .await?;
            uids.extend(applied.into_iter().flatten());
        }
        Ok(uids)
    }

    async fn apply_one(
        &self,
        planned: &Planned,
        plan: &ObjectPlan,
        stopped: bool,
    ) -> Result<Option<String>, Error> {
        let Some(wanted) = &plan.wanted else {
            return Ok(None);
        };
        match &plan.live {
            Some(live) if plan.action == ObjectAction::Recreate => {
                self.remove(&plan.reference, live).await?;
            }
            Some(live) => self.migrate(live).await?,
            None => {}
        }
        let how = Apply {
            // Our own scaling to 0 is another entry in managedFields than our apply.
            force: self.options.force_conflicts
                || (stopped && self.is_restarted(planned, &plan.reference)),
            ..Apply::default()
        };
        // What is made anew is no longer there to be written over.
        let over = plan
            .live
            .as_ref()
            .filter(|_| plan.action != ObjectAction::Recreate);
        self.apply_over(wanted, over, how).await
    }

    /// Deletes an object that is to be made anew, and sees it gone.
    async fn remove(&self, reference: &ObjectRef, live: &Value) -> Result<(), Error> {
        self.step(format!("deleting {reference}, which is made anew"));
        let how = Delete {
            uid: cluster::uid(live).map(str::to_owned),
            propagation: cluster::Propagation::Foreground,
            ..Delete::default()
        };
        match self.client.delete(reference, &how).await {
            Ok(_) | Err(cluster::Error::Stale { .. }) => {}
            Err(e) => return Err(e.into()),
        }
        self.client
            .wait_gone(reference, cluster::uid(live), self.options.timeout)
            .await
            .map_err(|e| Error::Failed(e.to_string()))
    }

    /// Moves fields that Helm 3 or `kubectl apply` set client-side to our own entry.
    pub(super) async fn migrate(&self, live: &Value) -> Result<(), Error> {
        match self.client.take_over(live, &self.options.take_over).await {
            // Changed since it was read, by our own scaling or by a controller: read it again.
            Err(cluster::Error::Stale { .. }) => {
                if let Some(again) = self.client.find(&ObjectRef::of(live)?).await? {
                    self.client
                        .take_over(&again, &self.options.take_over)
                        .await?;
                }
                Ok(())
            }
            other => Ok(other.map(drop)?),
        }
    }

    /// Whether an object makes the pods of a workload that was brought down.
    fn is_restarted(&self, planned: &Planned, reference: &ObjectRef) -> bool {
        planned.jobs.iter().any(|j| {
            matches!(j.action, JobAction::Restart(_))
                && j.new.as_ref().is_some_and(|w| {
                    w.owners()
                        .any(|o| o.kind == reference.kind && o.name == reference.name)
                })
        })
    }

    /// Waits until what objects need is ready. A signal ends the wait while no job is stopped.
    async fn await_needs(
        &self,
        planned: &Planned,
        needs: &BTreeSet<Need>,
        stopped: bool,
    ) -> Result<(), Error> {
        if needs.is_empty() {
            return Ok(());
        }
        let ready = async {
            let mut references = Vec::new();
            let mut kinds = Vec::new();
            for need in needs {
                match need {
                    Need::Item(index) => {
                        let Some(plan) = planned.objects.get(*index) else {
                            continue;
                        };
                        if let Some(wanted) = &plan.wanted
                            && plan.reference.kind == "CustomResourceDefinition"
                            && plan.action != ObjectAction::Nothing
                        {
                            kinds.extend(served(wanted).into_iter().map(|(v, k, ..)| (v, k)));
                        }
                        references.push(plan.reference.clone());
                    }
                    Need::Other(named) => references.push(self.await_there(named).await?),
                }
            }
            self.await_ready(&references).await?;
            for service in references.iter().filter(|r| r.kind == "Service") {
                self.await_endpoints(service).await?;
            }
            if !kinds.is_empty() {
                self.await_served(&kinds).await?;
            }
            Ok(())
        };
        tokio::select! {
            result = ready => result,
            error = self.signals.raised(), if !stopped => Err(error),
        }
    }

    /// Waits until objects are ready.
    pub(super) async fn await_ready(&self, objects: &[ObjectRef]) -> Result<(), Error> {
        let heard = |progress: Progress| self.report.event(Event::from(&progress));
        match self
            .client
            .wait_ready(objects, &self.patience(), heard)
            .await
        {
            Ok(()) => Ok(()),
            Err(WaitError::Cluster(e)) => Err(e.into()),
            Err(e) => Err(Error::NotReady(Box::new(e))),
        }
    }

    /// How long objects are waited for, and what counts as ready.
    pub(super) fn patience(&self) -> Wait {
        Wait {
            timeout: self.options.timeout,
            unhealthy_grace: self.options.unhealthy_grace,
            unschedulable_grace: self.options.unhealthy_grace * 5,
            rules: self.options.rules,
        }
    }

    /// Waits until an object that the manifest doesn't have is there.
    async fn await_there(&self, named: &Named) -> Result<ObjectRef, Error> {
        let begun = Instant::now();
        loop {
            let found = match self.served_as(named).await? {
                Some(reference) => self.client.find(&reference).await?.map(|_| reference),
                None => None,
            };
            if let Some(reference) = found {
                return Ok(reference);
            }
            if begun.elapsed() > self.options.timeout {
                return Err(Error::Failed(format!(
                    "{named} ({}) is neither in the manifest nor in the cluster, after {} s",
                    order::DEPENDS_ON,
                    begun.elapsed().as_secs()
                )));
            }
            self.waiting(named.to_string(), "it isn't there yet");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The reference of an object that an annotation names, its version the one that is served.
    async fn served_as(&self, named: &Named) -> Result<Option<ObjectRef>, Error> {
        let find = |discovery: &cluster::Discovery| {
            discovery
                .resources()
                .iter()
                .find(|r| {
                    r.kind == named.kind && named.group.as_ref().is_none_or(|g| *g == r.group)
                })
                .cloned()
        };
        let mut resource = find(&*self.client.discovery().await?);
        if resource.is_none() {
            self.client.refresh_discovery().await;
            resource = find(&*self.client.discovery().await?);
        }
        Ok(resource.map(|r| ObjectRef {
            group: r.group,
            version: r.version,
            kind: r.kind,
            namespace: r.namespaced.then(|| {
                named
                    .namespace
                    .clone()
                    .unwrap_or_else(|| self.namespace.clone())
            }),
            name: named.name.clone(),
        }))
    }

    /// Waits until a Service leads somewhere: a webhook without endpoints refuses everything.
    async fn await_endpoints(&self, service: &ObjectRef) -> Result<(), Error> {
        let begun = Instant::now();
        loop {
            let Some(live) = self.client.find(service).await? else {
                return Ok(());
            };
            // Without a selector its endpoints are somebody's own affair.
            if at(&live, &["spec", "selector"]).is_none() {
                return Ok(());
            }
            let query = Query {
                labels: Some(format!("kubernetes.io/service-name={}", service.name)),
                ..Query::default()
            };
            let slices = self
                .client
                .list(
                    "discovery.k8s.io/v1",
                    "EndpointSlice",
                    service.namespace.as_deref(),
                    &query,
                )
                .await?;
            let ready = slices
                .iter()
                .flat_map(|s| list(s, &["endpoints"]))
                .any(|e| at(e, &["conditions", "ready"]) != Some(&Value::Bool(false)));
            if ready {
                return Ok(());
            }
            if begun.elapsed() > self.options.timeout {
                return Err(Error::Failed(format!(
                    "{service} has no ready endpoint after {} s",
                    begun.elapsed().as_secs()
                )));
            }
            self.waiting(service.to_string(), "it has no ready endpoint yet");
            tokio::time::sleep(LOOK).await;
        }
    }
}
