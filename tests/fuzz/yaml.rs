//! Fuzzes the YAML parser: `cargo +nightly fuzz run --fuzz-dir tests/fuzz yaml tests/fuzz/seeds/yaml`.
#![no_main]

#[path = "checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|text: &str| checks::yaml(text));
