//! Git over HTTP: who may, then `git http-backend` as a CGI program.

use std::path::Path;
use std::process::Stdio;

use axum::body::Bytes;
use tokio::io::AsyncWriteExt as _;

use super::git::environment;
use super::model::Visibility;
use super::people::{Role, Who};
use super::world::World;
use crate::peer::{Reply, Request};

/// The name under which a git request is counted, and fails.
pub(crate) fn route(request: &Request) -> &'static str {
    match request.path.rsplit('/').next() {
        Some("git-receive-pack") => "git/receive-pack",
        Some("git-upload-pack") => "git/upload-pack",
        _ => "git/info-refs",
    }
}

/// `OWNER/REPO` of a path below `OWNER/REPO.git`.
pub(crate) fn repository(path: &str) -> Option<&str> {
    path.trim_start_matches('/').split_once(".git/").map(|(name, _)| name)
}

/// Lets somebody in, under their login; or answers as GitHub does.
pub(crate) fn admit(world: &World, request: &Request) -> Result<String, Reply> {
    let refuse = || {
        let words =
            "Invalid username or token. Password authentication is not supported for Git operations.\n";
        Reply::text(401, words).with("www-authenticate", "Basic realm=\"GitHub\"")
    };
    let missing = || Reply::text(404, "Repository not found.\n");
    let who = match request.basic() {
        None => Who::Nobody,
        Some((_, password)) => world.who(Some(&password)).map_err(|_| refuse())?,
    };
    let name = repository(&request.path).unwrap_or_default();
    let repo = world.repos.get(name);
    let is_push = route(request) == "git/receive-pack" || request.query.contains("git-receive-pack");
    let role = repo.and_then(|repo| repo.role(who.login()));
    let is_open = repo.is_some_and(|repo| repo.visibility == Visibility::Public);
    match (repo, &who) {
        // GitHub does not tell strangers what is there.
        (Some(_), Who::Nobody) if is_open && !is_push => Ok(String::new()),
        (_, Who::Nobody) => Err(refuse()),
        (None, _) => Err(missing()),
        (Some(_), _) if role.is_none() && !is_open => Err(missing()),
        (Some(_), who) if is_push && role < Some(Role::Collaborator) => {
            Err(Reply::text(403, &format!("Permission to {name}.git denied to {}.\n", who.login())))
        }
        (Some(_), who) => Ok(who.login().to_owned()),
    }
}

/// Runs git's own server for one request. Axum has put a chunked body together already.
pub(crate) async fn serve(root: &Path, request: &Request, user: &str) -> Reply {
    let mut command = tokio::process::Command::new("git");
    command.arg("http-backend").env_clear().envs(environment(root));
    let length = request.body.len().to_string();
    for (name, value) in [
        ("GIT_PROJECT_ROOT", root.to_str()),
        ("GIT_HTTP_EXPORT_ALL", Some("1")),
        ("REQUEST_METHOD", Some(request.method.as_str())),
        ("PATH_INFO", Some(request.path.as_str())),
        ("QUERY_STRING", Some(request.query.as_str())),
        ("CONTENT_LENGTH", Some(length.as_str())),
        ("CONTENT_TYPE", request.header("content-type")),
        ("HTTP_CONTENT_ENCODING", request.header("content-encoding")),
        ("HTTP_GIT_PROTOCOL", request.header("git-protocol")),
        ("HTTP_ACCEPT", request.header("accept")),
        ("REMOTE_USER", Some(user).filter(|user| !user.is_empty())),
        ("REMOTE_ADDR", Some("127.0.0.1")),
    ] {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let body = request.body.clone();
    // Both at once: a large pack is answered while it is still read.
    let (_, output) =
        tokio::join!(async move { input.write_all(&body).await.ok() }, child.wait_with_output());
    parsed(&output.unwrap().stdout)
}

/// A CGI program's output as a reply.
fn parsed(output: &[u8]) -> Reply {
    let end = output.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(output.len());
    let (head, rest) = output.split_at(end);
    let mut reply = Reply {
        status: 200,
        headers: Vec::new(),
        body: Bytes::copy_from_slice(rest.get(4..).unwrap_or_default()),
    };
    for line in String::from_utf8_lossy(head).lines() {
        let Some((name, value)) = line.split_once(": ") else { continue };
        if name.eq_ignore_ascii_case("status") {
            reply.status = value.split(' ').next().and_then(|code| code.parse().ok()).unwrap_or(500);
        } else {
            reply.headers.push((name.to_lowercase(), value.to_owned()));
        }
    }
    reply
}
