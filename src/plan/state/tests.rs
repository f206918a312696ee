//! The table of cases: what was found and written down, and where the state comes from then.

use super::*;

fn job(state: &str, runs_fully: bool) -> LiveJob {
    LiveJob {
        id: "j1".into(),
        state: state.into(),
        runs_fully,
        start_time: 5,
        restored_from_checkpoint: false,
        newest: None,
    }
}

fn mark(number: u64, path: &str) -> Mark {
    Mark {
        number: Some(number),
        path: path.into(),
    }
}

fn up(jobs: Vec<LiveJob>) -> Facts {
    Facts {
        exists: true,
        up: true,
        jobs: Some(jobs),
        pod_uid: Some("p1".into()),
        has_ha: true,
        ..Facts::default()
    }
}

fn record(reached: Reached) -> JobRecord {
    JobRecord {
        reached: Some(reached),
        job_id: Some("j1".into()),
        start_time: 5,
        pod_uid: Some("p1".into()),
        trigger_id: Some("t".into()),
        folder: Some("file:///sp".into()),
        path: (reached > Reached::Intent).then(|| "file:///sp/1".into()),
        number: Some(7),
        new_job_id: (reached >= Reached::Positioned).then(|| "j2".into()),
        ..JobRecord::default()
    }
}

#[derive(Debug, PartialEq)]
enum Short {
    Stop,
    Resume,
    Path(String),
    Newest { try_stop: bool },
    Nothing,
    NoSavepoint,
    Refuse,
}

fn short(facts: &Facts, record: Option<&JobRecord>, wish: &Wish) -> Short {
    match decide(facts, record, wish) {
        Decision::From(Source::Stop { .. }) => Short::Stop,
        Decision::From(Source::Resume) => Short::Resume,
        Decision::From(Source::Path { path, .. }) => Short::Path(path),
        Decision::From(Source::Newest { try_stop, .. }) => Short::Newest {
            try_stop: try_stop.is_some(),
        },
        Decision::From(Source::Nothing { .. }) => Short::Nothing,
        Decision::NoSavepoint { .. } => Short::NoSavepoint,
        Decision::Refuse { .. } => Short::Refuse,
    }
}

#[test]
fn after_an_operation_that_ended() {
    let mut ledger = Facts {
        ledger: Some(mark(3, "file:///sp/0")),
        ..Facts::default()
    };
    let reached = |facts: Facts| Facts {
        progress: Progress::Reached(mark(3, "file:///cp/chk-3")),
        ..facts
    };
    let started = |facts: Facts| Facts {
        started_from: Some(mark(2, "file:///sp/2")),
        ..facts
    };
    let newest = || Short::Newest { try_stop: false };
    let table = [
        (up(vec![job("RUNNING", true)]), Wish::Carry, Short::Stop),
        (
            up(vec![job("FINISHED", false), job("RUNNING", true)]),
            Wish::Carry,
            Short::Stop,
        ),
        (up(vec![]), Wish::Carry, Short::NoSavepoint),
        (
            up(vec![job("RUNNING", false)]),
            Wish::Carry,
            Short::NoSavepoint,
        ),
        (
            up(vec![job("RESTARTING", false)]),
            Wish::Carry,
            Short::NoSavepoint,
        ),
        (
            up(vec![job("FAILED", false)]),
            Wish::Carry,
            Short::NoSavepoint,
        ),
        (
            up(vec![job("RUNNING", true), job("RUNNING", true)]),
            Wish::Carry,
            Short::NoSavepoint,
        ),
        (
            Facts {
                exists: true,
                up: true,
                ..Facts::default()
            },
            Wish::Carry,
            Short::NoSavepoint,
        ),
        (
            Facts {
                exists: true,
                ..Facts::default()
            },
            Wish::Carry,
            Short::NoSavepoint,
        ),
        (
            reached(up(vec![job("RESTARTING", false)])),
            Wish::FromCheckpoint,
            newest(),
        ),
        // It completed nothing since its start: what it was started from is its state.
        (
            started(up(vec![job("RESTARTING", false)])),
            Wish::FromCheckpoint,
            newest(),
        ),
        (
            Facts {
                progress: Progress::Unclear,
                ..started(up(vec![job("RESTARTING", false)]))
            },
            Wish::FromCheckpoint,
            Short::Refuse,
        ),
        // Nothing records what it completes between the look and its pods' end.
        (
            Facts {
                has_ha: false,
                ..reached(up(vec![job("RESTARTING", false)]))
            },
            Wish::FromCheckpoint,
            Short::Refuse,
        ),
        (
            Facts {
                has_ha: false,
                ..reached(up(vec![job("FAILED", false)]))
            },
            Wish::FromCheckpoint,
            newest(),
        ),
        // What Helm uninstalled has left high availability's data behind.
        (reached(Facts::default()), Wish::Carry, Short::Refuse),
        (started(Facts::default()), Wish::Carry, Short::Refuse),
        (reached(ledger.clone()), Wish::Latest, newest()),
        (
            started(Facts::default()),
            Wish::Latest,
            Short::Path("file:///sp/2".into()),
        ),
        // A job that runs is further than its ledger.
        (
            Facts {
                ledger: ledger.ledger.clone(),
                ..up(vec![job("RUNNING", true)])
            },
            Wish::Latest,
            Short::Refuse,
        ),
        (
            up(vec![job("RUNNING", true)]),
            Wish::FromCheckpoint,
            Short::Refuse,
        ),
        (Facts::default(), Wish::Carry, Short::Nothing),
        (ledger.clone(), Wish::Carry, Short::Refuse),
        (
            ledger.clone(),
            Wish::Latest,
            Short::Path("file:///sp/0".into()),
        ),
        (ledger.clone(), Wish::Fresh, Short::Nothing),
        (
            ledger.clone(),
            Wish::Path("p".into()),
            Short::Path("p".into()),
        ),
        (Facts::default(), Wish::Latest, Short::Refuse),
    ];
    for (facts, wish, expected) in table {
        assert_eq!(short(&facts, None, &wish), expected, "{facts:?} {wish:?}");
    }
    ledger.exists = true;
    assert_eq!(short(&ledger, None, &Wish::Carry), Short::NoSavepoint);
}

#[test]
fn after_an_operation_that_did_not_end() {
    let other_process = |jobs| Facts {
        pod_uid: Some("p2".into()),
        ..up(jobs)
    };
    let later = LiveJob {
        start_time: 9,
        ..job("RUNNING", true)
    };
    let second = later.clone();
    let failed_over = LiveJob {
        restored_from_checkpoint: true,
        ..later.clone()
    };
    let new_job = |runs_fully| LiveJob {
        id: "j2".into(),
        ..job("RUNNING", runs_fully)
    };
    let gone = Facts {
        exists: true,
        has_ha: true,
        ..Facts::default()
    };
    let path = || Short::Path("file:///sp/1".into());
    let table = [
        // The trigger is written down: the same process still knows whether it came.
        (
            Reached::Intent,
            up(vec![job("RUNNING", true)]),
            Short::Resume,
        ),
        (
            Reached::Intent,
            up(vec![job("FINISHED", false)]),
            Short::Resume,
        ),
        // A failover in between is an ordinary running job; a second run is not.
        (
            Reached::Intent,
            other_process(vec![failed_over]),
            Short::Stop,
        ),
        (Reached::Intent, other_process(vec![later]), Short::Refuse),
        (Reached::Intent, other_process(vec![]), Short::Refuse),
        (
            Reached::Intent,
            Facts {
                jobs: None,
                ..up(vec![])
            },
            Short::Refuse,
        ),
        // The savepoint is known.
        (Reached::Saved, up(vec![job("FINISHED", false)]), path()),
        (Reached::Down, gone.clone(), path()),
        // Somebody started the JobManager again, and it ran the job from its old state.
        (
            Reached::Saved,
            other_process(vec![second.clone()]),
            Short::Refuse,
        ),
        (Reached::Down, up(vec![second]), Short::Refuse),
        (
            Reached::Down,
            Facts {
                progress: Progress::Reached(mark(9, "file:///cp/chk-9")),
                ..gone.clone()
            },
            Short::Refuse,
        ),
        (
            Reached::Down,
            Facts {
                progress: Progress::Reached(mark(6, "file:///cp/chk-6")),
                ..gone.clone()
            },
            path(),
        ),
        // The position is written: the job may run from it, and have completed checkpoints since.
        (
            Reached::Positioned,
            gone.clone(),
            Short::Newest { try_stop: false },
        ),
        (
            Reached::Positioned,
            up(vec![new_job(true)]),
            Short::Newest { try_stop: true },
        ),
        (
            Reached::Positioned,
            Facts {
                has_ha: false,
                ..gone.clone()
            },
            path(),
        ),
        // The new job may have run.
        (
            Reached::Applied,
            up(vec![new_job(true)]),
            Short::Newest { try_stop: true },
        ),
        (
            Reached::Applied,
            up(vec![new_job(false)]),
            Short::Newest { try_stop: false },
        ),
        (
            Reached::Applied,
            gone.clone(),
            Short::Newest { try_stop: false },
        ),
        (
            Reached::Applied,
            Facts {
                has_ha: false,
                ..up(vec![new_job(true)])
            },
            Short::Newest { try_stop: true },
        ),
        (
            Reached::Applied,
            Facts {
                has_ha: false,
                ..gone
            },
            Short::Refuse,
        ),
    ];
    for (reached, facts, expected) in table {
        assert_eq!(
            short(&facts, Some(&record(reached)), &Wish::Carry),
            expected,
            "{reached:?} {facts:?}"
        );
    }
}

/// `--from-checkpoint latest` is the way on that refusals name, so it must lead on.
#[test]
fn a_checkpoint_leads_on_where_a_savepoints_fate_is_unknown() {
    let reached = |facts: Facts| Facts {
        progress: Progress::Reached(mark(9, "file:///cp/chk-9")),
        ..facts
    };
    let later = LiveJob {
        start_time: 9,
        ..job("RUNNING", true)
    };
    let new_job = LiveJob {
        id: "j2".into(),
        ..job("RUNNING", true)
    };
    let newest = Short::Newest { try_stop: false };
    let table = [
        (Reached::Intent, up(vec![later.clone()]), &newest),
        (Reached::Intent, up(vec![job("RUNNING", true)]), &newest),
        // It may have ended with the savepoint.
        (
            Reached::Intent,
            up(vec![job("FINISHED", false)]),
            &Short::Resume,
        ),
        (Reached::Saved, up(vec![later]), &newest),
        (Reached::Applied, up(vec![new_job]), &newest),
    ];
    for (at, facts, expected) in table {
        let facts = reached(facts);
        assert_eq!(
            &short(&facts, Some(&record(at)), &Wish::FromCheckpoint),
            expected,
            "{at:?} {facts:?}"
        );
    }
}

/// Killed after the ConfigMap was written and before the journal says so: what runs since is the new
/// start, not a second run.
#[test]
fn a_position_that_the_journal_does_not_know_of_yet() {
    let down = JobRecord {
        new_job_id: Some("j2".into()),
        ..record(Reached::Down)
    };
    let facts = Facts {
        run: Some("j2".into()),
        ..up(vec![LiveJob {
            id: "j2".into(),
            ..job("RUNNING", true)
        }])
    };
    assert_eq!(
        short(&facts, Some(&down), &Wish::Carry),
        Short::Newest { try_stop: true }
    );
    let not_written = Facts {
        run: Some("j1".into()),
        exists: true,
        has_ha: true,
        ..Facts::default()
    };
    assert_eq!(
        short(&not_written, Some(&down), &Wish::Carry),
        Short::Path("file:///sp/1".into())
    );
}

/// The user's own word stands above what ran before.
#[test]
fn a_named_path_is_kept_over_a_kill() {
    let named = JobRecord {
        named: true,
        ..record(Reached::Down)
    };
    let facts = Facts {
        progress: Progress::Reached(mark(9, "file:///cp/chk-9")),
        exists: true,
        has_ha: true,
        ..Facts::default()
    };
    assert_eq!(
        short(&facts, Some(&named), &Wish::Carry),
        Short::Path("file:///sp/1".into())
    );
}

#[test]
fn how_far_a_run_has_come() {
    let start = || Some(mark(7, "sp/7"));
    let unknown = || {
        Some(Mark {
            number: None,
            path: "sp/x".into(),
        })
    };
    let last = || Mark {
        number: None,
        path: "sp/last".into(),
    };
    let reached = |n: u64| Progress::Reached(mark(n, &format!("chk-{n}")));
    type Case = (Option<Mark>, &'static [u64], Vec<Mark>, Progress);
    let table: Vec<Case> = vec![
        (None, &[], vec![], Progress::Nothing),
        (None, &[3], vec![], reached(3)),
        // A restored savepoint is recorded under its own number.
        (start(), &[7], vec![], Progress::Nothing),
        (start(), &[8, 9], vec![], reached(9)),
        (start(), &[7, 8], vec![], reached(8)),
        // Its number isn't known: a lone record may be it.
        (unknown(), &[7], vec![], Progress::Unclear),
        (unknown(), &[7, 8], vec![], reached(8)),
        (unknown(), &[9], vec![mark(8, "chk-8")], reached(9)),
        // REST is cached, what was seen earlier is older, and what has failed is only in REST.
        (start(), &[9], vec![mark(8, "chk-8")], reached(9)),
        (start(), &[], vec![mark(8, "chk-8")], reached(8)),
        // Stopped with a savepoint: its records may not be cleaned up yet.
        (start(), &[9], vec![mark(10, "chk-10")], reached(10)),
        (start(), &[9], vec![last()], Progress::Reached(last())),
        // What it was started from is no progress, whoever lists it.
        (start(), &[], vec![mark(7, "sp/7")], Progress::Nothing),
    ];
    for (start, recorded, completed, expected) in table {
        let traces = Traces {
            start,
            recorded: recorded.to_vec(),
            recorded_path: recorded.last().map(|n| format!("chk-{n}")),
            completed,
        };
        assert_eq!(progress(&traces), expected, "{traces:?}");
    }
    let elsewhere = Traces {
        recorded: vec![3],
        ..Traces::default()
    };
    assert_eq!(progress(&elsewhere), Progress::Unclear);
}
