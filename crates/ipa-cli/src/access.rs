//! How a command gets at the data: as a client of who holds the directory, or by itself.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use ipa_pod::{Edge as _, SystemEdge};
use tokio::time::Instant;

use crate::client::{Client, Local, Tcp};
use crate::config::Settings;
use crate::failure::Failure;
use crate::holder::{self, API, DataDir, Holder, ServerFile};
use crate::output::Out;
use crate::wiring;

/// How long somebody else may hold the lock without saying how it is reached.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often the lock is tried.
const PAUSE: Duration = Duration::from_millis(25);

/// How long a listening holder may take to accept.
const CONNECT: Duration = Duration::from_secs(1);

/// What came of trying to hold the data directory.
pub(crate) enum Taken {
    /// It is ours.
    Held(DataDir),
    /// Somebody else holds it, and answers here.
    By(ServerFile),
}

/// Who makes the tasks of a command that follows its own go on.
pub(crate) enum Reached {
    /// This process is to: the data directory is ours.
    Held(DataDir),
    /// Somebody who runs already.
    Served(Client),
}

/// Finds who runs already, or takes the data directory.
///
/// # Errors
///
/// As [`take`], and [`Failure`] when what runs is of another version.
pub(crate) async fn reach(settings: &Settings, command: &str) -> Result<Reached, Failure> {
    if let Some(remote) = remote(settings)? {
        return Ok(Reached::Served(remote));
    }
    Ok(match take(settings, command).await? {
        Taken::By(server) => Reached::Served(client_of(settings, &server)?),
        Taken::Held(held) => Reached::Held(held),
    })
}

/// Returns who answers a command that changes nothing. Takes no lock and starts nothing.
///
/// # Errors
///
/// [`Failure`] when there is a server of another version, or the store cannot be read.
pub(crate) async fn reading(settings: &Settings) -> Result<Client, Failure> {
    if let Some(client) = running(settings)? {
        return Ok(client);
    }
    let engine = wiring::reader(settings).await?;
    Ok(Client::Local(Box::new(Local::new(engine, wiring::local_config(settings)?, None))))
}

/// Returns who answers a command that changes something: the holder, or this process, under the lock.
///
/// # Errors
///
/// [`Failure::InUse`] when somebody holds the directory and does not say how it is reached.
pub(crate) async fn writing(settings: &Settings, out: Out, command: &str) -> Result<Client, Failure> {
    match reach(settings, command).await? {
        Reached::Served(client) => Ok(client),
        Reached::Held(held) => {
            let engine = wiring::recorder(settings).await?;
            Ok(Client::Local(Box::new(Local::new(
                engine,
                wiring::local_config(settings)?,
                Some((held, out)),
            ))))
        }
    }
}

/// Returns a client of what is running, if something is.
///
/// # Errors
///
/// [`Failure`] when it is of another version, or there is no token for it.
pub(crate) fn running(settings: &Settings) -> Result<Option<Client>, Failure> {
    if let Some(remote) = remote(settings)? {
        return Ok(Some(remote));
    }
    match answering(settings) {
        Some(server) => client_of(settings, &server).map(Some),
        None => Ok(None),
    }
}

/// Takes the data directory, waiting a little for one that is held by a short command or is just starting.
///
/// # Errors
///
/// [`Failure::InUse`] when the same holder says for too long not how it is reached.
pub(crate) async fn take(settings: &Settings, command: &str) -> Result<Taken, Failure> {
    let mut seen: Option<Holder> = None;
    let mut until = Instant::now() + PATIENCE;
    loop {
        if let Some(server) = answering(settings) {
            return Ok(Taken::By(server));
        }
        if let Some(held) = DataDir::take(&settings.data, command, SystemEdge.now())? {
            return Ok(Taken::Held(held));
        }
        let holder = holder::signed(&settings.data);
        // Many short commands in a row are a queue, not a holder that hangs.
        if holder.is_some() && holder != seen {
            until = Instant::now() + PATIENCE;
            seen.clone_from(&holder);
        }
        if Instant::now() >= until {
            return Err(Failure::InUse { data: settings.data.clone(), holder, url: None });
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Finds the holder that says how it is reached, and listens there. Whoever listens where a holder that is gone
/// once did is never asked: it would be sent the token.
fn answering(settings: &Settings) -> Option<ServerFile> {
    let server = holder::server_file(&settings.data)?;
    let address: SocketAddr = server.url.strip_prefix("http://")?.parse().ok()?;
    TcpStream::connect_timeout(&address, CONNECT).ok()?;
    Some(server)
}

fn remote(settings: &Settings) -> Result<Option<Client>, Failure> {
    let Some(remote) = &settings.remote else { return Ok(None) };
    Tcp::of_server(remote.url.clone(), remote.token.clone()).map(|tcp| Some(Client::Tcp(tcp)))
}

fn client_of(settings: &Settings, server: &ServerFile) -> Result<Client, Failure> {
    if server.api != API {
        return Err(Failure::OtherApi { there: server.api, here: API });
    }
    let token = holder::read_token(&settings.data)?;
    let token = token.map(|token| token.expose().to_owned()).unwrap_or_default();
    Tcp::of_holder(settings.data.clone(), token).map(Client::Tcp)
}
