//! Fuzzes keyrings, provenance files and encrypted values: `cargo +nightly fuzz run --fuzz-dir tests/fuzz sealed tests/fuzz/seeds/sealed`.
#![no_main]

#[path = "checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::sealed(bytes));
