//! How Claude Code is let in at its model: by a key, or by the user's own login, which is read and never written.
//!
//! Claude Code renews a login by replacing its file, after it took a lock beside it. A link to the file would be
//! replaced by a file of the workspace, and what the user has would be void from then on. So Claude is told where the
//! user's file lies, and its sandbox lets it read that file and nothing else there: it cannot lock, so it does not
//! renew, and works for as long as the login lasts that is there.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitStatus;

use crate::runtime::Login;

/// What in its environment lets it in; any of them is taken before a login.
const KEYS: [&str; 6] = [
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_FOUNDRY",
    "CLAUDE_CODE_USE_VERTEX",
];

/// Names the folder in which it looks for its login; all else stays in its HOME.
const FOLDER: &str = "CLAUDE_SECURESTORAGE_CONFIG_DIR";

/// Returns how it is let in, given its configured environment and the file of the login that may be shared.
pub(super) fn login(env: &BTreeMap<OsString, OsString>, file: Option<&Path>) -> Login {
    let is_set = |name: &str| env.get(OsStr::new(name)).is_some_and(|value| !value.is_empty());
    if KEYS.into_iter().any(is_set) {
        return Login::Key;
    }
    match file {
        Some(file) if file.is_file() => Login::Shared(file.to_owned()),
        Some(_) => Login::None(
            "log in with `claude` yourself, or set a key: `[agents.claude.env] ANTHROPIC_API_KEY`".to_owned(),
        ),
        None => Login::None(
            "set a key: `[agents.claude.env] ANTHROPIC_API_KEY`, or share your login: `[agents.claude] login = \
             \"share\"`"
                .to_owned(),
        ),
    }
}

/// Tells it where a shared login lies, if its environment does not say so already.
pub(super) fn show(login: &Login, env: &mut BTreeMap<OsString, OsString>) {
    if let Login::Shared(file) = login
        && let Some(folder) = file.parent()
    {
        env.entry(FOLDER.into()).or_insert_with(|| folder.into());
    }
}

/// Returns how it is let in, once it ended with what `claude auth status` ends with.
pub(super) fn confirmed(configured: Login, status: ExitStatus) -> Login {
    match configured {
        Login::Key | Login::Shared(_) if status.success() => configured,
        Login::Key => Login::None("it does not take its key; look at `[agents.claude.env]`".to_owned()),
        Login::Shared(file) => {
            let file = file.display();
            Login::None(format!("it does not take the login in {file}; log in with `claude` yourself"))
        }
        Login::None(_) => configured,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<OsString, OsString> {
        pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    #[test]
    fn a_key_comes_before_a_login_and_a_login_must_be_there() {
        let dir = tempfile::TempDir::new().unwrap();
        let file = dir.path().join(".credentials.json");
        assert!(matches!(login(&env(&[]), Some(&file)), Login::None(what) if what.contains("log in with")));
        assert!(matches!(login(&env(&[]), None), Login::None(what) if what.contains("login = \"share\"")));
        std::fs::write(&file, "{}").unwrap();
        assert_eq!(login(&env(&[]), Some(&file)), Login::Shared(file.clone()));
        assert_eq!(login(&env(&[("ANTHROPIC_API_KEY", "")]), Some(&file)), Login::Shared(file.clone()));
        for key in KEYS {
            assert_eq!(login(&env(&[(key, "1")]), Some(&file)), Login::Key);
        }
        // A whole folder is no login.
        assert!(matches!(login(&env(&[]), Some(dir.path())), Login::None(_)));
    }

    #[test]
    fn where_a_shared_login_lies_is_shown_unless_somebody_said_so() {
        let shared = Login::Shared("/home/ann/.claude/.credentials.json".into());
        let mut told = env(&[]);
        show(&shared, &mut told);
        assert_eq!(told, env(&[(FOLDER, "/home/ann/.claude")]));
        let mut told = env(&[(FOLDER, "/elsewhere")]);
        show(&shared, &mut told);
        assert_eq!(told, env(&[(FOLDER, "/elsewhere")]));
        let mut told = env(&[]);
        show(&Login::Key, &mut told);
        assert_eq!(told, env(&[]));
    }

    #[test]
    fn what_it_does_not_take_is_none() {
        let (yes, no) = (ExitStatus::from_raw(0), ExitStatus::from_raw(256));
        let shared = Login::Shared("/x".into());
        assert_eq!(confirmed(shared.clone(), yes), shared);
        assert!(matches!(confirmed(shared, no), Login::None(what) if what.contains("/x")));
        assert!(matches!(confirmed(Login::Key, no), Login::None(_)));
        assert_eq!(confirmed(Login::None("x".to_owned()), yes), Login::None("x".to_owned()));
    }
}
