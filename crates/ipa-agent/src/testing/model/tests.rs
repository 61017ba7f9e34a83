//! The fake model over a real socket.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Barrier, mpsc};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;

fn connect(model: &FakeModel, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(model.url().strip_prefix("http://").unwrap()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

/// Sends a request and reads all that comes back.
fn ask(model: &FakeModel, request: &str) -> String {
    rest(connect(model, request))
}

fn rest(mut stream: impl io::Read) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn post(path: &str, body: &Value) -> String {
    let body = body.to_string();
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: here\r\nx-api-key: fake\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// A request of a step, without `stream`.
fn hi() -> Value {
    json!({ "model": "m", "messages": [{ "role": "user", "content": "hi" }], "tools": [{ "name": "Write" }] })
}

/// A step that asks for a stream.
fn step() -> String {
    let mut body = hi();
    body["stream"] = json!(true);
    post("/v1/messages?beta=true", &body)
}

/// A step that asks for one document.
fn plain() -> String {
    post("/v1/messages", &hi())
}

/// The data of a stream's events.
fn events(answer: &str) -> Vec<Value> {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: text/event-stream"), "{head}");
    let data = body.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// All that the deltas of a stream say in this field, joined.
fn joined(events: &[Value], field: &str) -> String {
    let deltas = events.iter().filter_map(|event| event.get("delta"));
    deltas.filter_map(|delta| delta.get(field)?.as_str()).collect()
}

fn document(answer: &str) -> Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[test]
fn a_text_comes_as_a_stream_of_events() {
    let model = FakeModel::script([Reply::say("hello, here I am")]).unwrap();
    let events = events(&ask(&model, &step()));
    assert_eq!(joined(&events, "text"), "hello, here I am");
    assert_eq!(joined(&events, "stop_reason"), "end_turn");
    assert_eq!(events.last(), Some(&json!({ "type": "message_stop" })));
    let steps = model.steps();
    let step = steps.first().unwrap();
    assert_eq!((step.number, step.key.as_deref(), step.last_user_text()), (1, Some("fake"), "hi".into()));
}

#[test]
fn a_message_comes_as_one_document_when_no_stream_is_asked_for() {
    let model = FakeModel::start(|_| Reply::say("hello")).unwrap();
    let message = document(&ask(&model, &plain()));
    assert_eq!(message["content"], json!([{ "type": "text", "text": "hello" }]));
    assert_eq!(message["usage"]["input_tokens"], 101);
}

#[test]
fn a_script_is_said_in_order_and_then_it_is_done() {
    let input = json!({ "file_path": "/srv/checkout/a.txt", "content": "äöü\n" });
    let model = FakeModel::script([
        Reply::tool("Write", input.clone()),
        Reply::Slowly { parts: vec![Part::tool("Write", json!({}))], pause: Duration::from_millis(1) },
    ])
    .unwrap();
    let first = events(&ask(&model, &step()));
    assert_eq!(serde_json::from_str::<Value>(&joined(&first, "partial_json")).unwrap(), input);
    assert_eq!(joined(&first, "stop_reason"), "tool_use");
    let second = events(&ask(&model, &step()));
    let third = events(&ask(&model, &step()));
    assert_eq!(joined(&third, "text"), "done");
    let id = |events: &[Value]| events[1]["content_block"]["id"].clone();
    assert_eq!(
        [id(&first), id(&second), id(&third)],
        [json!("toolu_000001"), json!("toolu_000002"), Value::Null]
    );
    assert_eq!(first[0]["message"]["id"], "msg_000001");
    assert_eq!(third[0]["message"]["id"], "msg_000003");
    assert_eq!(third[0]["message"]["usage"]["input_tokens"], 103);
}

#[test]
fn an_error_says_when_to_come_again() {
    let model = FakeModel::script([
        Reply::Status {
            code: 429,
            kind: "rate_limit_error".to_owned(),
            message: "slow down".to_owned(),
            retry_after: Some(7),
            headers: vec![("x-should-retry".to_owned(), "true".to_owned())],
        },
        Reply::status(500, "api_error", "oh"),
    ])
    .unwrap();
    let answer = ask(&model, &step());
    assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
    assert!(answer.contains("\r\nretry-after: 7\r\n") && answer.contains("\r\nx-should-retry: true\r\n"));
    let error = json!({ "type": "rate_limit_error", "message": "slow down" });
    assert_eq!(document(&answer), json!({ "type": "error", "error": error }));
    let answer = ask(&model, &step());
    assert!(answer.starts_with("HTTP/1.1 500 ") && !answer.contains("retry-after"), "{answer}");
}

#[test]
fn a_cut_stream_ends_in_the_middle_of_its_last_part() {
    let model =
        FakeModel::start(|_| Reply::Cut(vec![Part::text("one two!"), Part::text("three four")])).unwrap();
    let events = events(&ask(&model, &step()));
    assert_eq!(joined(&events, "text"), "one two!three");
    assert_eq!(events.last().unwrap()["type"], "content_block_delta");
    let answer = ask(&model, &plain());
    assert!(serde_json::from_str::<Value>(answer.split_once("\r\n\r\n").unwrap().1).is_err());
}

#[test]
fn what_is_broken_is_no_json_and_who_is_refused_hears_nothing() {
    let model = FakeModel::script([Reply::BrokenJson, Reply::BrokenJson, Reply::Refused]).unwrap();
    let stream = ask(&model, &step());
    let data: Vec<&str> = stream.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    let good: Vec<bool> = data.iter().map(|data| serde_json::from_str::<Value>(data).is_ok()).collect();
    assert_eq!(good, [true, false]);
    let answer = ask(&model, &plain());
    assert!(serde_json::from_str::<Value>(answer.split_once("\r\n\r\n").unwrap().1).is_err());
    assert_eq!(ask(&model, &step()), "");
}

#[test]
fn hanging_replies_end_when_the_server_is_dropped() {
    let (sender, asked) = mpsc::channel();
    let hour = Duration::from_hours(1);
    let model = FakeModel::start(move |step| {
        sender.send(()).unwrap();
        match step.number {
            1 => Reply::HangBefore,
            2 => Reply::HangIn(vec![Part::text("one two")]),
            _ => Reply::Slowly { parts: vec![Part::text("one two")], pause: hour },
        }
    })
    .unwrap();
    let before = connect(&model, &step());
    asked.recv().unwrap();
    let mut within = BufReader::new(connect(&model, &step()));
    let mut begun = String::new();
    while !begun.contains("one ") {
        within.read_line(&mut begun).unwrap();
    }
    let slow = connect(&model, &step());
    let unasked = connect(&model, "POST /v1/messages HTTP/1.1\r\n");
    asked.recv().unwrap();
    asked.recv().unwrap();
    drop(model);
    assert_eq!(asked.try_recv(), Err(mpsc::TryRecvError::Disconnected), "a thread still has the script");
    assert_eq!(rest(before), "");
    assert!(!rest(within).contains("data"));
    assert!(!rest(slow).contains("one"));
    drop(unasked);
}

#[test]
fn a_hanging_reply_ends_when_the_client_goes() {
    let model = FakeModel::start(|_| Reply::HangBefore).unwrap();
    let stream = connect(&model, &step());
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(stream), "");
}

#[test]
fn a_request_without_tools_is_a_side_call_and_no_step() {
    let model = FakeModel::script([Reply::say("first")]).unwrap();
    for tools in [Value::Null, json!([])] {
        let side =
            post("/v1/messages", &json!({ "model": "m", "stream": true, "messages": [], "tools": tools }));
        assert_eq!(joined(&events(&ask(&model, &side)), "text"), "ok");
    }
    assert_eq!((model.side_calls(), model.steps().len()), (2, 0));
    assert_eq!(joined(&events(&ask(&model, &step())), "text"), "first");
    assert_eq!((model.side_calls(), model.steps().len()), (2, 1));
}

#[test]
fn two_connections_are_served_at_once() {
    let both = Barrier::new(2);
    let model = FakeModel::start(move |_| {
        both.wait();
        Reply::say("together")
    })
    .unwrap();
    let answers = thread::scope(|scope| {
        let asked = [(); 2].map(|()| scope.spawn(|| ask(&model, &step())));
        asked.map(|asked| joined(&events(&asked.join().unwrap()), "text"))
    });
    assert_eq!(answers, ["together", "together"]);
    assert_eq!(model.steps().iter().map(|step| step.number).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_body_may_come_in_chunks_and_after_a_word_to_go_on() {
    let model = FakeModel::start(|_| Reply::say("hello")).unwrap();
    let body = hi().to_string();
    let (one, two) = body.split_at(10);
    let chunks = format!("{:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n", one.len(), two.len());
    let head = "POST /v1/messages HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n";
    let mut stream = BufReader::new(connect(&model, head));
    let mut told = String::new();
    while !told.ends_with("\r\n\r\n") {
        stream.read_line(&mut told).unwrap();
    }
    assert_eq!(told, "HTTP/1.1 100 Continue\r\n\r\n");
    stream.get_mut().write_all(chunks.as_bytes()).unwrap();
    assert!(rest(stream).starts_with("HTTP/1.1 200 OK\r\n"));
    assert_eq!(model.steps().first().unwrap().body, hi());
}

#[test]
fn what_is_no_request_for_a_message_gets_its_status() {
    let model = FakeModel::start(|_| Reply::say("hello")).unwrap();
    let large = "POST /v1/messages HTTP/1.1\r\ncontent-length: 67108865\r\n\r\n";
    let chunk = "POST /v1/messages HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n4000001\r\n";
    for (request, expected, kind) in [
        ("HEAD / HTTP/1.1\r\n\r\n", 200, None),
        ("GET / HTTP/1.1\r\n\r\n", 200, None),
        ("GET /v1/messages HTTP/1.1\r\n\r\n", 404, Some("not_found_error")),
        ("POST /v1/models HTTP/1.1\r\n\r\n", 404, Some("not_found_error")),
        ("POST /v1/messages HTTP/1.1\r\n\r\n", 400, Some("invalid_request_error")),
        ("garbage\r\n\r\n", 400, Some("invalid_request_error")),
        ("\u{16}\u{3}\u{1}\r\n\r\n", 400, Some("invalid_request_error")),
        (large, 413, Some("request_too_large")),
        (chunk, 413, Some("request_too_large")),
        (
            &format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "a".repeat(100_000)),
            431,
            Some("invalid_request_error"),
        ),
    ] {
        let answer = ask(&model, request);
        let request: String = request.chars().take(80).collect();
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected} ")), "{request:?}: {answer}");
        match kind {
            Some(kind) => assert_eq!(document(&answer)["error"]["type"], kind, "{request:?}"),
            None => assert!(answer.ends_with("\r\n\r\n"), "{request:?}: {answer}"),
        }
    }
    let counted = ask(&model, &post("/v1/messages/count_tokens?beta=true", &hi()));
    assert_eq!(document(&counted), json!({ "input_tokens": 100 }));
    assert_eq!((model.side_calls(), model.steps().len()), (0, 0));
}

#[test]
fn a_script_that_panics_is_not_passed_over() {
    let model = FakeModel::start(|_| panic!("as the test wants it")).unwrap();
    assert_eq!(ask(&model, &step()), "");
    assert!(catch_unwind(AssertUnwindSafe(|| drop(model))).is_err());
}
