//! Templates: the native language and the one of Helm.

mod error;
pub mod funcs;
pub mod gotmpl;
pub mod jsonpath;
pub mod suggest;
pub mod tera;

pub use error::{Error, Place};
