//! Holding the data directory: engine and server together, until somebody says stop.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use ipa_events::store::Store;
use ipa_pod::{Drain, Edge as _, Engine, Scope, SystemEdge};
use ipa_server::{BindError, ServeError, Server};
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::App;
use crate::access::{self, Taken};
use crate::cli::{DrainChoice, ServeArgs};
use crate::client::{Client, Local};
use crate::config::Settings;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::holder::{DataDir, HolderError, token_file};
use crate::wiring;

/// The port that is tried first.
const PORT: u16 = 7474;

/// How many ports after it are tried.
const MORE_PORTS: u16 = 50;

/// How long pods and agents may take to end.
const STOP: Duration = Duration::from_secs(30);

/// `ipa serve`
pub(super) async fn run(app: &App, args: &ServeArgs) -> Result<Exit, Failure> {
    let mut stopping = Stopping::new()?;
    let held = match access::take(&app.settings, "serve").await? {
        Taken::Held(held) => held,
        Taken::By(server) => {
            let (holder, url) = (Some(server.holder), Some(server.url));
            return Err(Failure::InUse { data: app.settings.data.clone(), holder, url });
        }
    };
    let port = args.port.map_or(Port::FirstFree, Port::Exactly);
    let address = Address { ip: args.bind, port, names: &args.allow_hosts };
    let store = wiring::store_to_write(&app.settings).await?;
    let engine = wiring::engine(&app.settings, store.clone())?;
    let parts = Parts { held, store, engine };
    let mut engaged = Engaged::start(app, parts, ("serve", Scope::All), address).await?;
    engaged.tell(app)?;
    let signalled = tokio::select! {
        served = engaged.ended() => Err(served),
        () = stopping.wait() => Ok(()),
    };
    let drain = match args.drain {
        DrainChoice::Detach => Drain::Detach,
        DrainChoice::Stop => Drain::Stop,
    };
    tokio::select! {
        () = engaged.stop(drain) => {}
        () = stopping.wait() => return Ok(Exit::Interrupted),
    }
    match signalled {
        Ok(()) => Ok(Exit::Done),
        Err(served) => served.map(|()| Exit::Done),
    }
}

/// Where a server listens, and by which names it goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Address<'a> {
    ip: IpAddr,
    port: Port,
    /// Those that were given, beside those of the loopback.
    names: &'a [String],
}

impl Address<'static> {
    /// Returns the usual place: for this machine alone.
    pub(crate) const fn loopback() -> Self {
        Self { ip: IpAddr::V4(Ipv4Addr::LOCALHOST), port: Port::FirstFree, names: &[] }
    }
}

impl Address<'_> {
    /// Lists the names beside the usual ones: those that were given, and the address itself. One that others
    /// reach needs a name from its owner.
    fn hosts(self) -> Vec<String> {
        let mut hosts = self.names.to_vec();
        if self.ip.is_loopback() || !hosts.is_empty() && !self.ip.is_unspecified() {
            hosts.push(match self.ip {
                IpAddr::V4(ip) => ip.to_string(),
                IpAddr::V6(ip) => format!("[{ip}]"),
            });
        }
        hosts
    }
}

/// Which port a server listens on.
#[derive(Debug, Clone, Copy)]
enum Port {
    /// This one, or none; 0 takes a free one.
    Exactly(u16),
    /// The usual one, or the next one that is free.
    FirstFree,
}

/// What an engine is run with.
pub(crate) struct Parts {
    /// The data directory.
    pub(crate) held: DataDir,
    /// Its store.
    pub(crate) store: Store,
    /// The engine, not started.
    pub(crate) engine: Engine,
}

/// An engine with its server, holding the data directory.
pub(crate) struct Engaged {
    engine: Engine,
    store: Store,
    url: String,
    login_url: String,
    stop: CancellationToken,
    server: JoinSet<Result<(), ServeError>>,
    /// Dropped last: nobody else comes in while anything of this is left.
    held: DataDir,
}

impl Engaged {
    /// Starts pods and server under a data directory that is held, and says how it is reached.
    ///
    /// # Errors
    ///
    /// [`Failure`] when the store, the pods or the address cannot be had.
    pub(crate) async fn start(
        app: &App,
        parts: Parts,
        (command, scope): (&str, Scope),
        address: Address<'_>,
    ) -> Result<Self, Failure> {
        let (settings, Parts { held, store, engine }) = (&app.settings, parts);
        // Before anything runs: an engine that nobody can reach cannot be told to stop.
        let server = listen(settings, &held, &engine, address).await?;
        let random = |source| HolderError::Token { path: token_file(&settings.data), source };
        let (url, login_url) = (server.url(), server.login_url().map_err(random)?);
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(server.run(stop.clone()));
        engine.start(scope).await?;
        held.announce(&url, command, SystemEdge.now())?;
        Ok(Self { engine, store, url, login_url, stop, server: tasks, held })
    }

    /// Returns a client of this engine that acts as `user`.
    ///
    /// # Errors
    ///
    /// [`Failure::Holder`] when the system has no randomness to give.
    pub(crate) fn client(&self, settings: &Settings) -> Result<Client, Failure> {
        let config = wiring::local_config(settings)?;
        Ok(Client::Local(Box::new(Local::of_running(self.engine.clone(), config))))
    }

    /// Returns where the pages are.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the link that logs one browser in, once.
    pub(crate) fn login_url(&self) -> &str {
        &self.login_url
    }

    /// Waits until the server ends by itself.
    async fn ended(&mut self) -> Result<(), Failure> {
        match self.server.join_next().await {
            Some(Ok(Ok(()))) | None => Ok(()),
            Some(Ok(Err(error))) => Err(error.into()),
            Some(Err(error)) => Err(Failure::Wrong(format!("the server ended: {error}"))),
        }
    }

    /// Stops pods and server; the data directory is free then.
    pub(crate) async fn stop(mut self, drain: Drain) {
        let stopped = tokio::time::timeout(STOP, self.engine.stop(drain)).await;
        if stopped.is_err() {
            tracing::warn!("the pods did not stop in time; what they did is stored");
        }
        self.stop.cancel();
        if let Err(error) = self.ended().await {
            tracing::warn!(%error, "the server did not end well");
        }
        self.store.log.close().await;
        drop(self.held);
    }

    /// Says how this is reached.
    fn tell(&self, app: &App) -> Result<(), Failure> {
        if app.out.is_json() {
            return app.out.json(&json!({
                "url": self.url, "login_url": self.login_url,
                "token_file": token_file(&app.settings.data), "pid": std::process::id(),
            }));
        }
        if !self.url.ends_with(&format!(":{PORT}")) {
            app.out.note(format!("not at the usual port {PORT}"));
        }
        app.out.line(format!("ipa is at {}\nlog in: {}", self.url, self.login_url))
    }
}

async fn listen(
    settings: &Settings,
    held: &DataDir,
    engine: &Engine,
    address: Address<'_>,
) -> Result<Server, Failure> {
    let ip = address.ip;
    let ports: Vec<u16> = match address.port {
        Port::Exactly(port) => vec![port],
        Port::FirstFree => (PORT..PORT.saturating_add(MORE_PORTS)).chain([0]).collect(),
    };
    let mut refused = BindError::InUse(SocketAddr::new(ip, PORT));
    for port in ports {
        let mut config = wiring::server_config(settings, held.token()?, SocketAddr::new(ip, port))?;
        config.allow_hosts = address.hosts();
        match Server::bind(engine.clone(), config).await {
            Err(error @ BindError::InUse(_)) => refused = error,
            other => return Ok(other?),
        }
    }
    Err(refused.into())
}

/// The signals that ask this program to end.
pub(crate) struct Stopping {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Stopping {
    /// Listens for the signals; from here on they do not end the program by themselves.
    ///
    /// # Errors
    ///
    /// [`Failure::Io`] when the system refuses.
    pub(crate) fn new() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|source| Failure::Io { doing: "listening for signals".to_owned(), source })
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    /// Waits for the next signal.
    pub(crate) async fn wait(&mut self) {
        tokio::select! {
            _signal = self.interrupt.recv() => {}
            _signal = self.terminate.recv() => {}
            _signal = self.hang_up.recv() => {}
        }
    }
}
