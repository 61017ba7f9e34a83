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
use ipa_events::RunId;
use ipa_events::task::ProcessIdentity;
use tokio::time::Instant;

use crate::error::{AttachError, StartError};
use crate::fold::Fold;
use crate::folder::{self, Began, Note};
use crate::hosting::Hosting;
use crate::protocol::Protocol;
use crate::redact::Secrets;
use crate::runtime::Attach;
use crate::session::{AgentSession, RunDir, Tail};
use crate::spec::{RunSpec, Session};
use crate::spool::Record;
use launch::Launched;
use link::Link;
use recover::Found;

/// How long a start waits until it is certain what became of its run.
const FATE: Duration = Duration::from_mins(5);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(100);

/// What all kinds of agents that run under a host share.
#[derive(Debug, Clone)]
pub(crate) struct Runner {
    pub(crate) hosting: Hosting,
    pub(crate) protocol: fn() -> Box<dyn Protocol>,
}

impl Runner {
    /// Runs what speaks this protocol.
    pub(crate) fn new(hosting: impl Into<Hosting>, protocol: fn() -> Box<dyn Protocol>) -> Self {
        Self { hosting: hosting.into(), protocol }
    }

    /// Starts a run. Once it is claimed, only what is found of it says what became of it: a host that was not
    /// heard of may be at work all the same.
    pub(crate) async fn start(&self, spec: RunSpec, launch: Launch) -> Result<AgentSession, StartError> {
        let secrets = self.hosting.secrets.and(&spec.env);
        self.started(spec, launch, &secrets).await.map_err(|error| error.redacted(&secrets))
    }

    async fn started(
        &self,
        spec: RunSpec,
        launch: Launch,
        secrets: &Secrets,
    ) -> Result<AgentSession, StartError> {
        let (run, dir) = (spec.run, spec.dir.clone());
        let unheard = match launch::launch(self, spec, launch, secrets).await {
            Ok(Launched::Yes) => None,
            Ok(Launched::No(detail)) => {
                // Said by its host, which is ending: the run is closed as soon as that let go of it.
                self.fate(dir, run, &detail).await?;
                return Err(StartError::Host { run, detail });
            }
            Ok(Launched::Unheard(detail)) => Some(detail),
            Err(error) => return Err(error),
        };
        let detail = unheard.as_deref().unwrap_or("its host is gone without a word");
        match self.fate(dir, run, detail).await? {
            // Nobody ever took it up.
            session if unheard.is_some() && session.identity.is_none() => {
                Err(StartError::Host { run, detail: detail.to_owned() })
            }
            session => Ok(session),
        }
    }

    /// Waits until it is certain what became of a run that was claimed. A short one may be over by then.
    async fn fate(&self, dir: RunDir, run: RunId, detail: &str) -> Result<AgentSession, StartError> {
        let failed = |detail: String| StartError::Host { run, detail };
        let until = Instant::now() + FATE;
        loop {
            let unsure = match self.find(dir.clone()).await {
                Ok(Attach::Live(session) | Attach::Ended(session) | Attach::Lost(session)) => {
                    return Ok(*session);
                }
                Ok(Attach::Unclaimed) => return Err(failed(detail.to_owned())),
                Ok(Attach::Starting) => "it is still being started".to_owned(),
                Err(error) => error.to_string(),
            };
            if Instant::now() >= until {
                return Err(failed(format!("{detail}; what became of it is not known: {unsure}")));
            }
            tokio::time::sleep(LOOK).await;
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
            tokio::time::sleep(LOOK).await;
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
        Some(Note::Eof | Note::Stop(_) | Note::Unkept(_)) | None => None,
    })
}

/// Does what may block, on a thread where that is allowed.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
