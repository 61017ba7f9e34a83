//! Runs one task in a program that is not `ipa`: `embed REPOSITORY REQUEST`, with the scripted agent. Everything that
//! the engine needs is handed in. It prints the branch and the commit that were delivered.

#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "this is a whole program")]

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use ipa_agent::ScriptedRuntime;
use ipa_events::store::{SqliteOptions, SqliteStore};
use ipa_events::task::Gates;
use ipa_events::{Helper, Phase, Principal, Via};
use ipa_pod::{Drain, Engine, EngineConfig, Scope, TaskDraft};
use ipa_workspace::{Config, Dirs, GitWorkspaces, SandboxBackend};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    if let Some(code) = ipa_pod::helper::dispatch() {
        return Ok(code);
    }
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [repository, request] = &args[..] else { return Err("usage: embed REPOSITORY REQUEST".into()) };
    let data = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(data.path(), repository, request))?;
    Ok(ExitCode::SUCCESS)
}

async fn run(data: &Path, repository: &str, request: &str) -> Result<(), Box<dyn Error>> {
    let helper = Helper { program: std::env::current_exe()?, args: Vec::new() };
    let env = std::env::vars_os().filter(|(name, _)| name == "PATH").collect();
    let dirs =
        Dirs { mirrors: data.join("mirrors"), shadow: data.join("shadow"), root: data.join("workspaces") };
    let mut config = Config::new(dirs, helper.clone(), env);
    config.sandbox = SandboxBackend::None; // the scripted agent is ours; any other wants the default
    let workspaces = Arc::new(GitWorkspaces::open(config)?);
    let store = SqliteStore::open(&data.join("ipa.db"), SqliteOptions::default()).await?;
    let engine = Engine::builder(store, EngineConfig::new(data.join("runs")), workspaces)
        .runtime(Arc::new(ScriptedRuntime::new(helper)))
        .build();
    engine.start(Scope::All).await?;

    let mut draft =
        TaskDraft::new(request, Path::new(repository).canonicalize()?.display().to_string().parse()?);
    draft.agent = Some("scripted".parse()?);
    draft.gates = Some(Gates::auto());
    let ctx = engine.ctx(Principal::User("embedder".to_owned()), Via::Library);
    let task = engine.create(ctx, draft).await?.id;
    let mut head = engine.head();
    while engine.task(task).await?.state.phase != Phase::Completed {
        head.changed().await?;
    }
    let state = engine.task(task).await?.state;
    engine.stop(Drain::Stop).await;
    println!("{} {}", state.branch().ok_or("no branch")?, state.head.as_ref().ok_or("no commit")?);
    Ok(())
}
