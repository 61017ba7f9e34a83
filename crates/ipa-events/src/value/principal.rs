//! Who did something, and through what.

use std::fmt;
use std::str::FromStr;

use super::id::RunId;
use super::text::{InvalidValue, serde_as_text, words};

/// Who stands behind a command; on the wire the field is called `actor`.
///
/// ```
/// use ipa_events::Principal;
/// assert_eq!("user:ann".parse(), Ok(Principal::User("ann".to_owned())));
/// assert_eq!(Principal::Scheduler.to_string(), "scheduler");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    /// A person, by name: `user:ann`.
    User(String),
    /// The task's own scheduler.
    Scheduler,
    /// An agent, by its run: `agent:<run id>`.
    Agent(RunId),
    /// A rule that a person configured: `policy:auto`.
    Policy(String),
}

impl Principal {
    /// Tells whether this one may decide what waits for a person. An agent never may, nor the scheduler.
    pub const fn may_decide(&self) -> bool {
        match self {
            Self::User(_) | Self::Policy(_) => true,
            Self::Scheduler | Self::Agent(_) => false,
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(f, "user:{name}"),
            Self::Scheduler => f.write_str("scheduler"),
            Self::Agent(run) => write!(f, "agent:{run}"),
            Self::Policy(name) => write!(f, "policy:{name}"),
        }
    }
}

impl FromStr for Principal {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let wrong = || InvalidValue::new("a principal, such as user:ann or policy:auto", text);
        match text.split_once(':') {
            None if text == "scheduler" => Ok(Self::Scheduler),
            Some(("user", name)) if is_name(name) => Ok(Self::User(name.to_owned())),
            Some(("policy", name)) if is_name(name) => Ok(Self::Policy(name.to_owned())),
            Some(("agent", run)) => Ok(Self::Agent(run.parse()?)),
            None | Some(_) => Err(wrong()),
        }
    }
}

fn is_name(name: &str) -> bool {
    (1..=128).contains(&name.len()) && !name.chars().any(char::is_control)
}

serde_as_text!(Principal);

/// Through what a command came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Via {
    /// A page.
    Web,
    /// The command line.
    Cli,
    /// The HTTP API.
    Api,
    /// The engine itself.
    Engine,
    /// A program that embeds the engine.
    Library,
}

words!(Via: "a way in (web, cli, api, engine, library)" {
    Web = "web",
    Cli = "cli",
    Api = "api",
    Engine = "engine",
    Library = "library",
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_reads_back_from_its_text() {
        let run: RunId = "0193b2f4-5c1e-7000-8000-000000000001.r2".parse().unwrap();
        let all = [
            Principal::User("ann: the first".to_owned()),
            Principal::Scheduler,
            Principal::Agent(run),
            Principal::Policy("demo".to_owned()),
        ];
        for principal in all {
            assert_eq!(principal.to_string().parse(), Ok(principal));
        }
        for wrong in ["", "ann", "user:", "user:a\nb", "scheduler:x", "agent:x"] {
            assert!(wrong.parse::<Principal>().is_err(), "{wrong:?}");
        }
    }
}
