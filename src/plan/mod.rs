//! The pure decision: objects and jobs, history and wish → steps with reasons.

pub mod admission;
pub mod bonds;
pub mod crds;
pub mod diff;
pub mod drift;
pub mod fields;
pub mod foresee;
pub mod hidden;
pub mod hooks;
pub mod jobs;
pub mod objects;
pub mod order;
pub mod schema;
pub mod state;
pub mod steps;
pub mod values;

pub use objects::Change;
pub use state::{Decision, Facts, Source};
pub use steps::Plan;
