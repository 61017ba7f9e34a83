//! Keeps an open page in step with the log: one stream per page, read by position, nothing pushed.
//!
//! A page owns a [`Cursor`]; a watch says that there is more; what there is, is read after the cursor. So nothing
//! can be lost, not even over a restart, and a slow reader costs no queue.

mod cursor;
mod entry;
mod figures;
mod follow;
mod follows;
mod lines;
mod page;
mod patch;
mod regions;
mod stream;
mod stretch;
mod topic;

pub(crate) use cursor::Cursor;
pub(crate) use entry::{Ask, AskEnd, Entry, EntryBody, Over, Tool, ToolResult, ToolState, Turn};
pub(crate) use figures::{Figures, Now};
pub(crate) use follow::CAUGHT_UP;
pub(crate) use lines::Log;
pub(crate) use stream::live;
pub(crate) use stretch::{Block, Tally, blocks};
pub(crate) use topic::{BoardFilter, Section, Topic, Topics};
