//! Fuzzes the grammar of --set: `cargo +nightly fuzz run --fuzz-dir tests/fuzz set tests/fuzz/seeds/set`.
#![no_main]

#[path = "checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|text: &str| checks::set(text));
