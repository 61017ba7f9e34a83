//! Asking the person at the terminal what a task waits for, while the task may be decided elsewhere.

use ipa_events::task::DecisionKind;
use ipa_server::wire::{Decision, DiffSet, TaskDetail};
use tokio::sync::mpsc;

use super::decide::{Settled, open, settle, shown};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{Out, diff_text, plain};

/// The person at the terminal, or that nobody is there.
pub(crate) struct People {
    out: Out,
    /// Lines that are typed; none when nobody can be asked.
    typed: Option<mpsc::Receiver<String>>,
    asked: Option<Asked>,
}

/// What was asked and is not answered.
struct Asked {
    decision: Decision,
    stage: Stage,
}

/// Which line is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Yes or no, or the answer.
    Verdict,
    /// Why not.
    Reason,
}

impl People {
    /// Finds out whether somebody can be asked.
    pub(crate) fn new(out: Out) -> Self {
        Self { out, typed: out.can_ask().then(typed_lines), asked: None }
    }

    /// Tells whether somebody can be asked.
    pub(crate) const fn is_there(&self) -> bool {
        self.typed.is_some()
    }

    /// Tells whether something was asked and is not answered.
    pub(crate) const fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    /// Asks what a task waits for now, and takes back what was answered elsewhere.
    pub(crate) fn see(&mut self, detail: &TaskDetail) {
        if let Some(asked) = &self.asked {
            if open(detail).any(|it| it.id == asked.decision.id) {
                return;
            }
            self.out.note(format!("\n{} was decided elsewhere", asked.decision.handle));
            self.asked = None;
        }
        if let Some(decision) = open(detail).next().filter(|_| self.is_there()) {
            self.ask(decision.clone());
        }
    }

    /// Waits for a line that answers what was asked; for ever while nothing is asked. May be dropped and called
    /// again: what was typed is not lost.
    pub(crate) async fn typed(&mut self) -> String {
        let (Some(typed), true) = (&mut self.typed, self.asked.is_some()) else {
            return std::future::pending().await;
        };
        match typed.recv().await {
            Some(line) => line,
            None => std::future::pending().await,
        }
    }

    fn ask(&mut self, decision: Decision) {
        let choices = match decision.kind {
            DecisionKind::Gate => "[y/n/d=diff]",
            DecisionKind::Permission | DecisionKind::Publish | DecisionKind::Escalation => "[y/n]",
            DecisionKind::Question => "",
        };
        if decision.kind != DecisionKind::Question {
            self.out.note(shown(&decision));
        }
        if let Some(typed) = &mut self.typed {
            forget(typed);
        }
        self.out.prompt(&format!("? {}  {} {choices}", decision.handle, plain(&decision.title)));
        self.asked = Some(Asked { decision, stage: Stage::Verdict });
    }

    /// Carries out what was typed. Not to be dropped half-way: a decision would be lost.
    ///
    /// # Errors
    ///
    /// As [`settle`]; that somebody else was quicker is none.
    pub(crate) async fn take(&mut self, client: &Client, line: &str) -> Result<(), Failure> {
        let Some(mut asked) = self.asked.take() else { return Ok(()) };
        let question = asked.decision.kind == DecisionKind::Question;
        let settled = match (asked.stage, line.trim()) {
            (Stage::Verdict, "") => None,
            (Stage::Verdict, text) if question => Some(Settled::Text(text.to_owned())),
            (Stage::Verdict, "y" | "Y" | "yes") => Some(Settled::Yes),
            (Stage::Verdict, "n" | "N" | "no") => {
                self.out.prompt("why not? (the agent is told)");
                asked.stage = Stage::Reason;
                self.asked = Some(asked);
                return Ok(());
            }
            (Stage::Verdict, "d") => {
                let diff: DiffSet =
                    client.read(&format!("/api/v1/tasks/{}/diff", asked.decision.task_id)).await?;
                self.out.note(diff_text(&diff));
                None
            }
            (Stage::Verdict, _) | (Stage::Reason, "") => None,
            (Stage::Reason, reason) => Some(Settled::No(reason.to_owned())),
        };
        let Some(settled) = settled else {
            self.ask(asked.decision);
            return Ok(());
        };
        match settle(client, &asked.decision, &settled).await {
            Err(Failure::Problem(problem)) => self.out.note(plain(&problem.detail)),
            other => other?,
        }
        Ok(())
    }
}

/// Forgets what was typed before there was a question: it cannot have been meant as its answer.
pub(crate) fn forget(typed: &mut mpsc::Receiver<String>) {
    while typed.try_recv().is_ok() {}
}

/// Reads lines on a thread of its own: a read of a terminal cannot be called off.
pub(crate) fn typed_lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(256);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
