//! The few things that GitHub has in GraphQL only: review threads, drafts. A query is parsed and walked over the
//! world; what GitHub's schema has and this one has not is an error, and fails the test.

mod answer;
mod change;
mod node;
mod parse;

use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::people::Who;
use super::rest::{Exchange, identified};
use super::world::World;
use crate::peer::{Reply, Request};
use answer::Walk;
use parse::{Document, Kind};

pub(crate) const PATH: &str = "/api/graphql";

/// `graphql/` and the first field, which says what it is about.
pub(crate) fn route(request: &Request) -> String {
    let first = read(request).and_then(|document| document.fields.into_iter().next());
    first.map_or_else(|| "graphql".to_owned(), |field| format!("graphql/{}", field.name))
}

pub(crate) fn is_mutation(request: &Request) -> bool {
    read(request).is_some_and(|document| document.kind == Kind::Mutation)
}

fn read(request: &Request) -> Option<Document> {
    let body = request.json().ok()?;
    parse::document(body["query"].as_str()?, &body["variables"]).ok()
}

pub(crate) fn exchange(world: &mut World, request: &Request) -> Exchange {
    let now = world.now();
    let who = match identified(world, request) {
        Ok(who @ Who::User { .. }) => who,
        Ok(Who::Nobody | Who::App) => return refused(Answer::message(401, "Requires authentication")),
        Err(refusal) => return refused(refusal),
    };
    let login = who.login().to_owned();
    if let Err(refusal) = world.limits.take(&login, "graphql", now) {
        return refused(refusal);
    }
    let body = request.json().unwrap_or_default();
    let read = body["query"]
        .as_str()
        .ok_or_else(|| "A query attribute must be specified and must be a string.".to_owned());
    let answer = match read.and_then(|query| parse::document(query, &body["variables"])) {
        Ok(document) => answered(world, &document, who),
        Err(error) => (json!({ "errors": [{ "message": error }] }), vec![format!("query: {error}")]),
    };
    let (body, wrong) = answer;
    let mut reply = Answer::new(200, body);
    reply.headers.extend(world.limits.headers(&login, "graphql", now));
    Exchange { reply: Reply::from(reply), wrong }
}

fn refused(answer: Answer) -> Exchange {
    Exchange { reply: Reply::from(answer), wrong: Vec::new() }
}

fn answered(world: &mut World, document: &Document, who: Who) -> (Value, Vec<String>) {
    let call = Call { params: [].into(), query: [].into(), body: Value::Null, who };
    let mut walk = Walk::new(&call);
    let mut data = json!({});
    for field in &document.fields {
        data[&field.alias] = match document.kind {
            Kind::Query => walk.query(world, field),
            Kind::Mutation => change::mutate(world, &mut walk, field),
        };
    }
    let Walk { errors, unknown, .. } = walk;
    if !unknown.is_empty() {
        // GitHub refuses the whole document before it does anything.
        let errors: Vec<Value> = unknown.iter().map(|message| json!({ "message": message })).collect();
        return (json!({ "errors": errors }), unknown);
    }
    let mut body = json!({ "data": data });
    if !errors.is_empty() {
        body["errors"] = errors.into();
    }
    (body, Vec::new())
}
