//! Who is meant: tasks, and the things that are numbered within a task.
//!
//! A task's id is a UUID of its own. Runs, decisions and outbox operations are numbered by the task's stream,
//! so their ids *contain* the task's: looking one up needs no index.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use super::name::AgentId;
use super::text::{InvalidValue, serde_as_text};

/// The id of a task: a UUID, version 7 (version 5 when it was created under an idempotency key).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(Uuid);

/// The id of a command, minted once where the command enters; a repeat under the same id changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(Uuid);

macro_rules! uuid_id {
    ($($name:ident: $wanted:literal),+) => {$(
        impl $name {
            /// Wraps a UUID that the edge minted.
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Derives the id that an outside key always leads to (a version 5 UUID).
            pub fn from_key(key: &str) -> Self {
                Self(Uuid::new_v5(&NAMESPACE, key.as_bytes()))
            }

            /// Returns the UUID.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0.hyphenated(), f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidValue;

            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                // One text form only: what was stored once is found again by comparing text.
                let uuid = Uuid::try_parse(text).ok().filter(|uuid| uuid.to_string() == text);
                uuid.map(Self).ok_or_else(|| InvalidValue::new($wanted, text))
            }
        }
    )+};
}

/// The namespace of ids that are derived from an outside key.
const NAMESPACE: Uuid = Uuid::from_u128(0x6970_6100_0000_5000_8000_0000_0000_0001);

uuid_id!(TaskId: "a task id (a UUID)", CommandId: "a command id (a UUID)");

/// The id of one run of an agent within a task; its handle is `T-12.r3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId {
    /// The task that the run belongs to.
    pub task: TaskId,
    /// Its number in the task, from 1.
    pub number: u32,
}

/// The id of something that waits, or waited, for a person; its handle is `T-12.d4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DecisionId {
    /// The task that the decision belongs to.
    pub task: TaskId,
    /// Its number in the task, from 1.
    pub number: u32,
}

/// The id of one change to the outside; its handle is `T-12.o2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpId {
    /// The task that the operation belongs to.
    pub task: TaskId,
    /// Its number in the task, from 1.
    pub number: u32,
}

macro_rules! numbered_id {
    ($($name:ident, $letter:literal, $wanted:literal);+ $(;)?) => {$(
        impl $name {
            /// Names the one with this number in `task`.
            pub const fn new(task: TaskId, number: u32) -> Self {
                Self { task, number }
            }

            /// Returns the short form a person can say, such as
            #[doc = concat!("`T-12.", $letter, "3`.")]
            pub fn handle(self, task: Handle) -> String {
                format!("{task}.{}{}", $letter, self.number)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}.{}{}", self.task, $letter, self.number)
            }
        }

        impl FromStr for $name {
            type Err = InvalidValue;

            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                let wrong = || InvalidValue::new($wanted, text);
                let (task, number) = text.split_once('.').ok_or_else(wrong)?;
                let number = number.strip_prefix($letter).and_then(parse_number).ok_or_else(wrong)?;
                Ok(Self { task: task.parse()?, number })
            }
        }
    )+};
}

numbered_id! {
    RunId, 'r', "a run id (<task id>.r<number>)";
    DecisionId, 'd', "a decision id (<task id>.d<number>)";
    OpId, 'o', "an operation id (<task id>.o<number>)";
}

/// Parses a number that has one text form: no sign, no leading zero.
fn parse_number(text: &str) -> Option<u32> {
    let number: u32 = text.parse().ok()?;
    (number > 0 && number.to_string() == text).then_some(number)
}

/// The id of a workspace: a place of work (`main`, `check`) in a task, written `<task id>/<agent id>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkspaceId {
    /// The task that works there.
    pub task: TaskId,
    /// The place of work.
    pub agent: AgentId,
}

impl fmt::Display for WorkspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.task, self.agent)
    }
}

impl FromStr for WorkspaceId {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let (task, agent) = text
            .split_once('/')
            .ok_or_else(|| InvalidValue::new("a workspace id (<task id>/<agent id>)", text))?;
        Ok(Self { task: task.parse()?, agent: agent.parse()? })
    }
}

/// The id of an event: the command that caused it, and its place among that command's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// The command.
    pub command: CommandId,
    /// The place among its events, from 0.
    pub index: u32,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.command, self.index)
    }
}

impl FromStr for EventId {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let wrong = || InvalidValue::new("an event id (<command id>.<index>)", text);
        let (command, index) = text.split_once('.').ok_or_else(wrong)?;
        let index: u32 = index.parse().ok().filter(|n: &u32| n.to_string() == index).ok_or_else(wrong)?;
        Ok(Self { command: command.parse()?, index })
    }
}

/// The name of one stream of the log: `task/<task id>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(String);

impl StreamId {
    /// Names the stream of a task.
    pub fn task(task: TaskId) -> Self {
        Self(format!("task/{task}"))
    }

    /// Returns the task whose stream this is, if it is one's.
    pub fn as_task(&self) -> Option<TaskId> {
        self.0.strip_prefix("task/")?.parse().ok()
    }

    /// Returns the text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for StreamId {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let id = Self(text.to_owned());
        if id.as_task().is_none() {
            return Err(InvalidValue::new("a stream id (task/<task id>)", text));
        }
        Ok(id)
    }
}

/// The short name of a task that a person can type and say: `T-12`. Unique in a store, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle(u64);

impl Handle {
    /// Names the task with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("T-{}", self.0))
    }
}

impl FromStr for Handle {
    type Err = InvalidValue;

    /// Parses `T-12`, in either case, as a person may type it.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let number = text.strip_prefix("T-").or_else(|| text.strip_prefix("t-"));
        number
            .and_then(parse_number)
            .map(|number| Self(u64::from(number)))
            .ok_or_else(|| InvalidValue::new("a task handle (T-<number>)", text))
    }
}

/// What a person may write where a task is wanted: its handle or its id.
///
/// ```
/// use ipa_events::{Handle, Reference};
/// assert_eq!("t-12".parse(), Ok(Reference::Handle(Handle::new(12))));
/// assert!("12".parse::<Reference>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// By id.
    Id(TaskId),
    /// By handle.
    Handle(Handle),
}

impl Reference {
    /// Splits `T-12.r3` or `<task id>.r3` into the task and the number of its run, decision (`d`) or
    /// operation (`o`).
    ///
    /// # Errors
    ///
    /// [`InvalidValue`] when there is no such part after the task.
    pub fn parse_numbered(text: &str, letter: char) -> Result<(Self, u32), InvalidValue> {
        let wrong = || InvalidValue::new("a handle within a task, such as T-12.r3 or T-12.d4", text);
        let (task, part) = text.rsplit_once('.').ok_or_else(wrong)?;
        let number = part.strip_prefix(letter).and_then(parse_number).ok_or_else(wrong)?;
        Ok((task.parse()?, number))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Handle(handle) => handle.fmt(f),
        }
    }
}

impl FromStr for Reference {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let handle = text.parse().map(Self::Handle).ok();
        handle
            .or_else(|| text.parse().map(Self::Id).ok())
            .ok_or_else(|| InvalidValue::new("a task (a handle such as T-12, or its id)", text))
    }
}

serde_as_text!(TaskId, CommandId, RunId, DecisionId, OpId, WorkspaceId, EventId, StreamId, Handle);

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: &str = "0193b2f4-5c1e-7000-8000-000000000001";

    #[test]
    fn an_id_reads_back_from_its_text() {
        let task: TaskId = TASK.parse().unwrap();
        let run = RunId::new(task, 3);
        assert_eq!(run.to_string(), format!("{TASK}.r3"));
        assert_eq!(run.to_string().parse(), Ok(run));
        assert_eq!(run.handle(Handle::new(12)), "T-12.r3");
        let decision = DecisionId::new(task, 4);
        assert_eq!(decision.to_string().parse(), Ok(decision));
        let workspace = WorkspaceId { task, agent: AgentId::main() };
        assert_eq!(workspace.to_string().parse(), Ok(workspace));
        let event = EventId { command: CommandId::from_key("a"), index: 0 };
        assert_eq!(event.to_string().parse(), Ok(event));
        assert_eq!(StreamId::task(task).as_str().parse(), Ok(StreamId::task(task)));
    }

    #[test]
    fn an_id_has_one_text_form() {
        for wrong in ["", "x", "0193B2F4-5C1E-7000-8000-000000000001", "0193b2f45c1e70008000000000000001"] {
            assert!(wrong.parse::<TaskId>().is_err(), "{wrong}");
        }
        for wrong in ["r3", ".r0", ".r03", ".r+3", ".d3", ".r4294967296", ".r3.r3"] {
            assert!(format!("{TASK}{wrong}").parse::<RunId>().is_err(), "{wrong}");
        }
        for wrong in ["T-0", "T-012", "T12", "T--1", "T-1 ", "12"] {
            assert!(wrong.parse::<Handle>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_handle_within_a_task_is_taken_with_either_form_of_the_task() {
        let handle = Reference::Handle(Handle::new(12));
        assert_eq!(Reference::parse_numbered("T-12.d4", 'd'), Ok((handle, 4)));
        let id = Reference::Id(TASK.parse().unwrap());
        assert_eq!(Reference::parse_numbered(&format!("{TASK}.r3"), 'r'), Ok((id, 3)));
        assert!(Reference::parse_numbered("T-12.r4", 'd').is_err());
    }
}
