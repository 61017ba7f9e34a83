//! The state of the forge and the few things that all endpoints do with it. Knows no HTTP but the answers of those
//! who have no business here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ipa_sync::gate::Clock;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::api::apps::INSTALLATION;
use super::call::Answer;
use super::git::Git;
use super::limits::Limits;
use super::model::{Issue, Pull, Repo, Visibility};
use super::people::{Kind, Role, Scope, Token, User, Who, check_app_token};
use super::shape;
use crate::peer::Hooks;

pub(crate) struct World {
    /// `http://127.0.0.1:PORT`.
    pub(crate) base: String,
    home: PathBuf,
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) tokens: BTreeMap<String, Token>,
    pub(crate) repos: BTreeMap<String, Repo>,
    pub(crate) limits: Limits,
    pub(crate) hooks: Hooks,
    /// Our clock.
    pub(crate) clock: Clock,
    /// How far the forge's clock is ahead of ours.
    pub(crate) ahead: SignedDuration,
    last_id: u64,
}

/// What a webhook about a pull request tells beside it.
pub(crate) struct News {
    action: &'static str,
    more: Vec<(&'static str, Value)>,
}

impl News {
    pub(crate) fn new<const N: usize>(action: &'static str, more: [(&'static str, Value); N]) -> Self {
        Self { action, more: more.into() }
    }
}

impl From<&'static str> for News {
    fn from(action: &'static str) -> Self {
        Self::new(action, [])
    }
}

/// The login of the app's own user.
pub(crate) const BOT: &str = "ipa-bot[bot]";

impl World {
    pub(crate) fn new(base: String, home: &Path) -> Self {
        Self {
            base,
            home: home.to_owned(),
            users: BTreeMap::new(),
            tokens: BTreeMap::new(),
            repos: BTreeMap::new(),
            limits: Limits::default(),
            hooks: Hooks::default(),
            clock: Arc::new(Timestamp::now),
            ahead: SignedDuration::ZERO,
            last_id: 1000,
        }
    }

    /// Ids grow, over all kinds of things.
    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// The forge's clock, in whole seconds as GitHub writes them.
    pub(crate) fn now(&self) -> Timestamp {
        let now = (self.clock)() + self.ahead;
        Timestamp::from_second(now.as_second()).unwrap()
    }

    pub(crate) fn add_user(&mut self, login: &str, kind: Kind) {
        let id = self.next_id();
        self.users.insert(login.to_owned(), User { login: login.to_owned(), id, kind });
    }

    pub(crate) fn add_token(&mut self, secret: &str, login: &str, scope: Scope) {
        self.tokens.insert(secret.to_owned(), Token { login: login.to_owned(), scope, expires: None });
    }

    /// Makes a repository with one commit on `main`.
    pub(crate) fn add_repo(&mut self, full_name: &str, visibility: Visibility) {
        let (owner, name) = full_name.split_once('/').unwrap();
        let git = Git::init(&self.home.join(format!("{full_name}.git")));
        let repo = Repo {
            id: self.next_id(),
            owner: owner.to_owned(),
            name: name.to_owned(),
            visibility,
            branches: git.branches(),
            git,
            roles: BTreeMap::from([(owner.to_owned(), Role::Owner)]),
            issues: BTreeMap::new(),
            labels: BTreeMap::new(),
            checks: Vec::new(),
            statuses: Vec::new(),
            jobs: Vec::new(),
            hooks: Vec::new(),
            approvals: 0,
        };
        self.repos.insert(full_name.to_owned(), repo);
    }

    /// The sender of a call, from its credential; 401 for a credential that is none.
    pub(crate) fn who(&self, credential: Option<&str>) -> Result<Who, Answer> {
        let Some(credential) = credential else { return Ok(Who::Nobody) };
        if credential.starts_with("ey") {
            return check_app_token(credential, self.now()).map(|()| Who::App);
        }
        let bad = || Answer::message(401, "Bad credentials");
        let token = self.tokens.get(credential).ok_or_else(bad)?;
        if token.expires.is_some_and(|end| end <= self.now()) {
            return Err(bad());
        }
        Ok(Who::User { login: token.login.clone(), scope: token.scope.clone() })
    }

    /// The repository, if the sender may see it; 404 when it is private to them.
    pub(crate) fn repo(&self, full_name: &str, who: &Who) -> Result<&Repo, Answer> {
        let repo = self.repos.get(full_name).ok_or_else(Answer::not_found)?;
        let is_visible = repo.visibility == Visibility::Public || repo.role(who.login()).is_some();
        if is_visible { Ok(repo) } else { Err(Answer::not_found()) }
    }

    pub(crate) fn repo_mut(&mut self, full_name: &str) -> Result<&mut Repo, Answer> {
        self.repos.get_mut(full_name).ok_or_else(Answer::not_found)
    }

    pub(crate) fn issue_mut(&mut self, full_name: &str, number: u64) -> Result<&mut Issue, Answer> {
        self.repo_mut(full_name)?.issues.get_mut(&number).ok_or_else(Answer::not_found)
    }

    pub(crate) fn pull_mut(&mut self, full_name: &str, number: u64) -> Result<&mut Pull, Answer> {
        self.issue_mut(full_name, number)?.pull.as_mut().ok_or_else(Answer::not_found)
    }

    pub(crate) fn issue(&self, full_name: &str, number: u64) -> Result<(&Repo, &Issue), Answer> {
        let repo = self.repos.get(full_name).ok_or_else(Answer::not_found)?;
        Ok((repo, repo.issues.get(&number).ok_or_else(Answer::not_found)?))
    }

    pub(crate) fn pull(&self, full_name: &str, number: u64) -> Result<(&Repo, &Issue, &Pull), Answer> {
        let (repo, issue) = self.issue(full_name, number)?;
        Ok((repo, issue, issue.pull.as_ref().ok_or_else(Answer::not_found)?))
    }

    /// Marks an issue as changed now.
    pub(crate) fn touch(&mut self, full_name: &str, number: u64) -> Result<(), Answer> {
        let now = self.now();
        self.issue_mut(full_name, number)?.updated = now;
        Ok(())
    }

    /// Queues a webhook: the payload, with the repository and who did it.
    pub(crate) fn tell(&mut self, full_name: &str, event: &str, by: &str, mut payload: Value) {
        let Some(repo) = self.repos.get(full_name) else { return };
        payload["repository"] = shape::repo::full(self, repo);
        payload["sender"] = shape::user::simple(self, by);
        payload["installation"] = json!({ "id": INSTALLATION, "node_id": "installation" });
        let (now, repo) = (self.now(), repo.id);
        self.hooks.queue(event, repo, &payload, now);
    }

    /// Takes notice of what was pushed: pull requests follow their branches.
    pub(crate) fn look_at_branches(&mut self, full_name: &str, by: &str) {
        let Some(repo) = self.repos.get_mut(full_name) else { return };
        let before = std::mem::replace(&mut repo.branches, repo.git.branches());
        let after = repo.branches.clone();
        let all: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for branch in all.into_iter().filter(|branch| before.get(*branch) != after.get(*branch)) {
            let (old, new) = (before.get(branch), after.get(branch));
            self.tell(full_name, "push", by, shape::push::payload(branch, old, new, by));
            match new {
                Some(new) => self.moved(full_name, branch, new, by),
                None => self.gone(full_name, branch, by),
            }
        }
    }

    fn moved(&mut self, full_name: &str, branch: &str, commit: &str, by: &str) {
        let now = self.now();
        let Some(repo) = self.repos.get_mut(full_name) else { return };
        let mut synchronized = Vec::new();
        let mut before = String::new();
        for issue in repo.issues.values_mut().filter(|issue| issue.closed.is_none()) {
            let Some(pull) = issue.pull.as_mut() else { continue };
            if pull.head.branch == branch {
                before = std::mem::replace(&mut pull.head.commit, commit.to_owned());
                issue.updated = now;
                synchronized.push(issue.number);
            } else if pull.base.branch == branch {
                commit.clone_into(&mut pull.base.commit);
            }
        }
        for number in synchronized {
            let more = [("before", json!(before)), ("after", json!(commit))];
            self.tell_pull(full_name, number, News::new("synchronize", more), by);
        }
    }

    /// A pull request whose branch is gone is closed.
    fn gone(&mut self, full_name: &str, branch: &str, by: &str) {
        let now = self.now();
        let Some(repo) = self.repos.get_mut(full_name) else { return };
        let numbers: Vec<u64> = repo.open_from(branch).map(|issue| issue.number).collect();
        for number in numbers {
            if let Ok(issue) = self.issue_mut(full_name, number) {
                issue.closed = Some(now);
                issue.updated = now;
            }
            self.tell_pull(full_name, number, "closed", by);
        }
    }

    /// Queues a `pull_request` webhook.
    pub(crate) fn tell_pull(&mut self, full_name: &str, number: u64, news: impl Into<News>, by: &str) {
        let Ok((repo, issue, pull)) = self.pull(full_name, number) else { return };
        let shown = shape::pull::full(self, repo, issue, pull);
        let News { action, more } = news.into();
        let mut payload = json!({ "action": action, "number": number, "pull_request": shown });
        for (name, value) in more {
            payload[name] = value;
        }
        self.tell(full_name, "pull_request", by, payload);
    }
}
