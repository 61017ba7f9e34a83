//! What a page wants to be kept in step with: the regions that it shows.

use std::fmt;
use std::str::FromStr;

use ipa_events::{Phase, Reference, Status};

/// More topics than this are not followed by one page.
const TOPICS: usize = 16;

/// One thing that a page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Topic {
    /// How many decisions are open, in the page's head.
    Nav,
    /// All tasks, as far as they pass the filter.
    Board(BoardFilter),
    /// All open decisions.
    Inbox,
    /// The head, the decisions and the side of one task.
    Task(Reference),
    /// One of the sections of a task.
    Section(Reference, Section),
    /// What the agent of a task does: its newest run, and each that starts later.
    Story(Reference),
    /// What the agent of one run does.
    Run(Reference, u32),
}

/// Which tasks a board shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct BoardFilter {
    /// Only those in this phase.
    pub(crate) phase: Option<Phase>,
    /// Only those of this status.
    pub(crate) status: Option<Status>,
}

/// A section of a task's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// What the agents do.
    Log,
    /// The request and the spec, with its versions.
    Spec,
    /// The plan, with its versions.
    Plan,
    /// What the checks said.
    Checks,
}

impl Section {
    /// Every section, in the order of the page.
    pub(crate) const ALL: [Self; 4] = [Self::Log, Self::Spec, Self::Plan, Self::Checks];

    /// Returns its word in addresses and topics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Spec => "spec",
            Self::Plan => "plan",
            Self::Checks => "checks",
        }
    }
}

impl FromStr for Section {
    type Err = UnknownTopic;

    fn from_str(text: &str) -> Result<Self, UnknownTopic> {
        Self::ALL.into_iter().find(|section| section.as_str() == text).ok_or(UnknownTopic)
    }
}

/// A text that names nothing to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "topics are `nav`, `board`, `inbox`, `task:T-12`, `task:T-12:spec`, `log:T-12` and `log:T-12.r3`, with commas"
)]
pub(crate) struct UnknownTopic;

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nav => f.write_str("nav"),
            Self::Board(BoardFilter { phase: None, status: None }) => f.write_str("board"),
            Self::Board(BoardFilter { phase, status }) => {
                let phase = phase.map_or("", Phase::as_str);
                write!(f, "board:{phase}:{}", status.map_or("", Status::as_str))
            }
            Self::Inbox => f.write_str("inbox"),
            Self::Task(task) => write!(f, "task:{task}"),
            Self::Section(task, section) => write!(f, "task:{task}:{}", section.as_str()),
            Self::Story(task) => write!(f, "log:{task}"),
            Self::Run(task, number) => write!(f, "log:{task}.r{number}"),
        }
    }
}

impl FromStr for Topic {
    type Err = UnknownTopic;

    fn from_str(text: &str) -> Result<Self, UnknownTopic> {
        let parts: Vec<&str> = text.split(':').collect();
        match parts.as_slice() {
            ["nav"] => Ok(Self::Nav),
            ["board"] => Ok(Self::Board(BoardFilter::default())),
            ["board", phase, status] => {
                Ok(Self::Board(BoardFilter { phase: word(phase)?, status: word(status)? }))
            }
            ["inbox"] => Ok(Self::Inbox),
            ["task", task] => Ok(Self::Task(reference(task)?)),
            ["task", task, section] => Ok(Self::Section(reference(task)?, section.parse()?)),
            ["log", name] => match Reference::parse_numbered(name, 'r') {
                Ok((task, number)) => Ok(Self::Run(task, number)),
                Err(_not_a_run) => Ok(Self::Story(reference(name)?)),
            },
            _ => Err(UnknownTopic),
        }
    }
}

fn word<T: FromStr>(text: &str) -> Result<Option<T>, UnknownTopic> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_unknown| UnknownTopic) }
}

fn reference(text: &str) -> Result<Reference, UnknownTopic> {
    text.parse().map_err(|_invalid| UnknownTopic)
}

/// Everything that a page shows; its text has commas between the topics.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Topics(pub(crate) Vec<Topic>);

impl fmt::Display for Topics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, topic) in self.0.iter().enumerate() {
            write!(f, "{}{topic}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl FromStr for Topics {
    type Err = UnknownTopic;

    fn from_str(text: &str) -> Result<Self, UnknownTopic> {
        let topics = text.split(',').filter(|part| !part.is_empty());
        let topics: Vec<Topic> =
            topics.take(TOPICS.saturating_add(1)).map(str::parse).collect::<Result<_, _>>()?;
        if topics.is_empty() || topics.len() > TOPICS { Err(UnknownTopic) } else { Ok(Self(topics)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_read_back_from_their_text() {
        let text = "nav,board,board:review:waiting,board::parked,inbox,task:T-12,task:T-12:spec,log:T-12,log:T-12.r7";
        assert_eq!(text.parse::<Topics>().unwrap().to_string(), text);
    }

    #[test]
    fn what_is_no_topic_is_refused() {
        let many = ["inbox"; 17].join(",");
        for wrong in ["", ",", "x", "task:", "task:12", "log:T-1.d2", "board:x:", "task:T-1:x", "a\nb", &many]
        {
            assert!(wrong.parse::<Topics>().is_err(), "{wrong:?}");
        }
    }
}
