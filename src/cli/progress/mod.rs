//! Progress on stderr: a tree redrawn in place on a terminal, a log of lines elsewhere, one JSON
//! object a line for `-o json`.

mod board;
mod log;
mod tree;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::error::CommandError;
use super::output::{Format, Output};
use crate::action::{Event, Report};
use crate::values::Redactor;
use board::{Board, Change};

/// How often times are redrawn and reminders looked for.
const TICK: Duration = Duration::from_millis(250);

/// Shows the events of an operation.
pub struct Progress {
    shared: Arc<Shared>,
    ticker: Mutex<Option<std::thread::JoinHandle<()>>>,
}

struct Shared {
    output: Output,
    begun: Instant,
    view: Mutex<View>,
    ended: Condvar,
}

struct View {
    kind: Kind,
    ended: bool,
}

enum Kind {
    Tree(Board, tree::Drawn),
    Log(log::Log),
    Json(Board),
    Silent,
}

/// An event as a line of JSON.
#[derive(Serialize)]
struct Stamped<'a> {
    /// RFC 3339, UTC.
    time: String,
    /// Seconds since the operation began.
    elapsed: f64,
    #[serde(flatten)]
    event: &'a Event,
}

impl Progress {
    /// Begins now; `format` is that of the command's result.
    pub fn new(output: Output, format: Format) -> Self {
        let kind = if format == Format::Json {
            IS_JSON.store(true, Ordering::Relaxed);
            Kind::Json(Board::default())
        } else if output.interactive {
            Kind::Tree(Board::default(), tree::Drawn::new())
        } else {
            Kind::Log(log::Log::default())
        };
        Progress::with(output, kind)
    }

    fn with(output: Output, kind: Kind) -> Self {
        let ticks = matches!(kind, Kind::Tree(..) | Kind::Log(_));
        let shared = Arc::new(Shared {
            output,
            begun: Instant::now(),
            view: Mutex::new(View { kind, ended: false }),
            ended: Condvar::new(),
        });
        let ticker = ticks.then(|| {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || shared.tick())
        });
        Progress {
            shared,
            ticker: Mutex::new(ticker),
        }
    }

    /// Shows nothing: for commands that only read.
    pub fn silent(output: Output) -> Self {
        Progress::with(output, Kind::Silent)
    }

    /// Ends the redrawn tree; what is not ready stays to be read.
    pub fn end(&self) {
        if let Ok(mut view) = self.shared.view.lock()
            && !view.ended
        {
            view.ended = true;
            self.shared.ended.notify_all();
            if let Kind::Tree(board, drawn) = &mut view.kind {
                drawn.end(board, self.shared.begun.elapsed());
            }
        }
        let ticker = self.ticker.lock().ok().and_then(|mut t| t.take());
        if let Some(ticker) = ticker {
            let _ = ticker.join();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    /// Redraws times and tells reminders until the end.
    fn tick(&self) {
        let Ok(mut view) = self.view.lock() else {
            return;
        };
        while !view.ended {
            let Ok((next, _)) = self.ended.wait_timeout(view, TICK) else {
                return;
            };
            view = next;
            if view.ended {
                return;
            }
            let now = self.begun.elapsed();
            match &mut view.kind {
                Kind::Tree(board, drawn) => drawn.draw(&[], board, now),
                Kind::Log(log) => {
                    for line in log.remind(now) {
                        self.output.note(&self.stamped(&line));
                    }
                }
                Kind::Json(_) | Kind::Silent => {}
            }
        }
    }

    /// A line with the time of day before it.
    fn stamped(&self, line: &str) -> String {
        let now = jiff::Timestamp::now().strftime("%H:%M:%SZ");
        format!("{now}  {line}")
    }
}

/// The event with what is secret masked.
fn masked(mut event: Event, output: Output) -> Event {
    let texts = match &mut event {
        Event::Step { text } | Event::Note { text } | Event::Warning { text } => vec![text],
        Event::Waiting { what, why } => vec![what, why],
        Event::Object(news) => vec![&mut news.reason],
        Event::Job(news) => vec![&mut news.why],
    };
    for text in texts {
        *text = output.masked(text);
    }
    event
}

/// Whether progress is told as JSON, so that an error must be too.
static IS_JSON: AtomicBool = AtomicBool::new(false);

/// The error that ends a command as a line of JSON, where its progress was told so.
pub fn error_line(error: &CommandError) -> Option<String> {
    IS_JSON.load(Ordering::Relaxed).then(|| {
        serde_json::json!({
            "time": stamp(),
            "type": "error",
            "text": error.message,
            "hints": error.hints,
            "code": error.kind.code(),
        })
        .to_string()
    })
}

/// RFC 3339 in UTC, to the millisecond.
fn stamp() -> String {
    jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
        .to_string()
}

impl Report for Progress {
    fn hide(&self, texts: &[String]) {
        self.shared.output.hide(Redactor::of_texts(texts));
    }

    fn event(&self, event: Event) {
        let shared = &self.shared;
        let event = masked(event, shared.output);
        let Ok(mut view) = shared.view.lock() else {
            return;
        };
        let now = shared.begun.elapsed();
        let ended = view.ended;
        match &mut view.kind {
            Kind::Tree(board, drawn) if !ended => {
                let above = match board.take(&event, now) {
                    Change::Line(line) => {
                        vec![format!("{:>6.1}s  {line}", now.as_secs_f64())]
                    }
                    _ => Vec::new(),
                };
                drawn.draw(&above, board, now);
            }
            Kind::Tree(board, _) => {
                if let Change::Line(line) = board.take(&event, now) {
                    shared.output.note(&line);
                }
            }
            Kind::Log(log) => {
                for line in log.take(&event, now) {
                    shared.output.note(&shared.stamped(&line));
                }
            }
            Kind::Silent => {}
            Kind::Json(board) => {
                if board.take(&event, now) == Change::Nothing {
                    return;
                }
                let stamped = Stamped {
                    time: stamp(),
                    elapsed: (now.as_secs_f64() * 1000.0).round() / 1000.0,
                    event: &event,
                };
                if let Ok(line) = serde_json::to_string(&stamped) {
                    shared.output.note(&line);
                }
            }
        }
    }
}
