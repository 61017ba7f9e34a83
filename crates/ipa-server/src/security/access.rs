//! Who is let in: a browser with its cookie, a program with the token, nobody else.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use ipa_events::Via;

use crate::api::hooks;
use crate::config::digest;
use crate::error::Code;
use crate::error::problem::Refusal;
use crate::security::session::SessionKey;
use crate::security::{Viewer, forms, login};
use crate::state::AppState;
use crate::wire::VIA_HEADER;

/// Lets a request through to the routes, with its [`Viewer`], or refuses it: never by a redirect.
pub(crate) async fn check(State(state): State<AppState>, request: Request, next: Next) -> Response {
    match admit(&state, request).await {
        Ok(request) => next.run(request).await,
        Err(refusal) => {
            let unauthorized = refusal.problem().status == 401;
            let mut response = refusal.into_response();
            if unauthorized {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            response
        }
    }
}

async fn admit(state: &AppState, request: Request) -> Result<Request, Refusal> {
    if hooks::is_one(&request) {
        // Its signature is all that counts, and is checked where it is kept.
        return Ok(request);
    }
    if is_open(request.method(), request.uri().path()) {
        return forms::check_open(request).await;
    }
    let viewer = authenticate(state, request.headers())?;
    let mut request = forms::check(request, &viewer).await?;
    request.extensions_mut().insert(viewer);
    Ok(request)
}

/// Names what is open to everybody: whether the server is up, the login, and what its page is made of.
fn is_open(method: &Method, path: &str) -> bool {
    match path {
        "/healthz" => is_safe(method),
        "/login" => is_safe(method) || method == Method::POST,
        _ => is_safe(method) && path.starts_with("/assets/"),
    }
}

/// Tells whether a method changes nothing. Others than these are never treated as if they did not.
pub(super) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn authenticate(state: &AppState, headers: &HeaderMap) -> Result<Viewer, Refusal> {
    let user = state.config().user.clone();
    if let Some(shown) = headers.get(header::AUTHORIZATION) {
        // Whoever shows a token is judged by it alone: a wrong one is not made good by a cookie.
        return if bearer(shown).is_some_and(|token| state.config().token.is(token)) {
            Ok(Viewer::new(user, via(headers), SessionKey::bearer(), String::new()))
        } else {
            Err(unauthorized("the token is not this server's"))
        };
    }
    let Some(secret) = login::cookie(headers, state.instance()) else {
        return Err(unauthorized("this needs a session or the token"));
    };
    let session = state.sessions().find(secret, state.now());
    let session = session.ok_or_else(|| unauthorized("the session is over"))?;
    Ok(Viewer::new(user, Via::Web, session, digest(&["ipa csrf", secret])))
}

fn unauthorized(detail: &str) -> Refusal {
    Refusal::new(Code::Unauthorized, detail).help(
        "a browser: open the link that `ipa serve` prints; a program: send `Authorization: Bearer` with the \
         token in the data directory's file `token`",
    )
}

fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn via(headers: &HeaderMap) -> Via {
    if headers.get(VIA_HEADER).is_some_and(|via| via == "cli") { Via::Cli } else { Via::Api }
}
