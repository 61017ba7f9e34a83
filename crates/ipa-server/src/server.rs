//! The whole as one router, and a server that listens for it.

use std::future::IntoFuture as _;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use ipa_pod::Engine;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::config::{ServerConfig, TokenError};
use crate::error::Code;
use crate::error::problem::Refusal;
use crate::security::{access, headers, host, login};
use crate::state::AppState;
use crate::{api, web};

/// How long connections may take to end when the server stops.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Makes the whole as one router: pages, live streams, API, with everything that guards them. Does no I/O.
pub fn router(engine: Engine, config: ServerConfig) -> Router {
    assemble(&AppState::new(engine, config))
}

fn assemble(state: &AppState) -> Router {
    Router::new()
        .merge(api::routes())
        .merge(api::hooks::routes())
        .merge(login::routes())
        .merge(web::routes())
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        // The last is the outermost: names and headers stand before everything, also before "no such route".
        .layer(from_fn_with_state(state.clone(), access::check))
        .layer(from_fn_with_state(state.clone(), host::check))
        .layer(from_fn_with_state(state.clone(), headers::finish))
        .with_state(state.clone())
}

async fn no_route(request: Request) -> Refusal {
    Refusal::new(Code::NotFound, format!("there is nothing at {}", request.uri().path()))
}

async fn no_method(request: Request) -> Refusal {
    let (method, path) = (request.method(), request.uri().path());
    Refusal::new(Code::MethodNotAllowed, format!("{path} does not take {method}"))
}

/// A server that has its address and does not answer yet.
pub struct Server {
    listener: TcpListener,
    addresses: [SocketAddr; 1],
    state: AppState,
}

/// Why a server got no address.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another program listens there.
    #[error("{0} is in use by another program; choose another port, or 0 for a free one")]
    InUse(SocketAddr),
    /// Beyond the loopback, the names by which it may be reached must be said.
    #[error("{0} can be reached from other machines; say by which name with --allow-host")]
    NamesNeeded(SocketAddr),
    /// The system refuses the address.
    #[error("listening on {address}")]
    Refused {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Why a server ended by itself.
#[derive(Debug, thiserror::Error)]
#[error("answering requests")]
pub struct ServeError(#[from] io::Error);

impl Server {
    /// Takes the address that the configuration names.
    ///
    /// # Errors
    ///
    /// [`BindError`].
    pub async fn bind(engine: Engine, config: ServerConfig) -> Result<Self, BindError> {
        let address = config.bind;
        if !address.ip().is_loopback() && config.allow_hosts.is_empty() {
            return Err(BindError::NamesNeeded(address));
        }
        let refused = |source: io::Error| {
            let in_use = source.kind() == io::ErrorKind::AddrInUse;
            if in_use { BindError::InUse(address) } else { BindError::Refused { address, source } }
        };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let addresses = [listener.local_addr().map_err(refused)?];
        Ok(Self { listener, addresses, state: AppState::new(engine, config) })
    }

    /// Returns where it listens; no port is 0 here.
    pub const fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Returns where a browser or a program on this machine finds it, such as `http://127.0.0.1:7474`.
    pub fn url(&self) -> String {
        let [address] = self.addresses;
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
        };
        format!("http://{}", SocketAddr::new(ip, address.port()))
    }

    /// Mints a link that logs one browser in, once. The code stands behind the `#`, which no browser sends
    /// anywhere.
    ///
    /// # Errors
    ///
    /// [`TokenError::Random`] when the system has no randomness to give.
    pub fn login_url(&self) -> Result<String, TokenError> {
        let code = self.state.codes().mint()?;
        Ok(format!("{}/login#t={}", self.url(), code.expose()))
    }

    /// Answers requests until `stop` is cancelled: then streams say goodbye, and what is left after three
    /// seconds is cut off.
    ///
    /// # Errors
    ///
    /// [`ServeError`] when it cannot listen any more.
    pub async fn run(self, stop: CancellationToken) -> Result<(), ServeError> {
        let Self { listener, state, addresses: _ } = self;
        let app = assemble(&state);
        let (asked, late) = (stop.clone(), stop);
        let goodbye = async move {
            asked.cancelled().await;
            state.stop();
        };
        let deadline = async {
            late.cancelled().await;
            tokio::time::sleep(LAST_WORDS).await;
        };
        let serving = axum::serve(listener, app).with_graceful_shutdown(goodbye).into_future();
        tokio::select! {
            served = serving => Ok(served?),
            () = deadline => {
                warn!("some connections did not end in time; they were cut off");
                Ok(())
            }
        }
    }
}
