//! Helm's template language: Go's text/template with sprig's and Helm's functions.
//!
//! It stands on its own: of the rest of the crate it uses only the values of `yaml`.

pub mod builtins;
pub mod engine;
pub mod error;
pub mod exec;
pub mod fmt;
pub mod func;
pub mod funcs;
pub mod glob;
pub mod late;
pub mod lex;
pub mod methods;
pub mod node;
pub mod number;
pub mod objects;
pub mod parse;
pub mod report;
pub mod stack;
pub mod strconv;
mod threads;
pub mod value;
