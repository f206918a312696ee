//! Templates: the native language and the one of Helm.

pub mod gotmpl;
