//! The Go-template engine against the real helm: small templates, recorded and live.

mod charts;
mod fuzz;
mod language;
mod pairs;
mod vectors;
