//! Brings what an agent committed into the mirror. The agent's repository is read by a confined program only:
//! what it borrows or points to cannot bring anything in that is not its own.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use ipa_events::Oid;

use crate::engine::Checkout;
use crate::error::WorkspaceError;
use crate::mirror::PLAIN_FETCH;
use crate::sandbox::policy::Policy;
use crate::worktree::Worktree;

impl Checkout<'_> {
    /// Fetches the checkout's head, branches and stash into the mirror; returns the head.
    pub(crate) fn harvest(&self) -> Result<Oid, WorkspaceError> {
        self.fetch_from(None, &refspecs(&self.refs.harvest("")))?;
        self.head()
    }

    /// Fetches from the checkout, or from the repository at a path inside it.
    pub(crate) fn fetch_from(
        &self,
        nested: Option<&Path>,
        refspecs: &[String],
    ) -> Result<(), WorkspaceError> {
        let engine = self.engine;
        let mut policy = Policy::system(&engine.config.read_also);
        policy.view = vec![self.path(), self.mirror.objects(), engine.layout.empty_home()];
        policy.view.push(engine.layout.global_config());
        let prefix = engine.sandbox.prefix(&policy)?.argv;
        if prefix.is_empty() {
            Worktree::open(&self.place, &self.record)?.refuse_borrowing(nested, &self.mirror.objects())?;
        }
        let mut upload_pack = OsString::from("--upload-pack=");
        upload_pack.push(shell_words(prefix.into_iter().chain(["git".into(), "upload-pack".into()])));
        let call = self.mirror.call().args(["-c", "transfer.fsckObjects=true"]).args(PLAIN_FETCH);
        let repository = nested.map_or_else(|| self.path(), |nested| self.path().join(nested));
        let call = call.arg("--refmap=").arg(upload_pack).arg("--").arg(repository).args(refspecs);
        let doing = || format!("harvesting workspace {}", self.record.id);
        call.run().map(drop).map_err(|error| error.doing(doing()))
    }
}

/// Says which refs of a checkout become which below `prefix`. A branch is a folder there: nothing is pruned, and a
/// branch that was renamed from `a` to `a/b` needs both.
pub(crate) fn refspecs(prefix: &str) -> [String; 3] {
    [
        format!("+HEAD:{prefix}HEAD"),
        format!("+refs/heads/*:{prefix}branches/*/ipa-tip"),
        format!("+refs/stash*:{prefix}stash*"),
    ]
}

/// Quotes words for the shell that git hands an upload-pack to: there is no other way to name one.
fn shell_words(words: impl Iterator<Item = OsString>) -> OsString {
    let quoted = words.map(|word| {
        let mut quoted = b"'".to_vec();
        for byte in word.as_bytes() {
            match byte {
                b'\'' => quoted.extend_from_slice(b"'\\''"),
                _ => quoted.push(*byte),
            }
        }
        quoted.push(b'\'');
        quoted
    });
    OsString::from_vec(quoted.collect::<Vec<_>>().join(&b' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_one_word_in_a_shell() {
        let words = ["/a b/git", "it's", "$(touch x)", "`id`", "\"", "\\", "-x;y\n"];
        let line = shell_words(words.iter().map(OsString::from));
        let split = "'/a b/git' 'it'\\''s' '$(touch x)' '`id`' '\"' '\\' '-x;y\n'";
        assert_eq!(line, split);
    }
}
