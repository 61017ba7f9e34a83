//! What a change of ours makes of the files of a pull request or a ticket. Pure.
//!
//! A change that is made already makes nothing of them: so what asks whether it was made is the same function.

mod open;

use std::collections::BTreeMap;
use std::sync::Arc;

use ipa_events::task::{Category, Change, CheckReport};
use ipa_events::{Oid, RemoteId};
use toml::Value;

pub(super) use open::{Opening, open};

use super::front::Front;
use super::note::Note;
use super::pull::{OURS, PullFiles, StateWord};
use super::ticket::{TicketFiles, status_of};
use crate::connector::{Applied, Job};
use crate::error::{ErrorClass, SyncError};
use crate::section;

/// Who writes our comments.
const AUTHOR: &str = "ipa";

/// A file to be written whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Write {
    pub(super) file: FileOf,
    pub(super) bytes: Vec<u8>,
}

/// A file of a pull request or a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FileOf {
    /// `pull.toml`, or the ticket itself.
    Keys,
    Body,
    Comment(RemoteId),
    Check(String),
}

/// What is to be written; nothing: it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) writes: Vec<Write>,
    pub(super) applied: Applied,
}

impl Plan {
    fn new(remote: RemoteId, writes: Vec<Write>) -> Self {
        Self { writes, applied: Applied { remote: Some(remote), ..Applied::default() } }
    }
}

/// Plans a change to a pull request, but for opening and merging it.
pub(super) fn of_pull(files: &PullFiles, remote: RemoteId, job: &Job) -> Result<Plan, SyncError> {
    let keys = &files.keys;
    let set = |pairs: &[(&str, Value)]| Plan::new(remote.clone(), set(&files.file, pairs));
    let refuse = |class, detail: &str| Err(refusal(class, job, detail));
    match &job.op.change {
        Change::WriteSection { section } => {
            let body = section::write(&files.body, section, &Change::version_of(section));
            let writes = (body != files.body).then(|| Write { file: FileOf::Body, bytes: body.into_bytes() });
            Ok(Plan::new(remote, writes.into_iter().collect()))
        }
        // One that a person opened and hands over: its mark comes last, as that is what says that it is ours.
        Change::OpenPull { section, .. } => {
            let body = section::write(&files.body, section, &Change::version_of(section)).into_bytes();
            let mut plan =
                set(&[("task", text(&job.target.task.to_string())), ("marker", text(&job.marker()))]);
            plan.writes.insert(0, Write { file: FileOf::Body, bytes: body });
            Ok(plan)
        }
        Change::Rename { title } => Ok(set(&[("title", text(title))])),
        Change::SetDraft { draft } if keys.draft == *draft || keys.state == StateWord::Open => {
            Ok(set(&[("draft", (*draft).into())]))
        }
        Change::SetDraft { .. } => refuse(ErrorClass::Conflict, "it is not open any more"),
        Change::RequestReviewers { names } => Ok(set(&[("reviewers", union(&keys.reviewers, names))])),
        Change::AddLabels { names } => Ok(set(&[("labels", union(&keys.labels, names))])),
        Change::WriteStatus { text } => Ok(status(&files.notes, job, text)),
        Change::Comment { text } => Ok(comment(&files.notes, job, None, text)),
        Change::Reply { thread, text, .. } => {
            let plan = comment(&files.notes, job, Some(thread), text);
            if !plan.writes.is_empty() && !files.has_thread(thread) {
                return refuse(ErrorClass::Gone, "the thread is not there any more");
            }
            Ok(plan)
        }
        Change::ReportCheck { commit, state, summary } => {
            Ok(Plan::new(remote, check(files, commit, *state, summary)))
        }
        Change::ClosePull {} if keys.state == StateWord::Merged => {
            refuse(ErrorClass::Conflict, "it is merged")
        }
        Change::ClosePull {} if keys.state == StateWord::Closed => Ok(Plan::new(remote, Vec::new())),
        Change::ClosePull {} => Ok(set(&[("state", "closed".into()), ("by", AUTHOR.into())])),
        Change::PushBranch(_)
        | Change::DeleteBranch { .. }
        | Change::Merge { .. }
        | Change::MoveTicket { .. }
        | Change::LinkPull { .. } => {
            refuse(ErrorClass::Rejected, "no file of a pull request says such a thing")
        }
    }
}

/// Plans a change to a ticket.
pub(super) fn of_ticket(files: &TicketFiles, job: &Job) -> Result<Plan, SyncError> {
    let set = |pairs: &[(&str, Value)]| Plan::new(files.key.clone(), set(&files.file, pairs));
    match &job.op.change {
        Change::MoveTicket { to } if files.keys.category < *to => Ok(set(&moved(*to, None))),
        Change::MoveTicket { .. } => Ok(Plan::new(files.key.clone(), Vec::new())),
        Change::LinkPull { url, .. } => Ok(set(&[("pull", text(url))])),
        Change::Comment { text } => Ok(comment(&files.notes, job, None, text)),
        Change::WriteStatus { text } => Ok(status(&files.notes, job, text)),
        Change::PushBranch(_)
        | Change::DeleteBranch { .. }
        | Change::OpenPull { .. }
        | Change::WriteSection { .. }
        | Change::Rename { .. }
        | Change::Reply { .. }
        | Change::SetDraft { .. }
        | Change::RequestReviewers { .. }
        | Change::AddLabels { .. }
        | Change::ReportCheck { .. }
        | Change::Merge { .. }
        | Change::ClosePull {} => {
            Err(refusal(ErrorClass::Rejected, job, "no file of a ticket says such a thing"))
        }
    }
}

/// Says why a change is not made.
pub(super) fn refusal(class: ErrorClass, job: &Job, detail: &str) -> SyncError {
    SyncError::new(class, format!("{} in {}", job.op.change.kind(), job.target.resource), detail)
}

/// Sets keys; nothing is to be written if they are set so.
pub(super) fn set(file: &Front, pairs: &[(&str, Value)]) -> Vec<Write> {
    let mut changed = file.clone();
    for (key, value) in pairs {
        changed.set(key, value.clone());
    }
    let write = (changed != *file).then(|| Write { file: FileOf::Keys, bytes: changed.to_bytes() });
    write.into_iter().collect()
}

/// The keys of a ticket that stands there.
pub(super) fn moved(to: Category, status: Option<&str>) -> [(&'static str, Value); 2] {
    [("category", to.as_str().into()), ("status", status.unwrap_or(status_of(to)).into())]
}

/// Writes a file of a check.
pub(super) fn check_file(name: &str, pairs: &[(&str, Value)]) -> Write {
    let mut file = Front::default();
    for (key, value) in pairs.iter().rev() {
        file.set(key, value.clone());
    }
    Write { file: FileOf::Check(name.to_owned()), bytes: file.to_bytes() }
}

/// Writes a file of a comment.
pub(super) fn note_file(id: RemoteId, pairs: &[(&str, Value)], text: &str) -> Write {
    let mut file = Front::with_text(text);
    for (key, value) in pairs.iter().rev() {
        file.set(key, value.clone());
    }
    Write { file: FileOf::Comment(id), bytes: file.to_bytes() }
}

/// The words of a state, as check files have them.
pub(super) const fn word(state: CheckReport) -> &'static str {
    match state {
        CheckReport::Pending => "pending",
        CheckReport::Passed => "passed",
        CheckReport::Failed => "failed",
        CheckReport::None => "none",
    }
}

pub(super) fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

type Notes = BTreeMap<RemoteId, Note>;

fn comment(notes: &Notes, job: &Job, thread: Option<&RemoteId>, says: &str) -> Plan {
    let marker = job.marker();
    if let Some((id, _)) = notes.iter().find(|(_, note)| note.is_of(&marker)) {
        return Plan::new(id.clone(), Vec::new());
    }
    let mut pairs = vec![("author", AUTHOR.into()), ("marker", text(&marker))];
    pairs.extend(thread.map(|thread| ("thread", text(thread.as_str()))));
    new_note(&marker, &pairs, says)
}

/// There is one such comment of a task: the first is written, and later ones change it.
fn status(notes: &Notes, job: &Job, says: &str) -> Plan {
    let marker = job.marker();
    let is_status = |note: &&Note| note.is_ours() && note.keys.status;
    let of_task = format!("{}.", job.target.task);
    let of_it = |note: &Note| note.keys.marker.as_deref().is_some_and(|it| it.starts_with(&of_task));
    let earlier = job.earlier.as_ref().and_then(|id| notes.get_key_value(id)).filter(|(_, it)| is_status(it));
    let there = earlier.or_else(|| notes.iter().find(|(_, note)| is_status(note) && of_it(note)));
    let Some((id, note)) = there else {
        let pairs = [("author", AUTHOR.into()), ("marker", text(&marker)), ("status", true.into())];
        return new_note(&marker, &pairs, says);
    };
    if note.is_of(&marker) {
        return Plan::new(id.clone(), Vec::new());
    }
    let mut file = note.file.clone();
    file.set("marker", text(&marker));
    file.set_text(says);
    Plan::new(id.clone(), vec![Write { file: FileOf::Comment(id.clone()), bytes: file.to_bytes() }])
}

fn new_note(marker: &str, pairs: &[(&str, Value)], says: &str) -> Plan {
    // A marker is a task's id and a number: always a name.
    let Ok(id) = marker.parse::<RemoteId>() else {
        return Plan { writes: Vec::new(), applied: Applied::default() };
    };
    Plan::new(id.clone(), vec![note_file(id, pairs, says)])
}

fn check(files: &PullFiles, commit: &Oid, state: CheckReport, summary: &Arc<str>) -> Vec<Write> {
    let there = files.checks.get(OURS);
    if there.is_some_and(|it| (&it.commit, it.state, &it.summary) == (commit, state, summary)) {
        return Vec::new();
    }
    let pairs =
        [("state", word(state).into()), ("commit", text(commit.as_str())), ("summary", text(summary))];
    vec![check_file(OURS, &pairs)]
}

fn union(there: &[Arc<str>], more: &[Arc<str>]) -> Value {
    let new = more.iter().filter(|name| !there.contains(name));
    Value::Array(there.iter().chain(new).map(|name| text(name)).collect())
}
