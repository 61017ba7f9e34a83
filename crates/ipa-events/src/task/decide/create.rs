//! Beginning a task.

use std::sync::Arc;

use super::Decided;
use crate::task::command::NewTask;
use crate::task::error::TaskError;
use crate::task::event::{Created, Revision, TaskEvent};
use crate::value::Phase;

/// The longest title made from a request, in characters.
const TITLE_LENGTH: usize = 72;

pub(super) fn create(new: &NewTask) -> Decided {
    if new.request.trim().is_empty() {
        return Err(TaskError::Invalid { what: "the request", problem: "is empty; say what is to be done" });
    }
    if new.depends_on.contains(&new.task) {
        return Err(TaskError::Invalid { what: "depends_on", problem: "names the task itself" });
    }
    let given = new.title.as_deref().map(str::trim).filter(|title| !title.is_empty());
    let title = given.map_or_else(|| title_of(&new.request), Arc::from);
    let created = TaskEvent::Created(Box::new(Created {
        task: new.task,
        number: new.handle.number(),
        title,
        request: new.request.clone(),
        repo: new.repo.clone(),
        base: new.base.clone(),
        agent: new.agent.clone(),
        roles: new.roles.clone(),
        gates: new.gates,
        checks: new.checks.clone(),
        start_at: new.start_at,
        priority: new.priority,
        depends_on: new.depends_on.clone(),
        ticket: new.ticket.as_ref().map(|(resource, _)| resource.clone()),
        limits: new.limits,
    }));
    let linked = new.ticket.clone().map(|(resource, link)| TaskEvent::ExternalLinked { resource, link });
    let created = [created].into_iter().chain(linked);
    let first = |text: &Arc<str>| Revision { version: 1, text: text.clone(), run: None };
    match new.start_at {
        Phase::SpecClarification => Ok(created.collect()),
        Phase::Planning => Ok(created.chain([TaskEvent::SpecRevised(first(&new.request))]).collect()),
        // The request is the spec and the plan of a small task.
        Phase::Development => Ok(created
            .chain([TaskEvent::SpecRevised(first(&new.request)), TaskEvent::PlanRevised(first(&new.request))])
            .collect()),
        Phase::Review | Phase::Completed | Phase::Cancelled => Err(TaskError::Invalid {
            what: "start_at",
            problem: "must be spec_clarification, planning or development",
        }),
    }
}

/// Names a task after the first line of its request, cut at a word.
fn title_of(request: &str) -> Arc<str> {
    let line = request.trim().lines().next().unwrap_or_default().trim();
    if line.chars().count() <= TITLE_LENGTH {
        return line.into();
    }
    let cut: String = line.chars().take(TITLE_LENGTH).collect();
    let at_word = cut.rsplit_once(char::is_whitespace).map_or(cut.as_str(), |(start, _)| start);
    format!("{}…", at_word.trim_end()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_first_line_cut_at_a_word() {
        assert_eq!(&*title_of("\n  Fix the retry \nand more"), "Fix the retry");
        let long = title_of(&"word ".repeat(30));
        assert!(long.ends_with("word…") && long.chars().count() <= TITLE_LENGTH + 1, "{long}");
        assert_eq!(title_of(&"x".repeat(100)).chars().count(), TITLE_LENGTH + 1);
    }
}
