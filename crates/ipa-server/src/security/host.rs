//! Which names this server goes by. A page of another site that makes its own name lead here (DNS rebinding)
//! is refused by that name, whatever else it sends.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::api::hooks;
use crate::error::Code;
use crate::error::problem::Refusal;
use crate::state::AppState;

/// Refuses a request under a name that is not allowed, on every route but those of webhooks.
pub(crate) async fn check(State(state): State<AppState>, request: Request, next: Next) -> Response {
    // A webhook comes by a proxy or a tunnel, under its name. A page that a browser was led here from gains nothing
    // by that: it has no signature. So the tunnel's name need not be allowed, and leads to webhooks alone.
    if hooks::is_one(&request) {
        return next.run(request).await;
    }
    let named = named(request.headers(), request.uri());
    if named.is_some_and(|name| is_allowed(name, &state.config().allow_hosts)) {
        return next.run(request).await;
    }
    let detail = match named {
        Some(name) => format!("this server does not go by the name {name:?}"),
        None => "the request names no host, or more than one".to_owned(),
    };
    Refusal::new(Code::WrongHost, detail)
        .help("use http://localhost or http://127.0.0.1, or start the server with --allow-host NAME")
        .into_response()
}

/// Returns the one host that a request names: by its target, where that is a whole address, else its header.
fn named<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let first = hosts.next().and_then(|host| host.to_str().ok());
    match (uri.authority(), first, hosts.next()) {
        (_, _, Some(_second)) => None,
        (Some(authority), None, None) => Some(authority.as_str()),
        (Some(authority), Some(host), None) => (authority.as_str() == host).then_some(host),
        (None, host, None) => host,
    }
}

/// Tells whether a host, with or without a port, is one of the loopback's or one of `allowed`.
pub(crate) fn is_allowed(host: &str, allowed: &[String]) -> bool {
    let Some(name) = without_port(host) else { return false };
    let loopback = ["localhost", "127.0.0.1", "[::1]"];
    loopback.iter().any(|good| good.eq_ignore_ascii_case(name))
        || allowed.iter().any(|good| good.eq_ignore_ascii_case(name))
}

/// Cuts the port off; none when what follows the name is no port.
fn without_port(host: &str) -> Option<&str> {
    let end = if host.starts_with('[') {
        host.find(']')?.checked_add(1)?
    } else {
        host.find(':').unwrap_or(host.len())
    };
    let (name, port) = host.split_at_checked(end)?;
    let good = port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| port.is_empty() || port.parse::<u16>().is_ok());
    good.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_loopback_and_named_hosts_are_allowed() {
        let allowed = ["ipa.example.org".to_owned()];
        for good in ["localhost", "LOCALHOST:7474", "127.0.0.1:1", "[::1]", "[::1]:80", "ipa.example.org:443"]
        {
            assert!(is_allowed(good, &allowed), "{good}");
        }
        for wrong in [
            "",
            "evil.example",
            "localhost.evil.example",
            "localhost:80@evil.example",
            "localhost:x",
            "127.0.0.1.evil.example",
            "127.0.0.2",
            "[::1",
            "[::1]x",
            "::1",
            "localhost.",
            "localhost:99999",
            "user@localhost",
        ] {
            assert!(!is_allowed(wrong, &allowed), "{wrong}");
        }
    }
}
