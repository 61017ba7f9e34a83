//! What an event about the outside says, in a line for people.

use ipa_events::task::{Change, CiState, Link, News, Remark, Review, ReviewVerdict};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Says what an event about the outside tells; none for other events, and for one that nobody understands.
pub(crate) fn told(kind: &str, payload: &Value) -> Option<String> {
    let text = |name: &str| payload.get(name).and_then(Value::as_str);
    // An id is that of the task, and the operation's own.
    let op = || text("op").map(|id| id.rsplit('.').next().unwrap_or(id));
    Some(match kind {
        "sync.queued" => format!("{} {}", op()?, read::<Change>(payload, "change")?.title()),
        "sync.attempt_started" => format!("{} attempt {}", op()?, payload.get("attempt")?),
        "sync.sent" => match text("url").or(text("remote")) {
            Some(what) => format!("{} is there: {what}", op()?),
            None => format!("{} is there", op()?),
        },
        "sync.doubted" | "sync.failed" | "sync.dead" => format!("{} {}", op()?, text("detail")?),
        "sync.superseded" => format!("{} is not wanted any more", op()?),
        "external.linked" => format!("{} is {}", text("resource")?, read::<Link>(payload, "link")?.remote),
        "external.changed" => format!("{}: {}", text("resource")?, news(&read(payload, "news")?)),
        _ => return None,
    })
}

fn read<T: DeserializeOwned>(payload: &Value, name: &str) -> Option<T> {
    T::deserialize(payload.get(name)?).ok()
}

fn news(news: &News) -> String {
    let by = |who: &Option<_>| {
        who.as_ref().map_or_else(String::new, |who: &std::sync::Arc<str>| format!(" by {who}"))
    };
    match news {
        News::PullFound { title, draft: true, .. } => format!("there is a draft: {title}"),
        News::PullFound { title, draft: false, .. } => format!("there is a pull request: {title}"),
        News::PullRenamed { title } | News::TicketRenamed { title } => format!("it is called {title}"),
        News::PullPushed { head } => format!("its newest commit is {}", head.short()),
        News::PullDraft { draft: true } => "it is a draft".to_owned(),
        News::PullDraft { draft: false } => "it is ready for review".to_owned(),
        News::PullMergeable { mergeable: Some(true) } => "it can be merged".to_owned(),
        News::PullMergeable { mergeable: Some(false) } => "it cannot be merged".to_owned(),
        News::PullMergeable { mergeable: None } => "whether it can be merged is being found out".to_owned(),
        News::PullSection { section: Some(_) } => "our section of its text was changed".to_owned(),
        News::PullSection { section: None } => "our section of its text was taken out".to_owned(),
        News::PullOpen {} => "it is open again".to_owned(),
        News::PullMerged { by: who, .. } => format!("it was merged{}", by(who)),
        News::PullClosed { by: who } => format!("it was closed{}", by(who)),
        News::Reviewed { review } => reviewed(review),
        News::ReviewDismissed { by } => format!("the review of {by} was dismissed"),
        News::ThreadOpened { path, line, .. } => format!("a thread begins on {path}{}", at(*line)),
        News::ThreadMoved { thread, line } => format!("the thread {thread} moved{}", at(*line)),
        News::ThreadResolved { thread, resolved: true } => format!("the thread {thread} is settled"),
        News::ThreadResolved { thread, resolved: false } => format!("the thread {thread} is open again"),
        News::ThreadGone { thread } => format!("the thread {thread} is gone"),
        News::Remarked { remark, .. } => format!("{} says: {}", remark.by, first_line(remark)),
        News::RemarkGone { id, .. } => format!("the comment {id} is gone"),
        News::CiChanged { ci: None } => "it has no checks".to_owned(),
        News::CiChanged { ci: Some(ci) } => match ci.state {
            CiState::Pending => format!("the checks of {} are running", ci.commit.short()),
            CiState::Passed => format!("the checks of {} passed", ci.commit.short()),
            CiState::Failed => format!("the checks of {} failed", ci.commit.short()),
        },
        News::TicketFound { title, status, .. } => format!("there is a ticket, {status}: {title}"),
        News::TicketMoved { status, .. } => format!("it is {status}"),
        News::Gone {} => "it is gone".to_owned(),
    }
}

fn reviewed(review: &Review) -> String {
    let Review { remark, commit, .. } = review;
    match review.verdict {
        ReviewVerdict::Approved => format!("{} approves {}", remark.by, commit.short()),
        ReviewVerdict::ChangesRequested => format!("{} wants {} changed", remark.by, commit.short()),
    }
}

fn at(line: Option<u32>) -> String {
    line.map_or_else(String::new, |line| format!(":{line}"))
}

fn first_line(remark: &Remark) -> &str {
    remark.text.trim().lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_happened_outside_is_told_in_a_line() {
        let remark =
            json!({ "by": "ann", "trusted": true, "at": "2026-11-27T10:00:00Z", "text": "more\nof it" });
        let said = json!({ "what": "remarked", "thread": "7", "id": "7", "remark": remark });
        let changed = json!({ "resource": "hub/pull/x", "news": said });
        assert_eq!(told("external.changed", &changed).unwrap(), "hub/pull/x: ann says: more");
        let moved = json!({ "what": "ticket_moved", "status": "Done", "category": "done" });
        let changed = json!({ "resource": "desk/ticket/P-1", "news": moved });
        assert_eq!(told("external.changed", &changed).unwrap(), "desk/ticket/P-1: it is Done");
        let queued = json!({ "op": "2153df05.o3", "change": { "kind": "move_ticket", "to": "done" } });
        assert_eq!(told("sync.queued", &queued).unwrap(), "o3 move the ticket to done");
        let sent = json!({ "op": "2153df05.o3", "remote": "P-1", "url": null });
        assert_eq!(told("sync.sent", &sent).unwrap(), "o3 is there: P-1");
    }

    #[test]
    fn what_is_not_about_the_outside_or_not_understood_is_told_by_nobody() {
        assert_eq!(told("task.created", &json!({ "title": "x" })), None);
        assert_eq!(
            told("external.changed", &json!({ "resource": "a/pull/b", "news": { "what": "new" } })),
            None
        );
        assert_eq!(told("sync.queued", &json!("cut")), None);
    }
}
