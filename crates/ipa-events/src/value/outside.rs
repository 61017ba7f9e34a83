//! What is meant outside: the connector that leads there, and the thing behind it.

use std::fmt;
use std::str::FromStr;

use super::text::{InvalidValue, display_text, is_short_name, serde_as_text, words};

/// The name of a connector, as configured: the `work` of `[connectors.work]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectorId(String);

impl ConnectorId {
    /// The connector that is always there: it pushes to the repository that the work came from.
    pub fn git() -> Self {
        Self("git".to_owned())
    }

    /// Returns the text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ConnectorId {
    type Err = InvalidValue;

    /// Takes 1 to 32 of `a-z`, `0-9` and `-`, not beginning with `-`.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        if is_short_name(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidValue::new("a connector's name (a-z, 0-9, -)", text))
        }
    }
}

/// What kind of thing lies outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    /// A branch of the task's repository.
    Branch,
    /// A pull request of that branch.
    Pull,
    /// A ticket of a tracker.
    Ticket,
}

words!(ResourceKind: "a kind of resource (branch, pull, ticket)" {
    Branch = "branch",
    Pull = "pull",
    Ticket = "ticket",
});

/// One thing outside, by the name that ipa knows it under: `work/pull/ipa/t-12-fix`, `jira/ticket/KEY-1`.
///
/// A branch and its pull request are named by the branch, so they have a name before they are there.
///
/// ```
/// use ipa_events::{Resource, ResourceKind};
/// let pull: Resource = "work/pull/ipa/t-12-fix".parse().unwrap();
/// assert_eq!((pull.kind, &*pull.name), (ResourceKind::Pull, "ipa/t-12-fix"));
/// assert_eq!(pull.to_string(), "work/pull/ipa/t-12-fix");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource {
    /// The connector that leads to it.
    pub connector: ConnectorId,
    /// What it is.
    pub kind: ResourceKind,
    /// Its name there, as far as ipa chooses or knows it.
    pub name: String,
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.connector, self.kind, self.name)
    }
}

impl FromStr for Resource {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let wrong = || InvalidValue::new("a resource (<connector>/<kind>/<name>)", text);
        let mut parts = text.splitn(3, '/');
        let (Some(connector), Some(kind), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong());
        };
        if !is_name(name, 250) {
            return Err(wrong());
        }
        Ok(Self { connector: connector.parse()?, kind: kind.parse()?, name: name.to_owned() })
    }
}

/// The other side's own name of something: `octo/repo#4`, `KEY-1`, the number of a comment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RemoteId(String);

impl RemoteId {
    /// Returns the text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RemoteId {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        if is_name(text, 250) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidValue::new("a name of something outside", text))
        }
    }
}

fn is_name(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len()) && !text.chars().any(|c| c.is_control() || c.is_whitespace())
}

display_text!(ConnectorId, RemoteId);
serde_as_text!(ConnectorId, Resource, RemoteId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_reads_back_from_its_text() {
        for text in ["git/branch/ipa/t-1-x", "work/pull/a", "jira-2/ticket/KEY-1"] {
            assert_eq!(text.parse::<Resource>().map(|it| it.to_string()), Ok(text.to_owned()));
        }
        for wrong in ["", "git", "git/branch", "git/branch/", "git/tag/x", "Git/branch/x", "git/branch/a b"] {
            assert!(wrong.parse::<Resource>().is_err(), "{wrong:?}");
        }
        for wrong in ["", "a\nb", "a b"] {
            assert!(wrong.parse::<RemoteId>().is_err(), "{wrong:?}");
        }
    }
}
