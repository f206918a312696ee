//! The cluster: client, discovery, apply, wait, prune, logs.

mod admission;
mod awaited;
mod client;
mod connect;
mod data;
mod discovery;
mod ended;
mod error;
mod find_all;
mod jsonpath;
pub mod kinds;
mod logs;
mod lookup;
pub mod managers;
pub mod migrate;
mod object;
mod options;
pub mod ownership;
mod probe;
mod proxy;
pub mod prune;
mod rate;
mod ready;
mod rw;
mod wait;
mod watch;
mod who;

pub use client::{Client, PARALLEL};
pub use data::{holds_data, is_named};
pub use discovery::Discovery;
pub use ended::{ends, pods_of_job};
pub use error::{Cause, Error, FieldConflict, Owner, Result};
pub use find_all::Lists;
pub use logs::Event;
pub use object::{
    ObjectRef, annotation, label, object_refs, objects, resource_version, split_api_version, uid,
};
pub use options::Options;
pub use probe::{DryRun, Trial};
pub use proxy::Endpoint;
pub use rate::Rate;
pub use ready::{
    FAILED_ANNOTATION, Problem, READY_ANNOTATION, Rules, State, has_state, pod_problem, readiness,
};
pub use rw::{Apply, Delete, FIELD_MANAGER, Propagation, Query, set_annotation, set_label};
pub use wait::{Progress, Wait, WaitError};
