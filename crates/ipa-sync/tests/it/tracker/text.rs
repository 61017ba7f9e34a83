//! Text as Cloud and Data Center hold it: documents of the Atlassian Document Format, and wiki text.

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

use super::Flavour;

/// The most characters that a text may have.
pub(crate) const LONGEST: usize = 32_767;

pub(crate) const TOO_LONG: &str =
    "The entered text is too long. It exceeds the allowed limit of 32,767 characters.";

/// The characters of a text as it is sent.
pub(crate) fn length(text: &Value) -> usize {
    text.as_str().map_or_else(|| text.to_string().chars().count(), |text| text.chars().count())
}

/// Tells whether a value is a text here.
#[derive(Debug)]
pub(crate) enum Checker {
    /// Atlassian's own schema of documents.
    Document(Box<Validator>),
    Wiki,
}

impl Checker {
    pub(crate) fn new(flavour: Flavour) -> Self {
        match flavour {
            Flavour::DataCenter => Self::Wiki,
            Flavour::Cloud => {
                let schema: Value =
                    serde_json::from_str(include_str!("../../fixtures/adf/full.json")).unwrap();
                let validator = jsonschema::options().with_draft(Draft::Draft4).build(&schema).unwrap();
                Self::Document(Box::new(validator))
            }
        }
    }

    /// What is wrong with a text, in the words of its schema.
    pub(crate) fn check(&self, text: &Value) -> Result<(), String> {
        match self {
            Self::Wiki => text.as_str().map(|_| ()).ok_or_else(|| "it is no string".to_owned()),
            Self::Document(validator) => match validator.iter_errors(text).next() {
                None => Ok(()),
                Some(error) => Err(format!("{}: {error}", error.instance_path())),
            },
        }
    }
}

/// Whether nothing is in a text: a rule or a picture is something.
pub(crate) fn is_empty(text: &Value) -> bool {
    match text.as_str() {
        Some(wiki) => wiki.trim().is_empty(),
        None => text["content"].as_array().is_none_or(Vec::is_empty),
    }
}

/// What somebody types, as the site holds it: a paragraph for each line.
pub(crate) fn typed(flavour: Flavour, text: &str) -> Value {
    match flavour {
        Flavour::DataCenter => json!(text),
        Flavour::Cloud => {
            let lines = text.lines().filter(|line| !line.is_empty());
            let paragraphs: Vec<Value> = lines
                .map(|line| json!({ "type": "paragraph", "content": [{ "type": "text", "text": line }] }))
                .collect();
            json!({ "type": "doc", "version": 1, "content": paragraphs })
        }
    }
}

/// The words of a text.
pub(crate) fn plain(text: &Value) -> String {
    match text {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(plain).collect(),
        Value::Object(node) => {
            let own = node.get("text").map(plain).unwrap_or_default();
            let inside = node.get("content").map(plain).unwrap_or_default();
            let end = if matches!(node.get("type").and_then(Value::as_str), Some("paragraph" | "heading")) {
                "\n"
            } else {
                ""
            };
            format!("{own}{inside}{end}")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => String::new(),
    }
}
