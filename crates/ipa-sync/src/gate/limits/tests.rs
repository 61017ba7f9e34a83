//! Each row of what GitHub and Jira may answer, and everything that they should not.

use http::{HeaderName, HeaderValue};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

const NOW: &str = "2026-11-26T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn headers(list: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
    };
    list.iter().map(pair).collect()
}

fn read(status: u16, list: &[(&str, &str)], body: &str) -> Limit {
    verdict(now(), status, &headers(list), body.as_bytes())
}

fn pause(scope: Scope, seconds: u64) -> Limit {
    Limit::Pause { scope, length: Length::For(Duration::from_secs(seconds)) }
}

fn unsaid() -> Limit {
    Limit::Pause { scope: Scope::Credential, length: Length::Unsaid }
}

fn may_not(needs: &str) -> Limit {
    Limit::Permission { needs: needs.to_owned() }
}

#[test]
fn each_answer_of_github_about_limits_is_read() {
    let in_ten_minutes = (now().as_second() + 600).to_string();
    let reset = ("x-ratelimit-reset", in_ten_minutes.as_str());
    let used_up = ("x-ratelimit-remaining", "0");
    let all = Scope::Credential;
    for status in [403, 429] {
        assert_eq!(read(status, &[("retry-after", "30")], ""), pause(all, 30));
        let date = ("retry-after", "Thu, 26 Nov 2026 12:01:30 GMT");
        assert_eq!(read(status, &[date], ""), pause(all, 90));
        assert_eq!(read(status, &[used_up, reset], ""), pause(all, 600));
        assert_eq!(read(status, &[used_up, reset, ("retry-after", "30")], ""), pause(all, 600));
        assert_eq!(read(status, &[used_up, reset, ("retry-after", "900")], ""), pause(all, 900));
        assert_eq!(read(status, &[used_up], ""), unsaid());
        let searches = ("x-ratelimit-resource", "search");
        assert_eq!(read(status, &[used_up, reset, searches], ""), pause(Scope::Search, 600));
        for words in ["You have exceeded a secondary Rate Limit.", "triggered an abuse detection mechanism"] {
            assert_eq!(read(status, &[], words), unsaid());
        }
    }
    assert_eq!(read(429, &[], ""), unsaid());
    assert_eq!(read(401, &[("retry-after", "30")], ""), Limit::Credential);
    assert_eq!(read(503, &[("retry-after", "30")], ""), pause(all, 30));
    for status in [200, 304, 404, 500] {
        assert_eq!(read(status, &[used_up, reset], ""), pause(all, 600));
    }
    assert_eq!(read(202, &[("retry-after", "30")], ""), Limit::None);
    for status in [200, 304, 404, 422, 500, 503] {
        assert_eq!(read(status, &[("x-ratelimit-remaining", "1"), reset], "rate limit"), Limit::None);
    }
}

#[test]
fn a_403_without_a_word_of_limits_names_the_rights_that_are_missing() {
    let left = ("x-ratelimit-remaining", "4999");
    assert_eq!(read(403, &[left], "Resource not accessible by integration"), may_not(""));
    let rights = [("X-Accepted-GitHub-Permissions", "contents=write"), ("X-OAuth-Scopes", "repo, read:org")];
    assert_eq!(read(403, &rights, ""), may_not("needs contents=write; has scopes repo, read:org"));
}

#[test]
fn each_reason_of_jira_pauses_what_it_is_about() {
    for (reason, scope) in [
        ("jira-burst-based", Scope::Endpoint),
        ("jira-per-issue-on-write", Scope::Subject),
        ("jira-quota-global-based", Scope::Credential),
        ("jira-quota-tenant-based", Scope::Credential),
        ("jira-something-new", Scope::Credential),
    ] {
        let reason = ("RateLimit-Reason", reason);
        assert_eq!(read(429, &[reason, ("Retry-After", "5")], ""), pause(scope, 5));
        let reset = ("X-RateLimit-Reset", "2026-11-26T12:20:00Z");
        assert_eq!(read(429, &[reason, ("X-RateLimit-Remaining", "0"), reset], ""), pause(scope, 1200));
        assert_eq!(read(429, &[reason], ""), Limit::Pause { scope, length: Length::Unsaid });
    }
}

#[test]
fn absurd_values_are_tamed() {
    let all = Scope::Credential;
    for (value, expected) in [
        ("0", pause(all, 1)),
        ("Thu, 26 Nov 1998 12:01:30 GMT", pause(all, 1)),
        ("86400", pause(all, 3600)),
        ("18446744073709551615", pause(all, 3600)),
        ("99999999999999999999999999", pause(all, 3600)),
        ("Thu, 26 Nov 9998 12:01:30 GMT", pause(all, 3600)),
        ("-5", unsaid()),
        ("1e9", unsaid()),
        ("0x10", unsaid()),
        ("Fri, 26 Nov 2026 12:01:30 GMT", unsaid()),
        ("soon", unsaid()),
    ] {
        assert_eq!(read(429, &[("retry-after", value)], ""), expected, "{value}");
    }
    for (value, expected) in [
        ("99999999999999999999999999", pause(all, 3600)),
        ("9999-12-30T22:00:00Z", pause(all, 3600)),
        ("0", unsaid()),
        ("1795694000", unsaid()),
        ("-1", unsaid()),
        ("1998-11-26T12:00:00Z", unsaid()),
        ("later", unsaid()),
    ] {
        let list = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", value)];
        assert_eq!(read(429, &list, ""), expected, "{value}");
    }
}

#[test]
fn a_login_that_jira_refused_is_one_whatever_the_status() {
    for reason in ["AUTHENTICATED_FAILED", "AUTHENTICATION_DENIED", "OK, AUTHENTICATED_FAILED"] {
        for status in [200, 403, 404, 429, 503] {
            let refused = read(status, &[("x-seraph-loginreason", reason)], "");
            assert_eq!(refused, Limit::Credential, "{reason} {status}");
        }
    }
    for reason in ["OK", "OUT", "", "authenticated_failed"] {
        assert_eq!(read(404, &[("x-seraph-loginreason", reason)], ""), Limit::None, "{reason}");
    }
}

#[test]
fn times_are_read_against_the_clock_of_who_says_them() {
    let date = ("date", "Thu, 26 Nov 2026 15:00:00 GMT");
    assert_eq!(
        read(429, &[date, ("retry-after", "Thu, 26 Nov 2026 15:00:40 GMT")], ""),
        pause(Scope::Credential, 40)
    );
    let reset = (now().as_second() + 3 * 3600 + 50).to_string();
    let list = [date, ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset.as_str())];
    assert_eq!(read(403, &list, ""), pause(Scope::Credential, 50));
}

#[test]
fn the_quota_is_that_of_most_requests_and_known_only_as_a_whole() {
    let reset = (now().as_second() + 60).to_string();
    let whole =
        [("x-ratelimit-remaining", "499"), ("x-ratelimit-limit", "5000"), ("x-ratelimit-reset", &reset)];
    let known = Some(Quota { remaining: 499, limit: 5000, resets_in: Duration::from_mins(1) });
    assert_eq!(quota(now(), &headers(&whole)), known);
    for left_out in 0..whole.len() {
        let mut list = whole.to_vec();
        list.remove(left_out);
        assert_eq!(quota(now(), &headers(&list)), None);
    }
    for (resource, expected) in [("core", known), ("search", None), ("graphql", None)] {
        let list = [whole.as_slice(), &[("x-ratelimit-resource", resource)]].concat();
        assert_eq!(quota(now(), &headers(&list)), expected);
    }
}

fn any_value() -> impl Strategy<Value = Vec<u8>> {
    let near = (-100_000_i64..100_000).prop_map(|n| (1_795_694_400 + n).to_string());
    let number =
        prop_oneof![any::<i128>().prop_map(|n| n.to_string()), (0..4_u8).prop_map(|n| n.to_string())];
    let seconds = -377_705_023_201_i64..253_402_207_200;
    let at = seconds.prop_map(|second| Timestamp::from_second(second).unwrap());
    let date = at.prop_map(|at| rfc2822::to_string(&at.to_zoned(TimeZone::UTC)).unwrap_or_default());
    let iso = any::<i32>().prop_map(|second| Timestamp::from_second(second.into()).unwrap().to_string());
    let bytes = prop::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        near.prop_map(Vec::from),
        number.prop_map(Vec::from),
        date.prop_map(Vec::from),
        iso.prop_map(Vec::from),
        bytes
    ]
}

proptest! {
    #[test]
    fn no_headers_panic_and_no_pause_is_out_of_bounds(
        status in prop_oneof![Just(200_u16), Just(403), Just(429), Just(503), any::<u16>()],
        values in prop::collection::vec(prop::option::of(any_value()), 8),
        second in -377_705_023_201_i64..253_402_207_200,
        body: Vec<u8>,
    ) {
        let names = ["retry-after", "date", "x-ratelimit-remaining", "x-ratelimit-reset", "x-ratelimit-limit",
            "x-ratelimit-resource", "ratelimit-reason", "x-accepted-github-permissions"];
        let mut headers = HeaderMap::new();
        for (name, value) in names.iter().zip(values) {
            if let Some(value) = value.and_then(|value| HeaderValue::from_bytes(&value).ok()) {
                headers.insert(*name, value);
            }
        }
        let now = Timestamp::from_second(second).unwrap();
        if let Limit::Pause { length: Length::For(pause), .. } = verdict(now, status, &headers, &body) {
            prop_assert!((SHORTEST..=LONGEST).contains(&pause), "{pause:?}");
        }
        if let Some(quota) = quota(now, &headers) {
            prop_assert!((SHORTEST..=LONGEST).contains(&quota.resets_in), "{quota:?}");
        }
    }
}
