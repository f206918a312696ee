//! Nutkin: packager and release manager for Apache Flink on Kubernetes.
//!
//! Data goes one way: chart and values are rendered to documents (`chart`, `values`, `template`,
//! `render`), a pure plan compares them with the history and the cluster (`plan`), and an action
//! carries the plan out step by step (`action`), by way of `cluster` and `flink`.

pub mod action;
pub mod chart;
pub mod cli;
pub mod cluster;
pub mod flink;
pub mod plan;
pub mod registry;
pub mod release;
pub mod render;
pub mod template;
pub mod values;
pub mod yaml;
