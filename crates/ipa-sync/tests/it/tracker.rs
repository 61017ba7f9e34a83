//! A tracker of our own that behaves as Jira does, Cloud or Data Center: workflows, rights, a state that people and
//! clients change, and faults that a test plans. Every request and every answer is checked against Jira's own
//! description; what does not fit fails the test when the tracker ends.

mod api;
mod call;
mod fault;
mod jql;
mod model;
mod news;
mod people;
mod person;
mod rest;
pub(crate) mod routes;
pub(crate) mod schema;
mod serve;
mod shape;
mod site;
mod text;
mod workflow;

use std::sync::Arc;

use ipa_sync::Wire;
use ipa_sync::gate::Clock;
use jiff::SignedDuration;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) use api::users::group_id;
pub(crate) use model::Visibility;
pub(crate) use people::{Kind, Right, Role};
pub(crate) use person::Person;
pub(crate) use workflow::{Category, Field, Need, Resolves, Rule, Transition, Workflow};

pub(crate) use crate::peer::{Arrived, Delivery, Entry, Fault, Mailbox, Order, Repeat, Weather, When, Work};

use crate::peer;
use model::Traffic;
use people::{Life, Sight};
use serve::Shared;
use shape::issue::Fields;
use shape::{Properties, View};
use site::Site;

/// Which Jira a tracker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// Version 3 of the API, mail and token, documents, account ids.
    Cloud,
    /// Version 2, a bearer token, wiki text, names and keys.
    DataCenter,
}

impl Flavour {
    /// Both, for what they have in common.
    pub(crate) const BOTH: [Self; 2] = [Self::Cloud, Self::DataCenter];

    /// Where the API begins.
    pub(crate) fn api(self) -> &'static str {
        match self {
            Self::Cloud => "/rest/api/3",
            Self::DataCenter => "/rest/api/2",
        }
    }
}

/// A tracker on a port of its own, with one project and some people.
///
/// | login | in `P` | mail | token |
/// |---|---|---|---|
/// | `o` | administrator | `o@example.com` | `token-o` |
/// | `ipa` | member | `ipa@example.com` | `token-ipa` |
/// | `ann` | member | `ann@example.com` | `token-ann` |
/// | `vic` | viewer | `vic@example.com` | `token-vic` |
/// | `zed` | nothing | `zed@example.com` | `token-zed` |
pub(crate) struct Tracker {
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

/// The project that a tracker begins with, under the simple workflow.
pub(crate) const PROJECT: &str = "P";

impl Tracker {
    pub(crate) async fn start(flavour: Flavour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared::new(furnished(Site::new(flavour, base))));
        let server = tokio::spawn(peer::serve(listener, Arc::clone(&shared)));
        Self { shared, server }
    }

    pub(crate) fn flavour(&self) -> Flavour {
        self.shared.site().flavour
    }

    /// The base of the site.
    pub(crate) fn url(&self) -> String {
        self.shared.site().base.clone()
    }

    /// The base of the API.
    pub(crate) fn api_url(&self) -> String {
        self.shared.site().api()
    }

    pub(crate) fn add_user(&self, login: &str) {
        self.shared.site().add_user(login);
    }

    pub(crate) fn add_token(&self, secret: &str, login: &str) {
        self.shared.site().add_token(secret, login);
    }

    /// Lets the site refuse a token with 401.
    pub(crate) fn revoke(&self, secret: &str) {
        self.live(secret, Life::Revoked);
    }

    /// Lets a token end by its age. Cloud then serves its user as nobody, with 200, 400 or 404 and a header that tells;
    /// Data Center refuses with 401.
    pub(crate) fn expire(&self, secret: &str) {
        self.live(secret, Life::Expired);
    }

    fn live(&self, secret: &str, life: Life) {
        self.shared.site().tokens.get_mut(secret).unwrap().life = life;
    }

    /// What the site knows somebody by: an account id, or a name.
    pub(crate) fn id_of(&self, login: &str) -> String {
        let site = self.shared.site();
        match site.flavour {
            Flavour::Cloud => site.users[login].account_id.clone(),
            Flavour::DataCenter => login.to_owned(),
        }
    }

    /// Puts the clock on somebody's wall ahead of UTC; queries and times are on it.
    pub(crate) fn set_hours_ahead(&self, login: &str, hours: i8) {
        self.user(login, |user| user.hours_ahead = hours);
    }

    /// Takes the time from a clock of the test's.
    pub(crate) fn set_clock(&self, clock: Clock) {
        self.shared.site().clock = clock;
    }

    /// The way to it without sockets, for a paused clock.
    pub(crate) fn wire(&self) -> Arc<dyn Wire> {
        Arc::new(peer::Inside(Arc::clone(&self.shared)))
    }

    /// Puts the site's clock ahead of ours, or behind.
    pub(crate) fn set_clock_ahead(&self, ahead: SignedDuration) {
        self.shared.site().ahead = ahead;
    }

    pub(crate) fn add_project(&self, key: &str, workflow: Workflow) {
        self.shared.site().add_project(key, workflow);
    }

    pub(crate) fn set_visibility(&self, project: &str, visibility: Visibility) {
        self.project(project, |project| project.visibility = visibility);
    }

    /// Lets a project have another workflow; its issues must be in statuses that are there too.
    pub(crate) fn set_workflow(&self, project: &str, workflow: Workflow) {
        self.project(project, |project| project.workflow = workflow);
    }

    pub(crate) fn rename_status(&self, project: &str, from: &str, to: &str) {
        self.project(project, |project| {
            let found = project.workflow.statuses.iter_mut().find(|status| status.name == from);
            to.clone_into(&mut found.unwrap().name);
        });
    }

    pub(crate) fn set_role(&self, project: &str, login: &str, role: Role) {
        self.project(project, |project| _ = project.roles.insert(login.to_owned(), role));
    }

    pub(crate) fn take_role(&self, project: &str, login: &str) {
        self.project(project, |project| _ = project.roles.remove(login));
    }

    /// Puts somebody into a group.
    pub(crate) fn add_to_group(&self, login: &str, group: &str) {
        self.user(login, |user| _ = user.groups.insert(group.to_owned()));
    }

    /// Gives a role to all who are in a group.
    pub(crate) fn set_group_role(&self, project: &str, group: &str, role: Role) {
        self.project(project, |project| _ = project.group_roles.insert(group.to_owned(), role));
    }

    /// Lets somebody be of another kind than a person.
    pub(crate) fn set_kind(&self, login: &str, kind: Kind) {
        self.user(login, |user| user.kind = kind);
    }

    /// Takes from somebody that they may look others up.
    pub(crate) fn blindfold(&self, login: &str) {
        self.user(login, |user| user.sight = Sight::Nobody);
    }

    fn user(&self, login: &str, change: impl FnOnce(&mut people::User)) {
        change(self.shared.site().users.get_mut(login).unwrap());
    }

    /// Takes a right from somebody in spite of their role.
    pub(crate) fn forbid(&self, project: &str, login: &str, right: Right) {
        self.project(project, |project| _ = project.forbidden.insert((login.to_owned(), right)));
    }

    fn project(&self, key: &str, change: impl FnOnce(&mut model::Project)) {
        change(self.shared.site().projects.get_mut(key).unwrap());
    }

    /// Shows an issue to these only.
    pub(crate) fn hide(&self, issue: &str, but_from: &[&str]) {
        let few = but_from.iter().map(|login| (*login).to_owned()).collect();
        self.change(issue, |issue| issue.seen_by = Some(few));
    }

    /// Lets somebody else's transition of an issue be under way, until [`Self::let_pass`].
    pub(crate) fn occupy(&self, issue: &str) {
        self.change(issue, |issue| issue.traffic = Traffic::UnderWay);
    }

    pub(crate) fn let_pass(&self, issue: &str) {
        self.change(issue, |issue| issue.traffic = Traffic::Quiet);
    }

    /// Lets an issue hold what no site of this flavour would: a wrong answer.
    pub(crate) fn spoil(&self, issue: &str) {
        let number = Value::from(7);
        self.change(issue, |issue| issue.description = number);
    }

    fn change(&self, key: &str, change: impl FnOnce(&mut model::Issue)) {
        let mut site = self.shared.site();
        let id = site.named(key).unwrap_or_else(|| panic!("no issue {key}")).id;
        change(site.issue_mut(id));
    }

    /// Lets searches see everything as it is now, until [`Self::index`]: a real index lags behind by seconds.
    pub(crate) fn let_index_lag(&self) {
        let mut site = self.shared.site();
        site.index = Some(site.issues.clone());
    }

    /// Lets searches see what there is.
    pub(crate) fn index(&self) {
        self.shared.site().index = None;
    }

    /// An issue as the site holds it, whoever may see it: `fields` with all comments and their properties, `links`,
    /// `properties`; none when it is deleted.
    pub(crate) fn issue(&self, key: &str) -> Option<Value> {
        let site = self.shared.site();
        let view = View { site: &site, viewer: "" };
        let issue = site.named(key)?;
        let mut shown = view.issue(issue, &Fields::new(["*all"], ""));
        let comments = issue.comments.iter().map(|one| view.comment(issue, one, Properties::Shown));
        shown["fields"]["comment"]["comments"] = comments.collect();
        shown["links"] = issue.links.iter().map(|link| view.link(issue, link)).collect();
        shown["properties"] = serde_json::to_value(&issue.properties).unwrap();
        Some(shown)
    }

    /// The name of an issue's status.
    pub(crate) fn status(&self, key: &str) -> String {
        let site = self.shared.site();
        let issue = site.named(key).unwrap_or_else(|| panic!("no issue {key}"));
        site.project(issue).workflow.status(&issue.status).name.clone()
    }

    /// Who wrote an issue's comments, and their words, the oldest first.
    pub(crate) fn comments(&self, key: &str) -> Vec<(String, String)> {
        let site = self.shared.site();
        let issue = site.named(key).unwrap_or_else(|| panic!("no issue {key}"));
        let words = |comment: &model::Comment| text::plain(&comment.body).trim_end().to_owned();
        issue.comments.iter().map(|comment| (comment.author.clone(), words(comment))).collect()
    }

    /// Somebody at work in `P`.
    pub(crate) fn person<'a>(&'a self, login: &'a str) -> Person<'a> {
        Person { shared: &self.shared, login, project: PROJECT }
    }

    /// Plans a fault for a route: an `operationId` of Jira's (`addComment`). Calls are counted from now.
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

    /// Queues again what failed, as Cloud does after some minutes; how many these are.
    pub(crate) fn try_again(&self) -> usize {
        news::try_again(&mut self.shared.site())
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

impl Drop for Tracker {
    fn drop(&mut self) {
        self.server.abort();
        self.shared.desk.settle("Jira's");
    }
}

fn furnished(mut site: Site) -> Site {
    for login in ["o", "ipa", "ann", "vic", "zed"] {
        site.add_user(login);
        site.add_token(&format!("token-{login}"), login);
    }
    site.add_project(PROJECT, Workflow::simple());
    let roles =
        [("o", Role::Administrator), ("ipa", Role::Member), ("ann", Role::Member), ("vic", Role::Viewer)];
    let project = site.projects.get_mut(PROJECT).unwrap();
    project.roles.extend(roles.map(|(login, role)| (login.to_owned(), role)));
    site
}
