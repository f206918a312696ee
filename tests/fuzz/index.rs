//! Fuzzes index files of chart repositories: `cargo +nightly fuzz run --fuzz-dir tests/fuzz index tests/fuzz/seeds/index`.
#![no_main]

#[path = "checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|text: &str| checks::index(text));
