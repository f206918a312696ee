//! Fuzzes Go templates, from the lexer to the execution:
//! `cargo +nightly fuzz run --fuzz-dir tests/fuzz gotmpl tests/fuzz/seeds/gotmpl`.
#![no_main]

#[path = "checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|text: &str| checks::gotmpl(text));
