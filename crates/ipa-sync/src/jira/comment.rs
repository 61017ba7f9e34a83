//! Comments: reading those of others, writing ours, and finding ours again by their mark.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Method;
use ipa_events::RemoteId;
use ipa_events::task::Remark;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::mark::{Mark, Sort, Whose, whose};
use super::shape::{Comment, CommentPage, User};
use super::site::{Visit, request_id};
use super::{Flavour, Quiet, adf};
use crate::body::{Body, JIRA_CHARS, inbound};
use crate::channel::parsed;
use crate::clock;
use crate::connector::{Applied, Job};
use crate::error::{ErrorClass, SyncError};
use crate::gate::Effect;

/// So many comments come with a page, and so many pages are read: of more than 500 comments the newest are seen.
const PAGE: usize = 100;
const PAGES: usize = 5;

/// So much earlier than it was queued a comment may be dated, by a clock that is not ours.
const EARLIER: SignedDuration = SignedDuration::from_secs(60);

/// Comments, the newest first.
pub(super) struct Newest {
    pub(super) comments: Vec<Comment>,
    /// Whether older ones were left out.
    pub(super) cut: bool,
}

impl Visit<'_> {
    /// Reads comments, the newest first, as far back as `since` if it is given.
    pub(super) async fn comments(&self, since: Option<Timestamp>) -> Result<Newest, SyncError> {
        let mut comments: Vec<Comment> = Vec::new();
        for _ in 0..PAGES {
            let ask = self.read("reading the comments of", "issue/{}/comment", &[]);
            let ask = ask.query("startAt", comments.len().to_string()).query("maxResults", PAGE.to_string());
            let ask = ask.query("orderBy", "-created").query("expand", "properties");
            let answer = self.send(&ask).await?;
            let page: CommentPage = parsed(&ask, &answer)?;
            let read = page.start_at.saturating_add(page.comments.len());
            let last = page.comments.is_empty() || read >= page.total;
            comments.extend(page.comments);
            // A clock that is behind dates what we write earlier, and never later.
            let behind = clock::ahead(&answer, self.now).unwrap_or_default().min(SignedDuration::ZERO);
            let since = since.and_then(|since| since.checked_add(behind).ok());
            if last || since.is_some_and(|since| reaches_back(&comments, since)) {
                return Ok(Newest { comments, cut: false });
            }
        }
        Ok(Newest { comments, cut: true })
    }

    /// Finds a comment of ours that was written since a time, or at any time.
    async fn find(
        &self,
        since: Option<Timestamp>,
        is: impl Fn(&Mark) -> bool,
    ) -> Result<Option<Comment>, SyncError> {
        let Newest { comments, cut } = self.comments(since).await?;
        let unclear = |detail: &str| {
            SyncError::new(ErrorClass::Unexpected, format!("looking for our comment on {}", self.key), detail)
        };
        let mut unsaid = false;
        for comment in comments {
            match self.whose(&comment) {
                Whose::Ours(mark) if is(&mark) => return Ok(Some(comment)),
                Whose::Ours(_) | Whose::Theirs => {}
                Whose::Unsaid => unsaid = true,
            }
        }
        if unsaid {
            return Err(unclear("Jira does not say which properties the comments of this account have"));
        }
        // One that says how it stands may be older than what is read; then there is a second one.
        if cut && since.is_some() {
            return Err(unclear(
                "there are more new comments than are read; look for it there, then retry or drop",
            ));
        }
        Ok(None)
    }

    pub(super) fn whose(&self, comment: &Comment) -> Whose {
        whose(comment, &self.site.me, self.site.flavour)
    }

    /// Finds the comment that a change has made.
    pub(super) async fn written(&self, job: &Job) -> Result<Option<Comment>, SyncError> {
        let marker = job.marker();
        let since = job.op.queued_at.checked_sub(EARLIER).ok();
        self.find(since, |mark| mark.marker == marker).await
    }

    /// Finds the comment that says how it stands: the one that an earlier change made, or that has the task's mark.
    pub(super) async fn status(&self, job: &Job) -> Result<Option<Comment>, SyncError> {
        if let Some(id) = &job.earlier
            && let Some(comment) = self.comment(id.as_str()).await?
            && let Whose::Ours(Mark { sort: Sort::Status, .. }) = self.whose(&comment)
        {
            return Ok(Some(comment));
        }
        self.find(None, |mark| mark.sort == Sort::Status && mark.is_of(job.target.task)).await
    }

    /// Reads one comment; none: it is not there.
    async fn comment(&self, id: &str) -> Result<Option<Comment>, SyncError> {
        let ask = self
            .read("reading a comment of", "issue/{}/comment/{}", &[id])
            .query("expand", "properties")
            .expecting(&[404]);
        let answer = self.send(&ask).await?;
        if answer.status.as_u16() == 404 { Ok(None) } else { parsed(&ask, &answer).map(Some) }
    }

    /// Writes a comment.
    pub(super) async fn post(&self, job: &Job, sort: Sort, text: &str) -> Result<Applied, SyncError> {
        let body = self.written_as(job, sort, text);
        let change = (Method::POST, body, Effect::Once);
        let ask = self.change(("commenting on", "issue/{}/comment"), &[], change);
        let answer = self.send(&ask).await?;
        let comment: Comment = parsed(&ask, &answer)?;
        Ok(Applied { request_id: request_id(&answer), ..self.as_applied(&comment.id) })
    }

    /// Writes a comment anew, telling nobody if that is allowed.
    pub(super) async fn put(
        &self,
        quiet: &Quiet,
        job: &Job,
        id: &str,
        text: &str,
    ) -> Result<Applied, SyncError> {
        let body = self.written_as(job, Sort::Status, text);
        let change = (Method::PUT, body, Effect::Idempotent);
        let ask = self.change(("editing our comment on", "issue/{}/comment/{}"), &[id], change);
        let answer = match self.site.flavour {
            Flavour::Cloud => quiet.send(self, ask).await?,
            // It knows no such way for comments.
            Flavour::DataCenter => self.send(&ask).await?,
        };
        Ok(Applied { request_id: request_id(&answer), ..self.as_applied(id) })
    }

    /// What was done to a comment, in the form that is recorded.
    pub(super) fn as_applied(&self, id: &str) -> Applied {
        let url = self.site.page_of_comment(self.key, id);
        Applied { remote: id.parse().ok(), url: Some(url.into()), request_id: None }
    }

    /// Renders a comment with its mark, as long as Jira takes it.
    fn written_as(&self, job: &Job, sort: Sort, text: &str) -> Value {
        let mark = Mark::of(job, sort);
        match self.site.flavour {
            Flavour::Cloud => {
                // What counts is not documented; the document's own length is more than any count of what it says.
                let body = Body::markdown(text).cut(JIRA_CHARS, |body| chars(&body.adf().to_string()));
                let hash = job.op.payload_hash.to_string();
                json!({ "body": body.adf(), "properties": [mark.property(&hash)] })
            }
            Flavour::DataCenter => {
                let anchor = format!("\n\n{}", mark.anchor());
                let room = JIRA_CHARS.saturating_sub(chars(&anchor));
                let body = Body::markdown(text).cut(room, |body| chars(&body.wiki()));
                json!({ "body": format!("{}{anchor}", body.wiki()) })
            }
        }
    }

    /// Returns what others wrote, of the newest comments.
    pub(super) async fn remarks(
        &self,
        trust: &super::Trusting,
    ) -> Result<BTreeMap<RemoteId, Remark>, SyncError> {
        let mut remarks = BTreeMap::new();
        for comment in self.comments(None).await?.comments {
            // Of our own account's comments one that may be ours is left out: nobody answers to himself.
            let Whose::Theirs = self.whose(&comment) else { continue };
            let Ok(id) = comment.id.parse::<RemoteId>() else { continue };
            let author = comment.author.clone().unwrap_or_default();
            let trusted = trust.trusts(self, &author).await?;
            remarks.insert(id, remark(&comment, &author, Trusted(trusted)));
        }
        Ok(remarks)
    }
}

struct Trusted(bool);

fn remark(comment: &Comment, author: &User, Trusted(trusted): Trusted) -> Remark {
    let text = comment.body.as_ref().map(adf::text).unwrap_or_default();
    Remark {
        by: author.shown().into(),
        trusted,
        at: comment.at().unwrap_or(Timestamp::UNIX_EPOCH),
        text: Arc::from(inbound::clean(&text).text),
    }
}

/// Tells whether all that was written since a time is among these. One that orders them otherwise has not said so
/// before its last page.
fn reaches_back(comments: &[Comment], since: Timestamp) -> bool {
    let newest_first = comments.iter().map(Comment::at).is_sorted_by(|one, next| one >= next);
    let oldest = comments.last().and_then(Comment::at);
    newest_first && oldest.is_some_and(|oldest| oldest < since)
}

fn chars(text: &str) -> usize {
    text.chars().count()
}
