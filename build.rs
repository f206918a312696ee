//! How the program is linked.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // A program that may lie anywhere has some 37,000 addresses in it that the loader writes at each
    // start, into pages that are then copied: a sixth of the time of a small `template`. What it buys,
    // addresses that can't be guessed, matters where memory can be overwritten; all of this program's
    // own code is safe Rust, and its heap, stack and libraries lie at random places all the same.
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|v| v == value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo:rustc-link-arg-bins=-no-pie");
        // The unwinder comes with gcc both ways; as a library of its own it is loaded at each start, and asks the
        // processor what it can do: a tenth of the time of a program that does nothing.
        println!(
            "cargo:rustc-link-arg-bins=-Wl,--push-state,--whole-archive,-l:libgcc_eh.a,--pop-state"
        );
    }
}
