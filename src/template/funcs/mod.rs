//! Functions that both template languages share.

pub mod quantity;
pub mod semver;
