//! What a server is told when it is made: plain values, no environment and no files.

use std::fmt;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ipa_events::{Principal, RepoSource};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::security::session::Sessions;

/// What a server is told when it is made.
#[derive(Clone)]
pub struct ServerConfig {
    /// Where it listens; port 0 takes a free one. 127.0.0.1:0.
    pub bind: SocketAddr,
    /// Names by which it may be reached, apart from those of the loopback: `ipa.example.org`, no port.
    pub allow_hosts: Vec<String>,
    /// What a program shows to be let in.
    pub token: Token,
    /// On whose behalf whoever shows the token acts.
    pub user: Principal,
    /// Browsers that are logged in.
    pub sessions: Sessions,
    /// The repository of a task whose author named none.
    pub default_repo: Option<RepoSource>,
}

impl ServerConfig {
    /// Makes the configuration of a server on the loopback: sessions in memory, a free port, the user `local`.
    pub fn new(token: Token) -> Self {
        Self {
            bind: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            allow_hosts: Vec::new(),
            token,
            user: Principal::User("local".to_owned()),
            sessions: Sessions::in_memory(),
            default_repo: None,
        }
    }
}

/// The secret that a program shows to be let in: 256 random bits as 64 hexadecimal digits.
///
/// ```
/// use ipa_server::Token;
/// let token = Token::generate()?;
/// assert!(Token::parse(token.expose()).is_ok() && Token::parse("guess").is_err());
/// assert_eq!(format!("{token:?}"), "Token(…)");
/// # Ok::<(), ipa_server::TokenError>(())
/// ```
#[derive(Clone)]
pub struct Token(String);

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The system has no randomness to give.
    #[error("asking the system for randomness")]
    Random(#[source] getrandom::Error),
    /// The text is no token.
    #[error("a token is 64 hexadecimal digits")]
    Malformed,
}

impl Token {
    /// Mints a token that was never minted before.
    ///
    /// # Errors
    ///
    /// [`TokenError::Random`] when the system has no randomness to give.
    pub fn generate() -> Result<Self, TokenError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(TokenError::Random)?;
        Ok(Self(hex(&bytes)))
    }

    /// Takes a token that was minted before.
    ///
    /// # Errors
    ///
    /// [`TokenError::Malformed`] when it is not one.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        let good = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if good { Ok(Self(text.to_owned())) } else { Err(TokenError::Malformed) }
    }

    /// Returns the secret, to be shown to the server or kept in a file that only its owner reads.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Tells whether `shown` is this token, in a time that does not depend on where they differ.
    pub(crate) fn is(&self, shown: &str) -> bool {
        self.0.as_bytes().ct_eq(shown.as_bytes()).into()
    }

    /// Returns a name for whoever holds this token that tells nothing about it.
    pub(crate) fn instance(&self) -> String {
        digest(&["ipa instance", &self.0]).chars().take(12).collect()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Returns the SHA-256 of some texts as hexadecimal digits; no two lists of texts lead to the same bytes.
pub(crate) fn digest(parts: &[&str]) -> String {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        sha.update(part.as_bytes());
    }
    hex(&sha.finalize())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").ok();
    }
    text
}
