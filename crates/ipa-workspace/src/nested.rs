//! Repositories that an agent made inside its checkout. For git they are bare links, and their files are in no
//! tree; here their files join the checkpoint's tree, and their commits the harvest.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use ipa_events::Oid;
use sha2::{Digest as _, Sha256};

use crate::engine::Checkout;
use crate::error::WorkspaceError;
use crate::harvest::refspecs;
use crate::names::hex;
use crate::shadow::Snapshot;

/// How deep repositories lie in each other before ipa refuses to vouch for them.
const DEPTH: u32 = 5;

/// The files of a checkout with those of all repositories in it.
pub(crate) struct Whole {
    pub(crate) tree: Oid,
    /// What could not be taken in, in a person's words.
    pub(crate) left_out: Vec<String>,
}

impl Checkout<'_> {
    /// Completes a snapshot with the files of the repositories in the checkout, and harvests these.
    pub(crate) fn whole_tree(&self, snapshot: Snapshot) -> Result<Whole, WorkspaceError> {
        self.whole_of(Path::new(""), snapshot, DEPTH)
    }

    fn whole_of(&self, at: &Path, snapshot: Snapshot, depth: u32) -> Result<Whole, WorkspaceError> {
        let mut left_out = snapshot.left_out;
        let mut parts = Vec::new();
        for nested in snapshot.nested {
            let path = at.join(&nested.path);
            if depth == 0 {
                left_out.push(format!("{}: too many repositories in each other", path.display()));
                continue;
            }
            if nested.has_commits
                && let Err(error) = self.harvest_nested(&path)
            {
                left_out.push(format!("{}: {error}", path.display()));
            }
            let below = self.shadow().snapshot_nested(&path)?;
            let whole = self.whole_of(&path, below, depth - 1)?;
            left_out.extend(whole.left_out);
            parts.push((nested.path, whole.tree));
        }
        let tree =
            if parts.is_empty() { snapshot.tree } else { self.shadow().graft(&snapshot.tree, &parts)? };
        Ok(Whole { tree, left_out })
    }

    fn harvest_nested(&self, path: &Path) -> Result<(), WorkspaceError> {
        let key: String = hex(&Sha256::digest(path.as_os_str().as_bytes())).chars().take(16).collect();
        self.fetch_from(Some(path), &refspecs(&self.refs.harvest(&format!("nested/{key}/"))))
    }
}

/// A repository inside a checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Nested {
    pub(crate) path: PathBuf,
    pub(crate) has_commits: bool,
}

/// Reads what `git add` said about what it did not add: the repositories without a commit, and the rest.
pub(crate) fn refused(said: &str) -> (Vec<Nested>, Vec<String>) {
    let mut nested = Vec::new();
    let mut rest = Vec::new();
    for line in said.lines().filter(|line| !line.starts_with("warning: ")) {
        let path = line
            .strip_prefix("error: '")
            .and_then(|line| line.strip_suffix("/' does not have a commit checked out"));
        match path {
            Some(path) => nested.push(Nested { path: path.into(), has_commits: false }),
            None => rest.push(line.to_owned()),
        }
    }
    (nested, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_add_refused_is_told_apart() {
        let said = "error: 'a/b'c/' does not have a commit checked out\nwarning: adding embedded git repository: e\n\
                    error: open(\"x\"): Permission denied\nerror: unable to index file 'x'";
        let (nested, rest) = refused(said);
        assert_eq!(nested, [Nested { path: "a/b'c".into(), has_commits: false }]);
        assert_eq!(rest, ["error: open(\"x\"): Permission denied", "error: unable to index file 'x'"]);
    }
}
