//! Deciding about the objects of a change: what is there, whose it is, and what the server says of a dry run.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use futures::{StreamExt, TryStreamExt, stream};

use super::prepare::{Change, ObjectPlan};
use super::target::Target;
use super::{Error, Session};
use crate::cluster::{self, DryRun, FieldConflict, ObjectRef, PARALLEL, Trial, ownership};
use crate::flink::manifest;
use crate::flink::workload::recognise;
use crate::plan::admission::may_judge_plain;
use crate::plan::foresee::{self, Right};
use crate::plan::objects::{self, Change as ObjectAction};
use crate::plan::schema;
use crate::yaml::Value;

/// Rights in namespaces.
type Rights = HashSet<(Option<String>, Right)>;

/// What a dry run found out.
#[derive(Default)]
struct Tried {
    outcome: Option<DryRun>,
    conflicts: Vec<FieldConflict>,
    unverified: Option<String>,
    refusal: Option<cluster::Error>,
}

impl Tried {
    fn foreseen(after: Option<Value>) -> Tried {
        Tried {
            outcome: after.map(DryRun::After),
            ..Tried::default()
        }
    }
}

impl Session<'_> {
    /// Decides about each object: the target's in its order, then those that leave.
    pub(super) async fn plan_objects(&self, change: &Change) -> Result<Vec<ObjectPlan>, Error> {
        let mut plans = Vec::new();
        for object in &change.target.objects {
            let reference = self.reference(object, &change.target).await?;
            let mut wanted = object.clone();
            ownership::stamp(&mut wanted, &self.release, &self.namespace);
            plans.push(ObjectPlan::new(reference, Some(wanted)));
        }
        let mut prior = Vec::new();
        for object in &change.prior {
            prior.push(self.reference(object, &change.target).await?);
        }
        let mut left = Vec::new();
        let mut places: HashMap<_, usize> = HashMap::new();
        for (at, plan) in plans.iter().enumerate() {
            places.entry(plan.reference.key()).or_insert(at);
        }
        let mut recorded = Vec::new();
        for (object, reference) in change.prior.iter().zip(&prior) {
            let next = plans.len() + left.len();
            let at = *places.entry(reference.key()).or_insert(next);
            if at == next {
                left.push(ObjectPlan::new(reference.clone(), None));
            }
            recorded.push((at, object));
        }
        plans.extend(left);
        for (at, object) in recorded {
            if let Some(plan) = plans.get_mut(at) {
                // Newer revisions come first.
                plan.recorded.get_or_insert_with(|| object.clone());
            }
        }
        let references: Vec<ObjectRef> = plans.iter().map(|p| p.reference.clone()).collect();
        let may_foresee = self.may_foresee(change, &plans);
        let hoped = match may_foresee {
            true => rights_to_ask_for(&plans),
            false => Rights::new(),
        };
        let rules = async {
            if !may_foresee {
                return Ok((false, Rights::new()));
            }
            tokio::try_join!(self.admits_plainly(&references), self.rights(&hoped))
        };
        // What can't be foreseen whatever the rules say is tried while they are read.
        let first = async {
            let live = self
                .client
                .find_all(&references, change.listed.take())
                .await?;
            for (plan, live) in plans.iter_mut().zip(live) {
                plan.live = live;
            }
            let forecasts = self.forecasts(&plans, may_foresee, &hoped);
            let mut tried = HashMap::new();
            self.try_others(change, &plans, &forecasts, &mut tried)
                .await?;
            Ok((plans, forecasts, tried))
        };
        let ((mut plans, mut forecasts, mut tried), (admits, rights)) =
            tokio::try_join!(first, rules)?;
        if may_foresee && (!admits || rights != hoped) {
            forecasts = self.forecasts(&plans, admits, &rights);
            self.try_others(change, &plans, &forecasts, &mut tried)
                .await?;
        }
        let found = forecasts.into_iter().enumerate();
        let found =
            found.map(|(at, known)| tried.remove(&at).unwrap_or_else(|| Tried::foreseen(known)));
        for (plan, tried) in plans.iter_mut().zip(found) {
            plan.conflicts = tried.conflicts;
            plan.unverified = tried.unverified;
            plan.refusal = tried.refusal;
            let live = plan.live.as_ref();
            if plan.wanted.is_none() {
                let release = (self.release.as_str(), self.namespace.as_str());
                plan.action = objects::unwanted(live, release, &self.options.delete_data);
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
        let free: Vec<bool> = plans
            .iter()
            .map(|plan| binds_freely(plan, &plans, &rights))
            .collect();
        for (plan, free) in plans.iter_mut().zip(free) {
            plan.binds_freely = free;
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

    /// Whether what an apply would do to plain objects may be foreseen: see [`foresee`] for when it may
    /// not. And only where enough of them change, by what is recorded: what they need not ask for pays
    /// for asking about the cluster's own rules.
    fn may_foresee(&self, change: &Change, plans: &[ObjectPlan]) -> bool {
        let is_flinks = |o: &Value| ObjectRef::of(o).is_ok_and(|r| r.group == "flink.apache.org");
        let only_shown = self.lock.is_none() || change.ask_all;
        let job_at_stake = !change.target.workloads.is_empty()
            || !recognise(&change.prior, &self.namespace).is_empty()
            || change.target.objects.iter().any(is_flinks)
            || change.prior.iter().any(is_flinks);
        // The target's objects come first, each as it will be recorded.
        let changed = plans
            .iter()
            .zip(&change.target.objects)
            .filter(|(plan, object)| {
                plan.recorded.as_ref() != Some(object)
                    && plan.wanted.as_ref().is_some_and(foresee::is_plain)
            });
        !only_shown && !job_at_stake && changed.count() > PARALLEL
    }

    /// What an apply would do to each object, where that is known without asking the server: nothing
    /// changes, or the object is plain and nothing of the cluster's own has a word about those.
    fn forecasts(&self, plans: &[ObjectPlan], admits: bool, rights: &Rights) -> Vec<Option<Value>> {
        let over = &self.options.take_over;
        let mut first = HashSet::new();
        plans
            .iter()
            .map(|plan| {
                let wanted = plan.wanted.as_ref()?;
                let live = plan.live.as_ref();
                if let Some(live) = live.filter(|l| foresee::is_unchanged(l, wanted, over)) {
                    return Some(live.clone());
                }
                let reference = &plan.reference;
                let allowed = foresee::right(wanted)
                    .is_none_or(|right| rights.contains(&(reference.namespace.clone(), right)));
                let after = foresee::plain(live, wanted).filter(|_| admits && allowed)?;
                // One of each kind and namespace shows whether they may be written at all.
                let is_first =
                    first.insert((&reference.kind, &reference.namespace, live.is_some()));
                (!is_first).then_some(after)
            })
            .collect()
    }

    /// Tries the wanted objects without a forecast that were not tried yet; their places with the answers.
    async fn try_others(
        &self,
        change: &Change,
        plans: &[ObjectPlan],
        forecasts: &[Option<Value>],
        tried: &mut HashMap<usize, Tried>,
    ) -> Result<(), Error> {
        let asked = plans.iter().zip(forecasts).enumerate();
        let asked = asked.filter(|(at, (plan, known))| {
            plan.wanted.is_some() && known.is_none() && !tried.contains_key(at)
        });
        let answers: Vec<(usize, Tried)> = stream::iter(asked.map(|(at, (plan, _))| async move {
            Ok::<_, Error>((at, self.try_out(change, plan).await?))
        }))
        .buffer_unordered(PARALLEL)
        .try_collect()
        .await?;
        tried.extend(answers);
        Ok(())
    }

    /// Those of some rights that we have.
    async fn rights(&self, wanted: &Rights) -> Result<Rights, Error> {
        let answers = stream::iter(wanted.iter().map(|(namespace, right)| async move {
            let Right { verb, resource } = right;
            let may = self
                .client
                .may(verb, foresee::RBAC, resource, namespace.as_deref())
                .await?;
            Ok::<_, Error>(may.then(|| (namespace.clone(), *right)))
        }));
        let answers: Vec<_> = answers.buffer_unordered(PARALLEL).try_collect().await?;
        Ok(answers.into_iter().flatten().collect())
    }

    /// Whether nothing of the cluster's own may change or refuse plain objects where these are.
    async fn admits_plainly(&self, objects: &[ObjectRef]) -> Result<bool, Error> {
        let namespaces: BTreeSet<String> = objects
            .iter()
            .filter_map(|object| object.namespace.clone())
            .collect();
        let (rules, quota) = tokio::try_join!(
            self.client.admission_rules(),
            self.client.may_have_quota(&namespaces)
        )?;
        Ok(!quota && rules.is_some_and(|rules| !rules.iter().any(may_judge_plain)))
    }

    /// Finds out what an apply would do by asking the server.
    async fn try_out(&self, change: &Change, plan: &ObjectPlan) -> Result<Tried, Error> {
        let mut tried = Tried::default();
        let Some(wanted) = &plan.wanted else {
            return Ok(tried);
        };
        let live = plan.live.as_ref();
        let over = &self.options.take_over;
        let trial = |force| Trial {
            force,
            take_over: over,
            remakes_data: cluster::is_named(&self.options.delete_data, &plan.reference),
        };
        let mut result = self.client.dry_run_as(wanted, live, trial(false)).await;
        if let Err(error @ cluster::Error::Conflict { .. }) = result {
            result = self.client.dry_run_as(wanted, live, trial(true)).await;
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
                // By the rights, by a webhook, or by a quota.
                | cluster::Error::Forbidden { .. }
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

/// The rights that forecasts depend on, as far as it is less to ask for one than to try the objects.
fn rights_to_ask_for(plans: &[ObjectPlan]) -> Rights {
    let mut wanted: BTreeMap<(Option<String>, Right), u32> = BTreeMap::new();
    for plan in plans {
        if let Some(right) = plan.wanted.as_ref().and_then(foresee::right) {
            *wanted
                .entry((plan.reference.namespace.clone(), right))
                .or_default() += 1;
        }
    }
    let many = wanted.into_iter().filter(|(_, objects)| *objects > 2);
    many.map(|(right, _)| right).collect()
}

/// Whether a binding need not wait for its role: for who may bind any role the server doesn't look at it
/// (kubernetes/pkg/registry/rbac/rolebinding/policybased).
fn binds_freely(plan: &ObjectPlan, plans: &[ObjectPlan], rights: &Rights) -> bool {
    let is_binding = matches!(
        plan.reference.kind.as_str(),
        "RoleBinding" | "ClusterRoleBinding"
    );
    let Some(wanted) = plan.wanted.as_ref().filter(|_| is_binding) else {
        return false;
    };
    let namespace = &plan.reference.namespace;
    let may_bind =
        foresee::right(wanted).is_some_and(|right| rights.contains(&(namespace.clone(), right)));
    let role = |field: &str| manifest::text(wanted, &["roleRef", field]);
    let is_role = |other: &&ObjectPlan| {
        let of = &other.reference;
        of.kind == role("kind")
            && of.name == role("name")
            && (of.kind == "ClusterRole" || of.namespace == *namespace)
    };
    may_bind
        || plans.iter().find(is_role).is_none_or(|role| {
            role.live.is_some() && role.action != ObjectAction::Recreate && role.wanted.is_some()
        })
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
            binds_freely: false,
            unverified: None,
            refusal: None,
        }
    }
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
