//! Calls: arguments converted to what a function takes, with Go's messages where they can't be.

use super::walk::{Done, State, Typed};
use crate::template::gotmpl::builtins::{self, Builtin};
use crate::template::gotmpl::func::{Func, FuncError, Ty};
use crate::template::gotmpl::node::{Arg, ArgKind, At, Callee};
use crate::template::gotmpl::value::{Elem, Kind, List, Map, MapKind, Val};

impl<'s> State<'s, '_> {
    /// Calls a function; `at` is the node that an error of it names.
    pub fn call(
        &mut self,
        dot: &Typed,
        callee: Callee,
        name: &str,
        at: At,
        args: &'s [Arg],
        last: Option<Typed>,
    ) -> Done<Typed> {
        match callee {
            Callee::Func(func) => self.call_func(dot, func, None, at, args, last),
            Callee::Builtin(builtin) => self.call_builtin(dot, builtin, name, at, args, last),
        }
    }

    /// Calls a method.
    pub fn method(
        &mut self,
        dot: &Typed,
        receiver: Val,
        func: &'static Func,
        at: At,
        args: &'s [Arg],
        last: Option<Typed>,
    ) -> Done<Typed> {
        self.call_func(dot, func, Some(receiver), at, args, last)
    }

    fn call_func(
        &mut self,
        dot: &Typed,
        func: &'static Func,
        receiver: Option<Val>,
        at: At,
        args: &'s [Arg],
        last: Option<Typed>,
    ) -> Done<Typed> {
        let fixed = func.params.len();
        self.check_count(func.name, fixed, func.variadic.is_some(), args, &last)?;
        let param = |index: usize| {
            let param = func.params.get(index).copied();
            param.or(func.variadic).unwrap_or(Ty::Any)
        };
        let mut values = Vec::with_capacity(args.len() + 2);
        values.extend(receiver);
        for (index, arg) in args.iter().enumerate() {
            values.push(self.argument(dot, param(index), arg)?);
        }
        if let Some(last) = last {
            values.push(self.convert(last, param(args.len()))?);
        }
        match (func.call)(self.ctx, &values) {
            Ok(val) => Ok(Typed { val, any: false }),
            Err(err) => Err(self.call_failed(at, func.name, err)),
        }
    }

    fn check_count(
        &self,
        name: &str,
        fixed: usize,
        variadic: bool,
        args: &[Arg],
        last: &Option<Typed>,
    ) -> Done<()> {
        let given = args.len() + usize::from(last.is_some());
        if variadic && given < fixed {
            return self.fail(format!(
                "wrong number of args for {name}: want at least {fixed} got {}",
                args.len()
            ));
        }
        if !variadic && given != fixed {
            return self.fail(format!(
                "wrong number of args for {name}: want {fixed} got {given}"
            ));
        }
        Ok(())
    }

    /// An argument as a value of a type.
    fn argument(&mut self, dot: &Typed, ty: Ty, arg: &'s Arg) -> Done<Val> {
        self.at(arg.at);
        let value = match &arg.kind {
            ArgKind::Nil if ty.can_be_nil() => return Ok(zero(ty)),
            ArgKind::Nil => return self.fail(format!("cannot assign nil to {}", ty.name())),
            ArgKind::Bool(_) | ArgKind::Number(_) | ArgKind::String(..) => {
                return self.literal(ty, arg);
            }
            _ => self.operand(dot, arg)?,
        };
        self.convert(value, ty)
    }

    /// An argument that is no literal.
    fn operand(&mut self, dot: &Typed, arg: &'s Arg) -> Done<Typed> {
        match &arg.kind {
            ArgKind::Dot => Ok(dot.clone()),
            ArgKind::Field(names) => {
                self.at(arg.at);
                self.fields(dot, dot.clone(), arg.at, names, &[], None)
            }
            ArgKind::Variable(..) => self.variable(dot, arg, &[], None),
            ArgKind::Pipe(pipe) => self.pipeline(dot, pipe),
            ArgKind::Function(name, callee) => {
                self.at(arg.at);
                self.call(dot, *callee, name, arg.at, &[], None)
            }
            ArgKind::Chain(..) => self.chain(dot, arg, &[], None),
            ArgKind::Nil => Ok(Typed::default()),
            ArgKind::Bool(b) => Ok(Typed::new(Val::Bool(*b))),
            ArgKind::Number(number) => self.constant(number),
            ArgKind::String(_, number) => Ok(Typed::new(self.string(*number))),
        }
    }

    /// A literal takes the type that it is wanted in, if it can.
    fn literal(&mut self, ty: Ty, arg: &'s Arg) -> Done<Val> {
        if ty == Ty::Any {
            return Ok(self.operand(&Typed::default(), arg)?.val);
        }
        let wanted = match (ty.kind(), &arg.kind) {
            (Some(Kind::Bool), ArgKind::Bool(b)) => return Ok(Val::Bool(*b)),
            (Some(Kind::String), ArgKind::String(_, number)) => return Ok(self.string(*number)),
            (Some(Kind::Int | Kind::Int64), ArgKind::Number(number)) if number.int.is_some() => {
                let int = number.int.unwrap_or(0);
                return Ok(match ty {
                    Ty::Int => Val::Int(int),
                    Ty::Duration => Val::duration(int),
                    _ => Val::Int64(int),
                });
            }
            (Some(Kind::Float64), ArgKind::Number(number)) if number.float.is_some() => {
                return Ok(Val::Float(number.float.unwrap_or(0.0)));
            }
            (Some(Kind::Uint64), ArgKind::Number(number)) if number.uint.is_some() => {
                // Go's reflection cuts it off without a word
                return Ok(Val::Uint64(number.uint.unwrap_or(0) & 0xffff_ffff));
            }
            (Some(Kind::Uint64), _) => "unsigned integer",
            (Some(Kind::Bool), _) => "bool",
            (Some(Kind::String), _) => "string",
            (Some(Kind::Int | Kind::Int64), _) => "integer",
            (Some(Kind::Float64), _) => "float",
            _ => {
                let name = ty.name();
                return self.fail(format!("can't handle {arg} for arg of type {name}"));
            }
        };
        self.fail(format!("expected {wanted}; found {arg}"))
    }

    /// A value as one of a type: nothing is converted, only nils and interfaces are seen through.
    fn convert(&self, value: Typed, ty: Ty) -> Done<Val> {
        let name = ty.name();
        match (&value.val, ty) {
            (Val::Object(object), Ty::Any) => Ok(object.copied().unwrap_or(value.val)),
            (_, Ty::Any) => Ok(value.val),
            (Val::Nil, _) if value.any => self.fail(format!(
                "wrong type for value; expected {name}; got interface {{}}"
            )),
            (Val::Nil, _) if ty.can_be_nil() => Ok(zero(ty)),
            (Val::Nil, _) => self.fail(format!("invalid value; expected {name}")),
            (val, _) if ty.accepts(val) => Ok(value.val),
            (val, _) => {
                let got = val.type_name();
                self.fail(format!("wrong type for value; expected {name}; got {got}"))
            }
        }
    }

    fn call_builtin(
        &mut self,
        dot: &Typed,
        builtin: Builtin,
        name: &str,
        at: At,
        args: &'s [Arg],
        last: Option<Typed>,
    ) -> Done<Typed> {
        let (fixed, variadic) = builtin.arity();
        self.check_count(name, fixed, variadic, args, &last)?;
        if matches!(builtin, Builtin::And | Builtin::Or) {
            return self.short_circuit(dot, builtin == Builtin::Or, args, last);
        }
        let mut values = Vec::with_capacity(args.len() + 1);
        for (index, arg) in args.iter().enumerate() {
            if builtin == Builtin::Printf && index == 0 {
                let format = self.argument(dot, Ty::Str, arg)?;
                values.push(Typed::new(format));
                continue;
            }
            self.at(arg.at);
            values.push(self.operand(dot, arg)?);
        }
        if let Some(last) = last {
            let format = builtin == Builtin::Printf && args.is_empty();
            values.push(match format {
                true => Typed::new(self.convert(last, Ty::Str)?),
                false => last,
            });
        }
        let result = match builtin {
            Builtin::Call => {
                let callee = args.first().map(ToString::to_string);
                builtins::call(&values, callee.as_deref())
            }
            _ => self.apply(builtin, values),
        };
        result.map_err(|err| self.call_failed(at, name, err))
    }

    fn apply(&mut self, builtin: Builtin, values: Vec<Typed>) -> Result<Typed, FuncError> {
        if let Some(result) = builtins::simple(builtin, &values) {
            return result.map_err(FuncError::Message);
        }
        let mut args: Vec<Val> = values.into_iter().map(|value| value.val).collect();
        let text = match builtin {
            Builtin::Printf => {
                let format = args.first().and_then(Val::as_str).cloned();
                let format = format.unwrap_or_else(|| "".into());
                args.remove(0);
                self.ctx.sprintf(format.as_bytes(), &args)?
            }
            Builtin::Print => self.ctx.sprint(&args)?,
            Builtin::Println => self.ctx.sprintln(&args)?,
            _ => {
                for arg in args.iter_mut().filter(|arg| matches!(arg, Val::Nil)) {
                    *arg = "<no value>".into();
                }
                let text = self.ctx.sprint(&args)?;
                let escaped = builtins::escape(builtin, &text);
                self.ctx.charge(escaped.len())?;
                escaped
            }
        };
        Ok(Typed::new(Val::Str(text)))
    }

    /// `and` and `or`: the first argument that decides, or the last one.
    fn short_circuit(
        &mut self,
        dot: &Typed,
        or: bool,
        args: &'s [Arg],
        last: Option<Typed>,
    ) -> Done<Typed> {
        let mut value = Typed::default();
        for arg in args {
            self.at(arg.at);
            value = self.operand(dot, arg)?;
            if value.val.truth() == or {
                return Ok(value);
            }
        }
        Ok(last.unwrap_or(value))
    }
}

/// Go's zero value of a type that can be nil.
fn zero(ty: Ty) -> Val {
    match ty {
        Ty::AnyList => Val::List(List::nil(Elem::Any)),
        Ty::StrList => Val::List(List::nil(Elem::Str)),
        Ty::AnyMap => Val::Map(Map::nil(MapKind::Any)),
        Ty::StrMap => Val::Map(Map::nil(MapKind::Str)),
        _ => Val::Nil,
    }
}
