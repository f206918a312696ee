//! Nodes: text, actions, if, with, range, template.

use super::Ctx;
use crate::template::gotmpl::error::{ExecError, Place};
use crate::template::gotmpl::fmt;
use crate::template::gotmpl::func::FuncError;
use crate::template::gotmpl::node::{At, Branch, Call, List, Node, Pipe};
use crate::template::gotmpl::parse::Template;
use crate::template::gotmpl::report::Part;
use crate::template::gotmpl::strconv::quote;
use crate::template::gotmpl::value::{Elem, Val};

/// The longest text of an error that further places are put before, in bytes: far above what Helm's own bound on
/// includes makes.
const MAX_CHAIN: usize = 1 << 20;

/// A value and the type that Go sees it under: an element of a `[]interface {}` or of a
/// `map[string]interface {}` is of type `interface {}` until a pipeline takes it out of there.
#[derive(Clone, Default)]
pub(in crate::template::gotmpl) struct Typed {
    pub val: Val,
    /// Whether its type is `interface {}`; a nil that is not is Go's invalid value.
    pub any: bool,
}

impl Typed {
    pub fn new(val: Val) -> Typed {
        Typed { val, any: false }
    }

    /// The name of the type that it is seen under.
    pub fn type_name(&self) -> std::borrow::Cow<'static, str> {
        match self.any {
            true => "interface {}".into(),
            false => self.val.type_name(),
        }
    }
}

/// Why execution of a list of nodes ended.
#[derive(PartialEq, Eq)]
enum Flow {
    Done,
    Break,
    Continue,
}

pub(super) type Done<T> = Result<T, Box<ExecError>>;

/// The execution of one template.
pub(super) struct State<'s, 'e> {
    pub ctx: &'s mut Ctx<'e>,
    pub template: &'s Template,
    pub vars: Vec<(&'s str, Typed)>,
    /// The node that an error would name.
    at: u32,
    out: &'s mut Vec<u8>,
    /// How many `template` actions are being executed, this one in the last.
    depth: usize,
}

/// How deep `template` actions may nest, as in Go.
const MAX_TEMPLATE_DEPTH: usize = 100_000;

impl<'s, 'e> State<'s, 'e> {
    pub fn new(
        ctx: &'s mut Ctx<'e>,
        template: &'s Template,
        dot: Val,
        out: &'s mut Vec<u8>,
        depth: usize,
    ) -> State<'s, 'e> {
        State {
            ctx,
            template,
            vars: vec![("$", Typed::new(dot))],
            at: 0,
            out,
            depth,
        }
    }

    pub fn run(mut self) -> Done<()> {
        let dot = self.vars.first().map(|(_, dot)| dot.clone());
        self.walk_list(&dot.unwrap_or_default(), &self.template.root)?;
        Ok(())
    }

    /// Remembers the node that is being evaluated.
    pub fn at(&mut self, at: At) {
        self.at = at.id;
    }

    /// An error at the node that is being evaluated.
    pub fn fail<T>(&self, message: impl AsRef<str>) -> Done<T> {
        Err(self.error(message.as_ref()))
    }

    fn error(&self, message: &str) -> Box<ExecError> {
        let name = &self.template.name;
        let Some((pos, context)) = self.template.root.find(self.at) else {
            return Box::new(ExecError {
                text: format!("template: {name}: {message}"),
                ..ExecError::default()
            });
        };
        let place = Place::new(&self.template.source, pos as usize);
        let Place { line, column, .. } = place;
        Box::new(ExecError {
            text: format!(
                "template: {}:{line}:{column}: executing {} at <{context}>: {message}",
                place.template,
                quote(name.as_bytes()),
            ),
            places: vec![place],
            ..ExecError::default()
        })
    }

    /// The error of a function that was called by the node.
    pub fn call_failed(&mut self, node: At, name: &str, err: FuncError) -> Box<ExecError> {
        self.at(node);
        match err {
            FuncError::Message(message) => {
                let mut error = self.error(&format!("error calling {name}: {message}"));
                error.causes.push(Part::parse(&message));
                error
            }
            // nobody reads a longer chain, and each link of it would copy all of it
            FuncError::Template { source, .. } if source.text.len() > MAX_CHAIN => source,
            FuncError::Template { prefix, source } => {
                let inner = format!("{prefix}{}", source.text);
                let mut error = self.error(&format!("error calling {name}: {inner}"));
                error.causes.push(Part::parse(&inner));
                if !prefix.is_empty() {
                    error.causes.push(Part::parse(&source.text));
                }
                error.causes.extend(source.causes);
                error.limit = source.limit;
                // innermost first
                let outer = std::mem::replace(&mut error.places, source.places);
                error.places.extend(outer);
                error
            }
            FuncError::Limit(message) => {
                let mut error = self.error(&format!("error calling {name}: {message}"));
                error.limit = true;
                error
            }
        }
    }

    fn limit<T>(&self, message: &str) -> Done<T> {
        let mut error = self.error(message);
        error.limit = true;
        Err(error)
    }

    /// Counts a step, at which the render may have used up its time or its stack.
    pub fn step(&mut self) -> Done<()> {
        match self.ctx.step() {
            Ok(()) => Ok(()),
            Err(message) => self.limit(&message),
        }
    }

    fn walk_list(&mut self, dot: &Typed, list: &'s List) -> Done<Flow> {
        self.step()?;
        for node in &list.0 {
            match node {
                Node::Text(text) => self.write(text.as_bytes())?,
                Node::Action(pipe) => {
                    let value = self.pipeline(dot, pipe)?;
                    if pipe.decl.is_empty() {
                        self.at(pipe.at);
                        self.print(&value.val)?;
                    }
                }
                Node::If(branch) => {
                    let flow = self.branch(dot, branch, false)?;
                    if flow != Flow::Done {
                        return Ok(flow);
                    }
                }
                Node::With(branch) => {
                    let flow = self.branch(dot, branch, true)?;
                    if flow != Flow::Done {
                        return Ok(flow);
                    }
                }
                Node::Range(branch) => {
                    let mark = self.vars.len();
                    let flow = self.range(dot, branch)?;
                    self.vars.truncate(mark);
                    if flow != Flow::Done {
                        return Ok(flow);
                    }
                }
                Node::Template(call) => self.template(dot, call)?,
                Node::Break => return Ok(Flow::Break),
                Node::Continue => return Ok(Flow::Continue),
            }
        }
        Ok(Flow::Done)
    }

    fn write(&mut self, bytes: &[u8]) -> Done<()> {
        if let Err(FuncError::Limit(message)) = self.ctx.charge(bytes.len()) {
            return self.limit(&message);
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    /// Writes a value as `fmt.Print` would; no value at all is `<no value>`.
    fn print(&mut self, value: &Val) -> Done<()> {
        match value {
            Val::Nil => self.write(b"<no value>"),
            Val::Str(text) => self.write(text.as_bytes()),
            Val::Object(object) if object.printed().is_some() => {
                self.write(object.printed().unwrap_or_default().as_bytes())
            }
            other => {
                let printed = fmt::sprint(std::slice::from_ref(other), self.ctx.memory);
                match printed {
                    Ok(text) => self.write(&text),
                    Err(fmt::TooLarge) => {
                        self.limit("a printed value is too large, or holds itself")
                    }
                }
            }
        }
    }

    /// `if`, and `with`, which is an `if` that sets the dot.
    fn branch(&mut self, dot: &Typed, branch: &'s Branch, with: bool) -> Done<Flow> {
        let mark = self.vars.len();
        let value = self.pipeline(dot, &branch.pipe)?;
        let flow = if value.val.truth() {
            self.walk_list(if with { &value } else { dot }, &branch.list)?
        } else if let Some(list) = &branch.else_list {
            self.walk_list(dot, list)?
        } else {
            Flow::Done
        };
        self.vars.truncate(mark);
        Ok(flow)
    }

    fn range(&mut self, dot: &Typed, branch: &'s Branch) -> Done<Flow> {
        let pipe = &branch.pipe;
        let value = self.pipeline(dot, pipe)?.val;
        let kind = value.kind();
        let mut ranged = false;
        match &value {
            Val::Nil => {}
            Val::List(list) => {
                let any = list.elem() == Elem::Any;
                for (index, item) in list.items().iter().enumerate() {
                    ranged = true;
                    let index = Typed::new(Val::Int(index as i64));
                    let item = Typed {
                        val: item.clone(),
                        any,
                    };
                    if self.iteration(branch, index, item)? == Flow::Break {
                        break;
                    }
                }
            }
            Val::Bytes(bytes) => {
                for (index, byte) in bytes.iter().enumerate() {
                    ranged = true;
                    let index = Typed::new(Val::Int(index as i64));
                    let item = Typed::new(Val::Uint8(*byte));
                    if self.iteration(branch, index, item)? == Flow::Break {
                        break;
                    }
                }
            }
            Val::Map(map) => {
                let any = map.kind().elem_is_any();
                for (key, val) in map.entries() {
                    ranged = true;
                    let key = Typed::new(Val::Str(key.into()));
                    if self.iteration(branch, key, Typed { val, any })? == Flow::Break {
                        break;
                    }
                }
            }
            _ if kind.is_int() || kind.is_uint() => {
                if pipe.decl.len() > 1 {
                    let shown = fmt::to_string(&value);
                    let shown = shown.to_str();
                    return self.fail(format!(
                        "can't use {shown} to iterate over more than one variable"
                    ));
                }
                ranged = self.range_integer(branch, &value)?;
            }
            _ => {
                let shown = fmt::to_string(&value);
                return self.fail(format!("range can't iterate over {}", shown.to_str()));
            }
        }
        match &branch.else_list {
            Some(list) if !ranged => self.walk_list(dot, list),
            _ => Ok(Flow::Done),
        }
    }

    fn range_integer(&mut self, branch: &'s Branch, value: &Val) -> Done<bool> {
        let end = match value {
            Val::Uint8(n) => i64::from(*n),
            Val::Uint64(n) => i64::try_from(*n).unwrap_or(i64::MAX),
            other => other.as_int().unwrap_or(0),
        };
        for number in 0..end {
            let item = match value {
                Val::Int64(_) => Val::Int64(number),
                Val::Uint8(_) => Val::Uint8(number as u8),
                Val::Uint64(_) => Val::Uint64(number as u64),
                Val::Named(ty, _) => Val::Named(ty, number),
                _ => Val::Int(number),
            };
            if self.iteration(branch, Typed::default(), Typed::new(item))? == Flow::Break {
                break;
            }
        }
        Ok(end > 0)
    }

    /// One round of a range; its variables are those that the pipeline declared, or assigns.
    fn iteration(&mut self, branch: &'s Branch, index: Typed, item: Typed) -> Done<Flow> {
        let Pipe {
            decl, is_assign, ..
        } = &branch.pipe;
        let mark = self.vars.len();
        match (decl.as_slice(), is_assign) {
            ([], _) => {}
            ([name], true) => self.set_var(name, item.clone())?,
            ([first, second, ..], true) => {
                self.set_var(first, index)?;
                self.set_var(second, item.clone())?;
            }
            ([_], false) => self.set_top(1, item.clone()),
            ([_, _, ..], false) => {
                self.set_top(1, item.clone());
                self.set_top(2, index);
            }
        }
        let flow = self.walk_list(&item, &branch.list)?;
        self.vars.truncate(mark);
        Ok(flow)
    }

    fn set_top(&mut self, from_top: usize, value: Typed) {
        let index = self.vars.len().checked_sub(from_top);
        if let Some((_, slot)) = index.and_then(|index| self.vars.get_mut(index)) {
            *slot = value;
        }
    }

    /// Assigns to the innermost variable of the name.
    pub fn set_var(&mut self, name: &str, value: Typed) -> Done<()> {
        match self.vars.iter_mut().rev().find(|(var, _)| *var == name) {
            Some((_, slot)) => {
                *slot = value;
                Ok(())
            }
            None => self.fail(format!("undefined variable: {name}")),
        }
    }

    fn template(&mut self, dot: &Typed, call: &'s Call) -> Done<()> {
        self.at(call.at);
        let Some(template) = self.ctx.scope.get(&call.name) else {
            let name = quote(call.name.as_bytes());
            return self.fail(format!("template {name} not defined"));
        };
        if self.depth == MAX_TEMPLATE_DEPTH {
            return self.fail(format!(
                "exceeded maximum template depth ({MAX_TEMPLATE_DEPTH})"
            ));
        }
        let dot = match &call.pipe {
            Some(pipe) => self.pipeline(dot, pipe)?.val,
            None => Val::Nil,
        };
        State::new(self.ctx, &template, dot, self.out, self.depth + 1).run()
    }
}
