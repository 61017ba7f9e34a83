//! Runs agents of every kind: starts a host, follows its spool, carries verbs to it, finds it again.
//!
//! Starting is launching and then attaching: what happens live goes the same way as what is read later.

mod drive;
mod driver;
mod launch;
mod link;
mod recover;
mod tail;

pub(crate) use launch::Launch;

use std::io;
use std::path::Path;
use std::time::Duration;

use futures::future::BoxFuture;
use ipa_events::Helper;
use ipa_events::task::ProcessIdentity;

use crate::error::{AttachError, StartError};
use crate::fold::Fold;
use crate::folder::{self, Began, Note};
use crate::protocol::Protocol;
use crate::runtime::Attach;
use crate::session::{AgentSession, RunDir, Tail};
use crate::spec::{Grace, RunSpec, Session};
use crate::spool::Record;
use link::Link;
use recover::Found;

/// How long a run goes on with nobody connected.
const ALONE: Duration = Duration::from_hours(6);

/// What all kinds of agents that run under a host share.
#[derive(Debug, Clone)]
pub(crate) struct Runner {
    pub(crate) helper: Helper,
    pub(crate) grace: Grace,
    pub(crate) alone: Duration,
    pub(crate) protocol: fn() -> Box<dyn Protocol>,
}

impl Runner {
    /// Runs what speaks this protocol.
    pub(crate) fn new(helper: Helper, protocol: fn() -> Box<dyn Protocol>) -> Self {
        Self { helper, grace: Grace::default(), alone: ALONE, protocol }
    }

    /// Starts a run.
    pub(crate) async fn start(&self, spec: RunSpec, launch: Launch) -> Result<AgentSession, StartError> {
        let (run, dir) = (spec.run, spec.dir.clone());
        if let Err(error) = launch::launch(self, spec, launch).await {
            let may_live = matches!(error, StartError::Host { .. });
            if !(may_live && self.lives(&dir).await) {
                return Err(error);
            }
        }
        // A short run may be over by now.
        match self.find(dir).await {
            Ok(Attach::Live(session) | Attach::Ended(session) | Attach::Lost(session)) => Ok(*session),
            Ok(Attach::Unclaimed | Attach::Starting) => {
                Err(StartError::Host { run, detail: "its host is gone without a word".to_owned() })
            }
            Err(error) => Err(StartError::Host { run, detail: error.to_string() }),
        }
    }

    /// Finds out what became of a run.
    pub(crate) fn attach(&self, dir: RunDir) -> BoxFuture<'_, Result<Attach, AttachError>> {
        Box::pin(async move {
            self.find(dir.clone()).await.map_err(|source| AttachError { dir: dir.path().to_owned(), source })
        })
    }

    /// Reads what an agent did.
    pub(crate) fn tail(&self, dir: RunDir) -> Tail {
        tail::open(dir, Fold::new((self.protocol)()))
    }

    /// Looks whether a host lives that was not heard of in time. If none does, the run is closed.
    async fn lives(&self, dir: &RunDir) -> bool {
        let looked = dir.clone();
        matches!(blocking(move || recover::look(looked.path())).await, Ok(Found::Live(_)))
    }

    async fn find(&self, dir: RunDir) -> io::Result<Attach> {
        // A host that is just ending lets go of its socket a moment before or after one looks.
        let mut last = io::Error::from(io::ErrorKind::TimedOut);
        for _ in 0..20 {
            let looked = dir.clone();
            match blocking(move || recover::look(looked.path())).await? {
                Found::Unclaimed => return Ok(Attach::Unclaimed),
                Found::Starting => return Ok(Attach::Starting),
                Found::Ended(identity) => {
                    return Ok(Attach::Ended(Box::new(self.follow(dir, identity, None).await?)));
                }
                Found::Lost(identity) => {
                    return Ok(Attach::Lost(Box::new(self.follow(dir, identity, None).await?)));
                }
                Found::Live(identity) => match self.live(dir.clone(), identity).await {
                    Ok(session) => return Ok(Attach::Live(Box::new(session))),
                    Err(error) => last = error,
                },
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(last)
    }

    async fn live(&self, dir: RunDir, identity: ProcessIdentity) -> io::Result<AgentSession> {
        let link = Link::connect(dir.path()).await?;
        self.follow(dir, Some(identity), Some(link)).await
    }

    async fn follow(
        &self,
        dir: RunDir,
        identity: Option<ProcessIdentity>,
        link: Option<Link>,
    ) -> io::Result<AgentSession> {
        let read = dir.clone();
        let began = blocking(move || began(read.path())).await?;
        let session = began.and_then(|began| match began.session {
            Session::Fresh => None,
            Session::New(id) | Session::Resume(id) => Some(id),
        });
        let (control, events) = driver::start(dir, Fold::new((self.protocol)()), link);
        Ok(AgentSession { identity, session, control, events })
    }
}

/// Reads the first record of a run's spool, if there is one.
fn began(dir: &Path) -> io::Result<Option<Box<Began>>> {
    use std::io::{BufRead as _, Read as _};
    let file = match std::fs::File::open(dir.join(folder::SPOOL)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut line = Vec::new();
    io::BufReader::new(file.take(1 << 20)).read_until(b'\n', &mut line)?;
    let note = Record::parse(&line).and_then(|record| serde_json::from_str(&record.text).ok());
    Ok(match note {
        Some(Note::Began(began)) => Some(began),
        Some(Note::Eof | Note::Stop(_)) | None => None,
    })
}

/// Does what may block, on a thread where that is allowed.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
