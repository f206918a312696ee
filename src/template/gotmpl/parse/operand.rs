//! Pipelines, commands and operands.

use super::{MAX_PARENS, Parsed, Parser};
use crate::template::gotmpl::lex::{Item, Token};
use crate::template::gotmpl::node::{Arg, ArgKind, Command, Pipe};
use crate::template::gotmpl::number::parse_number;
use crate::template::gotmpl::strconv::{quote, unquote};

impl Parser<'_> {
    pub(super) fn pipeline(&mut self, context: &str, end: Token) -> Parsed<Pipe> {
        if self.stack.is_low() {
            return self.fail("the template is nested too deep");
        }
        let first = self.peek_non_space();
        let mut pipe = Pipe {
            at: self.at(&first),
            is_assign: false,
            decl: Vec::new(),
            cmds: Vec::new(),
        };
        self.declarations(context, &mut pipe)?;
        loop {
            let item = self.next_non_space();
            match item.token {
                token if token == end => break,
                Token::Bool
                | Token::CharConstant
                | Token::Complex
                | Token::Dot
                | Token::Field
                | Token::Identifier
                | Token::Number
                | Token::Nil
                | Token::RawString
                | Token::String
                | Token::Variable
                | Token::LeftParen => {
                    self.back(item);
                    let command = self.command()?;
                    pipe.cmds.push(command);
                }
                _ => return self.unexpected(&item, context),
            }
        }
        if pipe.cmds.is_empty() {
            return self.fail(format!("missing value for {context}"));
        }
        for (index, cmd) in pipe.cmds.iter().enumerate().skip(1) {
            let plain = |arg: &Arg| {
                use ArgKind::{Bool, Dot, Nil, Number, String};
                matches!(arg.kind, Bool(_) | Dot | Nil | Number(_) | String(..))
            };
            if cmd.args.first().is_some_and(plain) {
                let stage = index + 1;
                return self.fail(format!("non executable command in pipeline stage {stage}"));
            }
        }
        Ok(pipe)
    }

    /// `$x :=`, `$x =`, and in a range `$i, $x :=`.
    fn declarations(&mut self, context: &str, pipe: &mut Pipe) -> Parsed<()> {
        loop {
            let variable = self.next_non_space();
            if variable.token != Token::Variable {
                self.back(variable);
                return Ok(());
            }
            let after = self.next();
            let next = match after.token {
                Token::Space => self.peek_non_space(),
                _ => after,
            };
            let comma = next.token == Token::Char && next.text == ",";
            if !comma && !matches!(next.token, Token::Assign | Token::Declare) {
                self.back(after);
                self.back(variable);
                return Ok(());
            }
            if after.token == Token::Space {
                self.next_non_space();
            }
            pipe.decl.push(variable.text.into());
            self.vars.push(variable.text.into());
            if !comma {
                pipe.is_assign = next.token == Token::Assign;
                return Ok(());
            }
            if context != "range" || pipe.decl.len() >= 2 {
                return self.fail(format!("too many declarations in {context}"));
            }
            let follows = self.peek_non_space().token;
            if !matches!(
                follows,
                Token::Variable | Token::RightDelim | Token::RightParen
            ) {
                return self.fail("range can only initialize variables");
            }
        }
    }

    fn command(&mut self) -> Parsed<Command> {
        let first = self.peek_non_space();
        let mut command = Command {
            at: self.at(&first),
            args: Vec::new(),
        };
        loop {
            self.peek_non_space();
            if let Some(arg) = self.operand()? {
                command.args.push(arg);
            }
            let item = self.next();
            match item.token {
                Token::Space => continue,
                Token::RightDelim | Token::RightParen => self.back(item),
                Token::Pipe => {}
                _ => return self.unexpected(&item, "operand"),
            }
            break;
        }
        if command.args.is_empty() {
            return self.fail("empty command");
        }
        Ok(command)
    }

    fn operand(&mut self) -> Parsed<Option<Arg>> {
        let Some(arg) = self.term()? else {
            return Ok(None);
        };
        let first = self.peek();
        if first.token != Token::Field {
            return Ok(Some(arg));
        }
        let at = self.at(&first);
        let mut kind = match arg.kind {
            kind @ (ArgKind::Field(_) | ArgKind::Variable(..)) => kind,
            ArgKind::Bool(_)
            | ArgKind::String(..)
            | ArgKind::Number(_)
            | ArgKind::Nil
            | ArgKind::Dot => {
                let term = quote(arg.to_string().as_bytes());
                return self.fail(format!("unexpected . after term {term}"));
            }
            _ => ArgKind::Chain(Box::new(arg), Vec::new()),
        };
        if let ArgKind::Field(names) | ArgKind::Variable(_, names) | ArgKind::Chain(_, names) =
            &mut kind
        {
            while self.peek().token == Token::Field {
                names.push(field_name(&self.next()));
            }
        }
        Ok(Some(Arg { at, kind }))
    }

    fn term(&mut self) -> Parsed<Option<Arg>> {
        let item = self.next_non_space();
        let kind = match item.token {
            Token::Identifier => match (self.functions)(item.text) {
                Some(callee) => ArgKind::Function(item.text.into(), callee),
                None => {
                    let name = quote(item.text.as_bytes());
                    return self.fail(format!("function {name} not defined"));
                }
            },
            Token::Dot => ArgKind::Dot,
            Token::Nil => ArgKind::Nil,
            Token::Variable => {
                if !self.vars.iter().any(|var| **var == *item.text) {
                    let name = quote(item.text.as_bytes());
                    return self.fail(format!("undefined variable {name}"));
                }
                ArgKind::Variable(item.text.into(), Vec::new())
            }
            Token::Field => ArgKind::Field(vec![field_name(&item)]),
            Token::Bool => ArgKind::Bool(item.text == "true"),
            Token::CharConstant | Token::Complex | Token::Number => {
                match parse_number(item.text, item.token) {
                    Ok(number) => ArgKind::Number(Box::new(number)),
                    Err(message) => return self.fail(message),
                }
            }
            Token::LeftParen => {
                if self.parens >= MAX_PARENS {
                    return self.fail("max expression depth exceeded");
                }
                self.parens += 1;
                let pipe = self.pipeline("parenthesized pipeline", Token::RightParen)?;
                self.parens -= 1;
                let at = pipe.at;
                let kind = ArgKind::Pipe(Box::new(pipe));
                return Ok(Some(Arg { at, kind }));
            }
            Token::String | Token::RawString => match unquote(item.text) {
                Some(bytes) => {
                    self.strings.push(bytes);
                    ArgKind::String(item.text.into(), self.strings.len() - 1)
                }
                None => return self.fail("invalid syntax"),
            },
            _ => {
                self.back(item);
                return Ok(None);
            }
        };
        let at = self.at(&item);
        Ok(Some(Arg { at, kind }))
    }
}

/// `.name` without the dot.
fn field_name(item: &Item<'_>) -> Box<str> {
    item.text.trim_start_matches('.').into()
}
