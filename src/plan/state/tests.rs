//! The table of cases: what was found and written down, and where the state comes from then.

use super::*;

fn job(state: &str, runs_fully: bool) -> LiveJob {
    LiveJob {
        id: "j1".into(),
        state: state.into(),
        runs_fully,
        start_time: 5,
        restored_from_checkpoint: false,
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
        new_job_id: Some("j2".into()),
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
        ledger: Some("file:///sp/0".into()),
        ..Facts::default()
    };
    let checkpoint = Facts {
        ha_checkpoint: Some((3, "file:///cp/3".into())),
        ..up(vec![job("RESTARTING", false)])
    };
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
            checkpoint,
            Wish::FromCheckpoint,
            Short::Newest { try_stop: false },
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
