//! All integration tests, in one binary.
// A test fails by panicking, and prints what it compared.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

mod bad_input;
mod beside_helm;
mod chart_yaml;
mod charts;
mod cluster;
mod crds;
mod created;
mod failed_install;
mod flags;
mod guard;
mod guide;
mod helm;
mod hooks;
mod hostile;
mod kill;
mod ledger;
mod live_secrets;
mod order;
mod packages;
mod page;
mod plan;
mod provenance;
mod rbac;
mod recover;
mod registry;
mod remote_values;
mod render_flags;
mod schemas;
mod secrets;
mod story;
mod takeover;
mod values;
mod values_coalesce;
mod yaml;
mod yaml_read;

mod gotmpl;
