//! One step of a conversation: what an agent asked the model, and ways to read it.

use std::fmt;

use serde_json::Value;

/// One request for the next message of a conversation.
#[derive(Clone)]
pub struct Step {
    /// Its number among all steps of the server, from 1.
    pub number: usize,
    /// The key it came with, from `x-api-key` or as a bearer.
    pub key: Option<String>,
    /// The request: model, system prompt, messages, tools.
    pub body: Value,
}

/// What became of a tool that the model had called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolResult {
    /// The id of the call.
    pub id: String,
    /// What the tool said, its text blocks joined by a newline.
    pub text: String,
    /// Whether the tool failed or was denied.
    pub failed: bool,
}

impl Step {
    /// Returns the text of the user's last message, its text blocks joined by a newline; results of tools have no
    /// part in it.
    pub fn last_user_text(&self) -> String {
        let mut from_user = self.messages().iter().rev().filter(|message| field(message, "role") == "user");
        from_user.next().and_then(|message| message.get("content")).map(text).unwrap_or_default()
    }

    /// Returns the results of tools in the last message.
    pub fn tool_results(&self) -> Vec<ToolResult> {
        let content = self.messages().last().and_then(|message| message.get("content"));
        let blocks = content.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        blocks.iter().filter(|block| field(block, "type") == "tool_result").map(result).collect()
    }

    /// Returns how many messages the model said so far in this conversation.
    pub fn answered(&self) -> usize {
        self.messages().iter().filter(|message| field(message, "role") == "assistant").count()
    }

    /// Tells whether this text stands in any message of the conversation (also in what a tool was called with, or
    /// said) or in the system prompt.
    pub fn mentions(&self, text: &str) -> bool {
        ["messages", "system"].iter().filter_map(|part| self.body.get(part)).any(|part| holds(part, text))
    }

    fn messages(&self) -> &[Value] {
        self.body.get("messages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }
}

/// Shows neither key nor body.
impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step").field("number", &self.number).finish_non_exhaustive()
    }
}

fn result(block: &Value) -> ToolResult {
    ToolResult {
        id: field(block, "tool_use_id").to_owned(),
        text: block.get("content").map(text).unwrap_or_default(),
        failed: block.get("is_error").and_then(Value::as_bool).unwrap_or(false),
    }
}

/// The text of a content: a string, or a list of blocks.
fn text(content: &Value) -> String {
    if let Some(text) = content.as_str() {
        return text.to_owned();
    }
    let blocks = content.as_array().map(Vec::as_slice).unwrap_or_default();
    let texts =
        blocks.iter().filter(|block| field(block, "type") == "text").map(|block| field(block, "text"));
    texts.collect::<Vec<_>>().join("\n")
}

fn field<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(string) => string.contains(text),
        Value::Array(values) => values.iter().any(|value| holds(value, text)),
        Value::Object(fields) => fields.values().any(|value| holds(value, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn step(body: Value) -> Step {
        Step { number: 1, key: Some("sesame".to_owned()), body }
    }

    #[test]
    fn the_last_text_of_the_user_is_read_from_a_string_and_from_blocks() {
        let check = |messages: Value, expected: &str| {
            assert_eq!(step(json!({ "messages": messages })).last_user_text(), expected, "{messages}");
        };
        check(json!([]), "");
        check(json!([{ "role": "user", "content": "hi" }]), "hi");
        check(
            json!([{ "role": "user", "content": "first" }, { "role": "assistant", "content": "said" }]),
            "first",
        );
        check(
            json!([{ "role": "user", "content": [
                { "type": "text", "text": "a" },
                { "type": "tool_result", "tool_use_id": "t", "content": "no" },
                { "type": "text", "text": "b" },
            ] }]),
            "a\nb",
        );
        assert_eq!(step(json!("no object")).last_user_text(), "");
    }

    #[test]
    fn what_the_model_said_before_is_counted() {
        let messages = json!([{ "role": "user" }, { "role": "assistant" }, { "role": "user" }]);
        assert_eq!(step(json!({ "messages": messages })).answered(), 1);
        assert_eq!(step(json!({})).answered(), 0);
    }

    #[test]
    fn results_of_tools_are_those_of_the_last_message() {
        let old = json!({ "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "old" }] });
        let new = json!({ "role": "user", "content": [
            { "type": "tool_result", "tool_use_id": "t1", "content": "fine" },
            { "type": "text", "text": "by the way" },
            { "type": "tool_result", "tool_use_id": "t2", "is_error": true,
              "content": [{ "type": "text", "text": "not" }, { "type": "text", "text": "allowed" }] },
        ] });
        let result =
            |id: &str, text: &str, failed| ToolResult { id: id.to_owned(), text: text.to_owned(), failed };
        let expected = vec![result("t1", "fine", false), result("t2", "not\nallowed", true)];
        assert_eq!(step(json!({ "messages": [old, new] })).tool_results(), expected);
        let talked = json!({ "messages": [old, { "role": "user", "content": "hi" }] });
        assert_eq!(step(talked).tool_results(), Vec::new());
    }

    #[test]
    fn a_text_is_found_in_messages_and_the_system_prompt_only() {
        let step = step(json!({
            "model": "in the model",
            "system": [{ "type": "text", "text": "in the system prompt" }],
            "messages": [{ "role": "assistant", "content": [{ "type": "tool_use", "input": { "a": ["in a call"] } }] }],
            "tools": [{ "description": "in a tool" }],
        }));
        let found =
            ["system prompt", "in a call", "in a tool", "in the model"].map(|text| step.mentions(text));
        assert_eq!(found, [true, true, false, false]);
    }

    #[test]
    fn a_step_does_not_show_its_key() {
        assert_eq!(format!("{:?}", step(json!("body"))), "Step { number: 1, .. }");
    }
}
