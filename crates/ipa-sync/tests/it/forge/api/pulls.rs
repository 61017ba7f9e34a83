//! Pull requests: list, open, look, edit.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{not_too_long, ordered};
use crate::forge::call::{Answer, Call, Outcome};
use crate::forge::model::{Issue, Pull, Repo, Stage, Tip};
use crate::forge::shape;
use crate::forge::world::{News, World};
use crate::peer::http_date;

const RESOURCE: &str = "PullRequest";

pub(crate) fn list(world: &mut World, call: &Call) -> Outcome {
    let repo = world.repo(&call.repo(), &call.who)?;
    // A head without an owner is no filter at all, as on GitHub.
    let head = call.query("head").and_then(|head| head.split_once(':'));
    let state = call.query("state").unwrap_or("open");
    let mut found: Vec<(&Issue, &Pull)> = repo
        .issues
        .values()
        .filter_map(|issue| Some((issue, issue.pull.as_ref()?)))
        .filter(|(issue, _)| state == "all" || state == shape::issue::state(issue))
        .filter(|(_, pull)| {
            head.is_none_or(|(owner, branch)| owner == repo.owner && branch == pull.head.branch)
        })
        .filter(|(_, pull)| call.query("base").is_none_or(|base| base == pull.base.branch))
        .collect();
    ordered(
        call,
        &mut found,
        |(issue, _)| (issue.created, issue.number),
        |(issue, _)| (issue.updated, issue.number),
    );
    // The newest first, unless another order is asked for.
    if call.query("sort").is_none_or(|sort| sort == "created") && call.query("direction").is_none() {
        found.reverse();
    }
    let shown = found.iter().map(|(issue, pull)| shape::pull::simple(world, repo, issue, pull));
    Answer::ok(shown.collect())
}

pub(crate) fn create(world: &mut World, call: &Call) -> Outcome {
    let (key, by) = (call.repo(), call.who.login().to_owned());
    let repo = world.repo(&key, &call.who)?;
    let Some(title) = call.text("title").filter(|title| !title.trim().is_empty()) else {
        return Err(Answer::invalid_field(RESOURCE, "title", "missing_field"));
    };
    not_too_long(call.text("body").unwrap_or_default(), RESOURCE)?;
    let (head, base) = (head_of(repo, call)?, base_of(repo, call)?);
    if repo.git.size(&base.commit, &head.commit).commits == 0 {
        let message = format!("No commits between {} and {}", base.branch, head.branch);
        return Err(Answer::refused(RESOURCE, &message));
    }
    let same_base = |issue: &Issue| issue.pull.as_ref().is_some_and(|pull| pull.base.branch == base.branch);
    if repo.open_from(&head.branch).any(same_base) {
        let message = format!("A pull request already exists for {}:{}.", repo.owner, head.branch);
        return Err(Answer::refused(RESOURCE, &message));
    }
    let number = repo.next_number();
    let is_draft = call.body.get("draft").and_then(Value::as_bool) == Some(true);
    let pull = Pull {
        head,
        base,
        stage: if is_draft { Stage::Draft } else { Stage::Ready },
        merged: None,
        reviewers: BTreeSet::new(),
        reviews: Vec::new(),
        notes: Vec::new(),
        resolved: BTreeMap::new(),
        tried: None,
    };
    let (id, now) = (world.next_id(), world.now());
    let issue = Issue {
        id,
        number,
        user: by.clone(),
        title: title.to_owned(),
        body: call.text("body").map(str::to_owned),
        labels: BTreeSet::new(),
        comments: Vec::new(),
        created: now,
        updated: now,
        closed: None,
        locked: false,
        pull: Some(pull),
    };
    world.repo_mut(&key)?.issues.insert(number, issue);
    world.tell_pull(&key, number, "opened", &by);
    let (repo, issue, pull) = world.pull(&key, number)?;
    Answer::created(shape::pull::full(world, repo, issue, pull))
}

pub(crate) fn look(world: &mut World, call: &Call) -> Outcome {
    let (key, number) = (call.repo(), call.number("pull_number")?);
    let (repo, issue, pull) = world.pull(&key, number)?;
    let (shown, changed) = (shape::pull::full(world, repo, issue, pull), issue.updated);
    // Asking is what makes GitHub work out whether it merges; the answer comes with the next look.
    let pull = world.pull_mut(&key, number)?;
    pull.tried = Some((pull.head.commit.clone(), pull.base.commit.clone()));
    Ok(Answer::new(200, shown).with("last-modified", http_date(changed)))
}

pub(crate) fn edit(world: &mut World, call: &Call) -> Outcome {
    let (key, number) = (call.repo(), call.number("pull_number")?);
    let by = call.who.login();
    world.pull(&key, number)?;
    not_too_long(call.text("body").unwrap_or_default(), RESOURCE)?;
    if let Some(state) = call.text("state") {
        set_state(world, &key, number, state, by)?;
    }
    let base = call.text("base").map(|_| base_of(world.repo(&key, &call.who)?, call)).transpose()?;
    let issue = world.issue_mut(&key, number)?;
    let before = (issue.title.clone(), issue.body.clone(), issue.pull.as_ref().map(|pull| pull.base.clone()));
    if let Some(title) = call.text("title") {
        title.clone_into(&mut issue.title);
    }
    if let Some(body) = call.text("body") {
        issue.body = Some(body.to_owned());
    }
    if let (Some(base), Some(pull)) = (base, issue.pull.as_mut()) {
        pull.base = base;
    }
    let after = (issue.title.clone(), issue.body.clone(), issue.pull.as_ref().map(|pull| pull.base.clone()));
    if after != before {
        world.touch(&key, number)?;
        let changes = json!({ "title": { "from": before.0 }, "body": { "from": before.1 } });
        world.tell_pull(&key, number, News::new("edited", [("changes", changes)]), by);
    }
    let (repo, issue, pull) = world.pull(&key, number)?;
    Answer::ok(shape::pull::full(world, repo, issue, pull))
}

/// Closes or opens again; what is merged stays so, and a branch that is gone opens nothing.
fn set_state(world: &mut World, key: &str, number: u64, state: &str, by: &str) -> Result<(), Answer> {
    let now = world.now();
    let (repo, issue, pull) = world.pull(key, number)?;
    let refuse = |why: String| Err(Answer::refused(RESOURCE, &format!("state cannot be changed. {why}")));
    let is_change = shape::issue::state(issue) != state;
    if is_change && pull.merged.is_some() {
        return refuse("The pull request is merged.".to_owned());
    }
    let head = repo.git.head(&pull.head.branch);
    match (is_change, state, head) {
        (false, ..) => Ok(()),
        (true, "open", None) => refuse(format!("The {} branch has been deleted.", pull.head.branch)),
        (true, "open", Some(head)) => {
            let issue = world.issue_mut(key, number)?;
            (issue.closed, issue.updated) = (None, now);
            world.pull_mut(key, number)?.head.commit = head;
            world.tell_pull(key, number, "reopened", by);
            Ok(())
        }
        (true, ..) => {
            let issue = world.issue_mut(key, number)?;
            (issue.closed, issue.updated) = (Some(now), now);
            world.tell_pull(key, number, "closed", by);
            Ok(())
        }
    }
}

fn head_of(repo: &Repo, call: &Call) -> Result<Tip, Answer> {
    let head = call.text("head").unwrap_or_default();
    let branch = head.strip_prefix(&format!("{}:", repo.owner)).unwrap_or(head);
    tip(repo, branch).ok_or_else(|| Answer::invalid_field(RESOURCE, "head", "invalid"))
}

fn base_of(repo: &Repo, call: &Call) -> Result<Tip, Answer> {
    tip(repo, call.text("base").unwrap_or_default())
        .ok_or_else(|| Answer::invalid_field(RESOURCE, "base", "invalid"))
}

fn tip(repo: &Repo, branch: &str) -> Option<Tip> {
    Some(Tip { branch: branch.to_owned(), commit: repo.git.head(branch)? })
}
