//! What can be wrong with the configuration: which file, which line, and what to do.

use std::path::PathBuf;

use ipa_events::ConnectorId;

/// What can be wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// A file cannot be used.
    #[error("{}{}: {problem}", path.display(), line.map_or_else(String::new, |line| format!(":{line}")))]
    File {
        /// The file.
        path: PathBuf,
        /// The line, where it is known.
        line: Option<usize>,
        /// What is wrong there.
        problem: String,
        /// What to do about it.
        help: String,
    },
    /// A file cannot be read.
    #[error("reading the configuration file {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A variable of the environment cannot be used.
    #[error("the environment: {0}")]
    Environment(String),
    /// A connector has not what its kind needs, or what another kind has.
    #[error("the connector {id}: {problem}")]
    Connector {
        /// Which.
        id: ConnectorId,
        /// What is wrong with it.
        problem: String,
    },
    /// There is no place for the data.
    #[error("there is no home directory to keep data in")]
    NoHome,
    /// The current folder is gone.
    #[error("finding the current folder")]
    CurrentDir(#[source] std::io::Error),
    /// The program does not find itself.
    #[error("finding the program's own file")]
    OwnProgram(#[source] std::io::Error),
    /// The database is none that this program knows.
    #[error("the database {0:?} is not of the form sqlite://PATH")]
    Database(String),
    /// The server's address is none.
    #[error("the server {0:?} is not of the form http://HOST:PORT")]
    ServerUrl(String),
    /// The token cannot be read.
    #[error("reading the token in {}", path.display())]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The token is missing.
    #[error("the server {0} wants a token")]
    NoToken(String),
}

impl ConfigError {
    /// Says what to do about it.
    pub(crate) fn help(&self) -> String {
        match self {
            Self::File { help, .. } => help.clone(),
            Self::Unreadable { .. } => "make it readable, or move it away".to_owned(),
            Self::Environment(_) => {
                "keys are IPA__SECTION__KEY; `ipa config show --origin` lists them all".to_owned()
            }
            Self::Connector { id, .. } => {
                format!(
                    "mend [connectors.{id}]; `ipa config show --origin` says where each of its keys stands"
                )
            }
            Self::NoHome => "give one with --data-dir DIR or IPA_DATA_DIR".to_owned(),
            Self::CurrentDir(_) => "go to a folder that exists".to_owned(),
            Self::OwnProgram(_) => "start ipa by the path of its file".to_owned(),
            Self::Database(_) => "leave it out to keep the store in the data directory".to_owned(),
            Self::ServerUrl(_) => "give what `ipa serve` printed, such as http://127.0.0.1:7474".to_owned(),
            Self::TokenFile { .. } | Self::NoToken(_) => {
                "give the file that `ipa serve --json` names with --token-file, or set IPA_TOKEN".to_owned()
            }
        }
    }
}
