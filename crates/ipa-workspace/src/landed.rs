//! Whether a commit is in a branch already: as it is, or in another form that says so in its message.

use std::collections::BTreeSet;

use ipa_events::{BranchName, Oid, RepoSource};

use crate::engine::Engine;
use crate::error::WorkspaceError;
use crate::git::GitCall;
use crate::mirror::Mirror;

/// How a line begins that names the commit for which another one stands.
const TRAILER: &str = "Ipa-Merged: ";

impl Engine {
    /// Tells whether a branch of a repository contains a commit, in whatever form.
    pub(crate) fn contains(
        &self,
        repo: &RepoSource,
        branch: &BranchName,
        commit: &Oid,
    ) -> Result<bool, WorkspaceError> {
        let mirror = self.mirror(repo);
        let _lock = mirror.lock()?;
        let Some(tip) = mirror.remote_tip(branch)? else { return Ok(false) };
        landed(&mirror, &tip, commit).map(|found| found.is_some())
    }
}

/// Returns the commit that brought another one to a branch with this tip; none: it is not there.
pub(crate) fn landed(mirror: &Mirror, tip: &Oid, commit: &Oid) -> Result<Option<Oid>, WorkspaceError> {
    let is_known = mirror.has(commit);
    if is_known && contains(mirror, tip, commit)? {
        return brought_by(mirror, tip, commit).map(Some);
    }
    // On the branch itself only: what it took in from elsewhere may say anything.
    let line = format!("--grep=^{TRAILER}{commit}$");
    let mut call = mirror.call().args(["rev-list", "--first-parent", &line, tip.as_str()]);
    if is_known {
        call = call.arg(format!("^{commit}"));
    }
    Ok(list(call, commit)?.pop())
}

/// Tells whether a commit is an ancestor of another one, or is that.
pub(crate) fn contains(mirror: &Mirror, tip: &Oid, commit: &Oid) -> Result<bool, WorkspaceError> {
    let call = mirror.call().args(["merge-base", "--is-ancestor", commit.as_str(), tip.as_str()]);
    let output = call.output().map_err(|error| error.doing(doing(commit)))?;
    match output.code {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        Some(_) | None => Err(WorkspaceError::Failed { doing: doing(commit), detail: output.stderr }),
    }
}

/// Returns the first commit of a branch that has `commit` among its ancestors; itself, if it is on the branch.
fn brought_by(mirror: &Mirror, tip: &Oid, commit: &Oid) -> Result<Oid, WorkspaceError> {
    let listed = |option| {
        let call = mirror.call().args(["rev-list", option, tip.as_str()]);
        list(call.arg(format!("^{commit}")), commit)
    };
    let later: BTreeSet<Oid> = listed("--ancestry-path")?.into_iter().collect();
    let Some(first) = listed("--first-parent")?.into_iter().rfind(|oid| later.contains(oid)) else {
        return Ok(commit.clone());
    };
    let parent = crate::objects::first_parent(&mirror.open()?, &first)?;
    Ok(if parent.as_ref() == Some(commit) { commit.clone() } else { first })
}

fn list(call: GitCall, commit: &Oid) -> Result<Vec<Oid>, WorkspaceError> {
    let text = call.text().map_err(|error| error.doing(doing(commit)))?;
    Ok(text.lines().map(str::parse).collect::<Result<_, _>>()?)
}

fn doing(commit: &Oid) -> String {
    format!("looking for commit {}", commit.short())
}

/// Returns a message that says for which commit it stands, and for no other.
pub(crate) fn standing_for(message: &str, commit: &Oid) -> String {
    let message = standing_for_none(message);
    let paragraph = message.rsplit_once("\n\n").map_or("", |(_, last)| last);
    let gap = if !paragraph.is_empty() && paragraph.lines().all(is_trailer) { "\n" } else { "\n\n" };
    format!("{message}{gap}{TRAILER}{commit}\n").trim_start().to_owned()
}

/// Returns a message that stands for no other commit.
pub(crate) fn standing_for_none(message: &str) -> String {
    let lines = message.lines().filter(|line| !line.starts_with(TRAILER));
    lines.collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

/// Tells whether a line is a word, a colon and a text, as `Signed-off-by: Ann` is.
fn is_trailer(line: &str) -> bool {
    let is_word = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    line.split_once(": ").is_some_and(|(word, _)| !word.is_empty() && is_word(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_for_which_commit_it_stands_and_for_no_other() {
        let commit: Oid = "a".repeat(40).parse().unwrap();
        let line = format!("Ipa-Merged: {commit}\n");
        let other = format!("Ipa-Merged: {}", "b".repeat(40));
        for (message, wanted) in [
            ("Fix it\n".to_owned(), format!("Fix it\n\n{line}")),
            ("Fix: it".to_owned(), format!("Fix: it\n\n{line}")),
            ("Fix it\n\nSigned-off-by: Ann".to_owned(), format!("Fix it\n\nSigned-off-by: Ann\n{line}")),
            ("Fix it\n\nSee this: that".to_owned(), format!("Fix it\n\nSee this: that\n\n{line}")),
            (format!("Fix it\n\n{other}\n{line}"), format!("Fix it\n\n{line}")),
            (format!("Fix it\n{other}\r\nand more"), format!("Fix it\nand more\n\n{line}")),
            (String::new(), line.clone()),
            (other, line.clone()),
        ] {
            assert_eq!(standing_for(&message, &commit), wanted, "{message:?}");
        }
    }
}
