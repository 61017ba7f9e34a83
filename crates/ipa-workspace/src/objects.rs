//! Reads git objects and refs in repositories of ours, with gix and without any configuration but ours.

use std::path::Path;

use gix::bstr::ByteSlice as _;
use ipa_events::Oid;

use crate::error::WorkspaceError;

/// Opens a repository of ours.
pub(crate) fn open(dir: &Path) -> Result<gix::Repository, WorkspaceError> {
    let options = gix::open::Options::isolated().open_path_as_is(true);
    gix::open_opts(dir, options).map_err(failed(format!("opening {}", dir.display())))
}

/// Makes an error of what gix said.
pub(crate) fn failed<E: std::fmt::Display>(doing: impl Into<String>) -> impl FnOnce(E) -> WorkspaceError {
    |error| WorkspaceError::Failed { doing: doing.into(), detail: error.to_string() }
}

/// Tells where a ref points; none when it does not exist.
pub(crate) fn resolve(repo: &gix::Repository, full: &str) -> Result<Option<Oid>, WorkspaceError> {
    let found = repo.try_find_reference(full).map_err(failed(format!("reading {full}")))?;
    let Some(mut reference) = found else { return Ok(None) };
    let id = reference.peel_to_id().map_err(failed(format!("reading {full}")))?;
    oid(&id.detach()).map(Some)
}

/// Lists the refs that begin with `prefix`, by full name.
pub(crate) fn refs(repo: &gix::Repository, prefix: &str) -> Result<Vec<(String, Oid)>, WorkspaceError> {
    let doing = || format!("listing {prefix}");
    let platform = repo.references().map_err(failed(doing()))?;
    let mut found = Vec::new();
    for reference in platform.prefixed(prefix).map_err(failed(doing()))? {
        let reference = reference.map_err(failed(doing()))?;
        if let Some(id) = reference.try_id() {
            found.push((reference.name().as_bstr().to_str_lossy().into_owned(), oid(&id.detach())?));
        }
    }
    found.sort();
    Ok(found)
}

/// Returns the tree of a commit.
pub(crate) fn commit_tree<'a>(
    repo: &'a gix::Repository,
    commit: &Oid,
) -> Result<gix::Tree<'a>, WorkspaceError> {
    let doing = || format!("reading commit {}", commit.short());
    let object = repo.find_object(id(commit)?).map_err(failed(doing()))?;
    let commit = object.try_into_commit().map_err(failed(doing()))?;
    commit.tree().map_err(failed(doing()))
}

/// Returns the first parent of a commit, if it has one.
pub(crate) fn first_parent(repo: &gix::Repository, commit: &Oid) -> Result<Option<Oid>, WorkspaceError> {
    let doing = || format!("reading commit {}", commit.short());
    let object = repo.find_object(id(commit)?).map_err(failed(doing()))?;
    let commit = object.try_into_commit().map_err(failed(doing()))?;
    commit.parent_ids().next().map(|parent| oid(&parent)).transpose()
}

/// Returns a tree.
pub(crate) fn tree<'a>(repo: &'a gix::Repository, tree: &Oid) -> Result<gix::Tree<'a>, WorkspaceError> {
    let doing = || format!("reading tree {}", tree.short());
    let object = repo.find_object(id(tree)?).map_err(failed(doing()))?;
    object.try_into_tree().map_err(failed(doing()))
}

/// Returns gix's form of an id.
pub(crate) fn id(oid: &Oid) -> Result<gix::ObjectId, WorkspaceError> {
    gix::ObjectId::from_hex(oid.as_str().as_bytes()).map_err(failed(format!("reading the id {oid}")))
}

/// Returns our form of an id.
pub(crate) fn oid(id: &gix::oid) -> Result<Oid, WorkspaceError> {
    Ok(id.to_hex().to_string().parse()?)
}
