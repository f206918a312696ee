//! Decisions about a release's history, apart from the cluster.

use super::record::Status;
use super::store::Revision;

/// The revisions to delete so that at most `max` are left (0: no limit), oldest first; the newest
/// deployed one always stays, as in Helm 4's `removeLeastRecent`.
pub fn to_prune(revisions: &[Revision], max: usize) -> Vec<u32> {
    if max == 0 || revisions.len() <= max {
        return Vec::new();
    }
    let mut sorted: Vec<&Revision> = revisions.iter().collect();
    sorted.sort_by_key(|r| r.version);
    let kept = sorted
        .iter()
        .rev()
        .find(|r| r.status == Status::Deployed)
        .map(|r| r.version);
    sorted
        .iter()
        .map(|r| r.version)
        .filter(|v| Some(*v) != kept)
        .take(revisions.len() - max)
        .collect()
}
