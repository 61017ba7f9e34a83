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
    taken_over("", words, op)
}

/// A description with our section as it should be; what stands around stays.
pub(super) fn section_in(description: &str, words: &str) -> String {
    section::write(description, &rendered(words), &Change::version_of(words))
}

/// The description of a pull request that a person opened, with our section and the mark of what took it over.
pub(super) fn taken_over(description: &str, words: &str, op: &str) -> String {
    Mark { op, kind: Kind::Other }.write(&section_in(description, words))
}

/// A comment of ours.
pub(super) fn comment(words: &str, op: &str, kind: Kind) -> String {
    Mark { op, kind }.write(&rendered(words))
}

/// For which task a pull request was opened, or taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OpenedFor {
    This,
    Another,
    /// A person opened it.
    None,
}

/// Tells what a pull request was opened for.
pub(super) fn opened_for(description: &str, task: TaskId) -> OpenedFor {
    match Mark::anywhere(description) {
        Some(mark) if mark.is_of(task) => OpenedFor::This,
        Some(_) => OpenedFor::Another,
        None => OpenedFor::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_our_section_with_the_mark_of_what_opened_it() {
        let task = TaskId::from_key("a task");
        let text = description("Fixes #12, thanks @ann.", &format!("{task}.o1"));
        assert_eq!(section::read(&text), Some(Change::version_of("Fixes #12, thanks @ann.")));
        assert_eq!(opened_for(&text, task), OpenedFor::This);
        assert_eq!(opened_for(&text, TaskId::from_key("another")), OpenedFor::Another);
        assert!(!text.contains("@ann") && !text.contains("#12"), "{text}");
        let longer = section_in(&format!("{text}\r\n\r\nA person's words."), "New.");
        assert_eq!(section::read(&longer), Some(Change::version_of("New.")));
        assert!(longer.ends_with("A person's words.") && opened_for(&longer, task) == OpenedFor::This);
    }

    #[test]
    fn what_is_taken_over_keeps_its_persons_words() {
        let task = TaskId::from_key("a task");
        let theirs = "Mine, see @bob.\r\n\r\n- #12";
        assert_eq!(opened_for(theirs, task), OpenedFor::None);
        let ours = taken_over(theirs, "Our words.", &format!("{task}.o1"));
        assert!(ours.starts_with("Mine, see @bob.") && ours.contains("- #12"), "{ours}");
        assert_eq!(section::read(&ours), Some(Change::version_of("Our words.")));
        assert_eq!(opened_for(&ours, task), OpenedFor::This);
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_and_says_so() {
        let long = "word ".repeat(40_000);
        let sent = comment(&long, "t.o1", Kind::Status);
        assert!(sent.chars().count() < 65_536, "{}", sent.chars().count());
        assert_eq!(Mark::at_end(&sent), Some(Mark { op: "t.o1", kind: Kind::Status }));
    }
}
