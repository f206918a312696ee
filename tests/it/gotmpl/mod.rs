//! The Go-template engine against the real helm: small templates, recorded and live.

mod charts;
mod errors;
mod functions;
mod fuzz;
mod language;
mod limits;
mod live;
mod pairs;
mod random;
mod vectors;
