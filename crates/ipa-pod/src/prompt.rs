//! What an agent is told. Pure: a template per role, and what the task knows that the role needs.
//!
//! Everything that was not written by ipa itself stands in a fence and is named as data.

use std::fmt::Write as _;

use ipa_events::task::{CheckResult, Remark, Run, TaskState};
use ipa_events::{RemoteId, Role};

/// The file in a run's folder that keeps what its agent was told.
pub(crate) const FILE: &str = "prompt.md";

/// What is left of a conversation with which nobody can go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Handover {
    /// What its agent said last.
    pub(crate) said: String,
    /// What it changed, a file a line.
    pub(crate) changed: String,
}

/// Writes the prompt of a run that was requested; `handover` tells of the run that it takes over from.
pub(crate) fn prompt(state: &TaskState, run: &Run, handover: Option<&Handover>) -> String {
    let mut prompt = match run.role {
        // It has heard the rest already.
        _ if run.resumes.is_some() => return resumed(state, run),
        Role::Spec => include_str!("prompt/spec.md"),
        Role::Plan => include_str!("prompt/plan.md"),
        Role::Develop => include_str!("prompt/develop.md"),
        Role::Review => include_str!("prompt/review.md"),
        // A check is its command; nobody reads a prompt.
        Role::Check => return String::new(),
    }
    .to_owned();
    let Some(created) = &state.created else { return prompt };
    section(&mut prompt, "Title", &state.title);
    section(&mut prompt, "Request", &created.request);
    let documents =
        [("Spec", &state.spec, run.role != Role::Spec), ("Plan", &state.plan, run.role != Role::Plan)];
    for (name, document, needed) in documents {
        if let Some(text) = document.text().filter(|_| needed || state.rework.is_some()) {
            section(&mut prompt, name, text);
        }
    }
    if let Some(Handover { said, changed }) = handover {
        prompt.push_str(include_str!("prompt/handover.md"));
        let or_nothing =
            |text: &str| if text.trim().is_empty() { "nothing".to_owned() } else { text.to_owned() };
        section(&mut prompt, "What the agent before you said last", &or_nothing(said));
        section(
            &mut prompt,
            "What differs in the working tree from the commit that the work began at",
            &or_nothing(changed),
        );
    }
    news(&mut prompt, state, run);
    prompt
}

/// Writes what a run is told that goes on with the conversation of one that was cut short.
fn resumed(state: &TaskState, run: &Run) -> String {
    let mut prompt = include_str!("prompt/resume.md").to_owned();
    news(&mut prompt, state, run);
    prompt
}

/// Appends what is new since the last run: what a person wants changed, what failed, what was said.
fn news(prompt: &mut String, state: &TaskState, run: &Run) {
    if let Some(rework) = &state.rework {
        section(prompt, "A person looked at the last result and wants it changed", &rework.reason);
    }
    outside(prompt, state);
    for check in failed_checks(state) {
        let exit =
            check.exit_code.map_or_else(|| "no exit code".to_owned(), |code| format!("exit code {code}"));
        section(prompt, &format!("A check fails: {} ({exit})", one_line(&check.command)), &check.tail);
    }
    if let Some(failure) = &state.last_failure {
        section(prompt, "The last attempt failed; look at the tree first", failure);
    }
    for number in &run.messages {
        let index = usize::try_from(*number).unwrap_or(usize::MAX).saturating_sub(1);
        if let Some(message) = state.messages.get(index) {
            section(
                prompt,
                &format!("A message from {}", one_line(&message.from.to_string())),
                &message.text,
            );
        }
    }
}

/// Appends what people whose words may reach an agent said in a review outside and nobody answered yet, and which checks
/// of the forge fail. What anybody else said there is told to no agent.
fn outside(prompt: &mut String, state: &TaskState) {
    let open = |id: &RemoteId| state.outside.asked.contains_key(id) && state.answered_by(id).is_none();
    let mut said = |place: &str, remark: &Remark| {
        let heading = format!("{} says in the review{place}", one_line(&remark.by));
        section(prompt, &heading, &remark.text);
    };
    for pull in state.outside.pulls.values() {
        for review in pull.reviews.values().filter(|review| open(&review.id)) {
            said(", which asks for changes", &review.remark);
        }
        for thread in pull.threads.values().filter(|thread| !thread.resolved) {
            let line = thread.line.map_or_else(String::new, |line| format!(":{line}"));
            let place = format!(" of {}{line}", one_line(&thread.path));
            for (_, remark) in thread.remarks.iter().filter(|(id, remark)| remark.trusted && open(id)) {
                said(&place, remark);
            }
        }
        for (_, remark) in pull.remarks.iter().filter(|(id, remark)| remark.trusted && open(id)) {
            said("", remark);
        }
    }
    for check in state.head.iter().flat_map(|head| state.outside.failing(head)) {
        section(prompt, &format!("A check of the forge fails: {}", one_line(&check.name)), &check.summary);
    }
}

/// Lists what failed on the head of the work.
fn failed_checks(state: &TaskState) -> Vec<&CheckResult> {
    let of_head = |check: &&CheckResult| Some(&check.commit) == state.head.as_ref() && !check.passed;
    state.checks.iter().filter(of_head).collect()
}

/// Appends a text as data: inside a fence that it cannot close.
fn section(prompt: &mut String, heading: &str, text: &str) {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.saturating_add(1).max(3));
    // Writing to a String does not fail.
    let _ = write!(prompt, "\n## {heading}\n\n{fence}text\n{}\n{fence}\n", text.trim_end());
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_close_its_own_fence() {
        let mut prompt = String::new();
        section(&mut prompt, "Request", "a\n````\n## Not a heading");
        assert_eq!(prompt, "\n## Request\n\n`````text\na\n````\n## Not a heading\n`````\n");
    }
}
