//! The syntax tree of a template, and its text as messages show it.

use std::fmt::{self, Display, Formatter};

use super::builtins::Builtin;
use super::func::Func;
use super::strconv::quote;

/// What a node is known by within one parsed text: the executor remembers the identity of the
/// node it works on, and an error looks the node up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct At {
    /// Unique within the text.
    pub id: u32,
    /// The first byte in the text.
    pub pos: u32,
}

/// A sequence of nodes.
#[derive(Default)]
pub struct List(pub Vec<Node>);

/// What stands in a template.
pub enum Node {
    /// Text outside actions.
    Text(Box<str>),
    /// `{{pipeline}}`.
    Action(Pipe),
    /// `{{if}}`.
    If(Box<Branch>),
    /// `{{with}}`.
    With(Box<Branch>),
    /// `{{range}}`.
    Range(Box<Branch>),
    /// `{{template "name" pipeline}}`, also where a `{{block}}` stands.
    Template(Box<Call>),
    /// `{{break}}`.
    Break,
    /// `{{continue}}`.
    Continue,
}

/// The parts of `if`, `with` and `range`.
pub struct Branch {
    /// What is tested or ranged over.
    pub pipe: Pipe,
    /// What is done if it is true or has elements.
    pub list: List,
    /// What is done otherwise.
    pub else_list: Option<List>,
}

/// A use of another template.
pub struct Call {
    /// Where the name stands.
    pub at: At,
    /// The template's name.
    pub name: Box<str>,
    /// What becomes its dot.
    pub pipe: Option<Pipe>,
}

/// Commands, each given to the next, and variables that take the result.
pub struct Pipe {
    /// Where it starts.
    pub at: At,
    /// Whether the variables are assigned rather than declared.
    pub is_assign: bool,
    /// The variables: none, one, or two in a range.
    pub decl: Vec<Box<str>>,
    /// The commands.
    pub cmds: Vec<Command>,
}

/// A function, field or value, and arguments.
pub struct Command {
    /// Where it starts.
    pub at: At,
    /// At least one.
    pub args: Vec<Arg>,
}

/// An operand and where it stands.
pub struct Arg {
    /// Where it stands; after `.a` or `$x` with more fields, where the second field stands.
    pub at: At,
    /// What it is.
    pub kind: ArgKind,
}

/// Operands.
pub enum ArgKind {
    /// A function's name.
    Function(Box<str>, Callee),
    /// `.a.b`.
    Field(Vec<Box<str>>),
    /// `$x.a.b`.
    Variable(Box<str>, Vec<Box<str>>),
    /// `(pipeline).a.b` or `function.a.b`.
    Chain(Box<Arg>, Vec<Box<str>>),
    /// `.`.
    Dot,
    /// `nil`.
    Nil,
    /// `true` or `false`.
    Bool(bool),
    /// A number or a character.
    Number(Box<Number>),
    /// A string: as written, and its number among the strings of the text.
    String(Box<str>, usize),
    /// `(pipeline)`.
    Pipe(Box<Pipe>),
}

/// A function as found when the template was parsed.
#[derive(Clone, Copy)]
pub enum Callee {
    /// One of Go's own, which see more of their arguments than functions do.
    Builtin(Builtin),
    /// Any other.
    Func(&'static Func),
}

/// A number in all the forms its text can have.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Number {
    /// As written.
    pub text: Box<str>,
    /// As a signed integer.
    pub int: Option<i64>,
    /// As an unsigned integer.
    pub uint: Option<u64>,
    /// As a float.
    pub float: Option<f64>,
    /// As a complex number, if it was written as one.
    pub complex: Option<(f64, f64)>,
}

impl List {
    /// Whether there is nothing but space: such a definition never replaces another.
    pub fn is_empty(&self) -> bool {
        let blank = |node: &Node| matches!(node, Node::Text(text) if text.trim().is_empty());
        self.0.iter().all(blank)
    }

    /// The node of the identity: its position and its text.
    pub fn find(&self, id: u32) -> Option<(u32, String)> {
        self.0.iter().find_map(|node| match node {
            Node::Text(_) | Node::Break | Node::Continue => None,
            Node::Action(pipe) => pipe.find(id),
            Node::If(branch) | Node::With(branch) | Node::Range(branch) => branch
                .pipe
                .find(id)
                .or_else(|| branch.list.find(id))
                .or_else(|| branch.else_list.as_ref()?.find(id)),
            Node::Template(call) if call.at.id == id => Some((call.at.pos, call.to_string())),
            Node::Template(call) => call.pipe.as_ref()?.find(id),
        })
    }
}

impl Pipe {
    fn find(&self, id: u32) -> Option<(u32, String)> {
        if self.at.id == id {
            return Some((self.at.pos, self.to_string()));
        }
        self.cmds.iter().find_map(|cmd| {
            if cmd.at.id == id {
                return Some((cmd.at.pos, cmd.to_string()));
            }
            cmd.args.iter().find_map(|arg| arg.find(id))
        })
    }
}

impl Arg {
    fn find(&self, id: u32) -> Option<(u32, String)> {
        if self.at.id == id {
            return Some((self.at.pos, self.to_string()));
        }
        match &self.kind {
            ArgKind::Pipe(pipe) => pipe.find(id),
            ArgKind::Chain(arg, _) => arg.find(id),
            _ => None,
        }
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{{{{template {}", quote(self.name.as_bytes()))?;
        if let Some(pipe) = &self.pipe {
            write!(f, " {pipe}")?;
        }
        f.write_str("}}")
    }
}

impl Display for Pipe {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if !self.decl.is_empty() {
            let sign = if self.is_assign { "=" } else { ":=" };
            write!(f, "{} {sign} ", self.decl.join(", "))?;
        }
        for (index, cmd) in self.cmds.iter().enumerate() {
            if index > 0 {
                f.write_str(" | ")?;
            }
            write!(f, "{cmd}")?;
        }
        Ok(())
    }
}

impl Display for Command {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, arg) in self.args.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            match &arg.kind {
                ArgKind::Pipe(pipe) => write!(f, "({pipe})")?,
                _ => write!(f, "{arg}")?,
            }
        }
        Ok(())
    }
}

impl Display for Arg {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let fields = |f: &mut Formatter<'_>, fields: &[Box<str>]| {
            fields.iter().try_for_each(|field| write!(f, ".{field}"))
        };
        match &self.kind {
            ArgKind::Function(name, _) => f.write_str(name),
            ArgKind::Field(names) => fields(f, names),
            ArgKind::Variable(name, names) => {
                f.write_str(name)?;
                fields(f, names)
            }
            ArgKind::Chain(arg, names) => {
                match &arg.kind {
                    ArgKind::Pipe(pipe) => write!(f, "({pipe})")?,
                    _ => write!(f, "{arg}")?,
                }
                fields(f, names)
            }
            ArgKind::Dot => f.write_str("."),
            ArgKind::Nil => f.write_str("nil"),
            ArgKind::Bool(b) => write!(f, "{b}"),
            ArgKind::Number(number) => f.write_str(&number.text),
            ArgKind::String(quoted, _) => f.write_str(quoted),
            ArgKind::Pipe(pipe) => write!(f, "{pipe}"),
        }
    }
}
