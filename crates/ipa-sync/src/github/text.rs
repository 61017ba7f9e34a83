//! Our texts as GitHub takes them: rendered, neutral, not too long. Pure.

use ipa_events::TaskId;
use ipa_events::task::Change;

use super::mark::{Kind, Mark};
use crate::body::{Body, GITHUB_CHARS, Mentions};
use crate::section;

/// Renders Markdown of ours.
pub(super) fn rendered(text: &str) -> String {
    let measure = |body: &Body| body.github(Mentions::Neutral).chars().count();
    Body::markdown(text).cut(GITHUB_CHARS, measure).github(Mentions::Neutral)
}

/// The description of a pull request that we open.
pub(super) fn description(words: &str, op: &str) -> String {
    Mark { op, kind: Kind::Other }.write(&section_in("", words))
}

/// A description with our section as it should be; what stands around stays.
pub(super) fn section_in(description: &str, words: &str) -> String {
    section::write(description, &rendered(words), &Change::version_of(words))
}

/// A comment of ours.
pub(super) fn comment(words: &str, op: &str, kind: Kind) -> String {
    Mark { op, kind }.write(&rendered(words))
}

/// Tells whether a pull request was opened for a task.
pub(super) fn is_of(description: &str, task: TaskId) -> bool {
    Mark::anywhere(description).is_some_and(|mark| mark.is_of(task))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_our_section_with_the_mark_of_what_opened_it() {
        let task = TaskId::from_key("a task");
        let text = description("Fixes #12, thanks @ann.", &format!("{task}.o1"));
        assert_eq!(section::read(&text), Some(Change::version_of("Fixes #12, thanks @ann.")));
        assert!(is_of(&text, task) && !is_of(&text, TaskId::from_key("another")));
        assert!(!text.contains("@ann") && !text.contains("#12"), "{text}");
        let longer = section_in(&format!("{text}\r\n\r\nA person's words."), "New.");
        assert_eq!(section::read(&longer), Some(Change::version_of("New.")));
        assert!(longer.ends_with("A person's words.") && is_of(&longer, task));
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_and_says_so() {
        let long = "word ".repeat(40_000);
        let sent = comment(&long, "t.o1", Kind::Status);
        assert!(sent.chars().count() < 65_536, "{}", sent.chars().count());
        assert_eq!(Mark::at_end(&sent), Some(Mark { op: "t.o1", kind: Kind::Status }));
    }
}
