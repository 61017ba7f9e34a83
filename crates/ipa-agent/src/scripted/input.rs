//! What a scripted agent is told, read by a thread of its own.

use std::io::BufRead as _;
use std::sync::mpsc::{self, Receiver, Sender};

use serde_json::Value;

/// Something that a playing agent hears.
pub(super) enum Heard {
    /// A message, and its text.
    Message(String),
    /// It is to end its turn; the number of the request.
    Interrupt(String),
    /// Something that it asked was answered.
    Answer { key: String, response: Value },
    /// It is to say what it used; the number of the request.
    Usage(String),
    /// Any other request.
    Request(String),
    /// A command that it ran is over.
    Ran { output: String, failed: bool },
    /// Nothing more is coming.
    End,
}

/// Begins to read. What is no message ends it, as it does the real program.
pub(super) fn read(into: Sender<Heard>) {
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().split(b'\n').map_while(Result::ok) {
            let Ok(value) = serde_json::from_slice::<Value>(&line) else { break };
            if heard(&value).is_some_and(|heard| into.send(heard).is_err()) {
                return;
            }
        }
        // It may have ended already.
        into.send(Heard::End).ok();
    });
}

/// Makes a channel; the sender that is kept back lets commands report.
pub(super) fn channel() -> (Sender<Heard>, Receiver<Heard>) {
    mpsc::channel()
}

fn heard(value: &Value) -> Option<Heard> {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    match text("/type").as_str() {
        "user" => Some(Heard::Message(text("/message/content"))),
        "control_request" if text("/request/subtype") == "interrupt" => {
            Some(Heard::Interrupt(text("/request_id")))
        }
        "control_request" if text("/request/subtype") == "get_usage" => {
            Some(Heard::Usage(text("/request_id")))
        }
        "control_request" => Some(Heard::Request(text("/request_id"))),
        "control_response" => Some(Heard::Answer {
            key: text("/response/request_id"),
            response: value.pointer("/response/response").cloned().unwrap_or_default(),
        }),
        _ => None,
    }
}
