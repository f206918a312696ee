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

/// How many of the oldest revisions say nothing of what the cluster holds: what was superseded or
/// failed before the newest one that is deployed or was uninstalled.
pub fn settled(revisions: &[Revision]) -> usize {
    let newest = revisions
        .iter()
        .rposition(|r| matches!(r.status, Status::Deployed | Status::Uninstalled));
    let before = revisions.iter().take(newest.unwrap_or(0));
    before
        .take_while(|r| matches!(r.status, Status::Superseded | Status::Failed))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_settled() {
        use Status::{Deployed, Failed, PendingUpgrade, Superseded, Uninstalled};
        for (statuses, expected) in [
            (vec![], 0),
            (vec![Deployed], 0),
            (vec![Superseded, Failed, Superseded, Deployed], 3),
            // What failed after it may have left objects.
            (vec![Superseded, Deployed, Failed, PendingUpgrade], 1),
            (vec![Superseded, Uninstalled, Failed], 1),
            // Two that are deployed, and one that is still to be ended, are rewritten.
            (vec![Superseded, Deployed, Superseded, Deployed], 1),
            (vec![PendingUpgrade, Superseded, Deployed], 0),
            // Nothing is known to be deployed: any may have left objects.
            (vec![Superseded, Failed], 0),
            (vec![Superseded, PendingUpgrade], 0),
        ] {
            let revisions: Vec<Revision> = (1..)
                .zip(&statuses)
                .map(|(version, status)| Revision {
                    version,
                    status: *status,
                })
                .collect();
            assert_eq!(settled(&revisions), expected, "{statuses:?}");
        }
    }
}
