//! The state of the site and the few things that all endpoints do with it. Knows no HTTP but the answers of those who
//! have no business here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ipa_sync::gate::Clock;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::Flavour;
use super::call::Answer;
use super::model::{Change, Issue, Item, Project, Traffic, Visibility};
use super::news;
use super::people::{Life, Right, Role, Token, User, Who};
use super::text::Checker;
use super::workflow::Workflow;
use crate::peer::{Hooks, Request};

pub(crate) struct Site {
    pub(crate) flavour: Flavour,
    /// `http://127.0.0.1:PORT`.
    pub(crate) base: String,
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) tokens: BTreeMap<String, Token>,
    pub(crate) projects: BTreeMap<String, Project>,
    /// By id.
    pub(crate) issues: BTreeMap<u64, Issue>,
    /// What searches still see, while the index lags behind.
    pub(crate) index: Option<BTreeMap<u64, Issue>>,
    pub(crate) texts: Checker,
    pub(crate) hooks: Hooks,
    /// Our clock.
    pub(crate) clock: Clock,
    /// How far the site's clock is ahead of ours.
    pub(crate) ahead: SignedDuration,
    last_id: u64,
}

impl Site {
    pub(crate) fn new(flavour: Flavour, base: String) -> Self {
        Self {
            flavour,
            base,
            users: BTreeMap::new(),
            tokens: BTreeMap::new(),
            projects: BTreeMap::new(),
            issues: BTreeMap::new(),
            index: None,
            texts: Checker::new(flavour),
            hooks: Hooks::default(),
            clock: Arc::new(Timestamp::now),
            ahead: SignedDuration::ZERO,
            last_id: 10_100,
        }
    }

    /// Where the API begins.
    pub(crate) fn api(&self) -> String {
        format!("{}{}", self.base, self.flavour.api())
    }

    /// Ids grow, over all kinds of things.
    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// The site's clock, in whole milliseconds as Jira keeps it.
    pub(crate) fn now(&self) -> Timestamp {
        let now = (self.clock)() + self.ahead;
        Timestamp::from_millisecond(now.as_millisecond()).unwrap()
    }

    pub(crate) fn add_user(&mut self, login: &str) {
        let number = self.next_id();
        self.users.insert(login.to_owned(), User::new(login, number));
    }

    pub(crate) fn add_token(&mut self, secret: &str, login: &str) {
        self.tokens.insert(secret.to_owned(), Token { login: login.to_owned(), life: Life::Good });
    }

    pub(crate) fn add_project(&mut self, key: &str, workflow: Workflow) {
        let project = Project {
            id: self.next_id(),
            key: key.to_owned(),
            name: format!("Project {key}"),
            workflow,
            roles: BTreeMap::new(),
            group_roles: BTreeMap::new(),
            forbidden: BTreeSet::new(),
            visibility: Visibility::Private,
            last_number: 0,
        };
        self.projects.insert(key.to_owned(), project);
    }

    /// Makes an issue in the first status and returns its id.
    pub(crate) fn add_issue(&mut self, project: &str, by: &str, summary: &str, description: Value) -> u64 {
        let (id, now) = (self.next_id(), self.now());
        let project = self.projects.get_mut(project).unwrap_or_else(|| panic!("no project {project}"));
        project.last_number += 1;
        let issue = Issue {
            id,
            key: format!("{}-{}", project.key, project.last_number),
            former: Vec::new(),
            project: project.key.clone(),
            summary: summary.to_owned(),
            description,
            status: project.workflow.statuses[0].id.clone(),
            resolution: None,
            resolved: None,
            reporter: by.to_owned(),
            assignee: None,
            labels: BTreeSet::new(),
            comments: Vec::new(),
            links: Vec::new(),
            properties: BTreeMap::new(),
            history: Vec::new(),
            created: now,
            updated: now,
            seen_by: None,
            traffic: Traffic::Quiet,
        };
        self.issues.insert(id, issue);
        news::created(self, id, by);
        id
    }

    /// Moves an issue to another project and returns its new key: into the status of the same id there, otherwise into
    /// the first.
    pub(crate) fn relocate(&mut self, id: u64, by: &str, to: &str) -> String {
        let from = self.issues[&id].project.clone();
        let project = self.projects.get_mut(to).unwrap_or_else(|| panic!("no project {to}"));
        project.last_number += 1;
        let key = format!("{to}-{}", project.last_number);
        let statuses = &project.workflow.statuses;
        let first = statuses[0].id.clone();
        let ids: Vec<String> = statuses.iter().map(|status| status.id.clone()).collect();
        let issue = self.issue_mut(id);
        let before = std::mem::replace(&mut issue.key, key.clone());
        to.clone_into(&mut issue.project);
        if !ids.contains(&issue.status) {
            issue.status = first;
        }
        issue.former.push(before.clone());
        self.changed(id, by, vec![Item::text("project", &from, to), Item::text("Key", &before, &key)]);
        key
    }

    /// Who sends a request, and what the header about their login says.
    pub(crate) fn who(&self, request: &Request) -> Result<(Who, &'static str), Answer> {
        let refuse = || Answer::stranger().with(LOGIN, FAILED);
        if request.header("authorization").is_none() {
            return Ok((Who::Nobody, "OK"));
        }
        let token = match self.flavour {
            Flavour::Cloud => request.basic().and_then(|(mail, secret)| {
                let token = self.tokens.get(&secret)?;
                (self.users.get(&token.login)?.mail == mail).then_some(token)
            }),
            Flavour::DataCenter => request.credential("bearer").and_then(|secret| self.tokens.get(secret)),
        };
        match token.map(|token| (token.life, token.login.clone())) {
            Some((Life::Good, login)) => Ok((Who::User(login), "OK")),
            Some((Life::Expired, _)) if self.flavour == Flavour::Cloud => Ok((Who::Nobody, FAILED)),
            Some((Life::Expired | Life::Revoked, _)) | None => Err(refuse()),
        }
    }

    pub(crate) fn project(&self, issue: &Issue) -> &Project {
        &self.projects[&issue.project]
    }

    pub(crate) fn sees(&self, who: &Who, issue: &Issue) -> bool {
        let is_let_in = issue.seen_by.as_ref().is_none_or(|few| few.contains(who.login()));
        self.may(self.project(issue), who.login(), Right::Browse) && is_let_in
    }

    /// The issue of an id or a key, if the sender may see it.
    pub(crate) fn issue(&self, who: &Who, id_or_key: &str) -> Result<&Issue, Answer> {
        let found = self.named(id_or_key).filter(|issue| self.sees(who, issue));
        found.ok_or_else(Answer::no_issue)
    }

    /// The issue of an id or a key, or of a key that it had.
    pub(crate) fn named(&self, id_or_key: &str) -> Option<&Issue> {
        let by_id = id_or_key.parse().ok().and_then(|id: u64| self.issues.get(&id));
        by_id.or_else(|| self.issues.values().find(|issue| issue.goes_by(id_or_key)))
    }

    pub(crate) fn issue_mut(&mut self, id: u64) -> &mut Issue {
        self.issues.get_mut(&id).unwrap_or_else(|| panic!("no issue {id}"))
    }

    /// Somebody's highest role in a project, their own or their groups'.
    pub(crate) fn role(&self, project: &Project, login: &str) -> Option<Role> {
        let groups = self.users.get(login).into_iter().flat_map(|user| &user.groups);
        let theirs = groups.filter_map(|group| project.group_roles.get(group));
        theirs.chain(project.roles.get(login)).copied().max()
    }

    pub(crate) fn may(&self, project: &Project, login: &str, right: Right) -> bool {
        let is_open = right == Right::Browse && project.visibility == Visibility::Public;
        let is_allowed = is_open || self.role(project, login).is_some_and(|role| role.allows(right));
        is_allowed && !project.forbidden.contains(&(login.to_owned(), right))
    }

    /// Marks an issue as changed now and remembers what changed; nothing is nothing.
    pub(crate) fn changed(&mut self, id: u64, by: &str, items: Vec<Item>) {
        let items: Vec<Item> = items.into_iter().filter(|item| item.from != item.to).collect();
        if items.is_empty() {
            return;
        }
        let (change, now) = (self.next_id(), self.now());
        let issue = self.issue_mut(id);
        issue.updated = now;
        issue.history.push(Change { id: change, author: by.to_owned(), at: now, items });
        news::changed(self, id, by);
    }
}

/// The header that says how a login went.
pub(crate) const LOGIN: &str = "x-seraph-loginreason";

const FAILED: &str = "AUTHENTICATED_FAILED";
