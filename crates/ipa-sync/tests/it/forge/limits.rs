//! How many requests each user has left in the hour. The short-lived secondary limits are faults of a test.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::Answer;

#[derive(Debug, Default)]
pub(crate) struct Limits {
    buckets: BTreeMap<(String, String), Bucket>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    limit: u64,
    used: u64,
    reset: i64,
}

impl Limits {
    /// Leaves a user so many requests until then.
    pub(crate) fn leave(&mut self, login: &str, resource: &str, remaining: u64, reset: Timestamp) {
        let bucket = Bucket { limit: 5000, used: 5000 - remaining, reset: reset.as_second() };
        self.buckets.insert((login.to_owned(), resource.to_owned()), bucket);
    }

    /// Counts a request; a 403 when there is none left.
    pub(crate) fn take(&mut self, login: &str, resource: &str, now: Timestamp) -> Result<(), Answer> {
        let bucket = self.bucket(login, resource, now);
        if bucket.used >= bucket.limit {
            return Err(Answer::message(403, &format!("API rate limit exceeded for user {login}.")));
        }
        bucket.used += 1;
        Ok(())
    }

    /// Gives a request back: an answer of 304 costs nothing.
    pub(crate) fn give_back(&mut self, login: &str, resource: &str, now: Timestamp) {
        let bucket = self.bucket(login, resource, now);
        bucket.used = bucket.used.saturating_sub(1);
    }

    pub(crate) fn headers(&mut self, login: &str, resource: &str, now: Timestamp) -> Vec<(String, String)> {
        let Bucket { limit, used, reset } = *self.bucket(login, resource, now);
        [
            ("x-ratelimit-limit", limit.to_string()),
            ("x-ratelimit-remaining", (limit - used).to_string()),
            ("x-ratelimit-used", used.to_string()),
            ("x-ratelimit-reset", reset.to_string()),
            ("x-ratelimit-resource", resource.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    pub(crate) fn shown(&mut self, login: &str, resource: &str, now: Timestamp) -> Value {
        let Bucket { limit, used, reset } = *self.bucket(login, resource, now);
        json!({ "limit": limit, "used": used, "remaining": limit - used, "reset": reset })
    }

    fn bucket(&mut self, login: &str, resource: &str, now: Timestamp) -> &mut Bucket {
        let full = Bucket { limit: 5000, used: 0, reset: now.as_second() + 3600 };
        let bucket = self.buckets.entry((login.to_owned(), resource.to_owned())).or_insert(full);
        if bucket.reset <= now.as_second() {
            *bucket = full;
        }
        bucket
    }
}
