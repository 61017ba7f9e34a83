//! The runtime `claude`: Claude Code, over stream-json on its standard input and output.

mod login;

use std::ffi::OsString;
use std::path::PathBuf;

use futures::future::BoxFuture;
use ipa_events::Runtime;

use crate::error::{AttachError, ProbeError, StartError};
use crate::folder::Stdin;
use crate::host::Aim;
use crate::hosting::Hosting;
use crate::program::Program;
use crate::protocol::stream_json::{StreamJson, first, interrupt};
use crate::runner::{Launch, Runner};
use crate::runtime::{AgentRuntime, Attach, Bench, Capabilities, Login, Probe};
use crate::session::{AgentSession, RunDir, Tail};
use crate::spec::{RunSpec, Session};

/// What is always said. Prompts come by standard input, permissions are asked of us, and of a repository's own
/// settings none counts.
const ALWAYS: [&str; 13] = [
    "--print",
    "--input-format=stream-json",
    "--output-format=stream-json",
    "--verbose",
    "--include-partial-messages",
    "--replay-user-messages",
    "--permission-prompt-tool",
    "stdio",
    "--permission-mode",
    "default",
    "--strict-mcp-config",
    "--setting-sources",
    "user",
];

/// Runs Claude Code.
#[derive(Debug, Clone)]
pub struct ClaudeRuntime {
    runner: Runner,
    program: Program,
    login: Option<PathBuf>,
}

impl ClaudeRuntime {
    /// Runs `program` under hosts that are started as `hosting` says.
    pub fn new(hosting: impl Into<Hosting>, program: Program) -> Self {
        Self { runner: Runner::new(hosting, || Box::new(StreamJson::default())), program, login: None }
    }

    /// Shares the user's own login with its runs: the file `.credentials.json` in which Claude Code keeps it, while
    /// it is there and no key is configured.
    #[must_use]
    pub fn with_login(self, file: PathBuf) -> Self {
        Self { login: Some(file), ..self }
    }
}

impl AgentRuntime for ClaudeRuntime {
    fn kind(&self) -> &'static str {
        "claude"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { multi_turn: true, permissions: true, questions: true, resume: true }
    }

    fn reads(&self, _runtime: &Runtime) -> Vec<PathBuf> {
        self.program.reads()
    }

    fn login(&self, _runtime: &Runtime) -> Option<Login> {
        Some(login::login(&self.program.env, self.login.as_deref()))
    }

    fn probe<'a>(&'a self, runtime: &'a Runtime) -> BoxFuture<'a, Result<Probe, ProbeError>> {
        Box::pin(async move {
            takes_no_argument(runtime).map_err(ProbeError::Unusable)?;
            Ok(Probe { version: Some(self.program.version(self.kind(), None).await?), login: None })
        })
    }

    fn check<'a>(&'a self, runtime: &'a Runtime, bench: Bench) -> BoxFuture<'a, Result<Probe, ProbeError>> {
        Box::pin(async move {
            takes_no_argument(runtime).map_err(ProbeError::Unusable)?;
            let version = self.program.version(self.kind(), Some(&bench)).await?;
            let configured = login::login(&self.program.env, self.login.as_deref());
            let mut program = self.program.clone();
            login::show(&configured, &mut program.env);
            let said = program.said(self.kind(), &["auth", "status"], Some(&bench)).await?;
            let login = login::confirmed(configured, said.status);
            Ok(Probe { version: Some(version), login: Some(login) })
        })
    }

    fn start(&self, mut spec: RunSpec) -> BoxFuture<'_, Result<AgentSession, StartError>> {
        Box::pin(async move {
            takes_no_argument(&spec.runtime).map_err(StartError::Misconfigured)?;
            spec.env.extend(self.program.env.clone());
            login::show(&login::login(&self.program.env, self.login.as_deref()), &mut spec.env);
            // What replaces itself under a run is not what was tested.
            spec.env.insert("DISABLE_AUTOUPDATER".into(), "1".into());
            let launch = Launch {
                argv: argv(&self.program, &spec),
                frames: first(&spec.prompt, &spec.limits),
                stop_frame: Some(interrupt()),
                stdin: Stdin::StaysOpen,
                aim: Aim::Agent,
            };
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

fn takes_no_argument(runtime: &Runtime) -> Result<(), String> {
    match runtime.argument() {
        None => Ok(()),
        Some(_) => Err("the runtime `claude` takes no argument; set `[agents.claude] command`".to_owned()),
    }
}

/// Returns the whole argument vector. Values are joined to their flags: none can be taken for a flag.
fn argv(program: &Program, spec: &RunSpec) -> Vec<OsString> {
    let mut argv = program.argv.clone();
    argv.extend(ALWAYS.map(OsString::from));
    let flag = match spec.session {
        Session::Fresh | Session::New(_) => "session-id",
        Session::Resume(_) => "resume",
    };
    argv.push(format!("--{flag}={}", spec.conversation()).into());
    if let Some(model) = &spec.model {
        argv.push(format!("--model={model}").into());
    }
    if let Some(turns) = spec.limits.max_turns {
        argv.push(format!("--max-turns={turns}").into());
    }
    if let Some(budget) = spec.limits.budget {
        argv.push(format!("--max-budget-usd={budget}").into());
    }
    let allowed = &spec.policy.allow.0;
    if !allowed.is_empty() {
        argv.push(format!("--allowedTools={}", allowed.join(",")).into());
    }
    argv
}
