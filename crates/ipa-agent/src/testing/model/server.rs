//! A server on the loopback: one thread accepts, one thread serves each connection, and all are over when it is
//! dropped. Knows nothing of what is said.

use std::collections::BTreeMap;
use std::io::{self, BufReader, ErrorKind, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::panic;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A server, until it is dropped.
pub(super) struct Server {
    address: SocketAddr,
    open: Arc<Open>,
    acceptor: Option<JoinHandle<()>>,
}

/// One client, while it is served.
pub(super) struct Connection {
    id: u64,
    stream: Arc<TcpStream>,
    open: Arc<Open>,
}

/// The connections that are served, so that they can be ended.
#[derive(Default)]
struct Open {
    state: Mutex<State>,
    closed: Condvar,
}

#[derive(Default)]
struct State {
    closed: bool,
    next: u64,
    streams: BTreeMap<u64, Arc<TcpStream>>,
}

impl Server {
    /// Starts a server on a free port. `serve` gets each connection, on its own thread; an error of it ends the
    /// connection and means no more than that the client is gone.
    pub(super) fn start(
        serve: impl Fn(&Connection) -> io::Result<()> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let open = Arc::<Open>::default();
        let acceptor = {
            let open = Arc::clone(&open);
            thread::Builder::new()
                .name("fake-model".to_owned())
                .spawn(move || accept(&listener, &open, &serve))?
        };
        Ok(Self { address, open, acceptor: Some(acceptor) })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.open.close();
        let woken = TcpStream::connect(self.address);
        let Some(acceptor) = self.acceptor.take().filter(|_| woken.is_ok()) else { return };
        if let Err(panic) = acceptor.join()
            && !thread::panicking()
        {
            panic::resume_unwind(panic);
        }
    }
}

/// Serves who comes, until the server is closed; returns when the last one is served. Panics if one of them did.
fn accept(
    listener: &TcpListener,
    open: &Arc<Open>,
    serve: &(impl Fn(&Connection) -> io::Result<()> + Send + Sync),
) {
    thread::scope(|scope| {
        loop {
            let stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted) => continue,
                Err(_) => break,
            };
            let Some(connection) = Open::take(open, stream) else { break };
            scope.spawn(move || serve(&connection).and_then(|()| connection.finish()).ok());
        }
    });
}

impl Open {
    /// Takes a connection in; after the end there is none.
    fn take(self: &Arc<Self>, stream: TcpStream) -> Option<Connection> {
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        stream.set_nodelay(true).ok();
        let (id, stream) = (state.next, Arc::new(stream));
        state.next += 1;
        state.streams.insert(id, Arc::clone(&stream));
        Some(Connection { id, stream, open: Arc::clone(self) })
    }

    /// Ends all connections: who reads from one finds its end, who writes to one gets an error.
    fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        for stream in state.streams.values() {
            stream.shutdown(Shutdown::Both).ok();
        }
        self.closed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// Returns what the client says.
    pub(super) fn input(&self) -> BufReader<&TcpStream> {
        BufReader::new(&self.stream)
    }

    /// Returns where the client is told something.
    pub(super) fn output(&self) -> &TcpStream {
        &self.stream
    }

    /// Says this, at once.
    pub(super) fn send(&self, text: &str) -> io::Result<()> {
        self.output().write_all(text.as_bytes())
    }

    /// Waits; not longer than the server lives.
    pub(super) fn pause(&self, pause: Duration) {
        let state = self.open.lock();
        drop(self.open.closed.wait_timeout_while(state, pause, |state| !state.closed));
    }

    /// Waits until the client goes or the server is dropped. What the client still says is not heard.
    pub(super) fn hang(&self) -> io::Result<()> {
        io::copy(&mut self.stream.as_ref(), &mut io::sink()).map(|_| ())
    }

    /// Ends it at once.
    pub(super) fn close(&self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Both)
    }

    /// Says that nothing more comes, then lets the client go first: an answer that it has not read yet would be
    /// lost if the rest of its request was still on the way.
    fn finish(&self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)?;
        self.hang()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.open.lock().streams.remove(&self.id);
    }
}
