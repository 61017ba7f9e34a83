//! Who may do what: users, their part in a repository, their tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::Value;

use super::call::Answer;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) login: String,
    pub(crate) id: u64,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Person,
    Bot,
}

/// Somebody's part in a repository; who has none is an outsider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Reader,
    Collaborator,
    Owner,
}

/// What a secret stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) login: String,
    pub(crate) scope: Scope,
    pub(crate) expires: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All that its user may do.
    All,
    /// Only these permissions (`pull_requests`), reading always.
    Only(Vec<String>),
    /// An app's, for one installation.
    Installation,
}

/// The sender of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    Nobody,
    User { login: String, scope: Scope },
    App,
}

impl Who {
    pub(crate) fn login(&self) -> &str {
        match self {
            Self::Nobody | Self::App => "",
            Self::User { login, .. } => login,
        }
    }

    pub(crate) fn is_installation(&self) -> bool {
        matches!(self, Self::User { scope: Scope::Installation, .. })
    }
}

/// Who a role's holder is to the readers of a comment.
pub(crate) fn association(role: Option<Role>) -> &'static str {
    match role {
        Some(Role::Owner) => "OWNER",
        Some(Role::Collaborator) => "COLLABORATOR",
        Some(Role::Reader) | None => "NONE",
    }
}

/// Checks the token that an app signs for itself, in its shape: the algorithm, and a life of at most ten minutes
/// that has begun and not ended. The signature is taken on trust.
pub(crate) fn check_app_token(token: &str, now: Timestamp) -> Result<(), Answer> {
    let refuse = |message: &str| Err(Answer::message(401, message));
    let parts: Vec<Value> = token.split('.').take(2).filter_map(decoded).collect();
    let [header, claims] = parts.as_slice() else {
        return refuse("A JSON web token could not be decoded");
    };
    if header["alg"] != "RS256" || token.split('.').count() != 3 {
        return refuse("A JSON web token could not be decoded");
    }
    let now = now.as_second();
    let Some(issued) = claims["iat"].as_i64().filter(|issued| *issued <= now) else {
        return refuse(
            "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
        );
    };
    match claims["exp"].as_i64() {
        Some(end) if end > now + 600 || end > issued + 660 => {
            refuse("'Expiration time' claim ('exp') is too far in the future")
        }
        Some(end) if end > now => Ok(()),
        _ => refuse(
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the \
             assertion expires",
        ),
    }
}

fn decoded(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
