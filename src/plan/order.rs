//! In which order objects are applied and deleted: Helm's kinds, weights, and what objects say they need.
//!
//! `nutkin.dev/weight` (a number, 0 where it is missing): objects of a lower weight are applied, and
//! ready, before those of a higher one. `nutkin.dev/depends-on` (a list of `Kind/name`,
//! `Kind/namespace/name` or `Kind.group/name`): the object is applied when those are ready. Within
//! that Helm's kinds: namespaces first, then CRDs, and so on ([`stage`]). What has no order among
//! itself goes at once. Deletion is the reverse: dependents first, and gone before what they need.

use std::collections::BTreeSet;

use crate::cluster::kinds::{built_in, stage};
use crate::cluster::prune::uninstall_rank;
use crate::cluster::{ObjectRef, annotation};
use crate::yaml::Value;

/// Names the objects that must be ready before this one is applied.
pub const DEPENDS_ON: &str = "nutkin.dev/depends-on";
/// Lower ones first.
pub const WEIGHT: &str = "nutkin.dev/weight";

/// An object that is to be put in order: its reference, with its namespace, and its content.
pub type Item<'a> = (&'a ObjectRef, &'a Value);

/// Whether an item, by its index, is the binding of a role that need not be there first.
pub type BindsFreely<'a> = &'a dyn Fn(usize) -> bool;

/// An object as an annotation names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// The kind.
    pub kind: String,
    /// The API group, where one is named.
    pub group: Option<String>,
    /// The namespace, where one is named; else the dependent's.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

/// Something that must be ready before a wave.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// The item of this index.
    Item(usize),
    /// An object that is none of the items.
    Other(Named),
}

/// Objects that go at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wave {
    /// Indexes of the items.
    pub items: Vec<usize>,
    /// What must be ready before this wave and all later ones: CRDs, and lower weights.
    pub after: BTreeSet<Need>,
    /// What its own items need.
    pub needs: BTreeSet<Need>,
}

/// Why objects can't be put in order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Objects need each other.
    #[error("these need each other ({DEPENDS_ON}): {}", .0.join(" → "))]
    Cycle(Vec<String>),
    /// An object needs one that comes later by its weight.
    #[error("{object} ({WEIGHT} {weight}) needs {needs}, whose {WEIGHT} is higher ({other})")]
    Later {
        /// The object.
        object: String,
        /// Its weight.
        weight: i64,
        /// What it needs.
        needs: String,
        /// The weight of that.
        other: i64,
    },
    /// An annotation that can't be read.
    #[error("{object}: {annotation} is {text:?}; {wanted}")]
    Annotation {
        /// The object.
        object: String,
        /// The annotation.
        annotation: &'static str,
        /// Its text.
        text: String,
        /// What it should be.
        wanted: &'static str,
    },
}

/// The waves in which objects are applied.
///
/// # Errors
/// A cycle, a dependency against the weights, an annotation that can't be read.
pub fn waves(items: &[Item<'_>], binds_freely: BindsFreely<'_>) -> Result<Vec<Wave>, Error> {
    let weights = items.iter().map(group).collect::<Result<Vec<_>, _>>()?;
    let needs = items
        .iter()
        .enumerate()
        .map(|(at, item)| needs(items, at, item))
        .collect::<Result<Vec<_>, _>>()?;
    for (at, needed) in needs.iter().enumerate() {
        for other in needed.iter().filter_map(own) {
            if weights[other] > weights[at] {
                return Err(Error::Later {
                    object: items[at].0.to_string(),
                    weight: weights[at].1,
                    needs: items[other].0.to_string(),
                    other: weights[other].1,
                });
            }
        }
    }
    let mut groups = weights.clone();
    groups.sort_unstable();
    groups.dedup();
    let mut waves: Vec<Wave> = Vec::new();
    // What the wave after a group must wait for: all of it, where weights were given; CRDs always.
    let mut before: BTreeSet<Need> = BTreeSet::new();
    for (nth, group) in groups.iter().enumerate() {
        let members: Vec<usize> = (0..items.len()).filter(|i| weights[*i] == *group).collect();
        let levels = levels(items, &members, &needs, |at| {
            let kind = items.get(at).map_or("", |(r, _)| match r.kind.as_str() {
                // With what it binds.
                "RoleBinding" | "ClusterRoleBinding" if binds_freely(at) => "Role",
                kind => kind,
            });
            let stage = usize::from(stage(kind));
            // Who waits for something must not hold up who doesn't.
            let waits = needs.get(at).is_some_and(|n| !n.is_empty());
            if waits { stage + STAGES } else { stage }
        })?;
        let mut of_group: Vec<Wave> = Vec::new();
        let mut distinct: Vec<usize> = levels.iter().map(|(_, level)| *level).collect();
        distinct.sort_unstable();
        distinct.dedup();
        for level in distinct {
            let mut wave = Wave {
                items: levels
                    .iter()
                    .filter(|(_, l)| *l == level)
                    .map(|(i, _)| *i)
                    .collect(),
                after: std::mem::take(&mut before),
                needs: BTreeSet::new(),
            };
            for item in &wave.items {
                wave.needs.extend(needs[*item].iter().cloned());
            }
            before.extend(
                wave.items
                    .iter()
                    .filter(|i| items[**i].0.kind == "CustomResourceDefinition")
                    .map(|i| Need::Item(*i)),
            );
            of_group.push(wave);
        }
        if group.0 == LATER && groups.get(nth + 1).is_some() {
            before.extend(members.iter().map(|i| Need::Item(*i)));
        }
        waves.append(&mut of_group);
    }
    Ok(waves)
}

/// The waves in which objects are deleted, and the items of each that must be gone before the next:
/// those of kinds that an operator finalises, and those that need others.
///
/// Annotations that make no order are passed over: what is to go goes.
pub fn removal(items: &[Item<'_>]) -> Vec<(Vec<usize>, Vec<usize>)> {
    let weights: Vec<(u8, i64)> = items
        .iter()
        .map(|item| group(item).unwrap_or((LATER, 0)))
        .collect();
    let needs: Vec<BTreeSet<Need>> = items
        .iter()
        .enumerate()
        .map(|(at, item)| needs(items, at, item).unwrap_or_default())
        .collect();
    // Turned around: what is needed waits for those who need it.
    let mut needed_by: Vec<BTreeSet<Need>> = vec![BTreeSet::new(); items.len()];
    for (at, set) in needs.iter().enumerate() {
        for other in set.iter().filter_map(own) {
            needed_by[other].insert(Need::Item(at));
        }
    }
    let mut groups = weights.clone();
    groups.sort_unstable_by(|a, b| b.cmp(a));
    groups.dedup();
    let mut all = Vec::new();
    let base = |at: usize| {
        items
            .get(at)
            .map_or(0, |(r, _)| uninstall_rank(&r.kind, &r.group))
    };
    for group in groups {
        let members: Vec<usize> = (0..items.len()).filter(|i| weights[*i] == group).collect();
        let none = vec![BTreeSet::new(); items.len()];
        let levels = levels(items, &members, &needed_by, base)
            .or_else(|_| levels(items, &members, &none, base))
            .unwrap_or_default();
        let mut distinct: Vec<usize> = levels.iter().map(|(_, level)| *level).collect();
        distinct.sort_unstable();
        distinct.dedup();
        for level in distinct {
            let wave: Vec<usize> = levels
                .iter()
                .filter(|(_, l)| *l == level)
                .map(|(i, _)| *i)
                .collect();
            let awaited = wave
                .iter()
                .copied()
                .filter(|i| {
                    let r = items[*i].0;
                    built_in(&r.group, &r.version, &r.kind).is_none() || !needs[*i].is_empty()
                })
                .collect();
            all.push((wave, awaited));
        }
    }
    all
}

/// More than there are stages.
const STAGES: usize = 100;

/// Namespaces, CRDs and the like without a weight of their own: before all.
const FIRST: u8 = 0;
const LATER: u8 = 1;

/// What decides first: whether it comes before all others, and the weight.
fn group((reference, object): &Item<'_>) -> Result<(u8, i64), Error> {
    match annotation(object, WEIGHT) {
        None if stage(&reference.kind) <= 1 => Ok((FIRST, 0)),
        None => Ok((LATER, 0)),
        Some(text) => match text.trim().parse() {
            Ok(weight) => Ok((LATER, weight)),
            Err(_) => Err(Error::Annotation {
                object: reference.to_string(),
                annotation: WEIGHT,
                text: text.to_owned(),
                wanted: "write a whole number in quotes",
            }),
        },
    }
}

fn own(need: &Need) -> Option<usize> {
    match need {
        Need::Item(index) => Some(*index),
        Need::Other(_) => None,
    }
}

/// What an item's annotation names.
fn needs(items: &[Item<'_>], at: usize, item: &Item<'_>) -> Result<BTreeSet<Need>, Error> {
    let (reference, object) = item;
    let mut all = BTreeSet::new();
    let text = annotation(object, DEPENDS_ON).unwrap_or_default();
    for word in text.split([',', ' ', '\n', '\t']).filter(|w| !w.is_empty()) {
        let Some(mut named) = Named::parse(word) else {
            return Err(Error::Annotation {
                object: reference.to_string(),
                annotation: DEPENDS_ON,
                text: text.to_owned(),
                wanted: "write Kind/name, Kind/namespace/name or Kind.group/name, several with commas between",
            });
        };
        let wanted = named.namespace.as_ref().or(reference.namespace.as_ref());
        let found = items.iter().position(|(r, _)| {
            r.kind == named.kind
                && r.name == named.name
                && named.group.as_ref().is_none_or(|g| *g == r.group)
                && (r.namespace.is_none() || r.namespace.as_ref() == wanted)
        });
        match found {
            Some(index) if index == at => {
                return Err(Error::Cycle(vec![
                    reference.to_string(),
                    reference.to_string(),
                ]));
            }
            Some(index) => all.insert(Need::Item(index)),
            None => {
                named.namespace = wanted.cloned();
                all.insert(Need::Other(named))
            }
        };
    }
    Ok(all)
}

impl Named {
    fn parse(word: &str) -> Option<Named> {
        let mut parts = word.split('/');
        let kind = parts.next()?;
        let (first, second) = (parts.next()?, parts.next());
        if parts.next().is_some() {
            return None;
        }
        let (namespace, name) = match second {
            Some(name) => (Some(first.to_owned()), name),
            None => (None, first),
        };
        let (kind, group) = match kind.split_once('.') {
            Some((kind, group)) => (kind, Some(group.to_owned())),
            None => (kind, None),
        };
        let fine = !kind.is_empty() && !name.is_empty() && namespace.as_deref() != Some("");
        fine.then(|| Named {
            kind: kind.to_owned(),
            group,
            namespace,
            name: name.to_owned(),
        })
    }
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// The level of each member: its base, or one above the highest of what it waits for, where that
/// is more. Found without recursion, however long a chain is.
fn levels(
    items: &[Item<'_>],
    members: &[usize],
    waits_for: &[BTreeSet<Need>],
    base: impl Fn(usize) -> usize,
) -> Result<Vec<(usize, usize)>, Error> {
    let mut done: Vec<Option<usize>> = vec![None; items.len()];
    let is_member = |i: &usize| members.binary_search(i).is_ok();
    for start in members {
        let mut path = vec![*start];
        while let Some(at) = path.last().copied() {
            if done[at].is_some() {
                path.pop();
                continue;
            }
            let mut open = waits_for[at].iter().filter_map(own).filter(is_member);
            if let Some(next) = open.find(|n| done[*n].is_none()) {
                if let Some(from) = path.iter().position(|p| *p == next) {
                    let mut names: Vec<String> = path
                        .iter()
                        .skip(from)
                        .map(|i| items[*i].0.to_string())
                        .collect();
                    names.push(items[next].0.to_string());
                    return Err(Error::Cycle(names));
                }
                path.push(next);
                continue;
            }
            let above = waits_for[at]
                .iter()
                .filter_map(own)
                .filter(is_member)
                .filter_map(|n| done[n])
                .max()
                .map_or(0, |highest| highest + 1);
            done[at] = Some(above.max(base(at)));
            path.pop();
        }
    }
    Ok(members
        .iter()
        .filter_map(|i| Some((*i, done[*i]?)))
        .collect())
}

#[cfg(test)]
mod tests;
