//! How a browser gets its cookie: with a code that works once, or the token.

use std::sync::{Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use maud::Markup;
use serde::Deserialize;
use subtle::ConstantTimeEq as _;
use tracing::error;

use crate::api::extract::{Asked, Filled};
use crate::config::{Token, TokenError};
use crate::error::Code;
use crate::error::problem::{Refusal, chain};
use crate::security::session::LIFETIME;
use crate::security::{Viewer, forms};
use crate::state::AppState;
use crate::web::{self, LoginNotice};

/// How many codes are kept; the oldest goes when one more is minted.
const CODES: usize = 16;

/// The codes that were handed out and not used yet.
#[derive(Default)]
pub(crate) struct LoginCodes(Mutex<Vec<Token>>);

impl LoginCodes {
    /// Mints a code that lets one browser in, once.
    pub(crate) fn mint(&self) -> Result<Token, TokenError> {
        let code = Token::generate()?;
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if codes.len() >= CODES {
            codes.remove(0);
        }
        codes.push(code.clone());
        Ok(code)
    }

    /// Uses a code up; false when there is none like it.
    fn redeem(&self, shown: &str) -> bool {
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = codes.len();
        codes.retain(|code| !bool::from(code.expose().as_bytes().ct_eq(shown.as_bytes())));
        codes.len() < before
    }
}

/// Returns the routes of login and logout.
pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/login", get(show).post(log_in)).route("/logout", post(log_out))
}

/// Finds the cookie of this server among those that a browser sends.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, instance: &str) -> Option<&'a str> {
    let sent = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies = sent.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    cookies.find(|(name, _)| name.strip_prefix(PREFIX) == Some(instance)).map(|(_, value)| value)
}

/// Cookies do not know ports: two servers on one host would take each other's, but for the instance.
const PREFIX: &str = "ipa_";

#[derive(Deserialize)]
struct Next {
    #[serde(default)]
    next: String,
}

async fn show(Asked(asked): Asked<Next>) -> Markup {
    web::login_page(LoginNotice::None, local(&asked.next))
}

#[derive(Deserialize)]
struct Credentials {
    /// A code, or the token.
    #[serde(default)]
    token: String,
    #[serde(default)]
    next: String,
}

async fn log_in(
    State(state): State<AppState>,
    headers: HeaderMap,
    Filled(form): Filled<Credentials>,
) -> Response {
    let next = local(&form.next);
    let shown = form.token.trim();
    if !state.codes().redeem(shown) && !state.config().token.is(shown) {
        let by_script = headers.contains_key(forms::SCRIPT_HEADER);
        let wrong =
            Refusal::new(Code::Unauthorized, "this is neither a login code that still works nor the token");
        return if by_script {
            wrong.into_response()
        } else {
            (StatusCode::UNAUTHORIZED, web::login_page(LoginNotice::Wrong, next)).into_response()
        };
    }
    let secret = match state.sessions().begin(state.now()) {
        Ok(secret) => secret,
        Err(failed) => {
            error!(error = %chain(&failed), "no session could be begun");
            return Refusal::new(Code::Internal, chain(&failed)).into_response();
        }
    };
    let mut response = if headers.contains_key(forms::SCRIPT_HEADER) {
        StatusCode::NO_CONTENT.into_response()
    } else {
        Redirect::to(next).into_response()
    };
    set_cookie(&mut response, state.instance(), &secret, LIFETIME.as_secs());
    response
}

async fn log_out(State(state): State<AppState>, viewer: Viewer) -> Response {
    state.sessions().revoke(&viewer.session);
    let mut response = Redirect::to("/login").into_response();
    set_cookie(&mut response, state.instance(), "", 0);
    response
}

fn set_cookie(response: &mut Response, instance: &str, secret: &str, seconds: i64) {
    let cookie = format!("{PREFIX}{instance}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}");
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
}

/// Returns where to go after the login: a path of ours, else the first page.
fn local(next: &str) -> &str {
    let ours = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n', '\t']);
    if ours { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_to_a_path_of_ours_only() {
        assert_eq!(local("/tasks/T-1?x=1"), "/tasks/T-1?x=1");
        for wrong in
            ["", "//evil.example", "/\\evil.example", "https://evil.example", "x", "/\t/evil.example"]
        {
            assert_eq!(local(wrong), "/", "{wrong:?}");
        }
    }

    #[test]
    fn a_code_works_once() {
        let codes = LoginCodes::default();
        let code = codes.mint().unwrap();
        assert!(!codes.redeem("x"));
        assert!(codes.redeem(code.expose()));
        assert!(!codes.redeem(code.expose()));
    }
}
