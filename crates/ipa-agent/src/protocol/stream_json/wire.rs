//! The messages as they come: only what is used, and nothing that a line could fail by.
//!
//! First the head with raw bodies, then the body: parsing the whole into a tree costs seven times as much.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use serde_json::value::RawValue;

/// A message. `type` need not be first.
#[derive(Debug, Deserialize)]
pub(super) struct Head<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(default)]
    subtype: Option<String>,
    #[serde(default)]
    pub(super) session_id: Option<String>,
    #[serde(default)]
    pub(super) model: Option<String>,
    #[serde(default, rename = "claude_code_version")]
    pub(super) version: Option<String>,
    #[serde(default)]
    pub(super) request_id: Option<String>,
    #[serde(default)]
    pub(super) result: Option<String>,
    #[serde(default)]
    pub(super) is_error: Option<bool>,
    #[serde(default)]
    pub(super) stop_reason: Option<String>,
    #[serde(default)]
    pub(super) terminal_reason: Option<String>,
    #[serde(default)]
    pub(super) total_cost_usd: Option<f64>,
    #[serde(default)]
    pub(super) error: Option<String>,
    #[serde(default)]
    pub(super) attempt: Option<u64>,
    #[serde(default)]
    pub(super) max_retries: Option<u64>,
    #[serde(default)]
    pub(super) retry_delay_ms: Option<f64>,
    #[serde(default, rename = "isReplay")]
    pub(super) is_replay: Option<bool>,
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
    #[serde(borrow, default)]
    request: Option<&'a RawValue>,
    #[serde(borrow, default)]
    event: Option<&'a RawValue>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "modelUsage")]
    model_usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    model_usage_since_last_result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    errors: Option<&'a RawValue>,
    #[serde(borrow, default)]
    rate_limit_info: Option<&'a RawValue>,
    #[serde(borrow, default)]
    response: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) parent_tool_use_id: Option<String>,
}

impl<'a> Head<'a> {
    pub(super) fn subtype(&self) -> &str {
        self.subtype.as_deref().unwrap_or_default()
    }

    pub(super) fn message(&self) -> Message<'a> {
        self.message.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
    }

    pub(super) fn request(&self) -> Request<'a> {
        self.request.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
    }

    pub(super) fn event(&self) -> StreamEvent {
        part(self.event)
    }

    pub(super) fn usage(&self) -> Tokens {
        part(self.usage)
    }

    pub(super) fn model_usage(&self) -> BTreeMap<String, ModelUsage> {
        part(self.model_usage)
    }

    pub(super) fn model_usage_since_last_result(&self) -> Option<BTreeMap<String, ModelUsage>> {
        serde_json::from_str(self.model_usage_since_last_result?.get()).ok()
    }

    pub(super) fn errors(&self) -> Vec<String> {
        part(self.errors)
    }

    pub(super) fn response(&self) -> Response {
        part(self.response)
    }

    pub(super) fn rate_limit(&self) -> RateLimit {
        part(self.rate_limit_info)
    }
}

fn part<T: DeserializeOwned + Default>(raw: Option<&RawValue>) -> T {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
}

/// A message of the model, or to it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Message<'a> {
    #[serde(default)]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) model: Option<String>,
    #[serde(default)]
    pub(super) usage: Option<Tokens>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
}

impl<'a> Message<'a> {
    /// Returns its blocks; none in the place of one that cannot be read.
    pub(super) fn blocks(&self) -> Vec<Option<Block<'a>>> {
        let Some(content) = self.content else { return Vec::new() };
        if let Ok(blocks) = serde_json::from_str::<Vec<&'a RawValue>>(content.get()) {
            return blocks.into_iter().map(|raw| serde_json::from_str(raw.get()).ok()).collect();
        }
        match serde_json::from_str::<Cow<'a, str>>(content.get()) {
            Ok(text) => vec![Some(Block::of_text(text.into_owned()))],
            Err(_) => vec![None],
        }
    }
}

/// A block of a message.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Block<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    thinking: Option<String>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    tool_use_id: Option<String>,
    #[serde(default)]
    pub(super) is_error: Option<bool>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
}

impl Block<'_> {
    fn of_text(text: String) -> Self {
        Self { kind: "text".into(), text: Some(text), ..Self::default() }
    }

    pub(super) fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    pub(super) fn thinking(&self) -> &str {
        self.thinking.as_deref().unwrap_or_default()
    }

    pub(super) fn id(&self) -> &str {
        self.id.as_deref().unwrap_or_default()
    }

    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    pub(super) fn tool_use_id(&self) -> &str {
        self.tool_use_id.as_deref().unwrap_or_default()
    }

    pub(super) fn input(&self) -> &str {
        self.input.map_or("{}", RawValue::get)
    }

    /// Returns the text of a tool's result: it is a text, or a list of blocks.
    pub(super) fn content_text(&self) -> String {
        match part::<Value>(self.content) {
            Value::String(text) => text,
            Value::Array(blocks) => {
                let texts = blocks.iter().filter_map(|block| block.get("text").and_then(Value::as_str));
                texts.collect::<Vec<_>>().join("\n")
            }
            Value::Null => String::new(),
            other @ (Value::Bool(_) | Value::Number(_) | Value::Object(_)) => other.to_string(),
        }
    }
}

/// What the program wants from us.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Request<'a> {
    #[serde(borrow, default)]
    pub(super) subtype: Cow<'a, str>,
    #[serde(default)]
    pub(super) tool_name: Option<String>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
}

impl Request<'_> {
    pub(super) fn input(&self) -> &str {
        self.input.map_or("{}", RawValue::get)
    }
}

/// A piece of a message while it is being made.
#[derive(Debug, Default, Deserialize)]
pub(super) struct StreamEvent {
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) usage: Option<Tokens>,
    #[serde(default)]
    pub(super) message: Option<Started>,
}

/// The message that is being made.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Started {
    #[serde(default)]
    pub(super) id: Option<String>,
}

/// Tokens of one message, or of one turn.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(super) struct Tokens {
    #[serde(rename = "input_tokens")]
    pub(super) input: u64,
    #[serde(rename = "output_tokens")]
    pub(super) output: u64,
    #[serde(rename = "cache_creation_input_tokens")]
    pub(super) cache_creation: u64,
    #[serde(rename = "cache_read_input_tokens")]
    pub(super) cache_read: u64,
}

/// What one model was used for.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(super) struct ModelUsage {
    #[serde(rename = "inputTokens")]
    pub(super) input: u64,
    #[serde(rename = "outputTokens")]
    pub(super) output: u64,
    #[serde(rename = "cacheReadInputTokens")]
    pub(super) cache_read: u64,
    #[serde(rename = "cacheCreationInputTokens")]
    pub(super) cache_creation: u64,
    #[serde(rename = "costUSD")]
    pub(super) cost_usd: f64,
}

/// An answer to what it was asked.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Response {
    #[serde(default)]
    pub(super) request_id: String,
    #[serde(default)]
    response: Option<Value>,
}

/// What a conversation cost by now, over all of its processes.
#[derive(Debug, Deserialize)]
pub(super) struct Cost {
    pub(super) total_cost_usd: f64,
    #[serde(default)]
    pub(super) model_usage: BTreeMap<String, ModelUsage>,
}

impl Response {
    /// Reads what the conversation cost, if it says that.
    pub(super) fn cost(self) -> Option<Cost> {
        let mut response = self.response?;
        serde_json::from_value(response.get_mut("session")?.take()).ok()
    }
}

/// How much may still be used.
#[derive(Debug, Default, Deserialize)]
pub(super) struct RateLimit {
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default, rename = "resetsAt")]
    pub(super) resets_at: Value,
}

/// The agent's own list of steps.
#[derive(Debug, Deserialize)]
pub(super) struct Todo {
    pub(super) todos: Vec<Item>,
}

/// One step.
#[derive(Debug, Deserialize)]
pub(super) struct Item {
    pub(super) content: String,
    pub(super) status: String,
    #[serde(default, rename = "activeForm")]
    _active: IgnoredAny,
}
