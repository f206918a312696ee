//! Go's slices, with the type of their elements.

use std::rc::Rc;

use super::Val;

/// The type of a slice's elements, as far as printing and type names tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elem {
    /// `[]interface {}`.
    Any,
    /// `[]string`.
    Str,
    /// `[]int`.
    Int,
    /// `[][]interface {}`, what sprig's `chunk` yields.
    AnyList,
    /// `[]uint64`.
    Uint64,
    /// `[]map[string]interface {}`.
    AnyMap,
    /// `common.VersionSet`: strings with the method `Has`.
    VersionSet,
}

impl Elem {
    /// Go's name of the slice's type.
    pub fn list_type(self) -> &'static str {
        match self {
            Elem::Any => "[]interface {}",
            Elem::Str => "[]string",
            Elem::Int => "[]int",
            Elem::AnyList => "[][]interface {}",
            Elem::Uint64 => "[]uint64",
            Elem::AnyMap => "[]map[string]interface {}",
            Elem::VersionSet => "common.VersionSet",
        }
    }
}

/// A slice. Slices are never changed in place: no function of Helm's does.
#[derive(Clone)]
pub struct List {
    elem: Elem,
    /// `None` is Go's nil slice, which differs from an empty one in `toJson` and `%#v`.
    items: Option<Rc<Items>>,
}

struct Items(Vec<Val>);

impl List {
    /// A slice of the elements.
    pub fn new(elem: Elem, items: Vec<Val>) -> List {
        List {
            elem,
            items: Some(Rc::new(Items(items))),
        }
    }

    /// A nil slice.
    pub fn nil(elem: Elem) -> List {
        List { elem, items: None }
    }

    /// The type of the elements.
    pub fn elem(&self) -> Elem {
        self.elem
    }

    /// The elements.
    pub fn items(&self) -> &[Val] {
        self.items.as_ref().map_or(&[], |items| &items.0)
    }

    /// Whether it is Go's nil slice.
    pub fn is_nil(&self) -> bool {
        self.items.is_none()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.items().is_empty()
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.items().len()
    }
}

impl Drop for Items {
    fn drop(&mut self) {
        super::dismantle(self.0.drain(..));
    }
}

impl List {
    /// The elements themselves, where nobody else holds the list.
    pub(super) fn into_unshared(self) -> Vec<Val> {
        let items = self.items.and_then(Rc::into_inner);
        items.map_or_else(Vec::new, |mut items| std::mem::take(&mut items.0))
    }
}
