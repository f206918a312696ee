//! All integration tests, in one binary.

mod helm;
mod yaml;
