//! No secret goes outside in words, and none that comes from there is stored.

use std::sync::Arc;

use ipa_agent::Secrets;
use ipa_events::task::{Change, Ci, News, PublishPolicy, Remark, Review};

use super::shown;

/// Takes the secrets out of what is to be written outside.
pub(super) fn changes(secrets: &Secrets, changes: &mut [(Change, PublishPolicy)]) {
    for (change, _) in changes {
        one_change(secrets, change);
    }
}

/// Takes the secrets out of what was read outside.
pub(super) fn news(secrets: &Secrets, all: &mut [News]) {
    for news in all {
        one_piece(secrets, news);
    }
}

fn one_change(secrets: &Secrets, change: &mut Change) {
    let word = |text: &mut Arc<str>| shown(secrets, text);
    match change {
        Change::OpenPull { title, section, .. } => {
            word(title);
            word(section);
        }
        Change::WriteSection { section: text }
        | Change::Rename { title: text }
        | Change::WriteStatus { text }
        | Change::Comment { text }
        | Change::Reply { text, .. }
        | Change::ReportCheck { summary: text, .. }
        | Change::LinkPull { title: text, .. } => word(text),
        Change::PushBranch(_)
        | Change::DeleteBranch { .. }
        | Change::SetDraft { .. }
        | Change::RequestReviewers { .. }
        | Change::AddLabels { .. }
        | Change::Merge { .. }
        | Change::ClosePull {}
        | Change::MoveTicket { .. } => {}
    }
}

fn one_piece(secrets: &Secrets, news: &mut News) {
    let word = |text: &mut Arc<str>| shown(secrets, text);
    match news {
        News::PullFound { title, .. }
        | News::PullRenamed { title }
        | News::TicketFound { title, .. }
        | News::TicketRenamed { title } => word(title),
        News::Reviewed { review: Review { remark: Remark { text, .. }, .. } }
        | News::Remarked { remark: Remark { text, .. }, .. } => word(text),
        News::CiChanged { ci: Some(Ci { failing, .. }) } => {
            for check in failing {
                word(&mut check.summary);
            }
        }
        News::CiChanged { ci: None }
        | News::PullPushed { .. }
        | News::PullDraft { .. }
        | News::PullMergeable { .. }
        | News::PullSection { .. }
        | News::PullOpen {}
        | News::PullMerged { .. }
        | News::PullClosed { .. }
        | News::ReviewDismissed { .. }
        | News::ThreadOpened { .. }
        | News::ThreadMoved { .. }
        | News::ThreadResolved { .. }
        | News::ThreadGone { .. }
        | News::RemarkGone { .. }
        | News::TicketMoved { .. }
        | News::Gone {} => {}
    }
}
