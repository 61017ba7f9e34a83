//! Where a secret comes from: a variable, a file, or what a program prints. It never stands in the configuration itself.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::process;

/// Where a secret comes from: one of the three.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SecretFrom {
    /// A variable of the environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) env: Option<String>,
    /// A file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<PathBuf>,
    /// A program with its arguments, such as `["gh", "auth", "token"]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) command: Vec<String>,
}

impl SecretFrom {
    /// Says what is wrong with it.
    pub(super) fn problem(&self) -> Option<&'static str> {
        let named = [self.env.is_some(), self.file.is_some(), !self.command.is_empty()];
        let one = named.into_iter().filter(|named| *named).count() == 1;
        (!one).then_some("it must name one of `env`, `file` and `command`")
    }

    /// Reads it, as it is now.
    ///
    /// # Errors
    ///
    /// Why it cannot be read; never any of what was read.
    pub(crate) fn read(&self, env: &BTreeMap<OsString, OsString>) -> Result<SecretString, String> {
        let read = match self {
            Self { env: Some(name), .. } => {
                std::env::var(name).map_err(|_unset| "the variable is not set".to_owned())
            }
            Self { file: Some(path), .. } => std::fs::read_to_string(path).map_err(|error| error.to_string()),
            Self { command, .. } => {
                let argv: Vec<&str> = command.iter().map(String::as_str).collect();
                let ran = process::run(&PathBuf::from("/"), env, &argv);
                ran.map_err(|error| error.to_string())
                    .and_then(|ran| if ran.well { Ok(ran.output) } else { Err("it failed".to_owned()) })
            }
        };
        let secret = read.map_err(|why| format!("{self}: {why}"))?;
        match secret.trim() {
            "" => Err(format!("{self}: there is nothing in it")),
            secret => Ok(secret.into()),
        }
    }
}

impl fmt::Display for SecretFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { env: Some(name), .. } => write!(f, "the variable {name}"),
            Self { file: Some(path), .. } => write!(f, "the file {}", path.display()),
            Self { command, .. } => write!(f, "the program `{}`", command.join(" ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn file(path: &std::path::Path) -> SecretFrom {
        SecretFrom { file: Some(path.to_owned()), ..SecretFrom::default() }
    }

    fn command(argv: &[&str]) -> SecretFrom {
        SecretFrom { command: argv.iter().map(|arg| (*arg).to_owned()).collect(), ..SecretFrom::default() }
    }

    #[test]
    fn a_secret_is_read_from_a_file_or_a_program_and_what_is_wrong_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let (full, empty, none) = ["full", "empty", "none"].map(|name| folder.path().join(name)).into();
        std::fs::write(&full, "s3cret\n").unwrap();
        std::fs::write(&empty, "\n").unwrap();
        let unset = SecretFrom { env: Some("IPA_NO_SUCH_VARIABLE".to_owned()), ..SecretFrom::default() };
        let env = [("PATH".into(), "/usr/bin:/bin".into())].into();
        for (from, wanted) in [
            (file(&full), Ok("s3cret")),
            (command(&["echo", "s3cret"]), Ok("s3cret")),
            (file(&empty), Err("nothing in it")),
            (file(&none), Err("No such file")),
            (command(&["false"]), Err("it failed")),
            (command(&["no-such-program"]), Err("no-such-program")),
            (unset, Err("not set")),
        ] {
            assert_eq!(from.problem(), None);
            match (from.read(&env), wanted) {
                (Ok(secret), Ok(wanted)) => assert_eq!(secret.expose_secret(), wanted),
                (Err(why), Err(wanted)) => assert!(why.contains(wanted), "{why}"),
                (got, wanted) => panic!("{from}: {got:?}, not {wanted:?}"),
            }
        }
        assert!(SecretFrom::default().problem().is_some());
        let both = SecretFrom { env: Some("X".to_owned()), ..file(&full) };
        assert!(both.problem().is_some());
    }
}
