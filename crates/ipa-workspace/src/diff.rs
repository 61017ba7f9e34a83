//! Compares trees, within bounds: what a page, a person and a prompt can take.

pub(crate) mod hunks;

use gix::bstr::{BStr, ByteSlice as _};
use gix::object::tree::diff::ChangeDetached;
use gix::objs::tree::{EntryKind, EntryMode};
use ipa_events::{Oid, WorkspaceId};

use crate::engine::Engine;
use crate::error::WorkspaceError;
use crate::objects::{self, failed};
use crate::workspaces::{Change, ChangeKind, DiffFile, DiffQuery, DiffSet, DiffTo, Status};

/// The lines of a file larger than this are not shown.
const SHOWN_BYTES: u64 = 1 << 20;
/// The lines of a file larger than this are not even counted.
const COUNTED_BYTES: u64 = 8 << 20;
/// The lines of a file with more of them than this are not shown.
const SHOWN_LINES: u32 = 20_000;
/// How much text a whole comparison holds.
const TOTAL_BYTES: usize = 5 << 20;
/// How many files a whole comparison holds.
const TOTAL_FILES: usize = 2000;
/// How many pairs of files are looked at to find what was moved.
const RENAME_LIMIT: usize = 1000;
/// A file with a NUL in its first bytes is no text, as git has it.
const BINARY_PROBE: usize = 8000;

impl Engine {
    /// Compares a checkout with its harvested head.
    pub(crate) fn status(&self, id: &WorkspaceId) -> Result<Status, WorkspaceError> {
        let checkout = self.checkout(id)?;
        let head = checkout.head()?;
        let shadow = checkout.shadow();
        let tree = shadow.snapshot()?.tree;
        let repo = shadow.open()?;
        let mut changes: Vec<Change> =
            changed(&repo, &head, &tree)?.iter().map(|pair| pair.change.clone()).collect();
        changes.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Status { head, changes })
    }

    /// Compares a commit with another one, or with a checkout as it is now.
    pub(crate) fn diff(&self, query: &DiffQuery) -> Result<DiffSet, WorkspaceError> {
        match &query.to {
            DiffTo::Commit(to) => {
                let repo = self.mirror(&query.repo).open()?;
                let tree = objects::oid(&objects::commit_tree(&repo, to)?.id)?;
                difference(&repo, &query.from, &tree)
            }
            DiffTo::Worktree(id) => {
                let checkout = self.checkout(id)?;
                let shadow = checkout.shadow();
                let tree = shadow.snapshot()?.tree;
                let repo = shadow.open()?;
                difference(&repo, &query.from, &tree)
            }
        }
    }
}

/// One side of a changed file.
#[derive(Debug, Clone, Copy)]
struct Side {
    id: gix::ObjectId,
    mode: EntryMode,
}

/// A changed file with both sides.
#[derive(Debug)]
struct Pair {
    change: Change,
    old: Option<Side>,
    new: Option<Side>,
}

/// Lists the changed files between a commit and a tree.
fn changed(repo: &gix::Repository, from: &Oid, tree: &Oid) -> Result<Vec<Pair>, WorkspaceError> {
    let old = objects::commit_tree(repo, from)?;
    let new = objects::tree(repo, tree)?;
    let rewrites = gix::diff::Rewrites { limit: RENAME_LIMIT, ..Default::default() };
    let options = gix::diff::Options::default().with_rewrites(Some(rewrites));
    let changes = repo.diff_tree_to_tree(Some(&old), Some(&new), Some(options));
    let changes = changes.map_err(failed(format!("comparing with {}", from.short())))?;
    let mut pairs: Vec<Pair> = changes.into_iter().filter_map(pair).collect();
    pairs.sort_by(|one, other| one.change.path.cmp(&other.change.path));
    Ok(pairs)
}

/// Reads a change; none for a folder, whose files have changes of their own.
fn pair(change: ChangeDetached) -> Option<Pair> {
    let text = |path: &BStr| path.to_str_lossy().into_owned();
    let pair = match change {
        ChangeDetached::Addition { location, id, entry_mode: mode, .. } => Pair {
            change: Change { path: text(location.as_ref()), kind: ChangeKind::Added },
            old: None,
            new: Some(Side { id, mode }),
        },
        ChangeDetached::Deletion { location, id, entry_mode: mode, .. } => Pair {
            change: Change { path: text(location.as_ref()), kind: ChangeKind::Deleted },
            old: Some(Side { id, mode }),
            new: None,
        },
        ChangeDetached::Modification { location, previous_id, previous_entry_mode, id, entry_mode } => Pair {
            change: Change { path: text(location.as_ref()), kind: ChangeKind::Modified },
            old: Some(Side { id: previous_id, mode: previous_entry_mode }),
            new: Some(Side { id, mode: entry_mode }),
        },
        ChangeDetached::Rewrite {
            source_location,
            source_id,
            source_entry_mode,
            location,
            id,
            entry_mode,
            ..
        } => Pair {
            change: Change {
                path: text(location.as_ref()),
                kind: ChangeKind::Renamed { from: text(source_location.as_ref()) },
            },
            old: Some(Side { id: source_id, mode: source_entry_mode }),
            new: Some(Side { id, mode: entry_mode }),
        },
    };
    let is_tree = |side: &Option<Side>| side.is_some_and(|side| side.mode.is_tree());
    (!is_tree(&pair.old) && !is_tree(&pair.new)).then_some(pair)
}

/// Compares a commit with a tree, line by line.
fn difference(repo: &gix::Repository, from: &Oid, tree: &Oid) -> Result<DiffSet, WorkspaceError> {
    let mut set = DiffSet::default();
    let mut bytes = 0;
    for pair in changed(repo, from, tree)? {
        if set.files.len() >= TOTAL_FILES || bytes >= TOTAL_BYTES {
            set.truncated = true;
            break;
        }
        let file = file(repo, pair)?;
        bytes += file.hunks.iter().map(hunks::text_len).sum::<usize>();
        set.files.push(file);
    }
    Ok(set)
}

fn file(repo: &gix::Repository, pair: Pair) -> Result<DiffFile, WorkspaceError> {
    let mut file = DiffFile { change: pair.change, added: 0, removed: 0, hidden: None, hunks: Vec::new() };
    let is_link = |side: Option<Side>| side.is_some_and(|side| side.mode.kind() == EntryKind::Commit);
    if is_link(pair.old) || is_link(pair.new) {
        file.hidden = Some("submodule".to_owned());
        return Ok(file);
    }
    if pair.old.map(|side| side.id) == pair.new.map(|side| side.id) {
        // Moved as it is, or only its mode changed.
        return Ok(file);
    }
    let sizes = [size(repo, pair.old)?, size(repo, pair.new)?];
    if sizes.iter().any(|size| *size > COUNTED_BYTES) {
        file.hidden = Some("too large".to_owned());
        return Ok(file);
    }
    let (old, new) = (contents(repo, pair.old)?, contents(repo, pair.new)?);
    if is_binary(&old) || is_binary(&new) {
        file.hidden = Some("binary".to_owned());
        return Ok(file);
    }
    let compared = hunks::compare(&old, &new);
    (file.added, file.removed) = (compared.added, compared.removed);
    if sizes.iter().any(|size| *size > SHOWN_BYTES) || compared.lines > SHOWN_LINES {
        file.hidden = Some("too large".to_owned());
    } else {
        file.hunks = compared.hunks();
    }
    Ok(file)
}

fn size(repo: &gix::Repository, side: Option<Side>) -> Result<u64, WorkspaceError> {
    let Some(side) = side else { return Ok(0) };
    Ok(repo.find_header(side.id).map_err(failed(format!("measuring {}", side.id)))?.size())
}

fn contents(repo: &gix::Repository, side: Option<Side>) -> Result<Vec<u8>, WorkspaceError> {
    let Some(side) = side else { return Ok(Vec::new()) };
    Ok(repo.find_object(side.id).map_err(failed(format!("reading {}", side.id)))?.detach().data)
}

fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(BINARY_PROBE).any(|byte| *byte == 0)
}
