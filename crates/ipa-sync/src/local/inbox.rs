//! What a person drops into the inbox, and what it makes of the files of a pull request or a ticket. Pure.

use std::sync::Arc;

use ipa_events::task::{Category, CheckReport, ReviewVerdict};
use ipa_events::{Oid, PayloadHash, RemoteId};
use jiff::Timestamp;
use serde::Deserialize;
use toml::Value;

use super::change::{Write, check_file, moved, note_file, set, text, word};
use super::front::{Front, Problem};
use super::pull::{OURS, PullFiles, StateWord};
use super::ticket::TicketFiles;

/// Something that was dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dropped {
    /// Its name for ever: the same for the same words under the same name.
    pub(super) id: RemoteId,
    pub(super) to: Addressee,
    pub(super) author: Arc<str>,
    pub(super) act: Act,
    at: Timestamp,
    text: String,
}

/// Whom it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Addressee {
    Pull(u64),
    Ticket(RemoteId),
}

/// What it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    Comment { path: Option<Arc<str>>, line: Option<u32>, thread: Option<RemoteId> },
    Review(ReviewVerdict),
    Close,
    Reopen,
    Merge,
    Move { category: Option<Category>, status: Option<Arc<str>> },
    Check { name: String, state: CheckReport },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    pull: Option<u64>,
    ticket: Option<RemoteId>,
    kind: Kind,
    author: Arc<str>,
    path: Option<Arc<str>>,
    line: Option<u32>,
    thread: Option<RemoteId>,
    status: Option<Arc<str>>,
    category: Option<Category>,
    name: Option<String>,
    state: Option<CheckReport>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Comment,
    Approve,
    RequestChanges,
    Close,
    Reopen,
    Merge,
    Move,
    Check,
}

/// Names what was dropped, by the name of its file and what it says.
pub(super) fn id_of(name: &str, bytes: &[u8]) -> String {
    let hash = PayloadHash::of(&[name.as_bytes(), b"\0", bytes].concat());
    hash.as_str().chars().take(16).collect()
}

/// Reads a file that was dropped, and last written at a time.
pub(super) fn parse(name: &str, bytes: &[u8], at: Timestamp) -> Result<Dropped, Problem> {
    let file = Front::of_markdown(bytes)?;
    let keys: Keys = file.keys()?;
    let wrong = |what: &str| Problem::new(2, what);
    let to = match (keys.pull, &keys.ticket) {
        (Some(pull), None) => Addressee::Pull(pull),
        (None, Some(ticket)) => Addressee::Ticket(ticket.clone()),
        (None, None) | (Some(_), Some(_)) => return Err(wrong("say either pull = N or ticket = \"KEY\"")),
    };
    if keys.kind != Kind::Comment && (keys.path.is_some() || keys.line.is_some() || keys.thread.is_some()) {
        return Err(wrong("path, line and thread go with kind = \"comment\""));
    }
    if keys.path.is_some() && keys.thread.is_some() {
        return Err(wrong("a comment is either in a thread or begins one with path"));
    }
    if keys.author.trim().is_empty() {
        return Err(wrong("author says who wrote this"));
    }
    let act = act(&keys, &to).map_err(wrong)?;
    let id = format!("in-{}", id_of(name, bytes)).parse().map_err(|_never| wrong("it has no name"))?;
    Ok(Dropped { id, to, author: keys.author, act, at, text: file.text().to_owned() })
}

fn act(keys: &Keys, to: &Addressee) -> Result<Act, &'static str> {
    let of_ticket = matches!(to, Addressee::Ticket(_));
    match keys.kind {
        Kind::Comment if of_ticket && (keys.path.is_some() || keys.thread.is_some()) => {
            Err("a ticket has no threads")
        }
        Kind::Comment => {
            Ok(Act::Comment { path: keys.path.clone(), line: keys.line, thread: keys.thread.clone() })
        }
        Kind::Move if !of_ticket => Err("only a ticket is moved"),
        Kind::Move if keys.category.is_none() && keys.status.is_none() => {
            Err("say where to: category = \"new\", \"active\" or \"done\", or status")
        }
        Kind::Move => Ok(Act::Move { category: keys.category, status: keys.status.clone() }),
        Kind::Approve | Kind::RequestChanges | Kind::Close | Kind::Reopen | Kind::Merge | Kind::Check
            if of_ticket =>
        {
            Err("a ticket takes kind = \"comment\" and \"move\"")
        }
        Kind::Approve => Ok(Act::Review(ReviewVerdict::Approved)),
        Kind::RequestChanges => Ok(Act::Review(ReviewVerdict::ChangesRequested)),
        Kind::Close => Ok(Act::Close),
        Kind::Reopen => Ok(Act::Reopen),
        Kind::Merge => Ok(Act::Merge),
        Kind::Check => match (&keys.name, keys.state) {
            (Some(name), _) if name == OURS || !is_check(name) => {
                Err("name is that of a check, of letters, digits, - and _, and not ipa")
            }
            (Some(name), Some(state)) => Ok(Act::Check { name: name.clone(), state }),
            (None, _) | (_, None) => Err("say name and state (pending, passed or failed)"),
        },
    }
}

fn is_check(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

/// Plans what was dropped for a pull request whose head is at a commit. A merge is only looked at: it needs git.
pub(super) fn for_pull(files: &PullFiles, dropped: &Dropped, head: &Oid) -> Result<Vec<Write>, String> {
    let keys = &files.keys;
    let by = || text(&dropped.author);
    if files.notes.contains_key(&dropped.id) && dropped.act != Act::Merge {
        return Ok(Vec::new());
    }
    let mut writes = match (&dropped.act, keys.state) {
        (Act::Comment { thread: Some(thread), .. }, _) if !files.has_thread(thread) => {
            return Err(format!("there is no thread {thread}"));
        }
        (Act::Close | Act::Review(_), StateWord::Merged)
        | (Act::Merge | Act::Review(_), StateWord::Closed) => {
            return Err("it is not open any more".to_owned());
        }
        (Act::Reopen, StateWord::Merged) => return Err("it is merged, which is final".to_owned()),
        (Act::Merge, StateWord::Open) if keys.draft => return Err("it is a draft".to_owned()),
        (Act::Close, StateWord::Closed)
        | (Act::Comment { .. } | Act::Review(_) | Act::Merge | Act::Move { .. }, _) => Vec::new(),
        (Act::Close, StateWord::Open) => set(&files.file, &[("state", "closed".into()), ("by", by())]),
        (Act::Reopen, StateWord::Open | StateWord::Closed) => set(&files.file, &[("state", "open".into())]),
        (Act::Check { name, state }, _) => {
            return Ok(check(files, dropped, name, *state, head).into_iter().collect());
        }
    };
    // It comes last: where it is, all else is.
    if !files.notes.contains_key(&dropped.id) {
        writes.extend(note(dropped, Some(head)));
    }
    Ok(writes)
}

fn check(files: &PullFiles, dropped: &Dropped, name: &str, state: CheckReport, head: &Oid) -> Option<Write> {
    let from = files.checks.get(name).and_then(|there| there.from.as_ref());
    (from != Some(&dropped.id)).then(|| {
        let (commit, summary) = (text(head.as_str()), text(&dropped.text));
        let from = ("from", text(dropped.id.as_str()));
        check_file(name, &[("state", word(state).into()), ("commit", commit), ("summary", summary), from])
    })
}

/// Plans what was dropped for a ticket.
pub(super) fn for_ticket(files: &TicketFiles, dropped: &Dropped) -> Vec<Write> {
    if files.notes.contains_key(&dropped.id) {
        return Vec::new();
    }
    let mut writes = match &dropped.act {
        Act::Move { category, status } => {
            let to = category.unwrap_or(files.keys.category);
            set(&files.file, &moved(to, status.as_deref()))
        }
        Act::Comment { .. } | Act::Review(_) | Act::Close | Act::Reopen | Act::Merge | Act::Check { .. } => {
            Vec::new()
        }
    };
    writes.extend(note(dropped, None));
    writes
}

/// What is said with it: a comment or a review always, anything else if there are words.
fn note(dropped: &Dropped, head: Option<&Oid>) -> Option<Write> {
    let mut pairs: Vec<(&str, Value)> =
        vec![("author", text(&dropped.author)), ("at", text(&dropped.at.to_string()))];
    match &dropped.act {
        Act::Comment { path, line, thread } => {
            pairs.extend(path.as_ref().map(|path| ("path", text(path))));
            pairs.extend(line.map(|line| ("line", Value::from(i64::from(line)))));
            pairs.extend(thread.as_ref().map(|thread| ("thread", text(thread.as_str()))));
        }
        Act::Review(verdict) => {
            let verdict = match verdict {
                ReviewVerdict::Approved => "approved",
                ReviewVerdict::ChangesRequested => "changes_requested",
            };
            pairs.push(("verdict", verdict.into()));
            pairs.extend(head.map(|head| ("commit", text(head.as_str()))));
        }
        Act::Close | Act::Reopen | Act::Merge | Act::Move { .. } | Act::Check { .. } => {
            if dropped.text.is_empty() {
                return None;
            }
        }
    }
    Some(note_file(dropped.id.clone(), &pairs, &dropped.text))
}

#[cfg(test)]
mod tests;
