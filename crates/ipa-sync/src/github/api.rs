//! The calls, one function each: what goes out and what comes back, nothing decided.

mod checks;
mod graph;
mod hooks;
mod issues;
mod pulls;
mod talk;

use http::HeaderValue;
use http::header::{ETAG, IF_NONE_MATCH};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use url::Url;

pub(super) use self::graph::{Draft, ThreadState};
pub(super) use self::hooks::Of;
pub(super) use self::pulls::{Limits, Opened};
pub(super) use self::talk::Made;

use super::auth::{Asker, Auth};
use crate::channel::{Ask, Channel, parsed};
use crate::error::{ErrorClass, SyncError};
use crate::gate::{Lane, Who};
use crate::wire::{Answer, Credential};

/// So many pages of a list are read.
const PAGES: usize = 20;

/// GitHub as one credential reaches it.
pub(super) struct Api {
    rest: Channel,
    graph: Channel,
    auth: Auth,
}

/// For whom something is asked, and how urgently.
#[derive(Debug, Clone, Copy)]
pub(super) struct By {
    pub(super) who: Who,
    /// `Poll` when it can be done without.
    pub(super) lane: Lane,
    pub(super) now: Timestamp,
}

/// A thing, or that it is as it was.
pub(super) enum Read<T> {
    New(Box<T>, Option<HeaderValue>),
    Same,
    Gone,
}

impl Api {
    pub(super) const fn new(rest: Channel, graph: Channel, auth: Auth) -> Self {
        Self { rest, graph, auth }
    }

    /// Says who asks.
    pub(super) const fn asker(&self) -> Asker {
        self.auth.asker()
    }

    /// Sends a request once and returns its answer.
    async fn send(&self, by: By, ask: &Ask<'_>) -> Result<Answer, SyncError> {
        let credential = self.credential(by).await?;
        self.heard(self.rest.send(&credential, ask).await)
    }

    async fn credential(&self, by: By) -> Result<Credential, SyncError> {
        self.token(by).await.map(Credential::Bearer)
    }

    /// Returns the token with which this account is let in.
    pub(super) async fn token(&self, by: By) -> Result<SecretString, SyncError> {
        self.heard(self.auth.token(&self.rest, by).await)
    }

    /// Reads the secret anew when it is needed next, and has an app fetch itself another token.
    pub(super) fn forget(&self) {
        self.auth.forget();
    }

    /// A token that was refused is not shown again.
    fn heard<T>(&self, outcome: Result<T, SyncError>) -> Result<T, SyncError> {
        if outcome.as_ref().is_err_and(|error| error.class == ErrorClass::Credential) {
            self.forget();
        }
        outcome
    }

    async fn get<T: DeserializeOwned>(&self, by: By, ask: &Ask<'_>) -> Result<T, SyncError> {
        parsed(ask, &self.send(by, ask).await?)
    }

    /// Reads a thing unless it is as it was.
    async fn look<T: DeserializeOwned>(
        &self,
        by: By,
        ask: Ask<'_>,
        seen: Option<&HeaderValue>,
    ) -> Result<Read<T>, SyncError> {
        let ask = match seen {
            Some(seen) => ask.header(IF_NONE_MATCH, seen.clone()),
            None => ask,
        };
        let ask = ask.expecting(&[404, 410]);
        let answer = self.send(by, &ask).await?;
        match answer.status.as_u16() {
            304 => Ok(Read::Same),
            404 | 410 => Ok(Read::Gone),
            _ => Ok(Read::New(parsed(&ask, &answer)?, answer.headers.get(ETAG).cloned())),
        }
    }

    /// Reads a list page by page, as the answers lead on; of a very long one no more than its first pages.
    async fn pages<P: DeserializeOwned, T>(
        &self,
        by: By,
        ask: Ask<'_>,
        items: impl Fn(P) -> Vec<T>,
    ) -> Result<Vec<T>, SyncError> {
        let ask = ask.query("per_page", "100");
        let credential = self.credential(by).await?;
        let mut answer = self.send(by, &ask).await?;
        let mut list = Vec::new();
        for _ in 1..PAGES {
            list.extend(items(parsed(&ask, &answer)?));
            let Some(next) = next_page(&answer) else { return Ok(list) };
            answer = self.heard(self.rest.send_to(&credential, &ask, next).await)?;
        }
        list.extend(items(parsed(&ask, &answer)?));
        Ok(list)
    }
}

/// Begins a read.
fn read<'a>(by: By, doing: String, path: &'static str, names: &[&'a str]) -> Ask<'a> {
    Ask { lane: by.lane, ..Ask::read(doing, by.who, path, names) }
}

pub(super) fn request_id(answer: &Answer) -> Option<String> {
    answer.header("x-github-request-id").map(|id| id.chars().take(100).collect())
}

/// Reads where the next page is: `<https://…>; rel="next", <…>; rel="last"`.
fn next_page(answer: &Answer) -> Option<Url> {
    let links = answer.header("link")?;
    let next = links.split(',').find(|link| link.split(';').skip(1).any(|it| it.trim() == "rel=\"next\""))?;
    next.trim().strip_prefix('<')?.split_once('>')?.0.parse().ok()
}
