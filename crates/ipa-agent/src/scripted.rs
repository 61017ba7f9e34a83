//! The runtime `scripted[:FILE]`: an agent that plays a script. It speaks stream-json behind the real host, so
//! a demo and a test go the same way as a real agent.

mod agent;
mod builtin;
mod input;
mod play;
mod say;
mod script;

pub(crate) use agent::run;

use std::ffi::OsString;
use std::path::Path;

use futures::future::BoxFuture;
use ipa_events::{Role, Runtime};

use crate::error::{AttachError, ProbeError, StartError};
use crate::folder::Stdin;
use crate::helper;
use crate::host::{Aim, Frame};
use crate::hosting::Hosting;
use crate::protocol::stream_json::{StreamJson, first, interrupt};
use crate::runner::{Launch, Runner};
use crate::runtime::{AgentRuntime, Attach, Capabilities, Probe};
use crate::session::{AgentSession, RunDir, Tail};
use crate::spec::RunSpec;
use script::{Part, Script};

/// Plays `scripted[:FILE]`; without a file, a script that works through any task.
#[derive(Debug, Clone)]
pub struct ScriptedRuntime {
    runner: Runner,
}

impl ScriptedRuntime {
    /// Runs scripts under hosts that are started as `hosting` says; its helper plays them too.
    pub fn new(hosting: impl Into<Hosting>) -> Self {
        Self { runner: Runner::new(hosting, || Box::new(StreamJson::default())) }
    }
}

impl AgentRuntime for ScriptedRuntime {
    fn kind(&self) -> &'static str {
        "scripted"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { multi_turn: true, permissions: true, questions: true, resume: false }
    }

    fn probe<'a>(&'a self, runtime: &'a Runtime) -> BoxFuture<'a, Result<Probe, ProbeError>> {
        Box::pin(async move {
            part(runtime, Role::Spec).await.map_err(ProbeError::Unusable)?;
            Ok(Probe::default())
        })
    }

    fn start(&self, spec: RunSpec) -> BoxFuture<'_, Result<AgentSession, StartError>> {
        Box::pin(async move {
            let part = part(&spec.runtime, spec.role).await.map_err(StartError::Misconfigured)?;
            let launch = self.launch(&spec, part.as_ref());
            self.runner.start(spec, launch).await
        })
    }

    fn attach(&self, dir: RunDir) -> BoxFuture<'_, Result<Attach, AttachError>> {
        self.runner.attach(dir)
    }

    fn tail(&self, dir: RunDir) -> Tail {
        self.runner.tail(dir)
    }
}

impl ScriptedRuntime {
    fn launch(&self, spec: &RunSpec, part: Option<&Part>) -> Launch {
        let mut argv = self.runner.hosting.helper.argv(helper::SCRIPTED);
        let source = if part.is_some() { "told" } else { "builtin" };
        argv.extend([spec.role.as_str().into(), spec.conversation().into(), OsString::from(source)]);
        // The script is told, not read by the agent: in a sandbox it could not.
        let script = part.and_then(|part| serde_json::to_string(part).ok());
        let mut frames: Vec<_> = script
            .map(|it| Frame { key: "script".to_owned(), data: format!("{it}\n") })
            .into_iter()
            .collect();
        frames.extend(first(&spec.prompt, &spec.limits));
        Launch { argv, frames, stop_frame: Some(interrupt()), stdin: Stdin::StaysOpen, aim: Aim::Agent }
    }
}

/// Returns what a role plays; none for the script that is built in.
async fn part(runtime: &Runtime, role: Role) -> Result<Option<Part>, String> {
    let Some(path) = runtime.argument() else { return Ok(None) };
    let text = tokio::fs::read(Path::new(path)).await;
    let text = text.map_err(|error| format!("the script {path} cannot be read: {error}"))?;
    let script: Script =
        serde_json::from_slice(&text).map_err(|error| format!("the script {path} is none: {error}"))?;
    let part = script.roles.get(role.as_str()).cloned();
    part.map(Some).ok_or_else(|| format!("the script {path} has no part for the role {role}"))
}
