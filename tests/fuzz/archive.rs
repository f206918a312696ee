//! Fuzzes chart archives: `cargo +nightly fuzz run --fuzz-dir tests/fuzz archive tests/fuzz/seeds/archive`.
#![no_main]

#[path = "checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::archive(bytes));
