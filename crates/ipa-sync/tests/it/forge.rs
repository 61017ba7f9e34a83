//! A forge of our own that behaves as GitHub does: real repositories, real merges, a state that people, CI and clients
//! change, and faults that a test plans. Every request and every answer is checked against GitHub's own description;
//! what does not fit fails the test when the forge ends.

mod api;
mod backend;
mod call;
mod fault;
pub(crate) mod git;
mod graphql;
mod hooks;
mod limits;
mod model;
mod page;
mod people;
mod person;
mod rest;
pub(crate) mod routes;
pub(crate) mod schema;
mod serve;
mod shape;
mod world;

use std::sync::Arc;

use ipa_sync::Wire;
use ipa_sync::gate::Clock;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) use fault::{Fault, When};
pub(crate) use model::Visibility;
pub(crate) use people::{Kind, Role, Scope};
pub(crate) use person::{Ci, Person};

pub(crate) use crate::peer::{Arrived, Delivery, Entry, Mailbox, Order, Repeat, Weather, Work};

use crate::peer;
use model::Hook;
use serve::Shared;
use world::{BOT, World};

/// A forge on a port of its own, with one repository and some people.
///
/// | login | in `o/r` | token |
/// |---|---|---|
/// | `o` | owner | `token-o` |
/// | `ipa` | collaborator | `token-ipa` |
/// | `ann` | collaborator | `token-ann` |
/// | `zed` | nothing | `token-zed` |
/// | `ipa-bot[bot]` | collaborator | what the app's installation 7 is given |
pub(crate) struct Forge {
    shared: Arc<Shared>,
    server: JoinHandle<()>,
    _home: TempDir,
}

/// The repository that a forge begins with.
pub(crate) const REPO: &str = "o/r";

impl Forge {
    pub(crate) async fn start() -> Self {
        let home = tempfile::Builder::new().prefix("forge ").tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let world = furnished(World::new(base, home.path()));
        let shared = Arc::new(Shared::new(world, home.path().to_owned()));
        let server = tokio::spawn(peer::serve(listener, Arc::clone(&shared)));
        Self { shared, server, _home: home }
    }

    /// The base of the REST API; GraphQL is beside it.
    pub(crate) fn url(&self) -> String {
        format!("{}/api/v3", self.base())
    }

    pub(crate) fn graphql_url(&self) -> String {
        format!("{}{}", self.base(), graphql::PATH)
    }

    /// Where git finds a repository.
    pub(crate) fn git_url(&self, repo: &str) -> String {
        format!("{}/{repo}.git", self.base())
    }

    pub(crate) fn base(&self) -> String {
        self.shared.world().base.clone()
    }

    pub(crate) fn add_user(&self, login: &str, kind: Kind) {
        self.shared.world().add_user(login, kind);
    }

    pub(crate) fn add_token(&self, secret: &str, login: &str, scope: Scope) {
        self.shared.world().add_token(secret, login, scope);
    }

    pub(crate) fn revoke(&self, secret: &str) {
        self.shared.world().tokens.remove(secret);
    }

    /// Takes away the tokens that the app was given.
    pub(crate) fn revoke_minted(&self) {
        self.shared.world().tokens.retain(|_, token| token.scope != Scope::Installation);
    }

    /// A pull request of `o/r` as everybody sees it; none: there is none.
    pub(crate) fn pull(&self, number: u64) -> Option<Value> {
        let world = self.shared.world();
        let (repo, issue, pull) = world.pull(REPO, number).ok()?;
        Some(shape::pull::full(&world, repo, issue, pull))
    }

    /// The comments in the code of a pull request of `o/r`.
    pub(crate) fn notes(&self, number: u64) -> Vec<Value> {
        let world = self.shared.world();
        let Ok((repo, issue, pull)) = world.pull(REPO, number) else { return Vec::new() };
        pull.notes.iter().map(|note| shape::review::note(&world, repo, issue, note)).collect()
    }

    /// Whether an issue of `o/r` is open.
    pub(crate) fn issue_state(&self, number: u64) -> &'static str {
        shape::issue::state(self.shared.world().issue_mut(REPO, number).unwrap())
    }

    /// The description of a pull request or an issue of `o/r`.
    pub(crate) fn body(&self, number: u64) -> String {
        self.shared.world().issue_mut(REPO, number).unwrap().body.clone().unwrap_or_default()
    }

    pub(crate) fn add_repo(&self, full_name: &str, visibility: Visibility) {
        self.shared.world().add_repo(full_name, visibility);
    }

    pub(crate) fn set_role(&self, repo: &str, login: &str, role: Role) {
        self.shared.world().repo_mut(repo).unwrap().roles.insert(login.to_owned(), role);
    }

    /// Lets a merge need so many approvals.
    pub(crate) fn require_approvals(&self, repo: &str, approvals: usize) {
        self.shared.world().repo_mut(repo).unwrap().approvals = approvals;
    }

    /// Gives a repository a webhook to an address, and returns its number. What happens is told once, wherever it goes.
    pub(crate) fn add_hook(&self, repo: &str, url: &str) -> u64 {
        let mut world = self.shared.world();
        let (id, made) = (world.next_id(), world.now());
        world.repo_mut(repo).unwrap().hooks.push(Hook { id, url: url.to_owned(), made });
        id
    }

    /// Refuses every push with these words, as a protected branch does.
    pub(crate) fn refuse_pushes(&self, repo: &str, words: &str) {
        self.shared.world().repos[repo].git.refuse_pushes(words);
    }

    /// Takes the time from a clock of the test's.
    pub(crate) fn set_clock(&self, clock: Clock) {
        self.shared.world().clock = clock;
    }

    /// The way to it without sockets, for a paused clock. Git has none.
    pub(crate) fn wire(&self) -> Arc<dyn Wire> {
        Arc::new(peer::Inside(Arc::clone(&self.shared)))
    }

    /// Puts the forge's clock ahead of ours, or behind.
    pub(crate) fn set_clock_ahead(&self, ahead: SignedDuration) {
        self.shared.world().ahead = ahead;
    }

    /// Leaves a user so many requests (`core`, `graphql`) until then.
    pub(crate) fn leave_requests(&self, login: &str, resource: &str, remaining: u64, reset: Timestamp) {
        self.shared.world().limits.leave(login, resource, remaining, reset);
    }

    /// The commit of a branch, as git has it.
    pub(crate) fn head(&self, repo: &str, branch: &str) -> Option<String> {
        self.shared.world().repos[repo].git.head(branch)
    }

    /// How many parents the newest commit of a branch has, and how many commits there are.
    pub(crate) fn history(&self, repo: &str, branch: &str) -> (usize, usize) {
        self.shared.world().repos[repo].git.history(branch)
    }

    /// Somebody at work in `o/r`.
    pub(crate) fn person<'a>(&'a self, login: &'a str) -> Person<'a> {
        Person { shared: &self.shared, login, repo: REPO }
    }

    /// The checks of `o/r`.
    pub(crate) fn ci(&self) -> Ci<'_> {
        Ci { shared: &self.shared, repo: REPO }
    }

    /// Plans a fault for a route: an `operationId` of GitHub's, `graphql/` and a field, `git/receive-pack`,
    /// `git/upload-pack`, `git/info-refs` or `store/log`. Calls are counted from now.
    pub(crate) fn fail(&self, route: &str, when: When, fault: Fault) {
        self.shared.desk.fail(route, when, fault);
    }

    /// Forgets all faults that are planned.
    pub(crate) fn mend(&self) {
        self.shared.desk.mend();
    }

    /// How often a route was called.
    pub(crate) fn calls(&self, route: &str) -> u64 {
        self.shared.desk.calls(route)
    }

    /// Waits until a request is held.
    pub(crate) async fn until_held(&self) {
        self.shared.desk.until_held().await;
    }

    /// Lets go what is held and waits until it is done.
    pub(crate) async fn release(&self) {
        self.shared.desk.release().await;
    }

    /// Waits until so many calls of a route are done, whether their clients still wait or not.
    pub(crate) async fn until_done(&self, route: &str, times: usize) {
        self.shared.desk.until_done(route, times).await;
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<Entry> {
        self.shared.desk.requests()
    }

    /// Sends the webhooks that are queued.
    pub(crate) async fn deliver(&self, to: &Mailbox<'_>, weather: Weather) -> Arrived {
        peer::send(self.shared.as_ref(), to, weather).await
    }

    /// Sends a webhook once more, as somebody would who has kept it.
    pub(crate) async fn replay(&self, to: &Mailbox<'_>, delivery: &Delivery) -> u16 {
        peer::post(self.shared.as_ref(), to, delivery).await
    }

    /// Takes what was wrong so far, for a test that wants it so.
    pub(crate) fn take_wrong(&self) -> Vec<String> {
        self.shared.desk.take_wrong()
    }
}

impl Drop for Forge {
    fn drop(&mut self) {
        self.server.abort();
        self.shared.desk.settle("GitHub's");
    }
}

fn furnished(mut world: World) -> World {
    for login in ["o", "ipa", "ann", "zed"] {
        world.add_user(login, Kind::Person);
        world.add_token(&format!("token-{login}"), login, Scope::All);
    }
    world.add_user(BOT, Kind::Bot);
    world.add_repo(REPO, Visibility::Public);
    for login in ["ipa", "ann", BOT] {
        world.repo_mut(REPO).unwrap().roles.insert(login.to_owned(), Role::Collaborator);
    }
    world
}
