//! The throw-away repository: a shell function with a bug, and a test that finds it; and the one on the other side that
//! it was pushed to. Needs git and a shell.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use ipa_events::{RepoSource, Runtime};
use ipa_pod::{Edge as _, SystemEdge};

use super::script;
use crate::config::Settings;
use crate::failure::Failure;
use crate::process;

/// The program with the bug; [`script`] holds it mended.
pub(super) const BROKEN: &str = "\
# total FIRST LAST: prints the sum of the whole numbers from FIRST to LAST.
total() {
  sum=0
  n=$1
  while [ \"$n\" -lt \"$2\" ]; do
    sum=$((sum + n))
    n=$((n + 1))
  done
  echo \"$sum\"
}
";

pub(super) const README: &str = "# total\n\nAdds up a range of numbers. `./test.sh` tests it.\n";

const TEST: &str = "\
#!/bin/sh
# Tests total.sh; needs a shell and nothing else.
cd \"$(dirname \"$0\")\" || exit 1
. ./total.sh
bad=0
check() {
  if [ \"$2\" = \"$3\" ]; then
    echo \"ok      $1\"
  else
    echo \"not ok  $1: wanted $3, got $2\"
    bad=1
  fi
}
check 'AC1 total 1 4'  \"$(total 1 4)\"  10
check 'AC1 total 3 3'  \"$(total 3 3)\"  3
check 'AC1 total -1 1' \"$(total -1 1)\" 0
check 'AC2 total 5 1'  \"$(total 5 1)\"  0
exit $bad
";

/// Whether the test passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Test {
    /// It passes.
    Passed,
    /// It fails.
    Failed,
}

impl Test {
    /// Returns the word for it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
        }
    }
}

/// The throw-away repository with its script.
pub(super) struct DemoRepo {
    folder: PathBuf,
}

impl DemoRepo {
    /// Makes the repository, with one commit.
    pub(super) fn make(settings: &Settings) -> Result<Self, Failure> {
        let id: String = SystemEdge.uuid().simple().to_string().chars().rev().take(6).collect();
        let repo = Self { folder: settings.data.join("demo").join(id) };
        let path = repo.path();
        fs::create_dir_all(&path).map_err(writing(&path))?;
        write(&path.join("total.sh"), BROKEN)?;
        write(&path.join("test.sh"), TEST)?;
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(path.join("test.sh"), executable).map_err(writing(&path))?;
        write(&path.join("README.md"), README)?;
        write(&repo.script(), &script::text())?;
        let env = env(settings);
        git(&path, &env, &["init", "--quiet", "--initial-branch=main"])?;
        git(&path, &env, &["add", "--all"])?;
        git(&path, &env, &["commit", "--quiet", "--message=total: add up a range of numbers"])?;
        let (from, to) = (path.display().to_string(), repo.forge().display().to_string());
        git(&repo.folder, &env, &["clone", "--quiet", "--bare", &from, &to])?;
        git(&path, &env, &["remote", "add", "origin", &to])?;
        Ok(repo)
    }

    /// Returns where it lies.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.join("repo")
    }

    /// Returns where the one on the other side lies, in which nobody works.
    fn forge(&self) -> PathBuf {
        self.folder.join("forge.git")
    }

    /// Returns where tickets and pull requests lie.
    pub(super) fn forge_folder(&self) -> PathBuf {
        self.folder.join("forge")
    }

    fn script(&self) -> PathBuf {
        self.folder.join("script.json")
    }

    /// Returns the one on the other side, as a task's repository.
    pub(super) fn source(&self) -> Result<RepoSource, Failure> {
        let path = self.forge();
        path.to_string_lossy()
            .parse()
            .map_err(|error: ipa_events::InvalidValue| Failure::Wrong(error.to_string()))
    }

    /// Returns the agent that plays the script.
    pub(super) fn agent(&self) -> Result<Runtime, Failure> {
        let name = format!("scripted:{}", self.script().display());
        name.parse().map_err(|error: ipa_events::InvalidValue| Failure::Wrong(error.to_string()))
    }

    /// Gets what was delivered, as a person would: branches come, and the checkout stays as it is.
    pub(super) fn fetch(&self, settings: &Settings) -> Result<(), Failure> {
        let (all, ours) = ("+refs/heads/*:refs/remotes/origin/*", "refs/heads/ipa/*:refs/heads/ipa/*");
        git(&self.path(), &env(settings), &["fetch", "--quiet", "origin", all, ours]).map(drop)
    }

    /// Runs the test: as the repository lies there, or on a branch of the other side, in a checkout of its own.
    pub(super) fn test(&self, settings: &Settings, branch: Option<&str>) -> Result<Test, Failure> {
        let env = env(settings);
        let folder = match branch {
            None => self.path(),
            Some(branch) => {
                let checkout = self.folder.join("delivered");
                let (from, to) = (self.forge().display().to_string(), checkout.display().to_string());
                git(&self.folder, &env, &["clone", "--quiet", "--branch", branch, &from, &to])?;
                checkout
            }
        };
        let ran = process::run(&folder, &env, &["/bin/sh", "./test.sh"])?;
        Ok(if ran.well { Test::Passed } else { Test::Failed })
    }

    /// Removes it all; what was delivered stays in the mirror.
    pub(super) fn remove(self) -> Result<(), Failure> {
        fs::remove_dir_all(&self.folder).map_err(writing(&self.folder))
    }
}

/// What git and the test find in their environment: an author, and nothing of the machine's configuration.
fn env(settings: &Settings) -> BTreeMap<OsString, OsString> {
    let mut env = settings.agent_env.clone();
    let fixed = [
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_AUTHOR_NAME", "ipa demo"),
        ("GIT_AUTHOR_EMAIL", "demo@localhost"),
        ("GIT_COMMITTER_NAME", "ipa demo"),
        ("GIT_COMMITTER_EMAIL", "demo@localhost"),
    ];
    env.extend(fixed.map(|(name, value)| (name.into(), value.into())));
    env
}

fn git(folder: &Path, env: &BTreeMap<OsString, OsString>, args: &[&str]) -> Result<String, Failure> {
    let argv: Vec<&str> = std::iter::once("git").chain(args.iter().copied()).collect();
    process::succeed(folder, env, &argv)
}

pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(writing(path))
}

fn writing(path: &Path) -> impl Fn(std::io::Error) -> Failure {
    let doing = format!("writing {}", path.display());
    move |source| Failure::Io { doing: doing.clone(), source }
}
