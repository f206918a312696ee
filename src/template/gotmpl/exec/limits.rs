//! How much a render may use; a template is somebody else's program.

use std::time::Duration;

/// Bounds of one render of a chart with all its subcharts.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of text and values made in all, freed or not.
    pub memory: usize,
    /// Wall time.
    pub time: Duration,
}

impl Default for Limits {
    /// Far above what the largest charts need: kube-prometheus-stack makes some 20 MiB in 0.2 s.
    fn default() -> Limits {
        Limits {
            memory: 1 << 30,
            time: Duration::from_secs(120),
        }
    }
}
