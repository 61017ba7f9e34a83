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
use std::time::Duration;

use futures::future::BoxFuture;
use ipa_events::{Helper, Role, Runtime, SessionId};
use uuid::Uuid;

use crate::error::{AttachError, ProbeError, StartError};
use crate::folder::Stdin;
use crate::helper;
use crate::host::{Aim, Frame};
use crate::protocol::PROMPT;
use crate::protocol::stream_json::{StreamJson, interrupt, user_message};
use crate::runner::{Launch, Runner};
use crate::runtime::{AgentRuntime, Attach, Capabilities, Probe};
use crate::session::{AgentSession, RunDir, Tail};
use crate::spec::{Grace, RunSpec, Session};
use script::{Part, Script};

/// Plays `scripted[:FILE]`; without a file, a script that works through any task.
#[derive(Debug, Clone)]
pub struct ScriptedRuntime {
    runner: Runner,
}

impl ScriptedRuntime {
    /// Runs scripts under hosts that are started through `helper`, which plays them too.
    pub fn new(helper: Helper) -> Self {
        Self { runner: Runner::new(helper, || Box::new(StreamJson::default())) }
    }

    /// Changes how long each step of ending a run may take.
    #[must_use]
    pub const fn with_grace(mut self, grace: Grace) -> Self {
        self.runner.grace = grace;
        self
    }

    /// Changes how long a run goes on with nobody connected; 6 h.
    #[must_use]
    pub const fn with_alone(mut self, alone: Duration) -> Self {
        self.runner.alone = alone;
        self
    }
}

impl AgentRuntime for ScriptedRuntime {
    fn kind(&self) -> &'static str {
        "scripted"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { multi_turn: true, permissions: true, questions: true, resume: true }
    }

    fn probe<'a>(&'a self, runtime: &'a Runtime) -> BoxFuture<'a, Result<Probe, ProbeError>> {
        Box::pin(async move {
            part(runtime, Role::Spec).await.map_err(ProbeError::Unusable)?;
            Ok(Probe { version: None })
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
        let mut argv = self.runner.helper.argv(helper::SCRIPTED);
        let source = if part.is_some() { "told" } else { "builtin" };
        argv.extend([spec.role.as_str().into(), session(spec).into(), OsString::from(source)]);
        // The script is told, not read by the agent: in a sandbox it could not.
        let script = part.and_then(|part| serde_json::to_string(part).ok());
        let mut frames: Vec<_> = script
            .map(|it| Frame { key: "script".to_owned(), data: format!("{it}\n") })
            .into_iter()
            .collect();
        frames.push(Frame { key: PROMPT.to_owned(), data: user_message(&spec.prompt) });
        Launch { argv, frames, stop_frame: Some(interrupt()), stdin: Stdin::StaysOpen, aim: Aim::Agent }
    }
}

/// Returns the conversation's id; one that always follows from the run if none was chosen.
fn session(spec: &RunSpec) -> String {
    match &spec.session {
        Session::New(id) | Session::Resume(id) => SessionId::as_str(id).to_owned(),
        Session::Fresh => Uuid::new_v5(&Uuid::NAMESPACE_OID, spec.run.to_string().as_bytes()).to_string(),
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
