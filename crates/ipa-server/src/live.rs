//! Keeps an open page in step with the log: one stream per page, read by position, nothing pushed.
//!
//! A page owns a [`Cursor`]; a watch says that there is more; what there is, is read after the cursor. So nothing
//! can be lost, not even over a restart, and a slow reader costs no queue.

mod cursor;
mod follow;
mod lines;
mod page;
mod patch;
mod regions;
mod stream;
mod topic;

pub(crate) use cursor::Cursor;
pub(crate) use follow::CAUGHT_UP;
pub(crate) use lines::{Entry, EntryBody, Log, Tool, ToolResult};
pub(crate) use stream::live;
pub(crate) use topic::{BoardFilter, Section, Topic, Topics};
