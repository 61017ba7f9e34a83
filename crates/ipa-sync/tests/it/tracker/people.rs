//! Who may do what: users, their role in a project, their tokens.

use std::collections::BTreeSet;

/// Somebody with an account. Cloud knows them by an account id, Data Center by a name and a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) login: String,
    pub(crate) account_id: String,
    pub(crate) key: String,
    pub(crate) mail: String,
    pub(crate) display_name: String,
    pub(crate) kind: Kind,
    pub(crate) groups: BTreeSet<String>,
    /// Whether they may look others up.
    pub(crate) sight: Sight,
    /// How many hours the clock on their wall is ahead of UTC.
    pub(crate) hours_ahead: i8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Person,
    /// An app's own account.
    App,
    /// Somebody who writes to a service desk.
    Customer,
}

/// Whether somebody may look others up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    Users,
    Nobody,
}

/// Somebody's role in a project; who has none is an outsider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Viewer,
    Member,
    Administrator,
}

/// What a project's permissions are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Right {
    Browse,
    Comment,
    Edit,
    Transition,
    Link,
    BeAssigned,
    /// Seeing the project's roles, editing the comments of others, changes that nobody is told of.
    Administer,
}

/// What a secret stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) login: String,
    pub(crate) life: Life,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    Good,
    /// Refused with 401.
    Revoked,
    /// Cloud serves it as if there were no credential, and says so in a header only.
    Expired,
}

/// The sender of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    Nobody,
    User(String),
}

impl Kind {
    /// What Cloud calls it.
    pub(crate) fn account_type(self) -> &'static str {
        match self {
            Self::Person => "atlassian",
            Self::App => "app",
            Self::Customer => "customer",
        }
    }
}

impl Role {
    pub(crate) const ALL: [Self; 3] = [Self::Viewer, Self::Member, Self::Administrator];

    pub(crate) fn allows(self, right: Right) -> bool {
        match right {
            Right::Browse => true,
            Right::Comment | Right::Edit | Right::Transition | Right::Link | Right::BeAssigned => {
                self >= Self::Member
            }
            Right::Administer => self == Self::Administrator,
        }
    }

    pub(crate) fn id(self) -> u64 {
        match self {
            Self::Viewer => 10003,
            Self::Member => 10004,
            Self::Administrator => 10002,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Viewer => "Viewer",
            Self::Member => "Member",
            Self::Administrator => "Administrators",
        }
    }
}

impl Who {
    pub(crate) fn login(&self) -> &str {
        match self {
            Self::Nobody => "",
            Self::User(login) => login,
        }
    }
}

impl User {
    pub(crate) fn new(login: &str, number: u64) -> Self {
        let mut letters = login.chars();
        let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
        Self {
            login: login.to_owned(),
            account_id: format!("5b10a2844c20165700ed{number:04}"),
            key: format!("JIRAUSER{number}"),
            mail: format!("{login}@example.com"),
            display_name: format!("{first}{}", letters.as_str()),
            kind: Kind::Person,
            groups: BTreeSet::new(),
            sight: Sight::Users,
            hours_ahead: 0,
        }
    }

    /// The name of their time zone; the signs of these names are the wrong way round.
    pub(crate) fn time_zone(&self) -> String {
        match self.hours_ahead {
            0 => "Etc/UTC".to_owned(),
            ahead => format!("Etc/GMT{:+}", -ahead),
        }
    }
}
