//! What an operation waits for: one row each, with its state, since when, and why. Pure.

use std::time::Duration;

use crate::action::{Event, Health, JobNews, ObjectNews};

/// One awaited thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What it is called.
    pub name: String,
    /// The row that it stands below.
    pub of: Option<String>,
    /// How far it is.
    pub health: Health,
    /// The word for that: ours for objects, Flink's for jobs.
    pub word: String,
    /// The reason for the wait, or what is there.
    pub info: String,
    /// What of it counts as news when it changes.
    key: String,
    /// When it was seen first, in time since the operation began.
    pub since: Duration,
    /// When it became ready.
    pub ready_at: Option<Duration>,
}

impl Row {
    /// How long it was waited for.
    pub fn time(&self, now: Duration) -> Duration {
        self.ready_at.unwrap_or(now).saturating_sub(self.since)
    }
}

/// All rows, in the order in which they came, pods below their owners.
#[derive(Debug, Default)]
pub struct Board {
    rows: Vec<Row>,
    step: String,
}

/// What an event has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A line for the user that belongs to no row.
    Line(String),
    /// A row is new, or says something else now.
    Row(Row),
    /// A pod's problem is over; its row is gone.
    Over,
    /// Nothing that is worth a line.
    Nothing,
}

impl Board {
    /// The step that goes on.
    pub fn step(&self) -> &str {
        &self.step
    }

    /// The rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Takes an event in, at a time since the operation began.
    pub fn take(&mut self, event: &Event, now: Duration) -> Change {
        match event {
            Event::Step { text } => {
                // What the step before waited for has ended, one way or the other.
                self.rows.retain(|r| r.health == Health::Ready);
                self.step.clone_from(text);
                Change::Line(text.clone())
            }
            Event::Note { text } => Change::Line(format!("  {text}")),
            Event::Warning { text } => Change::Line(format!("Warning: {text}")),
            Event::Waiting { what, why } => {
                let mut row = row(what.clone(), None, Health::Waiting, "WAITING", why.clone());
                // A countdown is no news.
                row.key = without_numbers(why);
                self.put(row, now)
            }
            Event::Object(news) => self.object(news, now),
            Event::Job(news) => self.job(news, now),
        }
    }

    fn object(&mut self, news: &ObjectNews, now: Duration) -> Change {
        if news.of.is_some() && news.state == Health::Ready {
            let before = self.rows.len();
            self.rows
                .retain(|r| r.name != news.object || r.of != news.of);
            return if self.rows.len() < before {
                Change::Over
            } else {
                Change::Nothing
            };
        }
        let word = news.state.word();
        let row = row(
            news.object.clone(),
            news.of.clone(),
            news.state,
            word,
            news.reason.clone(),
        );
        self.put(row, now)
    }

    fn job(&mut self, news: &JobNews, now: Duration) -> Change {
        let health = if news.ready {
            Health::Ready
        } else {
            Health::Waiting
        };
        let word = if news.state.is_empty() {
            health.word()
        } else {
            &news.state
        };
        let name = if news.job_id.is_empty() {
            format!("Flink {}", news.workload)
        } else {
            format!("job {} of {}", news.job_id, news.workload)
        };
        let mut row = row(name, None, health, word, job_info(news));
        // The age of its checkpoint alone is no news.
        row.key = format!(
            "{} {:?} {:?} {:?}",
            without_numbers(&news.why),
            news.tasks,
            news.restored_from,
            news.savepoint
        );
        self.put(row, now)
    }

    fn put(&mut self, mut row: Row, now: Duration) -> Change {
        row.since = now;
        let ready_at = (row.health == Health::Ready).then_some(now);
        let place = self
            .rows
            .iter()
            .position(|r| r.name == row.name && r.of == row.of);
        let Some(old) = place.and_then(|p| self.rows.get_mut(p)) else {
            row.ready_at = ready_at;
            let after = row.of.as_ref().and_then(|of| {
                self.rows
                    .iter()
                    .rposition(|r| r.name == *of || r.of.as_ref() == Some(of))
            });
            // A pod may have been told of before its owner.
            let before = self
                .rows
                .iter()
                .position(|r| row.of.is_none() && r.of.as_ref() == Some(&row.name));
            let at = before.unwrap_or_else(|| after.map_or(self.rows.len(), |a| a + 1));
            self.rows.insert(at, row.clone());
            return Change::Row(row);
        };
        row.since = old.since;
        row.ready_at = ready_at.map(|now| old.ready_at.unwrap_or(now));
        let same = old.health == row.health && old.word == row.word && old.key == row.key;
        *old = row.clone();
        if same {
            Change::Nothing
        } else {
            Change::Row(row)
        }
    }
}

fn row(name: String, of: Option<String>, health: Health, word: &str, info: String) -> Row {
    Row {
        name,
        of,
        health,
        word: word.to_owned(),
        key: info.clone(),
        info,
        since: Duration::ZERO,
        ready_at: None,
    }
}

fn without_numbers(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// A job's row: what it waits for, tasks, checkpoint, savepoint.
fn job_info(news: &JobNews) -> String {
    let mut parts = Vec::new();
    if !news.why.is_empty() {
        parts.push(news.why.clone());
    }
    if let Some((running, total)) = news.tasks {
        parts.push(format!("{running} of {total} tasks run"));
    }
    if let Some(age) = news.checkpoint_age {
        parts.push(format!(
            "checkpoint {} ago",
            short(Duration::from_millis(age))
        ));
    }
    if let Some(path) = &news.restored_from {
        parts.push(format!("restored from {path}"));
    }
    if let Some(path) = &news.savepoint {
        parts.push(format!("savepoint {path}"));
    }
    parts.join(", ")
}

/// `4 s`, `3 m 12 s`, `1 h 5 m`.
pub fn short(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} m {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str, of: Option<&str>, state: Health, reason: &str) -> Event {
        Event::Object(ObjectNews {
            object: name.into(),
            namespace: None,
            of: of.map(str::to_owned),
            state,
            reason: reason.into(),
        })
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn rows_keep_their_place_and_their_time() {
        let mut board = Board::default();
        board.take(
            &object("Deployment/a", None, Health::Waiting, "0 of 2"),
            at(1),
        );
        board.take(&object("Deployment/b", None, Health::Waiting, ""), at(1));
        board.take(
            &object(
                "Pod/a-1",
                Some("Deployment/a"),
                Health::Unhealthy,
                "no image",
            ),
            at(2),
        );
        let changed = board.take(
            &object("Deployment/a", None, Health::Waiting, "1 of 2"),
            at(3),
        );
        assert!(matches!(changed, Change::Row(row) if row.info == "1 of 2"));
        let again = board.take(
            &object("Deployment/a", None, Health::Waiting, "1 of 2"),
            at(4),
        );
        assert_eq!(again, Change::Nothing);
        let names: Vec<&str> = board.rows().iter().map(|r| r.name.as_str()).collect();
        assert_eq!(names, ["Deployment/a", "Pod/a-1", "Deployment/b"]);
        let over = object("Pod/a-1", Some("Deployment/a"), Health::Ready, "");
        assert_eq!(board.take(&over, at(5)), Change::Over);
        assert_eq!(board.take(&over, at(5)), Change::Nothing);
        board.take(&object("Deployment/a", None, Health::Ready, "2/2"), at(6));
        assert_eq!(board.rows()[0].time(at(60)), at(5));
        assert_eq!(board.rows()[1].time(at(60)), at(59));
        // A new step leaves what is ready.
        board.take(
            &Event::Step {
                text: "next".into(),
            },
            at(7),
        );
        assert_eq!(board.rows().len(), 1);
    }

    #[test]
    fn a_countdown_is_no_news() {
        let mut board = Board::default();
        let waiting = |why: &str| Event::Waiting {
            what: "job".into(),
            why: why.into(),
        };
        assert!(matches!(
            board.take(&waiting("9 s more"), at(1)),
            Change::Row(_)
        ));
        assert_eq!(board.take(&waiting("8 s more"), at(2)), Change::Nothing);
        assert_eq!(board.rows()[0].info, "8 s more");
        assert!(matches!(
            board.take(&waiting("failed"), at(3)),
            Change::Row(_)
        ));
    }

    #[test]
    fn a_jobs_row_says_what_flink_says() {
        let mut board = Board::default();
        let news = JobNews {
            workload: "orders".into(),
            job_id: "ab".into(),
            state: "RUNNING".into(),
            tasks: Some((3, 4)),
            checkpoint_age: Some(61_000),
            restored_from: Some("s3://b/s".into()),
            ..JobNews::default()
        };
        let Change::Row(row) = board.take(&Event::Job(news), at(0)) else {
            panic!("no row");
        };
        assert_eq!(row.name, "job ab of orders");
        assert_eq!(row.word, "RUNNING");
        assert_eq!(
            row.info,
            "3 of 4 tasks run, checkpoint 1 m 1 s ago, restored from s3://b/s"
        );
    }
}
