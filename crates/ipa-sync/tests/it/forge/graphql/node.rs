//! The things of GraphQL, and what their fields are.

use serde_json::{Value, json};

use super::parse::Field;
use crate::forge::call::Call;
use crate::forge::model::{Comment, Issue, Note, Pull, Repo, Review, Stage};
use crate::forge::people::Kind;
use crate::forge::shape;
use crate::forge::world::World;

/// Something with fields, and all that belongs to it.
#[derive(Clone, Copy)]
pub(super) enum Node<'w> {
    Viewer,
    Actor(&'w str),
    Repository(&'w Repo),
    Pull(&'w Repo, &'w Issue, &'w Pull),
    Thread(&'w Repo, &'w Issue, &'w Pull, &'w Note),
    Note(&'w Repo, &'w Issue, &'w Pull, &'w Note),
    Review(&'w Repo, &'w Issue, &'w Review),
    Comment(&'w Repo, &'w Issue, &'w Comment),
}

/// What a field is.
pub(super) enum Found<'w> {
    Value(Value),
    One(Option<Node<'w>>),
    Many(Vec<Node<'w>>),
}

/// What a node id names.
pub(super) fn node<'w>(world: &'w World, id: &str) -> Option<Node<'w>> {
    let (kind, number) = id.split_once('_')?;
    let number: u64 = number.parse().ok()?;
    let issues = world.repos.values().flat_map(|repo| repo.issues.values().map(move |issue| (repo, issue)));
    let mut pulls = issues.clone().filter_map(|(repo, issue)| Some((repo, issue, issue.pull.as_ref()?)));
    match kind {
        "PR" => pulls
            .find(|(_, issue, _)| issue.id == number)
            .map(|(repo, issue, pull)| Node::Pull(repo, issue, pull)),
        "PRRT" | "PRRC" => pulls.find_map(|(repo, issue, pull)| {
            let note = pull.notes.iter().find(|note| note.id == number)?;
            let is_thread = kind == "PRRT" && note.answers.is_none();
            let node = if is_thread {
                Node::Thread(repo, issue, pull, note)
            } else {
                Node::Note(repo, issue, pull, note)
            };
            (is_thread || kind == "PRRC").then_some(node)
        }),
        "PRR" => pulls.find_map(|(repo, issue, pull)| {
            let review = pull.reviews.iter().find(|review| review.id == number)?;
            Some(Node::Review(repo, issue, review))
        }),
        "IC" => issues.into_iter().find_map(|(repo, issue)| {
            let comment = issue.comments.iter().find(|comment| comment.id == number)?;
            Some(Node::Comment(repo, issue, comment))
        }),
        _ => None,
    }
}

impl<'w> Node<'w> {
    pub(super) fn kind(self, world: &World) -> &'static str {
        match self {
            Self::Viewer => "User",
            Self::Actor(login) => match world.users.get(login).map(|user| user.kind) {
                Some(Kind::Bot) => "Bot",
                Some(Kind::Person) | None => "User",
            },
            Self::Repository(_) => "Repository",
            Self::Pull(..) => "PullRequest",
            Self::Thread(..) => "PullRequestReviewThread",
            Self::Note(..) => "PullRequestReviewComment",
            Self::Review(..) => "PullRequestReview",
            Self::Comment(..) => "IssueComment",
        }
    }

    pub(super) fn field(self, world: &'w World, call: &Call, field: &Field) -> Option<Found<'w>> {
        match self {
            Self::Viewer => scalar(actor(world, call.who.login()), &field.name),
            Self::Actor(login) => scalar(actor(world, login), &field.name),
            Self::Repository(repo) => repository(repo, field),
            Self::Pull(repo, issue, pull) => pull_field(world, (repo, issue, pull), &field.name),
            Self::Thread(repo, issue, pull, first) => thread(repo, issue, pull, first, &field.name),
            Self::Note(repo, issue, pull, note) => note_field(world, (repo, issue, pull), note, &field.name),
            Self::Review(repo, issue, review) => match field.name.as_str() {
                "author" => Some(Found::One(Some(Self::Actor(&review.user)))),
                name => scalar(renamed(shape::review::review(world, repo, issue, review)), name),
            },
            Self::Comment(repo, issue, comment) => match field.name.as_str() {
                "author" => Some(Found::One(Some(Self::Actor(&comment.user)))),
                "isMinimized" => Some(Found::Value(comment.minimized.is_some().into())),
                "minimizedReason" => Some(Found::Value(json!(comment.minimized))),
                name => scalar(renamed(shape::issue::comment(world, repo, issue, comment)), name),
            },
        }
    }
}

/// A field of what REST would show, under GraphQL's names.
fn scalar(shown: Value, name: &str) -> Option<Found<'static>> {
    shown.get(name).cloned().map(Found::Value)
}

const RENAMED: [(&str, &str); 13] = [
    ("id", "node_id"),
    ("databaseId", "id"),
    ("url", "html_url"),
    ("body", "body"),
    ("state", "state"),
    ("createdAt", "created_at"),
    ("updatedAt", "updated_at"),
    ("submittedAt", "submitted_at"),
    ("path", "path"),
    ("line", "line"),
    ("diffHunk", "diff_hunk"),
    ("authorAssociation", "author_association"),
    ("login", "login"),
];

fn renamed(shown: Value) -> Value {
    let fields = RENAMED.iter().filter_map(|(new, old)| Some(((*new).to_owned(), shown.get(*old)?.clone())));
    fields.collect::<serde_json::Map<_, _>>().into()
}

fn actor(world: &World, login: &str) -> Value {
    renamed(shape::user::simple(world, login))
}

fn repository<'w>(repo: &'w Repo, field: &Field) -> Option<Found<'w>> {
    match field.name.as_str() {
        "id" => Some(Found::Value(format!("R_{}", repo.id).into())),
        "nameWithOwner" => Some(Found::Value(repo.full_name().into())),
        "pullRequest" => {
            let number = field.args.get("number").and_then(Value::as_u64)?;
            let found = repo.issues.get(&number);
            Some(Found::One(found.and_then(|issue| Some(Node::Pull(repo, issue, issue.pull.as_ref()?)))))
        }
        _ => None,
    }
}

fn pull_field<'w>(
    world: &'w World,
    (repo, issue, pull): (&'w Repo, &'w Issue, &'w Pull),
    name: &str,
) -> Option<Found<'w>> {
    let value = match name {
        "author" => return Some(Found::One(Some(Node::Actor(&issue.user)))),
        "reviewThreads" => {
            let firsts = pull.notes.iter().filter(|note| note.answers.is_none());
            return Some(Found::Many(firsts.map(|note| Node::Thread(repo, issue, pull, note)).collect()));
        }
        "reviews" => {
            let all = pull.reviews.iter().map(|review| Node::Review(repo, issue, review));
            return Some(Found::Many(all.collect()));
        }
        "comments" => {
            let all = issue.comments.iter().map(|comment| Node::Comment(repo, issue, comment));
            return Some(Found::Many(all.collect()));
        }
        "number" => issue.number.into(),
        "title" => issue.title.clone().into(),
        "body" => issue.body.clone().unwrap_or_default().into(),
        "isDraft" => (pull.stage == Stage::Draft).into(),
        "merged" => pull.merged.is_some().into(),
        "headRefName" => pull.head.branch.clone().into(),
        "headRefOid" => pull.head.commit.clone().into(),
        "baseRefName" => pull.base.branch.clone().into(),
        "state" if pull.merged.is_some() => "MERGED".into(),
        "state" => shape::issue::state(issue).to_uppercase().into(),
        "reviewDecision" => review_decision(repo, pull),
        _ => return scalar(renamed(shape::pull::simple(world, repo, issue, pull)), name),
    };
    Some(Found::Value(value))
}

/// None where no review is required.
fn review_decision(repo: &Repo, pull: &Pull) -> Value {
    match () {
        () if repo.approvals == 0 => Value::Null,
        () if pull.changes_are_requested() => "CHANGES_REQUESTED".into(),
        () if pull.approvals() >= repo.approvals => "APPROVED".into(),
        () => "REVIEW_REQUIRED".into(),
    }
}

fn thread<'w>(
    repo: &'w Repo,
    issue: &'w Issue,
    pull: &'w Pull,
    first: &'w Note,
    name: &str,
) -> Option<Found<'w>> {
    let value = match name {
        "comments" => {
            let all = pull.notes.iter().filter(|note| note.id == first.id || note.answers == Some(first.id));
            return Some(Found::Many(all.map(|note| Node::Note(repo, issue, pull, note)).collect()));
        }
        "resolvedBy" => return Some(Found::One(pull.resolved.get(&first.id).map(|by| Node::Actor(by)))),
        "pullRequest" => return Some(Found::One(Some(Node::Pull(repo, issue, pull)))),
        "id" => format!("PRRT_{}", first.id).into(),
        "isResolved" => pull.resolved.contains_key(&first.id).into(),
        "isOutdated" => (first.commit != pull.head.commit).into(),
        "path" => first.path.clone().into(),
        "line" => first.line.into(),
        _ => return None,
    };
    Some(Found::Value(value))
}

fn note_field<'w>(
    world: &'w World,
    (repo, issue, pull): (&'w Repo, &'w Issue, &'w Pull),
    note: &'w Note,
    name: &str,
) -> Option<Found<'w>> {
    match name {
        "author" => Some(Found::One(Some(Node::Actor(&note.user)))),
        "replyTo" => {
            let first = pull.notes.iter().find(|other| Some(other.id) == note.answers);
            Some(Found::One(first.map(|first| Node::Note(repo, issue, pull, first))))
        }
        "pullRequestReview" => {
            let review = pull.reviews.iter().find(|review| review.id == note.review);
            Some(Found::One(review.map(|review| Node::Review(repo, issue, review))))
        }
        "commit" => Some(Found::Value(json!({ "oid": note.commit }))),
        _ => scalar(renamed(shape::review::note(world, repo, issue, note)), name),
    }
}
