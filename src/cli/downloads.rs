//! Shows downloads: bars on a terminal, nothing elsewhere but what is worth a line.

use std::collections::HashMap;
use std::sync::Mutex;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::output::Output;
use crate::registry::Report;

/// A download smaller than this is over before a bar is seen.
const WORTH_A_BAR: u64 = 256 * 1024;

/// The bars of the downloads that go on.
#[derive(Debug)]
pub struct Downloads {
    output: Output,
    bars: MultiProgress,
    running: Mutex<HashMap<String, ProgressBar>>,
}

impl Downloads {
    /// None yet.
    pub fn new(output: Output) -> Self {
        Downloads {
            output,
            bars: MultiProgress::new(),
            running: Mutex::default(),
        }
    }

    /// Takes the bars away.
    pub fn end(&self) {
        let _ = self.bars.clear();
    }
}

impl Report for Downloads {
    fn progress(&self, what: &str, done: u64, total: Option<u64>) {
        if !self.output.interactive || total.is_some_and(|t| t < WORTH_A_BAR) {
            return;
        }
        let Ok(mut running) = self.running.lock() else {
            return;
        };
        if total == Some(done) {
            if let Some(bar) = running.remove(what) {
                bar.finish_and_clear();
            }
            return;
        }
        let bar = running.entry(what.to_owned()).or_insert_with(|| {
            let bar = self.bars.add(ProgressBar::no_length());
            let template = "{msg} {bytes}/{total_bytes} {bar:30} {binary_bytes_per_sec}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_message(what.to_owned());
            bar
        });
        if let Some(total) = total {
            bar.set_length(total);
        }
        bar.set_position(done);
    }

    fn note(&self, text: &str) {
        if self.output.interactive {
            let _ = self.bars.println(text);
        } else {
            self.output.note(text);
        }
    }
}
