//! One call of the API, from the request to the answer: who, may they, is it well-formed, do it, is the answer
//! well-formed.

use std::collections::BTreeMap;

use super::Flavour;
use super::call::{Answer, Call, Outcome};
use super::routes::{self, Operation};
use super::site::{LOGIN, Site};
use crate::peer::{Reply, Request, Schemas};

/// The header in which an endpoint says that the client is wrong; it never leaves the simulation.
pub(crate) const WRONG: &str = "x-simulation-wrong";

/// What the site says and what was wrong with the exchange.
pub(crate) struct Exchange {
    pub(crate) reply: Reply,
    pub(crate) wrong: Vec<String>,
}

pub(crate) fn exchange(site: &mut Site, schemas: &Schemas, request: &Request) -> Exchange {
    let Some((operation, params)) = routes::find(site.flavour, &request.method, &request.path) else {
        return nowhere(site.flavour, request);
    };
    let body = match request.json() {
        Ok(body) => body,
        Err(error) => {
            let reply = Answer::trouble(
                400,
                "There was an error parsing JSON. Check that your request body is valid.",
            );
            return Exchange { reply: reply.into(), wrong: vec![format!("the body is no JSON: {error}")] };
        }
    };
    let query = request.query_fields();
    let mut wrong = schemas.request(operation.id, &query, &body);
    wrong.extend(unknown_expansions(operation, &query));
    if !body.is_null()
        && !request.header("content-type").is_some_and(|kind| kind.starts_with("application/json"))
    {
        wrong.push("a body that is not said to be JSON".to_owned());
        return Exchange { reply: Reply::text(415, "Unsupported Media Type"), wrong };
    }
    let (who, login) = match site.who(request) {
        Ok(known) => known,
        // What comes from before the API has a shape of its own.
        Err(stranger) => return Exchange { reply: stranger.into(), wrong },
    };
    let call = Call { params, query, body, who };
    let (Ok(mut answer) | Err(mut answer)) = perform(site, operation, &call);
    wrong.extend(taken(&mut answer));
    if answer.status != 401 {
        let found = schemas.answer(operation.id, answer.status, &answer.body);
        wrong.extend(found.iter().map(|it| format!("answer {it}")));
    }
    Exchange { reply: answer.with(LOGIN, login).into(), wrong }
}

/// Does what is asked, if the one who asks may.
pub(crate) fn perform(site: &mut Site, operation: &Operation, call: &Call) -> Outcome {
    routes::check(site, operation, call)?;
    (operation.run)(site, call)
}

/// There is nothing. A client that does not know yet what the site is may ask it in vain.
fn nowhere(flavour: Flavour, request: &Request) -> Exchange {
    let is_question = flavour == Flavour::DataCenter && request.path == "/rest/api/3/serverInfo";
    let wrong = format!("the tracker has no {} {}", request.method, request.path);
    let reply = Reply::text(404, "<html><body>dead link</body></html>");
    Exchange { reply, wrong: if is_question { Vec::new() } else { vec![wrong] } }
}

fn unknown_expansions(operation: &Operation, query: &BTreeMap<String, String>) -> Vec<String> {
    let asked = query.get("expand").into_iter().flat_map(|list| list.split(','));
    let unknown = asked.filter(|name| !operation.expands.contains(name));
    unknown.map(|name| format!("?expand: {name} is not simulated for {}", operation.id)).collect()
}

/// What an endpoint found wrong.
fn taken(answer: &mut Answer) -> Vec<String> {
    let (wrong, headers) =
        std::mem::take(&mut answer.headers).into_iter().partition(|(name, _)| name == WRONG);
    answer.headers = headers;
    let wrong: Vec<(String, String)> = wrong;
    wrong.into_iter().map(|(_, words)| words).collect()
}
