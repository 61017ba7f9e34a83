//! Names from git, checked before any git program sees them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::text::{InvalidValue, serde_as_text};

/// The id of a git object: 40 (SHA-1) or 64 (SHA-256) lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid(String);

impl Oid {
    /// Returns the whole text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first nine digits, for people.
    pub fn short(&self) -> &str {
        self.0.get(..9).unwrap_or(&self.0)
    }
}

impl FromStr for Oid {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let hex = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if hex && matches!(text.len(), 40 | 64) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidValue::new("a git object id", text))
    }
}

/// The short name of a git branch, such as `main` or `ipa/t-12-fix-retry`.
///
/// Stricter than git, which lets `a;b$(id)` be a branch: only letters, digits and `._-/+@=#,%` pass, so that a
/// name is safe in every place where one is shown or handed on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BranchName(String);

impl BranchName {
    /// Returns the short name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the full name, `refs/heads/…`.
    pub fn full(&self) -> String {
        format!("refs/heads/{}", self.0)
    }
}

impl FromStr for BranchName {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let fits = |c: char| c.is_alphanumeric() || "._-/+@=#,%".contains(c);
        let part_fits = |part: &str| {
            !part.is_empty()
                && !part.starts_with(['.', '-'])
                && !part.ends_with('.')
                && !has_lock_suffix(part)
        };
        let good = (1..=200).contains(&text.len())
            && text.chars().all(fits)
            && text.split('/').all(part_fits)
            && !text.contains("..")
            && text != "@"
            && text != "HEAD";
        if good { Ok(Self(text.to_owned())) } else { Err(InvalidValue::new("a branch name", text)) }
    }
}

fn has_lock_suffix(part: &str) -> bool {
    Path::new(part).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("lock"))
}

/// Where a repository comes from: an absolute path on this machine, or an `https` or `ssh` URL; `http` where it does not
/// leave this machine. A `file` URL is read as the path that it names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoSource(Source);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Source {
    Path(PathBuf),
    Url(String),
}

impl RepoSource {
    /// Returns the path, when the repository lies on this machine.
    pub fn as_path(&self) -> Option<&Path> {
        match &self.0 {
            Source::Path(path) => Some(path),
            Source::Url(_) => None,
        }
    }

    /// Returns the last part of the path without `.git`: the folder's name in a workspace.
    pub fn name(&self) -> String {
        let text = self.to_string();
        let last = text.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
        let name: String = last.strip_suffix(".git").unwrap_or(last).chars().map(safe).collect();
        if name.is_empty() || name.starts_with(['.', '-']) { format!("repo{name}") } else { name }
    }
}

/// Replaces what a folder name of ours must not contain.
fn safe(c: char) -> char {
    if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '_' }
}

impl fmt::Display for RepoSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Path(path) => path.display().fmt(f),
            Source::Url(url) => f.write_str(url),
        }
    }
}

impl FromStr for RepoSource {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let wrong =
            || InvalidValue::new("a repository (an absolute path, or an https, ssh or file URL)", text);
        if text.len() > 2048 || text.chars().any(char::is_control) {
            return Err(wrong());
        }
        // What is percent-encoded in a file URL would name another path than it shows.
        let in_url = text.strip_prefix("file://").filter(|path| path.starts_with('/') && !path.contains('%'));
        if let Some(path) = Some(text).filter(|text| text.starts_with('/')).or(in_url) {
            return Ok(Self(Source::Path(PathBuf::from(path))));
        }
        let plain = text.strip_prefix("http://").filter(|rest| is_loopback(rest));
        let rest = ["https://", "ssh://"].iter().find_map(|scheme| text.strip_prefix(scheme)).or(plain);
        // A password in a URL would end in the log; a part that begins with a dash could be read as an option.
        let host = rest.ok_or_else(wrong)?.split('/').next().unwrap_or_default();
        let secret = host.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
        if secret || host.starts_with('-') || text.contains(char::is_whitespace) {
            return Err(wrong());
        }
        Ok(Self(Source::Url(text.to_owned())))
    }
}

/// Tells whether what follows the scheme of a URL begins with a name of this machine itself.
fn is_loopback(rest: &str) -> bool {
    let host = rest.split('/').next().unwrap_or_default();
    let names = ["localhost", "127.0.0.1", "[::1]"];
    let is =
        |name: &&str| host.strip_prefix(*name).is_some_and(|port| port.is_empty() || port.starts_with(':'));
    names.iter().any(is)
}

macro_rules! display_text {
    ($($name:ident),+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    )+};
}

display_text!(Oid, BranchName);
serde_as_text!(Oid, BranchName, RepoSource);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_name_that_a_shell_or_git_could_misread_is_refused() {
        for good in ["main", "ipa/t-12-fix-retry", "ipa/t-12-fix--x", "feature/ä", "v1.0"] {
            assert!(good.parse::<BranchName>().is_ok(), "{good}");
        }
        for wrong in [
            "", "-x", "a;b$(id)", "a b", "a..b", "/a", "a/", "a//b", ".a", "a.lock", "a/.b", "@", "HEAD",
            "a~1",
        ] {
            assert!(wrong.parse::<BranchName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_repository_is_an_absolute_path_or_a_plain_url() {
        let names: Vec<_> = ["/home/ann/my repo.git/", "https://example.org/o/r.git", "ssh://git@h/o/-r"]
            .map(|text| text.parse::<RepoSource>().unwrap().name())
            .into();
        assert_eq!(names, ["my_repo", "r", "repo-r"]);
        for wrong in [
            "",
            "r",
            "./r",
            "ext::sh -c x",
            "https://u:secret@h/r",
            "ssh://-oProxyCommand=x/r",
            "/a\nb",
            "-x",
        ] {
            assert!(wrong.parse::<RepoSource>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_file_url_is_the_path_that_it_names() {
        let source: RepoSource = "file:///home/ann/r.git".parse().unwrap();
        assert_eq!(source.as_path(), Some(Path::new("/home/ann/r.git")));
        assert_eq!(source, "/home/ann/r.git".parse().unwrap());
        assert_eq!(source.to_string().parse::<RepoSource>().unwrap(), source);
        for wrong in ["file://host/r", "file:///a%2fb", "file:r", "file://"] {
            assert!(wrong.parse::<RepoSource>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_object_id_is_hexadecimal() {
        assert!("a".repeat(40).parse::<Oid>().is_ok());
        assert!("a".repeat(41).parse::<Oid>().is_err());
        assert!("A".repeat(40).parse::<Oid>().is_err());
        assert_eq!("0123456789".repeat(4).parse::<Oid>().unwrap().short(), "012345678");
    }
}
