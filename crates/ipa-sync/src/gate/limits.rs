//! What an answer of GitHub or Jira says about further requests. Pure, and never more than an answer can mean:
//! whatever a header holds, a pause is between a second and an hour.

use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};
use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// The shortest pause: who is told "in 0 s" does not ask again in the same moment.
pub(super) const SHORTEST: Duration = Duration::from_secs(1);

/// The longest pause. GitHub and Jira count by the hour, so after one it is worth a request to ask again.
pub(super) const LONGEST: Duration = Duration::from_hours(1);

/// How much of a body is searched for words about limits, in bytes.
const SEARCHED: usize = 4096;

/// The longest text about missing rights that is kept, in characters.
const LONGEST_NEEDS: usize = 300;

/// Jira's words for a credential that is wrong, and for one that it does not look at before a CAPTCHA is solved.
const LOGIN_REFUSED: [&str; 2] = ["AUTHENTICATED_FAILED", CAPTCHA];
pub(super) const CAPTCHA: &str = "AUTHENTICATION_DENIED";

/// What an answer says about further requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limit {
    /// Nothing.
    None,
    /// There are to be none for a while.
    Pause {
        /// Which.
        scope: Scope,
        /// For how long.
        length: Length,
    },
    /// The credential is not accepted.
    Credential,
    /// The credential may not do this.
    Permission {
        /// What it needs and what it has, as far as the answer says; may be empty.
        needs: String,
    },
}

/// Which requests are to pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All with this credential.
    Credential,
    /// Searches.
    Search,
    /// Those with the same method to the same endpoint.
    Endpoint,
    /// Those that concern the same issue.
    Subject,
}

/// How long a pause is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// So long.
    For(Duration),
    /// The answer does not say; who pauses so again and again pauses longer each time.
    Unsaid,
}

/// How many requests are left in the current window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// So many are left.
    pub remaining: u64,
    /// So many there are in a window.
    pub limit: u64,
    /// Then the next window begins.
    pub resets_in: Duration,
}

/// Reads what an answer that came `now` says about further requests.
pub fn verdict(now: Timestamp, status: u16, headers: &HeaderMap, body: &[u8]) -> Limit {
    let pause = |length| Limit::Pause { scope: scope(headers), length };
    if login_refused(headers).is_some() {
        return Limit::Credential;
    }
    match (status, told(now, headers)) {
        (401, _) => Limit::Credential,
        (403 | 429, Some(length)) | (500..=599, Some(length @ Length::For(_))) => pause(length),
        (429, None) => pause(Length::Unsaid),
        (403, None) if speaks_of_limits(body) => pause(Length::Unsaid),
        (403, None) => Limit::Permission { needs: needs(headers) },
        // The last request of a window was still answered; the next would be refused, and count against us.
        (_, Some(length @ Length::For(_))) if !headers.contains_key(RETRY_AFTER) => pause(length),
        _ => Limit::None,
    }
}

/// Reads how many requests are left; none when the answer does not say it all, or speaks of another budget than
/// that of most requests (searches, GraphQL).
pub fn quota(now: Timestamp, headers: &HeaderMap) -> Option<Quota> {
    if text(headers, "x-ratelimit-resource").is_some_and(|resource| resource != "core") {
        return None;
    }
    let remaining = number(text(headers, "x-ratelimit-remaining")?)?;
    let limit = number(text(headers, "x-ratelimit-limit")?)?;
    let resets_in = reset(now, headers)?;
    (limit > 0).then_some(Quota { remaining, limit, resets_in })
}

/// Returns the word with which Jira says that a login failed. It then answers as it would answer nobody in particular:
/// with what everybody may see, or with 404 for a ticket that is there.
pub(super) fn login_refused(headers: &HeaderMap) -> Option<&'static str> {
    let mut reasons = text(headers, "x-seraph-loginreason")?.split(',').map(str::trim);
    reasons.find_map(|reason| LOGIN_REFUSED.into_iter().find(|refused| *refused == reason))
}

/// Returns the pause that the headers ask for: the later of `Retry-After` and the end of a used-up window.
fn told(now: Timestamp, headers: &HeaderMap) -> Option<Length> {
    let used_up = text(headers, "x-ratelimit-remaining").and_then(number) == Some(0);
    let reset = reset(now, headers).filter(|_| used_up);
    match (text(headers, RETRY_AFTER.as_str()).map(|text| retry_after(now, headers, text)), reset) {
        (Some(Length::For(one)), Some(other)) => Some(Length::For(one.max(other))),
        (Some(Length::Unsaid) | None, Some(reset)) => Some(Length::For(reset)),
        (Some(length), None) => Some(length),
        (None, None) => used_up.then_some(Length::Unsaid),
    }
}

fn retry_after(now: Timestamp, headers: &HeaderMap, text: &str) -> Length {
    let seconds = number(text).map(Duration::from_secs);
    let until = || moment(text).map(|at| until(at, server_time(now, headers)));
    seconds.or_else(until).map_or(Length::Unsaid, |pause| Length::For(tame(pause)))
}

/// Returns the time to the next window: GitHub gives seconds since 1970, Jira a date. A window that should have
/// begun already says nothing.
fn reset(now: Timestamp, headers: &HeaderMap) -> Option<Duration> {
    let text = text(headers, "x-ratelimit-reset")?;
    let now = server_time(now, headers);
    let left = match number(text) {
        Some(second) => {
            let begun = u64::try_from(now.as_second()).unwrap_or_default();
            Duration::from_secs(second.saturating_sub(begun))
        }
        None => until(moment(text)?, now),
    };
    (!left.is_zero()).then(|| tame(left))
}

/// Returns what the clock of the other side shows: its times are to be read against its own clock.
fn server_time(now: Timestamp, headers: &HeaderMap) -> Timestamp {
    text(headers, DATE.as_str()).and_then(moment).unwrap_or(now)
}

fn until(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or_default()
}

fn tame(pause: Duration) -> Duration {
    pause.clamp(SHORTEST, LONGEST)
}

fn scope(headers: &HeaderMap) -> Scope {
    match (text(headers, "ratelimit-reason"), text(headers, "x-ratelimit-resource")) {
        (Some("jira-burst-based"), _) => Scope::Endpoint,
        (Some("jira-per-issue-on-write"), _) => Scope::Subject,
        (_, Some("search" | "code_search")) => Scope::Search,
        _ => Scope::Credential,
    }
}

fn speaks_of_limits(body: &[u8]) -> bool {
    let begin = String::from_utf8_lossy(body.get(..SEARCHED).unwrap_or(body)).to_lowercase();
    begin.contains("rate limit") || begin.contains("abuse")
}

fn needs(headers: &HeaderMap) -> String {
    let said = [
        ("needs", "x-accepted-github-permissions"),
        ("accepts scopes", "x-accepted-oauth-scopes"),
        ("has scopes", "x-oauth-scopes"),
    ];
    let said = said.iter().filter_map(|(word, name)| Some(format!("{word} {}", text(headers, name)?)));
    said.collect::<Vec<_>>().join("; ").chars().take(LONGEST_NEEDS).collect()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|text| !text.is_empty())
}

/// Reads a whole number; one that is too large is as large as can be.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

/// Reads a date as HTTP writes it, or as Jira does.
fn moment(text: &str) -> Option<Timestamp> {
    rfc2822::parse(text).map(|at| at.timestamp()).or_else(|_other| text.parse()).ok()
}

#[cfg(test)]
mod tests;
