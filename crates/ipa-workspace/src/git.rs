//! Runs the git program: the only place that does. No shell, no inherited environment, always a deadline.
//!
//! It knows two profiles: *hermetic*, where no configuration but ours counts, and *network*, where the user's
//! own counts because remotes are theirs. It knows no workspace.

mod pipes;
mod process;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Duration;

use crate::config::{Config, EnvMap};
use crate::credentials::{self, GitCredential};
use crate::error::WorkspaceError;
pub(crate) use process::Output;
use process::Run;

/// How long git may take when nothing but this machine is involved.
const LOCAL_DEADLINE: Duration = Duration::from_mins(10);
/// How long git may take when a remote is involved.
const NETWORK_DEADLINE: Duration = Duration::from_mins(30);
/// How much of what git says on its standard error a person is shown.
const SHOWN_TAIL: usize = 2000;

/// What every run of git is told first.
const SAFE: [&str; 6] =
    ["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "submodule.recurse=false"];

/// How git may reach other repositories; plain `http` only where the address begins with it.
const PROTOCOLS: &str = "https:ssh:file";

/// The git program with its environments.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    hermetic: EnvMap,
    network: EnvMap,
    credentials: Vec<GitCredential>,
}

/// One run of git, to be completed with arguments.
#[derive(Debug)]
pub(crate) struct GitCall {
    args: Vec<OsString>,
    run: Run,
    /// What nobody may read in what git says.
    secrets: Vec<String>,
}

/// Why a run of git did not do what it was for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GitError {
    #[error("git {call} could not be started")]
    Spawn { call: String, source: std::io::Error },
    #[error("git {call} took longer than {seconds} s")]
    Timeout { call: String, seconds: u64 },
    #[error("git {call} ended with {}: {stderr}", code.map_or("a signal".to_owned(), |code| code.to_string()))]
    Exit { call: String, code: Option<i32>, stderr: String },
}

impl GitError {
    /// Returns what a person needs to read: git's own words, if there are any.
    pub(crate) fn detail(&self) -> String {
        match self {
            Self::Spawn { source, .. } => format!("{self}: {source}"),
            Self::Timeout { .. } => self.to_string(),
            Self::Exit { stderr, .. } if stderr.is_empty() => self.to_string(),
            Self::Exit { stderr, .. } => shown(stderr),
        }
    }

    /// Turns it into the seam's error, naming what was attempted.
    pub(crate) fn doing(&self, doing: impl Into<String>) -> WorkspaceError {
        WorkspaceError::Failed { doing: doing.into(), detail: self.detail() }
    }
}

impl Git {
    /// Prepares both environments. `home` is an empty folder, `global` the only configuration file.
    pub(crate) fn new(config: &Config, home: &Path, global: &Path) -> Self {
        let mut hermetic = config.base_env.clone();
        set(&mut hermetic, "HOME", home);
        set(&mut hermetic, "GIT_CONFIG_NOSYSTEM", "1");
        set(&mut hermetic, "GIT_CONFIG_GLOBAL", global);
        set(&mut hermetic, "GIT_ALLOW_PROTOCOL", "file");
        let mut network = config.user_env.clone();
        if let Some(path) = config.base_env.get(OsStr::new("PATH")) {
            network.entry("PATH".into()).or_insert_with(|| path.clone());
        }
        set(&mut network, "GIT_ALLOW_PROTOCOL", PROTOCOLS);
        network.entry("GIT_ASKPASS".into()).or_insert_with(|| "false".into());
        network.entry("GIT_SSH_COMMAND".into()).or_insert_with(|| "ssh -oBatchMode=yes".into());
        for env in [&mut hermetic, &mut network] {
            env.retain(|name, _| !is_of_a_repository(name));
            set(env, "LC_ALL", "C");
            set(env, "GIT_TERMINAL_PROMPT", "0");
            set(env, "GIT_OPTIONAL_LOCKS", "0");
            set(env, "GIT_LFS_SKIP_SMUDGE", "1");
        }
        Self { hermetic, network, credentials: config.credentials.clone() }
    }

    /// Starts a call in which only our own configuration counts.
    pub(crate) fn hermetic(&self) -> GitCall {
        GitCall::new(self.hermetic.clone(), LOCAL_DEADLINE).args(SAFE)
    }

    /// Starts a call in which the user's configuration counts; so do their credentials, unless ours has one for
    /// this address.
    pub(crate) fn network(&self, url: &str) -> GitCall {
        let mut call = GitCall::new(self.network.clone(), NETWORK_DEADLINE).args(SAFE);
        if url.starts_with("http://") {
            set(&mut call.run.env, "GIT_ALLOW_PROTOCOL", format!("{PROTOCOLS}:http"));
        }
        if let Some(credential) = credentials::find(&self.credentials, url)
            && let Some(login) = credential.login()
        {
            login.enter(url, &mut call.run.env);
            call.secrets = login.secrets();
        }
        call
    }

    /// Starts a call of git behind `prefix`, with nothing but `env` and hardly any configuration of ours: for
    /// what happens inside a checkout on its owner's terms. Hooks and housekeeping are no part of that.
    pub(crate) fn confined(prefix: Vec<OsString>, env: EnvMap) -> GitCall {
        let mut call = GitCall::new(env, LOCAL_DEADLINE).args(SAFE);
        call = call.args(["-c", "gc.auto=0", "-c", "maintenance.auto=false"]);
        call.run.argv.splice(0..0, prefix);
        call
    }
}

/// Runs another program of ours under the same care.
///
/// # Errors
///
/// [`GitError::Spawn`] and [`GitError::Timeout`].
pub(crate) fn run_program(argv: Vec<OsString>, env: EnvMap) -> Result<Output, GitError> {
    let mut call = GitCall::new(env, LOCAL_DEADLINE);
    call.run.argv = argv;
    call.output()
}

/// Writes a value as git's configuration wants it.
pub(crate) fn config_value(value: &OsStr) -> Vec<u8> {
    let mut text = b"\"".to_vec();
    for byte in value.as_encoded_bytes() {
        match byte {
            b'\n' => text.extend_from_slice(b"\\n"),
            b'\t' => text.extend_from_slice(b"\\t"),
            b'"' | b'\\' => text.extend_from_slice(&[b'\\', *byte]),
            _ => text.push(*byte),
        }
    }
    text.push(b'"');
    text
}

/// Tells whether a variable would point git at some repository or at configuration of its own.
fn is_of_a_repository(name: &OsStr) -> bool {
    let names = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"];
    let more = ["GIT_NAMESPACE", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_CONFIG_PARAMETERS", "GIT_TRACE"];
    name.to_str().is_some_and(|name| names.contains(&name) || more.contains(&name))
}

fn set(env: &mut EnvMap, name: &str, value: impl AsRef<OsStr>) {
    env.insert(name.into(), value.as_ref().to_owned());
}

impl GitCall {
    fn new(env: EnvMap, deadline: Duration) -> Self {
        let run = Run { argv: vec!["git".into()], env, dir: "/".into(), stdin: Vec::new(), deadline };
        Self { args: Vec::new(), run, secrets: Vec::new() }
    }

    /// Adds an argument.
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Names the repository by its git directory.
    pub(crate) fn git_dir(self, dir: &Path) -> Self {
        let mut arg = OsString::from("--git-dir=");
        arg.push(dir);
        self.arg(arg)
    }

    /// Sets a variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        set(&mut self.run.env, name, value);
        self
    }

    /// Sets the working directory.
    pub(crate) fn dir(mut self, dir: &Path) -> Self {
        dir.clone_into(&mut self.run.dir);
        self
    }

    /// Sets what git reads on its standard input.
    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.run.stdin = bytes.into();
        self
    }

    /// Puts a program in front of git.
    pub(crate) fn behind(mut self, prefix: Vec<OsString>) -> Self {
        self.run.argv.splice(0..0, prefix);
        self
    }

    /// Runs git and returns what it said, whatever its exit code.
    ///
    /// # Errors
    ///
    /// [`GitError::Spawn`] and [`GitError::Timeout`].
    pub(crate) fn output(self) -> Result<Output, GitError> {
        let call = self.summary();
        let seconds = self.run.deadline.as_secs();
        let mut run = self.run;
        run.argv.extend(self.args);
        match process::run(&run) {
            Ok(Some(output)) => Ok(credentials::clean(output, &self.secrets)),
            Ok(None) => Err(GitError::Timeout { call, seconds }),
            Err(source) => Err(GitError::Spawn { call, source }),
        }
    }

    /// Runs git and returns its standard output.
    ///
    /// # Errors
    ///
    /// Any [`GitError`]; an exit code other than 0 is one.
    pub(crate) fn run(self) -> Result<Vec<u8>, GitError> {
        let call = self.summary();
        let output = self.output()?;
        if output.code == Some(0) {
            return Ok(output.stdout);
        }
        Err(GitError::Exit { call, code: output.code, stderr: output.stderr })
    }

    /// Runs git and returns its standard output as one trimmed text.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub(crate) fn text(self) -> Result<String, GitError> {
        self.run().map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    /// Returns the subcommand, for messages: arguments may hold what nobody needs to read.
    fn summary(&self) -> String {
        let mut args = self.args.iter();
        while let Some(arg) = args.next() {
            let arg = arg.to_string_lossy();
            if arg == "-c" || arg == "-C" {
                args.next();
            } else if !arg.starts_with('-') {
                return arg.into_owned();
            }
        }
        String::new()
    }
}

/// Returns the last part, for a person.
fn shown(stderr: &str) -> String {
    let surplus = stderr.chars().count().saturating_sub(SHOWN_TAIL);
    stderr.chars().skip(surplus).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> GitCall {
        let mut call = GitCall::new([("PATH".into(), "/usr/bin:/bin".into())].into(), LOCAL_DEADLINE);
        call.run.argv = vec!["sh".into(), "-c".into(), script.into()];
        call
    }

    #[test]
    fn an_exit_code_is_an_error_with_the_last_words() {
        let error = shell("echo sorry >&2; exit 3").run().unwrap_err();
        assert!(matches!(error, GitError::Exit { code: Some(3), .. }));
        assert_eq!(error.detail(), "sorry");
        let error = shell("head -c 300000 /dev/zero | tr '\\0' x >&2; exit 1").run().unwrap_err();
        assert_eq!(error.detail().len(), SHOWN_TAIL);
    }

    #[test]
    fn a_value_of_the_configuration_reads_back_as_it_was() {
        let dir = tempfile::TempDir::new().unwrap();
        let value = "/a \"b\\\n\t#;c";
        let file = dir.path().join("config");
        let text = [b"[x]\n\ty = ", config_value(value.as_ref()).as_slice(), b"\n"].concat();
        std::fs::write(&file, text).unwrap();
        let mut call = GitCall::new([("PATH".into(), "/usr/bin:/bin".into())].into(), LOCAL_DEADLINE);
        call = call.args(["config", "-z", "--file"]).arg(&file).args(["--get", "x.y"]);
        assert_eq!(call.run().unwrap(), format!("{value}\0").as_bytes());
    }
}
