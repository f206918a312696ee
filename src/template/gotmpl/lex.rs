//! The lexer: template text to tokens, trim markers and comments dealt with.

use super::strconv::is_print;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// The lexer failed: [`Lexer::failure`] says how.
    Error,
    /// `true` or `false`.
    Bool,
    /// Any other printable ASCII character, for instance a comma.
    Char,
    /// `'x'`.
    CharConstant,
    /// `1+2i`.
    Complex,
    /// `=`.
    Assign,
    /// `:=`.
    Declare,
    /// The end.
    Eof,
    /// `.name`.
    Field,
    /// A name.
    Identifier,
    /// `{{`.
    LeftDelim,
    /// `(`.
    LeftParen,
    /// A number that is not complex, or is imaginary.
    Number,
    /// `|`.
    Pipe,
    /// Text in backquotes, with them.
    RawString,
    /// `}}`.
    RightDelim,
    /// `)`.
    RightParen,
    /// A run of spaces, tabs and line ends.
    Space,
    /// Text in quotes, with them.
    String,
    /// Text outside actions.
    Text,
    /// `$` or `$name`.
    Variable,
    /// `.`.
    Dot,
    /// `nil`.
    Nil,
    /// `block`, `define`, `if` and so on.
    Keyword(Keyword),
}

/// The words that open, divide or leave a construct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // each is the word itself
pub enum Keyword {
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Range,
    Template,
    With,
}

/// A token and where it starts.
#[derive(Debug, Clone, Copy)]
pub struct Item<'t> {
    /// What it is.
    pub token: Token,
    /// Its first byte in the text.
    pub pos: usize,
    /// Its text.
    pub text: &'t str,
    /// The line it starts on, from 1.
    pub line: usize,
}

impl Item<'_> {
    /// How Go shows it in a message.
    pub fn shown(&self) -> String {
        match self.token {
            Token::Eof => "EOF".to_string(),
            Token::Keyword(_) | Token::Dot | Token::Nil => format!("<{}>", self.text),
            _ if self.text.len() > 10 => {
                let start: String = self.text.chars().take(10).collect();
                format!("{}...", super::strconv::quote(start.as_bytes()))
            }
            _ => super::strconv::quote(self.text.as_bytes()),
        }
    }
}

const LEFT: &str = "{{";
const RIGHT: &str = "}}";
const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];
/// A trim marker is a minus and the space beside it.
const MARKER: usize = 2;

/// Reads a text token by token.
pub struct Lexer<'t> {
    input: &'t str,
    pos: usize,
    start: usize,
    line: usize,
    start_line: usize,
    parens: usize,
    in_action: bool,
    failure: Option<String>,
}

type Lexed<'t> = Result<Item<'t>, String>;

impl<'t> Lexer<'t> {
    /// A lexer at the start of the text.
    pub fn new(input: &'t str) -> Lexer<'t> {
        Lexer {
            input,
            pos: 0,
            start: 0,
            line: 1,
            start_line: 1,
            parens: 0,
            in_action: false,
            failure: None,
        }
    }

    /// The next token; after an error or the end, the end again.
    pub fn next_item(&mut self) -> Item<'t> {
        if self.failure.is_some() {
            return self.item(Token::Eof);
        }
        let lexed = if self.in_action {
            self.action()
        } else {
            self.text()
        };
        lexed.unwrap_or_else(|message| {
            self.failure = Some(message);
            Item {
                token: Token::Error,
                pos: self.start,
                text: "",
                line: self.start_line,
            }
        })
    }

    /// What is wrong with the text, after [`Token::Error`].
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    fn rest(&self) -> &'t str {
        self.input.get(self.pos..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        match self.input.as_bytes().get(self.pos) {
            Some(byte) if byte.is_ascii() => Some(char::from(*byte)),
            Some(_) => self.rest().chars().next(),
            None => None,
        }
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.pos += c.len_utf8();
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    fn accept(&mut self, valid: &str) -> bool {
        let found = self.peek().is_some_and(|c| valid.contains(c));
        if found {
            self.next();
        }
        found
    }

    fn accept_run(&mut self, valid: &str) {
        while self.accept(valid) {}
    }

    fn token_text(&self) -> &'t str {
        self.input.get(self.start..self.pos).unwrap_or("")
    }

    fn item(&mut self, token: Token) -> Item<'t> {
        let text = match token {
            Token::Eof => "EOF",
            _ => self.token_text(),
        };
        let item = Item {
            token,
            pos: self.start,
            text,
            line: self.start_line,
        };
        self.start = self.pos;
        self.start_line = self.line;
        item
    }

    /// Moves over text that was not read by `next`.
    fn skip(&mut self, bytes: usize) {
        self.pos += bytes;
        self.line += line_ends(self.token_text());
        self.start = self.pos;
        self.start_line = self.line;
    }

    fn text(&mut self) -> Lexed<'t> {
        loop {
            let Some(length) = left_delim(self.rest()) else {
                self.pos = self.input.len();
                if self.pos == self.start {
                    return Ok(self.item(Token::Eof));
                }
                self.line += line_ends(self.token_text());
                return Ok(self.item(Token::Text));
            };
            if length > 0 {
                let text = self.rest().get(..length).unwrap_or("");
                let after = self.rest().get(length + LEFT.len()..).unwrap_or("");
                let kept = match left_marker(after) {
                    true => text.trim_end_matches(SPACES).len(),
                    false => length,
                };
                self.pos += kept;
                self.line += line_ends(self.token_text());
                let item = self.item(Token::Text);
                self.skip(length - kept);
                if !item.text.is_empty() {
                    return Ok(item);
                }
            }
            let after = self.rest().get(LEFT.len()..).unwrap_or("");
            let marker = if left_marker(after) { MARKER } else { 0 };
            if after.get(marker..).is_some_and(|s| s.starts_with("/*")) {
                self.skip(LEFT.len() + marker);
                self.comment()?;
                continue;
            }
            self.pos += LEFT.len();
            let item = self.item(Token::LeftDelim);
            self.in_action = true;
            self.skip(marker);
            self.parens = 0;
            return Ok(item);
        }
    }

    fn comment(&mut self) -> Result<(), String> {
        let body = self.rest().get(2..).unwrap_or("");
        let end = body.find("*/").ok_or("unclosed comment")?;
        self.skip(2 + end + 2);
        match self.right_delim() {
            None => Err("comment ends before closing delimiter".to_string()),
            Some(false) => {
                self.skip(RIGHT.len());
                Ok(())
            }
            Some(true) => {
                self.skip(MARKER + RIGHT.len());
                self.skip_spaces();
                Ok(())
            }
        }
    }

    fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.skip(rest.len() - rest.trim_start_matches(SPACES).len());
    }

    /// Whether a right delimiter stands here, and whether a trim marker stands before it.
    fn right_delim(&self) -> Option<bool> {
        let rest = self.rest();
        if right_marker(rest) && rest.get(MARKER..).is_some_and(|s| s.starts_with(RIGHT)) {
            return Some(true);
        }
        rest.starts_with(RIGHT).then_some(false)
    }

    fn close(&mut self, trim: bool) -> Item<'t> {
        if trim {
            self.skip(MARKER);
        }
        self.pos += RIGHT.len();
        let item = self.item(Token::RightDelim);
        if trim {
            self.skip_spaces();
        }
        self.in_action = false;
        item
    }

    fn action(&mut self) -> Lexed<'t> {
        if let Some(trim) = self.right_delim() {
            if self.parens > 0 {
                return Err("unclosed left paren".to_string());
            }
            return Ok(self.close(trim));
        }
        let Some(c) = self.peek() else {
            return Err("unclosed action".to_string());
        };
        if SPACES.contains(&c) {
            return Ok(self.space());
        }
        if matches!(c, '+' | '-' | '0'..='9') {
            return self.number();
        }
        if is_alphanumeric(c) {
            return self.identifier();
        }
        self.next();
        match c {
            '=' => Ok(self.item(Token::Assign)),
            ':' => match self.next() {
                Some('=') => Ok(self.item(Token::Declare)),
                _ => Err("expected :=".to_string()),
            },
            '|' => Ok(self.item(Token::Pipe)),
            '"' => self.quoted('"', Token::String, "unterminated quoted string"),
            '\'' => self.quoted('\'', Token::CharConstant, "unterminated character constant"),
            '`' => {
                while let Some(c) = self.next() {
                    if c == '`' {
                        return Ok(self.item(Token::RawString));
                    }
                }
                Err("unterminated raw quoted string".to_string())
            }
            '$' => self.field_or_variable(Token::Variable),
            '.' if self.peek().is_some_and(|c| c.is_ascii_digit()) => {
                self.pos -= 1;
                self.number()
            }
            '.' => self.field_or_variable(Token::Field),
            '(' => {
                self.parens += 1;
                Ok(self.item(Token::LeftParen))
            }
            ')' => match self.parens.checked_sub(1) {
                Some(parens) => {
                    self.parens = parens;
                    Ok(self.item(Token::RightParen))
                }
                None => Err("unexpected right paren".to_string()),
            },
            c if c.is_ascii_graphic() => Ok(self.item(Token::Char)),
            c => Err(format!("unrecognized character in action: {}", unicode(c))),
        }
    }

    /// A run of spaces; the last one may belong to a trim marker before the right delimiter.
    fn space(&mut self) -> Item<'t> {
        let mut count = 0;
        while self.peek().is_some_and(|c| SPACES.contains(&c)) {
            self.next();
            count += 1;
        }
        let last = self.input.get(self.pos - 1..).unwrap_or("");
        if right_marker(last) && last.get(MARKER..).is_some_and(|s| s.starts_with(RIGHT)) {
            self.pos -= 1;
            if last.starts_with('\n') {
                self.line -= 1;
            }
            if count == 1 {
                return self.close(true);
            }
        }
        self.item(Token::Space)
    }

    /// Over letters, digits and `_`.
    fn word(&mut self) {
        while let Some(c) = self.peek().filter(|c| is_alphanumeric(*c)) {
            self.pos += c.len_utf8();
        }
    }

    fn identifier(&mut self) -> Lexed<'t> {
        self.word();
        self.check_terminator()?;
        let token = match self.token_text() {
            "block" => Token::Keyword(Keyword::Block),
            "break" => Token::Keyword(Keyword::Break),
            "continue" => Token::Keyword(Keyword::Continue),
            "define" => Token::Keyword(Keyword::Define),
            "else" => Token::Keyword(Keyword::Else),
            "end" => Token::Keyword(Keyword::End),
            "if" => Token::Keyword(Keyword::If),
            "range" => Token::Keyword(Keyword::Range),
            "template" => Token::Keyword(Keyword::Template),
            "with" => Token::Keyword(Keyword::With),
            "nil" => Token::Nil,
            "true" | "false" => Token::Bool,
            _ => Token::Identifier,
        };
        Ok(self.item(token))
    }

    /// After the `.` or the `$`.
    fn field_or_variable(&mut self, token: Token) -> Lexed<'t> {
        if self.at_terminator() {
            let token = match token {
                Token::Field => Token::Dot,
                other => other,
            };
            return Ok(self.item(token));
        }
        self.word();
        self.check_terminator()?;
        Ok(self.item(token))
    }

    fn check_terminator(&mut self) -> Result<(), String> {
        match self.peek() {
            Some(c) if !self.at_terminator() => Err(format!("bad character {}", unicode(c))),
            _ => Ok(()),
        }
    }

    fn at_terminator(&self) -> bool {
        match self.peek() {
            None => true,
            Some(' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | ')' | '(') => true,
            Some(_) => self.rest().starts_with(RIGHT),
        }
    }

    fn quoted(&mut self, mark: char, token: Token, message: &str) -> Lexed<'t> {
        loop {
            match self.next() {
                Some('\\') => {
                    if matches!(self.next(), None | Some('\n')) {
                        return Err(message.to_string());
                    }
                }
                None | Some('\n') => return Err(message.to_string()),
                Some(c) if c == mark => return Ok(self.item(token)),
                Some(_) => {}
            }
        }
    }

    fn number(&mut self) -> Lexed<'t> {
        let bad = |lexer: &Lexer<'_>| {
            let text = super::strconv::quote(lexer.token_text().as_bytes());
            Err(format!("bad number syntax: {text}"))
        };
        if !self.scan_number() {
            return bad(self);
        }
        if matches!(self.peek(), Some('+' | '-')) {
            if !self.scan_number() || !self.token_text().ends_with('i') {
                return bad(self);
            }
            return Ok(self.item(Token::Complex));
        }
        Ok(self.item(Token::Number))
    }

    fn scan_number(&mut self) -> bool {
        self.accept("+-");
        let mut digits = "0123456789_";
        let (mut decimal, mut hex) = (true, false);
        if self.accept("0") {
            if self.accept("xX") {
                (digits, decimal, hex) = ("0123456789abcdefABCDEF_", false, true);
            } else if self.accept("oO") {
                (digits, decimal) = ("01234567_", false);
            } else if self.accept("bB") {
                (digits, decimal) = ("01_", false);
            }
        }
        self.accept_run(digits);
        if self.accept(".") {
            self.accept_run(digits);
        }
        if (decimal && self.accept("eE")) || (hex && self.accept("pP")) {
            self.accept("+-");
            self.accept_run("0123456789_");
        }
        self.accept("i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.next();
            return false;
        }
        true
    }
}

fn is_alphanumeric(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn line_ends(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

/// Where the next left delimiter stands.
fn left_delim(text: &str) -> Option<usize> {
    let braces = text.match_indices('{').map(|(index, _)| index);
    let mut opening =
        braces.filter(|index| text.get(*index..).is_some_and(|s| s.starts_with(LEFT)));
    opening.next()
}

fn left_marker(text: &str) -> bool {
    text.strip_prefix('-')
        .is_some_and(|rest| rest.starts_with(SPACES))
}

fn right_marker(text: &str) -> bool {
    text.strip_prefix(SPACES)
        .is_some_and(|rest| rest.starts_with('-'))
}

/// Go's `%#U`.
fn unicode(c: char) -> String {
    match is_print(c) {
        true => format!("U+{:04X} '{c}'", c as u32),
        false => format!("U+{:04X}", c as u32),
    }
}
