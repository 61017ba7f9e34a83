//! Secrets behind the real host: what an agent prints and is told is kept, shown and folded without them.

use std::os::unix::fs::PermissionsExt as _;

use ipa_agent::{AgentRuntime as _, ClaudeRuntime, CommandRuntime, Program, Secrets, StartError};
use ipa_events::{Outcome, Role};

use crate::support::{Place, command, finished, helper, hosting, reread, text, to_end};

/// A key that is configured.
const KEY: &str = "0a1b2c3d/4e5f6a7b8c9d0e1f";

/// A token that nobody configured, as an author may type it.
const TOKEN: &str = "ghp_0a1b2c3d4e5f6a7b8c9d0a1b2c3d4e5f6a7b";

/// Names the files of a run that hold the key, its end, or the token.
fn holding(place: &Place) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(place.run_dir().path()).unwrap().flatten() {
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        if ["4e5f6a7b8c9d", "MGExYjJjM2QvNGU1ZjZhN2I4YzlkMGUx"].iter().any(|it| text.contains(it)) {
            found.push(entry.path().display().to_string());
        }
    }
    found
}

#[tokio::test]
async fn what_an_agent_prints_and_is_told_is_kept_without_its_secrets() {
    let place = Place::new();
    let line = "command:cat > told; echo \"plain $KEY\"; printf %s \"$KEY\" | base64 -w0; echo; \
                printf %s \"$KEY\" | cut -c-9 | tr -d '\\n'; sleep 0.3; printf %s \"$KEY\" | cut -c10-; \
                printf '\\377 %s\\n' \"$KEY\"; echo \"oops $KEY\" >&2; \
                echo \"{\\\"ipa\\\":{\\\"tool\\\":{\\\"id\\\":\\\"1\\\",\\\"tool\\\":\\\"x\\\",\\\"input\\\":{\\\"k\\\":\\\"$KEY\\\"}}}}\"; \
                echo \"document $KEY\" > $IPA_OUTPUT";
    let mut spec = place.spec(line);
    spec.env.insert("KEY".into(), KEY.into());
    spec.prompt = format!("use {TOKEN}").into();
    let mut session = command().start(spec).await.unwrap();
    let events = to_end(&mut session).await;
    assert_eq!(text(&events), ["plain [redacted]", "[redacted]==", "[redacted]", "\u{fffd} [redacted]"]);
    let shown = serde_json::to_string(&events).unwrap();
    assert!(shown.contains("oops [redacted]") && shown.contains(r#"{\"k\":\"[redacted]\"}"#), "{shown}");
    assert_eq!(finished(&events).product.as_deref(), Some("document [redacted]\n"));
    // What is read later is what was live.
    assert_eq!(reread(&command(), &place, 2).await, events);
    assert_eq!(holding(&place), Vec::<String>::new());
    let spool = std::fs::read_to_string(place.run_dir().path().join("spool.jsonl")).unwrap();
    assert!(spool.contains("use [redacted]"), "{spool}");
    // The agent itself was told what it was to be told.
    assert_eq!(std::fs::read_to_string(place.work().join("told")).unwrap(), format!("use {TOKEN}"));
}

#[tokio::test]
async fn an_agent_may_print_what_another_one_left() {
    let place = Place::new();
    let others = Secrets::of([("OTHER_KEY", KEY)]);
    let runtime = CommandRuntime::new(hosting().with_secrets(others));
    std::fs::write(place.work().join("left"), KEY).unwrap();
    let events = to_end(&mut runtime.start(place.spec("command:cat left")).await.unwrap()).await;
    assert_eq!(text(&events), ["[redacted]"]);
    assert_eq!(holding(&place), Vec::<String>::new());
}

#[tokio::test]
async fn why_something_does_not_work_is_told_without_a_secret() {
    let place = Place::new();
    let mut spec = place.spec("command:true");
    spec.env.insert("KEY".into(), KEY.into());
    spec.prefix = vec![format!("/no-such/{KEY}").into()];
    let Err(StartError::Misconfigured(detail)) = command().start(spec).await else { panic!() };
    assert_eq!(detail, "the program /no-such/[redacted] was not found");
    let mut spec = place.spec("command:echo \"no login with $KEY\" >&2; exit 126");
    spec.env.insert("KEY".into(), KEY.into());
    spec.role = Role::Check;
    let events = to_end(&mut command().start(spec).await.unwrap()).await;
    let Outcome::Failed { detail, .. } = &finished(&events).outcome else { panic!() };
    assert!(detail.ends_with(": no login with [redacted]"), "{detail}");

    let file = place.path().join("agent");
    std::fs::write(&file, "#!/bin/sh\necho \"9.9 $KEY\"\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    let env = [("KEY".into(), KEY.into())].into();
    let runtime = ClaudeRuntime::new(hosting(), Program { argv: vec![file.into()], env });
    let probe = runtime.probe(&"claude".parse().unwrap()).await.unwrap();
    assert_eq!(probe.version.as_deref(), Some("9.9 [redacted]"));
}

#[test]
fn a_runs_debug_text_shows_neither_its_prompt_nor_the_values_of_its_environment() {
    let place = Place::new();
    let mut spec = place.spec(&format!("command:{TOKEN}"));
    spec.env.insert("KEY".into(), KEY.into());
    spec.prompt = format!("use {TOKEN}").into();
    let shown = format!("{spec:?} {:?}", helper());
    assert!(shown.contains("KEY") && !shown.contains(KEY) && !shown.contains(TOKEN), "{shown}");
}
