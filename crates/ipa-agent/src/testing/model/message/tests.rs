//! Messages as documents and as streams.

use super::*;

fn message(parts: &[Part]) -> Message<'_> {
    Message { number: 7, first_tool: 3, model: "model-1", input_tokens: 104, parts }
}

/// Says an event in a few words.
fn short(event: &Event) -> String {
    let delta = event.data.get("delta").unwrap_or(&Value::Null);
    let said = ["text", "thinking", "partial_json", "signature", "stop_reason"];
    let said = said.iter().find_map(|field| delta.get(field)).and_then(Value::as_str);
    let index = event.data.get("index").map(Value::to_string);
    let words = [Some(event.kind()), index.as_deref(), said];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn shorts(events: &[Event]) -> Vec<String> {
    events.iter().map(short).collect()
}

#[test]
fn the_stream_of_a_text_has_the_order_of_the_real_server() {
    assert_eq!(
        shorts(&message(&[Part::text("hello there, you")]).events()),
        [
            "message_start",
            "content_block_start 0",
            "ping",
            "content_block_delta 0 hello th",
            "content_block_delta 0 ere, you",
            "content_block_stop 0",
            "message_delta end_turn",
            "message_stop",
        ],
    );
}

#[test]
fn each_part_is_a_block_and_a_tool_is_what_the_message_stops_for() {
    let parts = [Part::thinking("hm"), Part::text("ab"), Part::tool("Read", json!({}))];
    assert_eq!(
        shorts(&message(&parts).events()),
        [
            "message_start",
            "content_block_start 0",
            "ping",
            "content_block_delta 0 h",
            "content_block_delta 0 m",
            "content_block_delta 0 c2lnbmVk",
            "content_block_stop 0",
            "content_block_start 1",
            "content_block_delta 1 a",
            "content_block_delta 1 b",
            "content_block_stop 1",
            "content_block_start 2",
            "content_block_delta 2 {",
            "content_block_delta 2 }",
            "content_block_stop 2",
            "message_delta tool_use",
            "message_stop",
        ],
    );
}

#[test]
fn half_a_message_ends_among_the_pieces_of_its_last_part() {
    for (parts, last) in [
        (vec![], "message_start"),
        (vec![Part::text("")], "ping"),
        (vec![Part::text("a")], "content_block_delta 0 a"),
        (vec![Part::text("ab")], "content_block_delta 0 a"),
        (vec![Part::text("abc"), Part::tool("T", json!({ "a": 1 }))], "content_block_delta 1 {\"a\""),
    ] {
        assert_eq!(shorts(&message(&parts).half()).last().unwrap(), last, "{parts:?}");
    }
}

#[test]
fn a_message_begins_with_what_it_read_and_ends_with_what_it_wrote() {
    let events = message(&[Part::text("hi")]).events();
    let usage = json!({ "input_tokens": 104, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 50,
                        "output_tokens": 1 });
    let start = json!({ "type": "message_start", "message": {
        "id": "msg_000007", "type": "message", "role": "assistant", "model": "model-1", "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": usage,
    } });
    assert_eq!(events[0].data, start);
    let end = &events[events.len() - 2].data;
    assert_eq!(end.get("usage"), Some(&json!({ "output_tokens": 20 })));
}

#[test]
fn a_whole_message_says_the_same_as_its_stream() {
    let parts = [Part::text("hi"), Part::tool("A", json!({ "a": 1 })), Part::tool("B", json!({}))];
    let message = message(&parts);
    let content = json!([
        { "type": "text", "text": "hi" },
        { "type": "tool_use", "id": "toolu_000003", "name": "A", "input": { "a": 1 } },
        { "type": "tool_use", "id": "toolu_000004", "name": "B", "input": {} },
    ]);
    assert_eq!(message.whole(), message.document(&content, &json!("tool_use"), 20));
    let starts = message.events().into_iter().filter_map(|event| event.data.get("content_block").cloned());
    let ids: Vec<Value> = starts.filter_map(|block| block.get("id").cloned()).collect();
    assert_eq!(ids, ["toolu_000003", "toolu_000004"]);
}

#[test]
fn a_text_is_cut_between_characters_into_some_pieces_not_many() {
    for (text, count) in [("", 0), ("a", 1), ("äö", 2), (&"é".repeat(25), 3), (&"日".repeat(1_000_000), 64)]
    {
        let pieces: Vec<String> = pieces(text).collect();
        assert_eq!(pieces.len(), count);
        assert_eq!(pieces.concat(), text);
    }
}

#[test]
fn an_event_is_a_name_and_a_line_of_json() {
    let event = Event::new(json!({ "type": "ping" }));
    assert_eq!(event.to_wire(), "event: ping\ndata: {\"type\":\"ping\"}\n\n");
}
