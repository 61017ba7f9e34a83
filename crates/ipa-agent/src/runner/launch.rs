//! Launches a run: claim, host, agent. The order of these steps is what makes a crash between any two of them
//! recoverable (`specs/agent/spec.md`, spawn protocol).

#![expect(clippy::disallowed_methods, reason = "this is where hosts are started")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use ipa_events::{Role, RunId};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Runner, blocking};
use crate::error::StartError;
use crate::folder::{self, Began, Stdin};
use crate::helper;
use crate::host::{Aim, Frame, HostOrder, Limits, Started};
use crate::program::find;
use crate::redact::Secrets;
use crate::spec::RunSpec;

/// How long a host may take to say that its agent was started.
const HOST: Duration = Duration::from_secs(30);

/// What a kind of agent adds to a run's spec.
pub(crate) struct Launch {
    /// The agent, program first.
    pub(crate) argv: Vec<OsString>,
    /// What it is told first.
    pub(crate) frames: Vec<Frame>,
    /// What asks it to stop.
    pub(crate) stop_frame: Option<Frame>,
    /// Whether it is told more.
    pub(crate) stdin: Stdin,
    /// Whom an interrupt is sent to.
    pub(crate) aim: Aim,
}

/// What is known of a run that was claimed.
pub(super) enum Launched {
    /// Its agent was started.
    Yes,
    /// It was not: its host said so, and why.
    No(String),
    /// Its host was not heard of; that is not the same as no host.
    Unheard(String),
}

/// Claims a run and starts a host with its agent. Nothing is left behind when a program of it is not there.
pub(super) async fn launch(
    runner: &Runner,
    spec: RunSpec,
    launch: Launch,
    secrets: &Secrets,
) -> Result<Launched, StartError> {
    let run = spec.run;
    let confined = spec.prefix.len();
    let host = |detail: String| StartError::Host { run, detail };
    let order = order(runner, &spec, launch, secrets);
    let dir = order.dir.clone();
    let checked = blocking(move || {
        if !order.cwd.is_dir() {
            return Ok(Err(format!("{} is not a folder to work in", order.cwd.display())));
        }
        // What confines the agent, if anything does, and the agent's own program.
        let programs = [order.argv.first(), order.argv.get(confined)].into_iter().flatten();
        let path = order.env.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str());
        let missing = programs.into_iter().find(|it| find(it, path, &order.cwd).is_none());
        if let Some(program) = missing {
            return Ok(Err(format!("the program {} was not found", program.display())));
        }
        Ok(Ok(order))
    });
    let order = checked.await.map_err(|error| host(error.to_string()))?.map_err(StartError::Misconfigured)?;
    let claimed = dir.clone();
    let claim = blocking(move || {
        folder::make(&claimed)?;
        folder::claim(&claimed, run)
    });
    claim.await.map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            StartError::Claimed(run)
        } else {
            host(format!("claiming it: {error}"))
        }
    })?;
    Ok(match spawn(runner, order, run).await {
        Ok(Started::Yes) => Launched::Yes,
        Ok(Started::No { detail }) => Launched::No(detail),
        Err(error) => Launched::Unheard(error.to_string()),
    })
}

fn order(runner: &Runner, spec: &RunSpec, launch: Launch, secrets: &Secrets) -> HostOrder {
    let began = Began {
        run: spec.run,
        role: spec.role,
        session: spec.session.clone(),
        policy: spec.policy.clone(),
        limits: spec.limits,
        stdin: launch.stdin,
    };
    HostOrder {
        dir: spec.dir.path().to_owned(),
        lease: spec.lease.clone(),
        cwd: spec.cwd.clone(),
        output: resolved(&spec.output),
        exec: runner.hosting.helper.argv(helper::EXEC),
        argv: spec.prefix.iter().cloned().chain(launch.argv).collect(),
        env: environment(spec),
        secrets: secrets.values().clone(),
        began: Box::new(began),
        frames: launch.frames,
        stop_frame: launch.stop_frame,
        aim: launch.aim,
        grace: runner.hosting.grace,
        limits: Limits {
            total: spec.limits.total,
            alone: runner.hosting.alone,
            output_bytes: spec.limits.output_bytes,
        },
    }
}

/// Returns all that the agent finds in its environment.
fn environment(spec: &RunSpec) -> Vec<(OsString, OsString)> {
    let mut env: BTreeMap<OsString, OsString> = spec.env.clone();
    env.insert("IPA_RUN_ID".into(), spec.run.to_string().into());
    env.insert("IPA_TASK".into(), spec.run.task.to_string().into());
    env.insert("IPA_ROLE".into(), spec.role.as_str().into());
    if spec.role != Role::Check {
        env.insert("IPA_OUTPUT".into(), resolved(&spec.output).into());
    }
    env.into_iter().collect()
}

/// Resolves the links on the way to a file that need not exist: none may be followed when it is read.
fn resolved(output: &Path) -> PathBuf {
    let parent = output.parent().and_then(|parent| parent.canonicalize().ok());
    match (parent, output.file_name()) {
        (Some(parent), Some(name)) => parent.join(name),
        (Some(_) | None, _) => output.to_owned(),
    }
}

/// Starts the host through an intermediate that ends at once, so that the host is nobody's child, and hands it
/// its order through a pipe.
async fn spawn(runner: &Runner, order: HostOrder, run: RunId) -> io::Result<Started> {
    let log = order.dir.join(folder::LOG);
    let log = OpenOptions::new().create(true).append(true).mode(0o600).open(log)?;
    let mut argv = runner.hosting.helper.argv(helper::DETACH);
    argv.extend(runner.hosting.helper.argv(helper::HOST));
    argv.push(run.to_string().into());
    let (program, args) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut child = tokio::process::Command::new(program)
        .args(args)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let order = serde_json::to_vec(&order)?;
    let talk = async {
        let mut answer = Vec::new();
        if let (Some(mut stdin), Some(mut stdout)) = (stdin, stdout) {
            stdin.write_all(&order).await?;
            drop(stdin);
            stdout.read_to_end(&mut answer).await?;
        }
        child.wait().await?;
        Ok::<_, io::Error>(answer)
    };
    let answer = tokio::time::timeout(HOST, talk).await.map_err(io::Error::other)??;
    if answer.is_empty() {
        return Err(io::Error::other("its host ended at once; see host.log in its folder"));
    }
    Ok(serde_json::from_slice(&answer)?)
}
