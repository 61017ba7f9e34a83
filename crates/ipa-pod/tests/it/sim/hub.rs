//! The real GitHub connector before the simulated forge, without sockets, so that hours pass at once: what reaches the
//! forge is counted. Git is the double's; a branch is at the forge before its task begins, and a commit has one
//! name here and another one there.

use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{HeaderMap, Method};
use ipa_events::task::{ChangeKind, Gates, PublishPolicy};
use ipa_events::{BranchName, RepoSource, TaskId, Via};
use ipa_pod::hook::{Arrival, Head, Maker};
use ipa_pod::{Engine, Hooks, Outlet};
use ipa_sync::gate::{Clock, HostGate, Rules};
use ipa_sync::{Answer, GitHubAuth, GitHubConfig, GitHubConnector, Request, Settings, Wire, WireError};
use ipa_workspace::Workspaces as _;
use ipa_workspace::testing::FakeWorkspaces;
use jiff::Timestamp;
use secrecy::SecretString;

use super::{Sim, until};
use crate::forge::{Forge, REPO, Role, Visibility};
use crate::peer;
use crate::world::ann;

const WEB: &str = "https://forge.test";
const SECRET: &str = "of the hub";

/// A forge, and what leads to it.
pub(super) struct Hub {
    pub(super) forge: Forge,
    way: Arc<Way>,
    repos: usize,
}

/// The way to the forge.
struct Way {
    forge: Arc<dyn Wire>,
    workspaces: FakeWorkspaces,
    branches: Mutex<Vec<Branch>>,
    clock: Clock,
    log: Mutex<Log>,
}

/// What went this way.
#[derive(Default)]
struct Log {
    /// Nothing gets through.
    down: bool,
    /// So much did not get through.
    refused: usize,
    /// What was to be edited, each with its moment.
    edits: Vec<Edit>,
}

/// What was to be edited: when, what, and its new text.
pub(super) type Edit = (Timestamp, String, String);

/// A branch, and its commit, which is named there and, once it was made, here.
#[derive(Clone)]
struct Branch {
    repo: RepoSource,
    name: BranchName,
    theirs: String,
    ours: Option<String>,
}

impl Hub {
    /// A forge with so many repositories.
    pub(super) async fn new(sim: &Sim, repos: usize) -> Self {
        let forge = Forge::start().await;
        forge.set_clock(clock(sim));
        let local: RepoSource = sim.dir.path().join("repo").to_str().unwrap().parse().unwrap();
        let main: BranchName = "main".parse().unwrap();
        let first = sim.workspaces.remote_head(local, main.clone()).await.unwrap();
        for number in 0..repos {
            if number > 0 {
                forge.add_repo(&name(number), Visibility::Public);
                for login in ["ipa", "ann"] {
                    forge.set_role(&name(number), login, Role::Collaborator);
                }
            }
            sim.workspaces.move_remote(&source(number), &main, first.clone());
        }
        let way = Way {
            forge: forge.wire(),
            workspaces: sim.workspaces.clone(),
            branches: Mutex::default(),
            clock: clock(sim),
            log: Mutex::default(),
        };
        Self { forge, way: Arc::new(way), repos }
    }

    /// The connector, which may do all that asks nobody.
    pub(super) fn outlet(&self, sim: &Sim) -> Outlet {
        let token = GitHubAuth::Token(SecretString::from("token-ipa").into());
        let mut config = GitHubConfig::new("hub".parse().unwrap(), WEB.parse().unwrap(), token);
        config.api = self.forge.url().parse().unwrap();
        let gate = Arc::new(HostGate::new(Rules::github(), clock(sim)));
        let mut settings = Settings::new("hub".parse().unwrap());
        for kind in [ChangeKind::OpenPull, ChangeKind::MarkReady] {
            settings.policies.rules.insert((kind, None), PublishPolicy::Auto);
        }
        let connector = Arc::new(GitHubConnector::new(config, self.way.clone(), gate));
        Outlet { hooks: Some(hooks(Maker::GitHub)), ..Outlet::new(connector, settings) }
    }

    /// Makes so many tasks, which take turns with the repositories, and waits until each has its pull request.
    pub(super) async fn tasks(
        &self,
        sim: &Sim,
        engine: &Engine,
        (many, gates): (usize, Gates),
    ) -> Vec<TaskId> {
        let mut tasks = Vec::new();
        for number in 0..many {
            let at = number % self.repos;
            let branch = format!("ipa/t-{}-rest", number + 1);
            let theirs = self.forge.person("ipa").at(&name(at)).push(&branch, "fix.txt", &branch);
            let (repo, name) = (source(at), branch.parse().unwrap());
            self.way.branches.lock().unwrap().push(Branch { repo, name, theirs, ours: None });
            let mut draft = sim.draft();
            (draft.repo, draft.title, draft.gates) = (source(at), Some("Rest".into()), Some(gates));
            tasks.push(engine.create(engine.ctx(ann(), Via::Library), draft).await.unwrap().id);
        }
        for task in &tasks {
            until(engine, *task, |view| view.state.outside.pulls.len() == 1).await;
        }
        tasks
    }
}

impl Hub {
    /// From now on the forge cannot be reached.
    pub(super) fn cut(&self) {
        self.way.log.lock().unwrap().down = true;
    }

    /// It can be reached again; returns how many requests did not get through.
    pub(super) fn mend(&self) -> usize {
        let mut log = self.way.log.lock().unwrap();
        log.down = false;
        std::mem::take(&mut log.refused)
    }

    /// Takes what was edited since the last time.
    pub(super) fn edits(&self) -> Vec<Edit> {
        std::mem::take(&mut self.way.log.lock().unwrap().edits)
    }
}

/// Brings an engine a signed webhook about nothing that it knows: a sign that others will come too.
pub(super) async fn ping(engine: &Engine, maker: Maker, name: &str) {
    let (signature, id) = match maker {
        Maker::GitHub => ("x-hub-signature-256", "x-github-delivery"),
        Maker::Jira => ("x-hub-signature", "x-atlassian-webhook-identifier"),
    };
    let body = r#"{"issue":{"key":"Q-1","number":9},"repository":{"full_name":"q/q"}}"#;
    let mut headers = HeaderMap::new();
    headers.insert(signature, peer::signature(SECRET, body).parse().unwrap());
    headers.insert(id, engine.head().borrow().to_string().parse().unwrap());
    headers.insert("x-github-event", "issues".parse().unwrap());
    let head = Head::read(maker, &headers);
    assert_eq!(engine.receive((head, Some(name)), body.into()).await.unwrap(), Arrival::New);
}

/// Lets webhooks of a maker in.
pub(super) fn hooks(maker: Maker) -> Hooks {
    Hooks { maker, secrets: vec![SecretString::from(SECRET).into()] }
}

impl Way {
    /// Notes what goes this way, if it gets through.
    fn passes(&self, request: &Request) -> Result<(), WireError> {
        let mut log = self.log.lock().unwrap();
        if log.down {
            log.refused += 1;
            let (host, why) = ("forge.test".to_owned(), "connection refused".to_owned());
            return Err(WireError::NotSent { host, why });
        }
        if request.method == Method::PATCH {
            let text = String::from_utf8_lossy(&request.body).into_owned();
            log.edits.push(((self.clock)(), request.url.path().to_owned(), text));
        }
        Ok(())
    }

    /// Learns how commits are named here that were made since the last time.
    async fn learn(&self) {
        let unknown: Vec<_> = {
            let branches = self.branches.lock().unwrap();
            branches.iter().cloned().enumerate().filter(|(_, branch)| branch.ours.is_none()).collect()
        };
        for (at, Branch { repo, name, .. }) in unknown {
            let ours = self.workspaces.remote_head(repo, name).await.unwrap();
            self.branches.lock().unwrap()[at].ours = ours.map(|commit| commit.to_string());
        }
    }

    /// Puts the names of one side in place of the other's.
    fn named(&self, text: &str, way: fn((&str, &str)) -> (String, String)) -> String {
        let branches = self.branches.lock().unwrap();
        let known = branches.iter().filter_map(|it| Some((it.ours.as_deref()?, it.theirs.as_str())));
        known.map(way).fold(text.to_owned(), |text, (from, to)| text.replace(&from, &to))
    }
}

impl Wire for Way {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Answer, WireError>> {
        async move {
            self.passes(&request)?;
            self.learn().await;
            let out = |(ours, theirs): (&str, &str)| (ours.to_owned(), theirs.to_owned());
            let back = |(ours, theirs): (&str, &str)| (theirs.to_owned(), ours.to_owned());
            let url = self.named(request.url.as_str(), out).parse().unwrap();
            let body = self.named(std::str::from_utf8(&request.body).unwrap(), out).into();
            let answer = self.forge.send(Request { url, body, ..request }).await?;
            let body = self.named(std::str::from_utf8(&answer.body).unwrap(), back).into();
            Ok(Answer { body, ..answer })
        }
        .boxed()
    }
}

fn name(number: usize) -> String {
    if number == 0 { REPO.to_owned() } else { format!("o/r{number}") }
}

fn source(number: usize) -> RepoSource {
    format!("{WEB}/{}.git", name(number)).parse().unwrap()
}

/// The paused clock as everybody's.
pub(super) fn clock(sim: &Sim) -> Clock {
    let clock = Arc::clone(&sim.clock);
    Arc::new(move || ipa_pod::Edge::now(&*clock))
}
