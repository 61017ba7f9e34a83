//! What waits for a person, and what the person decides.

use ipa_events::Reference;
use ipa_events::task::Change;
use ipa_pod::{Edge as _, SystemEdge};
use ipa_server::wire::{
    CommandReply, Decision, DecisionInput, List, OpinionRow, Shown, TaskDetail, VerdictWord,
};
use serde_json::{Map, Value};

use super::query::{all, part};
use super::{App, task};
use crate::access;
use crate::cli::{AnswerArgs, DecisionArgs, RejectArgs};
use crate::client::{Client, parse};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Table, plain};

/// `ipa inbox`
pub(super) async fn inbox(app: &App) -> Result<Exit, Failure> {
    let client = access::reading(&app.settings).await?;
    let inbox = all(&client, "/api/v1/inbox").await?;
    app.out.reply(&inbox, |inbox| {
        let inbox: List<Decision> = parse("the inbox", inbox)?;
        let now = SystemEdge.now();
        let mut table = Table::new(&["ID", "KIND", "AGE", "TASK", "WHAT"]);
        for it in &inbox.items {
            let kind = format!("{:?}", it.kind).to_lowercase();
            let age = task::age(it.created_at, now);
            table.row(vec![it.handle.clone(), kind, age, it.task_title.clone(), it.title.clone()]);
        }
        Ok(if table.is_empty() { "nothing needs you\n".to_owned() } else { table.render() })
    })?;
    Ok(Exit::Done)
}

/// `ipa approve`
pub(super) async fn approve(app: &App, args: &DecisionArgs) -> Result<Exit, Failure> {
    // Nobody else is kept waiting while a person reads.
    let decision = find(&access::reading(&app.settings).await?, &args.id).await?;
    // Who names a task has perhaps not seen what is open there.
    if Reference::parse_numbered(&args.id, 'd').is_err() && app.out.can_ask() {
        app.out.note(shown(&decision));
        app.out.prompt(&format!("{}: {}? [y/N]", decision.handle, plain(&decision.title)));
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map_err(Failure::Broken)?;
        if !line.trim().eq_ignore_ascii_case("y") {
            app.out.note("nothing was decided");
            return Ok(Exit::PersonNeeded);
        }
    }
    let input = Input {
        seen: args.seen.as_deref(),
        reason: args.message.as_deref(),
        edited: args.input.as_deref().map(object).transpose()?,
        ..Input::new(VerdictWord::Approve)
    };
    // What is sent names what was shown: if it changed meanwhile, the yes is stale and refused.
    let client = access::writing(&app.settings, app.out, "approve").await?;
    send(app, &client, &decision, input).await
}

/// `ipa reject`
pub(super) async fn reject(app: &App, args: &RejectArgs) -> Result<Exit, Failure> {
    let client = access::writing(&app.settings, app.out, "reject").await?;
    let decision = find(&client, &args.id).await?;
    let input =
        Input { seen: args.seen.as_deref(), reason: Some(&args.message), ..Input::new(VerdictWord::Reject) };
    send(app, &client, &decision, input).await
}

/// `ipa answer`
pub(super) async fn answer(app: &App, args: &AnswerArgs) -> Result<Exit, Failure> {
    let client = access::writing(&app.settings, app.out, "answer").await?;
    let decision = find(&client, &args.id).await?;
    let input = Input { text: Some(&args.text), ..Input::new(VerdictWord::Answer) };
    send(app, &client, &decision, input).await
}

struct Input<'a> {
    verdict: VerdictWord,
    seen: Option<&'a str>,
    reason: Option<&'a str>,
    text: Option<&'a str>,
    edited: Option<Map<String, Value>>,
}

impl Input<'_> {
    const fn new(verdict: VerdictWord) -> Self {
        Self { verdict, seen: None, reason: None, text: None, edited: None }
    }
}

/// Reads what a tool is to do.
fn object(text: &str) -> Result<Map<String, Value>, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::Usage {
        message: format!("the input is no JSON object: {error}"),
        help: "take it from `payload.input` in `ipa inbox --json`, and change it".to_owned(),
    })
}

async fn send(app: &App, client: &Client, decision: &Decision, input: Input<'_>) -> Result<Exit, Failure> {
    let reply = decide(client, decision, input).await?;
    app.out.reply(&reply, |reply| {
        let reply: CommandReply = parse("the reply", reply)?;
        let again = if reply.repeated { " (it was so already)" } else { "" };
        Ok(format!("{} is decided{again}\n", decision.handle))
    })?;
    Ok(Exit::Done)
}

async fn decide(client: &Client, decision: &Decision, input: Input<'_>) -> Result<Value, Failure> {
    let seen = match input.seen {
        None => decision.payload_hash.clone(),
        Some(hash) => hash.parse().map_err(|error: ipa_events::InvalidValue| Failure::Usage {
            message: error.to_string(),
            help: "take it from `payload_hash` in `ipa inbox --json`".to_owned(),
        })?,
    };
    let body = DecisionInput {
        verdict: input.verdict,
        payload_hash: seen,
        reason: input.reason.map(str::to_owned),
        text: input.text.map(str::to_owned),
        input: input.edited,
    };
    client.post(&format!("/api/v1/inbox/{}/decision", decision.id), &body).await
}

/// Decides something that was just shown: yes, or, for a question, with an answer.
pub(crate) async fn settle(client: &Client, decision: &Decision, answer: &Settled) -> Result<(), Failure> {
    let input = match answer {
        Settled::Yes => Input::new(VerdictWord::Approve),
        Settled::No(why) => Input { reason: Some(why), ..Input::new(VerdictWord::Reject) },
        Settled::Text(text) => Input { text: Some(text), ..Input::new(VerdictWord::Answer) },
    };
    decide(client, decision, input).await.map(drop)
}

/// What a person says to something that was just shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Settled {
    /// Yes.
    Yes,
    /// No, and why.
    No(String),
    /// The answer to a question.
    Text(String),
}

/// Lists what waits for a person, the oldest first: a gate that opens by itself is not among it.
pub(crate) fn open(detail: &TaskDetail) -> impl Iterator<Item = &Decision> {
    detail.decisions.iter().filter(|decision| detail.task.open_decisions.contains(&decision.handle))
}

/// Finds the decision that a person means.
async fn find(client: &Client, id: &str) -> Result<Decision, Failure> {
    let missing = |message: String| Failure::NotFound { message, help: "see `ipa inbox`".to_owned() };
    let numbered = Reference::parse_numbered(id, 'd').ok();
    let name = numbered.map_or_else(|| id.to_owned(), |(task, _)| task.to_string());
    let detail: TaskDetail = client.read(&format!("/api/v1/tasks/{}", part(&name)?)).await?;
    if let Some((_, number)) = numbered {
        let found = detail.decisions.iter().find(|decision| decision.id.number == number).cloned();
        return found.ok_or_else(|| missing(format!("there is no decision {id}")));
    }
    let mut open = open(&detail);
    match (open.next(), open.next()) {
        (Some(only), None) => Ok(only.clone()),
        (None, _) => Err(missing(format!("nothing is open in {name}"))),
        (Some(first), Some(second)) => Err(Failure::Usage {
            message: format!(
                "more than one decision is open in {name}: {}, {}, …",
                first.handle, second.handle
            ),
            help: "name one of them".to_owned(),
        }),
    }
}

/// Writes what is asked, for a person who is to decide it.
pub(crate) fn shown(decision: &Decision) -> String {
    let text = match &decision.payload {
        Shown::Gate { document, commit, check_results, others, .. } => {
            let document = document
                .as_ref()
                .map(|it| format!("── {} v{}\n{}\n", it.name, it.version, it.text.trim_end()));
            let commit = commit.as_ref().map(|commit| format!("commit {}\n", commit.short()));
            let checks = check_results
                .iter()
                .map(|check| format!("{} {}\n", if check.passed { "✓" } else { "✗" }, check.command));
            let others = others.iter().map(opinion);
            [document, commit].into_iter().flatten().chain(checks).chain(others).collect()
        }
        Shown::Permission { tool, input, .. } => format!("{tool} {input}"),
        Shown::Question { text, choices, .. } if choices.is_empty() => text.clone(),
        Shown::Question { text, choices, .. } => format!("{text}\n({})", choices.join(" | ")),
        Shown::Publish { resource, changes } => {
            let changes =
                changes.iter().map(|it| format!("\n{}  {}{}", it.op, it.title, written(&it.change)));
            format!("to {resource}:{}", changes.collect::<String>())
        }
        Shown::Escalation { detail, .. } => detail.clone(),
    };
    plain(text.trim_end())
}

/// What others say of a commit in one pull request.
fn opinion(row: &OpinionRow) -> String {
    let said: Vec<String> = row.opinion.says().into_iter().map(|(_, words)| words).collect();
    match said.as_slice() {
        [] => format!("{}: nobody said anything of this commit yet\n", row.pull),
        said => format!("{}: {}\n", row.pull, said.join(", ")),
    }
}

/// The text that a change would write, exactly; nothing for one that writes none.
fn written(change: &Change) -> String {
    change.text().map_or_else(String::new, |text| format!("\n{}", text.trim_end()))
}
