//! The agent host: one process per run, which outlives the program that asked for the run.
//!
//! It starts the agent, writes down what it prints before telling anybody, hands on what it is told, and at the
//! end leaves no process of the run. One thread, one `poll` loop. It knows no agent's protocol.

mod agent;
mod client;
mod end;
mod ladder;
mod lines;
mod order;
mod serve;
mod spool;
mod stdin;

pub(crate) use order::{Aim, Frame, HostOrder, Limits, Started};

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::ExitCode;

use crate::folder::{self, Claim, Note};
use crate::proc;
use crate::redact::Secrets;
use agent::Agent;
use serve::Host;
use spool::Spool;

/// Reads its order from standard input, says on standard output whether the agent was started, and stays until
/// the run is over.
pub(crate) fn run() -> ExitCode {
    let mut text = Vec::new();
    let order =
        io::stdin().lock().read_to_end(&mut text).ok().and_then(|_| serde_json::from_slice(&text).ok());
    drop(text);
    // Half an order: who gave it is gone.
    let Some(mut order): Option<HostOrder> = order else { return ExitCode::FAILURE };
    let secrets = Secrets::known(std::mem::take(&mut order.secrets));
    match start(order, &secrets) {
        Ok((host, locks)) => {
            tell(&Started::Yes);
            let over = host.serve();
            drop(locks);
            if over.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(failed) => {
            let detail = format!("{}: {}", failed.doing, failed.source);
            tell(&Started::No { detail: secrets.redact(&detail).into_owned() });
            ExitCode::FAILURE
        }
    }
}

/// What could not be done.
struct Failed {
    doing: &'static str,
    source: io::Error,
}

/// Held until the run is over.
struct Locks {
    _claim: File,
    _lease: File,
}

fn start(order: HostOrder, secrets: &Secrets) -> Result<(Host, Locks), Failed> {
    let at = |doing| move |source: io::Error| Failed { doing, source };
    rustix::process::setsid().map_err(|e| at("leaving the session")(e.into()))?;
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(|e| at("becoming the reaper of the run's processes")(e.into()))?;
    let locks = take_locks(&order)?;
    let claim: Option<Claim> = folder::read(&order.dir, folder::CLAIM).map_err(at("reading the claim"))?;
    let token = claim.map(|it| it.token).unwrap_or_default();
    // From here on all of the run's folder is reached by short relative names: a socket's path is limited.
    rustix::process::chdir(&order.dir).map_err(|e| at("entering the run's folder")(e.into()))?;
    let mut spool =
        Spool::create(Path::new(folder::SPOOL), secrets.clone()).map_err(at("creating the spool"))?;
    spool.note(&Note::Began(order.began.clone()));
    spool.flush().map_err(at("writing the spool"))?;
    let listener = listen().map_err(at("listening"))?;
    let identity = proc::own_identity().map_err(at("reading its own identity"))?;
    let json = serde_json::to_vec(&identity).map_err(|e| at("writing its identity")(e.into()))?;
    folder::write_whole(Path::new("."), folder::HOST, &json).map_err(at("writing its identity"))?;
    let agent = Agent::start(&order, secrets).map_err(at("starting the agent"))?;
    Ok((Host::new(order, spool, agent, listener, token), locks))
}

fn take_locks(order: &HostOrder) -> Result<Locks, Failed> {
    let taken = |doing| Failed { doing, source: io::Error::other("somebody else holds it") };
    let claim = folder::lock(&order.dir.join(folder::CLAIM))
        .map_err(|source| Failed { doing: "locking the claim", source })?
        .ok_or_else(|| taken("locking the claim"))?;
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&order.lease)
        .map_err(|source| Failed { doing: "opening the workspace's lease", source })?;
    let lease = folder::lock(&order.lease)
        .map_err(|source| Failed { doing: "locking the workspace", source })?
        .ok_or_else(|| taken("locking the workspace"))?;
    Ok(Locks { _claim: claim, _lease: lease })
}

fn listen() -> io::Result<UnixListener> {
    let listener = UnixListener::bind(folder::SOCKET)?;
    std::fs::set_permissions(folder::SOCKET, std::fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Says how the start went, then lets go of the pipes of whoever asked.
fn tell(started: &Started) {
    let json = serde_json::to_vec(started).unwrap_or_default();
    // Nobody may be there any more; then the run's folder tells.
    io::stdout().write_all(&json).and_then(|()| io::stdout().flush()).ok();
    if let Ok(null) = OpenOptions::new().read(true).write(true).open("/dev/null") {
        rustix::stdio::dup2_stdin(&null).ok();
        rustix::stdio::dup2_stdout(&null).ok();
    }
}
