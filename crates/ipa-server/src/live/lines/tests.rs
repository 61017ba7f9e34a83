//! The fold, as tables: what an agent did on the left, what a page shows of it on the right.

use ipa_events::Outcome;
use ipa_events::task::Usage;

use super::*;
use crate::live::{Block, Now, blocks};

/// Reads what an agent did from words: `text`, `think`, `call a Read`, `ok a`, `bad a`, `plan a`, `steps`, `ask k`,
/// `got k`, `gone k`, `retry`, `begin`, `cost 5`, `end`, `over`. Each takes a tenth of a second.
fn events(did: &str) -> Vec<AgentEvent> {
    let bodies = did.split(';').map(|words| body(&words.split_whitespace().collect::<Vec<_>>()));
    (1..).zip(bodies).map(|(seq, body)| AgentEvent { seq, at_ms: seq * 100, body }).collect()
}

fn body(words: &[&str]) -> Body {
    let usage = |cost_microusd| Usage { cost_microusd, ..Usage::default() };
    let result = |id: &str, failed| Body::ToolResult { id: id.into(), output: "out".into(), failed };
    let steps = vec![PlanStep { text: "look".into(), status: "in_progress".into() }];
    match words {
        ["text"] => Body::Text { text: "text".into() },
        ["think"] => Body::Thinking { text: "hm".into() },
        ["call", id, tool] => Body::ToolCall { id: (*id).into(), tool: (*tool).into(), input: "{}".into() },
        ["ok", id] => result(id, false),
        ["bad", id] => result(id, true),
        ["plan", id] => Body::Plan { steps, call: Some((*id).into()) },
        ["steps"] => Body::Plan { steps, call: None },
        ["ask", key] => {
            let (tool, input) = ("Bash".into(), "{}".into());
            Body::Asked(Asked::Permission { key: (*key).into(), tool, input })
        }
        ["got", key] => Body::Resolved { key: (*key).into() },
        ["gone", key] => Body::Withdrawn { key: (*key).into(), why: "over".into() },
        ["retry"] => Body::Retrying { detail: "overloaded, try 2 of 10".into() },
        ["begin"] => Body::TurnStarted,
        ["cost", total] => Body::Usage { total: usage(total.parse().unwrap()) },
        ["end"] => Body::TurnFinished,
        ["over", total] => Body::Finished(Finished {
            outcome: Outcome::Completed,
            exit_code: Some(0),
            product: None,
            usage: usage(total.parse().unwrap()),
        }),
        other => panic!("{other:?}"),
    }
}

fn log_of(did: &str) -> Log {
    let mut log = Log::last(100, None);
    for event in events(did) {
        log.apply(event);
    }
    log
}

/// Says what a page shows: what is folded in brackets behind the line for it, what is always seen after that.
fn shown(log: &Log) -> String {
    let entries: Vec<_> = log.entries.iter().cloned().collect();
    let shown = blocks(&entries).map(|block| match block {
        Block::One(entry) => name(&entry.body),
        Block::Stretch(_, entries) => {
            let tally = Tally::of(entries);
            let tools = tally.most_used().into_iter().map(|(tool, count)| format!("{tool}×{count}"));
            let line = format!("{} in {}ms", tools.collect::<Vec<_>>().join(" "), tally.took_ms);
            let names = entries.iter().map(|entry| name(&entry.body)).collect::<Vec<_>>().join(" ");
            if tally.folds() { format!("[{line}: {names}]") } else { names }
        }
    });
    shown.collect::<Vec<_>>().join(" | ")
}

fn name(body: &EntryBody) -> String {
    match body {
        EntryBody::Tool(tool) => {
            let state = match &tool.state {
                ToolState::Running => "busy",
                ToolState::Back(result) if result.failed => "failed",
                ToolState::Back(_) => "ok",
                ToolState::Lost => "lost",
            };
            format!("{} {state}", tool.name.as_deref().unwrap_or("?"))
        }
        EntryBody::Asked(ask) => format!("{:?}", ask.end),
        EntryBody::Turn(turn) => {
            format!(
                "turn {} {}ms ${} retries {}",
                turn.number, turn.took_ms, turn.usage.cost_microusd, turn.retries
            )
        }
        EntryBody::Over(over) => format!("over after {}, untold ${}", over.turns, over.untold.cost_microusd),
        EntryBody::Said(_) => "said".to_owned(),
        EntryBody::Thought(_) => "thought".to_owned(),
        EntryBody::Plan(_) => "plan".to_owned(),
        EntryBody::Started { .. } | EntryBody::Note(_) | EntryBody::Printed(_) => "note".to_owned(),
    }
}

#[track_caller]
fn check(did: &str, page: &str) {
    assert_eq!(shown(&log_of(did)), page, "{did}");
}

#[test]
fn tools_between_two_things_that_were_said_are_one_line() {
    check("text; call a Read; ok a; text", "said | Read ok | said");
    check(
        "text; call a Read; ok a; call b Read; ok b; call c Edit; ok c; text",
        "said | [Read×2 Edit×1 in 300ms: Read ok Read ok Edit ok] | said",
    );
    check("call a Read; ok a; text; call b Read; ok b", "Read ok | said | Read ok");
    check(
        "call a Read; think; ok a; call b Edit; ok b; think",
        "[Edit×1 Read×1 in 300ms: Read ok thought Edit ok thought]",
    );
}

#[test]
fn what_works_and_what_failed_is_beside_the_line_and_not_counted_in_it() {
    check(
        "call a Read; ok a; call b Bash; bad b; call c Edit; ok c; call d Bash",
        "[Edit×1 Read×1 in 200ms: Read ok Bash failed Edit ok Bash busy]",
    );
    check("call a A; call b B; call c C; ok c; ok a", "[A×1 C×1 in 500ms: A ok B busy C ok]");
    check("call a A; bad a; call b B; bad b", "A failed B failed");
    check("call a A; call b B; ok a; over 0", "A ok B lost | over after 0, untold $0");
}

#[test]
fn a_list_of_steps_stands_in_the_place_of_the_call_that_made_it() {
    check("call a Read; ok a; call t TodoWrite; plan t; ok t; call b Read; ok b", "Read ok plan | Read ok");
    check("call a Read; steps; ok a", "Read ok | plan");
    check("call t TodoWrite; plan t; bad t", "plan | ? failed");
}

#[test]
fn a_question_and_its_end_are_one_entry() {
    check("call a Bash; ask k; got k; ok a", "Bash ok | Got");
    check("ask k; gone k; ask l", r#"Withdrawn("over") | Open"#);
    check("got nobody", "");
}

#[test]
fn a_turn_says_what_it_took_and_nothing_is_counted_twice() {
    check(
        "begin; text; retry; retry; cost 5; end; begin; text; cost 12; end; over 12",
        "said | turn 1 500ms $5 retries 2 | said | turn 2 300ms $7 retries 0 | over after 2, untold $0",
    );
    check("begin; text; over 3", "said | over after 0, untold $3");
    check(
        "begin; cost 5; end; begin; text; over 8",
        "turn 1 200ms $5 retries 0 | said | over after 1, untold $3",
    );
}

#[test]
fn what_a_run_is_at_follows_what_it_did_last() {
    let at = |did: &str| log_of(did).figures().now.clone();
    assert_eq!(at("begin"), Now::Works);
    assert_eq!(at("begin; call a Bash"), Now::Uses("Bash".into()));
    assert_eq!(at("begin; call a Bash; ok a"), Now::Works);
    assert_eq!(at("begin; call a Bash; ask k; text"), Now::Asks);
    assert_eq!(at("begin; call a Bash; ask k; got k"), Now::Works);
    assert_eq!(at("begin; retry"), Now::Retries("overloaded, try 2 of 10".into()));
    assert_eq!(at("begin; retry; text"), Now::Works);
    assert_eq!(at("begin; end"), Now::Idle);
    assert_eq!(at("begin; over 1"), Now::Over);
    let Figures { turns, ended, last_ms, plan, .. } = log_of("begin; steps; end; begin").figures().clone();
    assert_eq!((turns, ended, last_ms, plan.len()), (2, 1, 400, 1));
}

#[test]
fn a_stretch_has_an_end_and_is_kept_or_dropped_whole() {
    let calls = (0..150).map(|n| format!("call {n} Read; ok {n}")).collect::<Vec<_>>().join(";");
    let mut log = Log::last(20, None);
    for event in events(&calls) {
        log.apply(event);
    }
    let entries: Vec<_> = log.entries.iter().cloned().collect();
    let sizes: Vec<_> =
        blocks(&entries).map(|block| matches!(block, Block::Stretch(_, it) if it.len() == 50)).collect();
    assert_eq!((log.earlier, sizes), (100, vec![true]), "the first stretch has 100 and is gone");
}

#[test]
fn the_last_entries_are_kept_with_what_became_of_them_and_the_rest_is_counted() {
    let mut log = Log::last(2, Some(9));
    for event in events("text; text; text; text; text; call a A; text; call b B; text; bad a; ok b") {
        log.apply(event);
        assert!(log.entries.len() <= 2);
    }
    assert_eq!((shown(&log), log.earlier, log.seq), ("said | B ok".to_owned(), 6, 11));
}

#[test]
fn what_changes_comes_one_by_one_and_tells_the_line_of_its_stretch() {
    let mut lines = Lines::default();
    let mut said = Vec::new();
    for event in events("call a A; call b B; ok b; ok a; text; ok x") {
        for Change { how, entry, tally } in lines.apply(event) {
            let count = tally.map(|tally| tally.count());
            said.push((how, entry.seq, entry.stretch, count));
        }
    }
    let expected = [
        (How::New, 1, Some(1), None),
        (How::New, 2, Some(1), None),
        (How::Became, 2, Some(1), Some(1)),
        (How::Became, 1, Some(1), Some(2)),
        (How::New, 5, None, None),
        (How::New, 6, Some(6), Some(1)),
    ];
    assert_eq!(said, expected);
}
