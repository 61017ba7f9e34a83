//! The program of a kind of agent: how it is called, what it finds in its environment, where it lies.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use crate::error::ProbeError;
use crate::redact::Secrets;
use crate::runtime::Bench;

/// How long a program may take to say something about itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// The program of a kind of agent, as a person configured it.
#[derive(Clone, Default)]
pub struct Program {
    /// Its name or path, and the arguments that come before all others.
    pub argv: Vec<OsString>,
    /// What it finds in its environment, over what every agent finds there. May hold secrets.
    pub env: BTreeMap<OsString, OsString>,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.env.keys().collect();
        f.debug_struct("Program").field("argv", &self.argv).field("env", &names).finish()
    }
}

impl Program {
    /// Returns where it lies, found as `execvp` would.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        let path = self.env.get(OsStr::new("PATH")).map(OsString::as_os_str);
        find(self.argv.first()?, path, Path::new("/"))
    }

    /// Names what it reads beside the system: itself, and all packages that came with it.
    pub(crate) fn reads(&self) -> Vec<PathBuf> {
        let Some(real) = self.path().and_then(|path| path.canonicalize().ok()) else { return Vec::new() };
        let packages =
            real.ancestors().filter(|it| it.file_name() == Some(OsStr::new("node_modules"))).last();
        vec![packages.map_or(real.clone(), Path::to_owned)]
    }

    /// Asks it for its version, on a bench if there is one; `kind` names it to a person.
    pub(crate) async fn version(&self, kind: &str, bench: Option<&Bench>) -> Result<String, ProbeError> {
        let said = self.said(kind, &["--version"], bench).await?;
        if !said.status.success() {
            let why = String::from_utf8_lossy(&said.stderr).lines().last().unwrap_or_default().to_owned();
            let why = if why.is_empty() { why } else { format!(": {why}") };
            let name = self.name();
            return Err(ProbeError::Unusable(format!(
                "{name} does not say its version: {}{why}",
                said.status
            )));
        }
        Ok(String::from_utf8_lossy(&said.stdout).lines().next().unwrap_or_default().trim().to_owned())
    }

    /// Returns what it says to a short question, without its secrets.
    #[expect(clippy::disallowed_methods, reason = "a program that only says something, and is waited for")]
    pub(crate) async fn said(
        &self,
        kind: &str,
        question: &[&str],
        bench: Option<&Bench>,
    ) -> Result<Output, ProbeError> {
        let missing = || ProbeError::Missing { kind: kind.to_owned(), program: self.name() };
        let path = self.path().ok_or_else(missing)?;
        let unusable = |why: String| ProbeError::Unusable(format!("{} {why}", path.display()));
        let mut argv: Vec<&OsStr> = Vec::new();
        argv.extend(bench.iter().flat_map(|bench| &bench.prefix).map(OsString::as_os_str));
        argv.push(path.as_os_str());
        argv.extend(self.argv.iter().skip(1).map(OsString::as_os_str));
        argv.extend(question.iter().map(OsStr::new));
        let (first, rest) = argv.split_first().ok_or_else(missing)?;
        let mut command = tokio::process::Command::new(first);
        command.args(rest).env_clear().envs(&self.env).stdin(Stdio::null()).kill_on_drop(true);
        if let Some(bench) = bench {
            command.env("HOME", &bench.home).env("TMPDIR", &bench.home).current_dir(&bench.home);
        }
        let said = tokio::time::timeout(PATIENCE, command.output()).await;
        let said = said.map_err(|_late| unusable(format!("does not answer `{}`", question.join(" "))))?;
        let Output { status, stdout, stderr } =
            said.map_err(|error| unusable(format!("cannot be run: {error}")))?;
        let secrets = Secrets::of(&self.env);
        Ok(Output { status, stdout: secrets.redact_bytes(stdout), stderr: secrets.redact_bytes(stderr) })
    }

    /// Returns what it is called.
    fn name(&self) -> String {
        self.argv.first().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

/// Finds a program as `execvp` would.
pub(crate) fn find(program: &OsStr, path: Option<&OsStr>, cwd: &Path) -> Option<PathBuf> {
    let runs = |path: &PathBuf| {
        path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    if Path::new(program).components().count() > 1 {
        return Some(cwd.join(program)).filter(runs);
    }
    std::env::split_paths(path?).map(|dir| cwd.join(dir).join(program)).find(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with an executable file at a path below it.
    fn installed(at: &str) -> tempfile::TempDir {
        let dir = tempfile::TempDir::new().unwrap();
        let file = dir.path().join(at);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "#!/bin/sh\necho '9.9 (Agent)'\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        dir
    }

    fn named(name: &str, path: &Path) -> Program {
        Program { argv: vec![name.into()], env: BTreeMap::from([("PATH".into(), path.into())]) }
    }

    #[test]
    fn a_program_reads_itself_and_the_packages_that_came_with_it() {
        let alone = installed("bin/agent");
        let reads = named("agent", &alone.path().join("bin")).reads();
        assert_eq!(reads, [alone.path().join("bin/agent").canonicalize().unwrap()]);
        let packed = installed("node_modules/a/node_modules/b/agent");
        let bin = packed.path().join("node_modules/.bin");
        std::fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink("../a/node_modules/b/agent", bin.join("agent")).unwrap();
        let reads = named("agent", &bin).reads();
        assert_eq!(reads, [packed.path().join("node_modules").canonicalize().unwrap()]);
    }

    #[tokio::test]
    async fn a_program_says_its_version_or_that_it_is_not_there() {
        let dir = installed("agent");
        assert_eq!(named("agent", dir.path()).version("x", None).await.unwrap(), "9.9 (Agent)");
        let error = named("other", dir.path()).version("x", None).await.unwrap_err();
        assert_eq!(error.to_string(), "other was not found; install it, or set `[agents.x] command`");
        let error = named("/bin/false", dir.path()).version("x", None).await.unwrap_err();
        assert_eq!(error.to_string(), "/bin/false does not say its version: exit status: 1");
    }

    #[test]
    fn a_secret_in_its_environment_is_not_shown() {
        let mut program = named("agent", Path::new("/bin"));
        program.env.insert("KEY".into(), "canary".into());
        let shown = format!("{program:?}");
        assert!(shown.contains("KEY") && !shown.contains("canary"), "{shown}");
    }
}
