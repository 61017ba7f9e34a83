//! What a scripted agent prints: the messages of stream-json.

use std::io::Write as _;

use serde_json::{Value, json};

/// How a tool came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Well,
    Failed,
}

/// Prints messages for one conversation.
pub(super) struct Voice {
    session: String,
    messages: u64,
    tools: u64,
    turns: u64,
    input_tokens: u64,
    output_tokens: u64,
    cost_usd: f64,
}

impl Voice {
    pub(super) const fn new(session: String) -> Self {
        Self { session, messages: 0, tools: 0, turns: 0, input_tokens: 0, output_tokens: 0, cost_usd: 0.0 }
    }

    /// Prints bytes as they are. Nobody may read them any more; the agent ends then like any other.
    #[expect(clippy::unused_self, reason = "all that is printed goes through a voice")]
    pub(super) fn raw(&self, bytes: &[u8]) {
        let mut out = std::io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush()).ok();
    }

    pub(super) fn message(&self, value: &Value) {
        self.raw(format!("{value}\n").as_bytes());
    }

    pub(super) fn init(&mut self) {
        self.turns += 1;
        self.message(&json!({
            "type": "system", "subtype": "init", "session_id": self.session, "model": "scripted",
            "tools": ["Bash", "Write", "AskUserQuestion"], "permissionMode": "default",
        }));
    }

    pub(super) fn block(&mut self, block: &Value) {
        self.messages += 1;
        let usage = json!({"input_tokens": 0, "output_tokens": 0});
        self.message(&json!({
            "type": "assistant",
            "message": {
                "id": format!("msg_{}", self.messages), "type": "message", "role": "assistant",
                "model": "scripted", "content": [block], "stop_reason": null, "usage": usage,
            },
            "parent_tool_use_id": null, "session_id": self.session,
        }));
    }

    pub(super) fn text(&mut self, text: &str) {
        self.block(&json!({"type": "text", "text": text}));
    }

    /// Says that it uses a tool; returns the id of the call.
    pub(super) fn tool(&mut self, name: &str, input: &Value) -> String {
        self.tools += 1;
        let id = format!("tool_{}", self.tools);
        self.block(&json!({"type": "tool_use", "id": id, "name": name, "input": input}));
        id
    }

    pub(super) fn tool_result(&self, id: &str, output: &str, how: How) {
        let failed = how == How::Failed;
        let block = json!({"type": "tool_result", "tool_use_id": id, "content": output, "is_error": failed});
        self.message(&json!({
            "type": "user", "message": {"role": "user", "content": [block]},
            "parent_tool_use_id": null, "session_id": self.session,
        }));
    }

    /// Asks to use a tool; returns the key of the request.
    pub(super) fn ask(&self, tool: &str, input: &Value, id: &str) -> String {
        let key = format!("ask_{id}");
        let request =
            json!({"subtype": "can_use_tool", "tool_name": tool, "input": input, "tool_use_id": id});
        self.message(&json!({"type": "control_request", "request_id": key, "request": request}));
        key
    }

    pub(super) fn withdraw(&self, key: &str) {
        self.message(&json!({"type": "control_cancel_request", "request_id": key}));
    }

    pub(super) fn confirm(&self, request: &str) {
        let response = json!({"subtype": "success", "request_id": request});
        self.message(&json!({"type": "control_response", "response": response}));
    }

    /// Says what it used by now, when it is asked.
    pub(super) fn says_usage(&self, request: &str) {
        let model = json!({"inputTokens": self.input_tokens, "outputTokens": self.output_tokens});
        let session = json!({"total_cost_usd": self.cost_usd, "model_usage": {"scripted": model}});
        let response = json!({"subtype": "success", "request_id": request, "response": {"session": session}});
        self.message(&json!({"type": "control_response", "response": response}));
    }

    pub(super) fn system(&self, subtype: &str, rest: &Value) {
        let mut message = json!({"type": "system", "subtype": subtype, "session_id": self.session});
        if let (Some(message), Some(rest)) = (message.as_object_mut(), rest.as_object()) {
            message.extend(rest.clone());
        }
        self.message(&message);
    }

    pub(super) fn uses(&mut self, input_tokens: u64, output_tokens: u64, cost_usd: f64) {
        self.input_tokens += input_tokens;
        self.output_tokens += output_tokens;
        self.cost_usd += cost_usd;
    }

    /// Ends a turn well.
    pub(super) fn result(&self, text: &str) {
        self.end(&json!({
            "subtype": "success", "is_error": false, "result": text, "stop_reason": "end_turn",
            "terminal_reason": "completed",
        }));
    }

    /// Ends a turn with an error of the model.
    pub(super) fn fail(&self, error: &str) {
        self.message(&json!({
            "type": "assistant", "error": error,
            "message": {"role": "assistant", "model": "<synthetic>", "content": [{"type": "text", "text": error}]},
            "session_id": self.session,
        }));
        self.end(&json!({
            "subtype": "success", "is_error": true, "result": error, "stop_reason": "stop_sequence",
            "terminal_reason": "completed",
        }));
    }

    /// Ends a turn that was interrupted.
    pub(super) fn aborted(&self) {
        self.end(&json!({
            "subtype": "error_during_execution", "is_error": true, "stop_reason": null,
            "terminal_reason": "aborted_tools",
        }));
    }

    fn end(&self, how: &Value) {
        let tokens = json!({"input_tokens": self.input_tokens, "output_tokens": self.output_tokens});
        let model = json!({"inputTokens": self.input_tokens, "outputTokens": self.output_tokens});
        let mut message = json!({
            "type": "result", "session_id": self.session, "num_turns": self.turns,
            "total_cost_usd": self.cost_usd, "usage": tokens, "modelUsage": {"scripted": model},
            "permission_denials": [],
        });
        if let (Some(message), Some(how)) = (message.as_object_mut(), how.as_object()) {
            message.extend(how.clone());
        }
        self.message(&message);
    }
}
