//! The log of lines where there is no terminal: changes only, and reminders at growing intervals. Pure.

use std::collections::HashMap;
use std::time::Duration;

use super::board::{Board, Change, Row, short};
use crate::action::{Event, Health};

/// When a wait that says nothing new is told again, in time since it was told last; the last one
/// repeats.
const REMINDERS: [u64; 5] = [15, 30, 60, 120, 300];

/// What was told of which row.
#[derive(Debug, Default)]
pub struct Log {
    board: Board,
    /// By row: when it was told last, and how many reminders there were.
    told: HashMap<(Option<String>, String), (Duration, usize)>,
}

impl Log {
    /// The lines that an event is worth.
    pub fn take(&mut self, event: &Event, now: Duration) -> Vec<String> {
        match self.board.take(event, now) {
            Change::Line(line) => vec![line],
            Change::Row(row) => {
                self.told.insert(key(&row), (now, 0));
                vec![line(&row)]
            }
            Change::Over | Change::Nothing => Vec::new(),
        }
    }

    /// The lines that time alone is worth.
    pub fn remind(&mut self, now: Duration) -> Vec<String> {
        let mut lines = Vec::new();
        for row in self.board.rows() {
            if row.health == Health::Ready {
                continue;
            }
            let (at, reminders) = self.told.entry(key(row)).or_insert((now, 0));
            let pause = REMINDERS.get(*reminders).or(REMINDERS.last());
            if now.saturating_sub(*at) >= Duration::from_secs(pause.copied().unwrap_or(300)) {
                lines.push(format!("{} (for {})", line(row), short(row.time(now))));
                *at = now;
                *reminders += 1;
            }
        }
        lines
    }
}

fn key(row: &Row) -> (Option<String>, String) {
    (row.of.clone(), row.name.clone())
}

fn line(row: &Row) -> String {
    let what = match &row.of {
        Some(of) => format!("{} of {of}", row.name),
        None => row.name.clone(),
    };
    let info = if row.info.is_empty() {
        String::new()
    } else {
        format!(": {}", row.info)
    };
    match row.health {
        Health::Ready => format!("  ready: {what}{info}"),
        Health::Waiting if row.word == "WAITING" => format!("  waiting for {what}{info}"),
        Health::Waiting => format!("  waiting for {what}: {}{info}", row.word),
        Health::Unhealthy | Health::Failed => {
            format!("  {} {what}{info}", row.word.to_lowercase())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_once_and_again_ever_more_rarely() {
        let mut log = Log::default();
        let waiting = |why: &str| Event::Waiting {
            what: "the savepoint".into(),
            why: why.into(),
        };
        let second = Duration::from_secs;
        assert_eq!(
            log.take(&waiting("5 s"), second(0)),
            ["  waiting for the savepoint: 5 s"]
        );
        let mut times = Vec::new();
        for n in 1..=1200 {
            assert!(log.take(&waiting(&format!("{n} s")), second(n)).is_empty());
            if !log.remind(second(n)).is_empty() {
                times.push(n);
            }
        }
        assert_eq!(times, [15, 45, 105, 225, 525, 825, 1125]);
        // Something new is told at once, and reminders begin anew.
        assert_eq!(log.take(&waiting("it fails"), second(1200)).len(), 1);
        assert!(log.remind(second(1210)).is_empty());
        assert_eq!(
            log.remind(second(1215)),
            ["  waiting for the savepoint: it fails (for 20 m 15 s)"]
        );
        // The next step ends the wait.
        log.take(
            &Event::Step {
                text: "next".into(),
            },
            second(1216),
        );
        assert!(log.remind(second(9999)).is_empty());
    }
}
