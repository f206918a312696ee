//! Functions that both template languages share.

pub mod crypto;
pub mod decimal;
pub mod duration;
pub mod encode;
pub mod gotime;
pub mod json;
pub mod path;
pub mod quantity;
pub mod regexp;
pub mod semver;
pub mod toml;
pub mod url;
pub mod words;
pub mod wrap;
