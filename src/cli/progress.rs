//! Progress on stderr: one line redrawn in place on a terminal, a log of lines elsewhere.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::output::Output;
use crate::action::{Event, Report};

/// In a log, the same wait is told again after this long.
const REPEAT: Duration = Duration::from_secs(15);

/// Shows the events of an operation.
pub struct Progress {
    output: Output,
    begun: Instant,
    bar: Option<ProgressBar>,
    last: Mutex<Option<(String, Instant)>>,
}

impl Progress {
    /// Begins now.
    pub fn new(output: Output) -> Self {
        let bar = output.interactive.then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed:.dim}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Progress {
            output,
            begun: Instant::now(),
            bar,
            last: Mutex::new(None),
        }
    }

    /// Ends the redrawn line.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self, text: &str) {
        let stamped = format!("{:>6.1}s  {text}", self.begun.elapsed().as_secs_f64());
        match &self.bar {
            Some(bar) => bar.println(self.output.masked(&stamped)),
            None => self.output.note(&stamped),
        }
    }
}

impl Report for Progress {
    fn event(&self, event: Event) {
        match event {
            Event::Step(text) => {
                if let Some(bar) = &self.bar {
                    bar.set_message(self.output.masked(&text));
                }
                self.line(&text);
            }
            Event::Note(text) => self.line(&format!("  {text}")),
            Event::Warning(text) => self.line(&format!("Warning: {text}")),
            Event::Waiting { what, why } => match &self.bar {
                Some(bar) => {
                    let text = format!("waiting for {what}: {why}");
                    bar.set_message(self.output.masked(&text));
                }
                None => {
                    let Ok(mut last) = self.last.lock() else {
                        return;
                    };
                    let told = last
                        .as_ref()
                        .is_some_and(|(w, at)| *w == what && at.elapsed() < REPEAT);
                    if !told {
                        self.line(&format!("  waiting for {what}"));
                        self.line(&format!("   ^ {why}"));
                        *last = Some((what, Instant::now()));
                    }
                }
            },
        }
    }
}
