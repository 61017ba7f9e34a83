//! Searching, the newer way of Cloud and the older one of Data Center.

use serde_json::{Value, json};

use super::{page, view};
use crate::tracker::call::{Answer, Call, Outcome};
use crate::tracker::jql::{self, Missing, Query, Search, Trouble};
use crate::tracker::model::Issue;
use crate::tracker::rest::WRONG;
use crate::tracker::shape::issue::Fields;
use crate::tracker::site::Site;

/// Cloud's: pages lead to each other by tokens, nobody counts, and who names no fields gets ids.
pub(crate) fn with_tokens(site: &mut Site, call: &Call) -> Outcome {
    let text = call.body["jql"].as_str().unwrap_or_default();
    let query = read(text)?;
    if query.clauses.is_empty() {
        let words =
            "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.";
        return Err(Answer::trouble(400, words));
    }
    let found = found(site, call, &query, Missing::Refused)?;
    let fields = call.body["fields"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let fields = Fields::new(fields, "id");
    let cap = if fields.is_id_only() { 5000 } else { 100 };
    let most = asked(&call.body["maxResults"], 50).min(cap);
    let start = match call.body["nextPageToken"].as_str() {
        None => 0,
        Some(token) => place(token, text).ok_or_else(|| {
            Answer::trouble(400, "The provided next page token is invalid or belongs to another query.")
        })?,
    };
    let shown = page(&found, start, most);
    let issues: Vec<Value> = shown.iter().map(|issue| view(site, call).issue(issue, &fields)).collect();
    let end = start + shown.len();
    let mut body = json!({ "issues": issues, "isLast": end >= found.len() });
    if end < found.len() {
        body["nextPageToken"] = token(end, text).into();
    }
    Answer::ok(body)
}

/// Data Center's: pages by number, with a total.
pub(crate) fn with_pages(site: &mut Site, call: &Call) -> Outcome {
    let is_post = !call.body.is_null();
    let text =
        |name: &str| if is_post { call.body[name].as_str() } else { call.query(name) }.unwrap_or_default();
    let number = |name: &str, default: usize| {
        if is_post { asked(&call.body[name], default) } else { call.number(name, default) }
    };
    let is_lax = call.query("validateQuery") == Some("false") || call.body["validateQuery"] == false;
    let query = read(text("jql"))?;
    let found = found(site, call, &query, if is_lax { Missing::Ignored } else { Missing::Refused })?;
    let fields = if is_post {
        let list = call.body["fields"].as_array().into_iter().flatten().filter_map(Value::as_str);
        Fields::new(list, "*navigable")
    } else {
        Fields::new(text("fields").split(','), "*navigable")
    };
    let (start, most) = (number("startAt", 0), number("maxResults", 50).min(1000));
    let shown = page(&found, start, most).iter();
    let issues: Vec<Value> = shown.map(|issue| view(site, call).issue(issue, &fields)).collect();
    Answer::ok(json!({
        "expand": "names,schema",
        "startAt": start,
        "maxResults": most,
        "total": found.len(),
        "issues": issues,
    }))
}

fn asked(number: &Value, default: usize) -> usize {
    number.as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or(default)
}

fn read(text: &str) -> Result<Query, Answer> {
    jql::parse(text).map_err(refused)
}

fn refused(trouble: Trouble) -> Answer {
    match trouble {
        Trouble::Unreadable(words) => Answer::trouble(400, &words).with(WRONG, words),
        Trouble::Missing(words) => Answer::trouble(400, &words),
    }
}

/// What a query means, as the index has it: it may lag behind, but for issues that are to be reconciled.
fn found<'a>(
    site: &'a Site,
    call: &'a Call,
    query: &Query,
    missing: Missing,
) -> Result<Vec<&'a Issue>, Answer> {
    let search = Search { site, who: &call.who };
    match search.check(query) {
        Ok(()) => {}
        Err(Trouble::Missing(_)) if missing == Missing::Ignored => {}
        Err(trouble) => return Err(refused(trouble)),
    }
    let fresh: Vec<u64> =
        call.body["reconcileIssues"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
    let live = site.issues.values().filter(|issue| site.index.is_none() || fresh.contains(&issue.id));
    let stale = site.index.iter().flat_map(|index| index.values());
    let stale = stale.filter(|issue| !fresh.contains(&issue.id));
    let all = live.chain(stale).filter(|issue| site.sees(&call.who, issue));
    let mut found: Vec<&Issue> = all.filter(|issue| search.hits(query, issue)).collect();
    jql::sort(query, &mut found);
    Ok(found)
}

/// Leads to a place in the results of a query, and of no other.
fn token(place: usize, jql: &str) -> String {
    format!("{:x}.{place}", sum(jql))
}

fn place(token: &str, jql: &str) -> Option<usize> {
    let (sum_of, place) = token.split_once('.')?;
    (sum_of == format!("{:x}", sum(jql))).then(|| place.parse().ok())?
}

fn sum(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
