//! Values with the places where they stand.

use foldhash::fast::RandomState;
use indexmap::IndexMap;

use super::{Value, Warning};

/// A value with the place where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Spanned {
    /// The line, from 1. Of an alias: where the alias stands.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// The value itself.
    pub node: Node,
}

/// The value of a [`Spanned`].
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// Null, a boolean, a number or a string.
    Scalar(Value),
    /// A list.
    List(Vec<Spanned>),
    /// A map, in the order of first appearance.
    Map(Entries),
}

/// The entries of a map by their keys.
pub type Entries = IndexMap<String, Entry, RandomState>;

/// An entry of a map: where the key stands, and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The line of the key, from 1.
    pub line: usize,
    /// The column of the key, from 1.
    pub column: usize,
    /// The value.
    pub value: Spanned,
}

impl Spanned {
    /// The value without positions.
    pub fn to_value(&self) -> Value {
        match &self.node {
            Node::Scalar(value) => value.clone(),
            Node::List(items) => Value::Array(items.iter().map(Spanned::to_value).collect()),
            Node::Map(entries) => Value::Object(
                entries
                    .iter()
                    .map(|(key, entry)| (key.clone(), entry.value.to_value()))
                    .collect(),
            ),
        }
    }

    /// The value without positions, at no cost for its strings.
    pub fn into_value(self) -> Value {
        match self.node {
            Node::Scalar(value) => value,
            Node::List(items) => Value::Array(items.into_iter().map(Spanned::into_value).collect()),
            Node::Map(entries) => Value::Object(
                entries
                    .into_iter()
                    .map(|(key, entry)| (key, entry.value.into_value()))
                    .collect(),
            ),
        }
    }
}

/// A document with its positions and its traps.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The root; null for an empty document.
    pub root: Spanned,
    /// What is read otherwise than its author may have meant.
    pub warnings: Vec<Warning>,
}
