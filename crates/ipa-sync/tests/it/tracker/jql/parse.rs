//! Reads a query: clauses joined by AND, then perhaps an order.

use super::{Clause, Field, NAMES, Order, Query, Test, Trouble, Way};

/// Words that mean something in the language: as values they have to be quoted.
const RESERVED: [&str; 26] = [
    "abort", "access", "add", "after", "alias", "all", "alter", "and", "any", "as", "asc", "by", "do",
    "empty", "end", "from", "go", "in", "is", "not", "null", "on", "or", "order", "to", "was",
];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Quoted(String),
    Sign(String),
}

pub(crate) fn parse(text: &str) -> Result<Query, Trouble> {
    let mut tokens = Tokens { all: tokens(text)?, at: 0 };
    let mut clauses = Vec::new();
    let mut order = None;
    if tokens.peek().is_some() && !tokens.is_word("order") {
        clauses.push(clause(&mut tokens)?);
        while tokens.take_word("and") {
            clauses.push(clause(&mut tokens)?);
        }
    }
    if tokens.take_word("order") {
        tokens.need_word("by")?;
        let by = field(&mut tokens)?;
        let way = if tokens.take_word("desc") {
            Way::Descending
        } else {
            tokens.take_word("asc");
            Way::Ascending
        };
        order = Some(Order { by, way });
    }
    match tokens.peek() {
        None => Ok(Query { clauses, order }),
        Some(token) => Err(unreadable(format!("Expecting the end of the query but got {token:?}."))),
    }
}

fn clause(tokens: &mut Tokens) -> Result<Clause, Trouble> {
    let field = field(tokens)?;
    if tokens.take_word("not") {
        tokens.need_word("in")?;
        return Ok(Clause { field, test: Test::NotIn, values: list(tokens)? });
    }
    if tokens.take_word("in") {
        return Ok(Clause { field, test: Test::In, values: list(tokens)? });
    }
    let test = match tokens.next() {
        Some(Token::Sign(sign)) => match sign.as_str() {
            "=" => Test::In,
            "!=" => Test::NotIn,
            ">=" => Test::Least,
            ">" => Test::Over,
            "<=" => Test::Most,
            "<" => Test::Under,
            other => return Err(unreadable(format!("Expecting an operator but got '{other}'."))),
        },
        other => return Err(unreadable(format!("Expecting an operator but got {other:?}."))),
    };
    let is_time = matches!(field, Field::Updated | Field::Created);
    let compares = matches!(test, Test::Least | Test::Over | Test::Most | Test::Under);
    if is_time != compares {
        return Err(unreadable(format!("The operator does not fit the field {field:?}.")));
    }
    Ok(Clause { field, test, values: vec![value(tokens)?] })
}

fn field(tokens: &mut Tokens) -> Result<Field, Trouble> {
    let name = match tokens.next() {
        Some(Token::Word(name) | Token::Quoted(name)) => name.to_lowercase(),
        other => return Err(unreadable(format!("Expecting a field but got {other:?}."))),
    };
    let found = NAMES.iter().find(|(known, _)| *known == name).map(|(_, field)| *field);
    found.ok_or_else(|| unreadable(format!("Field '{name}' does not exist or is not simulated.")))
}

fn list(tokens: &mut Tokens) -> Result<Vec<String>, Trouble> {
    tokens.need_sign("(")?;
    let mut values = vec![value(tokens)?];
    while tokens.take_sign(",") {
        values.push(value(tokens)?);
    }
    tokens.need_sign(")")?;
    Ok(values)
}

fn value(tokens: &mut Tokens) -> Result<String, Trouble> {
    match tokens.next() {
        Some(Token::Quoted(text)) => Ok(text),
        Some(Token::Word(word)) if RESERVED.contains(&word.to_lowercase().as_str()) => {
            Err(unreadable(format!(
                "'{word}' is a reserved JQL word. You must surround it in quotation marks to use it as a value."
            )))
        }
        Some(Token::Word(word)) => Ok(word),
        other => Err(unreadable(format!("Expecting either a value, list or function but got {other:?}."))),
    }
}

fn unreadable(words: String) -> Trouble {
    Trouble::Unreadable(format!("Error in the JQL Query: {words}"))
}

struct Tokens {
    all: Vec<Token>,
    at: usize,
}

impl Tokens {
    fn peek(&self) -> Option<&Token> {
        self.all.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.at += 1;
        token
    }

    fn is_word(&self, wanted: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(wanted))
    }

    fn take_word(&mut self, wanted: &str) -> bool {
        let is_it = self.is_word(wanted);
        self.at += usize::from(is_it);
        is_it
    }

    fn take_sign(&mut self, wanted: &str) -> bool {
        let is_it = matches!(self.peek(), Some(Token::Sign(sign)) if sign == wanted);
        self.at += usize::from(is_it);
        is_it
    }

    fn need_word(&mut self, wanted: &str) -> Result<(), Trouble> {
        if self.take_word(wanted) { Ok(()) } else { Err(self.expected(wanted)) }
    }

    fn need_sign(&mut self, wanted: &str) -> Result<(), Trouble> {
        if self.take_sign(wanted) { Ok(()) } else { Err(self.expected(wanted)) }
    }

    fn expected(&self, wanted: &str) -> Trouble {
        unreadable(format!("Expecting '{wanted}' but got {:?}.", self.peek()))
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, Trouble> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' => {
                let (quoted, length) = quoted(rest, first)?;
                found.push(Token::Quoted(quoted));
                length
            }
            '(' | ')' | ',' | '=' | '!' | '<' | '>' => {
                let is_double = matches!(first, '!' | '<' | '>')
                    && rest.get(1..).is_some_and(|rest| rest.starts_with('='));
                let length = if is_double { 2 } else { 1 };
                found.push(Token::Sign(rest.split_at(length).0.to_owned()));
                length
            }
            first if is_of_word(first) => {
                let length = rest.find(|letter| !is_of_word(letter)).unwrap_or(rest.len());
                found.push(Token::Word(rest.split_at(length).0.to_owned()));
                length
            }
            other => {
                return Err(unreadable(format!(
                    "The character '{other}' is a reserved JQL character. You must enclose it in a string."
                )));
            }
        };
        rest = rest.split_at(length).1.trim_start();
    }
    Ok(found)
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.')
}

/// A text in quotation marks, without them, and how long it was with them.
fn quoted(rest: &str, mark: char) -> Result<(String, usize), Trouble> {
    let mut text = String::new();
    let mut letters = rest.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => text.extend(letters.next().map(|(_, escaped)| escaped)),
            letter if letter == mark => return Ok((text, at + 1)),
            letter => text.push(letter),
        }
    }
    Err(unreadable(format!("The quoted string '{text}' has not been completed.")))
}
