//! Names of folders, branches and refs, derived from what a person wrote. Pure.

use std::fmt::Write as _;
use std::path::PathBuf;

use ipa_events::{AgentId, BranchName, Handle, InvalidValue, RepoSource, WorkspaceId};
use sha2::{Digest as _, Sha256};

/// How much of a title becomes part of a branch's name.
const SLUG_LEN: usize = 40;

/// Makes letters, digits and single dashes of a title; empty when nothing of it can be kept.
pub(crate) fn slug(title: &str) -> String {
    let mut slug = String::new();
    for c in title.chars() {
        if slug.len() >= SLUG_LEN {
            break;
        }
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

/// Returns the branch that a workspace wants, or, from `attempt` 2 on, the next one after it.
///
/// `flat` avoids the folder `ipa/`, for repositories that have a branch called `ipa`.
pub(crate) fn branch(wanted: &Wanted<'_>, attempt: u32) -> Result<BranchName, InvalidValue> {
    let mut name = format!("{}{}", wanted.prefix.as_str(), wanted.handle.to_string().to_ascii_lowercase());
    let slug = slug(wanted.title);
    if !slug.is_empty() {
        name.push('-');
        name.push_str(&slug);
    }
    if *wanted.agent != AgentId::main() {
        name.push_str("--");
        name.push_str(wanted.agent.as_str());
    }
    if attempt > 1 {
        name.push('-');
        name.push_str(&attempt.to_string());
    }
    name.parse()
}

/// What a branch is named after.
pub(crate) struct Wanted<'a> {
    pub(crate) prefix: Prefix,
    pub(crate) handle: Handle,
    pub(crate) title: &'a str,
    pub(crate) agent: &'a AgentId,
}

/// What a branch's name begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prefix {
    /// `ipa/`.
    Folder,
    /// `ipa-`, for repositories that have a branch `ipa`: git keeps no other beneath it.
    Flat,
}

impl Prefix {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Folder => "ipa/",
            Self::Flat => "ipa-",
        }
    }
}

/// Returns the folder of a source's mirror, relative to that of all mirrors.
pub(crate) fn mirror(repo: &RepoSource) -> PathBuf {
    let text = repo.to_string();
    let place = match text.split_once("://") {
        Some((_, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = host.rsplit('@').next().unwrap_or_default();
            let owner = path.trim_end_matches('/').rsplit_once('/').map_or("", |(owner, _)| owner);
            PathBuf::from(folder(host)).join(folder(owner))
        }
        None => PathBuf::from("local"),
    };
    let hash: String = hex(&Sha256::digest(text.as_bytes())).chars().take(16).collect();
    place.join(format!("{}-{hash}.git", repo.name()))
}

fn folder(text: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.') { c } else { '_' };
    let name: String = text.chars().map(safe).take(80).collect();
    if name.is_empty() || name.starts_with(['.', '-']) { format!("_{name}") } else { name }
}

/// Returns the lower-case hexadecimal form.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The refs that a workspace has in its mirror.
#[derive(Debug, Clone)]
pub(crate) struct Refs {
    id: WorkspaceId,
}

impl Refs {
    pub(crate) fn of(id: &WorkspaceId) -> Self {
        Self { id: id.clone() }
    }

    /// Where a harvest puts what the checkout has: its `HEAD`, `branches/*/ipa-tip`, `stash`.
    pub(crate) fn harvest(&self, name: &str) -> String {
        format!("refs/ipa/ws/{}/{name}", self.id)
    }

    /// The harvested head.
    pub(crate) fn head(&self) -> String {
        self.harvest("HEAD")
    }

    /// The commit that holds what is about to be committed.
    pub(crate) fn shown(&self) -> String {
        format!("refs/ipa/shown/{}", self.id)
    }

    /// What the checkpoints' refs begin with.
    pub(crate) fn snapshots(&self) -> String {
        format!("refs/ipa/snap/{}/", self.id)
    }

    /// The checkpoint with this number.
    pub(crate) fn snapshot(&self, number: u32) -> String {
        format!("{}{number}", self.snapshots())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(title: &str, agent: &str, attempt: u32) -> String {
        let agent = agent.parse().unwrap();
        let wanted = Wanted { prefix: Prefix::Folder, handle: Handle::new(12), title, agent: &agent };
        branch(&wanted, attempt).unwrap().to_string()
    }

    #[test]
    fn a_title_becomes_part_of_a_branch_and_nothing_else() {
        let cases = [
            ("Fix the retry", "ipa/t-12-fix-the-retry"),
            ("; $(touch x) --upload-pack=y", "ipa/t-12-touch-x-upload-pack-y"),
            ("äöü 日本", "ipa/t-12"),
            ("../../.git/config", "ipa/t-12-git-config"),
            ("-x.lock", "ipa/t-12-x-lock"),
            ("\0\n\u{202e}", "ipa/t-12"),
            ("", "ipa/t-12"),
        ];
        for (title, wanted) in cases {
            assert_eq!(named(title, "main", 1), wanted, "{title:?}");
        }
        assert!(named(&"x".repeat(5000), "main", 1).len() < 60);
        assert_eq!(named("a", "tests", 2), "ipa/t-12-a--tests-2");
    }

    #[test]
    fn two_sources_never_share_a_mirror() {
        let path = |text: &str| mirror(&text.parse().unwrap()).display().to_string();
        assert!(path("https://example.org/o/r.git").starts_with("example.org/o/r-"));
        assert!(path("ssh://git@example.org:22/../r").starts_with("example.org_22/_../r-"));
        assert!(path("/home/ann/my repo").starts_with("local/my_repo-"));
        assert_ne!(path("/a/b c/r"), path("/a/b_c/r"));
        assert_ne!(path("https://h/a/b/r"), path("https://h/a_b/r"));
    }
}
