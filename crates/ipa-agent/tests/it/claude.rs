//! The real Claude Code behind the real host, with a model of ours on the loopback.
//!
//! `IPA_TEST_CLAUDE` names the program (`scripts/test` installs it); without it each test says that it is skipped.

mod limits;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use ipa_agent::testing::model::{FakeModel, Part, Reply, ToolResult};
use ipa_agent::{
    AgentEvent, AgentRuntime as _, AgentSession, Answer, Asked, Body, ClaudeRuntime, Hosting, Program,
    RunSpec, Session, Stop, Tools,
};
use ipa_events::{Outcome, Retry, SessionId};
use serde_json::{Value, json};

use crate::support::{Place, ann, check, class, finished, helper, next, reread, text, until, wait_for};

/// The program, if there is one to be tested.
fn program() -> Option<OsString> {
    let program = std::env::var_os("IPA_TEST_CLAUDE").filter(|it| !it.is_empty());
    if program.is_none() {
        eprintln!("skipped: IPA_TEST_CLAUDE names no program");
    }
    program
}

/// Claude Code with a model that plays a script, and nothing else in its environment.
struct World {
    place: Place,
    model: FakeModel,
    program: Program,
    runtime: ClaudeRuntime,
}

impl World {
    /// The model says these, in order; they are made for the folder that the agent works in.
    fn new(replies: impl FnOnce(&Path) -> Vec<Reply>) -> Option<Self> {
        let program = program()?;
        let place = Place::new();
        let model = FakeModel::script(replies(&place.work())).unwrap();
        let home = place.path().join("home");
        std::fs::create_dir(&home).unwrap();
        let url = model.url();
        let mut env: BTreeMap<OsString, OsString> = [
            ("LANG", "C.UTF-8"),
            ("TERM", "dumb"),
            ("ANTHROPIC_BASE_URL", url.as_str()),
            ("ANTHROPIC_API_KEY", "fake"),
            ("DISABLE_TELEMETRY", "1"),
            ("DISABLE_ERROR_REPORTING", "1"),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
            ("CLAUDE_CODE_MAX_RETRIES", "1"),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .into();
        env.insert("PATH".into(), std::env::var_os("PATH").unwrap());
        env.insert("HOME".into(), home.into());
        let program = Program { argv: vec![program], env };
        let runtime = ClaudeRuntime::new(Hosting::new(helper()), program.clone());
        Some(Self { place, model, program, runtime })
    }

    /// The same with another program.
    fn runtime_of(&self, program: OsString) -> ClaudeRuntime {
        let program = Program { argv: vec![program], env: self.program.env.clone() };
        ClaudeRuntime::new(Hosting::new(helper()), program)
    }

    fn spec(&self) -> RunSpec {
        let mut spec = self.place.spec("claude");
        spec.model = Some("claude-sonnet-4-5".into());
        spec
    }

    async fn start(&self) -> AgentSession {
        self.runtime.start(self.spec()).await.unwrap()
    }

    /// Reads to the end of the run; it is told to finish when its turn is over.
    async fn ends(&self, session: &mut AgentSession) -> Vec<AgentEvent> {
        let mut events = Vec::new();
        while let Some(event) = next(session).await {
            if event.body == Body::TurnFinished {
                session.control.finish().await.ok();
            }
            events.push(event);
        }
        let all = reread(&self.runtime, &self.place, 50).await;
        check(&all);
        let unknown = all.iter().filter(|event| matches!(event.body, Body::Unknown { .. }));
        assert_eq!(unknown.count(), 0, "{all:#?}");
        assert!(self.place.alive().is_empty(), "a process was left over");
        events
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.place.work().join(name)).unwrap_or_default()
    }
}

/// The model wants to write a file.
fn write(work: &Path, name: &str, content: &str) -> Reply {
    Reply::tool("Write", json!({"file_path": work.join(name), "content": content}))
}

/// The model wants to run a command.
fn run(command: &str) -> Reply {
    Reply::tool("Bash", json!({"command": command, "description": "a test"}))
}

/// Waits until the agent asks; returns under which key.
async fn asked(session: &mut AgentSession) -> (String, Asked) {
    let events = wait_for(session, |body| matches!(body, Body::Asked(_))).await;
    match &events.last().unwrap().body {
        Body::Asked(asked @ (Asked::Permission { key, .. } | Asked::Question { key, .. })) => {
            (key.to_string(), asked.clone())
        }
        other => panic!("{other:?}"),
    }
}

/// What the model was told of its last tool.
fn told(model: &FakeModel) -> ToolResult {
    model.steps().last().unwrap().tool_results().pop().unwrap()
}

#[tokio::test]
async fn claude_writes_when_it_is_allowed_to_and_what_it_used_is_counted() {
    let Some(world) = World::new(|work| vec![write(work, "note.txt", "its own\n"), Reply::say("written")])
    else {
        return;
    };
    let mut session = world.start().await;
    let (key, asked) = asked(&mut session).await;
    assert!(matches!(&asked, Asked::Permission { tool, .. } if &**tool == "Write"), "{asked:?}");
    assert_eq!(world.file("note.txt"), "");
    session.control.answer(&key, Answer::Allow).await.unwrap();
    let events = world.ends(&mut session).await;
    let end = finished(&events);
    assert_eq!((&end.outcome, end.product.as_deref()), (&Outcome::Completed, Some("written")));
    assert_eq!(world.file("note.txt"), "its own\n");
    // Two answers of the model: 101 tokens in, then 102 and 100 from the cache; 20 out each.
    assert_eq!((end.usage.input_tokens, end.usage.output_tokens), (303, 40));
    assert!(end.usage.cost_microusd > 0);
}

#[tokio::test]
async fn what_a_person_changes_of_a_permission_is_what_claude_does() {
    let Some(world) = World::new(|work| vec![write(work, "note.txt", "its own\n")]) else { return };
    let mut session = world.start().await;
    let (key, asked) = asked(&mut session).await;
    let Asked::Permission { input, .. } = asked else { panic!("{asked:?}") };
    let mut input: Value = serde_json::from_str(&input).unwrap();
    input["content"] = json!("a person's\n");
    assert!(session.control.answer(&key, Answer::AllowWith("[]".into())).await.is_err());
    session.control.answer(&key, Answer::AllowWith(input.to_string().into())).await.unwrap();
    let events = world.ends(&mut session).await;
    assert_eq!(finished(&events).outcome, Outcome::Completed);
    assert_eq!(world.file("note.txt"), "a person's\n");
}

#[tokio::test]
async fn the_reason_of_a_denial_reaches_claudes_model_and_it_goes_on() {
    let Some(world) = World::new(|work| vec![write(work, "note.txt", "x"), Reply::say("as you wish")]) else {
        return;
    };
    let mut session = world.start().await;
    let (key, _) = asked(&mut session).await;
    session.control.answer(&key, Answer::Deny("not before the review".into())).await.unwrap();
    let events = world.ends(&mut session).await;
    assert_eq!(finished(&events).outcome, Outcome::Completed);
    let result = told(&world.model);
    assert!(result.failed && result.text.contains("not before the review"), "{result:?}");
    assert_eq!(world.file("note.txt"), "");
}

#[tokio::test]
async fn a_question_of_claude_is_answered_in_words() {
    let options = json!([{"label": "tabs", "description": "a"}, {"label": "spaces", "description": "b"}]);
    let question =
        json!({"question": "Which ones?", "header": "Indent", "multiSelect": false, "options": options});
    let Some(world) = World::new(|_| vec![Reply::tool("AskUserQuestion", json!({"questions": [question]}))])
    else {
        return;
    };
    let mut session = world.start().await;
    let (key, asked) = asked(&mut session).await;
    let Asked::Question { text, choices, .. } = asked else { panic!("{asked:?}") };
    assert_eq!((&*text, choices), ("Which ones?", vec!["tabs".into(), "spaces".into()]));
    session.control.answer(&key, Answer::Text("spaces".into())).await.unwrap();
    let events = world.ends(&mut session).await;
    assert_eq!(finished(&events).outcome, Outcome::Completed);
    let result = told(&world.model);
    assert!(!result.failed && result.text.contains("spaces"), "{result:?}");
}

#[tokio::test]
async fn what_claudes_role_may_do_is_not_asked() {
    let Some(world) = World::new(|work| vec![write(work, "note.txt", "x"), run("cat note.txt")]) else {
        return;
    };
    let mut spec = world.spec();
    spec.policy.allow = Tools(vec!["Write".into(), "Bash".into()]);
    let mut session = world.runtime.start(spec).await.unwrap();
    let events = world.ends(&mut session).await;
    assert!(!events.iter().any(|event| matches!(event.body, Body::Asked(_))), "{events:#?}");
    assert!(told(&world.model).text.starts_with("x\n"), "{:?}", told(&world.model));
}

#[tokio::test]
async fn an_interrupted_claude_leaves_no_command_running_and_is_resumed_where_it_was() {
    let script =
        |_: &Path| vec![run("touch began; python3 -c 'import time; time.sleep(600)'"), Reply::say("resumed")];
    let Some(world) = World::new(script) else { return };
    let mut spec = world.spec();
    spec.policy.allow = Tools(vec!["Bash".into()]);
    spec.prompt = "the first words".into();
    let conversation: SessionId = "0c5ac1de-0000-4000-8000-000000000001".parse().unwrap();
    spec.session = Session::New(conversation.clone());
    let mut session = world.runtime.start(spec.clone()).await.unwrap();
    until("the command runs", || world.place.work().join("began").exists()).await;
    session.control.stop(Stop::Interrupted(ann())).await.unwrap();
    let events = world.ends(&mut session).await;
    assert_eq!(finished(&events).outcome, Outcome::Interrupted { by: ann() });

    let again = world.place.again();
    spec.run = again.0;
    spec.dir = again.1;
    spec.session = Session::Resume(conversation);
    spec.prompt = "the second words".into();
    let mut session = world.runtime.start(spec.clone()).await.unwrap();
    let events = wait_for(&mut session, |body| *body == Body::TurnFinished).await;
    assert_eq!(text(&events), ["resumed"]);
    let step = world.model.steps().pop().unwrap();
    assert!(step.mentions("the first words") && step.mentions("the second words"));
    session.control.finish().await.unwrap();
    let events = wait_for(&mut session, |body| matches!(body, Body::Finished(_))).await;
    let end = finished(&events);
    assert_eq!(end.outcome, Outcome::Completed);
    // Only what this process used, though its own sum counts on over the resumption.
    assert_eq!(end.usage.output_tokens, 20);
}

#[tokio::test]
async fn a_further_message_reaches_the_living_claude() {
    let Some(world) = World::new(|_| vec![Reply::say("one"), Reply::say("two")]) else { return };
    let mut session = world.start().await;
    wait_for(&mut session, |body| *body == Body::TurnFinished).await;
    session.control.send("m1", "and now the other").await.unwrap();
    let events = world.ends(&mut session).await;
    assert_eq!(text(&events), ["two"]);
    assert!(world.model.steps().last().unwrap().last_user_text().ends_with("and now the other"));
    // Both turns, once.
    assert_eq!(finished(&events).usage.output_tokens, 40);
}

#[tokio::test]
async fn each_way_in_which_claude_fails_has_its_class_and_none_is_a_success() {
    let long = "prompt is too long: 300000 tokens > 200000 maximum";
    let broke = "Your credit balance is too low to access the API";
    let error = |code, kind: &str, message: &str| vec![Reply::status(code, kind, message); 4];
    for (replies, wanted, retry) in [
        (error(401, "authentication_error", "invalid x-api-key"), "auth_required", Retry::Human),
        (error(400, "invalid_request_error", broke), "billing", Retry::Human),
        (error(404, "not_found_error", "model: claude-nope"), "model_not_found", Retry::Human),
        (error(400, "invalid_request_error", long), "context_too_long", Retry::Backoff),
        (error(500, "api_error", "broken"), "api_unavailable", Retry::Backoff),
        (error(529, "overloaded_error", "busy"), "api_unavailable", Retry::Backoff),
        // This version notices and asks again; 2.1.197 took it for an answer (`claude-05-cut-stream`).
        (vec![Reply::Cut(vec![Part::text("half of an ans")]); 8], "api_unavailable", Retry::Backoff),
        (vec![Reply::Refused; 8], "api_unavailable", Retry::Backoff),
    ] {
        let Some(world) = World::new(|_| replies) else { return };
        let mut session = world.start().await;
        let events = world.ends(&mut session).await;
        let end = finished(&events);
        assert_eq!(class(end), wanted, "{end:?}");
        assert!(matches!(&end.outcome, Outcome::Failed { retry: it, .. } if *it == retry), "{end:?}");
        assert_eq!(end.product, None, "{wanted}");
    }
}

#[tokio::test]
async fn a_model_that_is_busy_for_a_moment_is_asked_again() {
    let Some(world) = World::new(|_| vec![Reply::too_busy(), Reply::say("there")]) else { return };
    let mut session = world.start().await;
    let events = world.ends(&mut session).await;
    assert_eq!((&finished(&events).outcome, text(&events)), (&Outcome::Completed, vec!["there".to_owned()]));
    assert!(events.iter().any(|event| matches!(event.body, Body::Retrying { .. })), "{events:#?}");
}

#[tokio::test]
async fn a_conversation_that_claude_does_not_know_is_lost() {
    let Some(world) = World::new(|_| Vec::new()) else { return };
    let mut spec = world.spec();
    spec.session = Session::Resume("0c5ac1de-0000-4000-8000-000000000000".parse().unwrap());
    let mut session = world.runtime.start(spec).await.unwrap();
    let events = world.ends(&mut session).await;
    assert_eq!(class(finished(&events)), "session_lost");
    assert!(world.model.steps().is_empty());
}

#[tokio::test]
async fn a_hook_of_the_repository_does_not_run() {
    let Some(world) = World::new(|_| vec![run("echo ran"), Reply::say("done")]) else { return };
    let planted = world.place.path().join("planted");
    let hook = json!({"hooks": [{"type": "command", "command": format!("touch {}", planted.display())}]});
    let settings = json!({"hooks": {"SessionStart": [hook.clone()], "PreToolUse": [hook]}});
    for name in ["settings.json", "settings.local.json"] {
        std::fs::create_dir_all(world.place.work().join(".claude")).unwrap();
        std::fs::write(world.place.work().join(".claude").join(name), settings.to_string()).unwrap();
    }
    let mut spec = world.spec();
    spec.policy.allow = Tools(vec!["Bash".into()]);
    let mut session = world.runtime.start(spec).await.unwrap();
    let events = world.ends(&mut session).await;
    assert_eq!(finished(&events).outcome, Outcome::Completed);
    assert!(told(&world.model).text.starts_with("ran"), "{:?}", told(&world.model));
    assert!(!planted.exists());
}

/// What a repository can say to Claude: where, and the words.
const INSTRUCTIONS: [(&str, &str); 9] = [
    ("CLAUDE.md", "canary-root"),
    ("CLAUDE.local.md", "canary-local"),
    (".claude/CLAUDE.md", "canary-folder"),
    (".claude/rules/rule.md", "canary-rule"),
    (".claude/skills/it/SKILL.md", "---\nname: it\ndescription: canary-skill\n---\nIt.\n"),
    (".claude/commands/command.md", "---\ndescription: canary-command\n---\nIt.\n"),
    (".claude/agents/it.md", "---\nname: it\ndescription: canary-agent\n---\nIt.\n"),
    ("deep/CLAUDE.md", "canary-deep"),
    ("AGENTS.md", "canary-agents"),
];

/// Names what Claude's model was told of what a repository says. Claude reads a file in a folder that has its own.
async fn heard(world: &World, runtime: &ClaudeRuntime) -> Vec<&'static str> {
    let work = world.place.work();
    for (name, words) in INSTRUCTIONS {
        std::fs::create_dir_all(work.join(name).parent().unwrap()).unwrap();
        std::fs::write(work.join(name), words).unwrap();
    }
    std::fs::write(work.join("deep/file"), "x\n").unwrap();
    let mut session = runtime.start(world.spec()).await.unwrap();
    let events = world.ends(&mut session).await;
    assert_eq!(finished(&events).outcome, Outcome::Completed);
    let steps = world.model.steps();
    assert!(!told(&world.model).failed && steps.len() == 2, "{:?}", told(&world.model));
    let canary =
        |words: &'static str| words.split(['\n', ' ']).find(|word| word.starts_with("canary")).unwrap();
    let words = INSTRUCTIONS.map(|(_, words)| canary(words));
    words.into_iter().filter(|words| steps.iter().any(|step| step.body.to_string().contains(words))).collect()
}

#[tokio::test]
async fn of_a_repositorys_own_instructions_claude_hears_nothing() {
    let reads = |work: &Path| vec![Reply::tool("Read", json!({"file_path": work.join("deep/file")}))];
    let Some(world) = World::new(reads) else { return };
    assert_eq!(heard(&world, &world.runtime).await, Vec::<&str>::new());
    // The control: were the repository's settings to count, it would hear nearly all of it.
    let world = World::new(reads).unwrap();
    let wrapper = world.place.path().join("claude");
    let program = program().unwrap();
    let all = format!(
        "#!/bin/sh\nfor it; do shift; [ \"$it\" = user ] && it=user,project,local; set -- \"$@\" \"$it\"; done\n\
         exec '{}' \"$@\"\n",
        program.to_str().unwrap()
    );
    std::fs::write(&wrapper, all).unwrap();
    std::fs::set_permissions(&wrapper, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let runtime = world.runtime_of(wrapper.into());
    let heard = heard(&world, &runtime).await;
    assert_eq!(heard.len(), INSTRUCTIONS.len() - 1, "{heard:?}");
    assert!(!heard.contains(&"canary-agents"));
}

#[tokio::test]
async fn claude_says_its_version() {
    let Some(world) = World::new(|_| Vec::new()) else { return };
    let probe = world.runtime.probe(&"claude".parse().unwrap()).await.unwrap();
    assert!(probe.version.unwrap().ends_with("(Claude Code)"));
    assert!(world.runtime.probe(&"claude:x".parse().unwrap()).await.is_err());
}
