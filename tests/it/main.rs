//! All integration tests, in one binary.
// A test fails by panicking, and prints what it compared.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

mod charts;
mod bad_input;
mod cluster;
mod helm;
mod hostile;
mod guard;
mod kill;
mod ledger;
mod story;
mod values;
mod values_coalesce;
mod yaml;
mod yaml_read;

mod gotmpl;
