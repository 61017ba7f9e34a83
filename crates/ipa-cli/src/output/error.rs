//! How a failure is told: what, why, and what to do. Pure.

use std::error::Error as _;

use serde_json::{Value, json};

use super::plain;
use crate::failure::Failure;

/// What a program is told.
pub(super) fn document(failure: &Failure) -> Value {
    json!({ "error": { "code": failure.code(), "message": message(failure), "help": failure.help() } })
}

/// What a person is told.
pub(super) fn text(failure: &Failure) -> String {
    let mut text = format!("\u{1b}[1;31merror\u{1b}[0m: {}", plain(&message(failure)));
    if let Some(help) = failure.help() {
        text.push_str("\n\u{1b}[1mhelp\u{1b}[0m: ");
        text.push_str(&plain(&help));
    }
    text
}

/// The failure with all that led to it, each once.
fn message(failure: &Failure) -> String {
    let mut message = failure.to_string();
    let mut cause = failure.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.ends_with(&text) {
            message.push_str(": ");
            message.push_str(&text);
        }
        cause = error.source();
    }
    message
}
