//! Checked names: places of work, runtimes, sessions, hashes.

use std::str::FromStr;

use super::text::{InvalidValue, display_text, is_short_name, serde_as_text};

/// The name of a place of work in a task: `main`, `check`, later one per workstream.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentId(String);

impl AgentId {
    /// The place that all roles of a task share.
    pub fn main() -> Self {
        Self("main".to_owned())
    }

    /// The place where checks run: a fresh checkout each time.
    pub fn check() -> Self {
        Self("check".to_owned())
    }

    /// Returns the text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AgentId {
    type Err = InvalidValue;

    /// Takes 1 to 32 of `a-z`, `0-9` and `-`, not beginning with `-`: safe as a folder and in a ref.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        if is_short_name(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidValue::new("an agent id (a-z, 0-9, -)", text))
        }
    }
}

/// The id under which an agent program can resume a conversation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(String);

impl SessionId {
    /// Returns the text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SessionId {
    type Err = InvalidValue;

    /// Takes 1 to 128 of letters, digits, `-` and `_`, not beginning with `-`: never mistaken for a flag.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        let good = (1..=128).contains(&text.len()) && text.bytes().all(fits) && !text.starts_with('-');
        if good { Ok(Self(text.to_owned())) } else { Err(InvalidValue::new("a session id", text)) }
    }
}

/// Which kind of agent works: `claude`, `codex`, `acp:COMMAND`, `command:COMMAND`, `scripted[:FILE]`.
///
/// Which kinds there are is known to the engine that is given them; here it is a name and what follows the
/// colon.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Runtime(String);

impl Runtime {
    /// Returns the name before the colon.
    pub fn kind(&self) -> &str {
        self.0.split_once(':').map_or(self.0.as_str(), |(kind, _)| kind)
    }

    /// Returns what follows the colon: a command or a file.
    pub fn argument(&self) -> Option<&str> {
        self.0.split_once(':').map(|(_, argument)| argument)
    }

    /// Returns the text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Runtime {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let (kind, argument) = text.split_once(':').map_or((text, None), |(kind, rest)| (kind, Some(rest)));
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let kind_fits = (1..=32).contains(&kind.len()) && kind.bytes().all(fits);
        let argument_fits = argument.is_none_or(|it| !it.trim().is_empty() && !it.contains('\0'));
        if kind_fits && argument_fits && text.len() <= 4096 {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidValue::new("an agent runtime, such as claude, scripted or command:PROGRAM", text))
    }
}

/// The SHA-256 of exactly what a person was shown, in lower-case hexadecimal (64 digits).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PayloadHash(String);

impl PayloadHash {
    /// Hashes the bytes of a payload.
    pub fn of(payload: &[u8]) -> Self {
        use sha2::Digest as _;
        use std::fmt::Write as _;
        let mut hex = String::with_capacity(64);
        for byte in sha2::Sha256::digest(payload) {
            // Writing to a String does not fail.
            let _ = write!(hex, "{byte:02x}");
        }
        Self(hex)
    }

    /// Returns the text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PayloadHash {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let good = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if good { Ok(Self(text.to_owned())) } else { Err(InvalidValue::new("a payload hash", text)) }
    }
}

display_text!(AgentId, SessionId, Runtime, PayloadHash);
serde_as_text!(AgentId, SessionId, Runtime, PayloadHash);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_has_a_kind_and_maybe_an_argument() {
        let command: Runtime = "command:./fix.sh --fast".parse().unwrap();
        assert_eq!((command.kind(), command.argument()), ("command", Some("./fix.sh --fast")));
        let claude: Runtime = "claude".parse().unwrap();
        assert_eq!((claude.kind(), claude.argument()), ("claude", None));
        for wrong in ["", ":x", "Claude", "command:", "command: ", "a\0"] {
            assert!(wrong.parse::<Runtime>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_name_that_could_be_a_flag_or_a_path_is_refused() {
        for wrong in ["", "-x", "..", "a/b", "Main", "x y", "a\n"] {
            assert!(wrong.parse::<AgentId>().is_err(), "{wrong:?}");
        }
        for wrong in ["", "--help", "a b", "a/b", "../x"] {
            assert!(wrong.parse::<SessionId>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_payload_hash_is_sha_256() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(PayloadHash::of(b"").as_str(), empty);
        assert_eq!(empty.parse(), Ok(PayloadHash::of(b"")));
    }
}
