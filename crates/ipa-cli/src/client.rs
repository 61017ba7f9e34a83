//! How a command asks the API: over the loopback to who holds the data directory, or in this process.
//!
//! Either way the same router answers, so a command prints the same with and without a server.

mod lines;
mod local;
mod tcp;

pub(crate) use lines::Lines;
pub(crate) use local::Local;
pub(crate) use tcp::Tcp;

use ipa_pod::{Edge as _, SystemEdge};
use ipa_server::wire::Problem;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::failure::Failure;

/// Who answers a command.
pub(crate) enum Client {
    /// Whoever holds the data directory, or a server named by its address.
    Tcp(Tcp),
    /// This process.
    Local(Box<Local>),
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The path and query, from `/api/v1` on.
    pub(crate) path: String,
    /// The body, of one that changes something; none of one that reads.
    pub(crate) body: Option<Value>,
    /// The key under which a repeat is the same command.
    pub(crate) key: Option<String>,
}

/// One reply, read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Client {
    /// Reads something.
    ///
    /// # Errors
    ///
    /// [`Failure::Problem`], or why there was no reply.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.ask(Request { path: path.to_owned(), body: None, key: None }).await
    }

    /// Reads something whose form is known.
    ///
    /// # Errors
    ///
    /// [`Failure::Problem`], or why there was no reply.
    pub(crate) async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        parse(path, &self.get(path).await?)
    }

    /// Changes something, once.
    ///
    /// # Errors
    ///
    /// [`Failure::Problem`], or why there was no reply.
    pub(crate) async fn post(&self, path: &str, body: &impl Serialize) -> Result<Value, Failure> {
        let body = Some(serde_json::to_value(body).map_err(Failure::Encode)?);
        let key = Some(SystemEdge.uuid().to_string());
        self.ask(Request { path: path.to_owned(), body, key }).await
    }

    /// Follows a stream of JSON lines.
    ///
    /// # Errors
    ///
    /// [`Failure::Problem`], or why there was no reply.
    pub(crate) async fn follow(&self, path: &str) -> Result<Lines, Failure> {
        let request = Request { path: path.to_owned(), body: None, key: None };
        match self {
            Self::Tcp(tcp) => tcp.follow(request).await,
            Self::Local(local) => local.follow(request).await,
        }
    }

    /// Tells whether something is running that makes the tasks go on.
    pub(crate) fn is_live(&self) -> bool {
        match self {
            Self::Tcp(_) => true,
            Self::Local(local) => local.is_live(),
        }
    }

    async fn ask(&self, request: Request) -> Result<Value, Failure> {
        let path = request.path.clone();
        let reply = match self {
            Self::Tcp(tcp) => tcp.ask(request).await?,
            Self::Local(local) => local.ask(request).await?,
        };
        let value = if reply.body.is_empty() {
            Ok(Value::Null)
        } else {
            serde_json::from_slice(&reply.body).map_err(|error| Failure::BadReply(path, error))
        };
        if (200..300).contains(&reply.status) { value } else { Err(problem(reply.status, value?)?) }
    }
}

/// Reads a reply whose form is known.
///
/// # Errors
///
/// [`Failure::BadReply`] when it has another form.
pub(crate) fn parse<T: DeserializeOwned>(what: &str, value: &Value) -> Result<T, Failure> {
    T::deserialize(value).map_err(|error| Failure::BadReply(what.to_owned(), error))
}

/// Makes a failure of a refusal.
fn problem(status: u16, value: Value) -> Result<Failure, Failure> {
    let problem: Problem = serde_json::from_value(value)
        .map_err(|error| Failure::BadReply(format!("status {status}"), error))?;
    Ok(Failure::Problem(Box::new(problem)))
}
