//! What the agent waits for: to use a tool, or for an answer. Both come as `can_use_tool`.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::wire::Request;
use crate::error::ControlError;
use crate::event::Asked;
use crate::protocol::object;
use crate::session::Answer;

/// The tool that is a question.
const QUESTION: &str = "AskUserQuestion";
/// The tool that asks whether a plan is accepted.
const PLAN: &str = "ExitPlanMode";

/// Something that waits.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    pub(super) tool: String,
    input: Arc<str>,
}

impl Pending {
    pub(super) fn new(request: &Request<'_>) -> Self {
        Self { tool: request.tool_name.clone().unwrap_or_default(), input: request.input().into() }
    }

    pub(super) fn is_permission(&self) -> bool {
        self.tool != QUESTION
    }

    /// Says what waits.
    pub(super) fn asked(&self, key: &str) -> Asked {
        if self.is_permission() {
            let (tool, input) = (self.tool.as_str().into(), Arc::clone(&self.input));
            return Asked::Permission { key: key.into(), tool, input };
        }
        let questions = self.questions();
        let text = questions.iter().map(|it| text_of(it, "question")).collect::<Vec<_>>().join("\n");
        let choices = match questions.as_slice() {
            [one] => labels(one),
            _ => Vec::new(),
        };
        Asked::Question { key: key.into(), text: text.into(), choices }
    }

    /// Puts an answer into the agent's words. What it is allowed comes back whole: it would run with nothing.
    pub(super) fn answer(&self, answer: &Answer) -> Result<Value, ControlError> {
        match answer {
            Answer::Deny(why) => Ok(json!({"behavior": "deny", "message": &**why, "interrupt": false})),
            Answer::Text(text) if !self.is_permission() => Ok(self.answered(text)),
            Answer::Text(_) => Err(ControlError::NotNow("a permission is given or refused")),
            Answer::Allow | Answer::AllowWith(_) if !self.is_permission() => {
                Err(ControlError::NotNow("a question is answered with text"))
            }
            Answer::Allow => Ok(self.allowed(&self.input())),
            // What a person wrote is what runs.
            Answer::AllowWith(input) => Ok(self.allowed(&Value::Object(object(input)?))),
        }
    }

    fn allowed(&self, input: &Value) -> Value {
        let mut allowed = json!({"behavior": "allow", "updatedInput": input});
        if self.tool == PLAN
            && let Some(allowed) = allowed.as_object_mut()
        {
            let mode = json!([{"type": "setMode", "mode": "acceptEdits", "destination": "session"}]);
            allowed.insert("updatedPermissions".to_owned(), mode);
        }
        allowed
    }

    /// One question takes the whole text; several take a line each, as long as there are lines.
    fn answered(&self, text: &str) -> Value {
        let questions = self.questions();
        let lines: Vec<_> = text.lines().collect();
        let mut answers = Map::new();
        for (index, question) in questions.iter().enumerate() {
            let line = if questions.len() == 1 { text } else { lines.get(index).copied().unwrap_or(text) };
            answers.insert(text_of(question, "question").to_owned(), json!(line));
        }
        let mut input = self.input();
        if let Some(input) = input.as_object_mut() {
            input.insert("answers".to_owned(), Value::Object(answers));
        }
        json!({"behavior": "allow", "updatedInput": input})
    }

    fn input(&self) -> Value {
        serde_json::from_str(&self.input).unwrap_or_default()
    }

    fn questions(&self) -> Vec<Value> {
        match self.input().get_mut("questions").map(Value::take) {
            Some(Value::Array(questions)) => questions,
            _ => Vec::new(),
        }
    }
}

fn text_of<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn labels(question: &Value) -> Vec<Arc<str>> {
    let options = question.get("options").and_then(Value::as_array);
    options.into_iter().flatten().map(|option| text_of(option, "label").into()).collect()
}
