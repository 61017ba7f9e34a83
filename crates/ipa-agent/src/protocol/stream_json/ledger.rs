//! What a process used, each turn once; what a turn that never ended used is estimated
//! from the messages that came.

use std::collections::BTreeMap;

use ipa_events::task::Usage;

use super::wire::{Cost, Head, Message, ModelUsage, Tokens};

/// What one process used.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    counted: Usage,
    /// Messages since the last result, by id: each comes once per block, with the same numbers.
    open: BTreeMap<String, Tokens>,
    making: Option<String>,
    /// What the conversation had cost before this process went on with it, if that was asked.
    before: Option<Usage>,
    /// What this process used when it was asked last.
    asked: Usage,
}

impl Ledger {
    /// Takes in a message, or a block of one.
    pub(super) fn message(&mut self, message: &Message<'_>) {
        if let (Some(id), Some(usage)) = (&message.id, message.usage) {
            let known = self.open.entry(id.clone()).or_default();
            known.input = known.input.max(whole_input(usage));
            known.output = known.output.max(usage.output);
        }
    }

    /// Takes in a piece of a message: the real number of tokens written comes there only.
    pub(super) fn delta(&mut self, head: &Head<'_>) {
        let event = head.event();
        if event.kind == "message_start" {
            self.making = event.message.and_then(|message| message.id);
        }
        if let (Some(id), Some(usage)) = (&self.making, event.usage) {
            let known = self.open.entry(id.clone()).or_default();
            known.output = known.output.max(usage.output);
        }
    }

    /// Takes in what it said when it was asked; returns what this process used by then, in all.
    ///
    /// What it says first is what there was before it did anything.
    pub(super) fn said(&mut self, cost: &Cost) -> Option<Usage> {
        let Usage { input_tokens, output_tokens, .. } = sum(&cost.model_usage);
        let cost_microusd = microusd(cost.total_cost_usd);
        let now = Usage { input_tokens, output_tokens, cost_microusd };
        let Some(before) = self.before else {
            self.before = Some(now);
            return None;
        };
        self.asked = most(self.counted, minus(now, before));
        Some(self.asked)
    }

    /// Takes in the end of a turn; returns what was used in all.
    ///
    /// A resumed process may go on with the sums of the one before it: what it says of this turn alone counts, if
    /// it says that.
    pub(super) fn result(&mut self, head: &Head<'_>) -> Usage {
        let usage = match head.model_usage_since_last_result() {
            Some(since) => self.counted.plus(sum(&since)),
            None => self.in_all(head),
        };
        self.open.clear();
        self.counted = usage;
        usage
    }

    /// Reads the sums since the process began.
    fn in_all(&self, head: &Head<'_>) -> Usage {
        let models = head.model_usage();
        let tokens = if models.is_empty() {
            let turn = head.usage();
            Usage {
                input_tokens: self.counted.input_tokens.saturating_add(whole_input(turn)),
                output_tokens: self.counted.output_tokens.saturating_add(turn.output),
                cost_microusd: 0,
            }
        } else {
            sum(&models)
        };
        let cost_microusd = head.total_cost_usd.map_or(self.counted.cost_microusd, microusd);
        Usage { cost_microusd, ..tokens }
    }

    /// Returns what was used in all, with what a turn that goes on used so far.
    pub(super) fn total(&self) -> Usage {
        let open = self.open.values().fold(self.counted, |sum, tokens| {
            let Tokens { input: input_tokens, output: output_tokens, .. } = *tokens;
            sum.plus(Usage { input_tokens, output_tokens, cost_microusd: 0 })
        });
        most(open, self.asked)
    }
}

fn minus(now: Usage, before: Usage) -> Usage {
    Usage {
        input_tokens: now.input_tokens.saturating_sub(before.input_tokens),
        output_tokens: now.output_tokens.saturating_sub(before.output_tokens),
        cost_microusd: now.cost_microusd.saturating_sub(before.cost_microusd),
    }
}

fn most(a: Usage, b: Usage) -> Usage {
    Usage {
        input_tokens: a.input_tokens.max(b.input_tokens),
        output_tokens: a.output_tokens.max(b.output_tokens),
        cost_microusd: a.cost_microusd.max(b.cost_microusd),
    }
}

fn sum(models: &BTreeMap<String, ModelUsage>) -> Usage {
    models.values().fold(Usage::default(), |sum, model| {
        let read = model.cache_read.saturating_add(model.cache_creation);
        sum.plus(Usage {
            input_tokens: model.input.saturating_add(read),
            output_tokens: model.output,
            cost_microusd: microusd(model.cost_usd),
        })
    })
}

fn microusd(usd: f64) -> u64 {
    whole(usd * 1e6)
}

fn whole_input(tokens: Tokens) -> u64 {
    let cached = tokens.cache_creation.saturating_add(tokens.cache_read);
    tokens.input.saturating_add(cached)
}

/// Rounds to a whole number; what is none is 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, and makes NaN 0"
)]
pub(super) fn whole(number: f64) -> u64 {
    number.round() as u64
}
