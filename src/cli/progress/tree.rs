//! The tree on a terminal: what the rows look like at a width (pure), and redrawing it in place.

use std::io::Write;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::board::{Board, Row, short};
use crate::action::Health;

/// A line of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its text, at most as wide as asked.
    pub text: String,
    /// Where in it the state's word stands, in bytes, and how far that is.
    pub state: Option<(std::ops::Range<usize>, Health)>,
}

/// The narrowest width for which a line is laid out.
const NARROWEST: usize = 20;

/// The tree of a board: at most `height` lines of at most `width` columns.
pub fn lines(board: &Board, width: usize, height: usize, now: Duration) -> Vec<Line> {
    let width = width.max(NARROWEST);
    let rows = shown(board.rows(), height.saturating_sub(3).max(1));
    let plain = |text: String| Line {
        text: cut(&text, width),
        state: None,
    };
    let mut all = Vec::new();
    if !board.step().is_empty() {
        all.push(plain(format!("{} ({})", board.step(), short(now))));
    }
    if rows.is_empty() {
        return all;
    }
    // Only terminals with room get the column of times.
    let timed = width >= 60;
    let names: Vec<String> = rows.iter().map(|r| name(r)).collect();
    let most = if timed { width / 2 } else { width * 45 / 100 };
    let name_width = names
        .iter()
        .map(|n| columns(n))
        .max()
        .unwrap_or(0)
        .clamp(8, most);
    let word_width = rows
        .iter()
        .map(|r| columns(&r.word))
        .max()
        .unwrap_or(0)
        .clamp(5, 12);
    let cell = |text: &str, width: usize| {
        let text = cut(text, width);
        format!("{text}{}", " ".repeat(width - columns(&text)))
    };
    let head = format!(
        "┌ {}  {}  {}INFO",
        cell("RESOURCE", name_width),
        cell("STATE", word_width),
        if timed { "   TIME  " } else { "" }
    );
    all.push(plain(head.trim_end().to_owned()));
    for (row, name) in rows.iter().zip(&names) {
        let before = format!("│ {}  ", cell(name, name_width));
        let word = cell(&row.word, word_width);
        let time = if timed {
            format!("{:>7}  ", short(row.time(now)))
        } else {
            String::new()
        };
        let info = row.info.lines().next().unwrap_or_default();
        let text = cut(format!("{before}{word}  {time}{info}").trim_end(), width);
        let state = before.len()..before.len() + word.trim_end().len();
        // A line that was cut may have lost its word.
        let whole = text.get(state.clone()) == Some(word.trim_end());
        let state = whole.then_some((state, row.health));
        all.push(Line { text, state });
    }
    let hidden = board.rows().len() - rows.len();
    all.push(plain(if hidden > 0 {
        format!("└ and {hidden} more")
    } else {
        "└".to_owned()
    }));
    all
}

/// The rows that there is room for: those that aren't ready come first, all in their order.
fn shown(rows: &[Row], room: usize) -> Vec<&Row> {
    let mut places: Vec<usize> = (0..rows.len()).collect();
    if rows.len() > room {
        places.sort_by_key(|p| rows.get(*p).is_none_or(|r| r.health == Health::Ready));
        places.truncate(room);
        places.sort_unstable();
    }
    places.into_iter().filter_map(|p| rows.get(p)).collect()
}

fn name(row: &Row) -> String {
    if row.of.is_some() {
        format!(" • {}", row.name)
    } else {
        row.name.clone()
    }
}

fn columns(text: &str) -> usize {
    console::measure_text_width(text)
}

/// A text cut to a width, with an ellipsis where something is missing. Control characters, which a
/// message from the cluster may have, would move the cursor: they become spaces.
fn cut(text: &str, width: usize) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    console::truncate_str(&clean, width, "…").into_owned()
}

/// A tree on the terminal of stderr, redrawn in place. The cursor is never hidden and rests below the
/// tree, so whatever ends the process leaves a usable terminal.
#[derive(Debug)]
pub struct Drawn {
    term: console::Term,
    color: bool,
    /// The widths of the lines that stand there.
    widths: Vec<usize>,
}

impl Drawn {
    /// Nothing is drawn yet.
    pub fn new() -> Self {
        let color =
            anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
        Drawn {
            term: console::Term::stderr(),
            color,
            widths: Vec::new(),
        }
    }

    /// Replaces the tree; `above` are lines that scroll up over it and stay.
    pub fn draw(&mut self, above: &[String], board: &Board, now: Duration) {
        let (height, width) = self.term.size();
        let width = usize::from(width).max(NARROWEST);
        // The last column stays free: some terminals wrap when it is written.
        let tree = lines(board, width - 1, usize::from(height), now);
        self.replace(above, &tree, width);
    }

    /// Takes the tree away; its rows that aren't ready stay as lines.
    pub fn end(&mut self, board: &Board, now: Duration) {
        let (_, width) = self.term.size();
        let width = usize::from(width).max(NARROWEST);
        let ready = board.rows().iter().all(|r| r.health == Health::Ready);
        let tree = lines(board, width - 1, usize::MAX, now);
        self.replace(&[], if ready { &[] } else { &tree }, width);
        self.widths.clear();
    }

    fn replace(&mut self, above: &[String], tree: &[Line], width: usize) {
        // A terminal that became narrower has wrapped what stands there.
        let standing: usize = self.widths.iter().map(|w| w.div_ceil(width).max(1)).sum();
        // One write, shown at once by terminals that can: nothing flickers.
        let mut out = String::from("\x1b[?2026h");
        if standing > 0 {
            out.push_str(&format!("\x1b[{standing}A\r\x1b[J"));
        }
        for line in above {
            out.push_str(line);
            out.push('\n');
        }
        self.widths.clear();
        for line in tree {
            self.widths.push(columns(&line.text));
            out.push_str(&self.colored(line));
            out.push('\n');
        }
        out.push_str("\x1b[?2026l");
        let mut stderr = std::io::stderr().lock();
        // A closed stderr must not end the work.
        let _ = stderr
            .write_all(out.as_bytes())
            .and_then(|()| stderr.flush());
    }

    fn colored(&self, line: &Line) -> String {
        let Some((state, health)) = line.state.clone().filter(|_| self.color) else {
            return line.text.clone();
        };
        let color = match health {
            Health::Ready => AnsiColor::Green,
            Health::Waiting => AnsiColor::Yellow,
            Health::Unhealthy | Health::Failed => AnsiColor::Red,
        };
        let style = Style::new().fg_color(Some(color.into()));
        let part = |range: std::ops::Range<usize>| line.text.get(range).unwrap_or_default();
        format!(
            "{}{style}{}{style:#}{}",
            part(0..state.start),
            part(state.clone()),
            part(state.end..line.text.len())
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{Event, ObjectNews};

    fn board(rows: &[(&str, Health, &str)]) -> Board {
        let mut board = Board::default();
        let step = Event::Step {
            text: "waiting for all objects to be ready".into(),
        };
        board.take(&step, Duration::ZERO);
        for (name, state, reason) in rows {
            let news = ObjectNews {
                object: (*name).into(),
                namespace: None,
                of: name
                    .starts_with("Pod/")
                    .then(|| "Deployment/web".to_owned()),
                state: *state,
                reason: (*reason).into(),
            };
            board.take(&Event::Object(news), Duration::from_secs(1));
        }
        board
    }

    fn text(board: &Board, width: usize, height: usize) -> String {
        lines(board, width, height, Duration::from_secs(75))
            .iter()
            .map(|l| format!("{}\n", l.text))
            .collect()
    }

    #[test]
    fn a_tree() {
        let board = board(&[
            (
                "Deployment/web",
                Health::Waiting,
                "0 of 1 pods are available",
            ),
            ("Service/web", Health::Ready, ""),
            (
                "Pod/web-5d",
                Health::Unhealthy,
                "ImagePullBackOff: container c",
            ),
        ]);
        assert_eq!(
            text(&board, 80, 24),
            "waiting for all objects to be ready (1 m 15 s)\n\
             ┌ RESOURCE        STATE         TIME  INFO\n\
             │ Deployment/web  WAITING    1 m 14 s  0 of 1 pods are available\n\
             │  • Pod/web-5d   UNHEALTHY  1 m 14 s  ImagePullBackOff: container c\n\
             │ Service/web     READY          0 s\n\
             └\n"
        );
    }

    #[test]
    fn lines_fit_any_terminal() {
        let long = "x".repeat(300);
        let board = board(&[
            (
                &format!("Deployment/{long}"),
                Health::Waiting,
                "one\x1b[2J\ntwo",
            ),
            ("Service/ünïcödé-日本", Health::Failed, &long),
        ]);
        for width in 0..200 {
            for line in lines(&board, width, 24, Duration::from_secs(5)) {
                let got = columns(&line.text);
                assert!(
                    got <= width.max(NARROWEST),
                    "{got} of {width}: {}",
                    line.text
                );
                assert!(!line.text.contains('\x1b'), "{}", line.text);
                if let Some((state, _)) = line.state {
                    assert!(line.text.get(state).is_some());
                }
            }
        }
    }

    #[test]
    fn a_low_terminal_shows_what_is_not_ready() {
        let many: Vec<(String, Health)> = (0..50)
            .map(|n| {
                let health = if n == 40 {
                    Health::Waiting
                } else {
                    Health::Ready
                };
                (format!("Deployment/d{n}"), health)
            })
            .collect();
        let rows: Vec<(&str, Health, &str)> =
            many.iter().map(|(n, h)| (n.as_str(), *h, "")).collect();
        let shown = text(&board(&rows), 80, 10);
        assert_eq!(shown.lines().count(), 10, "{shown}");
        assert!(
            shown.contains("d40") && shown.contains("and 43 more"),
            "{shown}"
        );
    }
}
