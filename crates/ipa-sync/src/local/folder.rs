//! The folder of a local connector: which files make a pull request or a ticket, read and written.

use std::collections::BTreeMap;

use ipa_events::{BranchName, RemoteId, TaskId};

use super::change::{FileOf, Write};
use super::disk::{Dir, FileError, Print};
use super::front::{Front, Problem};
use super::note::Note;
use super::pull::{PullFiles, PullKeys, StateWord};
use super::ticket::TicketFiles;

const PULLS: &str = "pulls";
const TICKETS: &str = "tickets";
const PULL: &str = "pull.toml";
const BODY: &str = "body.md";
const COMMENTS: &str = "comments";
const CHECKS: &str = "checks";
const MARKDOWN: &str = ".md";
/// What the reason why a file cannot be understood is called after it.
pub(super) const WHY: &str = ".why";
const TOML: &str = ".toml";
/// Where a pull request is put together before it has a number.
const NEW: &str = ".new";

/// Reads a pull request.
pub(super) fn pull(root: &Dir, number: u64) -> Result<Option<PullFiles>, FileError> {
    let Some(dir) = below(root, &[PULLS, &number.to_string()])? else { return Ok(None) };
    let Some(file) = dir.read(PULL)? else { return Ok(None) };
    let body = match dir.read(BODY)? {
        None => String::new(),
        Some(body) => String::from_utf8(body.bytes)
            .map_err(|_not_text| dir.unreadable(BODY, Problem::new(1, "this is no text (UTF-8)")))?,
    };
    let front = Front::of_toml(&file.bytes);
    let files = front.and_then(|front| PullFiles::new(number, front, body));
    let mut files = files.map_err(|problem| dir.unreadable(PULL, problem))?;
    files.notes = notes(&dir)?;
    if let Some(checks) = dir.sub(CHECKS)? {
        for name in checks.names()? {
            let Some(stem) = name.strip_suffix(TOML) else { continue };
            let Some(file) = checks.read(&name)? else { continue };
            let keys = Front::of_toml(&file.bytes).and_then(|front| front.keys());
            files.checks.insert(stem.to_owned(), keys.map_err(|problem| checks.unreadable(&name, problem))?);
        }
    }
    Ok(Some(files))
}

/// What `pull.toml` says, or why it cannot be understood, by the pull request's number.
type Numbered = (u64, Result<PullKeys, FileError>);

/// Reads what is said about each pull request; one that cannot be understood is an error of its own.
pub(super) fn pulls(root: &Dir) -> Result<Vec<Numbered>, FileError> {
    let Some(dir) = root.sub(PULLS)? else { return Ok(Vec::new()) };
    let mut pulls = Vec::new();
    for number in numbers(&dir)? {
        match keys(&dir, number) {
            Ok(None) => {}
            Ok(Some(keys)) => pulls.push((number, Ok(keys))),
            Err(error) => pulls.push((number, Err(error))),
        }
    }
    Ok(pulls)
}

/// Finds the pull request of a branch that belongs to a task, or to none: the open one, otherwise the newest.
pub(super) fn pull_of(root: &Dir, head: &BranchName, task: TaskId) -> Result<Option<u64>, FileError> {
    let (mut found, mut broken) = (None, None);
    let task = task.to_string();
    for (number, keys) in pulls(root)? {
        match keys {
            Ok(keys) if keys.head == *head && keys.task.as_deref().is_none_or(|it| it == task) => {
                found = found.max(Some((keys.state == StateWord::Open, number)));
            }
            Ok(_) => {}
            Err(error) => broken = Some(error),
        }
    }
    match (found, broken) {
        (Some((_, number)), _) => Ok(Some(number)),
        // It may be the one that is looked for.
        (None, Some(error)) => Err(error),
        (None, None) => Ok(None),
    }
}

/// Makes a pull request of its files, under the next number.
pub(super) fn make_pull(root: &Dir, pull: &Front, body: &str) -> Result<u64, FileError> {
    let pulls = root.make(PULLS)?;
    let new = pulls.make(NEW)?;
    new.write(BODY, body.as_bytes())?;
    new.write(PULL, &pull.to_bytes())?;
    let number = numbers(&pulls)?.into_iter().max().unwrap_or(0).saturating_add(1);
    pulls.rename(NEW, &pulls, &number.to_string())?;
    Ok(number)
}

/// Reads a ticket.
pub(super) fn ticket(root: &Dir, key: &RemoteId) -> Result<Option<TicketFiles>, FileError> {
    let Some(dir) = root.sub(TICKETS)? else { return Ok(None) };
    let name = format!("{key}{MARKDOWN}");
    let Some(file) = dir.read(&name)? else { return Ok(None) };
    let files = TicketFiles::parse(key.clone(), &file.bytes);
    let mut files = files.map_err(|problem| dir.unreadable(&name, problem))?;
    if let Some(dir) = dir.sub(key.as_str())? {
        files.notes = notes(&dir)?;
    }
    Ok(Some(files))
}

/// Lists the tickets that there are.
fn tickets(root: &Dir) -> Result<Vec<RemoteId>, FileError> {
    let Some(dir) = root.sub(TICKETS)? else { return Ok(Vec::new()) };
    let names = dir.names()?;
    Ok(names.iter().filter_map(|name| name.strip_suffix(MARKDOWN)?.parse().ok()).collect())
}

/// Reads all tickets. One that cannot be understood is in the way of no other: the reason is put beside it, for as long
/// as there is one.
pub(super) fn all_tickets(root: &Dir) -> Result<Vec<TicketFiles>, FileError> {
    let mut all = Vec::new();
    let keys = tickets(root)?;
    let Some(dir) = root.sub(TICKETS)? else { return Ok(all) };
    for key in keys {
        let reason = format!("{key}{WHY}");
        match ticket(root, &key) {
            Ok(files) => {
                all.extend(files);
                dir.remove(&reason)?;
            }
            Err(error @ FileError::Io { .. }) => return Err(error),
            Err(error) => {
                let why = format!("{error}\n").into_bytes();
                if dir.read(&reason)?.map(|there| there.bytes).as_ref() != Some(&why) {
                    dir.write(&reason, &why)?;
                }
            }
        }
    }
    Ok(all)
}

/// Writes files of a pull request.
pub(super) fn write_pull(root: &Dir, number: u64, writes: &[Write]) -> Result<(), FileError> {
    let dir = root.make(PULLS)?.make(&number.to_string())?;
    for Write { file, bytes } in writes {
        match file {
            FileOf::Keys => dir.write(PULL, bytes)?,
            FileOf::Body => dir.write(BODY, bytes)?,
            FileOf::Comment(id) => dir.make(COMMENTS)?.write(&format!("{id}{MARKDOWN}"), bytes)?,
            FileOf::Check(name) => dir.make(CHECKS)?.write(&format!("{name}{TOML}"), bytes)?,
        }
    }
    Ok(())
}

/// Writes files of a ticket: it has no others than itself and its comments.
pub(super) fn write_ticket(root: &Dir, key: &RemoteId, writes: &[Write]) -> Result<(), FileError> {
    let dir = root.make(TICKETS)?;
    for Write { file, bytes } in writes {
        match file {
            FileOf::Keys => dir.write(&format!("{key}{MARKDOWN}"), bytes)?,
            FileOf::Comment(id) => {
                dir.make(key.as_str())?.make(COMMENTS)?.write(&format!("{id}{MARKDOWN}"), bytes)?;
            }
            FileOf::Body | FileOf::Check(_) => {}
        }
    }
    Ok(())
}

/// Tells which state of its files a pull request or a ticket is in, without reading them.
pub(super) fn prints(root: &Dir) -> Result<BTreeMap<PrintOf, Vec<Print>>, FileError> {
    let mut all = BTreeMap::new();
    if let Some(dir) = root.sub(PULLS)? {
        for number in numbers(&dir)? {
            let Ok(Some(pull)) = dir.sub(&number.to_string()) else { continue };
            all.insert(PrintOf::Pull(number), prints_of(&pull, &[PULL, BODY], &[COMMENTS, CHECKS])?);
        }
    }
    if let Some(dir) = root.sub(TICKETS)? {
        for key in tickets(root)? {
            let mut prints: Vec<Print> = dir.print(&format!("{key}{MARKDOWN}"))?.into_iter().collect();
            if let Ok(Some(sub)) = dir.sub(key.as_str()) {
                prints.extend(prints_of(&sub, &[], &[COMMENTS])?);
            }
            all.insert(PrintOf::Ticket(key), prints);
        }
    }
    Ok(all)
}

/// What a print is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PrintOf {
    Pull(u64),
    Ticket(RemoteId),
}

fn prints_of(dir: &Dir, files: &[&str], folders: &[&str]) -> Result<Vec<Print>, FileError> {
    let mut prints = Vec::new();
    for file in files {
        prints.extend(dir.print(file)?);
    }
    for folder in folders {
        // What is no folder says so when it is read.
        let Ok(Some(folder)) = dir.sub(folder) else { continue };
        for name in folder.names()? {
            prints.extend(folder.print(&name)?);
        }
    }
    Ok(prints)
}

fn notes(dir: &Dir) -> Result<BTreeMap<RemoteId, Note>, FileError> {
    let mut notes = BTreeMap::new();
    let Some(dir) = dir.sub(COMMENTS)? else { return Ok(notes) };
    for name in dir.names()? {
        let Some(stem) = name.strip_suffix(MARKDOWN) else { continue };
        let Some(file) = dir.read(&name)? else { continue };
        let id = stem.parse().map_err(|_not_a_name| {
            dir.unreadable(&name, Problem::new(1, "the name of a comment's file has no blanks"))
        })?;
        let note = Note::parse(&file.bytes, file.at).map_err(|problem| dir.unreadable(&name, problem))?;
        notes.insert(id, note);
    }
    Ok(notes)
}

fn keys(pulls: &Dir, number: u64) -> Result<Option<PullKeys>, FileError> {
    let Some(dir) = pulls.sub(&number.to_string())? else { return Ok(None) };
    let Some(file) = dir.read(PULL)? else { return Ok(None) };
    let keys = Front::of_toml(&file.bytes).and_then(|front| front.keys());
    keys.map(Some).map_err(|problem| dir.unreadable(PULL, problem))
}

/// Lists the folders whose name is a number, as we write numbers.
fn numbers(pulls: &Dir) -> Result<Vec<u64>, FileError> {
    let number = |name: &String| name.parse().ok().filter(|number: &u64| number.to_string() == *name);
    let mut numbers: Vec<u64> = pulls.names()?.iter().filter_map(number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn below(root: &Dir, names: &[&str]) -> Result<Option<Dir>, FileError> {
    let mut at: Option<Dir> = None;
    for name in names {
        let next = at.as_ref().unwrap_or(root).sub(name)?;
        let Some(next) = next else { return Ok(None) };
        at = Some(next);
    }
    Ok(at)
}
