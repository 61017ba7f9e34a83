//! What was said so far, over all connections: steps, side calls, and the numbers of what was answered.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::reply::{Part, Reply};
use super::step::Step;

/// What each step says to have read, beside its number.
const INPUT_TOKENS: usize = 100;

type Script = dyn Fn(&Step) -> Reply + Send + Sync;

/// The conversations of one server.
pub(super) struct Talk {
    script: Box<Script>,
    so_far: Mutex<SoFar>,
}

#[derive(Default)]
struct SoFar {
    steps: Vec<Step>,
    side_calls: usize,
    messages: usize,
    tools: usize,
}

/// A reply, and the numbers of its message.
pub(super) struct Numbered {
    pub(super) reply: Reply,
    pub(super) number: usize,
    pub(super) first_tool: usize,
    pub(super) input_tokens: usize,
}

impl Talk {
    pub(super) fn new(script: impl Fn(&Step) -> Reply + Send + Sync + 'static) -> Self {
        Self { script: Box::new(script), so_far: Mutex::default() }
    }

    pub(super) fn steps(&self) -> Vec<Step> {
        self.lock().steps.clone()
    }

    pub(super) fn side_calls(&self) -> usize {
        self.lock().side_calls
    }

    /// Returns what a request for a message is answered with. It is known from here on, as a step or a side call.
    pub(super) fn reply(&self, key: Option<String>, body: &Value) -> Numbered {
        if !has_tools(body) {
            self.lock().side_calls += 1;
            return self.number(Reply::say("ok"), INPUT_TOKENS);
        }
        let step = self.step(key, body);
        let reply = (self.script)(&step);
        self.number(reply, INPUT_TOKENS.saturating_add(step.number))
    }

    fn step(&self, key: Option<String>, body: &Value) -> Step {
        let mut so_far = self.lock();
        let step = Step { number: so_far.steps.len() + 1, key, body: body.clone() };
        so_far.steps.push(step.clone());
        step
    }

    fn number(&self, reply: Reply, input_tokens: usize) -> Numbered {
        let mut so_far = self.lock();
        let first_tool = so_far.tools + 1;
        so_far.messages += 1;
        so_far.tools += reply.parts().iter().filter(|part| matches!(part, Part::Tool { .. })).count();
        Numbered { reply, number: so_far.messages, first_tool, input_tokens }
    }

    fn lock(&self) -> MutexGuard<'_, SoFar> {
        self.so_far.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn has_tools(body: &Value) -> bool {
    body.get("tools").and_then(Value::as_array).is_some_and(|tools| !tools.is_empty())
}
