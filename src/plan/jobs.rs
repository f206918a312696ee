//! What happens to Flink clusters: which old one becomes which new one, and where state comes from.

use super::state::Source;
use crate::flink::workload::Workload;

/// Brings old and new workloads together: by name, and a lone leaver with a lone newcomer.
pub fn pair_workloads<'a>(
    old: &'a [Workload],
    new: &'a [Workload],
) -> Vec<(Option<&'a Workload>, Option<&'a Workload>)> {
    let named = |all: &'a [Workload], name: &str| all.iter().find(|w| w.name == name);
    let leaving: Vec<&Workload> = old
        .iter()
        .filter(|w| named(new, &w.name).is_none())
        .collect();
    let coming: Vec<&Workload> = new
        .iter()
        .filter(|w| named(old, &w.name).is_none())
        .collect();
    let mut pairs: Vec<(Option<&Workload>, Option<&Workload>)> = new
        .iter()
        .filter_map(|w| Some((Some(named(old, &w.name)?), Some(w))))
        .collect();
    if let ([old], [new]) = (leaving.as_slice(), coming.as_slice())
        && old.mode == new.mode
    {
        pairs.push((Some(old), Some(new)));
    } else {
        pairs.extend(coming.iter().map(|w| (None, Some(*w))));
        pairs.extend(leaving.iter().map(|w| (Some(*w), None)));
    }
    pairs
}

/// Where the state of a job that is stopped or started comes from, in words.
pub fn state_words(source: &Source, folder: Option<&str>, ends: bool) -> String {
    let into = folder.map(|f| format!(" in {f}")).unwrap_or_default();
    match source {
        Source::Stop { job_id } if ends => {
            format!("a last savepoint of job {job_id}{into}")
        }
        Source::Stop { job_id } => format!("a savepoint of job {job_id}{into}"),
        Source::Resume => "the savepoint that an earlier run asked for".to_owned(),
        Source::Path { path, why, .. } => format!("{path} ({why})"),
        Source::Newest {
            try_stop: Some(job_id),
            ..
        } => format!("a savepoint of job {job_id}{into}, else its newest checkpoint"),
        Source::Newest { .. } => "its newest checkpoint".to_owned(),
        Source::Nothing { why } => format!("none ({why})"),
    }
}
