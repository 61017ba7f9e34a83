//! Names of things at a forge: which repository a source is, and which pull request or issue a remote id is. Pure.

use std::fmt;

use ipa_events::{RemoteId, RepoSource};
use url::Url;

/// A repository, by its owner and its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RepoName {
    pub(super) owner: String,
    pub(super) name: String,
}

/// A pull request or an issue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) repo: RepoName,
    pub(super) number: u64,
}

impl RepoName {
    /// Reads `owner/name`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (owner, name) = text.split_once('/')?;
        let name = name.strip_suffix(".git").unwrap_or(name);
        let is_name = |part: &str| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            !part.is_empty() && part.len() <= 100 && part.chars().all(is_plain) && !matches!(part, "." | "..")
        };
        (is_name(owner) && is_name(name)).then(|| Self { owner: owner.to_owned(), name: name.to_owned() })
    }

    /// Returns which repository of the forge with these pages a source is; none: it is at another place.
    pub(super) fn of(web: &Url, source: &RepoSource) -> Option<Self> {
        let source: Url = source.to_string().parse().ok()?;
        let is_here = match source.scheme() {
            "ssh" => is_host_of(web, source.host_str()?),
            _ => source.origin() == web.origin(),
        };
        let path = source.path().strip_prefix(web.path().trim_end_matches('/'))?;
        Self::parse(path.trim_matches('/')).filter(|_| is_here)
    }

    /// Returns where git finds it; none where git may not go.
    pub(super) fn source(&self, web: &Url) -> Option<RepoSource> {
        format!("{}/{self}.git", web.as_str().trim_end_matches('/')).parse().ok()
    }
}

/// GitHub answers ssh under a second name where a firewall lets nothing but https out.
fn is_host_of(web: &Url, host: &str) -> bool {
    let web = web.host_str().unwrap_or_default();
    host.eq_ignore_ascii_case(web) || host.strip_prefix("ssh.").is_some_and(|host| host == web)
}

impl Place {
    /// Reads `owner/name#12`.
    pub(super) fn parse(remote: &RemoteId) -> Option<Self> {
        let (repo, number) = remote.as_str().split_once('#')?;
        Some(Self { repo: RepoName::parse(repo)?, number: number.parse().ok().filter(|number| *number > 0)? })
    }

    /// Returns what stands for it in a path, of which the number was written before.
    pub(super) fn names<'a>(&'a self, number: &'a str) -> [&'a str; 3] {
        [&self.repo.owner, &self.repo.name, number]
    }

    /// Returns its name; none when it is too long for one.
    pub(super) fn remote(&self) -> Option<RemoteId> {
        self.to_string().parse().ok()
    }
}

impl fmt::Display for RepoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.repo, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_repository_of_the_forge_that_it_leads_to() {
        for (web, source, name) in [
            ("https://github.com", "https://github.com/o/r", Some("o/r")),
            ("https://github.com", "https://github.com/o/r.git", Some("o/r")),
            ("https://github.com", "https://GitHub.com/o/r.git/", Some("o/r")),
            ("https://github.com", "ssh://git@github.com/o/r.git", Some("o/r")),
            ("https://github.com", "ssh://git@ssh.github.com:443/o/r.git", Some("o/r")),
            ("https://github.com", "https://me@github.com/o/r.x", Some("o/r.x")),
            ("https://h.test:8443", "https://h.test:8443/o/r", Some("o/r")),
            ("https://h.test:8443", "https://h.test/o/r", None),
            ("https://h.test/git/", "https://h.test/git/o/r", Some("o/r")),
            ("https://h.test/git/", "https://h.test/o/r", None),
            ("https://github.com", "https://evil.test/o/r", None),
            ("https://github.com", "https://github.com.evil.test/o/r", None),
            ("https://github.com", "https://github.com/o", None),
            ("https://github.com", "https://github.com/o/r/s", None),
            ("https://github.com", "https://github.com/o/..", None),
            ("https://github.com", "https://github.com/o/r%2fs", None),
            ("https://github.com", "/o/r", None),
        ] {
            let found = RepoName::of(&web.parse().unwrap(), &source.parse().unwrap());
            assert_eq!(found.map(|it| it.to_string()).as_deref(), name, "{source} at {web}");
        }
    }

    #[test]
    fn a_place_reads_back_from_its_name() {
        for text in ["o/r#1", "an-owner/a.repo_2#123456"] {
            let remote: RemoteId = text.parse().unwrap();
            assert_eq!(Place::parse(&remote).and_then(|place| place.remote()), Some(remote));
        }
        for wrong in ["o/r", "o/r#", "o/r#x", "o/r#0", "o#1", "o/r/s#1", "work#4", "K-1"] {
            assert_eq!(Place::parse(&wrong.parse().unwrap()), None, "{wrong}");
        }
    }
}
