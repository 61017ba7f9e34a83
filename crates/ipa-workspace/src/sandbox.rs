//! The boundary around an agent: an argv prefix, and a true report of what it enforces.

pub(crate) mod exec;
pub(crate) mod policy;
pub(crate) mod probe;
mod report;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ipa_events::Helper;
use serde::{Deserialize, Serialize};

use crate::config::{Config, EnvMap, SandboxBackend};
use crate::error::WorkspaceError;
use crate::git::run_program;
use policy::Policy;
use probe::{Attempt, Ground};

pub use report::{Trial, probe_sandbox, try_sandbox};

/// What a run needs beyond its own workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Files and folders that it may read, such as its program.
    pub read: Vec<PathBuf>,
    /// Files and folders that it may read and write.
    pub write: Vec<PathBuf>,
    /// The login of the user's that it may read.
    pub login: Option<SharedLogin>,
}

/// The file by which a program of the user's is let in, shared with a run. It may be read, and not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedLogin {
    /// Whose it is, as a person calls it.
    pub of: String,
    /// The file.
    pub file: PathBuf,
}

/// What is put in front of a program to confine it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxPrefix {
    /// Comes before the program's own argument vector; empty when nothing is enforced.
    pub argv: Vec<OsString>,
    /// What is enforced, as it was probed.
    pub enforced: Enforced,
}

/// What a sandbox really enforces, as it was probed on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enforced {
    /// What does it: `landlock`, or `none`.
    pub backend: String,
    /// Writes outside the workspace are refused.
    pub fs_write: bool,
    /// Reads outside the allowed folders are refused.
    pub fs_read: bool,
    /// Network access is limited.
    pub net: bool,
    /// What is limited, in a person's words.
    pub held: Vec<String>,
    /// What is not limited, in the same words.
    pub missing: Vec<String>,
    /// Whose login is shared with the run.
    pub login: Option<String>,
}

/// Makes prefixes, and knows what they enforce.
#[derive(Debug)]
pub(crate) struct Sandbox {
    backend: SandboxBackend,
    helper: Helper,
    env: EnvMap,
    read_also: Vec<PathBuf>,
    root: PathBuf,
    /// Probed once per engine: the kernel does not change under it.
    probed: OnceLock<Result<Enforced, String>>,
}

impl Sandbox {
    pub(crate) fn new(config: &Config, root: &Path) -> Self {
        Self {
            backend: config.sandbox,
            helper: config.helper.clone(),
            env: config.base_env.clone(),
            read_also: config.read_also.clone(),
            root: root.to_owned(),
            probed: OnceLock::new(),
        }
    }

    /// Tells whether agents are confined at all.
    pub(crate) fn is_on(&self) -> bool {
        self.backend != SandboxBackend::None
    }

    /// Turns a policy, and what a run needs beside it, into what goes in front of a program.
    ///
    /// # Errors
    ///
    /// As [`prefix`](Self::prefix).
    pub(crate) fn prefix_for(
        &self,
        mut policy: Policy,
        needs: Needs,
    ) -> Result<SandboxPrefix, WorkspaceError> {
        policy.read.extend(needs.read);
        policy.write.extend(needs.write);
        let of = needs.login.map(|login| {
            policy.read.push(login.file);
            login.of
        });
        let mut prefix = self.prefix(&policy)?;
        prefix.enforced.login = of;
        Ok(prefix)
    }

    /// Turns a policy into what goes in front of a program.
    ///
    /// # Errors
    ///
    /// [`WorkspaceError::NoSandbox`] when one is wanted and none works.
    pub(crate) fn prefix(&self, policy: &Policy) -> Result<SandboxPrefix, WorkspaceError> {
        let enforced = self.enforced()?;
        let argv = if self.is_on() { self.argv(policy) } else { Vec::new() };
        Ok(SandboxPrefix { argv, enforced })
    }

    /// Tells what is enforced.
    ///
    /// # Errors
    ///
    /// [`WorkspaceError::NoSandbox`] when confinement is wanted and none works.
    fn enforced(&self) -> Result<Enforced, WorkspaceError> {
        if !self.is_on() {
            return Ok(nothing());
        }
        self.probed.get_or_init(|| self.probe()).clone().map_err(WorkspaceError::NoSandbox)
    }

    fn argv(&self, policy: &Policy) -> Vec<OsString> {
        let mut argv = self.helper.argv(exec::NAME);
        argv.extend(policy.to_args());
        argv
    }

    /// Tries inside what must be refused, and outside that it would have worked: a refusal proves something
    /// only then.
    fn probe(&self) -> Result<Enforced, String> {
        let ground = Ground::make(&self.root).map_err(|error| error.to_string())?;
        let mut policy = Policy::system(&self.read_also);
        policy.own = vec![ground.inside.clone()];
        policy.read.push(self.helper.program.clone());
        let outside = self.attempts(Vec::new(), &ground)?;
        let inside = self.attempts(self.argv(&policy), &ground)?;
        let must = [Attempt::WriteInside, Attempt::WriteOutside, Attempt::ReadOutside];
        if !must.iter().all(|attempt| outside.contains(attempt)) {
            return Err("the probe could not do outside of the sandbox what it must not do inside".to_owned());
        }
        if !inside.contains(&Attempt::WriteInside) {
            return Err("landlock refuses even what is allowed".to_owned());
        }
        let enforced = enforced(&outside, &inside);
        if enforced.fs_write && enforced.fs_read {
            return Ok(enforced);
        }
        Err(format!("landlock does not keep a program in its folders: {}", enforced.missing.join(", ")))
    }

    fn attempts(&self, prefix: Vec<OsString>, ground: &Ground) -> Result<Vec<Attempt>, String> {
        let argv = prefix.into_iter().chain(self.helper.argv(probe::NAME)).chain(ground.args());
        let output = run_program(argv.collect(), self.env.clone()).map_err(|error| error.detail())?;
        let text = String::from_utf8_lossy(&output.stdout);
        probe::parse(&text).ok_or_else(|| format!("the probe did not answer: {}", output.stderr))
    }
}

fn enforced(outside: &[Attempt], inside: &[Attempt]) -> Enforced {
    // What was not seen to be refused is not said to be.
    let is_held = |attempt: Attempt| outside.contains(&attempt) && !inside.contains(&attempt);
    let words = |held: bool| {
        let limits = LIMITS.into_iter().filter(move |(attempt, _)| is_held(*attempt) == held);
        limits.map(|(_, words)| words.to_owned())
    };
    Enforced {
        backend: "landlock".to_owned(),
        fs_write: is_held(Attempt::WriteOutside),
        fs_read: is_held(Attempt::ReadOutside),
        net: false,
        held: words(true).collect(),
        missing: words(false).chain(ALWAYS_MISSING.map(str::to_owned)).collect(),
        login: None,
    }
}

/// What is tried, in words that fit what is limited and what is not.
const LIMITS: [(Attempt, &str); 7] = [
    (Attempt::WriteOutside, "writes outside the workspace"),
    (Attempt::ReadOutside, "reads outside the workspace and the system"),
    (Attempt::ReadProcess, "the environment and memory of other processes"),
    (Attempt::SignalProcess, "signals to other processes"),
    (Attempt::OpenTerminal, "the terminals of the user"),
    (Attempt::ChangeModeOutside, "modes and times of files outside"),
    (Attempt::ConnectSocket, "programs that listen on a socket with a path"),
];

/// What landlock alone does not do.
const ALWAYS_MISSING: [&str; 4] =
    ["the network", "the sight of other processes", "memory", "the number of processes"];

pub(crate) fn nothing() -> Enforced {
    let missing = LIMITS.iter().map(|(_, words)| *words).chain(ALWAYS_MISSING);
    Enforced {
        backend: "none".to_owned(),
        fs_write: false,
        fs_read: false,
        net: false,
        held: Vec::new(),
        missing: missing.map(str::to_owned).collect(),
        login: None,
    }
}
