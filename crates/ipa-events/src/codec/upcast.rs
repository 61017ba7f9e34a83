//! Old forms of events are brought up to date before they are decoded: pure functions from JSON to JSON.

use serde_json::Value;

/// Brings payloads of one event type from one form to the next.
#[derive(Debug, Clone, Copy)]
pub struct Upcaster {
    /// The event type, such as `task.created`.
    pub kind: &'static str,
    /// The form it takes; it makes the one that follows.
    pub from: u32,
    /// The step.
    pub step: fn(Value) -> Value,
}

/// All steps that are known. A type with none has form 1.
#[derive(Debug, Clone, Copy)]
pub struct Upcasters(&'static [Upcaster]);

impl Upcasters {
    /// The steps of this version of ipa: none, as no form of an event has been retired yet.
    pub const CURRENT: Self = Self(&[]);

    /// Takes these steps.
    pub const fn new(steps: &'static [Upcaster]) -> Self {
        Self(steps)
    }

    /// Returns the form in which events of this type are written now.
    pub(super) fn current(&self, kind: &str) -> u32 {
        self.0
            .iter()
            .filter(|step| step.kind == kind)
            .map(|step| step.from.saturating_add(1))
            .max()
            .unwrap_or(1)
    }

    /// Brings a payload to the current form, one step at a time.
    pub(super) fn upcast(&self, kind: &str, mut form: u32, mut payload: Value) -> Result<Value, String> {
        let current = self.current(kind);
        if form > current {
            return Err("it was written by a newer ipa; update this one".to_owned());
        }
        while form < current {
            let step = self.0.iter().find(|step| step.kind == kind && step.from == form);
            let step = step.ok_or_else(|| format!("no step leads from form {form} to {current}"))?;
            payload = (step.step)(payload);
            form = form.saturating_add(1);
        }
        Ok(payload)
    }
}
