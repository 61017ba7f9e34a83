//! What was read, against what was known: what is new. Pure.
//!
//! Folding the news into what was known gives what was read, so a second look at the same gives none. What was read
//! late, from before something final, gives none either.

use std::collections::BTreeMap;

use ipa_events::RemoteId;
use ipa_events::task::{News, Pull, PullState, Remark, Thread, Ticket};

/// Lists what is new about a pull request.
pub fn pull_news(before: Option<&Pull>, after: &Pull) -> Vec<News> {
    let mut news = Vec::new();
    let found;
    let before = if let Some(before) = before {
        before
    } else {
        let (title, head, draft, section) =
            (after.title.clone(), after.head.clone(), after.draft, after.section.clone());
        found = Pull { draft, ..Pull::new(title.clone(), head.clone(), section.clone()) };
        news.push(News::PullFound { title, head, draft, section });
        &found
    };
    if let PullState::Merged { .. } = before.state {
        return news;
    }
    differs(&mut news, (&before.title, &after.title), || News::PullRenamed { title: after.title.clone() });
    differs(&mut news, (&before.head, &after.head), || News::PullPushed { head: after.head.clone() });
    differs(&mut news, (&before.draft, &after.draft), || News::PullDraft { draft: after.draft });
    differs(&mut news, (&before.mergeable, &after.mergeable), || News::PullMergeable {
        mergeable: after.mergeable,
    });
    differs(&mut news, (&before.section, &after.section), || News::PullSection {
        section: after.section.clone(),
    });
    reviews(&mut news, before, after);
    threads(&mut news, before, after);
    remarks(&mut news, None, &before.remarks, &after.remarks);
    differs(&mut news, (&before.ci, &after.ci), || News::CiChanged { ci: after.ci.clone() });
    differs(&mut news, (&before.state, &after.state), || match &after.state {
        PullState::Open => News::PullOpen {},
        PullState::Merged { commit, by } => News::PullMerged { commit: commit.clone(), by: by.clone() },
        PullState::Closed { by } => News::PullClosed { by: by.clone() },
    });
    news
}

/// Lists what is new about a ticket.
pub fn ticket_news(before: Option<&Ticket>, after: &Ticket) -> Vec<News> {
    let mut news = Vec::new();
    let Ticket { title, status, category, remarks: after_remarks } = after.clone();
    let Some(before) = before else {
        news.push(News::TicketFound { title, status, category });
        remarks(&mut news, None, &BTreeMap::new(), &after_remarks);
        return news;
    };
    differs(&mut news, (&before.title, &title), || News::TicketRenamed { title: after.title.clone() });
    differs(&mut news, ((&before.status, before.category), (&status, category)), || News::TicketMoved {
        status: after.status.clone(),
        category,
    });
    remarks(&mut news, None, &before.remarks, &after_remarks);
    news
}

fn differs<T: PartialEq>(news: &mut Vec<News>, (before, after): (T, T), what: impl FnOnce() -> News) {
    if before != after {
        news.push(what());
    }
}

fn reviews(news: &mut Vec<News>, before: &Pull, after: &Pull) {
    for (by, review) in &after.reviews {
        if before.reviews.get(by) != Some(review) {
            news.push(News::Reviewed { review: review.clone() });
        }
    }
    let gone = before.reviews.keys().filter(|by| !after.reviews.contains_key(*by));
    news.extend(gone.map(|by| News::ReviewDismissed { by: by.clone() }));
}

fn threads(news: &mut Vec<News>, before: &Pull, after: &Pull) {
    for (id, now) in &after.threads {
        let old = before.threads.get(id).filter(|old| old.path == now.path);
        let opened;
        let old = if let Some(old) = old {
            old
        } else {
            let (thread, path, line) = (id.clone(), now.path.clone(), now.line);
            news.push(News::ThreadOpened { thread, path: path.clone(), line });
            opened = Thread { path, line, resolved: false, remarks: BTreeMap::new() };
            &opened
        };
        remarks(news, Some(id), &old.remarks, &now.remarks);
        differs(news, (&old.line, &now.line), || News::ThreadMoved { thread: id.clone(), line: now.line });
        differs(news, (&old.resolved, &now.resolved), || News::ThreadResolved {
            thread: id.clone(),
            resolved: now.resolved,
        });
    }
    let gone = before.threads.keys().filter(|id| !after.threads.contains_key(*id));
    news.extend(gone.map(|id| News::ThreadGone { thread: id.clone() }));
}

type Remarks = BTreeMap<RemoteId, Remark>;

fn remarks(news: &mut Vec<News>, thread: Option<&RemoteId>, before: &Remarks, after: &Remarks) {
    for (id, remark) in after {
        if before.get(id) != Some(remark) {
            news.push(News::Remarked { thread: thread.cloned(), id: id.clone(), remark: remark.clone() });
        }
    }
    let gone = before.keys().filter(|id| !after.contains_key(*id));
    news.extend(gone.map(|id| News::RemarkGone { thread: thread.cloned(), id: id.clone() }));
}

#[cfg(test)]
mod tests;
