//! GraphQL's text, as far as a client of a forge needs it: one operation, fields with arguments, fragments in place.
//! Variables are put in while reading.

use std::collections::BTreeMap;

use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document {
    pub(crate) kind: Kind,
    pub(crate) fields: Vec<Field>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Query,
    Mutation,
}

/// A field; what is asked of an inline fragment stands among the fields, with its type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    pub(crate) alias: String,
    pub(crate) name: String,
    pub(crate) args: BTreeMap<String, Value>,
    pub(crate) fields: Vec<Self>,
    /// Only for a value of this type.
    pub(crate) on: Option<String>,
}

pub(crate) fn document(text: &str, variables: &Value) -> Result<Document, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, variables };
    let kind = match parser.peek() {
        Some("{" | "query") => Kind::Query,
        Some("mutation") => Kind::Mutation,
        other => return Err(format!("Expected an operation, found {other:?}")),
    };
    parser.skip_to_selection()?;
    let fields = parser.selection(None)?;
    match parser.peek() {
        None => Ok(Document { kind, fields }),
        Some(more) => Err(format!("Unexpected {more:?} after the operation")),
    }
}

struct Parser<'a> {
    tokens: Vec<String>,
    at: usize,
    variables: &'a Value,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.at).map(String::as_str)
    }

    fn next(&mut self) -> Result<String, String> {
        let token = self.tokens.get(self.at).cloned().ok_or("Unexpected end of document")?;
        self.at += 1;
        Ok(token)
    }

    fn takes(&mut self, wanted: &str) -> bool {
        let is_there = self.peek() == Some(wanted);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, wanted: &str) -> Result<(), String> {
        let found = self.next()?;
        if found == wanted { Ok(()) } else { Err(format!("Expected {wanted:?}, found {found:?}")) }
    }

    /// Goes over the operation's name and the types of its variables.
    fn skip_to_selection(&mut self) -> Result<(), String> {
        while self.peek() != Some("{") {
            self.next()?;
        }
        Ok(())
    }

    fn selection(&mut self, on: Option<&str>) -> Result<Vec<Field>, String> {
        self.expect("{")?;
        let mut fields = Vec::new();
        while !self.takes("}") {
            if self.takes("...") {
                self.expect("on")?;
                let kind = self.next()?;
                fields.extend(self.selection(Some(&kind))?);
            } else {
                fields.push(self.field(on)?);
            }
        }
        Ok(fields)
    }

    fn field(&mut self, on: Option<&str>) -> Result<Field, String> {
        let alias = self.next()?;
        let name = if self.takes(":") { self.next()? } else { alias.clone() };
        let args = if self.takes("(") { self.fields_until(")")? } else { BTreeMap::new() };
        let fields = if self.peek() == Some("{") { self.selection(None)? } else { Vec::new() };
        Ok(Field { alias, name, args, fields, on: on.map(str::to_owned) })
    }

    fn fields_until(&mut self, end: &str) -> Result<BTreeMap<String, Value>, String> {
        let mut fields = BTreeMap::new();
        while !self.takes(end) {
            let name = self.next()?;
            self.expect(":")?;
            let value = self.value()?;
            fields.insert(name, value);
        }
        Ok(fields)
    }

    fn value(&mut self) -> Result<Value, String> {
        let token = self.next()?;
        if let Some(name) = token.strip_prefix('$') {
            return Ok(self.variables.get(name).cloned().unwrap_or_default());
        }
        match token.as_str() {
            "{" => Ok(self.fields_until("}")?.into_iter().collect::<serde_json::Map<_, _>>().into()),
            "[" => {
                let mut items = Vec::new();
                while !self.takes("]") {
                    items.push(self.value()?);
                }
                Ok(items.into())
            }
            // Numbers, quoted texts, true, false and null are written as in JSON; all else names a choice.
            text => Ok(serde_json::from_str(text).unwrap_or_else(|_| json!(text))),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => end_of_text(rest).ok_or("Unterminated string")?,
            '.' if rest.starts_with("...") => 3,
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '{' | '}' | '(' | ')' | '[' | ']' | ':' | '!' | '=' => 1,
            _ if first.is_whitespace() || first == ',' => first.len_utf8(),
            _ if is_word(first) || first == '$' || first == '-' => rest
                .char_indices()
                .skip(1)
                .find(|(_, other)| !is_word(*other))
                .map_or(rest.len(), |(at, _)| at),
            other => return Err(format!("Unexpected character {other:?}")),
        };
        let (token, tail) = rest.split_at(length);
        if !(first.is_whitespace() || first == ',' || first == '#') {
            found.push(token.to_owned());
        }
        rest = tail;
    }
    Ok(found)
}

fn is_word(one: char) -> bool {
    one.is_alphanumeric() || one == '_'
}

fn end_of_text(rest: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (at, one) in rest.char_indices().skip(1) {
        match one {
            '"' if !is_escaped => return Some(at + 1),
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    None
}
