//! Everything that agents, tickets and repositories say is hostile. Every tag and attribute of every page must be
//! one of ours, every address must lead to us, to the web or to mail, and the hostile text must be there, as text.

use std::collections::BTreeSet;

use ipa_events::task::{Ask, EscalationReason, FinishedRun};
use ipa_events::{Role, TaskCommand};
use ipa_pod::log::{Body as Did, PlanStep};

use super::live::read_frames;
use super::pages_support::{Site, TheTask, completed, text};

/// What is tried. Each holds the word `XSS`, so that it can be looked for.
const PAYLOADS: [&str; 26] = [
    "<script>alert('XSS')</script>",
    "<ScRiPt src=https://evil.example/XSS.js></sCrIpT>",
    "<img src=x onerror=alert(`XSS`)>",
    "<svg/onload=alert('XSS')>",
    "\"><script>alert('XSS')</script>",
    "' onmouseover='alert(1)' XSS='",
    "\" autofocus onfocus=\"alert(1)\" XSS=\"",
    "</title><script>alert('XSS')</script>",
    "</textarea><script>alert('XSS')</script>",
    "</pre></div></main></body><script>/*XSS*/</script>",
    "</ipa-patch><ipa-patch to=\"head-T-1\" op=\"morph\"><b>XSS</b></ipa-patch>",
    "<iframe srcdoc='<script>alert(`XSS`)</script>'></iframe>",
    "<a href='javascript:alert(1)'>XSS</a>",
    "[XSS](javascript:alert(1))",
    "[XSS](  JaVaScRiPt:alert(1) )",
    "[XSS](data:text/html;base64,PHNjcmlwdD4=)",
    "<javascript:alert('XSS')>",
    "![XSS](https://evil.example/pixel.png)",
    "[XSS]: javascript:alert(1)\n[a][XSS]",
    "<base href=https://evil.example/XSS>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/XSS'>",
    "<form action=https://evil.example/XSS><button>go</button></form>",
    "<style>body{display:none}/*XSS*/</style>",
    "\u{1b}]8;;javascript:alert(1)\u{7}XSS\u{1b}]8;;\u{7}\u{1b}[31m<b>XSS",
    "XSS\n\nevent: bye\ndata: <script>alert(1)</script>\r\r<img src=x onerror=alert(1)>",
    "if (admin) { \u{202e}\u{2066}// XSS\u{2069}\u{2066} { return; }<b onclick=x>",
];

/// Puts a text wherever somebody else's text can come from.
async fn infested(site: &Site, evil: &str) -> TheTask {
    let task = site.task(evil, evil).await;
    let run = site.run(task, Role::Spec, None).await;
    let tool = |id: &str| Did::ToolCall { id: id.into(), tool: evil.into(), input: evil.into() };
    site.agent.does(
        run,
        [
            Did::Started { session: None, model: Some(evil.into()), version: Some(evil.into()) },
            Did::Text { text: evil.into() },
            Did::Thinking { text: evil.into() },
            tool(evil),
            Did::ToolResult { id: evil.into(), output: evil.into(), failed: true },
            Did::ToolResult { id: "?".into(), output: evil.into(), failed: false },
            Did::Plan { steps: vec![PlanStep { text: evil.into(), status: evil.into() }], call: None },
            Did::Diagnostic { text: evil.into() },
            Did::Unknown { kind: evil.into() },
            Did::Retrying { detail: evil.into() },
        ],
    );
    site.finish(task, FinishedRun { document: Some(evil.into()), ..completed(run) }).await;
    site.pod(task, TaskCommand::RequestTransition).await;
    site.approve(task, 1).await;
    site.document(task, Role::Plan, evil).await;
    let run = site.run(task, Role::Develop, None).await;
    let ask = Ask { text: evil.into(), choices: vec![evil.into()] };
    site.pod(task, TaskCommand::AskQuestion { run, key: evil.into(), ask }).await;
    let (tool, input) = (evil.into(), evil.into());
    site.pod(task, TaskCommand::AskPermission { run, key: "k".into(), tool, input }).await;
    site.pod(task, TaskCommand::Escalate { reason: EscalationReason::RunFailed, detail: evil.into() }).await;
    site.person(task, TaskCommand::PostMessage { text: evil.into() }).await;
    let name: String = evil.chars().filter(|c| !matches!(c, '/' | '\0')).take(100).collect();
    site.write(task, &format!("{name}.txt"), evil).await;
    site.agent.does(run, [Did::Text { text: evil.into() }]);
    task
}

#[tokio::test]
async fn no_text_of_others_becomes_markup_on_any_page() {
    for evil in PAYLOADS {
        let site = Site::new().await;
        infested(&site, evil).await;
        let pages = [
            "/",
            "/inbox",
            "/new",
            "/tasks/T-1",
            "/tasks/T-1?run=1",
            "/tasks/T-1?section=spec",
            "/tasks/T-1?section=plan",
            "/tasks/T-1?section=checks",
            "/tasks/T-1/diff",
            "/tasks/T-1/files",
            "/tasks/T-1/timeline",
            "/tasks/T-1/timeline?at=9",
        ];
        for path in pages {
            let page = site.page(path).await;
            harmless(&page).unwrap_or_else(|why| panic!("{evil:?} on {path}: {why}"));
            assert!(path == "/new" || text(&page).contains("XSS"), "{evil:?} is not shown on {path}");
        }
    }
}

#[tokio::test]
async fn no_text_of_others_becomes_markup_in_a_live_patch() {
    for evil in PAYLOADS {
        let site = Site::new().await;
        infested(&site, evil).await;
        let topics = "nav,board,inbox,task:T-1,task:T-1:spec,task:T-1:log,log:T-1,log:T-1.r1";
        let frames = read_frames(&site, &format!("/live?topics={topics}&after=1"), 1).await;
        let data: String = frames.iter().map(|frame| frame.data.as_str()).collect();
        harmless(&data).unwrap_or_else(|why| panic!("{evil:?}: {why}"));
        assert!(text(&data).contains("XSS"), "{evil:?}");
        let names: BTreeSet<&str> = frames.iter().map(|frame| frame.event.as_str()).collect();
        assert!(names.is_subset(&BTreeSet::from(["patch", "at"])), "{evil:?}: {names:?}");
    }
}

#[tokio::test]
async fn what_was_typed_comes_back_as_text() {
    for evil in PAYLOADS {
        let site = Site::new().await;
        let answer =
            site.post("/new", &[("request", evil), ("repo", evil), ("agent", evil), ("checks", evil)]).await;
        assert!(answer.status.is_client_error());
        harmless(&answer.body).unwrap_or_else(|why| panic!("{evil:?}: {why}"));
        let task = site.task("x", "x").await;
        site.document(task, Role::Spec, "x").await;
        let fields = [("verdict", "approve"), ("text", evil), ("payload_hash", &"0".repeat(64))];
        let answer = site.post("/tasks/T-1/decisions/1", &fields).await;
        assert_eq!(answer.status.as_u16(), 409);
        harmless(&answer.body).unwrap_or_else(|why| panic!("{evil:?}: {why}"));
        let answer = site.post("/tasks/T-1/commands", &[("type", evil), ("text", evil)]).await;
        harmless(&answer.body).unwrap_or_else(|why| panic!("{evil:?}: {why}"));
        let answer = site
            .get(&format!("/login?next={}", evil.replace(|c: char| !c.is_ascii_alphanumeric(), "%22")))
            .await;
        harmless(&answer.body).unwrap_or_else(|why| panic!("{evil:?}: {why}"));
    }
}

#[test]
fn the_check_itself_finds_what_it_looks_for() {
    for bad in [
        "<script>x</script>",
        "<img src=x>",
        "<p onclick=\"x\">",
        "<a href=\"javascript:x\">",
        "<a href=\"//evil\">",
        "<p style=\"x\">",
        "<form action=\"https://evil\">",
        "<script src=\"https://evil/x.js\"></script>",
        "<p <b>",
        "<a href='/x'>",
    ] {
        assert!(harmless(bad).is_err(), "{bad}");
    }
    assert_eq!(harmless("<p class=\"a\">x &lt;b&gt; <a href=\"https://example.org\">y</a></p>"), Ok(()));
}

#[test]
fn text_becomes_markup_unescaped_in_one_module_only() {
    let src = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![src];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read_to_string(&path).unwrap_or_default().contains("PreEscaped") {
                found.push(path.file_name().unwrap().to_owned());
            }
        }
    }
    assert_eq!(found, ["markup.rs"]);
}

const TAGS: &str = "html head meta title link script body header nav a span b main p h1 h2 h3 h4 h5 h6 div section \
    article form input textarea button select option label datalist details summary ul ol li dl dt dd table thead tbody \
    tr th td pre code time aside noscript bdi mark em strong del blockquote hr br ipa-patch";
const ATTRIBUTES: &str = "lang charset name content rel type href src defer class id role hidden method action value for \
    rows required autofocus placeholder autocomplete spellcheck list open tabindex datetime aria-label aria-labelledby \
    aria-hidden aria-live aria-current data-topics data-after data-open data-version data-live data-login formnovalidate \
    selected readonly colspan to op start checked disabled";

/// Reads every tag of a page; says which one is not ours.
fn harmless(html: &str) -> Result<(), String> {
    let html = html.strip_prefix("<!DOCTYPE html>").unwrap_or(html);
    let (tags, attributes): (BTreeSet<&str>, BTreeSet<&str>) =
        (TAGS.split_whitespace().collect(), ATTRIBUTES.split_whitespace().collect());
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        let closing = after.starts_with('/');
        let after = after.trim_start_matches('/');
        let name_end =
            after.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').ok_or("a tag that does not end")?;
        let (name, mut tail) = after.split_at(name_end);
        if !tags.contains(name) {
            return Err(format!("tag <{name}>"));
        }
        loop {
            tail = tail.trim_start_matches(' ');
            if let Some(after) = tail.strip_prefix('>') {
                rest = after;
                break;
            }
            let end = tail.find(['=', ' ', '>']).ok_or("an attribute that does not end")?;
            let (attribute, after) = tail.split_at(end);
            if closing || !attributes.contains(attribute) {
                return Err(format!("attribute {attribute:?} of <{name}>"));
            }
            tail = after;
            if let Some(value) = after.strip_prefix("=\"") {
                let (value, after) = value.split_once('"').ok_or("a value that does not end")?;
                address(attribute, value)?;
                tail = after;
            } else if after.starts_with('=') {
                return Err(format!("unquoted {attribute}"));
            }
        }
        if name == "script" && !closing && !rest.starts_with("</script>") {
            return Err("an inline script".to_owned());
        }
    }
    Ok(())
}

fn address(attribute: &str, value: &str) -> Result<(), String> {
    let ours = value.starts_with('#') || value.starts_with('/') && !value.starts_with("//");
    let outside =
        ["http://", "https://", "mailto:"].iter().any(|scheme| value.to_lowercase().starts_with(scheme));
    match attribute {
        "href" if ours || outside => Ok(()),
        "src" | "action" if ours => Ok(()),
        "href" | "src" | "action" => Err(format!("{attribute} leads to {value:?}")),
        _ => Ok(()),
    }
}
