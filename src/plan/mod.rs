//! The pure decision: objects and jobs, history and wish → steps with reasons.

pub mod objects;
pub mod state;

pub use objects::Change;
pub use state::{Decision, Facts, Source};
