//! Helm's template language: Go's text/template with sprig's and Helm's functions.
//!
//! It stands on its own: of the rest of the crate it uses only the values of `yaml`.

pub mod error;
pub mod exec;
pub mod fmt;
pub mod func;
pub mod methods;
pub mod value;
