//! Deciding about the objects of a change: what is there, whose it is, and what the server says of a dry run.

use std::collections::HashSet;

use futures::{StreamExt, TryStreamExt, stream};

use super::prepare::{Change, ObjectPlan};
use super::target::Target;
use super::{Error, Session};
use crate::cluster::{self, DryRun, FieldConflict, ObjectRef, PARALLEL, ownership};
use crate::flink::manifest;
use crate::flink::workload::recognise;
use crate::plan::foresee;
use crate::plan::objects::{self, Change as ObjectAction};
use crate::plan::schema;
use crate::yaml::Value;

/// What a dry run found out.
#[derive(Default)]
struct Tried {
    outcome: Option<DryRun>,
    conflicts: Vec<FieldConflict>,
    unverified: Option<String>,
    refusal: Option<cluster::Error>,
}

impl Session<'_> {
    /// Decides about each object: the target's in its order, then those that leave.
    pub(super) async fn plan_objects(&self, change: &Change) -> Result<Vec<ObjectPlan>, Error> {
        let mut plans = Vec::new();
        for object in &change.target.objects {
            let reference = self.reference(object, &change.target).await?;
            let wanted = marked(object, &self.release, &self.namespace);
            plans.push(ObjectPlan::new(reference, Some(wanted)));
        }
        for object in &change.prior {
            let reference = self.reference(object, &change.target).await?;
            let known = plans
                .iter()
                .position(|p| p.reference.key() == reference.key());
            let index = known.unwrap_or_else(|| {
                plans.push(ObjectPlan::new(reference, None));
                plans.len() - 1
            });
            if let Some(plan) = plans.get_mut(index) {
                // Newer revisions come first.
                plan.recorded.get_or_insert_with(|| object.clone());
            }
        }
        let references: Vec<ObjectRef> = plans.iter().map(|p| p.reference.clone()).collect();
        let live = self.client.find_all(&references).await?;
        for (plan, live) in plans.iter_mut().zip(live) {
            plan.live = live;
        }
        let asked = self.asked(change, &plans);
        let each = plans.iter().zip(asked);
        let tried: Vec<Tried> =
            stream::iter(each.map(|(plan, ask)| self.try_out(change, plan, ask)))
                .buffered(PARALLEL)
                .try_collect()
                .await?;
        for (plan, tried) in plans.iter_mut().zip(tried) {
            plan.conflicts = tried.conflicts;
            plan.unverified = tried.unverified;
            plan.refusal = tried.refusal;
            let live = plan.live.as_ref();
            if plan.wanted.is_none() {
                plan.action = objects::unwanted(live, &self.release, &self.namespace);
                continue;
            }
            let foreign = live.filter(|l| {
                objects::is_foreign(l, plan.recorded.is_some(), &self.release, &self.namespace)
            });
            plan.action = objects::wanted(live, tried.outcome.as_ref(), foreign.is_some());
            if let Some(live) = foreign
                && !self.options.take_ownership
            {
                plan.refusal = Some(cluster::Error::Taken {
                    object: plan.reference.to_string(),
                    owner: ownership::owner(live),
                });
            }
            match tried.outcome {
                Some(DryRun::After(after)) => plan.dry_run = Some(after),
                Some(DryRun::Recreate { causes, after }) => {
                    plan.causes = causes;
                    plan.dry_run = Some(after);
                }
                None => {}
            }
        }
        // The same object under another group (Events have two) hasn't left.
        let wanted: Vec<String> = plans
            .iter()
            .filter(|p| p.wanted.is_some())
            .filter_map(|p| cluster::uid(p.live.as_ref()?).map(str::to_owned))
            .collect();
        plans.retain(|p| {
            let uid = p.live.as_ref().and_then(cluster::uid);
            p.wanted.is_some() || uid.is_none_or(|uid| !wanted.iter().any(|w| w == uid))
        });
        Ok(plans)
    }

    /// Of which objects the server is asked what an apply would do, even if it can be foreseen. Where a
    /// job is at stake, or where a plan is only shown: of all. Else the apply comes right after and
    /// says the same, so of plain objects one of each kind and namespace is enough to see that they
    /// may be written at all (rights, quotas, webhooks, the namespace).
    fn asked(&self, change: &Change, plans: &[ObjectPlan]) -> Vec<bool> {
        let only_shown = self.lock.is_none() || change.ask_all;
        let at_stake = !change.target.workloads.is_empty()
            || !recognise(&change.prior, &self.namespace).is_empty();
        if only_shown || at_stake {
            return vec![true; plans.len()];
        }
        let over = &self.options.take_over;
        let mut known = HashSet::new();
        plans
            .iter()
            .map(|plan| {
                let changes = plan.wanted.as_ref().is_some_and(|wanted| {
                    plan.live
                        .as_ref()
                        .is_none_or(|live| !foresee::is_unchanged(live, wanted, over))
                });
                changes
                    && known.insert((
                        &plan.reference.kind,
                        &plan.reference.namespace,
                        plan.live.is_some(),
                    ))
            })
            .collect()
    }

    /// Finds out what an apply would do: by what is known, or by asking the server.
    async fn try_out(&self, change: &Change, plan: &ObjectPlan, ask: bool) -> Result<Tried, Error> {
        let mut tried = Tried::default();
        let Some(wanted) = &plan.wanted else {
            return Ok(tried);
        };
        let live = plan.live.as_ref();
        let over = &self.options.take_over;
        if let Some(live) = live.filter(|l| foresee::is_unchanged(l, wanted, over)) {
            tried.outcome = Some(DryRun::After(live.clone()));
            return Ok(tried);
        }
        if !ask && let Some(after) = foresee::plain(live, wanted) {
            tried.outcome = Some(DryRun::After(after));
            return Ok(tried);
        }
        let mut result = self.client.dry_run_over(wanted, live, false, over).await;
        if let Err(error @ cluster::Error::Conflict { .. }) = result {
            result = self.client.dry_run_over(wanted, live, true, over).await;
            if !self.options.force_conflicts {
                tried.refusal = Some(error.clone());
            }
            if let cluster::Error::Conflict { fields, .. } = error {
                tried.conflicts = fields;
            }
        }
        match result {
            Ok(outcome) => tried.outcome = Some(outcome),
            // Its namespace is yet to be made, by us or by the manifest itself.
            Err(cluster::Error::NoNamespace { namespace, .. })
                if self.options.create_namespace && namespace == self.namespace
                    || change.target.objects.iter().any(|o| {
                        manifest::kind(o) == "Namespace" && manifest::name(o) == namespace
                    }) =>
            {
                tried.unverified = Some(format!("the namespace {namespace} is yet to be made"));
            }
            Err(cluster::Error::NoKind { api_version, kind })
                if change.target.brings(&api_version, &kind).is_some() =>
            {
                tried.unverified = Some(format!("the CRD of {kind} is yet to be made"));
                if let Err(faults) = schema::check(&change.target.all_crds(), wanted) {
                    tried.refusal = Some(cluster::Error::Invalid {
                        object: plan.reference.to_string(),
                        message: format!("against the schema of its CRD: {}", faults.join("; ")),
                        causes: Vec::new(),
                    });
                }
            }
            // Who isn't an administrator may bind a Role only if he holds what it grants, which the server
            // can't tell of a Role that isn't there (kubernetes/pkg/registry/rbac/rolebinding/policybased).
            Err(e)
                if e.is_not_found() && live.is_none() && binds_one_of(wanted, &change.target) =>
            {
                tried.unverified = Some("the role that it binds is yet to be made".to_owned());
            }
            Err(e @ cluster::Error::Forbidden { .. })
                if is_admitted_with(wanted, &change.target.objects) =>
            {
                tried.unverified = Some(e.to_string());
            }
            Err(
                e @ (cluster::Error::Invalid { .. }
                | cluster::Error::NoNamespace { .. }
                | cluster::Error::NoKind { .. }),
            ) => {
                tried.refusal = Some(e);
            }
            Err(e) => return Err(e.into()),
        }
        Ok(tried)
    }

    /// An object's reference, with the release's namespace where it needs one and names none. Of a
    /// kind that isn't served (yet) as the target's CRDs say, else as if it lived in a namespace.
    pub(super) async fn reference(
        &self,
        object: &Value,
        target: &Target,
    ) -> Result<ObjectRef, Error> {
        let mut reference = ObjectRef::of(object)?;
        let namespaced = match self.client.locate(&reference).await {
            Ok((located, _)) => located.namespace.is_some(),
            Err(cluster::Error::NoKind { api_version, kind }) => {
                target.brings(&api_version, &kind).unwrap_or(true)
            }
            Err(e) => return Err(e.into()),
        };
        reference.namespace = match namespaced {
            true => reference.namespace.or_else(|| Some(self.namespace.clone())),
            false => None,
        };
        Ok(reference)
    }
}

/// Whether an object binds a role of the same manifest.
fn binds_one_of(binding: &Value, target: &Target) -> bool {
    let role = |field: &str| manifest::text(binding, &["roleRef", field]);
    !role("name").is_empty()
        && target
            .objects
            .iter()
            .any(|o| manifest::kind(o) == role("kind") && manifest::name(o) == role("name"))
}

impl ObjectPlan {
    fn new(reference: ObjectRef, wanted: Option<Value>) -> ObjectPlan {
        ObjectPlan {
            reference,
            recorded: None,
            live: None,
            wanted,
            dry_run: None,
            action: ObjectAction::Nothing,
            causes: Vec::new(),
            conflicts: Vec::new(),
            unverified: None,
            refusal: None,
        }
    }
}

/// An object with the marks of the release that it belongs to.
fn marked(object: &Value, release: &str, namespace: &str) -> Value {
    let mut object = object.clone();
    ownership::stamp(&mut object, release, namespace);
    object
}

/// Whether objects bring what the admission of a Pod asks for: its service account or priority class.
pub(super) fn is_admitted_with(pod: &Value, objects: &[Value]) -> bool {
    let needs = [
        ("ServiceAccount", "serviceAccountName"),
        ("PriorityClass", "priorityClassName"),
    ];
    manifest::kind(pod) == "Pod"
        && needs.iter().any(|(kind, field)| {
            let name = manifest::text(pod, &["spec", field]);
            !name.is_empty()
                && objects
                    .iter()
                    .any(|o| manifest::kind(o) == *kind && manifest::name(o) == name)
        })
}
