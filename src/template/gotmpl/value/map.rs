//! Go's maps with string keys: shared, changed in place, ranged in the order of their keys.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Str, Val};

/// The type of a map, as far as printing, methods and zero values tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapKind {
    /// `map[string]interface {}`.
    Any,
    /// `common.Values`, Helm's name for the map behind `.Values`.
    Values,
    /// `map[string]string`.
    Str,
    /// `engine.files`, a `map[string][]byte` with methods: `.Files`.
    Files,
}

impl MapKind {
    /// Go's name of the type.
    pub fn type_name(self) -> &'static str {
        match self {
            MapKind::Any => "map[string]interface {}",
            MapKind::Values => "common.Values",
            MapKind::Str => "map[string]string",
            MapKind::Files => "engine.files",
        }
    }

    /// Whether the elements are of Go's type `interface {}`.
    pub fn elem_is_any(self) -> bool {
        matches!(self, MapKind::Any | MapKind::Values)
    }

    /// The zero value of the elements' type.
    pub fn zero(self) -> Val {
        match self {
            MapKind::Any | MapKind::Values => Val::Nil,
            MapKind::Str => Val::Str("".into()),
            MapKind::Files => Val::Bytes(Rc::from([])),
        }
    }
}

/// A map. Clones share their entries, whatever type they see them under.
#[derive(Clone)]
pub struct Map {
    kind: MapKind,
    /// `None` is Go's nil map: it reads as empty and can't be written.
    entries: Option<Rc<RefCell<Entries>>>,
}

#[derive(Default)]
struct Entries(BTreeMap<Rc<str>, Val>);

impl Map {
    /// A map of its own.
    pub fn new<K: Into<Rc<str>>>(
        kind: MapKind,
        entries: impl IntoIterator<Item = (K, Val)>,
    ) -> Map {
        let entries = entries.into_iter().map(|(k, v)| (k.into(), v)).collect();
        Map {
            kind,
            entries: Some(Rc::new(RefCell::new(Entries(entries)))),
        }
    }

    /// A nil map.
    pub fn nil(kind: MapKind) -> Map {
        Map {
            kind,
            entries: None,
        }
    }

    /// The same entries seen under another type.
    pub fn with_kind(&self, kind: MapKind) -> Map {
        Map {
            kind,
            entries: self.entries.clone(),
        }
    }

    /// The type.
    pub fn kind(&self) -> MapKind {
        self.kind
    }

    /// Whether it is Go's nil map.
    pub fn is_nil(&self) -> bool {
        self.entries.is_none()
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<Val> {
        self.entries.as_ref()?.borrow().0.get(key).cloned()
    }

    /// Whether the key is there.
    pub fn contains(&self, key: &str) -> bool {
        self.entries
            .as_ref()
            .is_some_and(|e| e.borrow().0.contains_key(key))
    }

    /// Sets a key for all who share the map; on a nil map nothing happens and the answer is false.
    #[must_use]
    pub fn insert(&self, key: impl Into<Rc<str>>, value: Val) -> bool {
        let Some(entries) = &self.entries else {
            return false;
        };
        // dropped after the borrow ends: the old value may hold this very map
        let old = entries.borrow_mut().0.insert(key.into(), value);
        drop(old);
        true
    }

    /// Removes a key for all who share the map.
    pub fn remove(&self, key: &str) -> Option<Val> {
        self.entries.as_ref()?.borrow_mut().0.remove(key)
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.entries.as_ref().map_or(0, |e| e.borrow().0.len())
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The keys, sorted by their bytes.
    pub fn keys(&self) -> Vec<Rc<str>> {
        self.entries
            .as_ref()
            .map_or_else(Vec::new, |e| e.borrow().0.keys().cloned().collect())
    }

    /// Keys and values as they are now, sorted by key.
    pub fn entries(&self) -> Vec<(Rc<str>, Val)> {
        self.entries.as_ref().map_or_else(Vec::new, |e| {
            let entries = e.borrow();
            entries
                .0
                .iter()
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect()
        })
    }

    /// Whether both are one map: a change of one shows in the other.
    pub fn same(&self, other: &Map) -> bool {
        match (&self.entries, &other.entries) {
            (Some(a), Some(b)) => Rc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        }
    }
}

impl Drop for Entries {
    fn drop(&mut self) {
        super::dismantle(std::mem::take(&mut self.0).into_values());
    }
}

impl Map {
    /// The values themselves, where nobody else holds the map.
    pub(super) fn into_unshared(self) -> impl Iterator<Item = Val> {
        let entries = self.entries.and_then(Rc::into_inner);
        let entries = entries.map(|cell| std::mem::take(&mut cell.into_inner().0));
        entries.unwrap_or_default().into_values()
    }
}

impl From<Map> for Val {
    fn from(map: Map) -> Val {
        Val::Map(map)
    }
}

impl FromIterator<(Str, Val)> for Map {
    fn from_iter<T: IntoIterator<Item = (Str, Val)>>(entries: T) -> Map {
        Map::new(
            MapKind::Any,
            entries.into_iter().map(|(k, v)| (k.to_key(), v)),
        )
    }
}
