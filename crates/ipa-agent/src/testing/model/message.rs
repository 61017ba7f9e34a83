//! A message of the model, as one JSON document and as the events of a stream. Pure.

use serde_json::{Value, json};

use super::reply::Part;

/// What each message says to have written. The first event of a stream says 1, as that of the real server.
const OUTPUT_TOKENS: usize = 20;

/// What each message says to have read from the cache.
const CACHED_TOKENS: usize = 50;

/// A part is said in about so many pieces at most.
const MAX_PIECES: usize = 64;

/// The length of a piece in characters, unless there would be too many pieces, or fewer than two.
const PIECE: usize = 12;

/// A message, with the numbers that make its ids unique.
pub(super) struct Message<'a> {
    /// Its number among all messages of the server.
    pub(super) number: usize,
    /// The number of its first call of a tool among all of the server.
    pub(super) first_tool: usize,
    /// The model that was asked for.
    pub(super) model: &'a str,
    pub(super) input_tokens: usize,
    pub(super) parts: &'a [Part],
}

/// One event of a stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    data: Value,
}

/// A part as it is begun, told in pieces, and as a whole.
struct Block {
    begun: Value,
    deltas: Vec<Value>,
    whole: Value,
}

impl Message<'_> {
    /// Returns it as one document.
    pub(super) fn whole(&self) -> Value {
        let content: Vec<Value> = self.blocks().into_iter().map(|block| block.whole).collect();
        self.document(&json!(content), &json!(self.stop_reason()), OUTPUT_TOKENS)
    }

    /// Returns the events of its stream.
    pub(super) fn events(&self) -> Vec<Event> {
        let mut events = vec![self.start()];
        for (index, block) in self.blocks().iter().enumerate() {
            events.extend(block.start(index));
            events.extend(block.deltas(index));
            events.push(Event::new(json!({ "type": "content_block_stop", "index": index })));
        }
        events.push(Event::new(json!({
            "type": "message_delta",
            "delta": { "stop_reason": self.stop_reason(), "stop_sequence": null },
            "usage": { "output_tokens": OUTPUT_TOKENS },
        })));
        events.push(Event::new(json!({ "type": "message_stop" })));
        events
    }

    /// Returns the events of its stream up to the middle of its last part.
    pub(super) fn half(&self) -> Vec<Event> {
        let mut events = self.events();
        let last = self.blocks().pop().map(|block| block.deltas.len());
        // What follows the last part's deltas: its stop, the message's delta and stop. Without a part, the latter.
        let after = last.map_or(2, |deltas| 3 + deltas / 2);
        events.truncate(events.len().saturating_sub(after));
        events
    }

    /// Returns the first event of its stream.
    pub(super) fn start(&self) -> Event {
        Event::new(json!({ "type": "message_start", "message": self.document(&json!([]), &Value::Null, 1) }))
    }

    fn document(&self, content: &Value, stop_reason: &Value, output_tokens: usize) -> Value {
        json!({
            "id": format!("msg_{:06}", self.number),
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": null,
            "usage": {
                "input_tokens": self.input_tokens,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": CACHED_TOKENS,
                "output_tokens": output_tokens,
            },
        })
    }

    fn stop_reason(&self) -> &'static str {
        let calls = self.parts.iter().any(|part| matches!(part, Part::Tool { .. }));
        if calls { "tool_use" } else { "end_turn" }
    }

    fn blocks(&self) -> Vec<Block> {
        let mut tools = self.first_tool..;
        self.parts.iter().map(|part| Block::new(part, &mut tools)).collect()
    }
}

impl Block {
    /// Tells a part; a call of a tool takes the next number of `tools`.
    fn new(part: &Part, tools: &mut impl Iterator<Item = usize>) -> Self {
        match part {
            Part::Text(text) => Self {
                begun: json!({ "type": "text", "text": "" }),
                deltas: deltas("text_delta", "text", text),
                whole: json!({ "type": "text", "text": text }),
            },
            Part::Thinking(text) => {
                let signature = "c2lnbmVk";
                let mut deltas = deltas("thinking_delta", "thinking", text);
                deltas.push(json!({ "type": "signature_delta", "signature": signature }));
                Self {
                    begun: json!({ "type": "thinking", "thinking": "", "signature": "" }),
                    deltas,
                    whole: json!({ "type": "thinking", "thinking": text, "signature": signature }),
                }
            }
            Part::Tool { name, input } => {
                let id = format!("toolu_{:06}", tools.next().unwrap_or_default());
                Self {
                    begun: json!({ "type": "tool_use", "id": id, "name": name, "input": {} }),
                    deltas: deltas("input_json_delta", "partial_json", &input.to_string()),
                    whole: json!({ "type": "tool_use", "id": id, "name": name, "input": input }),
                }
            }
        }
    }

    /// The events that begin it; the first one of a message is followed by a ping.
    fn start(&self, index: usize) -> impl Iterator<Item = Event> {
        let start = json!({ "type": "content_block_start", "index": index, "content_block": self.begun });
        let ping = (index == 0).then(|| json!({ "type": "ping" }));
        [Some(start), ping].into_iter().flatten().map(Event::new)
    }

    fn deltas(&self, index: usize) -> impl Iterator<Item = Event> {
        let event =
            move |delta: &Value| json!({ "type": "content_block_delta", "index": index, "delta": delta });
        self.deltas.iter().map(event).map(Event::new)
    }
}

impl Event {
    fn new(data: Value) -> Self {
        Self { data }
    }

    /// Tells whether it is a piece of a part.
    pub(super) fn is_delta(&self) -> bool {
        self.kind() == "content_block_delta"
    }

    /// Returns what goes over the wire.
    pub(super) fn to_wire(&self) -> String {
        format!("event: {}\ndata: {}\n\n", self.kind(), self.data)
    }

    fn kind(&self) -> &str {
        self.data.get("type").and_then(Value::as_str).unwrap_or_default()
    }
}

fn deltas(kind: &str, field: &str, text: &str) -> Vec<Value> {
    pieces(text).map(|piece| json!({ "type": kind, field: piece })).collect()
}

/// Cuts a text between characters: in two at least, if it can be, and in [`MAX_PIECES`] at most.
fn pieces(text: &str) -> impl Iterator<Item = String> {
    let chars: Vec<char> = text.chars().collect();
    let length = chars.len().div_ceil(2).min(PIECE).max(chars.len().div_ceil(MAX_PIECES)).max(1);
    let pieces: Vec<String> = chars.chunks(length).map(|piece| piece.iter().collect()).collect();
    pieces.into_iter()
}

#[cfg(test)]
mod tests;
