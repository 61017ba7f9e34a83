//! Where everything that is configured comes from: defaults, files, environment, flags, one over the other.
//!
//! The only place that reads the environment. It knows figment and the file system; it starts nothing.

#![expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]

mod connectors;
mod error;
mod layers;
mod place;
mod secret;
mod values;

pub(crate) use connectors::{
    ConnectorValues, FlavourName, GitHubAs, GitHubValues, JiraValues, LeadsTo, LocalValues, MembersValues,
    ModeName,
};
pub(crate) use error::ConfigError;
pub(crate) use layers::Row;
pub(crate) use secret::SecretFrom;
pub(crate) use values::{
    AgentValues, BackendName, DurabilityName, LoginName, OneRole, RoleValues, StrategyName, Values,
};

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use figment::Figment;
use ipa_events::{Helper, Principal};

use crate::cli::GlobalOpts;

/// All that is configured, once, for one command.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Where everything lies.
    pub(crate) data: PathBuf,
    /// The file of the store.
    pub(crate) database: PathBuf,
    /// The server to talk to, if it is not the holder of the data directory, and its token.
    pub(crate) remote: Option<Remote>,
    /// What the layers say.
    pub(crate) values: Values,
    /// What agents find in their environment.
    pub(crate) agent_env: BTreeMap<OsString, OsString>,
    /// Where Claude Code keeps the user's own login, if it has one.
    pub(crate) claude_login: Option<PathBuf>,
    /// What git finds in its environment where it talks to other machines.
    pub(crate) git_env: BTreeMap<OsString, OsString>,
    /// The current folder.
    pub(crate) cwd: PathBuf,
    /// Who gives the commands.
    pub(crate) user: Principal,
    /// How this program starts itself again as a helper.
    pub(crate) helper: Helper,
    /// What was ignored, and why.
    pub(crate) warnings: Vec<String>,
    layers: Figment,
}

/// A server that is reached by its address alone.
#[derive(Clone)]
pub(crate) struct Remote {
    /// Its address.
    pub(crate) url: String,
    /// Its token.
    pub(crate) token: String,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Settings {
    /// Reads everything that is configured.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], with the file and the line where there is one.
    pub(crate) fn read(global: &GlobalOpts) -> Result<Self, ConfigError> {
        let cwd = std::env::current_dir().map_err(ConfigError::CurrentDir)?;
        let layers = layers::read(&cwd, user_file().as_deref())?;
        let data = data_dir(global, &cwd)?;
        let program = std::env::current_exe().map_err(ConfigError::OwnProgram)?;
        Ok(Self {
            database: database(global.database_url.as_deref(), &data)?,
            data,
            remote: remote(global)?,
            values: layers.values,
            git_env: git_env(),
            agent_env: agent_env(),
            claude_login: claude_login(&cwd),
            cwd,
            user: user(),
            helper: Helper { program, args: Vec::new() },
            warnings: layers.warnings,
            layers: layers.figment,
        })
    }

    /// Lists every value with where it comes from.
    pub(crate) fn rows(&self) -> Vec<Row> {
        layers::rows(&self.layers)
    }

    /// Returns a path as seen from the current folder, absolute.
    pub(crate) fn absolute(&self, path: &Path) -> PathBuf {
        self.cwd.join(path)
    }
}

fn user_file() -> Option<PathBuf> {
    let dirs = etcetera::base_strategy::Xdg::new().ok()?;
    Some(dirs.config_dir().join("ipa/ipa.toml"))
}

fn data_dir(global: &GlobalOpts, cwd: &Path) -> Result<PathBuf, ConfigError> {
    if let Some(dir) = &global.data_dir {
        return Ok(cwd.join(dir));
    }
    let dirs = etcetera::base_strategy::Xdg::new().map_err(|_none| ConfigError::NoHome)?;
    Ok(dirs.data_dir().join("ipa"))
}

fn database(url: Option<&str>, data: &Path) -> Result<PathBuf, ConfigError> {
    let Some(url) = url else { return Ok(data.join("ipa.db")) };
    let path = url.strip_prefix("sqlite://").filter(|path| !path.is_empty());
    path.map(|path| data.join(path)).ok_or_else(|| ConfigError::Database(url.to_owned()))
}

fn remote(global: &GlobalOpts) -> Result<Option<Remote>, ConfigError> {
    let Some(url) = &global.server else { return Ok(None) };
    let url = url.trim_end_matches('/').to_owned();
    if !url.starts_with("http://") {
        return Err(ConfigError::ServerUrl(url));
    }
    let token = match (std::env::var("IPA_TOKEN").ok(), &global.token_file) {
        (_, Some(file)) => std::fs::read_to_string(file)
            .map_err(|source| ConfigError::TokenFile { path: file.clone(), source })?,
        (Some(token), None) => token,
        (None, None) => return Err(ConfigError::NoToken(url)),
    };
    Ok(Some(Remote { url, token: token.trim().to_owned() }))
}

fn user() -> Principal {
    let named = ["IPA_USER", "USER", "LOGNAME"].iter().find_map(|key| std::env::var(key).ok());
    let name = named.filter(|name| !name.is_empty() && !name.chars().any(char::is_control));
    Principal::User(name.unwrap_or_else(|| "local".to_owned()).chars().take(64).collect())
}

/// What git finds in its environment where it talks to other machines: the user's own logins.
fn git_env() -> BTreeMap<OsString, OsString> {
    let mut env = agent_env();
    for name in ["HOME", "SSH_AUTH_SOCK", "XDG_CONFIG_HOME"] {
        env.extend(std::env::var_os(name).map(|value| (OsString::from(name), value)));
    }
    env
}

/// Where Claude Code looks for its login when the user calls it.
fn claude_login(cwd: &Path) -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = named("CLAUDE_CONFIG_DIR").or_else(|| Some(named("HOME")?.join(".claude")))?;
    Some(cwd.join(folder).join(".credentials.json"))
}

/// What agents find in their environment: how to find programs, how to speak, how to reach the network.
///
/// Never a token of anything; HOME and TMPDIR are the workspace's own.
fn agent_env() -> BTreeMap<OsString, OsString> {
    const NAMES: [&str; 13] = [
        "PATH",
        "LANG",
        "TERM",
        "TZ",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "ALL_PROXY",
    ];
    let passes = |name: &str| NAMES.contains(&name) || name.starts_with("LC_");
    let mut env: BTreeMap<OsString, OsString> =
        std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(passes)).collect();
    env.entry("PATH".into()).or_insert_with(|| "/usr/local/bin:/usr/bin:/bin".into());
    env
}
