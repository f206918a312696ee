//! Templates: the native language and the one of Helm.

pub mod funcs;
pub mod gotmpl;
