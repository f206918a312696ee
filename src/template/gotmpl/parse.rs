//! The parser: tokens to syntax trees, with Go's messages.

use std::collections::HashMap;
use std::rc::Rc;

use super::error::ParseError;
use super::lex::{Item, Keyword, Lexer, Token};
use super::node::{Arg, ArgKind, At, Branch, Call, Callee, Command, List, Node, Pipe};
use super::number::parse_number;
use super::stack::Stack;
use super::strconv::{quote, unquote};

/// How deep parentheses may nest, as in Go.
const MAX_PARENS: usize = 10_000;

/// A text that was parsed: its name and itself, for the places in messages.
pub struct Source {
    /// The name of the file, or `gotpl` for a text given to `tpl`.
    pub name: Box<str>,
    /// The text.
    pub text: Box<str>,
}

/// A template: the main one of a text, or one defined in it.
pub struct Template {
    /// Its name.
    pub name: Rc<str>,
    /// What it does.
    pub root: List,
    /// The text that it stands in.
    pub source: Rc<Source>,
}

/// Finds a function that a template names.
pub type FindFunction<'f> = &'f dyn Fn(&str) -> Option<Callee>;

/// Parses a text to the template of its own name and those that it defines.
///
/// # Errors
/// Go's message with the template's name and the line.
pub fn parse(
    name: &str,
    text: &str,
    functions: FindFunction<'_>,
    stack: Stack,
) -> Result<Vec<Template>, ParseError> {
    let mut parser = Parser {
        name,
        lexer: Lexer::new(text),
        tokens: Vec::new(),
        line: 1,
        vars: vec!["$".into()],
        trees: Vec::new(),
        index: HashMap::new(),
        functions,
        action_line: 0,
        range_depth: 0,
        parens: 0,
        last_id: 0,
        stack,
    };
    if u32::try_from(text.len()).is_err() {
        return parser.fail("the template is too large");
    }
    let root = parser.top()?;
    parser.add(name, root)?;
    let source = Rc::new(Source {
        name: name.into(),
        text: text.into(),
    });
    let template = |(name, root): (Rc<str>, List)| Template {
        name,
        root,
        source: source.clone(),
    };
    Ok(parser.trees.into_iter().map(template).collect())
}

struct Parser<'t> {
    name: &'t str,
    lexer: Lexer<'t>,
    /// Tokens given back, the next one last.
    tokens: Vec<Item>,
    /// The line of the token read last, for messages.
    line: usize,
    /// The variables in scope.
    vars: Vec<Box<str>>,
    trees: Vec<(Rc<str>, List)>,
    index: HashMap<Rc<str>, usize>,
    functions: FindFunction<'t>,
    action_line: usize,
    range_depth: usize,
    parens: usize,
    last_id: u32,
    stack: Stack,
}

type Parsed<T> = Result<T, ParseError>;

/// What ends a list of nodes.
enum End {
    End,
    Else,
}

/// A node, or what ends the list it would stand in.
enum NodeOrEnd {
    Node(Node),
    End(End),
}

impl Parser<'_> {
    fn fail<T>(&self, message: impl Into<String>) -> Parsed<T> {
        Err(ParseError {
            template: self.name.to_string(),
            line: self.line,
            message: message.into(),
        })
    }

    fn unexpected<T>(&self, item: &Item, context: &str) -> Parsed<T> {
        if item.token != Token::Error {
            return self.fail(format!("unexpected {} in {context}", item.shown()));
        }
        if self.action_line == 0 || self.action_line == item.line {
            return self.fail(item.shown());
        }
        // not "unclosed action in action started at"
        let link = match item.text.ends_with(" action") {
            true => " started at",
            false => " in action started at",
        };
        let (name, line) = (self.name, self.action_line);
        self.fail(format!("{}{link} {name}:{line}", item.shown()))
    }

    fn next(&mut self) -> Item {
        if let Some(item) = self.tokens.pop() {
            return item;
        }
        let item = self.lexer.next_item();
        self.line = item.line;
        item
    }

    fn back(&mut self, item: Item) {
        self.tokens.push(item);
    }

    fn peek(&mut self) -> Item {
        let item = self.next();
        self.back(item.clone());
        item
    }

    fn next_non_space(&mut self) -> Item {
        loop {
            let item = self.next();
            if item.token != Token::Space {
                return item;
            }
        }
    }

    fn peek_non_space(&mut self) -> Item {
        let item = self.next_non_space();
        self.back(item.clone());
        item
    }

    fn expect(&mut self, token: Token, context: &str) -> Parsed<()> {
        let item = self.next_non_space();
        match item.token == token {
            true => Ok(()),
            false => self.unexpected(&item, context),
        }
    }

    fn at(&mut self, item: &Item) -> At {
        self.at_pos(item.pos)
    }

    fn at_pos(&mut self, pos: usize) -> At {
        self.last_id += 1;
        At {
            id: self.last_id,
            // the length was checked to fit
            pos: u32::try_from(pos).unwrap_or(u32::MAX),
        }
    }

    fn add(&mut self, name: &str, root: List) -> Parsed<()> {
        if let Some(&index) = self.index.get(name)
            && let Some((_, tree)) = self.trees.get_mut(index)
        {
            if tree.is_empty() {
                *tree = root;
            } else if !root.is_empty() {
                let name = quote(name.as_bytes());
                return self.fail(format!("template: multiple definition of template {name}"));
            }
            return Ok(());
        }
        let name: Rc<str> = name.into();
        self.index.insert(name.clone(), self.trees.len());
        self.trees.push((name, root));
        Ok(())
    }

    fn top(&mut self) -> Parsed<List> {
        let mut list = List::default();
        loop {
            let item = self.peek();
            match item.token {
                Token::Eof => return Ok(list),
                Token::LeftDelim => {
                    let delim = self.next();
                    let word = self.next_non_space();
                    if word.token == Token::Keyword(Keyword::Define) {
                        self.definition()?;
                        continue;
                    }
                    self.back(word);
                    self.back(delim);
                }
                _ => {}
            }
            match self.text_or_action()? {
                NodeOrEnd::Node(node) => list.0.push(node),
                NodeOrEnd::End(End::End) => return self.fail("unexpected {{end}}"),
                NodeOrEnd::End(End::Else) => return self.fail("unexpected {{else}}"),
            }
        }
    }

    fn definition(&mut self) -> Parsed<()> {
        const CONTEXT: &str = "define clause";
        let item = self.next_non_space();
        let name = self.template_name(&item, CONTEXT)?;
        self.expect(Token::RightDelim, CONTEXT)?;
        self.sub_template(&name, CONTEXT)
    }

    /// The body of a definition or a block: a template with variables of its own.
    fn sub_template(&mut self, name: &str, context: &str) -> Parsed<()> {
        let vars = std::mem::replace(&mut self.vars, vec!["$".into()]);
        let outer = (self.action_line, self.range_depth, self.parens);
        (self.action_line, self.range_depth, self.parens) = (0, 0, 0);
        let (root, end) = self.item_list()?;
        if matches!(end, End::Else) {
            return self.fail(format!("unexpected {{{{else}}}} in {context}"));
        }
        self.add(name, root)?;
        (self.action_line, self.range_depth, self.parens) = outer;
        self.vars = vars;
        Ok(())
    }

    fn template_name(&mut self, item: &Item, context: &str) -> Parsed<String> {
        match item.token {
            Token::String | Token::RawString => self.unquote(&item.text),
            _ => self.unexpected(item, context),
        }
    }

    fn unquote(&self, literal: &str) -> Parsed<String> {
        match unquote(literal) {
            Some(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            None => self.fail("invalid syntax"),
        }
    }

    fn item_list(&mut self) -> Parsed<(List, End)> {
        if self.stack.is_low() {
            return self.fail("the template is nested too deep");
        }
        let mut list = List::default();
        while self.peek_non_space().token != Token::Eof {
            match self.text_or_action()? {
                NodeOrEnd::Node(node) => list.0.push(node),
                NodeOrEnd::End(end) => return Ok((list, end)),
            }
        }
        self.fail("unexpected EOF")
    }

    fn text_or_action(&mut self) -> Parsed<NodeOrEnd> {
        let item = self.next_non_space();
        match item.token {
            Token::Text => Ok(NodeOrEnd::Node(Node::Text(item.text.into()))),
            Token::LeftDelim => {
                self.action_line = item.line;
                let node = self.action();
                self.action_line = 0;
                node
            }
            _ => self.unexpected(&item, "input"),
        }
    }

    fn action(&mut self) -> Parsed<NodeOrEnd> {
        let item = self.next_non_space();
        let node = match item.token {
            Token::Keyword(Keyword::Block) => self.block()?,
            Token::Keyword(Keyword::Break) => {
                self.loop_control("{{break}}")?;
                Node::Break
            }
            Token::Keyword(Keyword::Continue) => {
                self.loop_control("{{continue}}")?;
                Node::Continue
            }
            Token::Keyword(Keyword::Else) => {
                let next = self.peek_non_space();
                if !matches!(next.token, Token::Keyword(Keyword::If | Keyword::With)) {
                    self.expect(Token::RightDelim, "else")?;
                }
                return Ok(NodeOrEnd::End(End::Else));
            }
            Token::Keyword(Keyword::End) => {
                self.expect(Token::RightDelim, "end")?;
                return Ok(NodeOrEnd::End(End::End));
            }
            Token::Keyword(Keyword::If) => Node::If(Box::new(self.control("if")?)),
            Token::Keyword(Keyword::Range) => Node::Range(Box::new(self.control("range")?)),
            Token::Keyword(Keyword::With) => Node::With(Box::new(self.control("with")?)),
            Token::Keyword(Keyword::Template) => self.template()?,
            _ => {
                self.back(item);
                Node::Action(self.pipeline("command", Token::RightDelim)?)
            }
        };
        Ok(NodeOrEnd::Node(node))
    }

    fn loop_control(&mut self, word: &str) -> Parsed<()> {
        let item = self.next_non_space();
        if item.token != Token::RightDelim {
            return self.unexpected(&item, word);
        }
        if self.range_depth == 0 {
            return self.fail(format!("{word} outside {{{{range}}}}"));
        }
        Ok(())
    }

    fn control(&mut self, context: &str) -> Parsed<Branch> {
        let vars = self.vars.len();
        let pipe = self.pipeline(context, Token::RightDelim)?;
        let ranges = usize::from(context == "range");
        self.range_depth += ranges;
        let (list, end) = self.item_list()?;
        self.range_depth -= ranges;
        let else_list = match end {
            End::End => None,
            End::Else => Some(self.else_list(context)?),
        };
        self.vars.truncate(vars);
        Ok(Branch {
            pipe,
            list,
            else_list,
        })
    }

    /// After an `else`: `else if` and `else with` share the end of the construct before them.
    fn else_list(&mut self, context: &str) -> Parsed<List> {
        let next = self.peek();
        let node = match (context, next.token) {
            ("if", Token::Keyword(Keyword::If)) => {
                self.next();
                Node::If(Box::new(self.control("if")?))
            }
            ("with", Token::Keyword(Keyword::With)) => {
                self.next();
                Node::With(Box::new(self.control("with")?))
            }
            _ => {
                let (list, end) = self.item_list()?;
                return match end {
                    End::End => Ok(list),
                    End::Else => self.fail("expected end; found {{else}}"),
                };
            }
        };
        Ok(List(vec![node]))
    }

    fn block(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "block clause";
        let item = self.next_non_space();
        let name = self.template_name(&item, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Token::RightDelim)?;
        self.sub_template(&name, CONTEXT)?;
        Ok(Node::Template(Box::new(Call {
            at: self.at(&item),
            name: name.into(),
            pipe: Some(pipe),
        })))
    }

    fn template(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "template clause";
        let item = self.next_non_space();
        let name = self.template_name(&item, CONTEXT)?;
        let next = self.next_non_space();
        let pipe = match next.token {
            Token::RightDelim => None,
            _ => {
                self.back(next);
                Some(self.pipeline(CONTEXT, Token::RightDelim)?)
            }
        };
        Ok(Node::Template(Box::new(Call {
            at: self.at(&item),
            name: name.into(),
            pipe,
        })))
    }

    fn pipeline(&mut self, context: &str, end: Token) -> Parsed<Pipe> {
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
                _ => after.clone(),
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
            pipe.decl.push(variable.text.as_str().into());
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
        let mut fields: Vec<Box<str>> = Vec::new();
        while self.peek().token == Token::Field {
            let item = self.next();
            fields.push(item.text.trim_start_matches('.').into());
        }
        let with = |names: Box<[Box<str>]>| names.into_iter().chain(fields.clone()).collect();
        let kind = match arg.kind {
            ArgKind::Field(names) => ArgKind::Field(with(names)),
            ArgKind::Variable(name, names) => ArgKind::Variable(name, with(names)),
            ArgKind::Bool(_)
            | ArgKind::String(..)
            | ArgKind::Number(_)
            | ArgKind::Nil
            | ArgKind::Dot => {
                let term = quote(arg.to_string().as_bytes());
                return self.fail(format!("unexpected . after term {term}"));
            }
            _ => ArgKind::Chain(Box::new(arg), fields.into()),
        };
        Ok(Some(Arg { at, kind }))
    }

    fn term(&mut self) -> Parsed<Option<Arg>> {
        let item = self.next_non_space();
        let kind = match item.token {
            Token::Identifier => match (self.functions)(&item.text) {
                Some(callee) => ArgKind::Function(item.text.as_str().into(), callee),
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
                ArgKind::Variable(item.text.as_str().into(), Box::default())
            }
            Token::Field => ArgKind::Field([item.text.trim_start_matches('.').into()].into()),
            Token::Bool => ArgKind::Bool(item.text == "true"),
            Token::CharConstant | Token::Complex | Token::Number => {
                match parse_number(&item.text, item.token) {
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
            Token::String | Token::RawString => match unquote(&item.text) {
                Some(bytes) => {
                    let value = super::value::Str::from_bytes(bytes);
                    ArgKind::String(item.text.as_str().into(), value)
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
