//! Answers one request of a client: with what the script says, if it is for a message.

use std::io;
use std::time::Duration;

use serde_json::{Value, json};

use super::message::Message;
use super::reply::Reply;
use super::request::Request;
use super::response::{Response, STREAM_HEAD};
use super::server::Connection;
use super::talk::{Numbered, Talk};

/// What is said where JSON is due.
const BROKEN: &str = "{\"type\":\"content_block_start\",\"index\":0,";

/// How many tokens each request has, for who asks.
const COUNTED_TOKENS: usize = 100;

/// Reads a request and answers it.
pub(super) fn serve(connection: &Connection, talk: &Talk) -> io::Result<()> {
    match Request::read(&mut connection.input(), connection.output()) {
        Ok(request) => answer(connection, talk, &request),
        Err(refusal) => refusal.response().map_or(Ok(()), |response| connection.send(&response.to_wire())),
    }
}

fn answer(connection: &Connection, talk: &Talk, request: &Request) -> io::Result<()> {
    let response = match (request.head.method.as_str(), request.head.path.as_str()) {
        ("GET" | "HEAD", "/") => Response::empty(),
        ("POST", "/v1/messages") => match serde_json::from_slice(&request.body) {
            Ok(body) => return reply(connection, talk, request.head.key(), &body),
            Err(_) => Response::error(400, "invalid_request_error", "the body is no JSON"),
        },
        ("POST", "/v1/messages/count_tokens") => {
            Response::json(200, &json!({ "input_tokens": COUNTED_TOKENS }))
        }
        _ => Response::error(404, "not_found_error", "nothing is here"),
    };
    connection.send(&response.to_wire())
}

fn reply(connection: &Connection, talk: &Talk, key: Option<String>, body: &Value) -> io::Result<()> {
    let Numbered { reply, number, first_tool, input_tokens } = talk.reply(key, body);
    let model = body.get("model").and_then(Value::as_str).unwrap_or_default();
    let message = Message { number, first_tool, model, input_tokens, parts: reply.parts() };
    let form = if body.get("stream") == Some(&Value::Bool(true)) { Form::Stream } else { Form::Document };
    let out = Out { connection, message: &message, form };
    match &reply {
        Reply::Say(_) => out.whole(Duration::ZERO),
        Reply::Slowly { pause, .. } => out.whole(*pause),
        Reply::Cut(_) => out.half(),
        Reply::HangBefore => connection.hang(),
        Reply::HangIn(_) => out.half().and_then(|()| connection.hang()),
        Reply::Status { code, kind, message, retry_after, headers } => {
            let pause = retry_after.map(|seconds| ("retry-after".to_owned(), seconds.to_string()));
            let headers = headers.iter().cloned().chain(pause);
            let error = Response::error(*code, kind, message);
            let response = headers.fold(error, |response, (name, value)| response.with(name, value));
            connection.send(&response.to_wire())
        }
        Reply::BrokenJson => out.broken(),
        Reply::Refused => connection.close(),
    }
}

/// A message on its way to the client.
struct Out<'a> {
    connection: &'a Connection,
    message: &'a Message<'a>,
    form: Form,
}

/// What the client asked for.
enum Form {
    Stream,
    Document,
}

impl Out<'_> {
    /// Sends all of it, with a pause before each piece.
    fn whole(&self, pause: Duration) -> io::Result<()> {
        match self.form {
            Form::Stream => {
                self.connection.send(STREAM_HEAD)?;
                for event in self.message.events() {
                    if event.is_delta() {
                        self.connection.pause(pause);
                    }
                    self.connection.send(&event.to_wire())?;
                }
                Ok(())
            }
            Form::Document => {
                self.connection.pause(pause);
                self.connection.send(&Response::json(200, &self.message.whole()).to_wire())
            }
        }
    }

    /// Sends it up to the middle of its last part, or of the document.
    fn half(&self) -> io::Result<()> {
        match self.form {
            Form::Stream => {
                self.connection.send(STREAM_HEAD)?;
                self.message.half().iter().try_for_each(|event| self.connection.send(&event.to_wire()))
            }
            Form::Document => {
                let document = self.message.whole().to_string();
                let missing = document.chars().count().div_ceil(2);
                let wire = Response::json(200, &document).to_wire();
                let sent = wire.chars().count().saturating_sub(missing);
                self.connection.send(&wire.chars().take(sent).collect::<String>())
            }
        }
    }

    /// Sends what is no JSON after a good beginning.
    fn broken(&self) -> io::Result<()> {
        match self.form {
            Form::Stream => {
                let start = self.message.start().to_wire();
                let broken = format!("event: content_block_start\ndata: {BROKEN}\n\n");
                self.connection.send(&format!("{STREAM_HEAD}{start}{broken}"))
            }
            Form::Document => self.connection.send(&Response::json(200, &BROKEN).to_wire()),
        }
    }
}
