//! The one place with concrete types: which store, which workspaces, which agents an engine is made of.

mod empty;
mod no_workspaces;
mod outlets;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use ipa_agent::{ClaudeRuntime, CommandRuntime, Hosting, Program, RunLimits, ScriptedRuntime, Secrets};
use ipa_events::Role;
use ipa_events::store::{Durability, OpenStoreError, SqliteOptions, SqliteStore, Store};
use ipa_events::task::{Gates, TaskLimits};
use ipa_pod::{
    Engine, EngineBuilder, EngineConfig, Outlet, PodConfig, RoleConfig, Roles, SlotLimits, Strategy,
    TaskDefaults,
};
use ipa_server::{ServerConfig, Sessions, Token};
use ipa_workspace::{Config as WorkspaceConfig, Dirs, GitWorkspaces, SandboxBackend, Workspaces};
use no_workspaces::NoWorkspaces;
use outlets::Outlets;

use crate::commands::nearest_repository;
use crate::config::{
    AgentValues, BackendName, DurabilityName, LoginName, OneRole, RoleValues, Settings, StrategyName,
};
use crate::failure::Failure;
use crate::holder::{self, HolderError};

/// Makes an engine that reads, and changes nothing: not even a folder.
///
/// # Errors
///
/// [`Failure`] when the store cannot be read.
pub(crate) async fn reader(settings: &Settings) -> Result<Engine, Failure> {
    let store = store_to_read(settings).await?;
    if workspace_dirs(settings).root.is_dir() {
        return engine(settings, store);
    }
    let workspaces = Arc::new(NoWorkspaces(workspace_config(settings)));
    Ok(engine_on(settings, store, workspaces, outlets::outlets(settings)?.outlets))
}

/// Makes an engine that records commands, and runs nothing.
///
/// # Errors
///
/// [`Failure`] when the store cannot be opened.
pub(crate) async fn recorder(settings: &Settings) -> Result<Engine, Failure> {
    let store = store_to_write(settings).await?;
    engine(settings, store)
}

/// Opens the store for reading; one that is not there yet is empty.
///
/// # Errors
///
/// [`Failure::Store`] when it cannot be read.
pub(crate) async fn store_to_read(settings: &Settings) -> Result<Store, Failure> {
    match SqliteStore::open_read_only(&settings.database).await {
        Ok(store) => Ok(store),
        Err(OpenStoreError::Missing(_)) => Ok(empty::store()),
        Err(error) => Err(error.into()),
    }
}

/// Opens the store for writing. The caller holds the data directory.
///
/// # Errors
///
/// [`Failure::Store`] when it cannot be opened.
pub(crate) async fn store_to_write(settings: &Settings) -> Result<Store, Failure> {
    let durability = match settings.values.store.durability {
        DurabilityName::Full => Durability::Full,
        DurabilityName::Normal => Durability::Normal,
    };
    let store = SqliteStore::open(&settings.database, SqliteOptions { durability }).await?;
    for tail in ["", "-wal", "-shm"] {
        let mut name = settings.database.clone().into_os_string();
        name.push(tail);
        holder::keep_private(Path::new(&name), 0o600)?;
    }
    Ok(store)
}

/// Puts an engine together; it runs nothing before it is started.
///
/// # Errors
///
/// [`Failure`] when the folders of the workspaces cannot be used.
pub(crate) fn engine(settings: &Settings, store: Store) -> Result<Engine, Failure> {
    let Outlets { outlets, credentials } = outlets::outlets(settings)?;
    let config = WorkspaceConfig { credentials, ..workspace_config(settings) };
    let workspaces = GitWorkspaces::open(config).map_err(ipa_pod::EngineError::Workspace)?;
    Ok(engine_on(settings, store, Arc::new(workspaces), outlets))
}

fn engine_on(
    settings: &Settings,
    store: Store,
    workspaces: Arc<dyn Workspaces>,
    outlets: Vec<Outlet>,
) -> Engine {
    let hosting = Hosting::new(settings.helper.clone()).with_secrets(secrets(settings));
    let builder = Engine::builder(store, engine_config(settings), workspaces);
    let builder = outlets.into_iter().fold(builder, EngineBuilder::outlet);
    builder
        .runtime(Arc::new(claude(settings, hosting.clone())))
        .runtime(Arc::new(CommandRuntime::new(hosting.clone())))
        .runtime(Arc::new(ScriptedRuntime::new(hosting)))
        .build()
}

fn claude(settings: &Settings, hosting: Hosting) -> ClaudeRuntime {
    let values = &settings.values.agents.claude;
    let runtime = ClaudeRuntime::new(hosting, program(settings, "claude", values));
    match (values.login, &settings.claude_login) {
        (LoginName::Share, Some(file)) => runtime.with_login(file.clone()),
        (LoginName::Share, None) | (LoginName::None, _) => runtime,
    }
}

/// Says how the program of an agent is started, by its own name if nothing else is configured.
fn program(settings: &Settings, name: &str, values: &AgentValues) -> Program {
    let command = values.command.as_ref().map_or_else(|| name.into(), |command| command.clone().into());
    let mut env = settings.agent_env.clone();
    env.extend(values.env.iter().map(|(name, value)| (name.into(), value.0.clone().into())));
    Program { argv: vec![command], env }
}

/// Knows the secrets of the agents' environments: none of them is stored, shown or logged.
pub(crate) fn secrets(settings: &Settings) -> Secrets {
    Secrets::of(program(settings, "claude", &settings.values.agents.claude).env)
}

fn role(values: &OneRole) -> RoleConfig {
    RoleConfig { model: values.model.as_deref().map(Into::into), tools: values.tools.clone() }
}

fn roles(values: &RoleValues) -> Roles {
    let RoleValues { spec, plan, develop, review } = values;
    Roles { spec: role(spec), plan: role(plan), develop: role(develop), review: role(review) }
}

fn engine_config(settings: &Settings) -> EngineConfig {
    let values = &settings.values;
    let limits = &values.limits;
    let mut config = EngineConfig::new(settings.data.join("runs"));
    config.defaults = TaskDefaults {
        agent: values.roles.develop.agent.clone(),
        roles: values
            .roles
            .agents()
            .filter(|(role, _)| *role != Role::Develop)
            .map(|(role, agent)| (role, agent.clone()))
            .collect(),
        gates: Gates::from(values.gates),
        checks: values.checks.commands.iter().map(|check| check.as_str().into()).collect(),
        limits: TaskLimits {
            attempts: limits.attempts,
            run_budget: values.budget.run.map(|sum| sum.0),
            task_budget: values.budget.task.map(|sum| sum.0),
            ..TaskLimits::default()
        },
    };
    config.day_budget = values.budget.day.map(|sum| sum.0);
    config.run_limits = RunLimits {
        silence: limits.silence.0,
        turn: limits.turn.0,
        total: limits.total.0,
        max_turns: limits.max_turns,
        ..RunLimits::default()
    };
    config.slots = SlotLimits {
        runs: limits.runs,
        per_repo: limits.per_repo,
        per_runtime: limits.per_runtime,
        in_review: limits.in_review,
    };
    config.cooldown = limits.cooldown.0;
    config.pod = PodConfig {
        strategy: match values.pod.strategy {
            StrategyName::OneForOne => Strategy::OneForOne,
            StrategyName::RestForOne => Strategy::RestForOne,
            StrategyName::OneForAll => Strategy::OneForAll,
        },
        restarts: values.pod.intensity.restarts,
        within: values.pod.intensity.within.0,
        ..PodConfig::default()
    };
    config.agent_env.clone_from(&settings.agent_env);
    config.roles = roles(&values.roles);
    config.secrets = secrets(settings);
    config
}

fn workspace_dirs(settings: &Settings) -> Dirs {
    let data = &settings.data;
    Dirs { mirrors: data.join("mirrors"), shadow: data.join("shadow"), root: data.join("workspaces") }
}

/// Says where checkouts lie and what confines agents.
pub(crate) fn workspace_config(settings: &Settings) -> WorkspaceConfig {
    let mut config =
        WorkspaceConfig::new(workspace_dirs(settings), settings.helper.clone(), settings.agent_env.clone());
    // The scripted agent is this very program.
    config.read_also = vec![settings.helper.program.clone()];
    config.read_also.extend(settings.values.sandbox.read.iter().cloned());
    config.user_env.clone_from(&settings.git_env);
    config.sandbox = match settings.values.sandbox.backend {
        BackendName::Auto => SandboxBackend::Auto,
        BackendName::Landlock => SandboxBackend::Landlock,
        BackendName::None => SandboxBackend::None,
    };
    config
}

/// Makes the configuration of the API in this process; its token is nobody else's.
///
/// # Errors
///
/// [`Failure::Holder`] when the system has no randomness to give.
pub(crate) fn local_config(settings: &Settings) -> Result<ServerConfig, Failure> {
    let token =
        Token::generate().map_err(|source| HolderError::Token { path: settings.data.clone(), source })?;
    let mut config = ServerConfig::new(token);
    config.user = settings.user.clone();
    config.default_repo = default_repo(settings);
    Ok(config)
}

/// Makes the configuration of a server that others reach.
///
/// # Errors
///
/// [`Failure`] when the logins of browsers cannot be kept.
pub(crate) fn server_config(
    settings: &Settings,
    token: Token,
    bind: SocketAddr,
) -> Result<ServerConfig, Failure> {
    let mut config = ServerConfig::new(token);
    config.bind = bind;
    config.user = settings.user.clone();
    config.default_repo = default_repo(settings);
    let sessions = Sessions::in_file(holder::sessions_file(&settings.data));
    config.sessions = sessions.map_err(|error| Failure::Io {
        doing: format!("keeping the logins of browsers in {}", error.path.display()),
        source: error.source,
    })?;
    Ok(config)
}

/// The repository around the current folder: what a page means that names none.
fn default_repo(settings: &Settings) -> Option<ipa_events::RepoSource> {
    nearest_repository(&settings.cwd)?.to_str()?.parse().ok()
}
