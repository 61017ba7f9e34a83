//! What every answer carries, and the last word on every refusal. The outermost layer.

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use uuid::Uuid;

use crate::error::problem::{Refusal, json};
use crate::state::AppState;
use crate::web::{self, LoginNotice};

/// What a page may load, and from where: from this server, scripts and styles as files only.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const ALWAYS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Sets the headers of every answer, and writes refusals as JSON or as a page.
pub(crate) async fn finish(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let request_id = request_id(&state);
    let asked = Asked::of(&request);
    let mut response = next.run(request).await;
    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        response = write(refusal, &request_id, &asked, response.headers());
    }
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // What is answered depends on who asks; an asset says otherwise itself.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        headers.insert(REQUEST_ID, value);
    }
    response
}

/// Mints the request's id from the edge that also mints the ids of commands.
fn request_id(state: &AppState) -> String {
    let user = state.config().user.clone();
    let id: Uuid = state.engine().ctx(user, ipa_events::Via::Api).command_id.uuid();
    id.simple().to_string()
}

/// What of a request decides how it is refused.
struct Asked {
    page: bool,
    by_link_from_elsewhere: bool,
    path: String,
}

impl Asked {
    fn of(request: &Request) -> Self {
        let headers = request.headers();
        let page = accepts_html(headers) && !request.uri().path().starts_with("/api/");
        let cross_site = headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site");
        let by_link_from_elsewhere = request.method() == Method::GET && cross_site;
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let path = if request.method() == Method::GET { path } else { "/" };
        Self { page, by_link_from_elsewhere, path: path.to_owned() }
    }
}

fn accepts_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|kind| kind.trim().starts_with("text/html"))
}

fn write(refusal: Refusal, request_id: &str, asked: &Asked, extra: &HeaderMap) -> Response {
    let status = StatusCode::from_u16(refusal.problem().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let problem = refusal.into_problem(request_id);
    let mut response = if !asked.page {
        json(&problem)
    } else if status == StatusCode::UNAUTHORIZED {
        let notice =
            if asked.by_link_from_elsewhere { LoginNotice::FromElsewhere } else { LoginNotice::Needed };
        (status, web::login_page(notice, &asked.path)).into_response()
    } else {
        (status, web::problem_page(&problem)).into_response()
    };
    // Such as the methods that a route does take.
    for name in [header::ALLOW, header::WWW_AUTHENTICATE, header::SET_COOKIE] {
        if let Some(value) = extra.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}
