//! The parser: tokens to syntax trees, with Go's messages.

mod operand;

use std::rc::Rc;

use foldhash::fast::RandomState;
use indexmap::IndexMap;

use super::error::ParseError;
use super::lex::{Item, Keyword, Lexer, Token};
use super::node::{At, Branch, Call, Callee, List, Node};
use super::stack::Stack;
use super::strconv::{quote, unquote};
use super::value::Str;

/// How deep parentheses may nest, as in Go.
const MAX_PARENS: usize = 10_000;

/// A text that was parsed: its name and itself, for the places in messages, and the strings in it.
pub struct Source {
    /// The name of the file, or `gotpl` for a text given to `tpl`.
    pub name: Box<str>,
    /// The text.
    pub text: Box<str>,
    /// What its literals mean, by their numbers in the trees.
    pub strings: Vec<Str>,
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

/// What a text was parsed to. Unlike templates, which share it, it can be sent to another thread.
pub struct ParsedText {
    name: Box<str>,
    text: Box<str>,
    strings: Vec<Vec<u8>>,
    trees: Trees,
}

/// The templates of a text by their names, in the order of their definition.
type Trees = IndexMap<Box<str>, List, RandomState>;

impl ParsedText {
    /// The templates of the text.
    pub fn into_templates(self) -> impl Iterator<Item = Rc<Template>> {
        let source = Rc::new(Source {
            name: self.name,
            text: self.text,
            strings: self.strings.into_iter().map(Str::from_bytes).collect(),
        });
        self.trees.into_iter().map(move |(name, root)| {
            Rc::new(Template {
                name: name.into(),
                root,
                source: source.clone(),
            })
        })
    }
}

/// Finds a function that a template names.
pub type FindFunction<'f> = &'f (dyn Fn(&str) -> Option<Callee> + Sync);

/// Parses a text to the template of its own name and those that it defines.
///
/// # Errors
/// Go's message with the template's name and the line.
pub fn parse(
    name: &str,
    text: &str,
    functions: FindFunction<'_>,
    stack: Stack,
) -> Result<ParsedText, ParseError> {
    let mut parser = Parser {
        name,
        lexer: Lexer::new(text),
        tokens: Vec::new(),
        line: 1,
        vars: vec!["$".into()],
        trees: Trees::default(),
        strings: Vec::new(),
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
    Ok(ParsedText {
        name: name.into(),
        text: text.into(),
        strings: parser.strings,
        trees: parser.trees,
    })
}

struct Parser<'t> {
    name: &'t str,
    lexer: Lexer<'t>,
    /// Tokens given back, the next one last.
    tokens: Vec<Item<'t>>,
    /// The line of the token read last, for messages.
    line: usize,
    /// The variables in scope.
    vars: Vec<Box<str>>,
    trees: Trees,
    /// What the string literals mean.
    strings: Vec<Vec<u8>>,
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

impl<'t> Parser<'t> {
    fn fail<T>(&self, message: impl Into<String>) -> Parsed<T> {
        Err(ParseError {
            template: self.name.to_string(),
            line: self.line,
            message: message.into(),
        })
    }

    fn unexpected<T>(&self, item: &Item<'_>, context: &str) -> Parsed<T> {
        let Some(failure) = self.lexer.failure().filter(|_| item.token == Token::Error) else {
            return self.fail(format!("unexpected {} in {context}", item.shown()));
        };
        if self.action_line == 0 || self.action_line == item.line {
            return self.fail(failure);
        }
        // not "unclosed action in action started at"
        let link = match failure.ends_with(" action") {
            true => " started at",
            false => " in action started at",
        };
        let (name, line) = (self.name, self.action_line);
        self.fail(format!("{failure}{link} {name}:{line}"))
    }

    fn next(&mut self) -> Item<'t> {
        if let Some(item) = self.tokens.pop() {
            return item;
        }
        let item = self.lexer.next_item();
        self.line = item.line;
        item
    }

    fn back(&mut self, item: Item<'t>) {
        self.tokens.push(item);
    }

    fn peek(&mut self) -> Item<'t> {
        if let Some(item) = self.tokens.last() {
            return *item;
        }
        let item = self.next();
        self.back(item);
        item
    }

    fn next_non_space(&mut self) -> Item<'t> {
        loop {
            let item = self.next();
            if item.token != Token::Space {
                return item;
            }
        }
    }

    fn peek_non_space(&mut self) -> Item<'t> {
        let item = self.next_non_space();
        self.back(item);
        item
    }

    fn expect(&mut self, token: Token, context: &str) -> Parsed<()> {
        let item = self.next_non_space();
        match item.token == token {
            true => Ok(()),
            false => self.unexpected(&item, context),
        }
    }

    fn at(&mut self, item: &Item<'_>) -> At {
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
        if let Some(tree) = self.trees.get_mut(name) {
            if tree.is_empty() {
                *tree = root;
            } else if !root.is_empty() {
                let name = quote(name.as_bytes());
                return self.fail(format!("template: multiple definition of template {name}"));
            }
            return Ok(());
        }
        self.trees.insert(name.into(), root);
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

    fn template_name(&mut self, item: &Item<'_>, context: &str) -> Parsed<String> {
        match item.token {
            Token::String | Token::RawString => self.unquote(item.text),
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
}
