//! Whole tasks, with real git and real processes.

use std::time::Duration;

use ipa_events::store::Version;
use ipa_events::task::{Asked, EscalationReason, Evidence, RunState, Verdict, WorkspaceState};
use ipa_events::{AgentId, Outcome, Phase, Role, RunId, TaskCommand};
use ipa_pod::log::Body;
use ipa_pod::work::FileView;
use ipa_pod::{Drain, Engine, Scope};
use ipa_workspace::SandboxBackend;

use crate::world::{World, ann, create, git, processes_of, send, until, until_phase};

/// An agent that does what is wanted.
const GOOD: &str = "cat > /dev/null; echo 42 > answer.txt; echo done";

async fn started(world: &World) -> Engine {
    let engine = world.engine().await;
    engine.start(Scope::All).await.unwrap();
    engine
}

#[tokio::test]
async fn a_task_goes_from_a_request_to_a_delivered_commit_on_which_the_test_passes() {
    let world = World::new();
    let engine = started(&world).await;
    let task = create(&engine, world.draft(&world.agent(GOOD))).await;

    let view = until_phase(&engine, task, Phase::Completed).await;

    let (branch, head) = (view.state.branch().unwrap(), view.state.head.clone().unwrap());
    assert_eq!(view.state.evidence(&head), Evidence::Passed);
    assert_eq!(git(&world.repo(), &["rev-parse", branch.as_str()]), head.as_str());
    assert_eq!(git(&world.repo(), &["show", &format!("{head}:answer.txt")]), "42");
    assert_eq!(git(&world.repo(), &["status", "--porcelain"]), "");
    assert_eq!(git(&world.repo(), &["show", "HEAD:answer.txt"]), "41");
    engine.stop(Drain::Stop).await;
}

#[tokio::test]
async fn each_role_has_its_own_agent_unless_the_author_names_one_for_all() {
    let world = World::new();
    let agent = world.agent("cat > /dev/null; echo 42 > answer.txt; echo some words | tee \"$IPA_OUTPUT\"");
    let engine = world
        .engine_with(SandboxBackend::None, |config| {
            config.defaults.agent = Some(agent.parse().unwrap());
            config.defaults.roles = [(Role::Spec, "scripted".parse().unwrap())].into();
        })
        .await;
    engine.start(Scope::All).await.unwrap();
    let mut own = world.draft(&agent);
    own.start_at = Phase::SpecClarification;
    let named = create(&engine, own.clone()).await;
    own.agent = None;
    let configured = create(&engine, own).await;

    for (task, of_spec) in [(named, "command"), (configured, "scripted")] {
        let view = until_phase(&engine, task, Phase::Completed).await;
        let who = view.state.runs.iter().map(|run| (run.role, run.runtime.kind())).collect::<Vec<_>>();
        let rest = [(Role::Plan, "command"), (Role::Develop, "command"), (Role::Check, "command")];
        assert_eq!(who, [&[(Role::Spec, of_spec)][..], &rest].concat());
    }
    engine.stop(Drain::Stop).await;
}

#[tokio::test]
async fn a_failed_check_is_told_to_the_next_run_which_mends_it() {
    let world = World::new();
    let script = "if grep -q 'A check fails' ; then echo 42 > answer.txt; else echo 43 > answer.txt; fi";
    let engine = started(&world).await;
    let task = create(&engine, world.draft(&world.agent(script))).await;

    let view = until_phase(&engine, task, Phase::Completed).await;

    let outcomes: Vec<&RunState> = view.state.runs.iter().map(|run| &run.state).collect();
    assert!(outcomes.iter().all(|state| **state == RunState::Over(Outcome::Completed)), "{outcomes:?}");
    let roles: Vec<Role> = view.state.runs.iter().map(|run| run.role).collect();
    assert_eq!(roles, [Role::Develop, Role::Check, Role::Develop, Role::Check]);
    let passed: Vec<bool> = view.state.checks.iter().map(|check| check.passed).collect();
    assert_eq!(passed, [false, true]);
    engine.stop(Drain::Stop).await;
}

#[tokio::test]
async fn a_spec_and_a_plan_pass_their_gates_and_a_rejection_reaches_the_next_prompt() {
    let world = World::new();
    let script = r#"
        prompt=$(cat)
        case $IPA_ROLE in
            spec) case $prompt in
                *"no criteria"*) printf '# Better\n\n## Acceptance criteria\n\n- it says 42\n' > "$IPA_OUTPUT" ;;
                *) echo 'a first spec' > "$IPA_OUTPUT" ;;
            esac; echo dirt > left-behind ;;
            plan) echo 'the plan' ;;
            develop) test ! -e left-behind; echo 42 > answer.txt ;;
        esac"#;
    let engine = started(&world).await;
    let mut draft = world.draft(&world.agent(script));
    draft.start_at = Phase::SpecClarification;
    draft.gates = None;
    let task = create(&engine, draft).await;

    let first = until(&engine, task, |view| view.state.waiting_for_person().next().is_some()).await;
    let gate = first.state.waiting_for_person().next().unwrap().clone();
    let reason = "no criteria".into();
    let verdict = Verdict::Reject { reason };
    send(&engine, task, TaskCommand::Answer { decision: gate.id, seen: Some(gate.payload_hash), verdict })
        .await;

    for phase in [Phase::SpecClarification, Phase::Planning, Phase::Review] {
        let waiting = until(&engine, task, |view| {
            view.state.phase == phase && view.state.waiting_for_person().any(|it| it.id != gate.id)
        });
        let waiting = waiting.await;
        let open = waiting.state.waiting_for_person().next().unwrap();
        assert!(matches!(open.asked, Asked::Gate { from, .. } if from == phase), "{:?}", open.asked);
        let (decision, seen) = (open.id, Some(open.payload_hash.clone()));
        let verdict = Verdict::Approve { note: None };
        send(&engine, task, TaskCommand::Answer { decision, seen, verdict }).await;
    }

    let view = until_phase(&engine, task, Phase::Completed).await;
    assert_eq!(view.state.spec.versions.len(), 2);
    assert!(view.state.spec.text().unwrap().contains("it says 42"));
    assert_eq!(&**view.state.plan.text().unwrap(), "the plan\n");
    engine.stop(Drain::Stop).await;
}

#[tokio::test]
async fn an_interrupted_run_ends_with_all_its_processes_and_goes_on_when_told_to() {
    let world = World::new();
    let mark = world.dir.path().join("started");
    let (mark_it, is_marked) = (format!("touch {}", mark.display()), format!("[ -e {} ]", mark.display()));
    let script = format!("if {is_marked}; then {GOOD}; else sleep 1000 & {mark_it}; sleep 1000; fi");
    let engine = started(&world).await;
    let task = create(&engine, world.draft(&world.agent(&script))).await;
    let run = RunId::new(task, 1);
    until(&engine, task, |view| view.state.run(run).is_some_and(|run| run.state == RunState::Running)).await;
    until(&engine, task, |_| mark.exists()).await;

    send(&engine, task, TaskCommand::InterruptRun { run, reason: None }).await;

    let view = until(&engine, task, |view| view.state.open_run().is_none()).await;
    let over = RunState::Over(Outcome::Interrupted { by: ann() });
    assert_eq!(view.state.run(run).unwrap().state, over);
    assert_eq!(processes_of(run), 0);
    assert!(view.state.interrupted.is_some());
    send(&engine, task, TaskCommand::Retry).await;
    until_phase(&engine, task, Phase::Completed).await;
    engine.stop(Drain::Stop).await;
}

#[tokio::test]
async fn a_run_that_changes_the_source_repository_is_an_incident() {
    let world = World::new();
    let script = format!("{GOOD}; git -C {} branch sneaky", world.repo().display());
    let engine = started(&world).await;
    let task = create(&engine, world.draft(&world.agent(&script))).await;

    until_phase(&engine, task, Phase::Completed).await;

    let events = engine.task_events(task, Version::ZERO, 1_000).await.unwrap();
    let incidents: Vec<&str> = events
        .iter()
        .filter(|event| event.record.kind == "source.changed")
        .map(|event| event.record.payload.as_str())
        .collect();
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    assert!(incidents[0].contains("refs"), "{incidents:?}");
    engine.stop(Drain::Stop).await;
}

#[tokio::test]
async fn an_agent_that_is_not_there_asks_a_person_at_once() {
    let world = World::new();
    let engine = started(&world).await;
    let task = create(&engine, world.draft("nobody:knows")).await;

    let view = until(&engine, task, |view| view.state.waiting_for_person().next().is_some()).await;

    let asked = &view.state.waiting_for_person().next().unwrap().asked;
    let Asked::Escalation { reason: EscalationReason::RunFailed, detail } = asked else {
        panic!("{asked:?}")
    };
    assert_eq!(&**detail, "this engine knows no agent called nobody");
    engine.stop(Drain::Stop).await;
}

#[tokio::test]
async fn a_task_that_was_cancelled_is_tidied_and_its_work_comes_back_when_it_is_reopened() {
    let world = World::new();
    let engine = started(&world).await;
    let script = "cat > /dev/null; echo 43 > answer.txt; echo precious > untracked.txt; exit 1";
    let task = create(&engine, world.draft(&world.agent(script))).await;
    until(&engine, task, |view| view.state.retry.is_some()).await;

    send(&engine, task, TaskCommand::Cancel { reason: None }).await;
    let trashed = |state: &WorkspaceState| matches!(state, WorkspaceState::Trashed { .. });
    until(&engine, task, |view| trashed(&view.state.workspaces[&AgentId::main()].state)).await;
    assert!(engine.workspaces(Some(task)).await.unwrap().is_empty());

    send(&engine, task, TaskCommand::Reopen).await;
    until(&engine, task, |view| view.state.open_run().is_some() || view.state.runs.len() > 1).await;
    let file = engine.read_file(task, &AgentId::main(), "untracked.txt").await.unwrap();
    assert_eq!(file, FileView::Text { text: "precious\n".to_owned() });
    engine.stop(Drain::Stop).await;
}

/// An engine in a runtime of its own, which can be ended in the middle of everything.
struct Node {
    runtime: tokio::runtime::Runtime,
    engine: Engine,
}

impl Node {
    fn start(world: &World) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let engine = runtime.block_on(started(world));
        Self { runtime, engine }
    }

    /// Ends everything of this engine at once, as a crash would: nothing is drained, nothing is told.
    fn crash(self) {
        drop(self.engine);
        self.runtime.shutdown_timeout(Duration::from_secs(10));
    }
}

#[test]
fn a_live_agent_is_taken_up_again_by_the_next_engine() {
    let world = World::new();
    let script = "cat > /dev/null; echo line 1; until [ -e go ]; do sleep 0.05; done; echo line 2; echo 42 > answer.txt";
    let node = Node::start(&world);
    let task = node.runtime.block_on(create(&node.engine, world.draft(&world.agent(script))));
    let run = RunId::new(task, 1);
    let running =
        |view: &ipa_pod::TaskView| view.state.run(run).is_some_and(|run| run.state == RunState::Running);
    let before = node.runtime.block_on(until(&node.engine, task, running));
    let process = before.state.run(run).unwrap().process.clone();
    node.crash();

    let node = Node::start(&world);
    let adopted = node.runtime.block_on(async {
        let view = until(&node.engine, task, |view| view.version > before.version).await;
        let tree = node.engine.workspaces(Some(task)).await.unwrap().remove(0).path;
        std::fs::write(tree.join("go"), "").unwrap();
        view
    });
    assert_eq!(adopted.state.run(run).unwrap().process, process);
    let view = node.runtime.block_on(until_phase(&node.engine, task, Phase::Completed));
    assert_eq!(view.state.run(run).unwrap().state, RunState::Over(Outcome::Completed));
    let lines = node.runtime.block_on(said(&node.engine, run));
    assert_eq!(lines, ["line 1", "line 2"]);
    node.runtime.block_on(node.engine.stop(Drain::Stop));
}

/// Reads what the agent of a run that is over said.
async fn said(engine: &Engine, run: RunId) -> Vec<String> {
    let mut tail = engine.run_log(run).await.unwrap();
    let mut lines = Vec::new();
    loop {
        let events = tail.read(100).await.unwrap();
        if events.is_empty() {
            return lines;
        }
        lines.extend(events.into_iter().filter_map(|event| {
            let Body::Text { text } = event.body else { return None };
            Some(text.to_string())
        }));
    }
}

#[tokio::test]
async fn two_engines_run_in_one_process() {
    let worlds = [World::new(), World::new()];
    let mut running = Vec::new();
    for world in &worlds {
        let engine = started(world).await;
        let task = create(&engine, world.draft(&world.agent(GOOD))).await;
        running.push((engine, task));
    }
    for (engine, task) in running {
        let view = until_phase(&engine, task, Phase::Completed).await;
        assert_eq!(view.row.summary.handle.to_string(), "T-1");
        engine.stop(Drain::Stop).await;
    }
}

#[tokio::test]
async fn stopping_with_the_agents_leaves_no_process_and_detaching_leaves_all() {
    let world = World::new();
    let engine = started(&world).await;
    let task = create(&engine, world.draft(&world.agent("sleep 1000"))).await;
    let run = RunId::new(task, 1);
    until(&engine, task, |_| processes_of(run) >= 2).await;
    engine.stop(Drain::Detach).await;
    assert!(processes_of(run) >= 2);
    let detached = engine.task(task).await.unwrap().version;

    let engine = started(&world).await;
    until(&engine, task, |view| view.version > detached).await;
    engine.stop(Drain::Stop).await;
    assert_eq!(processes_of(run), 0);
    let view = engine.task(task).await.unwrap();
    assert!(matches!(view.state.run(run).unwrap().state, RunState::Over(Outcome::Interrupted { .. })));
    assert!(view.state.interrupted.is_none(), "the next engine goes on by itself");
}

#[tokio::test]
async fn a_program_that_is_not_ipa_runs_a_task() {
    let world = World::new();
    let embed = std::env::current_exe().unwrap().parent().unwrap().join("../examples/embed");
    let repo = world.repo();
    let output = std::process::Command::new(&embed).arg(&repo).arg("say something").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let (branch, commit) = said.trim().split_once(' ').unwrap();
    assert_eq!(git(&repo, &["rev-parse", branch]), commit);
}

#[tokio::test]
async fn a_confined_agent_writes_in_its_workspace_and_nowhere_else() {
    let world = World::new();
    let outside = world.dir.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    let script = format!(
        "cat > /dev/null; echo 42 > answer.txt; if touch {0}/leak; then exit 7; fi; if ls {0}; then exit 8; fi",
        outside.display()
    );
    // The program itself lies in the repository, as everything else of this world is hidden from it.
    std::fs::write(world.repo().join("agent.sh"), format!("#!/bin/sh\n{script}\n")).unwrap();
    git(&world.repo(), &["add", "agent.sh"]);
    git(&world.repo(), &["update-index", "--chmod=+x", "agent.sh"]);
    git(&world.repo(), &["commit", "--quiet", "-m", "agent"]);
    let engine = world.engine_with(SandboxBackend::Auto, |_| {}).await;
    engine.start(Scope::All).await.unwrap();
    let task = create(&engine, world.draft("command:./agent.sh")).await;

    let view =
        until(&engine, task, |view| view.state.phase == Phase::Completed || view.state.retry.is_some()).await;

    assert_eq!(view.state.phase, Phase::Completed, "{:?}", view.state.last_failure);
    assert!(!outside.join("leak").exists());
    let sandbox = view.state.runs[0].sandbox.clone().unwrap();
    assert!(sandbox.starts_with("landlock"), "{sandbox}");
    engine.stop(Drain::Stop).await;
}
