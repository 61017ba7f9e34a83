//! What the redactor takes away and what it leaves, wherever a stream is cut.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const MARK: &str = Secrets::MARK;

/// A secret with all that encoders treat in a way of their own.
const SECRET: &str = "s3cr\"t/ä+\\w&rd~x";

fn secrets(values: &[&str]) -> Secrets {
    Secrets::of(values.iter().map(|value| ("SOME_KEY", value)))
}

/// What comes out of a stream that comes in pieces.
fn redacted<'a>(secrets: &Secrets, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut redactor = Redactor::new(secrets.clone());
    let mut out = Vec::new();
    for piece in pieces {
        redactor.push(piece, |safe| out.extend_from_slice(safe));
    }
    redactor.finish(|safe| out.extend_from_slice(safe));
    out
}

#[test]
fn a_secret_is_taken_away_in_every_form_in_which_programs_print_it() {
    let known = secrets(&[SECRET]);
    let check = |text: &str, wanted: &str| assert_eq!(known.redact(text), wanted, "{text}");
    check(&format!("it is {SECRET}!"), "it is [redacted]!");
    let json = json!({"a": SECRET, "b": json!({"c": SECRET}).to_string(), SECRET: 1}).to_string();
    check(&json, r#"{"a":"[redacted]","b":"{\"c\":\"[redacted]\"}","[redacted]":1}"#);
    check(r#"["s3cr\"t\/ä+\\w&rd~x"]"#, r#"["[redacted]"]"#);
    check(r#"["s3cr\"t/\u00e4+\\w&rd~x"]"#, r#"["[redacted]"]"#);
    for code in [
        "s3cr%22t%2F%C3%A4%2B%5Cw%26rd~x",
        "s3cr%22t%2f%c3%a4%2b%5cw%26rd~x",
        "s3cr%22t/%C3%A4%2B%5Cw%26rd~x",
    ] {
        check(&format!("?k={code}&a=b"), "?k=[redacted]&a=b");
    }
    for before in ["", "k", "ke"] {
        let text = format!("{before}{SECRET}more");
        for code in [STANDARD.encode(&text), URL_SAFE.encode(&text)] {
            let shown = known.redact(&code).into_owned();
            assert!(shown.contains(MARK) && shown.len() - MARK.len() <= 10, "{code} {shown}");
            let escaped = json!(code).to_string().replace('/', "\\/");
            assert!(known.redact(&escaped).contains(MARK), "{escaped}");
        }
    }
}

#[test]
fn base64_that_is_broken_into_lines_is_taken_away_line_by_line() {
    let long = "sk-live/".repeat(10) + "0a1b2c3d4e5f6a7b8c9d-the-end";
    let known = secrets(&[&long]);
    for width in [64, 76] {
        let code = STANDARD.encode(&long);
        let lines: Vec<_> =
            code.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect();
        for line in known.redact(&lines.join("\n")).lines() {
            assert!(line.trim_end_matches('=') == MARK, "{line}");
        }
    }
}

#[test]
fn a_token_is_known_by_its_form_alone() {
    let known = Secrets::default();
    let body = "0a1b2c3d4e5f6a7b8c9d0a1b2c3d4e5f6a7b8c9d";
    for start in [
        "sk-ant-api03-",
        "sk-proj-",
        "ghp_",
        "github_pat_",
        "glpat-",
        "npm_",
        "xoxb-",
        "xoxp-",
        "AIza",
        "sk_live_",
    ] {
        let token = format!("{start}{body}");
        for text in [token.clone(), format!("a={token}\n"), format!("a\\n{token}\\n"), format!("%3D{token}")]
        {
            assert_eq!(known.redact(&text), text.replace(&token, MARK));
        }
    }
    assert_eq!(known.redact("id AKIA0123456789ABCDEF."), "id [redacted].");
    let web = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.s1gn-ature_";
    assert_eq!(known.redact(&format!("Bearer {web}, and on")), "Bearer [redacted], and on");
}

#[test]
fn what_only_begins_like_a_token_stays() {
    let known = Secrets::default();
    for text in [
        "sk-ant-short",
        "ghp_short",
        "a ghp_ in words",
        "xoxb-...",
        "AKIA0123456789ABCDEFG",
        "AKIA0123456789abcdef",
        "xAKIA0123456789ABCDEF",
        "eyJhbGciOiJIUzI1NiJ9",
        "eyJhbGciOiJIUzI1NiJ9.other.",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN CERTIFICATE-----\nMIIE\n",
        "task-antelope-0123456789abcdef01",
        "",
    ] {
        assert_eq!(known.redact(text), text);
    }
}

#[test]
fn a_private_key_is_taken_away_line_by_line_and_its_frame_stays() {
    let known = Secrets::default();
    let (begin, end) = ("-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----");
    let key = format!("{begin}\nMIIEvQIBADANBgkqh+\r\nkiG9w0BAQEFAASCBK/=\n{end}\nbye");
    let wanted = format!("{begin}\n{MARK}\n{MARK}\n{end}\nbye");
    for size in 1..key.len() {
        let out = redacted(&known, key.as_bytes().chunks(size));
        assert_eq!(String::from_utf8(out).unwrap(), wanted, "{size}");
    }
    let json = json!({"text": key, "again": json!(key).to_string()}).to_string();
    let shown: Value = serde_json::from_str(&known.redact(&json)).unwrap();
    assert_eq!(shown["text"], format!("{begin}{MARK}{end}\nbye"));
    assert!(!shown.to_string().contains("MIIE") && !shown.to_string().contains("kiG9"));
}

#[test]
fn secrets_inside_of_each_other_are_one() {
    let known = secrets(&["abcd-1234", "1234-efgh", "cd-12xx-yz"]);
    assert_eq!(known.redact("<abcd-1234-efgh>"), "<[redacted]>");
    assert_eq!(known.redact("abcd-1234abcd-1234 abcd-1234"), "[redacted] [redacted]");
}

#[test]
fn the_mark_is_never_escaped_by_what_stood_before_a_secret() {
    let known = secrets(&["nope-nope1"]);
    for (text, wanted) in
        [(r#""a\nope-nope1""#, r#""a\\[redacted]""#), (r#""a\\nope-nope1""#, r#""a\\[redacted]""#)]
    {
        for size in 1..text.len() {
            let out = redacted(&known, text.as_bytes().chunks(size));
            assert_eq!(String::from_utf8(out).unwrap(), wanted);
        }
    }
}

#[test]
fn a_line_is_given_out_when_it_ends_and_no_more_than_a_secret_is_held() {
    let known = secrets(&["0a1b2c3d4e5f6a7b8c9d"]);
    let mut redactor = Redactor::new(known.clone());
    let mut out = Vec::new();
    redactor.push(b"a 0a1b2c3d4e5f6a", |safe| out.extend_from_slice(safe));
    assert_eq!(out, b"");
    redactor.push(b"\nnext", |safe| out.extend_from_slice(safe));
    assert_eq!(out, b"a 0a1b2c3d4e5f6a\n");
    let (mut given, mut fed) = (out.len(), 21);
    for _ in 0..1000 {
        redactor.push(&[b'x'; 100], |safe| given += safe.len());
        fed += 100;
        assert!(fed - given <= known.search.reach() && redactor.held.len() <= known.search.reach() + CONTEXT);
    }
}

#[test]
fn nothing_of_what_real_agents_printed_is_taken_for_a_token() {
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut count = 0;
    for entry in std::fs::read_dir(fixtures).unwrap() {
        let text = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(redacted(&Secrets::default(), [&text[..]]) == text);
        count += 1;
    }
    assert_eq!(count, 24);
}

/// Text in which what is looked for is likely.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let bit = prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..6),
        3 => prop::sample::select(vec![
            "abcd-1234", "1234-efgh", "abcd-12", "34-efgh\\", SECRET, "sk-ant-", "0a1b2c3d4e5f6a7b8c9d", "ghp_", "AKIA",
            "0123456789ABCDEF", "eyJhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiIxMjM0NSJ9.", "-----BEGIN PRIVATE KEY-----",
            "\n", "\\n", "\\", "%3D", "MIIE", "\"", "-----END",
        ]).prop_map(|it| it.as_bytes().to_vec()),
        1 => prop::sample::select(vec![STANDARD.encode(SECRET), json!(SECRET).to_string()]).prop_map(String::into_bytes),
    ];
    prop::collection::vec(bit, 0..24).prop_map(|bits| bits.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn however_a_stream_is_cut_the_same_comes_out(text in text(), cuts in prop::collection::vec(1_usize..50, 1..8)) {
        let mut known = secrets(&["abcd-1234", "1234-efgh", SECRET]);
        // A shorter reach, so that a line is given out before it ends; no head of a web token below is longer.
        Arc::get_mut(&mut known.search).unwrap().shorten();
        let (mut pieces, mut rest, mut sizes) = (Vec::new(), &text[..], cuts.iter().cycle());
        while !rest.is_empty() {
            let (piece, after) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        prop_assert_eq!(redacted(&known, pieces), redacted(&known, [&text[..]]));
    }

    #[test]
    fn what_holds_no_secret_stays_as_it_is(bytes in prop::collection::vec(any::<u8>(), 0..2000), size in 1_usize..300) {
        let known = secrets(&["abcd-1234", SECRET]);
        prop_assert_eq!(redacted(&known, bytes.chunks(size)), bytes);
    }

    #[test]
    fn a_line_of_json_stays_one(secret in "[!-~]{8,40}", around in any::<(String, String)>()) {
        // What only the frame of JSON consists of is no secret.
        prop_assume!(!secret.contains('"') && !secret.ends_with('\\'));
        let known = secrets(&[&secret]);
        let text = format!("{}{secret}{}", around.0, around.1);
        let line = json!({"a": text, "b": [json!({"c": text}).to_string(), 1.5], text.as_str(): {"d": null}}).to_string();
        let shown: Value = serde_json::from_str(&known.redact(&line)).unwrap();
        let is_secret = !rule::secrets("SOME_KEY".as_ref(), secret.as_ref()).is_empty();
        prop_assert_eq!(shown.to_string().contains(MARK), is_secret);
        prop_assert_eq!(shown["b"][1].as_f64(), Some(1.5));
    }
}
