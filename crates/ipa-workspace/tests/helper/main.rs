//! The program that becomes this crate's helper processes in its own tests, and that is killed in some of them.

#![allow(clippy::disallowed_methods, reason = "a test program: it reads its own environment")]

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use ipa_events::{AgentId, Handle, Helper, TaskId, WorkspaceId};
use ipa_workspace::{
    Config, Dirs, EnvMap, GitWorkspaces, SandboxBackend, Start, WorkspaceSpec, Workspaces as _,
};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let marker = args.next();
    let name = args.next().and_then(|name| name.into_string().ok());
    match (marker, name) {
        (Some(marker), Some(name)) if marker == Helper::MARKER => {
            ipa_workspace::helper::dispatch(&name, args.collect()).unwrap_or(ExitCode::from(2))
        }
        (Some(marker), Some(source)) if marker == "provision" => args
            .next()
            .and_then(|data| provision(&source, data))
            .map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS),
        (Some(marker), Some(data)) if marker == "recover" => {
            recover(data.into()).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
        }
        _ => ExitCode::from(2),
    }
}

/// Empties the trash.
fn recover(data: OsString) -> Option<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().ok()?;
    runtime.block_on(open(data)?.recover(Vec::new())).ok().map(drop)
}

/// Opens what lies in `data`, without a sandbox and keeping no trash.
fn open(data: OsString) -> Option<GitWorkspaces> {
    let data = PathBuf::from(data);
    let dirs =
        Dirs { mirrors: data.join("mirrors"), shadow: data.join("shadow"), root: data.join("workspaces") };
    let helper = Helper { program: std::env::current_exe().ok()?, args: Vec::new() };
    let env: EnvMap = [("PATH".into(), std::env::var_os("PATH")?)].into();
    let mut config = Config::new(dirs, helper, env);
    config.sandbox = SandboxBackend::None;
    config.reserve_bytes = 0;
    config.trash_age = Duration::ZERO;
    GitWorkspaces::open(config).ok()
}

/// Makes one checkout of `source`, to be killed on the way.
fn provision(source: &str, data: OsString) -> Option<()> {
    let workspaces = open(data)?;
    let spec = WorkspaceSpec {
        id: WorkspaceId { task: TaskId::from_key("1"), agent: AgentId::main() },
        handle: Handle::new(12),
        title: "Fix the retry".into(),
        repo: source.parse().ok()?,
        start: Start::Base(None),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().ok()?;
    runtime.block_on(workspaces.provision(spec)).ok().map(drop)
}
