//! Pipelines, commands, fields and variables.

use super::walk::{Done, State, Typed};
use crate::template::gotmpl::methods;
use crate::template::gotmpl::node::{Arg, ArgKind, At, Number, Pipe};
use crate::template::gotmpl::strconv::quote;
use crate::template::gotmpl::value::Val;

impl<'s> State<'s, '_> {
    /// The value of a pipeline, which its variables take.
    pub fn pipeline(&mut self, dot: &Typed, pipe: &'s Pipe) -> Done<Typed> {
        self.at(pipe.at);
        self.step()?;
        let mut value: Option<Typed> = None;
        for cmd in &pipe.cmds {
            let result = self.command(dot, cmd.at, &cmd.args, value)?;
            // what was in an interface comes out of it
            value = Some(Typed::new(result.val));
        }
        let value = value.unwrap_or_default();
        for name in &pipe.decl {
            if pipe.is_assign {
                self.set_var(name, value.clone())?;
            } else {
                self.vars.push((name, value.clone()));
            }
        }
        Ok(value)
    }

    /// The value of a command; `last` is that of the command before it in the pipeline.
    fn command(
        &mut self,
        dot: &Typed,
        at: At,
        args: &'s [Arg],
        last: Option<Typed>,
    ) -> Done<Typed> {
        let Some((first, rest)) = args.split_first() else {
            return self.fail("empty command");
        };
        match &first.kind {
            ArgKind::Field(names) => {
                self.at(first.at);
                self.fields(dot, dot.clone(), first.at, names, rest, last)
            }
            ArgKind::Chain(..) => self.chain(dot, first, rest, last),
            ArgKind::Function(name, callee) => {
                self.at(first.at);
                self.call(dot, *callee, name, at, rest, last)
            }
            ArgKind::Pipe(pipe) => {
                self.not_a_function(first, rest, &last)?;
                self.pipeline(dot, pipe)
            }
            ArgKind::Variable(..) => self.variable(dot, first, rest, last),
            kind => {
                self.at(first.at);
                self.not_a_function(first, rest, &last)?;
                match kind {
                    ArgKind::Bool(b) => Ok(Typed::new(Val::Bool(*b))),
                    ArgKind::Dot => Ok(dot.clone()),
                    ArgKind::Number(number) => self.constant(number),
                    ArgKind::String(_, number) => Ok(Typed::new(self.string(*number))),
                    _ => self.fail("nil is not a command"),
                }
            }
        }
    }

    fn not_a_function(&self, first: &Arg, rest: &[Arg], last: &Option<Typed>) -> Done<()> {
        if rest.is_empty() && last.is_none() {
            return Ok(());
        }
        self.fail(format!("can't give argument to non-function {first}"))
    }

    /// The string of a literal.
    pub(super) fn string(&self, number: usize) -> Val {
        let text = self.template.source.strings.get(number);
        text.map_or_else(|| "".into(), |text| Val::Str(text.clone()))
    }

    /// A number where nothing says which kind it is to be: its text decides.
    pub(super) fn constant(&self, number: &Number) -> Done<Typed> {
        let text = &*number.text;
        if let Some((re, im)) = number.complex {
            return Ok(Typed::new(Val::Complex(re, im)));
        }
        let hex = text.len() > 2
            && text.starts_with('0')
            && text.get(1..2).is_some_and(|x| x.eq_ignore_ascii_case("x"))
            && !text.contains(['p', 'P']);
        let looks_float = text.contains(['.', 'e', 'E', 'p', 'P']);
        match (number.float, number.int) {
            (Some(float), _) if looks_float && !hex && !text.starts_with('\'') => {
                Ok(Typed::new(Val::Float(float)))
            }
            (_, Some(int)) => Ok(Typed::new(Val::Int(int))),
            _ => self.fail(format!("{text} overflows int")),
        }
    }

    pub(super) fn chain(
        &mut self,
        dot: &Typed,
        arg: &'s Arg,
        rest: &'s [Arg],
        last: Option<Typed>,
    ) -> Done<Typed> {
        self.at(arg.at);
        let ArgKind::Chain(inner, names) = &arg.kind else {
            return Ok(Typed::default());
        };
        self.at(inner.at);
        let receiver = match &inner.kind {
            ArgKind::Pipe(pipe) => self.pipeline(dot, pipe)?,
            ArgKind::Function(name, callee) => {
                self.call(dot, *callee, name, inner.at, &[], None)?
            }
            _ => return self.fail(format!("indirection through explicit nil in {arg}")),
        };
        self.fields(dot, receiver, arg.at, names, rest, last)
    }

    pub(super) fn variable(
        &mut self,
        dot: &Typed,
        arg: &'s Arg,
        rest: &'s [Arg],
        last: Option<Typed>,
    ) -> Done<Typed> {
        self.at(arg.at);
        let ArgKind::Variable(name, names) = &arg.kind else {
            return Ok(Typed::default());
        };
        let found = self.vars.iter().rev().find(|(var, _)| *var == &**name);
        let Some((_, value)) = found else {
            return self.fail(format!("undefined variable: {name}"));
        };
        let value = value.clone();
        if names.is_empty() {
            self.not_a_function(arg, rest, &last)?;
            return Ok(value);
        }
        self.fields(dot, value, arg.at, names, rest, last)
    }

    /// `.a.b.c`, of which the last may be a method with arguments.
    pub(super) fn fields(
        &mut self,
        dot: &Typed,
        mut receiver: Typed,
        at: At,
        names: &'s [Box<str>],
        rest: &'s [Arg],
        last: Option<Typed>,
    ) -> Done<Typed> {
        let Some((method, path)) = names.split_last() else {
            return Ok(receiver);
        };
        for name in path {
            receiver = self.field(dot, receiver, at, name, &[], None)?;
        }
        self.field(dot, receiver, at, method, rest, last)
    }

    fn field(
        &mut self,
        dot: &Typed,
        receiver: Typed,
        at: At,
        name: &'s str,
        rest: &'s [Arg],
        last: Option<Typed>,
    ) -> Done<Typed> {
        let strict = self.ctx.options.strict;
        if let Val::Nil = receiver.val {
            if receiver.any {
                return self.fail(format!("nil pointer evaluating interface {{}}.{name}"));
            }
            if strict {
                let key = quote(name.as_bytes());
                return self.fail(format!("nil data; no entry for key {key}"));
            }
            return Ok(Typed::default());
        }
        if let Some(method) = methods::find(&receiver.val, name) {
            return self.method(dot, receiver.val, method, at, rest, last);
        }
        let has_args = !rest.is_empty() || last.is_some();
        match &receiver.val {
            Val::Map(map) => {
                if has_args {
                    return self.fail(format!("{name} is not a method but has arguments"));
                }
                let any = map.kind().elem_is_any();
                match map.get(name) {
                    Some(val) => Ok(Typed { val, any }),
                    None if strict => {
                        let key = quote(name.as_bytes());
                        self.fail(format!("map has no entry for key {key}"))
                    }
                    None => Ok(Typed {
                        val: map.kind().zero(),
                        any,
                    }),
                }
            }
            Val::Object(object) => match object.field(name) {
                Some(_) if has_args => self.fail(format!(
                    "{name} has arguments but cannot be invoked as function"
                )),
                Some(val) => Ok(Typed::new(val)),
                None => self.no_field(&receiver, name),
            },
            _ => self.no_field(&receiver, name),
        }
    }

    fn no_field(&self, receiver: &Typed, name: &str) -> Done<Typed> {
        let type_name = receiver.type_name();
        self.fail(format!("can't evaluate field {name} in type {type_name}"))
    }
}
