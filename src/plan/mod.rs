//! The pure decision: objects and jobs, history and wish → steps with reasons.

pub mod crds;
pub mod objects;
pub mod order;
pub mod state;

pub use objects::Change;
pub use state::{Decision, Facts, Source};
