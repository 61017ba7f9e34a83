//! What https remotes are shown. It is handed to git in its environment only, for one address, and is taken out of
//! whatever git says. Pure.

use std::ffi::OsStr;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ipa_events::RepoSource;

use crate::config::EnvMap;
use crate::git::Output;

/// What stands where a secret was.
const MARK: &str = "[redacted]";

/// A text that is shown to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text in.
    pub const fn new(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MARK)
    }
}

/// Reads a secret whenever git needs it; none: there is none now.
type ReadSecret = dyn Fn() -> Option<Secret> + Send + Sync;

/// What the remotes below an address are shown.
#[derive(Clone)]
pub struct GitCredential {
    url_prefix: String,
    user: String,
    secret: Arc<ReadSecret>,
}

impl GitCredential {
    /// Makes a credential for an address: a host, or an owner or a repository there (`https://example.org/owner`).
    ///
    /// `user` is whatever the host wants beside a token; the secret is read anew for each call, from a thread on which
    /// it may wait.
    pub fn new(
        url_prefix: impl Into<String>,
        user: impl Into<String>,
        secret: impl Fn() -> Option<Secret> + Send + Sync + 'static,
    ) -> Self {
        Self { url_prefix: url_prefix.into(), user: user.into(), secret: Arc::new(secret) }
    }

    pub(crate) fn login(&self) -> Option<Login> {
        Some(Login { user: self.user.clone(), secret: (self.secret)()? })
    }
}

impl fmt::Debug for GitCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GitCredential({}, {}, {MARK})", self.url_prefix, self.user)
    }
}

/// What one call of git shows.
#[derive(Debug)]
pub(crate) struct Login {
    user: String,
    secret: Secret,
}

impl Login {
    /// Puts it into git's environment, for this address alone. No redirect is followed: git would show it to
    /// whomever it was sent on to. Nobody else is asked, and nothing is traced.
    pub(crate) fn enter(&self, url: &str, env: &mut EnvMap) {
        env.retain(|name, _| !is_trace(name));
        let count = env.get(OsStr::new("GIT_CONFIG_COUNT")).and_then(|count| count.to_str()?.parse().ok());
        let mut count: u32 = count.unwrap_or_default();
        for (key, value) in [
            ("credential.helper".to_owned(), String::new()),
            (format!("http.{url}.followRedirects"), "false".to_owned()),
            (format!("http.{url}.extraHeader"), String::new()),
            (format!("http.{url}.extraHeader"), format!("Authorization: Basic {}", self.basic())),
        ] {
            env.insert(format!("GIT_CONFIG_KEY_{count}").into(), key.into());
            env.insert(format!("GIT_CONFIG_VALUE_{count}").into(), value.into());
            count += 1;
        }
        env.insert("GIT_CONFIG_COUNT".into(), count.to_string().into());
        env.insert("GIT_ASKPASS".into(), "false".into());
    }

    /// Returns what nobody may read.
    pub(crate) fn secrets(&self) -> Vec<String> {
        [self.basic(), self.secret.0.clone()].into_iter().filter(|text| !text.is_empty()).collect()
    }

    fn basic(&self) -> String {
        STANDARD.encode(format!("{}:{}", self.user, self.secret.0))
    }
}

/// Returns the credential with the longest prefix of an address, which ends where a part of the address does.
pub(crate) fn find<'a>(credentials: &'a [GitCredential], url: &str) -> Option<&'a GitCredential> {
    let is_for = |credential: &&GitCredential| {
        let prefix = credential.url_prefix.trim_end_matches('/');
        let may_have_one = prefix.starts_with("http") && prefix.parse::<RepoSource>().is_ok();
        let rest = url.strip_prefix(prefix).filter(|_| may_have_one);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    credentials.iter().filter(is_for).max_by_key(|credential| credential.url_prefix.len())
}

/// Takes secrets out of what git said.
pub(crate) fn clean(output: Output, secrets: &[String]) -> Output {
    secrets.iter().fold(output, |Output { code, mut stdout, stderr }, secret| {
        let said = String::from_utf8_lossy(&stdout);
        if said.contains(secret) {
            stdout = said.replace(secret, MARK).into_bytes();
        }
        Output { code, stdout, stderr: stderr.replace(secret, MARK) }
    })
}

/// Tells whether a variable makes git write down what it sends.
fn is_trace(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with("GIT_TRACE") || name == "GIT_CURL_VERBOSE")
}

/// What a host answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It does not let us in.
    Refused,
    /// It has no such repository, or shows none to us.
    NoRepository,
}

/// Reads what a host answered from git's words; none: it was something else, or did not answer.
pub(crate) fn answer(said: &str) -> Option<Answer> {
    let refused = [
        "Authentication failed for",
        "could not read Username",
        "could not read Password",
        "The requested URL returned error: 401",
        "The requested URL returned error: 403",
    ];
    if refused.iter().any(|words| said.contains(words)) {
        return Some(Answer::Refused);
    }
    let is_missing = |line: &str| line.contains("repository '") && line.ends_with("' not found");
    said.lines().any(is_missing).then_some(Answer::NoRepository)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(url_prefix: &str, secret: &str) -> GitCredential {
        let secret = Secret::new(secret.to_owned());
        GitCredential::new(url_prefix, "x", move || Some(secret.clone()))
    }

    #[test]
    fn a_credential_is_for_its_own_host_only_and_the_longest_prefix_counts() {
        let all = [credential("https://h", "host"), credential("https://h/o/", "owner")];
        let all = [
            all.as_slice(),
            &[
                credential("http://plain", "no"),
                credential("", "no"),
                credential("http://localhost:9", "near"),
            ],
        ]
        .concat();
        for (url, wanted) in [
            ("https://h/o/r.git", Some("owner")),
            ("https://h/other/r.git", Some("host")),
            ("https://h", Some("host")),
            ("https://h/org/r.git", Some("host")),
            ("https://h.evil.org/o/r.git", None),
            ("https://h:8443/o/r.git", None),
            ("https://h@evil.org/r.git", None),
            ("http://plain/r", None),
            ("http://localhost:9/r", Some("near")),
            ("ssh://h/o/r", None),
        ] {
            assert_eq!(
                find(&all, url).and_then(|found| Some(found.login()?.secret.0)).as_deref(),
                wanted,
                "{url}"
            );
        }
    }

    #[test]
    fn a_secret_is_in_the_environment_alone_and_in_nothing_that_is_shown() {
        let credential = credential("https://h", "s3cret");
        let login = credential.login().unwrap();
        let names = ["GIT_TRACE_CURL", "GIT_CONFIG_COUNT", "GIT_CURL_VERBOSE"];
        let mut env: EnvMap = names.map(|name| (name.into(), "1".into())).into();
        login.enter("https://h/r", &mut env);
        assert!(!env.keys().any(|name| is_trace(name)));
        assert_eq!(env[OsStr::new("GIT_CONFIG_COUNT")], "5");
        assert_eq!(env[OsStr::new("GIT_CONFIG_KEY_4")], "http.https://h/r.extraHeader");
        assert_eq!(env[OsStr::new("GIT_CONFIG_VALUE_4")], "Authorization: Basic eDpzM2NyZXQ=");
        assert!(!format!("{credential:?} {login:?}").contains("s3cret"));
        let said = "fatal: s3cret, eDpzM2NyZXQ=\n";
        let output = Output { code: Some(1), stdout: said.into(), stderr: said.into() };
        let Output { stdout, stderr, .. } = clean(output, &login.secrets());
        assert_eq!(stderr, "fatal: [redacted], [redacted]\n");
        assert_eq!(stdout, stderr.as_bytes());
    }

    #[test]
    fn a_refusal_is_told_from_a_missing_repository_and_from_silence() {
        for (said, wanted) in [
            ("fatal: Authentication failed for 'https://h/r/'", Some(Answer::Refused)),
            (
                "fatal: could not read Username for 'https://h': terminal prompts disabled",
                Some(Answer::Refused),
            ),
            ("fatal: unable to access 'x': The requested URL returned error: 403", Some(Answer::Refused)),
            ("fatal: repository 'https://h/r/' not found", Some(Answer::NoRepository)),
            ("fatal: unable to access 'x': Could not resolve host: h", None),
            ("fatal: unable to access 'x': Failed to connect to h port 1 after 0 ms", None),
            ("fatal: unable to access 'x': The requested URL returned error: 500", None),
        ] {
            assert_eq!(answer(said), wanted, "{said}");
        }
    }
}
