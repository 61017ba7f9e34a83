//! The runtime `command:COMMAND`: any program behind a shell. Also runs checks.

use std::ffi::OsString;
use std::path::PathBuf;

use futures::future::BoxFuture;
use ipa_events::Runtime;

use crate::error::{AttachError, ProbeError, StartError};
use crate::folder::Stdin;
use crate::host::{Aim, Frame};
use crate::hosting::Hosting;
use crate::protocol::PROMPT;
use crate::protocol::command::CommandProtocol;
use crate::runner::{Launch, Runner};
use crate::runtime::{AgentRuntime, Attach, Capabilities, Probe};
use crate::session::{AgentSession, RunDir, Tail};
use crate::spec::RunSpec;

/// The shell that a command runs in.
const SHELL: &str = "/bin/sh";

/// Runs `command:COMMAND` through a shell, with the prompt on its standard input.
#[derive(Debug, Clone)]
pub struct CommandRuntime {
    runner: Runner,
}

impl CommandRuntime {
    /// Runs commands under hosts that are started as `hosting` says.
    pub fn new(hosting: impl Into<Hosting>) -> Self {
        Self { runner: Runner::new(hosting, || Box::new(CommandProtocol::default())) }
    }
}

impl AgentRuntime for CommandRuntime {
    fn kind(&self) -> &'static str {
        "command"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { multi_turn: false, permissions: true, questions: true, resume: false }
    }

    fn reads(&self, runtime: &Runtime) -> Vec<PathBuf> {
        let program = runtime.argument().and_then(|command| command.split_whitespace().next());
        program.map(PathBuf::from).filter(|program| program.is_absolute()).into_iter().collect()
    }

    fn probe<'a>(&'a self, runtime: &'a Runtime) -> BoxFuture<'a, Result<Probe, ProbeError>> {
        Box::pin(async move {
            command(runtime).map_err(|wrong| ProbeError::Unusable(wrong.to_string()))?;
            Ok(Probe::default())
        })
    }

    fn start(&self, spec: RunSpec) -> BoxFuture<'_, Result<AgentSession, StartError>> {
        Box::pin(async move {
            let command = command(&spec.runtime)?;
            let stays_open = spec.env.get(std::ffi::OsStr::new("IPA_STDIN")).is_some_and(|it| it == "open");
            let stdin = if stays_open { Stdin::StaysOpen } else { Stdin::Ends };
            let data = match stdin {
                Stdin::Ends => spec.prompt.to_string(),
                Stdin::StaysOpen => format!("{}\n", serde_json::json!({"prompt": &*spec.prompt})),
            };
            let launch = Launch {
                argv: vec![SHELL.into(), "-c".into(), command],
                frames: vec![Frame { key: PROMPT.to_owned(), data }],
                stop_frame: None,
                stdin,
                aim: Aim::Group,
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

const NO_COMMAND: &str = "the runtime `command` needs a command, such as `command:./agent.sh`";

fn command(runtime: &Runtime) -> Result<OsString, StartError> {
    runtime.argument().map(OsString::from).ok_or_else(|| StartError::Misconfigured(NO_COMMAND.to_owned()))
}
