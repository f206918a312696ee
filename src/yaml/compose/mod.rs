//! From the parser's events to values with their positions, by the rules of go-yaml v2 and of
//! sigs.k8s.io/yaml, which turns its result into JSON.

mod scalars;

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScanError, Span, StrInput};

use super::error::{Cause, Error, Trap, Warning};
use super::spanned::{Document, Entries, Entry, Node, Spanned};
use super::{MAX_COPIED, MAX_DEPTH, Value};

/// A composed node with what the expansion of aliases has to know of it.
#[derive(Clone)]
struct Composed<'a> {
    spanned: Spanned,
    /// How many nodes it has, keys included.
    size: usize,
    /// How many bytes of text it has, keys included.
    bytes: usize,
    /// How many levels it has; 0 for a scalar.
    height: usize,
    /// What it is as a key.
    key: KeyKind<'a>,
}

#[derive(Clone)]
enum KeyKind<'a> {
    Name(std::borrow::Cow<'a, str>),
    Merge,
    Invalid(&'static str),
}

/// A list or map that is not complete yet.
struct Frame<'a> {
    span: Span,
    anchor: usize,
    collection: Collection<'a>,
    size: usize,
    bytes: usize,
    height: usize,
}

enum Collection<'a> {
    List(Vec<Spanned>),
    /// The entries, and a key that waits for its value.
    Map(Entries, Option<Key<'a>>),
}

/// A key of a map.
struct Key<'a> {
    kind: KeyKind<'a>,
    /// Where it stands, or the alias that stands for it: as in [`Spanned`].
    line: usize,
    column: usize,
    /// Whether it was read as a boolean before it became a text.
    is_boolean: bool,
}

impl<'a> Frame<'a> {
    fn new(span: Span, anchor: usize, collection: Collection<'a>) -> Self {
        Frame {
            span,
            anchor,
            collection,
            size: 1,
            bytes: 0,
            height: 0,
        }
    }

    fn wants_key(&self) -> bool {
        matches!(self.collection, Collection::Map(_, None))
    }
}

pub(super) struct Composer<'a> {
    parser: Parser<'a, StrInput<'a>>,
    text: &'a str,
    /// Added to every line: where the text begins in its file, minus 1.
    offset: usize,
    anchors: HashMap<usize, Option<Composed<'a>>>,
    warnings: Vec<Warning>,
    /// Nodes decoded so far, and how many of them by way of aliases.
    decoded: usize,
    aliased: usize,
    /// Bytes copied for anchors and aliases so far.
    copied: usize,
    whole_floats: WholeFloats,
    checked: bool,
}

/// What becomes of a float that is whole, such as `1.0` or `1e3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WholeFloats {
    /// An integer, as in the JSON that Helm makes of a text.
    Integers,
    /// A float.
    Stay,
}

/// What a node takes in memory besides its text, at least.
const NODE: usize = 128;

type Result<T> = std::result::Result<T, Box<Error>>;

impl<'a> Composer<'a> {
    pub(super) fn new(text: &'a str, first_line: usize, whole_floats: WholeFloats) -> Self {
        let options = granit_parser::options! {
            emit_comments: false,
            bom_inside_document_as_content: true,
            block_scalar_eof_without_line_feed: true,
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
        };
        Composer {
            parser: Parser::new_from_str_with_options(text, options),
            text,
            offset: first_line.saturating_sub(1),
            anchors: HashMap::new(),
            warnings: Vec::new(),
            decoded: 0,
            aliased: 0,
            copied: 0,
            whole_floats,
            checked: false,
        }
    }

    /// The next document, `None` at the end of the text.
    pub(super) fn document(&mut self) -> Result<Option<Document>> {
        self.check_characters()?;
        loop {
            match self.next()? {
                None | Some((Event::StreamEnd, _)) => return Ok(None),
                Some((Event::DocumentStart(..), _)) => break,
                Some(_) => {}
            }
        }
        self.anchors.clear();
        let Some((event, span)) = self.next()? else {
            return Ok(None);
        };
        let root = self.node(event, span)?.spanned;
        loop {
            match self.next()? {
                None | Some((Event::DocumentEnd | Event::StreamEnd, _)) => break,
                Some(_) => {}
            }
        }
        Ok(Some(Document {
            root,
            warnings: std::mem::take(&mut self.warnings),
        }))
    }

    /// Refuses the control characters that YAML 1.1 refuses, once for the whole text.
    fn check_characters(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.checked, true) {
            return Ok(());
        }
        // Nearly all texts are plain, and that is seen in a fraction of the time.
        if self.text.bytes().all(|b| matches!(b, b' '..=b'~' | b'\n')) {
            return Ok(());
        }
        let forbidden = |c: char| {
            (c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}'))
                || matches!(c, '\u{fffe}' | '\u{ffff}')
        };
        let Some(at) = self.text.find(forbidden) else {
            return Ok(());
        };
        let before = &self.text[..at];
        let line = 1 + before.matches('\n').count();
        let column = before.rsplit('\n').next().unwrap_or("").chars().count();
        let cause = Cause::Syntax("control characters are not allowed".to_owned());
        Err(self.error(line, column, cause))
    }

    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>> {
        match self.parser.next_event() {
            None => Ok(None),
            Some(Ok(event)) => Ok(Some(event)),
            Some(Err(e)) => Err(self.scan_error(&e)),
        }
    }

    fn scan_error(&self, e: &ScanError) -> Box<Error> {
        self.error(
            e.marker().line(),
            e.marker().col(),
            Cause::Syntax(e.info().to_string()),
        )
    }

    fn error(&self, line: usize, col: usize, cause: Cause) -> Box<Error> {
        let source = self.text.lines().nth(line.saturating_sub(1)).unwrap_or("");
        Box::new(Error {
            line: line + self.offset,
            column: col + 1,
            source_line: source.chars().take(200).collect(),
            cause,
        })
    }

    fn fail<T>(&self, span: Span, cause: Cause) -> Result<T> {
        Err(self.error(span.start.line(), span.start.col(), cause))
    }

    fn warn(&mut self, span: Span, trap: Trap) {
        self.warnings.push(Warning {
            line: span.start.line() + self.offset,
            column: span.start.col() + 1,
            trap,
        });
    }

    fn place(&self, span: Span, node: Node) -> Spanned {
        Spanned {
            line: span.start.line() + self.offset,
            column: span.start.col() + 1,
            node,
        }
    }

    /// Composes the node that begins with an event; a stack of its own keeps the thread's small.
    fn node(&mut self, mut event: Event<'a>, mut span: Span) -> Result<Composed<'a>> {
        let mut open: Vec<Frame<'a>> = Vec::new();
        loop {
            let is_alias = matches!(event, Event::Alias(_));
            let made = match event {
                Event::Scalar(text, style, anchor, tag) => {
                    self.count(span, 1, 0)?;
                    let is_key = open.last().is_some_and(Frame::wants_key);
                    let made = self.scalar(text, style, tag.as_deref(), span, is_key, anchor)?;
                    self.anchor(anchor, &made, span)?;
                    Some(made)
                }
                Event::Alias(id) => {
                    self.count(span, 1, 0)?;
                    Some(self.alias(id, span, open.len())?)
                }
                Event::SequenceStart(_, anchor, _) => {
                    self.open(anchor, span, open.len())?;
                    open.push(Frame::new(span, anchor, Collection::List(Vec::new())));
                    None
                }
                Event::MappingStart(_, anchor, _) => {
                    self.open(anchor, span, open.len())?;
                    let map = Collection::Map(Entries::default(), None);
                    open.push(Frame::new(span, anchor, map));
                    None
                }
                Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                    Some(frame) => Some(self.close(frame)?),
                    None => None,
                },
                _ => {
                    let cause = Cause::Syntax("a value was expected here".to_owned());
                    return self.fail(span, cause);
                }
            };
            if let Some(made) = made {
                match open.last_mut() {
                    None => return Ok(made),
                    Some(frame) => self.put(frame, made, is_alias)?,
                }
            }
            match self.next()? {
                Some(next) => (event, span) = next,
                None => {
                    let cause = Cause::Syntax("the text ends within a value".to_owned());
                    return self.fail(span, cause);
                }
            }
        }
    }

    fn open(&mut self, anchor: usize, span: Span, depth: usize) -> Result<()> {
        self.count(span, 1, 0)?;
        if depth >= MAX_DEPTH {
            return self.fail(span, Cause::Depth);
        }
        if anchor != 0 {
            self.anchors.insert(anchor, None);
        }
        Ok(())
    }

    fn anchor(&mut self, anchor: usize, made: &Composed<'a>, span: Span) -> Result<()> {
        if anchor != 0 {
            self.copy(span, made.bytes + made.size * NODE)?;
            self.anchors.insert(anchor, Some(made.clone()));
        }
        Ok(())
    }

    /// Bounds what anchors within anchors and aliases of long texts repeat; go-yaml shares these.
    fn copy(&mut self, span: Span, bytes: usize) -> Result<()> {
        self.copied = self.copied.saturating_add(bytes);
        if self.copied > MAX_COPIED {
            return self.fail(span, Cause::Copies);
        }
        Ok(())
    }

    /// Go-yaml's measure against 'billion laughs': the share of nodes that come from aliases may be
    /// 99 % up to 400,000 nodes, and falls to 10 % at 4,000,000.
    fn count(&mut self, span: Span, nodes: usize, aliased: usize) -> Result<()> {
        const LOW: f64 = 400_000.0;
        const HIGH: f64 = 4_000_000.0;
        self.decoded = self.decoded.saturating_add(nodes);
        self.aliased = self.aliased.saturating_add(aliased);
        if self.aliased <= 100 || self.decoded <= 1000 {
            return Ok(());
        }
        let decoded = self.decoded as f64;
        let allowed = 0.99 - 0.89 * ((decoded - LOW) / (HIGH - LOW)).clamp(0.0, 1.0);
        if self.aliased as f64 / decoded > allowed {
            return self.fail(span, Cause::Aliases);
        }
        Ok(())
    }

    fn alias(&mut self, id: usize, span: Span, depth: usize) -> Result<Composed<'a>> {
        let (size, bytes, height) = match self.anchors.get(&id) {
            Some(Some(anchored)) => (anchored.size, anchored.bytes, anchored.height),
            _ => return self.fail(span, Cause::Cycle),
        };
        self.count(span, size, size)?;
        // The nodes themselves are bounded by their count.
        self.copy(span, bytes)?;
        if depth + height > MAX_DEPTH {
            return self.fail(span, Cause::Depth);
        }
        let Some(Some(anchored)) = self.anchors.get(&id) else {
            return self.fail(span, Cause::Cycle);
        };
        let mut made = anchored.clone();
        made.spanned.line = span.start.line() + self.offset;
        made.spanned.column = span.start.col() + 1;
        if matches!(made.key, KeyKind::Merge) {
            made.key = KeyKind::Name("<<".into());
        }
        Ok(made)
    }

    fn close(&mut self, frame: Frame<'a>) -> Result<Composed<'a>> {
        let (node, kind) = match frame.collection {
            Collection::List(items) => (Node::List(items), "list"),
            Collection::Map(entries, _) => (Node::Map(entries), "map"),
        };
        let made = Composed {
            spanned: self.place(frame.span, node),
            size: frame.size,
            bytes: frame.bytes,
            height: frame.height + 1,
            key: KeyKind::Invalid(kind),
        };
        self.anchor(frame.anchor, &made, frame.span)?;
        Ok(made)
    }

    /// Puts a finished node into the list or map that is open around it.
    fn put(&mut self, frame: &mut Frame<'a>, made: Composed<'a>, is_alias: bool) -> Result<()> {
        frame.size += made.size;
        frame.bytes += made.bytes;
        frame.height = frame.height.max(made.height);
        let map_line = frame.span.start.line() + self.offset;
        let (entries, waiting) = match &mut frame.collection {
            Collection::List(items) => {
                items.push(made.spanned);
                return Ok(());
            }
            Collection::Map(entries, waiting) => (entries, waiting),
        };
        let Some(key) = waiting.take() else {
            *waiting = Some(Key {
                kind: made.key,
                line: made.spanned.line,
                column: made.spanned.column,
                is_boolean: matches!(made.spanned.node, Node::Scalar(Value::Bool(_))),
            });
            return Ok(());
        };
        let fail = |cause| Err(self.error(key.line - self.offset, key.column - 1, cause));
        let name = match key.kind {
            KeyKind::Name(name) => name.into_owned(),
            KeyKind::Invalid(kind) => return fail(Cause::Key(kind)),
            KeyKind::Merge if merge(entries, &made.spanned.node, is_alias) => return Ok(()),
            KeyKind::Merge => return fail(Cause::Merge),
        };
        let entry = Entry {
            line: key.line,
            column: key.column,
            value: made.spanned,
        };
        if key.is_boolean {
            self.mark_key_trap(key.line, key.column);
        }
        let (index, first) = entries.insert_full(name, entry);
        // A merged key that is overridden is no mistake: its line is not in this map.
        if let Some(first) = first.filter(|e| e.line >= map_line) {
            let name = entries.get_index(index).map(|(name, _)| name.clone());
            self.warnings.push(Warning {
                line: key.line,
                column: key.column,
                trap: Trap::Duplicate {
                    key: name.unwrap_or_default(),
                    first_line: first.line,
                },
            });
        }
        Ok(())
    }

    /// Turns the warning about a boolean into one about a key, now that it is known to be one.
    fn mark_key_trap(&mut self, line: usize, column: usize) {
        let mut noted = self.warnings.iter_mut().rev();
        let Some(warning) = noted.find(|w| (w.line, w.column) == (line, column)) else {
            return;
        };
        if let Trap::BooleanValue { text, read } = &warning.trap {
            warning.trap = Trap::BooleanKey {
                text: text.clone(),
                read: *read,
            };
        }
    }
}

/// Takes over the entries of the maps behind `<<`; they override what stands before, and are overridden
/// by what stands after. Of several maps the first wins. `false` where there is no map.
fn merge(entries: &mut Entries, node: &Node, is_alias: bool) -> bool {
    match node {
        Node::Map(map) => take_over(entries, map),
        Node::List(items) if !is_alias => {
            for item in items.iter().rev() {
                match &item.node {
                    Node::Map(map) => take_over(entries, map),
                    _ => return false,
                }
            }
        }
        _ => return false,
    }
    true
}

fn take_over(entries: &mut Entries, merged: &Entries) {
    for (key, entry) in merged {
        entries.insert(key.clone(), entry.clone());
    }
}
