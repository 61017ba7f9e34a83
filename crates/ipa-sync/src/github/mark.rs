//! The mark by which what we made is known again. Pure.
//!
//! ```text
//! <!-- ipa:made TASK.o12 -->
//! <!-- ipa:made TASK.o12 status -->
//! ```
//!
//! In a comment it counts at the end only: whoever quotes ours writes below it.

use ipa_events::TaskId;

const BEGIN: &str = "<!-- ipa:made ";
const END: &str = " -->";
const STATUS: &str = " status";

/// What made a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark<'a> {
    /// The operation, as `Job::marker` names it.
    pub(super) op: &'a str,
    /// What is made.
    pub(super) kind: Kind,
}

/// What is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The one comment of a task that says how it stands.
    Status,
    /// Anything else.
    Other,
}

impl<'a> Mark<'a> {
    /// Writes a text with its mark.
    pub(super) fn write(self, text: &str) -> String {
        let status = match self.kind {
            Kind::Status => STATUS,
            Kind::Other => "",
        };
        format!("{}\n\n{BEGIN}{}{status}{END}", text.trim_end(), self.op)
    }

    /// Reads the mark at the end of a comment.
    pub(super) fn at_end(text: &'a str) -> Option<Self> {
        let (_, mark) = text.trim_end().strip_suffix(END)?.rsplit_once(BEGIN)?;
        Self::parse(mark)
    }

    /// Reads the last mark of a description, wherever it stands: people write below it.
    pub(super) fn anywhere(text: &'a str) -> Option<Self> {
        let (_, rest) = text.rsplit_once(BEGIN)?;
        Self::parse(rest.split_once(END)?.0)
    }

    fn parse(mark: &'a str) -> Option<Self> {
        let (op, kind) = match mark.strip_suffix(STATUS) {
            Some(op) => (op, Kind::Status),
            None => (mark, Kind::Other),
        };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        (!op.is_empty() && op.chars().all(is_plain)).then_some(Self { op, kind })
    }

    /// Tells whether an operation of this task made it.
    pub(super) fn is_of(self, task: TaskId) -> bool {
        self.op.strip_prefix(&task.to_string()).is_some_and(|rest| rest.starts_with('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_reads_back_and_counts_in_a_comment_at_its_end_only() {
        let task = TaskId::from_key("a task");
        let op = format!("{task}.o12");
        for kind in [Kind::Status, Kind::Other] {
            let mark = Mark { op: &op, kind };
            let text = mark.write("words\n");
            assert_eq!(Mark::at_end(&text), Some(mark));
            assert_eq!(Mark::at_end(&format!("{text}\r\n")), Some(mark));
            assert!(mark.is_of(task) && !mark.is_of(TaskId::from_key("another")));
            let quoted = format!("{text}\n\nI do not think so.");
            assert_eq!((Mark::at_end(&quoted), Mark::anywhere(&quoted)), (None, Some(mark)));
        }
    }

    #[test]
    fn what_is_no_mark_is_none() {
        for text in [
            "",
            "words",
            "<!-- ipa:made  -->",
            "<!-- ipa:made a b -->",
            "<!-- ipa:made a--> -->",
            "<!-- ipa:begin v=1 h=x c=y -->",
            "<!-- ipa:made a",
        ] {
            assert_eq!((Mark::at_end(text), Mark::anywhere(text)), (None, None), "{text}");
        }
    }
}
