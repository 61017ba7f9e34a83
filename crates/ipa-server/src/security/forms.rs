//! Requests that change something come from our own pages, or from a program with the token.
//!
//! A browser sends its cookie along with whatever any page makes it send. So a request with a cookie must come
//! from a page of ours by what the browser says of it (`Sec-Fetch-Site`, `Origin`), and carry what a foreign
//! page can neither read nor set: the token of its form, or a header of ours.

use axum::RequestExt as _;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Form, Request};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use subtle::ConstantTimeEq as _;

use crate::error::Code;
use crate::error::problem::Refusal;
use crate::security::access::is_safe;
use crate::security::session::SessionKey;
use crate::security::viewer::Viewer;

/// The field of every form that posts, with [`Viewer::csrf`] in it.
pub(crate) const FORM_FIELD: &str = "csrf";

/// The header that a script of ours sends with what it posts; its value says nothing.
pub(crate) const SCRIPT_HEADER: &str = "x-ipa";

/// How large the body of a request may be.
pub(crate) const BODY_LIMIT: usize = 1024 * 1024;

/// Checks a request of somebody who is known; a body comes out whole, and no larger than it may be.
pub(super) async fn check(request: Request, viewer: &Viewer) -> Result<Request, Refusal> {
    let is_program = viewer.session == SessionKey::bearer();
    if is_safe(request.method()) {
        let refused = !is_program && is_fetched_by_another(request.headers());
        return if refused { Err(foreign()) } else { Ok(request) };
    }
    match sender(request.headers()) {
        Sender::Foreign => return Err(foreign()),
        Sender::Unknown if !is_program => return Err(foreign()),
        Sender::Unknown | Sender::Ours => {}
    }
    let (request, body) = whole(request).await?;
    if is_program || request.headers().contains_key(SCRIPT_HEADER) {
        return Ok(request);
    }
    let media_type = request.headers().get(header::CONTENT_TYPE).cloned();
    if carries(media_type, body, viewer.csrf()).await {
        return Ok(request);
    }
    Err(Refusal::new(Code::CrossSite, "the form does not carry the token of this session")
        .help("load the page again, then send the form"))
}

/// Tells whether a page of somebody else reads this: not by a link that a person follows, but from its script
/// or as a part of itself. A port of its own makes a site on this host another page, and yet gets our cookie.
fn is_fetched_by_another(headers: &HeaderMap) -> bool {
    let is = |name: &str, value: &str| headers.get(name).is_some_and(|sent| sent == value);
    let elsewhere = is("sec-fetch-site", "cross-site") || is("sec-fetch-site", "same-site");
    elsewhere && !(is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document"))
}

/// Checks a request that anybody may send.
pub(super) async fn check_open(request: Request) -> Result<Request, Refusal> {
    if is_safe(request.method()) {
        return Ok(request);
    }
    if sender(request.headers()) == Sender::Foreign {
        return Err(foreign());
    }
    Ok(whole(request).await?.0)
}

fn foreign() -> Refusal {
    Refusal::new(Code::CrossSite, "the request does not come from a page of this server")
        .help("use this server's own pages, or send the token: `Authorization: Bearer …`")
}

/// What a browser says of where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sender {
    /// From a page of this server, or from the person.
    Ours,
    /// From a page of somebody else.
    Foreign,
    /// It is not said: no browser, or an old one.
    Unknown,
}

fn sender(headers: &HeaderMap) -> Sender {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let origin = text(header::ORIGIN.as_str());
    match (text("sec-fetch-site"), origin) {
        // Our pages send no referrer, so a browser writes their own forms' origin as `null`.
        (Some("same-origin" | "none"), None | Some("null")) => Sender::Ours,
        (Some("same-origin" | "none") | None, Some(origin)) if is_ours(origin, headers) => Sender::Ours,
        (None, None) => Sender::Unknown,
        (Some(_) | None, _) => Sender::Foreign,
    }
}

/// Tells whether an origin is the very name and port that the request was sent to; that name is allowed.
fn is_ours(origin: &str, headers: &HeaderMap) -> bool {
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    authority.is_some_and(|authority| Some(authority) == host)
}

async fn whole(request: Request) -> Result<(Request, Bytes), Refusal> {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, BODY_LIMIT).await.map_err(|_too_large| {
        Refusal::new(Code::BodyTooLarge, format!("a request holds at most {BODY_LIMIT} bytes"))
    })?;
    Ok((Request::from_parts(parts, Body::from(bytes.clone())), bytes))
}

async fn carries(media_type: Option<HeaderValue>, body: Bytes, token: &str) -> bool {
    let mut form = Request::new(Body::from(body));
    *form.method_mut() = Method::POST;
    form.headers_mut().extend(media_type.map(|media_type| (header::CONTENT_TYPE, media_type)));
    let Ok(Form(fields)) = form.extract::<Form<Vec<(String, String)>>, _>().await else { return false };
    let mut shown = fields.iter().filter(|(name, _)| name == FORM_FIELD).map(|(_, value)| value);
    let (first, second) = (shown.next(), shown.next());
    second.is_none()
        && !token.is_empty()
        && first.is_some_and(|shown| shown.as_bytes().ct_eq(token.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_request_comes_from_is_read_from_what_the_browser_says() {
        let cases: [(Option<&str>, Option<&str>, Sender); 13] = [
            (Some("same-origin"), None, Sender::Ours),
            (Some("same-origin"), Some("null"), Sender::Ours),
            (Some("same-origin"), Some("http://localhost:7474"), Sender::Ours),
            (Some("none"), None, Sender::Ours),
            (None, Some("http://localhost:7474"), Sender::Ours),
            (None, None, Sender::Unknown),
            (Some("cross-site"), None, Sender::Foreign),
            (Some("same-site"), Some("http://localhost:7474"), Sender::Foreign),
            (Some("same-origin"), Some("http://evil.example"), Sender::Foreign),
            (None, Some("null"), Sender::Foreign),
            (None, Some("http://localhost:3000"), Sender::Foreign),
            (None, Some("http://localhost:7474.evil.example"), Sender::Foreign),
            (None, Some("localhost:7474"), Sender::Foreign),
        ];
        for (site, origin, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("localhost:7474"));
            if let Some(site) = site {
                headers.insert("sec-fetch-site", HeaderValue::from_static(site));
            }
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            }
            assert_eq!(sender(&headers), expected, "{site:?} {origin:?}");
        }
    }
}
