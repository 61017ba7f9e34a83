//! What stands above a webhook: whose it is, its signature, its name.

use std::fmt::Write as _;

use http::HeaderMap;
use sha2::{Digest as _, Sha256};

use super::{Hint, github, jira};

/// The longest name of a delivery that is taken as it is.
const LONGEST: usize = 200;

/// Who sends a webhook, and so how it is signed, named and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Maker {
    /// GitHub, on whatever host.
    GitHub,
    /// Jira, in the cloud or not.
    Jira,
}

impl Maker {
    /// Reads what to look at because of a webhook. Whatever the body is, there is an answer.
    pub fn hint(self, kind: &str, body: &[u8]) -> Hint {
        match self {
            Self::GitHub => github::hint(kind, body),
            Self::Jira => jira::hint(body),
        }
    }

    const fn signature(self) -> &'static str {
        match self {
            // Its older header beside it holds a SHA-1, which proves nothing any more.
            Self::GitHub => "x-hub-signature-256",
            Self::Jira => "x-hub-signature",
        }
    }

    const fn id(self) -> &'static str {
        match self {
            Self::GitHub => "x-github-delivery",
            Self::Jira => "x-atlassian-webhook-identifier",
        }
    }
}

/// What the headers of a webhook say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Who sends it.
    pub maker: Maker,
    /// The signature over the body; none when there is none, or more than one.
    pub signature: Option<String>,
    /// What kind of thing happened; empty where only the body says so.
    pub kind: String,
    id: Option<String>,
}

impl Head {
    /// Reads the headers of a webhook.
    pub fn read(maker: Maker, headers: &HeaderMap) -> Self {
        let kind = match maker {
            Maker::GitHub => only(headers, "x-github-event"),
            Maker::Jira => None,
        };
        Self {
            maker,
            signature: only(headers, maker.signature()),
            kind: kind.filter(|kind| is_name(kind)).unwrap_or_default(),
            id: only(headers, maker.id()).filter(|id| is_name(id)),
        }
    }

    /// Returns the name of the delivery, the same however often it is sent: the sender's own, or where that gave none
    /// that can be used, one of the body.
    pub fn id(&self, body: &[u8]) -> String {
        self.id.clone().unwrap_or_else(|| {
            Sha256::digest(body).iter().fold("sha256:".to_owned(), |mut text, byte| {
                // Writing to a string cannot fail.
                write!(text, "{byte:02x}").ok();
                text
            })
        })
    }
}

/// Returns the value of a header that is there once.
fn only(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next()?, values.next());
    first.to_str().ok().filter(|_| second.is_none()).map(str::to_owned)
}

fn is_name(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
