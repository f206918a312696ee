//! Deciding about the objects of a change: what is there, whose it is, and what the server says of a dry run.

use futures::{StreamExt, TryStreamExt, stream};

use super::prepare::{Change, ObjectPlan};
use super::{Error, Session};
use crate::cluster::{self, DryRun, FieldConflict, ObjectRef, PARALLEL, ownership, prune};
use crate::flink::manifest;
use crate::plan::objects::{Change as ObjectAction, compare};
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
            let reference = self.reference(object).await?;
            let wanted = marked(object, &self.release, &self.namespace);
            plans.push(ObjectPlan::new(reference, Some(wanted)));
        }
        let mut prior = Vec::new();
        for object in &change.prior {
            let reference = self.reference(object).await?;
            if plans.iter().all(|p| p.reference.key() != reference.key()) {
                plans.push(ObjectPlan::new(reference.clone(), None));
            }
            prior.push(reference);
        }
        let references: Vec<ObjectRef> = plans.iter().map(|p| p.reference.clone()).collect();
        let live = self.client.find_all(&references).await?;
        for (plan, live) in plans.iter_mut().zip(live) {
            plan.live = live;
        }
        let tried: Vec<Tried> = stream::iter(plans.iter().map(|plan| self.try_out(change, plan)))
            .buffered(PARALLEL)
            .try_collect()
            .await?;
        for (plan, tried) in plans.iter_mut().zip(tried) {
            let is_prior = prior.iter().any(|p| p.key() == plan.reference.key());
            plan.conflicts = tried.conflicts;
            plan.unverified = tried.unverified;
            plan.refusal = tried.refusal;
            let mut action = match (tried.outcome, &plan.live) {
                (Some(DryRun::After(after)), live) => {
                    let action = compare(live.as_ref(), &after);
                    plan.dry_run = Some(after);
                    action
                }
                (Some(DryRun::Recreate { causes, after }), _) => {
                    plan.causes = causes;
                    plan.dry_run = Some(after);
                    ObjectAction::Recreate
                }
                (None, Some(live)) if plan.wanted.is_none() => self.leaves(live),
                (None, None) if plan.wanted.is_none() => ObjectAction::Nothing,
                (None, Some(_)) => ObjectAction::Update,
                (None, None) => ObjectAction::Create,
            };
            if let (Some(live), Some(_)) = (&plan.live, &plan.wanted)
                && self.is_foreign(live, is_prior)
            {
                if action != ObjectAction::Recreate {
                    action = ObjectAction::Adopt;
                }
                if !self.options.take_ownership {
                    plan.refusal = Some(cluster::Error::Taken {
                        object: plan.reference.to_string(),
                        owner: ownership::owner(live),
                    });
                }
            }
            plan.action = action;
        }
        Ok(plans)
    }

    /// Whether an object is another's: another release's, or nobody's where no revision of ours had it.
    fn is_foreign(&self, live: &Value, is_prior: bool) -> bool {
        match ownership::owner(live) {
            cluster::Owner::Release { name, namespace } => {
                (name, namespace) != (self.release.clone(), self.namespace.clone())
            }
            // The marks of our own object may have been taken off; Helm puts them back too.
            cluster::Owner::Nobody => !is_prior,
        }
    }

    /// Asks the server what an apply would do.
    async fn try_out(&self, change: &Change, plan: &ObjectPlan) -> Result<Tried, Error> {
        let mut tried = Tried::default();
        let Some(wanted) = &plan.wanted else {
            return Ok(tried);
        };
        let live = plan.live.as_ref();
        let mut result = self.client.dry_run(wanted, live, false).await;
        if let Err(error @ cluster::Error::Conflict { .. }) = result {
            result = self.client.dry_run(wanted, live, true).await;
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

    /// What becomes of an object that left the manifest.
    fn leaves(&self, live: &Value) -> ObjectAction {
        let keeps = prune::is_kept(live)
            // Data stays unless named (design, decision 10).
            || matches!(
                manifest::kind(live),
                "PersistentVolumeClaim" | "PersistentVolume" | "Namespace" | "CustomResourceDefinition"
            );
        let ours = ownership::is_owned(live, &self.release, &self.namespace)
            || cluster::annotation(live, "meta.helm.sh/release-name").is_none();
        if keeps || !ours {
            ObjectAction::Keep
        } else {
            ObjectAction::Delete
        }
    }

    /// An object's reference, with the release's namespace where it needs one and names none.
    async fn reference(&self, object: &Value) -> Result<ObjectRef, Error> {
        let reference = ObjectRef::of(object)?;
        match self.client.locate(&reference).await {
            Ok((mut located, _)) => {
                if located.namespace.is_some() && reference.namespace.is_none() {
                    located.namespace = Some(self.namespace.clone());
                }
                Ok(located)
            }
            Err(e) => Err(e.into()),
        }
    }
}

impl ObjectPlan {
    fn new(reference: ObjectRef, wanted: Option<Value>) -> ObjectPlan {
        ObjectPlan {
            reference,
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
