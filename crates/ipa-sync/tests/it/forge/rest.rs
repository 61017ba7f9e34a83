//! One call of the REST API, from the request to the answer: who, may they, is it well-formed, do it, is the answer
//! well-formed. Runs on a blocking thread, under the world's lock: git is slow.

use std::collections::BTreeMap;

use serde_json::Value;

use super::call::{Answer, Call, Outcome};
use super::page;
use super::people::Who;
use super::routes::{self, Operation};
use super::world::World;
use crate::peer::{Reply, Request, Schemas};

/// What the forge says and what was wrong with the exchange.
pub(crate) struct Exchange {
    pub(crate) reply: Reply,
    pub(crate) wrong: Vec<String>,
}

pub(crate) fn exchange(world: &mut World, schemas: &Schemas, request: &Request) -> Exchange {
    let path = below(request).unwrap_or_default();
    let Some((operation, params)) = routes::find(&request.method, path) else {
        let wrong = vec![format!("the forge has no {} {path}", request.method)];
        return Exchange { reply: Reply::from(Answer::not_found()), wrong };
    };
    let body = match request.json() {
        Ok(body) => body,
        Err(error) => {
            let reply = Reply::from(Answer::message(400, "Problems parsing JSON"));
            return Exchange { reply, wrong: vec![format!("the body is no JSON: {error}")] };
        }
    };
    let query = request.query_fields();
    let mut wrong = schemas.request(operation.id, &query, &body);
    let answer = answered(world, operation, request, Asked { params, query, body });
    // A 304 has no body; what it stands for was checked when it was first sent.
    if answer.status != 304 {
        wrong.extend(
            schemas.answer(operation.id, answer.status, &answer.body).iter().map(|it| format!("answer {it}")),
        );
    }
    Exchange { reply: Reply::from(answer), wrong }
}

struct Asked {
    params: BTreeMap<String, String>,
    query: BTreeMap<String, String>,
    body: Value,
}

fn answered(world: &mut World, operation: &Operation, request: &Request, asked: Asked) -> Answer {
    let now = world.now();
    let who = match identified(world, request) {
        Ok(who) => who,
        Err(refusal) => return refusal,
    };
    let login = who.login().to_owned();
    let Asked { params, query, body } = asked;
    let call = Call { params, query, body, who };
    let is_free = operation.id == "rate-limit/get" || call.who == Who::App;
    let taken = if is_free { Ok(()) } else { world.limits.take(&login, "core", now) };
    let mut answer = match taken.and_then(|()| perform(world, operation, &call)) {
        Ok(answer) | Err(answer) => answer,
    };
    if operation.method == "GET" && answer.status == 200 {
        if operation.path.starts_with("/repos") {
            page::paginate(&mut answer, &call, &request.url_without_query(&world.base));
        }
        let etag = page::etag(&answer.body);
        if page::is_seen(request.header("if-none-match"), &etag) {
            answer = Answer { status: 304, headers: answer.headers, body: Value::Null };
            world.limits.give_back(&login, "core", now);
        }
        answer = answer.with("etag", etag);
    }
    answer.headers.extend(world.limits.headers(&login, "core", now));
    answer
}

/// Does what is asked, if the one who asks may.
pub(crate) fn perform(world: &mut World, operation: &Operation, call: &Call) -> Outcome {
    routes::check(world, operation, call)?;
    (operation.run)(world, call)
}

/// Who sends a request. GitHub answers nobody without an agent's name.
pub(crate) fn identified(world: &World, request: &Request) -> Result<Who, Answer> {
    if request.header("user-agent").is_none_or(str::is_empty) {
        let message = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header";
        return Err(Answer::message(403, message));
    }
    world.who(token(request))
}

/// The path below the API's base.
pub(crate) fn below(request: &Request) -> Option<&str> {
    request.path.strip_prefix("/api/v3").filter(|rest| rest.starts_with('/'))
}

/// The token of the API; `token` is GitHub's older word for `bearer`.
fn token(request: &Request) -> Option<&str> {
    request.header("authorization")?;
    request.credential("bearer").or_else(|| request.credential("token")).or(Some(""))
}
