//! Who opens the demo's gates: the person at the terminal, and, when nobody answers in time, the demo itself.

use std::time::Duration;

use ipa_events::task::DecisionKind;
use ipa_server::wire::{Decision, DiffSet, Shown, TaskDetail};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::forge::Turn;
use crate::cli::DemoArgs;
use crate::client::Client;
use crate::commands::{Settled, forget, open, settle, shown, typed_lines};
use crate::failure::Failure;
use crate::output::{Out, diff_text, plain};

/// How long the person has before the demo goes on by itself.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who opens the demo's gates.
pub(super) struct Gates {
    out: Out,
    /// The demo's own hand, `policy:demo`; none when somebody else's server plays the demo.
    policy: Option<Client>,
    typed: Option<mpsc::Receiver<String>>,
    asked: Option<(Decision, &'static str, Instant)>,
}

impl Gates {
    /// Finds out whether somebody can be asked.
    pub(super) fn new(out: Out, args: &DemoArgs, policy: Option<Client>) -> Self {
        let typed = (out.can_ask() && !args.yes).then(typed_lines);
        if typed.is_some() {
            let patience = PATIENCE.as_secs();
            out.note(format!(
                "Enter opens a gate, n sends the work back; after {patience} s without a word it goes on by itself."
            ));
        }
        Self { out, policy, typed, asked: None }
    }

    /// Tells whether the person is asked something.
    pub(super) const fn is_asking(&self) -> bool {
        self.asked.is_some()
    }

    /// Asks what is open, or decides it at once when nobody is to be asked. A gate waits for its turn.
    pub(super) async fn see(
        &mut self,
        client: &Client,
        detail: &TaskDetail,
        turn: Turn,
    ) -> Result<(), Failure> {
        let open: Vec<_> = open(detail).collect();
        if let Some((asked, ..)) = &self.asked {
            if open.iter().any(|decision| decision.id == asked.id) {
                return Ok(());
            }
            self.asked = None;
        }
        let by = self.policy.as_ref().unwrap_or(client);
        for decision in open {
            match (decision.kind, turn) {
                (DecisionKind::Gate, Turn::Later) => {}
                (DecisionKind::Gate, Turn::Now(also)) if self.typed.is_some() => {
                    self.ask(decision.clone(), also);
                    return Ok(());
                }
                (DecisionKind::Escalation, _) => {
                    return Err(Failure::Wrong(format!("the demo needs help: {}", decision.title)));
                }
                (DecisionKind::Gate | DecisionKind::Permission | DecisionKind::Publish, _) => {
                    self.decide(by, decision, &Settled::Yes).await?;
                }
                (DecisionKind::Question, _) => {
                    self.decide(by, decision, &Settled::Text(first_choice(decision))).await?;
                }
            }
        }
        Ok(())
    }

    /// Waits for a line of the person's, or none when it was too long; for ever while nothing is asked. May be
    /// dropped and called again: what was typed is not lost.
    pub(super) async fn typed(&mut self) -> Option<String> {
        let (Some(typed), Some((.., until))) = (&mut self.typed, &self.asked) else {
            return std::future::pending().await;
        };
        tokio::select! {
            line = typed.recv() => line,
            () = tokio::time::sleep_until(*until) => None,
        }
    }

    /// Carries out what was typed, or what is done by itself. Not to be dropped half-way.
    pub(super) async fn take(&mut self, client: &Client, line: Option<&str>) -> Result<(), Failure> {
        let Some((decision, also, _)) = self.asked.take() else { return Ok(()) };
        match Line::read(line) {
            Line::None => {
                self.out.note("y   (by itself)");
                self.decide(self.policy.as_ref().unwrap_or(client), &decision, &Settled::Yes).await
            }
            Line::Yes => self.decide(client, &decision, &Settled::Yes).await,
            Line::Show => {
                self.out.note(asked(client, &decision).await?);
                self.ask(decision, also);
                Ok(())
            }
            Line::No => {
                self.out.note("  sent back: the agent looks at it once more");
                let why = "whoever watches the demo wants to see it once more".to_owned();
                self.decide(client, &decision, &Settled::No(why)).await
            }
            Line::Other => {
                self.out.note("  Enter or y opens the gate, n sends the work back, d shows it");
                self.ask(decision, also);
                Ok(())
            }
        }
    }

    /// Asks; `also` says what opening it does beside.
    fn ask(&mut self, decision: Decision, also: &'static str) {
        if let Some(typed) = &mut self.typed {
            forget(typed);
        }
        let show = if is_document(&decision) { "read it" } else { "diff" };
        self.out.prompt(&format!("? {}{also}? [Y/n/d={show}]", plain(&decision.title)));
        self.asked = Some((decision, also, Instant::now() + PATIENCE));
    }

    /// Decides. What is gone meanwhile, or was decided on the page, needs no decision.
    async fn decide(&self, by: &Client, decision: &Decision, settled: &Settled) -> Result<(), Failure> {
        match settle(by, decision, settled).await {
            Err(Failure::Problem(problem)) if problem.code.starts_with("decision_") => Ok(()),
            other => other,
        }
    }
}

/// What a line says to what is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Nobody typed one in time.
    None,
    Yes,
    No,
    /// Let me see it.
    Show,
    Other,
}

impl Line {
    fn read(line: Option<&str>) -> Self {
        match line.map(|line| line.trim().to_lowercase()).as_deref() {
            None => Self::None,
            Some("" | "y" | "yes") => Self::Yes,
            Some("n" | "no") => Self::No,
            Some("d") => Self::Show,
            Some(_) => Self::Other,
        }
    }
}

/// Returns exactly what is asked: the document, or what the commit changes.
async fn asked(client: &Client, decision: &Decision) -> Result<String, Failure> {
    if is_document(decision) {
        return Ok(shown(decision));
    }
    let diff: DiffSet = client.read(&format!("/api/v1/tasks/{}/diff", decision.task_id)).await?;
    Ok(diff_text(&diff))
}

const fn is_document(decision: &Decision) -> bool {
    matches!(decision.payload, Shown::Gate { document: Some(_), commit: None, .. })
}

fn first_choice(decision: &Decision) -> String {
    let choices = match &decision.payload {
        Shown::Question { choices, .. } => choices.as_slice(),
        Shown::Gate { .. } | Shown::Permission { .. } | Shown::Publish { .. } | Shown::Escalation { .. } => {
            &[]
        }
    };
    choices.first().cloned().unwrap_or_else(|| "as you think best".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_says_no_is_a_no() {
        let lines = [None, Some("\n"), Some("Y\n"), Some("no"), Some("d\n"), Some("what?\n"), Some("nn")];
        let read = [Line::None, Line::Yes, Line::Yes, Line::No, Line::Show, Line::Other, Line::Other];
        assert_eq!(lines.map(Line::read), read);
    }
}
