//! Merging a pull request by git, once: where the base was is written down before, and what it became after.

use ipa_events::task::MergeMethod;
use ipa_events::{Oid, RepoSource};

use super::change::{Write, set, text};
use super::pull::{PullFiles, StateWord};
use crate::connector::Cx;
use crate::error::{ErrorClass, SyncError};
use crate::port::GitMerge;

/// What is to be merged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish<'a> {
    /// The head that was seen.
    pub(super) seen: &'a Oid,
    pub(super) method: MergeMethod,
    /// Who wants it.
    pub(super) by: &'a str,
}

/// Whether a merge that began was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Settled {
    /// It was, and the base is there now.
    Made(Oid),
    /// None began, or it was not made.
    NotMade,
}

/// Tells why a pull request must not be merged at a commit that was seen; its head is at another, maybe. Pure.
pub(super) fn objection(files: &PullFiles, seen: &Oid, head: Option<&Oid>) -> Option<String> {
    let keys = &files.keys;
    if keys.state != StateWord::Open {
        return Some("it is not open any more".to_owned());
    }
    if keys.draft {
        return Some("it is a draft".to_owned());
    }
    match head {
        Some(head) if head == seen => None,
        Some(head) => Some(format!("its head is {} by now, not {}", head.short(), seen.short())),
        None => Some(format!("its branch {} is not there", keys.head)),
    }
}

/// Says in `pull.toml` that a merge begins. Pure.
pub(super) fn begun(files: &PullFiles, base: &Oid) -> Vec<Write> {
    set(&files.file, &[("merging", text(base.as_str()))])
}

/// Says in `pull.toml` that the merge that began was not made. Pure.
pub(super) fn left(files: &PullFiles) -> Vec<Write> {
    set(&files.file, &[("merging", text(""))])
}

/// Says in `pull.toml` that it is merged. Pure.
pub(super) fn merged(files: &PullFiles, wish: Wish<'_>, base: &Oid) -> Vec<Write> {
    let commit = ("commit", text(wish.seen.as_str()));
    let merged = ("merged", text(base.as_str()));
    set(
        &files.file,
        &[("merging", text("")), ("state", text("merged")), commit, merged, ("by", text(wish.by))],
    )
}

/// Finds out whether a merge that began was made.
pub(super) async fn settle(
    files: &PullFiles,
    seen: &Oid,
    repo: &RepoSource,
    cx: Cx<'_>,
) -> Result<Settled, SyncError> {
    let keys = &files.keys;
    if keys.merging.is_empty() {
        return Ok(Settled::NotMade);
    }
    let Some(base) = cx.git.head(repo, &keys.base).await? else { return Ok(Settled::NotMade) };
    if base.as_str() == &*keys.merging {
        return Ok(Settled::NotMade);
    }
    if cx.git.contains(repo, &keys.base, seen).await? {
        return Ok(Settled::Made(base));
    }
    let (number, branch) = (files.number, &keys.base);
    let detail = format!(
        "{branch} changed while {number} was being merged, and nothing tells whether by that; \
         write state = \"merged\" into pulls/{number}/pull.toml if it was, otherwise merging = \"\""
    );
    Err(SyncError::new(ErrorClass::Indeterminate, format!("merging the pull request {number}"), detail))
}

/// Names the merge for git. Pure.
pub(super) fn order(files: &PullFiles, repo: &RepoSource, wish: Wish<'_>) -> GitMerge {
    GitMerge {
        repo: repo.clone(),
        base: files.keys.base.clone(),
        commit: wish.seen.clone(),
        method: wish.method,
        message: format!("{} (#{})", files.keys.title, files.number),
    }
}
