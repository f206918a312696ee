//! sprig's functions, and Helm's that need nothing of the render.
//!
//! Each has its Go signature as data, from which the engine checks and converts arguments; what it
//! does is in `template::funcs` wherever it is about plain data.

mod args;
mod cast;
mod certs;
mod dates;
mod dicts;
mod durations;
mod encoding;
mod equal;
mod hashes;
mod lists;
mod merge;
mod numbers;
mod paths;
mod reflect;
mod regexes;
mod semvers;
mod strings;
mod time;
mod urls;

use std::sync::LazyLock;

use foldhash::HashMap;

use super::func::{Func, FuncError};
use super::value::Val;

/// What a function answers.
type Answer = Result<Val, FuncError>;

/// Go's text when something is done with nil that needs a value.
const NIL: &str = "runtime error: invalid memory address or nil pointer dereference";

static ALL: &[&[Func]] = &[
    certs::FUNCTIONS,
    dates::FUNCTIONS,
    dicts::FUNCTIONS,
    durations::FUNCTIONS,
    encoding::FUNCTIONS,
    hashes::FUNCTIONS,
    lists::FUNCTIONS,
    numbers::FUNCTIONS,
    paths::FUNCTIONS,
    reflect::FUNCTIONS,
    regexes::FUNCTIONS,
    semvers::FUNCTIONS,
    strings::FUNCTIONS,
    urls::FUNCTIONS,
];

static BY_NAME: LazyLock<HashMap<&'static str, &'static Func>> =
    LazyLock::new(|| all().map(|func| (func.name, func)).collect());

/// The function of a name.
pub fn find(name: &str) -> Option<&'static Func> {
    BY_NAME.get(name).copied()
}

/// All functions.
pub fn all() -> impl Iterator<Item = &'static Func> {
    ALL.iter().flat_map(|functions| functions.iter())
}
