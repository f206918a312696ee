//! The cluster: client, discovery, apply, wait, prune, diff, port-forward, logs.

mod client;
mod discovery;
mod error;
pub mod kinds;
mod object;
mod options;
pub mod ownership;
mod proxy;
mod rw;

pub use client::{Client, PARALLEL};
pub use discovery::Discovery;
pub use error::{Cause, Error, FieldConflict, Owner, Result};
pub use object::{ObjectRef, annotation, label, resource_version, split_api_version, uid};
pub use options::Options;
pub use proxy::{Endpoint, Forward};
pub use rw::{Apply, Delete, FIELD_MANAGER, Propagation, Query, set_annotation, set_label};
