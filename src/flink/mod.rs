//! Flink: workloads in a manifest, configuration by version, REST, savepoints, restore, health.

pub mod config;
pub mod ha;
pub mod health;
pub mod inject;
pub mod manifest;
pub mod overview;
pub mod rest;
pub mod workload;

pub use workload::{Mode, Workload};
